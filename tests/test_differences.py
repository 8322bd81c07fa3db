"""Where the port differs from the original on purpose: a test for each row of the reference's section 11."""

from dataclasses import fields

import numpy as np
import pytest
from conftest import TINY
from helpers.command_line import PROJECT, save_image
from PIL import Image
from scipy import ndimage

from configs import Config, get_config
from files.pictures import read_image, write_png
from imresize import imresize, kernel_shift
from running.inputs import check_kernels, find_files, find_inputs, kernel_note
from utils import prepare_result_dir, preprocess_kernels


@pytest.fixture
def saved(make_net, tmp_path):
    """Run a tiny network and read what it saves at its last scale."""

    def run(picture, **overrides):
        net = make_net(picture, save_results=True, result_path=str(tmp_path), **overrides)
        net.run()
        return net, read_image(tmp_path / net.records[-1]['output'])

    return run


def test_row_01_every_kind_of_image_keeps_its_channels_and_depth(saved, tmp_path, image):
    deep = np.rint(image * 65535).astype(np.uint16)
    net, picture = saved(deep[:, :, 0])
    assert net.model.input_shape[-1] == 1
    assert (picture.pixels.shape, picture.alpha, picture.bits) == ((40, 48, 1), None, 16)
    alpha = np.linspace(0, 1, 20 * 24, dtype=np.float32).reshape(20, 24)
    write_png(tmp_path / 'rgba.png', image, alpha, 16)
    net, picture = saved(tmp_path / 'rgba.png')
    assert net.model.input_shape[-1] == 3
    assert (picture.pixels.shape, picture.bits) == ((40, 48, 3), 16)
    np.testing.assert_allclose(picture.alpha, np.clip(imresize(alpha, 2), 0, 1), atol=1 / 65535)
    for name in ('photo.jpg', 'photo.png'):
        Image.fromarray((image * 255).astype(np.uint8)).save(tmp_path / name)
        assert saved(tmp_path / name)[1].bits == 8


def test_row_02_the_result_has_the_inputs_channels_and_is_rounded(saved, tmp_path, image):
    net, _ = saved(image)
    with Image.open(tmp_path / net.records[0]['output']) as result:
        assert result.mode == 'RGB'
        np.testing.assert_array_equal(np.asarray(result), np.floor(net.final_sr * 255.0 + 0.5))


def test_row_03_base_change_works_on_pairs_with_the_relative_scale(make_net, image):
    truth = np.clip(imresize(image, 4), 0, 1)
    net = make_net(ground_truth=truth, scale_factors=[[2, 2], [4, 4]], base_change_sfs=[[2, 2]])
    assert net.run().shape == net.gt_per_sf.shape == (80, 96, 3)
    assert net.input.shape == (40, 48, 3) and tuple(net.base_sf) == tuple(net.sf) == (2, 2)


def test_row_04_numbers_are_accepted_as_scales(saved, tmp_path, image):
    _, picture = saved(image, scale_factors=[1.5])
    assert (tmp_path / 'test_zssr_X1.50X1.50.png').is_file() and picture.pixels.shape == (30, 36, 3)


def test_row_05_ground_truth_is_cropped_by_less_than_sf_or_refused(make_net):
    truth = np.random.RandomState(0).rand(41, 49, 3)
    np.testing.assert_array_equal(make_net(ground_truth=truth).gt, truth[:40, :48].astype(np.float32))
    for shape in ((42, 48, 3), (40, 47, 3)):
        sizes = f'{shape[0]}×{shape[1]} .*20×24.*40×48'
        with pytest.raises(ValueError, match=sizes):
            make_net(ground_truth=np.zeros(shape))


def test_row_06_box_enlargement_and_kernels_on_any_channels_work(make_net, image, gaussian):
    np.testing.assert_array_equal(imresize(image, 2, kernel='box'), image.repeat(2, axis=0).repeat(2, axis=1))
    for channels in (1, 2, 4):
        many = np.repeat(image[:, :, :1], channels, axis=2)
        small = imresize(many, 0.5, kernel=gaussian(5, 5))
        np.testing.assert_array_equal(
            small, imresize(image, 0.5, kernel=gaussian(5, 5))[:, :, [0] * channels]
        )
    assert make_net(image[:, :, 0], kernels=[gaussian(5, 5)]).run().shape == (40, 48, 1)


def test_row_07_a_configuration_is_looked_up_never_executed(tmp_path):
    for name in (f"open('{tmp_path}/executed', 'w')", 'Config()', 'X2'):
        with pytest.raises(ValueError, match=r'unknown configuration.*X2_ONE_JUMP_IDEAL_CONF, .*X4_GRADUAL'):
            get_config(name)
    assert not list(tmp_path.iterdir())


