"""jobs.py, earlier.py and run_record.py: what a result is known by, and what a folder keeps of it."""

import json
from dataclasses import fields, replace

import pytest

from configs import Config
from files.earlier import JOURNAL, Earlier
from files.image_files import ImageFiles
from files.jobs import check_unchanged, deciding, digest_files, job_key
from files.run_record import RunRecord

# Another value of every field that is not a number or a truth value.
OTHERS = {
    'merge_views': 'mean',
    'scale_factors': [[3.0, 3.0]],
    'base_change_sfs': [[1.5, 1.5]],
    'back_projection_iters': [11],
    'network_grid': 'low',
    'precision': 'bfloat16',
    'downscale_method': 'linear',
    'upscale_method': 'linear',
    'downscale_gt_method': 'linear',
    'optimizer': 'muon',
    'rate_policy': 'linear',
    'from_image': ['kernel'],
    'value_range': 'auto',
    'pages': 'all',
    'result_format': 'tif',
    'seed': 5,
}
# Where files lie and what is shown decides no result.
ASIDE = {
    **{'name': 'other', 'input_path': 'other', 'result_path': 'other', 'result_file': 'other.png'},
    **{'random_crop': False, 'display_every': 7, 'display_test_results': False, 'plot_losses': True},
    **{'large': True, 'create_results_dir': False, 'create_code_copy': False, 'save_results': True},
}


@pytest.fixture
def files(tmp_path):
    """An image, its truth and a kernel, whose bytes are all that counts here."""
    for name in ('a.png', 'a_gt.png', 'a_0.mat'):
        (tmp_path / name).write_bytes(name.encode())
    return ImageFiles('a', tmp_path / 'a.png', tmp_path / 'a_gt.png', (tmp_path / 'a_0.mat',))


def key(files, conf=None):
    return job_key(files, digest_files(files), conf or Config())


# What a result is known by


@pytest.mark.parametrize('part', ['input', 'ground_truth', 'kernel'])
def test_a_job_is_another_with_other_bytes(files, part):
    before = key(files)
    path = files.kernels[0] if part == 'kernel' else getattr(files, part)
    path.write_bytes(b'others')
    assert key(files) != before


def test_a_job_is_another_without_truth_or_kernels(files):
    keys = {key(files), key(replace(files, ground_truth=None)), key(replace(files, kernels=None))}
    assert len(keys) == 3


def test_kernels_have_an_order(files, tmp_path):
    (tmp_path / 'a_1.mat').write_bytes(b'two')
    kernels = (*files.kernels, tmp_path / 'a_1.mat')
    assert key(replace(files, kernels=kernels)) != key(replace(files, kernels=kernels[::-1]))


@pytest.mark.parametrize('name', [field.name for field in fields(Config) if field.name not in ASIDE])
def test_every_field_that_decides_a_result_decides_the_job(files, name):
    value = getattr(Config(), name)
    other = OTHERS[name] if name in OTHERS else not value if isinstance(value, bool) else value + 1
    assert key(files, replace(Config(), **{name: other})) != key(files)


@pytest.mark.parametrize('name', ASIDE)
def test_names_folders_and_display_decide_nothing(files, name):
    assert ASIDE[name] != getattr(Config(), name)
    assert key(files, replace(Config(), **{name: ASIDE[name]})) == key(files)


def test_a_job_is_the_same_wherever_its_files_lie(files, tmp_path):
    before, moved = key(files), tmp_path / 'moved'
    moved.mkdir()
    kernel = files.kernels[0].rename(moved / 'k.mat')
    paths = {'input': files.input.rename(moved / 'b.png')}
    paths['ground_truth'] = files.ground_truth.rename(moved / 't.png')
    assert key(ImageFiles('b', kernels=(kernel,), **paths)) == before


def test_a_new_version_does_all_again(files, monkeypatch):
    before = key(files)
    monkeypatch.setattr('files.jobs.__version__', '0.0.1')
    assert key(files) != before


def test_pairs_and_lists_are_one_thing_to_a_record(files):
    conf = replace(Config(), scale_factors=[(2.0, 2.0)])
    assert key(files, conf) == key(files) and deciding(conf) == json.loads(json.dumps(deciding(conf)))


def test_what_changes_while_it_is_read_is_refused(files):
    digests = digest_files(files)
    check_unchanged(digests)
    files.ground_truth.write_bytes(b'others')
    with pytest.raises(ValueError, match=r'a_gt\.png: was changed while it was read'):
        check_unchanged(digests)
    files.ground_truth.unlink()
    with pytest.raises(FileNotFoundError):
        check_unchanged(digests)


# What a folder keeps


@pytest.fixture
def record(tmp_path):
    """Begin a RunRecord in a folder, as a run does that knows what is there."""

    def begin(seed=1, folder=tmp_path / 'results', **options):
        folder.mkdir(exist_ok=True)
        conf = Config(result_path=str(folder), save_results=True, seed=seed)
        return RunRecord(conf, {}, earlier=Earlier.read(folder), **options)

    return begin


