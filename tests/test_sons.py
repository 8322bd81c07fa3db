"""sons.py: TensorFlow's sons and enlargements against plain NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import tolerances

from imresize import METHODS, imresize, kernel_shift
from learning.sons import enlarge_sons, make_sons, plan_sons

SCALES = [(2, 2), (3, 3), (1.5, 2), (2, 1.5), (1, 2), (2, 1), (2.7, 1.3)]


def random_kernel(height, width):
    kernel = np.random.RandomState(height).rand(height, width)
    return kernel / kernel.sum()


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
