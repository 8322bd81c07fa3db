"""resizing.py: resizing by products of matrices against imresize and SciPy."""

import platform

import numpy as np
import pytest
import tensorflow as tf
from helpers import tolerances
from scipy import ndimage

from imresize import METHODS, imresize
from learning import resizing

SCALES = [(2, 2), (3, 3), (1.5, 2), (2, 1.5), (1, 2), (2, 1), (2.7, 1.3)]
METHODS_AND_KERNEL = [*METHODS, 'kernel']


def random_kernel(height, width):
    kernel = np.random.RandomState(height).rand(height, width)
    return kernel / kernel.sum()


def kernel_for(method):
    return random_kernel(5, 8) if method == 'kernel' else method


def shrunk(shape, sf):
    return tuple(int(np.ceil(n / factor)) for n, factor in zip(shape, sf, strict=True))


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('sf', SCALES)
@pytest.mark.parametrize('shape', [(7, 7), (5, 8), (4, 3), (21, 20)])
def test_blur_equals_scipys_correlate_and_subsampling(shape, sf, channels):
    images, kernel = np.random.RandomState(0).rand(2, 17, 19, channels), random_kernel(*shape)
    out_shape = shrunk((17, 19), sf)
    plan = resizing.resize_plan((17, 19), out_shape, 1 / np.array(sf), kernel)
    rows, columns = (
        np.rint(np.linspace(0, length - factor, n)).astype(int)
        for length, factor, n in zip((17, 19), sf, out_shape, strict=True)
    )
    for image, out in zip(images, resizing.apply_resize(tf.constant(images), plan), strict=True):
        blurred = ndimage.correlate(image, kernel[..., None])
        np.testing.assert_allclose(out, blurred[rows][:, columns], rtol=0, atol=tolerances.FLOAT64)


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('sf', [*SCALES, (1, 1)])
def test_a_part_of_an_enlargement_is_a_part_of_imresize(method, sf):
    lr = np.random.RandomState(0).rand(15, 13, 3)
    whole = imresize(lr, sf, kernel=method)
    height, width = whole.shape[:2]
    for region in [
        (0, height, 0, width),
        (3, 9, 2, 12),
        (0, 5, width - 4, width),
        (height - 1, height, 0, 1),
    ]:
        part = resizing.resize_region(lr[None], sf, whole.shape, method, region)[0]
        top, bottom, left, right = region
        np.testing.assert_allclose(part, whole[top:bottom, left:right], rtol=0, atol=tolerances.FLOAT64)


@pytest.mark.skipif(platform.machine() != 'x86_64', reason='others may round a product and a sum at once')
@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('sf', [(2, 2), (1, 1.5), (1.5, 1), (1.5, 1.5), (2.7, 2.7)])
def test_an_enlargement_in_float64_is_imresizes_to_the_last_bit(method, sf):
    lr = np.float32(np.random.RandomState(0).randint(256, size=(40, 50, 3)) / 255)
    whole = imresize(lr, sf, kernel=method)
    height, width = whole.shape[:2]
    enlarged = resizing.resize_region(lr[None], sf, whole.shape, method, (0, height, 0, width))[0]
    np.testing.assert_array_equal(enlarged, whole)


def test_a_part_of_an_enlargement_to_an_odd_size():
    lr = np.random.RandomState(0).rand(5, 6, 1)
    part = resizing.resize_region(lr[None], (2, 2), (9, 11), 'cubic', (4, 9, 5, 11))[0]
    np.testing.assert_allclose(part, imresize(lr, 2, (9, 11))[4:, 5:], rtol=0, atol=tolerances.FLOAT64)


@pytest.mark.parametrize('tile', [1000, 7])
@pytest.mark.parametrize('method', METHODS_AND_KERNEL)
@pytest.mark.parametrize('sf', [(2, 2), (1.5, 2), (1, 2)])
def test_whole_images_are_resized_in_pieces(monkeypatch, tile, method, sf):
    monkeypatch.setattr(resizing, 'TILE', tile)
    images, scale = np.random.RandomState(0).rand(2, 25, 30, 3).astype(np.float32), 1 / np.array(sf)
    out_shape, kernel = shrunk((25, 30), sf), kernel_for(method)
    resize = resizing.ImageResize((25, 30), out_shape, scale, kernel)
    for image, out in zip(images, resize(tf.constant(images)), strict=True):
        expected = imresize(image, scale, out_shape, kernel)
        np.testing.assert_allclose(out, expected, rtol=0, atol=tolerances.FLOAT32)


def test_a_kernel_is_the_sum_of_its_terms():
    for kernel in (random_kernel(7, 4), np.outer([1, 2, 1], [1, 3, 1]) / 20, np.eye(3)[1:2, 1:]):
        columns, rows = resizing.separable_terms(kernel)
        np.testing.assert_allclose(np.einsum('ti,tj->ij', columns, rows), kernel, atol=tolerances.FLOAT64)
    assert len(resizing.separable_terms(np.outer([1, 2, 1], [1, 3, 1]))[0]) == 1


def test_less_precision_needs_fewer_terms(gaussian):
    y, x = np.mgrid[-6:7, -6:7]
    kernel = np.exp(-(x**2 + x * y + y**2) / 8)
    exact, near = (resizing.separable_terms(kernel, dtype) for dtype in (tf.float64, tf.float32))
    assert len(near[0]) < len(exact[0])
    np.testing.assert_allclose(np.einsum('ti,tj->ij', *near), kernel, atol=tolerances.FLOAT32)