def entry(stem, **facts):
    scales = [{'sf': [2, 2], 'output': f'{stem}.png'}]
    return {'stem': stem, 'input': f'/in/{stem}.png', 'ground_truth': None, 'scales': scales, **facts}


def stems(folder):
    return [image['stem'] for image in json.loads((folder / 'run.json').read_text())['images']]


def kill(record):
    """Leave all as a killed run would: run.json long ago, and the journal since."""
    record._cost = 1e9


def test_the_first_image_is_in_run_json_and_the_next_in_the_journal(record, tmp_path):
    folder, run = tmp_path / 'results', record()
    run.add(entry('a'))
    assert stems(folder) == ['a'] and not (folder / JOURNAL).exists()
    kill(run)
    run.add(entry('b'))
    run.add(failure='/in/c.png: no')
    assert stems(folder) == ['a'] and len((folder / JOURNAL).read_text().split('\n')) == 3
    earlier = Earlier.read(folder)
    assert list(earlier.images) == ['a', 'b'] and earlier.failures == ['/in/c.png: no']
    assert earlier.config['seed'] == 1
    run.close()
    assert stems(folder) == ['a', 'b'] and not (folder / JOURNAL).exists()


def test_a_torn_line_of_a_journal_costs_no_other(record, tmp_path):
    folder, run = tmp_path / 'results', record()
    run.add(entry('a'))
    kill(run)
    for stem in 'bc':
        run.add(entry(stem))
    journal = folder / JOURNAL
    journal.write_text(journal.read_text()[:-7])
    assert list(Earlier.read(folder).images) == ['a', 'b']
    again = record()
    again._written = 0.0  # as if run.json could not be written: all that follows is in the journal
    kill(again)
    again.add(entry('d'))
    assert list(Earlier.read(folder).images) == ['a', 'b', 'd']


def test_what_a_killed_run_left_is_taken_over_even_if_nothing_is_to_be_done(record, tmp_path):
    folder, run = tmp_path / 'results', record()
    run.add(entry('a'))
    kill(run)
    run.add(entry('b'))
    record().close()
    assert stems(folder) == ['a', 'b'] and not (folder / JOURNAL).exists()


def test_a_run_that_does_nothing_writes_nothing(record, tmp_path):
    record().close()
    assert not list((tmp_path / 'results').iterdir())


def test_the_later_entry_of_an_image_is_the_valid_one(record, tmp_path):
    folder, run = tmp_path / 'results', record()
    run.add(entry('a', seconds=1))
    kill(run)
    run.add(entry('a', seconds=2))
    assert Earlier.read(folder).images['a']['seconds'] == 2
    run.close()
    (image,) = json.loads((folder / 'run.json').read_text())['images']
    assert image['seconds'] == 2


def test_a_failure_is_listed_once_however_often_it_is_written(record, tmp_path):
    folder, run = tmp_path / 'results', record()
    run.add(entry('a'))
    run.add(failure='/in/b.png: no')
    run.close()
    (folder / JOURNAL).write_text('\n"/in/b.png: no"')  # killed between run.json and the end of the journal
    assert Earlier.read(folder).failures == ['/in/b.png: no']


def test_the_journal_is_of_the_configuration_beside_it(record, tmp_path, monkeypatch):
    """However early a run is killed, its images are not taken for those of another configuration."""
    folder, run = tmp_path / 'results', record(seed=1)

    def killed(path, data):
        raise KeyboardInterrupt

    monkeypatch.setattr('files.run_record.atomic_write', killed)
    with pytest.raises(KeyboardInterrupt):
        run.add(entry('a'))
    assert not Earlier.read(folder).images


def test_what_fails_to_be_recorded_is_told_and_made_good(record, tmp_path, monkeypatch):
    folder, run = tmp_path / 'results', record()

    def full(path, data):
        raise OSError(28, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr('files.run_record.atomic_write', full)
        run.add(entry('a'))
        assert run.trouble == f'{folder}/run.json: cannot be written (No space left on device)'
        # A line may fit where a whole record does not.
        assert list(Earlier.read(folder).images) == ['a']
    run.add(entry('b'))
    assert run.trouble is None and stems(folder) == ['a', 'b']


def test_a_folder_in_the_place_of_run_json_is_told_of(record, tmp_path):
    run = record()
    (tmp_path / 'results' / 'run.json').mkdir()
    run.add(entry('a'))
    run.close()
    assert run.trouble.startswith(f'{tmp_path}/results/run.json: cannot be written (')


def test_a_folder_that_was_deleted_is_made_again(record, tmp_path):
    run = record()
    run.add(entry('a'))
    for path in (tmp_path / 'results').iterdir():
        path.unlink()
    (tmp_path / 'results').rmdir()
    run.add(entry('b'))
    run.close()
    assert run.trouble is None and stems(tmp_path / 'results') == ['a', 'b']
