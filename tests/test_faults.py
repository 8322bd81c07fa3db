"""What fails or stops in a run: the others run, what is complete is recorded, nothing remains."""

import errno
import json
import re
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.command_line import PROJECT, finish, save_image, start

import run_ZSSR
from files.arrays import write_array
from files.storage import sha256
from ZSSR import ZSSR

RESULT = '{}_zssr_X2.00X2.00.png'

# Trains nothing, and needs no TensorFlow.
PROGRAM = PROJECT / 'tests' / 'helpers' / 'stub_run.py'


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / 'images'
    folder.mkdir()
    for seed, name in enumerate('abc'):
        save_image(folder / f'{name}.png', seed)
    return folder


@pytest.fixture
def enlarge(folder, run, monkeypatch):
    """Run the folder; `with_image` is called with each image's name before and after it is enlarged."""
    from running.images import run_image

    def enlarge(*arguments, before=lambda name: None, after=lambda name: None):
        did = []

        def watched(files, *rest):
            before(files.name)
            entry = run_image(files, *rest)
            did.append(files.name)
            after(files.name)
            return entry

        monkeypatch.setattr('running.workers.run_image', watched)
        monkeypatch.setattr('running.images.FigureFile.update', lambda *_: None)
        quick = '--seed', '1', '--no-report', '--set=back_projection_iters=[0]'
        done = run('0', '-i', folder, *quick, *arguments)
        done.did = ''.join(did)
        return done

    return enlarge


def record(tmp_path):
    return json.loads((tmp_path / 'results' / 'run.json').read_text())


def stems(tmp_path):
    return sorted(image['stem'] for image in record(tmp_path)['images'])


# One image


def test_too_little_memory_for_one_image_is_its_own_failure(enlarge, folder, tmp_path):
    def before(name):
        if name == 'b':
            raise MemoryError

    done = enlarge(before=before)
    line = f'{folder}/b.png: out of memory; crop it, free memory, or use fewer --workers'
    assert (done.code, done.did, done.err.splitlines()[0]) == (1, 'ac', line)
    assert record(tmp_path)['failures'] == [line] and stems(tmp_path) == ['a', 'c']
    assert enlarge().did == 'b' and record(tmp_path)['failures'] == []


def remove(path):
    path.unlink()


def replace(path):
    save_image(path, 9)


@pytest.mark.parametrize('change', [remove, replace])
def test_what_becomes_of_a_file_after_it_was_read_changes_nothing(
    enlarge, folder, tmp_path, change, monkeypatch
):
    digest, run = sha256(folder / 'b.png'), ZSSR.run

    def changed(net):
        if net.stem == 'b':
            change(folder / 'b.png')
        return run(net)

    monkeypatch.setattr(ZSSR, 'run', changed)
    done = enlarge()
    assert (done.code, done.did, done.err) == (0, 'abc', '')
    assert {image['stem']: image['input_sha256'] for image in record(tmp_path)['images']}['b'] == digest
    monkeypatch.setattr(ZSSR, 'run', run)
    assert enlarge().did == ('b' if change is replace else '')


def test_a_file_that_changes_while_it_is_read_is_refused(enlarge, folder, tmp_path, monkeypatch):
    init = ZSSR.__init__

    def changed(net, path, *arguments, **options):
        init(net, path, *arguments, **options)
        if path.stem == 'b':
            replace(path)

    monkeypatch.setattr(ZSSR, '__init__', changed)
    done = enlarge()
    line = f'{folder}/b.png: was changed while it was read; start again once it is complete'
    assert (done.code, done.did, done.err.splitlines()[0]) == (1, 'ac', line)
    assert not (tmp_path / 'results' / RESULT.format('b')).exists()


# The disk


def full(*arguments):
    raise OSError(28, 'No space left on device')