def test_row_08_every_run_has_its_own_configuration(make_net):
    conf = Config(**TINY, back_projection_iters=[1])
    before, net = conf.copy(), make_net(conf=conf)
    net.run()
    net.conf.scale_factors[0][0] = 9
    net.conf.back_projection_iters.append(9)
    assert conf == before and Config().scale_factors == [[2, 2]]
    get_config('X2_REAL_CONF').scale_factors.append(9)
    assert get_config('X2_REAL_CONF').scale_factors == [[2, 2]]


def test_row_09_partial_kernels_are_dropped_with_a_warning(tmp_path):
    conf = Config(scale_factors=[1.5, 2])
    image, present = save_image(tmp_path / 'a.png'), tmp_path / 'a_0.mat'
    files, warning = find_files(image, conf)
    assert files.kernels is None and warning is None and 'cubic' in kernel_note(files, conf)
    present.touch()
    files, warning = find_files(image, conf)
    assert files.kernels is None and 'a_1.mat is missing' in warning and 'cubic' in kernel_note(files, conf)
    (tmp_path / 'a_1.mat').touch()
    files, warning = find_files(image, conf)
    assert files.kernels == (present, tmp_path / 'a_1.mat') and str(present) in kernel_note(files, conf)
    with pytest.raises(ValueError, match='1 given for 2 scale_factors'):
        check_kernels([present], conf)


def test_row_10_filter_shapes_are_derived_when_read():
    conf = Config()
    conf.width, conf.depth = 5, 3
    assert conf.filter_shape == [[3, 3, 3, 5], [3, 3, 5, 5], [3, 3, 5, 3]]


def enlarged_sizes(net, monkeypatch):
    """Train, and list the sizes of what the network enlarges meanwhile."""
    sizes, enlarge = [], net.network.super_resolve

    def watch(lr, *rest):
        sizes.append(lr.shape[1:3])
        return enlarge(lr, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(net.network, 'super_resolve', watch)
        net.train()
    return sizes


def test_row_11_the_quick_test_enlarges_the_input_only_with_a_ground_truth(make_net, monkeypatch):
    blind = make_net()
    assert enlarged_sizes(blind, monkeypatch) == [(10, 12)] * 2
    seeing = make_net(ground_truth=np.zeros((40, 48, 3)))
    assert enlarged_sizes(seeing, monkeypatch) == [(20, 24), (10, 12)] * 2
    assert blind.loss == seeing.loss and blind.mse_rec == seeing.mse_rec
    assert blind.rng.rand() == seeing.rng.rand()


def test_row_12_no_shell_starts_the_processes():
    sources = {path.name: path.read_text() for path in (*PROJECT.glob('*.py'), *PROJECT.glob('[!t]*/*.py'))}
    assert 'ProcessPoolExecutor' in sources['processes.py']  # test_processes.py lets it run
    for word in ('xterm', 'os.system', 'os.popen', 'shell=True', 'subprocess'):
        assert not [name for name, text in sources.items() if word in text], word


def test_row_13_a_folder_without_images_is_an_error_that_names_it(tmp_path):
    (tmp_path / 'a_gt.png').touch()
    (tmp_path / 'notes.txt').touch()
    with pytest.raises(FileNotFoundError, match=f'{tmp_path}: no image in this folder'):
        find_inputs(tmp_path)


def test_row_14_folders_differ_within_a_second_and_settings_are_checked_first(tmp_path, make_net):
    conf = Config(result_path=str(tmp_path), create_code_copy=False)
    assert len({prepare_result_dir(conf) for _ in range(3)}) == 3
    for settings in ({'base_change_sfs': [3]}, {'run_test': False}, {'run_test_every': 64}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            make_net(conf=Config(**settings))


@pytest.mark.parametrize('sf', [2, 3, 4])
def test_row_15_kernels_with_an_even_side_are_aligned(gaussian, sf):
    even, odd = (
        preprocess_kernels([gaussian(side, side, 1.2)], Config(scale_factors=[sf]))[0] for side in (8, 9)
    )
    centres = [
        np.array(ndimage.center_of_mass(kernel)) - np.array(kernel.shape) // 2 for kernel in (even, odd)
    ]
    np.testing.assert_allclose(centres, (sf - 1) / 2, atol=5e-3)
    untouched = kernel_shift(gaussian(8, 8, 1.2), (sf, sf))
    off = np.array(ndimage.center_of_mass(untouched)) - np.array(untouched.shape) // 2 - (sf - 1) / 2
    np.testing.assert_allclose(np.abs(off), 0.5, atol=5e-3)


def test_row_16_0_is_the_default_configuration():
    assert get_config('0') == get_config(None) == Config()


def test_row_17_one_program_and_no_paths_of_a_machine():
    assert not (PROJECT / 'run_ZSSR_single_input.py').exists()
    assert not {'python_path', 'local_dir'} & {field.name for field in fields(Config)}
