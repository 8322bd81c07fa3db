"""inputs.py: which images there are, what belongs to each, and which can be used."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import TINY as FIELDS
from helpers.command_line import PROJECT, save_image

from configs import Config, get_config
from running import inputs
from running.inputs import kernel_note


@pytest.fixture
def conf(tmp_path):
    return Config(**{**FIELDS, 'save_results': True}, result_path=str(tmp_path / 'results'))


def touch(folder, *names):
    for name in names:
        (folder / name).touch()


def test_images_of_a_folder_without_ground_truths_and_other_files(tmp_path):
    touch(tmp_path, 'b.png', 'a.JPG', 'c.tiff', 'a_gt.png', 'b_0.mat', 'notes.txt', '.b.png.tmp')
    (tmp_path / 'folder.png').mkdir()
    found, is_folder = inputs.find_inputs(tmp_path)
    assert [path.name for path in found] == ['a.JPG', 'b.png', 'c.tiff'] and is_folder


def test_a_file_is_taken_whatever_its_name(tmp_path):
    touch(tmp_path, 'a_gt.dat')
    assert inputs.find_inputs(tmp_path / 'a_gt.dat') == ([tmp_path / 'a_gt.dat'], False)


def test_folders_of_presets_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, _ = inputs.find_inputs(get_config('X2_REAL_CONF').input_path)
    assert found and all(path.is_relative_to(PROJECT) for path in found)


@pytest.mark.parametrize('name', ['a_gt.png', 'a_gt.tif'])
def test_ground_truth_beside_the_image(tmp_path, name):
    touch(tmp_path, 'a.png', name)
    assert inputs.find_files(tmp_path / 'a.png', Config())[0].ground_truth == tmp_path / name
    assert inputs.find_files(tmp_path / 'a.png', Config(), None, 'given.png')[0].ground_truth == Path(
        'given.png'
    )
    assert inputs.find_files(tmp_path / 'b.png', Config())[0].ground_truth is None


def test_kernels_beside_the_image_come_before_those_of_the_project(tmp_path, monkeypatch):
    monkeypatch.setattr(inputs, 'PROJECT', tmp_path)
    conf = Config(scale_factors=[1.5, 2])
    for folder in ('kernels', 'photos'):
        (tmp_path / folder).mkdir()
        touch(tmp_path / folder, 'a_0.mat')
    touch(tmp_path / 'kernels', 'a_1.mat')
    files, warning = inputs.find_files(tmp_path / 'photos' / 'a.png', conf)
    assert files.kernels == (tmp_path / 'photos' / 'a_0.mat', tmp_path / 'kernels' / 'a_1.mat')
    assert kernel_note(files, conf) == f'kernel {files.kernels[0]}, {files.kernels[1]}' and warning is None
    files, _ = inputs.find_files(tmp_path / 'photos' / 'a.png', conf, ['b', 'c'])
    assert (files.kernels, kernel_note(files, conf)) == ((Path('b'), Path('c')), 'kernel b, c')


def test_an_empty_list_of_kernels_leaves_those_beside_the_image_alone(tmp_path):
    touch(tmp_path, 'a.png', 'a_0.mat')
    conf = Config(scale_factors=[1.5, 2])
    assert inputs.find_files(tmp_path / 'a.png', conf)[1] is not None
    files, warning = inputs.find_files(tmp_path / 'a.png', conf, [])
    assert files.kernels is None and warning is None


def test_a_partial_set_is_not_used(tmp_path):
    touch(tmp_path, 'a_0.mat', 'a_2.mat')
    conf = Config(scale_factors=[1.2, 1.5, 2], downscale_method='linear')
    files, warning = inputs.find_files(tmp_path / 'a.png', conf)
    assert files.kernels is None and kernel_note(files, conf) == 'no kernel, linear interpolation'
    assert str(tmp_path / 'a.png') in warning and 'a_1.mat is missing' in warning


def test_of_two_inputs_with_one_stem_the_second_is_set_aside(tmp_path, conf):
    images = [inputs.find_files(save_image(tmp_path / name), conf)[0] for name in ('a.bmp', 'a.png', 'b.png')]
    good, failures = inputs.check_images(images, conf)
    assert good == [replace(images[0], channels=3), replace(images[2], channels=3)]
    assert failures == [f'{tmp_path}/a.png: its results would replace those of a.bmp; rename one of the two']
