"""image_files.py: image, ground truth and kernels are read together, and have to fit each other."""

import numpy as np
import pytest
import scipy.io
from helpers import tolerances
from helpers.pictures import samples, write_hand_png

from configs import Config, get_config
from files.image_files import fit_ground_truth, load_inputs
from utils import preprocess_kernels


def test_files_and_arrays_are_read_alike(tmp_path, gaussian):
    values, truth, kernel = samples(3), samples(3, shape=(34, 38)), gaussian(5, 7)
    paths = [write_hand_png(tmp_path / 'a.png', values), write_hand_png(tmp_path / 'b.png', truth)]
    scipy.io.savemat(tmp_path / 'k.mat', {'Kernel': kernel})
    (picture,), read_truth, kernels = load_inputs(str(paths[0]), Config(), paths[1], [tmp_path / 'k.mat'])
    (from_array,), given_truth, given_kernels = load_inputs(values, Config(), truth, [kernel])
    np.testing.assert_array_equal(picture.pixels, from_array.pixels)
    np.testing.assert_array_equal(read_truth, given_truth)
    np.testing.assert_allclose(kernels[0], given_kernels[0], atol=tolerances.FLOAT64)
    np.testing.assert_array_equal(given_kernels[0], preprocess_kernels([kernel], Config())[0])


def test_without_truth_and_kernels_there_is_the_method():
    _, truth, kernels = load_inputs(samples(1), Config(scale_factors=[1.5, 2], downscale_method='linear'))
    assert truth is None and kernels == ['linear', 'linear']


def test_alpha_is_not_part_of_the_comparison_with_the_truth():
    (picture,), truth, _ = load_inputs(samples(4), Config(), samples(3, shape=(34, 38)))
    assert picture.alpha.shape == (17, 19) and truth.shape == (34, 38, 3)


@pytest.mark.parametrize(
    ('scales', 'shape'),
    [
        ([[2, 2]], (40, 48)),
        ([[1.5, 2.5]], (30, 60)),
        ([[1.7, 1.3]], (34, 32)),
        ([[2, 2], [3, 3]], (60, 72)),
    ],
)
def test_a_truth_of_the_size_of_the_last_scale_fits(scales, shape):
    truth = np.zeros((*shape, 3))
    assert fit_ground_truth(truth, (20, 24, 3), Config(scale_factors=scales)).shape == truth.shape


@pytest.mark.parametrize('sf', [2, 3, 4])
def test_a_truth_may_be_larger_by_less_than_the_factor(sf):
    conf = Config(scale_factors=[sf])
    height, width = 20 * sf, 24 * sf
    for more in range(sf):
        truth = np.random.RandomState(0).rand(height + more, width + sf - 1 - more, 3)
        np.testing.assert_array_equal(fit_ground_truth(truth, (20, 24, 3), conf), truth[:height, :width])
    for shape in ((height + sf, width), (height, width + sf), (height - 1, width), (height, width - 1)):
        with pytest.raises(ValueError, match=f'{shape[0]}×{shape[1]}.*20×24.*{height}×{width}'):
            fit_ground_truth(np.zeros((*shape, 3)), (20, 24, 3), conf)


def test_a_truth_must_have_the_channels_of_the_input():
    with pytest.raises(ValueError, match=r'truth.png: .* 1 channels and the input 3'):
        fit_ground_truth(np.zeros((40, 48, 1)), (20, 24, 3), Config(), 'truth.png')


def test_after_a_base_change_sizes_are_those_of_the_input_enlarged_at_once():
    conf = Config(scale_factors=[1.5, 3], base_change_sfs=[1.5], back_projection_iters=[0, 0])
    assert fit_ground_truth(np.zeros((51, 51, 1)), (17, 17, 1), conf).shape == (51, 51, 1)


def test_the_noise_of_floating_point_is_not_a_pixel_more():
    assert 90 * 2.7 > 243
    assert Config(scale_factors=[2.7]).output_shapes((90, 30)) == [(243, 81)]


@pytest.mark.parametrize('side', [16, 30, 77])
def test_a_preset_with_base_change_fits_at_other_factors(side):
    conf = get_config('X4_GRADUAL_IDEAL_CONF').at_scale(3)
    assert conf.output_shapes((side, side))[-1] == (3 * side, 3 * side)


def test_one_kernel_need_not_be_in_a_list(gaussian, tmp_path):
    picture, kernel = np.zeros((20, 20, 3)), gaussian(5, 5)
    scipy.io.savemat(tmp_path / 'k.mat', {'Kernel': kernel})
    expected = load_inputs(picture, Config(), kernels=[kernel])[2][0]
    for given in (kernel, str(tmp_path / 'k.mat'), tmp_path / 'k.mat'):
        np.testing.assert_array_equal(load_inputs(picture, Config(), kernels=given)[2][0], expected)


def test_a_kernel_that_nearly_cancels_is_refused():
    kernel = np.ones((3, 3))
    kernel[0] = -1.99
    with pytest.raises(ValueError, match='centre of mass lies outside'):
        load_inputs(np.zeros((20, 20, 3)), Config(), kernels=[kernel])


@pytest.mark.parametrize('shape', [(20, 24), (1, 1), (3, 24)])
def test_a_kernel_may_be_as_large_as_the_image(shape):
    assert len(load_inputs(np.zeros((20, 24)), Config(), None, [np.ones(shape)])[2]) == 1


@pytest.mark.parametrize('shape', [(21, 3), (3, 25)])
def test_a_kernel_may_not_be_larger(shape):
    with pytest.raises(ValueError, match=f'kernel of {shape[0]}×{shape[1]} is larger than the image, 20×24'):
        load_inputs(np.zeros((20, 24)), Config(), None, [np.ones(shape)])


def test_an_empty_list_of_kernels_is_refused():
    with pytest.raises(ValueError, match='0 kernels were given for 1 scale_factors'):
        load_inputs(samples(3), Config(), kernels=[])


def test_a_truth_is_measured_in_the_units_of_its_image():
    counts = np.linspace(0, 40000, 400).reshape(20, 20).astype(np.uint16)
    darker = np.repeat(np.repeat(counts, 2, 0), 2, 1) // 2
    conf = Config(value_range='auto')
    (picture,), truth, _ = load_inputs(counts, conf, darker)
    assert picture.values.is_whole and truth.max() == pytest.approx(20000 / 65535)
    (picture,), truth, _ = load_inputs(counts // 8, conf, np.repeat(np.repeat(counts // 8, 2, 0), 2, 1) // 2)
    assert not picture.values.is_whole and truth.max() == pytest.approx(0.5, rel=0.01)


def test_a_truth_of_one_page_serves_the_page_that_is_asked_for(tmp_path):
    stack = np.random.RandomState(0).rand(3, 20, 24, 1)
    conf = Config(pages=2)
    assert load_inputs(stack, conf, np.ones((40, 48)))[1].shape == (40, 48, 1)
    truths = np.stack([np.full((40, 48, 1), level) for level in (0.1, 0.2, 0.3)])
    assert load_inputs(stack, conf, truths)[1].max() == pytest.approx(0.2)
