"""py: TensorFlow's fathers, sons and enlargements against plain NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import tolerances

from imresize import METHODS, imresize, kernel_shift
from learning.augmentation import Augmentation, Cut
from learning.fathers import invert_affine, pack_sources, warp, warp_image
from learning.sons import enlarge_sons, make_sons, plan_sons
from utils import random_augment

SCALES = [(2, 2), (3, 3), (1.5, 2), (2, 1.5), (1, 2), (2, 1), (2.7, 1.3)]


def keys(x, a=-0.75):
    x = np.abs(x)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    return np.where(x <= 1, near, np.where(x < 2, a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a, 0))


def warp_by_hand(image, matrix, crop):
    """Every father pixel from 4 × 4 taps around its position, known to 1/32 pixel; black outside."""
    (height, width), inverse = image.shape[:2], np.linalg.inv(matrix)
    y, x = np.mgrid[:crop, :crop]
    position = [np.rint((row[0] * x + row[1] * y + row[2]) * 32) for row in inverse[:2]]
    (x, x_fraction), (y, y_fraction) = ((np.floor(p / 32).astype(int), p % 32 / 32) for p in position)
    father = np.zeros((crop, crop, image.shape[2]))
    for i in range(-1, 3):
        for j in range(-1, 3):
            inside = (x + j >= 0) & (x + j < width) & (y + i >= 0) & (y + i < height)
            pixels = image[np.clip(y + i, 0, height - 1), np.clip(x + j, 0, width - 1)]
            father += (inside * keys(y_fraction - i) * keys(x_fraction - j))[..., None] * pixels
    return np.clip(father, 0, 1)


def matrix_of(*parts):
    return Augmentation.matrices([Cut(0, *parts)])[0]


def random_matrix(rng, height, width):
    return matrix_of(
        (width / 2, height / 2),
        rng.uniform(-20, 20, 2),
        rng.randn(2) * 0.2,
        rng.uniform(0, 2 * np.pi),
        np.exp(rng.uniform(-1, 1, 2)) * rng.choice([-1, 1], 2),
    )


def translation(x, y):
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def random_kernel(height, width):
    kernel = np.random.RandomState(height).rand(height, width)
    return kernel / kernel.sum()


@pytest.mark.parametrize('seed', range(12))
def test_warp_equals_its_numpy_twin(seed):
    rng = np.random.RandomState(seed)
    image = rng.rand(23, 31, 3).astype(np.float32)
    matrix = random_matrix(rng, 23, 31)
    father = warp_image(image, matrix, 20)
    np.testing.assert_allclose(father, warp_by_hand(image, matrix, 20), rtol=0, atol=tolerances.FLOAT32)
    assert father.dtype == np.float32


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('stretch', [0.02, 1e-5])
def test_positions_far_outside_are_black(stretch, channels):
    image = np.full((9, 11, channels), 0.7, np.float32)
    matrix = matrix_of((5.5, 4.5), (3.3, -2.7), (0, 0), 0.4, (stretch, -stretch))
    father = warp_image(image, matrix, 16)
    np.testing.assert_allclose(father, warp_by_hand(image, matrix, 16), rtol=0, atol=tolerances.FLOAT32)
    assert father.mean() < 0.02


def test_a_father_that_misses_its_source_is_black():
    image = np.ones((9, 11, 3), np.float32)
    for x, y in [(100, 0), (0, -100), (1e9, 1e9), (-12, 0)]:
        assert not warp_image(image, translation(x, y), 8).any()


def test_the_identity_returns_the_crop_exactly():
    image = np.random.RandomState(0).rand(20, 24, 3).astype(np.float32)
    np.testing.assert_array_equal(warp_image(image, np.eye(3), 16), image[:16, :16])
    np.testing.assert_array_equal(warp_image(image, translation(-5, -3), 16), image[3:19, 5:21])


def test_what_reaches_past_the_source_is_black():
    image = np.random.RandomState(0).rand(6, 7, 3).astype(np.float32)
    expected = np.zeros((12, 12, 3), np.float32)
    expected[2:8, 3:10] = image
    np.testing.assert_array_equal(warp_image(image, translation(3, 2), 12), expected)


@pytest.mark.parametrize('last', [0.4, 0.6, -0.6])
def test_fathers_almost_on_whole_pixels_are_rounded_like_all_others(last):
    """The last position is `last` of the 1/32 steps off its pixel, with none before it as far."""
    image = np.random.RandomState(0).rand(20, 24, 3).astype(np.float32)
    inverse = np.diag([1 + last / 32 / 15, 1, 1])
    father = warp_image(image, np.linalg.inv(inverse), 16)
    expected = warp_by_hand(image, np.linalg.inv(inverse), 16)
    np.testing.assert_allclose(father, expected, rtol=0, atol=tolerances.FLOAT32)
    assert np.array_equal(father, image[:16, :16]) == (abs(last) < 0.5)


def test_compiled_fathers_equal_uncompiled_ones_bit_for_bit():
    """TensorFlow may change the order of sums when it compiles them; OpenCV's is to be kept."""
    rng = np.random.RandomState(0)
    sources = pack_sources([rng.rand(30, 35, 3), rng.rand(40, 33, 3)])
    matrices = np.array([random_matrix(rng, 30, 35) for _ in range(8)])
    arguments = sources, tf.constant([0, 1] * 4), tf.constant(invert_affine(matrices)), tf.constant(24)
    np.testing.assert_array_equal(tf.function(warp)(*arguments), warp(*arguments))


