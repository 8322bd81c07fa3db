"""run_folder.py: the folder of a run, and the copy of the code in it."""

import time
from pathlib import Path

from configs import Config
from files import run_folder
from utils import (
    prepare_result_dir,
)

NOON = time.struct_time((2024, 2, 3, 12, 5, 9, 5, 34, 0))


def test_a_results_folder_is_named_by_configuration_and_time(tmp_path):
    conf = Config(name='mine', result_path=str(tmp_path / 'new'), create_code_copy=False)
    folder = prepare_result_dir(conf, NOON)
    assert folder == tmp_path / 'new' / 'mine_Feb_03_12_05_09'
    assert list(folder.iterdir()) == []


def test_runs_of_one_second_get_folders_of_their_own(tmp_path):
    conf = Config(result_path=str(tmp_path), create_code_copy=False)
    folders = [prepare_result_dir(conf, NOON) for _ in range(3)]
    assert len(set(folders)) == 3
    assert all(folder.is_dir() and folder.name.startswith(folders[0].name) for folder in folders)


CODE = (
    'ZSSR.py',
    'configs.py',
    'imresize.py',
    'utils.py',
    'learning/network.py',
    'comparing/page.html',
    'blind/estimator.npz',
)


def test_the_code_is_copied_into_the_results_folder(tmp_path):
    folder = prepare_result_dir(Config(result_path=str(tmp_path)))
    copied = {str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file()}
    assert set(map('code/{}'.format, CODE)) <= copied
    assert all(name.startswith('code/') and name.endswith(('.py', '.html', '.npz')) for name in copied)
    assert not [name for name in copied if name.startswith(('code/tests', 'code/results'))]


def test_without_a_folder_of_its_own_a_run_writes_to_the_path_itself(tmp_path):
    conf = Config(result_path=str(tmp_path / 'a' / 'b'), create_results_dir=False)
    assert prepare_result_dir(conf) == prepare_result_dir(conf) == tmp_path / 'a' / 'b'
    assert list((tmp_path / 'a' / 'b').iterdir()) == []


def test_a_folder_that_nothing_came_to_is_removed(tmp_path):
    conf = Config(result_path=str(tmp_path / 'results'), save_results=True)
    conf.result_path = str(run_folder.make_results_folder(conf))
    run_folder.remove_if_empty(conf)
    assert not Path(conf.result_path).exists() and (tmp_path / 'results').is_dir()
    conf.result_path = str(tmp_path / 'results')
    conf.result_path = str(run_folder.make_results_folder(conf))
    (Path(conf.result_path) / 'run.json').touch()
    run_folder.remove_if_empty(conf)
    conf.create_results_dir, conf.result_path = False, str(tmp_path)  # a folder of the user's own
    run_folder.remove_if_empty(conf)
    assert len(list(tmp_path.rglob('run.json'))) == 1
