"""inputs.py: which images there are, what belongs to each, and which can be used."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY as FIELDS
from helpers.command_line import PROJECT, save_image

from configs import Config, get_config
from files import memory
from learning.strips import bytes_per_sample
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
    good, failures, _ = inputs.check_images(images, conf)
    known = {'channels': 3, 'size': (20, 24)}
    assert good == [replace(images[0], **known), replace(images[2], **known)]
    assert failures == [f'{tmp_path}/a.png: its results would replace those of a.bmp; rename one of the two']


def names(paths):
    return [path.name for path in paths]


def test_several_files_folders_and_patterns(tmp_path):
    (tmp_path / 'scans').mkdir()
    touch(tmp_path, 'z.png', 'a.png')
    touch(tmp_path / 'scans', 'b.tif', 'c.tif', 'c_gt.tif', 'd.png', 'notes.txt')
    places = [tmp_path / 'z.png', tmp_path / 'scans' / '*.tif', tmp_path / 'scans', tmp_path / 'a.png']
    found = inputs.find_all(places)
    assert names(found.paths) == ['z.png', 'b.tif', 'c.tif', 'd.png', 'a.png'] and found.several
    assert found.unread == ['notes.txt']


def test_of_files_that_the_shell_expanded_ground_truths_are_none(tmp_path):
    touch(tmp_path, 'a.png', 'a_gt.png', 'b_gt.png')
    found = inputs.find_all(sorted(tmp_path.iterdir()))
    assert names(found.paths) == ['a.png', 'b_gt.png'] and found.several
    assert names(inputs.find_all([tmp_path / 'a_gt.png']).paths) == ['a_gt.png']


def test_a_name_with_brackets_is_a_file_before_it_is_a_pattern(tmp_path):
    touch(tmp_path, 'a[1].png', 'a1.png')
    assert inputs.find_inputs(tmp_path / 'a[1].png') == ([tmp_path / 'a[1].png'], False)
    assert inputs.find_inputs(tmp_path / 'a[1-3].png') == ([tmp_path / 'a1.png'], True)


def test_files_that_are_not_read_are_named_once_and_kernels_are_not(tmp_path):
    touch(tmp_path, 'photo.png', 'photo_gt.png', 'notes.txt', 'a.pdf', '.hidden')
    touch(tmp_path, 'photo_0.mat', 'photo_1.npy', 'photo_0.txt', 'photo_0.svg', 'other_0.mat')
    (tmp_path / 'folder').mkdir()
    found = inputs.find_all([tmp_path])
    assert inputs.unread_note(found.unread) == 'not read: a.pdf, notes.txt, other_0.mat'
    assert inputs.unread_note([]) is None
    assert inputs.unread_note(list('abcdefghijkl')) == 'not read: a, b, c, d, e, f, g, h, i, j and 2 more'


@pytest.mark.parametrize('suffix', ['.mat', '.npy', '.txt', '.png'])
def test_kernels_of_every_kind_are_found_by_their_name(tmp_path, suffix):
    save_image(tmp_path / 'photo.png', shape=(40, 48, 3))
    kernel = tmp_path / f'photo_0{suffix}'
    save_image(kernel, shape=(11, 13, 1)) if suffix == '.png' else kernel.touch()
    files, warning = inputs.find_files(tmp_path / 'photo.png', Config())
    assert files.kernels == (kernel,) and warning is None
    assert names(inputs.find_all([tmp_path]).paths) == ['photo.png']


@pytest.mark.parametrize('shape', [(40, 48, 3), (65, 20, 1), (21, 13, 1)])
def test_the_next_picture_of_a_series_is_no_kernel(tmp_path, shape):
    for name, size in (('photo.png', (40, 48, 3)), ('photo_0.png', shape)):
        save_image(tmp_path / name, shape=size)
    assert inputs.find_files(tmp_path / 'photo.png', Config())[0].kernels is None
    assert names(inputs.find_all([tmp_path]).paths) == ['photo.png', 'photo_0.png']


def test_a_preset_for_known_kernels_warns_where_there_is_none(tmp_path):
    path = tmp_path / 'a.png'
    _, warning = inputs.find_files(path, Config(), needs_kernel=True)
    assert warning.startswith(f'{path}: WARNING: no kernel found')
    assert '--kernel estimate' in warning and 'a_0.mat' in warning
    assert inputs.find_files(path, Config(), [], needs_kernel=True)[1] is None
    touch(tmp_path, 'a_0.mat')
    assert inputs.find_files(path, Config(), needs_kernel=True)[1] is None


@pytest.mark.parametrize('shape', [(20, 24, 3), (40, 48, 1)])
def test_a_neighbour_that_does_not_fit_is_warned_of_and_not_used(tmp_path, conf, shape):
    image, truth = save_image(tmp_path / 'a.png'), save_image(tmp_path / 'a_gt.png', shape=shape)
    files, _ = inputs.find_files(image, conf)
    good, failures, (line,) = inputs.check_images([files], conf, truth_is_given=False)
    assert (good[0].ground_truth, failures) == (None, [])
    assert line.startswith(f'{image}: WARNING: not measured: {truth}: the ground truth has')
    good, (failure,), unmeasured = inputs.check_images([files], conf, truth_is_given=True)
    assert (good, unmeasured) == ([], []) and str(truth) in failure


def test_an_image_that_cannot_be_used_is_not_blamed_on_its_ground_truth(tmp_path, conf):
    (tmp_path / 'a.png').write_bytes(b'no image')
    save_image(tmp_path / 'a_gt.png')
    files, _ = inputs.find_files(tmp_path / 'a.png', conf)
    good, (failure,), unmeasured = inputs.check_images([files], conf, truth_is_given=False)
    assert (good, unmeasured) == ([], []) and failure.startswith(f'{tmp_path}/a.png: ')


@pytest.mark.parametrize(
    'error, told',
    [
        (TypeError('no'), 'TypeError: no'),
        (MemoryError(), 'out of memory; '),
        (RecursionError('deep'), 'RecursionError: deep'),
        (OSError(5, 'no'), '[Errno 5] no'),
    ],
)
def test_whatever_one_image_raises_the_others_are_checked(tmp_path, conf, monkeypatch, error, told):
    def load(path, *args, **options):
        if path.name == 'b.png':
            raise error
        return load_inputs(path, *args, **options)

    load_inputs = inputs.load_inputs
    monkeypatch.setattr(inputs, 'load_inputs', load)
    images = [inputs.find_files(save_image(tmp_path / f'{name}.png'), conf)[0] for name in 'abc']
    good, (failure,), _ = inputs.check_images(images, conf, truth_is_given=False)
    assert names(files.input for files in good) == ['a.png', 'c.png']
    assert failure.startswith(f'{tmp_path}/b.png: {told}')


def test_a_ground_truth_that_raises_whatever_is_warned_of(tmp_path, conf, monkeypatch):
    def load(path, conf, truth, *args, **options):
        if truth:
            raise TypeError('no')
        return load_inputs(path, conf, truth, *args, **options)

    load_inputs = inputs.load_inputs
    monkeypatch.setattr(inputs, 'load_inputs', load)
    for name in ('a.png', 'a_gt.png'):
        save_image(tmp_path / name)
    files, _ = inputs.find_files(tmp_path / 'a.png', conf)
    good, failures, (line,) = inputs.check_images([files], conf, truth_is_given=False)
    assert (good[0].ground_truth, failures) == (None, []) and 'not measured: no' in line


def test_what_a_run_needs_beyond_the_memory_is_refused_with_what_would_fit(tmp_path, conf, monkeypatch):
    files, _ = inputs.find_files(save_image(tmp_path / 'a.png', shape=(200, 300, 3)), conf)
    needed = 200 * 300 * 3 * bytes_per_sample(conf, (200, 300), False)
    monkeypatch.setattr(memory, 'available_memory', lambda: memory.RESERVE + needed + 1)
    assert inputs.check_images([files], conf)[0]
    monkeypatch.setattr(memory, 'available_memory', lambda: memory.RESERVE + needed / 2)
    good, (failure,), _ = inputs.check_images([files], conf)
    assert not good and failure.startswith(f'{tmp_path}/a.png: needs about 1.1 GB of memory')
    assert 'about 0.0 megapixels would fit' in failure


def test_memory_is_that_of_the_part_that_is_trained_on():
    conf = get_config('X2_FAST_REAL_CONF')
    small, large = (bytes_per_sample(conf, (n, n), n == 15000) for n in (1000, 15000))
    assert small == 9 + 110 + 4 * 9
    assert large == pytest.approx(9 + 110 * 16 / 225, rel=0.01)  # 200 megapixels take 12 GB at most
    assert 200e6 * 3 * large + memory.RESERVE < 12 * 2**30


def test_what_cannot_be_written_is_refused_before_any_run(tmp_path, conf):
    np.save(tmp_path / 'a.npy', np.zeros((20, 24, 5), np.float32))
    conf.result_format = 'jpg'
    _, (failure,), _ = inputs.check_images([inputs.find_files(tmp_path / 'a.npy', conf)[0]], conf)
    assert failure.startswith(f'{tmp_path}/a.npy: 5 channels') and 'tif or npy' in failure