def test_a_record_that_cannot_be_written_stops_no_image(enlarge, folder, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr('files.run_record.atomic_write', full)
        done = enlarge()
    path = tmp_path / 'results' / 'run.json'
    assert (done.code, done.did) == (1, 'abc') and not path.exists()
    first, last = done.err.splitlines()
    assert first == f'{path}: cannot be written (No space left on device); the results themselves are written'
    assert last.startswith(f'{path}: cannot be written (No space left on device); make room there and start')
    done = enlarge()
    assert (done.code, done.did, done.err) == (0, '', '') and stems(tmp_path) == ['a', 'b', 'c']


def test_a_run_stops_where_there_is_no_room_for_results(enlarge, folder, tmp_path, monkeypatch):
    def before(name):
        if name == 'b':
            monkeypatch.setattr('files.saving.write_result', full)

    from files.saving import write_result

    done = enlarge(before=before)
    assert (done.code, done.did) == (2, 'a') and stems(tmp_path) == ['a']
    reason = 'no room for results (No space left on device); make room there and start again to go on'
    assert done.err.splitlines()[-1] == f'run_ZSSR.py: {tmp_path}/results: {reason}'
    assert not list((tmp_path / 'results').glob('*.tmp'))
    monkeypatch.setattr('files.saving.write_result', write_result)
    done = enlarge()
    assert (done.code, done.did) == (0, 'bc') and record(tmp_path)['failures'] == []


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='/dev/full')
@pytest.mark.parametrize('key', [None, 'arr_0'])
def test_an_array_that_finds_no_room_says_so(key):
    with pytest.raises(OSError) as failure:
        write_array('/dev/full', np.zeros(1 << 16), key)
    assert failure.value.errno == errno.ENOSPC


def test_a_folder_of_results_that_is_deleted_is_made_again(enlarge, tmp_path):
    def after(name):
        if name == 'a':
            shutil.rmtree(tmp_path / 'results')

    done = enlarge(after=after)
    assert (done.code, done.did, done.err) == (0, 'abc', '') and stems(tmp_path) == ['a', 'b', 'c']
    assert [name in done.files for name in map(RESULT.format, 'abc')] == [False, True, True]
    assert enlarge().did == 'a'


def test_a_summary_that_cannot_be_written_is_told(enlarge, tmp_path):
    (tmp_path / 'results' / 'summary.csv').mkdir(parents=True)
    done = enlarge()
    assert (done.code, done.did) == (0, 'abc') and stems(tmp_path) == ['a', 'b', 'c']
    assert done.err.startswith(f'{tmp_path}/results: no summary (') and done.err.count('\n') == 1


# A run that is stopped


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize(('number', 'code'), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_stopped_keeps_what_is_complete(folder, tmp_path, workers, number, code, capsys):
    """It is stopped while `wait` is at work; one process alone does not come to `z` then."""
    for name in ('wait', 'z'):
        save_image(folder / f'{name}.png')
    results = tmp_path / 'results'
    arguments = ['0', '-i', folder, '-o', results, '--no-report', '-j', workers or 1]
    process = start(*arguments, program=[PROGRAM], python_path=PROJECT, start_new_session=True)
    done, ended = ('abcz', r'\d of 5  [abcz].png: ') if workers else ('abc', '[abc] is done')
    for _ in done:
        while not re.match(ended, line := process.stdout.readline()):
            assert line
    while not list(results.glob('.*.tmp')):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    stopped = finish(process)  # which waits until all that hold the pipes have ended
    assert (stopped[0], stopped[2]) == (code, 'run_ZSSR.py: stopped; finished images are kept\n')
    assert stems(tmp_path) == sorted(done) and not list(results.glob('.*'))
    rows = (results / 'summary.csv').read_text().splitlines()
    left = [row for row in rows if ',left,' in row]
    assert len(rows) == 6 and len(left) == 5 - len(done)
    (folder / 'wait.png').unlink()
    (folder / 'z.png').unlink()
    assert run_ZSSR.main([*map(str, arguments)]) == 0
    assert '3 of 3 images are done already' in capsys.readouterr().out