def test_every_channel_is_warped_as_if_alone():
    """Sums over taps may run in another order where the innermost axis is another; OpenCV's is to be kept."""
    rng = np.random.RandomState(0)
    image, matrix = rng.rand(30, 35, 4), random_matrix(rng, 30, 35)
    together = warp_image(image, matrix, 24)
    for channels in ([0], [1, 2], [1, 2, 3]):
        alone = warp_image(image[..., channels], matrix, 24)
        np.testing.assert_array_equal(alone, together[..., channels])


@pytest.mark.parametrize('turns', range(4))
@pytest.mark.parametrize('reflect', [1, -1])
def test_right_angles_and_reflections_are_exact_and_can_be_undone(turns, reflect):
    image = np.random.RandomState(0).rand(16, 16, 3).astype(np.float32)
    matrix = matrix_of((7.5, 7.5), (0, 0), (0, 0), turns * np.pi / 2, (reflect, 1))
    father = warp_image(image, matrix, 16)
    np.testing.assert_array_equal(father, np.rot90(image[:, ::reflect], turns))
    np.testing.assert_array_equal(warp_image(father, np.linalg.inv(matrix), 16), image)


def test_overshoot_is_clipped():
    image = (np.random.RandomState(0).rand(20, 20, 1) > 0.5).astype(np.float32)
    father = warp_image(image, translation(-0.5, -0.5), 16)
    assert (father.min(), father.max()) == (0, 1)


def test_inverse_maps_fathers_to_sources():
    matrix = random_matrix(np.random.RandomState(0), 20, 30)
    np.testing.assert_allclose(invert_affine(matrix), np.linalg.inv(matrix)[:2], atol=tolerances.FLOAT64)


def test_each_of_several_sources_is_warped_as_if_alone():
    rng = np.random.RandomState(0)
    images = [rng.rand(*shape, 3).astype(dtype) for shape, dtype in (((20, 30), 'f4'), ((25, 19), 'f8'))]
    images.append(images[0][:9, :9])
    sources = pack_sources(images)
    for index, image in enumerate(images):
        for _ in range(4):
            matrix = random_matrix(rng, *image.shape[:2])
            inverses = tf.constant(invert_affine(matrix[None]))
            fathers = warp(sources, tf.constant([index]), inverses, tf.constant(24))
            np.testing.assert_array_equal(fathers[0], warp_image(image, matrix, 24))


