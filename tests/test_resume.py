"""The same command again does only what is missing; two runs into one folder never lose a record."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from helpers.command_line import PROJECT, TINY, save_image

import run_ZSSR
from configs import Config
from files.earlier import JOURNAL
from files.run_folder import RunFolder, owned

RESULT = '{}_zssr_X2.00X2.00.png'


@pytest.fixture
def folder(tmp_path):
    """A folder of three images."""
    folder = tmp_path / 'images'
    folder.mkdir()
    for seed, name in enumerate('abc'):
        save_image(folder / f'{name}.png', seed)
    return folder


@pytest.fixture
def again(folder, tmp_path, run, monkeypatch):
    """Run the folder; returns what happened, with the names of the images that were enlarged (`did`)."""
    from running.images import run_image

    did = []

    def counted(files, *arguments):
        did.append(files.name)
        return run_image(files, *arguments)

    monkeypatch.setattr('running.workers.run_image', counted)
    monkeypatch.setattr('running.images.FigureFile.update', lambda *_: None)  # which takes the most time

    def again(*arguments, inputs=('-i', folder), **options):
        did.clear()
        quick = '--seed', '1', '--no-report', '--set=back_projection_iters=[0]'
        done = run('0', *inputs, *quick, *arguments, **options)
        done.did = ''.join(did)
        return done

    return again


def record(tmp_path):
    return json.loads((tmp_path / 'results' / 'run.json').read_text())


def stems(tmp_path):
    return [image['stem'] for image in record(tmp_path)['images']]


def rewrite(tmp_path, change):
    """Change what run.json has of every image."""
    told = record(tmp_path)
    for image in told['images']:
        change(image)
    (tmp_path / 'results' / 'run.json').write_text(json.dumps(told))


# Only what is missing


def test_what_is_done_is_not_done_again(again, tmp_path):
    assert again().did == 'abc'
    before = record(tmp_path)
    done = again()
    assert (done.code, done.did, done.err) == (0, '', '') and record(tmp_path) == before
    assert '3 of 3 images are done already (--force does them again)\n' in done.out
    assert done.out.splitlines()[-1] == f'{tmp_path}/results/'


def test_a_new_image_is_added_to_the_record(again, folder, tmp_path):
    again()
    save_image(folder / 'd.png', 4)
    done = again()
    assert done.did == 'd' and stems(tmp_path) == ['a', 'b', 'c', 'd']
    assert '3 of 4 images are done already' in done.out


def delete(result):
    result.unlink()


def alter(result):
    result.write_bytes(result.read_bytes() + b' ')


def truncate(result):
    os.truncate(result, 100)


@pytest.mark.parametrize('harm', [delete, alter, truncate])
def test_a_result_that_is_not_as_it_was_left_is_made_again(again, tmp_path, harm):
    again()
    result = tmp_path / 'results' / RESULT.format('b')
    before = result.read_bytes()
    harm(result)
    assert again().did == 'b' and result.read_bytes() == before and sorted(stems(tmp_path)) == ['a', 'b', 'c']


def test_every_scale_has_to_be_there(again, tmp_path):
    steps = ['--set=scale_factors=[1.5,2]', '--set=back_projection_iters=[0,0]']
    again(*steps)
    (tmp_path / 'results' / 'a_zssr_X1.50X1.50.png').unlink()
    assert again(*steps).did == 'a'


def test_an_image_that_is_not_recorded_is_done(again, tmp_path):
    again()
    told = record(tmp_path)
    told['images'] = [image for image in told['images'] if image['stem'] != 'c']
    (tmp_path / 'results' / 'run.json').write_text(json.dumps(told))
    assert again().did == 'c' and stems(tmp_path) == ['a', 'b', 'c']


def test_of_a_run_that_was_killed_the_journal_counts(again, tmp_path):
    again()
    told, journal = record(tmp_path), tmp_path / 'results' / JOURNAL
    lines = [json.dumps(image) for image in told['images'][1:]]
    told['images'] = told['images'][:1]
    (tmp_path / 'results' / 'run.json').write_text(json.dumps(told))
    journal.write_text('\n' + '\n'.join(lines)[:-9])  # the last line is torn
    assert again().did == 'c' and stems(tmp_path) == ['a', 'b', 'c'] and not journal.exists()


def test_what_is_recorded_without_a_key_is_done_again(again, tmp_path):
    again()
    rewrite(tmp_path, lambda image: [image.pop(name) for name in ('key', 'threads')])
    assert again().did == 'abc' and again().did == ''


def test_a_changed_input_truth_or_kernel_is_done_again(again, folder, tmp_path):
    again()
    save_image(folder / 'a.png', 9)
    save_image(folder / 'b_gt.png', 1, (40, 48, 3))
    (folder / 'c_0.txt').write_text('0 0 0\n0 1 0\n0 0 0\n')
    assert again().did == 'abc' and again().did == ''
    save_image(folder / 'b_gt.png', 2, (40, 48, 3))
    assert again().did == 'b'


def test_a_truth_that_does_not_fit_is_no_reason_to_do_it_again(again, folder):
    save_image(folder / 'a_gt.png', shape=(9, 9, 3))
    first = again()
    assert first.did == 'abc' and 'a.png: WARNING: not measured' in first.err
    second = again()
    assert (second.did, second.code) == ('', 0) and 'a.png: WARNING: not measured' in second.err


def test_images_are_known_wherever_they_lie(again, folder):
    again()
    folder = folder.rename(folder.with_name('moved'))
    assert again(inputs=('-i', folder)).did == ''


def test_in_a_folder_of_inputs_and_results_these_are_no_inputs(again, folder, tmp_path):
    for _ in range(2):
        done = again(output=folder)
        assert done.did in ('abc', '') and done.code == 0
    assert done.did == ''
    # What is named is wanted.
    assert again(output=folder, inputs=['-i', folder / RESULT.format('a')]).did == RESULT.format('a')[:-4]


def test_what_a_killed_run_left_unrecorded_is_no_input_either(again, folder):
    for name in (RESULT.format('a'), 'a_losses.png'):
        save_image(folder / name)
    assert again(output=folder).did == 'abc'


def test_an_input_that_is_empty_now_loses_no_other(again, folder, tmp_path):
    again()
    (folder / 'a.png').write_bytes(b'')
    save_image(folder / 'd.png', 4)
    done = again()
    assert (done.code, done.did) == (1, 'd')
    assert f'{folder}/a.png: is an empty file' in done.err.splitlines()[0]
    assert stems(tmp_path) == ['a', 'b', 'c', 'd']


def test_a_rerun_in_which_all_fail_is_recorded(again, folder, tmp_path):
    again()
    for name in 'abc':
        (folder / f'{name}.png').write_bytes(b'no image')
    assert again().code == 1
    assert len(record(tmp_path)['failures']) == 3 and stems(tmp_path) == ['a', 'b', 'c']


def test_the_report_tells_of_all_that_there_is(again, folder, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr('comparing.comparison.report_run', lambda folder: written.append(folder) or 1 / 0)
    options = '0', '--seed', '1', '--set=back_projection_iters=[0]', '-q', *TINY
    command = [*options, '-o', str(tmp_path / 'results'), '-i', str(folder)]
    assert run_ZSSR.main(command) == 0 and len(written) == 1
    (tmp_path / 'results' / 'report.html').write_bytes(b'')
    assert run_ZSSR.main(command) == 0 and len(written) == 1
    os.utime(tmp_path / 'results' / 'report.html', (0, 0))  # of before the last image
    assert run_ZSSR.main(command) == 0 and len(written) == 2


def test_a_single_image_that_is_done_names_its_result(again, folder, tmp_path):
    save_image(folder / 'a_gt.png', shape=(40, 48, 3))
    first = again(inputs=['-i', folder / 'a.png'])
    second = again(inputs=['-i', folder / 'a.png'])
    assert (first.did, second.did) == ('a', '') and ' dB (bicubic ' in second.out
    assert second.out.splitlines()[-1] == first.out.splitlines()[-1]


def test_where_nothing_is_left_tensorflow_is_not_loaded(again, folder, tmp_path):
    again()
    script = (
        'import sys, run_ZSSR; code = run_ZSSR.main(sys.argv[1:]); '
        "assert 'tensorflow' not in sys.modules; sys.exit(code)"
    )
    quick = '--seed', '1', '--no-report', '--set=back_projection_iters=[0]'
    arguments = ['0', '-i', folder, *quick, *TINY, '-o', tmp_path / 'results']
    for more in ([], ['-j', '2'], ['--cluster', '127.0.0.1:9']):
        command = [sys.executable, '-c', script, *map(str, [*arguments, *more])]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stderr) == (0, '')
        assert done.stdout.splitlines()[-1] == f'{tmp_path}/results/'


# All again


def test_force_does_all_again(again, folder, tmp_path):
    again()
    before = {image['stem']: image['seconds'] for image in record(tmp_path)['images']}
    assert again('--force').did == 'abc' and stems(tmp_path) == ['a', 'b', 'c']
    assert {image['stem']: image['seconds'] for image in record(tmp_path)['images']} != before
    assert again().did == ''


def test_another_configuration_is_refused_in_a_line(again, tmp_path):
    again()
    before = record(tmp_path)
    done = again('--set=noise_std=0.25', '--set=batch_size=2')
    assert (done.code, done.out, done.did) == (2, '', '')
    assert done.err == (
        f'run_ZSSR.py: {tmp_path}/results: holds results of another configuration (noise_std 0.0, '
        'batch_size 1); choose another --output, or add --force to replace them\n'
    )
    assert record(tmp_path) == before
    for change in ('--seed=2', '--ext=tif', '--scale=3'):
        assert again(change).code == 2
    assert again('--set=display_every=3').code == 0


def test_force_replaces_another_configuration(again, folder, tmp_path):
    again()
    assert again('--set=batch_size=2', '--force', inputs=['-i', folder / 'b.png']).did == 'b'
    assert stems(tmp_path) == ['b'] and record(tmp_path)['config']['batch_size'] == 2


def test_what_is_replaced_is_no_input(again, folder):
    again(output=folder)
    assert again('--set=batch_size=2', '--force', output=folder).did == 'abc'


@pytest.mark.parametrize(
    ('before', 'after'),
    [
        ('scale_factors=[[2,2]]', 'scale_factors=[2.0]'),
        ('noise_std=0', 'noise_std=0.0'),
        ("from_image=['noise_std','kernel']", "from_image=['kernel','noise_std']"),
    ],
)
def test_what_means_the_same_is_the_same_configuration(again, folder, before, after):
    image = ['-i', folder / 'a.png']
    assert again(f'--set={before}', inputs=image).did == 'a'
    done = again(f'--set={after}', inputs=image)
    assert (done.code, done.did) == (0, '')


def test_another_image_of_the_same_name_replaces_nothing(again, folder, tmp_path):
    again()
    other = tmp_path / 'others'
    other.mkdir()
    for seed, name in enumerate('ad'):
        save_image(other / f'{name}.png', 5 + seed)
    before = (tmp_path / 'results' / RESULT.format('a')).read_bytes()
    done = again(inputs=('-i', other))
    line = f'{other}/a.png: its result would replace that of {folder}/a.png in {tmp_path}/results; '
    line += 'choose another --output, or add --force'
    assert (done.code, done.did) == (1, 'd') and done.err.splitlines()[0] == line
    assert record(tmp_path)['failures'] == [line] and stems(tmp_path) == ['a', 'b', 'c', 'd']
    assert (tmp_path / 'results' / RESULT.format('a')).read_bytes() == before
    assert again(inputs=('-i', other / 'a.png')).code == 2
    assert again('--force', inputs=('-i', other)).did == 'ad'
    assert record(tmp_path)['failures'] == [] and stems(tmp_path) == ['a', 'b', 'c', 'd']


def test_failures_are_kept_until_they_are_tried_again(again, folder, tmp_path):
    (folder / 'b.png').write_bytes(b'no image')
    first = again()
    assert (first.code, first.did) == (1, 'ac')
    (line,) = record(tmp_path)['failures']
    save_image(tmp_path / 'd.png')
    assert again(inputs=('-i', tmp_path / 'd.png')).code == 0
    assert record(tmp_path)['failures'] == [line] and stems(tmp_path) == ['a', 'c', 'd']
    assert again().code == 1 and record(tmp_path)['failures'] == [line]
    save_image(folder / 'b.png')
    assert again().did == 'b' and record(tmp_path)['failures'] == []


# Two at once


def test_a_second_run_into_the_folder_is_refused(again, tmp_path):
    again()
    before = record(tmp_path)
    with owned(tmp_path / 'results'):
        done = again('--force')
    assert (done.code, done.did, record(tmp_path)) == (2, '', before)
    line = 'another run is writing there; wait for its end, or choose another --output'
    assert done.err == f'run_ZSSR.py: {tmp_path}/results: {line}\n'
    assert again('--force').did == 'abc'


def test_a_run_that_comes_second_to_a_new_folder_is_refused(again, tmp_path, monkeypatch):
    """Both find no folder; one has made it, and is gone again, when the other would."""
    made, make = [], RunFolder.make

    def late(self):
        if not made:
            made.append(True)
            assert run_ZSSR.main(['0', '-i', str(one), '-o', str(tmp_path / 'results'), *TINY, '-q']) == 0
        make(self)

    one = save_image(tmp_path / 'one.png')
    monkeypatch.setattr(RunFolder, 'make', late)
    done = again()
    assert done.code == 2 and 'another run has written there meanwhile; start again to go on' in done.err
    assert stems(tmp_path) == ['one']


def test_the_folder_of_a_killed_run_is_free_and_cleared(again, tmp_path):
    results = tmp_path / 'results'
    results.mkdir()
    leftover = results / f'.{"0" * 32}.tmp'
    script = (
        'import sys, time; from files.run_folder import owned\n'
        'with owned(sys.argv[1]):\n open(sys.argv[2], "w").close(); print("in", flush=True); time.sleep(600)'
    )
    command = [sys.executable, '-c', script, results, leftover]
    owner = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE)
    assert owner.stdout.readline() == b'in\n'
    assert again().code == 2 and leftover.exists()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    assert again().did == 'abc' and not leftover.exists()


def test_a_folder_of_ones_own_is_never_removed(tmp_path):
    """Whatever goes wrong before the run has a folder of its own: this is the one above it."""
    (tmp_path / 'results' / 'code').mkdir(parents=True)
    conf = Config(save_results=True, result_path=str(tmp_path / 'results'))
    with pytest.raises(KeyboardInterrupt), RunFolder(conf):
        raise KeyboardInterrupt
    assert (tmp_path / 'results' / 'code').is_dir()


def test_a_run_that_breaks_off_with_nothing_leaves_no_folder(tmp_path, run, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    started = time.monotonic()
    done = run('0', '-i', folder, '--cluster', 'tcp://127.0.0.1:9', output=None)
    assert done.code == 2 and done.err.count('\n') == 1 and 'no scheduler answers there' in done.err
    assert time.monotonic() - started < 30
    assert not list((tmp_path / 'results').iterdir())