def test_fathers_of_a_batch_are_warped_as_if_alone():
    rng = np.random.RandomState(0)
    images = [rng.rand(20, 30, 3), rng.rand(26, 28, 3)]
    matrices = [random_matrix(rng, 20, 30), translation(-3, -2), random_matrix(rng, 26, 28), np.eye(3)]
    indices = [0, 0, 1, 1]
    inverses = tf.constant(invert_affine(np.array(matrices)))
    fathers = warp(pack_sources(images), tf.constant(indices), inverses, tf.constant(18))
    for father, index, matrix in zip(fathers, indices, matrices, strict=True):
        np.testing.assert_array_equal(father, warp_image(images[index], matrix, 18))


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('sf', SCALES)
def test_sons_by_name_and_their_enlargements_equal_imresize(method, sf):
    father = np.random.RandomState(0).rand(17, 17, 3).astype(np.float32)
    plan = plan_sons(17, sf, method, method)
    sons = make_sons(tf.constant(father[None]), tf.zeros((1, 1, 1, 1), tf.float64), plan)
    expected = np.clip(imresize(father, 1 / np.array(sf), kernel=method), 0, 1)
    assert sons.dtype == tf.float64
    np.testing.assert_allclose(sons[0], expected, rtol=0, atol=tolerances.FLOAT64)
    enlarged = enlarge_sons(sons, plan)
    assert enlarged.dtype == tf.float32
    np.testing.assert_allclose(
        enlarged[0], imresize(expected, sf, (17, 17), method), rtol=0, atol=tolerances.FLOAT32
    )


@pytest.mark.parametrize('sf', [(2, 2), (1.5, 2), (3, 3)])
def test_sons_by_kernel_equal_imresize(sf):
    father = np.random.RandomState(0).rand(17, 17, 3).astype(np.float32)
    kernel = kernel_shift(random_kernel(7, 7), sf)
    plan = plan_sons(17, sf, kernel, 'cubic')
    noise = np.random.RandomState(1).randn(*imresize(father, 1 / np.array(sf)).shape) * 0.3
    sons = make_sons(tf.constant(father[None]), tf.constant(noise[None]), plan)
    expected = np.clip(imresize(father, 1 / np.array(sf), kernel=kernel) + noise, 0, 1)
    np.testing.assert_allclose(sons[0], expected, rtol=0, atol=tolerances.FLOAT32)


def test_noise_is_drawn_even_where_there_is_none(make_net):
    silent, noisy, follower = make_net(), make_net(noise_std=0.1), np.random.RandomState(1)
    for net in (silent, noisy):
        net.train()
    for iteration in range(3):
        random_augment([silent.input], [1.0], 0.05, 0.45, 0.5, 1.0, True, 0.25, 0.1, 16, follower)
        follower.randn(8, 8, 3)
        if iteration % 2 == 0:
            follower.randn(2, 10, 12, 3)
    assert silent.rng.rand() == noisy.rng.rand() == follower.rand()
    assert silent.loss != noisy.loss


def test_sons_are_noisy_and_clipped(make_net, image):
    net, follower = make_net(noise_std=0.5), np.random.RandomState(1)
    expected = np.clip(imresize(image, 0.5) + follower.randn(10, 12, 3) * 0.5, 0, 1)
    np.testing.assert_allclose(net.father_to_son(image), expected, atol=tolerances.FLOAT64)


@pytest.mark.parametrize('method', METHODS)
def test_training_uses_the_methods_of_the_configuration(make_net, method):
    net = make_net(downscale_method=method, upscale_method=method, scale_factors=[[1.5, 2]], max_iters=1)
    net.model.set_weights([np.zeros_like(weights) for weights in net.model.get_weights()])
    net.train()
    son = np.clip(imresize(net.hr_father, (1 / 1.5, 1 / 2), kernel=method), 0, 1)
    np.testing.assert_allclose(net.lr_son, son, atol=tolerances.FLOAT32)
    enlarged = imresize(son, (1.5, 2), net.hr_father.shape, method)
    np.testing.assert_allclose(net.train_output, enlarged, atol=tolerances.FLOAT32)
    assert net.loss == [pytest.approx(np.abs(enlarged - net.hr_father).mean(), rel=1e-5)]
