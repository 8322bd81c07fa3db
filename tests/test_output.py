"""output.py: views of an image, their median, back-projection of batches."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import tolerances

from imresize import imresize
from learning import output as output_module
from learning import resizing
from utils import back_projection

IMAGES = np.random.RandomState(0).rand(2, 5, 7, 3).astype(np.float32)


def test_the_eight_views_are_all_different_and_can_be_undone():
    views = {output_module.turn(tf.constant(IMAGES), view).numpy().tobytes() for view in range(8)}
    assert len(views) == 8
    for view in range(8):
        np.testing.assert_array_equal(output_module.turn_back(output_module.turn(IMAGES, view), view), IMAGES)


def test_odd_views_lie_on_their_side():
    assert [output_module.turn(IMAGES, view).shape[1] for view in range(8)] == [5, 7] * 4


@pytest.mark.parametrize('limit', [1, 5 * 7 * 4 * 3, 10**6])
@pytest.mark.parametrize('views', [range(8), range(1), [0, 2, 4, 6]])
def test_every_view_is_super_resolved_once_and_turned_back(monkeypatch, limit, views):
    monkeypatch.setattr(output_module, 'VIEW_PIXELS', limit)
    seen = []

    def super_resolve(batch, shape):
        assert tuple(2 * n for n in batch.shape[1:3]) == shape
        assert len(batch) == 1 or len(batch) * shape[0] * shape[1] <= limit
        seen.extend(image.tobytes() for image in batch.numpy())
        return tf.repeat(tf.repeat(batch, 2, 1), 2, 2)

    outputs = list(output_module.super_resolve_views(super_resolve, tf.constant(IMAGES[:1]), (10, 14), views))
    assert sorted(seen) == sorted(
        output_module.turn(tf.constant(IMAGES[:1]), view).numpy().tobytes() for view in views
    )
    together = np.concatenate(outputs)
    assert len(together) == len(views)
    for output in together:
        np.testing.assert_array_equal(output, IMAGES[0].repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize('merge', ['median', 'mean'])
@pytest.mark.parametrize('number', [1, 2, 3, 8])
def test_views_are_merged_as_numpy_does(monkeypatch, number, merge):
    monkeypatch.setattr(output_module, 'STRIP', 2)
    images = np.random.RandomState(1).rand(number, 5, 7, 3).astype(np.float32)
    batches = [tf.constant(images[:1]), *([tf.constant(images[1:])] if number > 1 else [])]
    merged, expected = getattr(output_module, merge)(batches), getattr(np, merge)(images, axis=0)[None]
    np.testing.assert_allclose(merged, expected, rtol=0, atol=tolerances.FLOAT32)


@pytest.mark.parametrize('tile', [1000, 6])
@pytest.mark.parametrize('method', ['cubic', 'kernel'])
@pytest.mark.parametrize('sf', [(2, 2), (1.5, 2), (1, 2)])
def test_a_batch_is_back_projected_as_each_of_its_images(monkeypatch, gaussian, tile, method, sf):
    monkeypatch.setattr(resizing, 'TILE', tile)
    sf, lr = np.array(sf), np.random.RandomState(0).rand(8, 9, 3).astype(np.float32)
    kernel = gaussian(5, 5) if method == 'kernel' else method
    shape = imresize(lr, sf).shape
    sr = np.random.RandomState(1).rand(2, *shape).astype(np.float32)
    out = output_module.BackProjection(lr[None], shape[:2], sf, kernel, 'cubic')(sr, 3)
    for expected, image in zip(sr, out, strict=True):
        for _ in range(3):
            expected = back_projection(expected, lr, kernel, 'cubic', sf)
        np.testing.assert_array_equal(image, expected)


def test_back_projection_and_median_tell_of_every_piece(monkeypatch):
    monkeypatch.setattr(resizing, 'TILE', 10)
    monkeypatch.setattr(output_module, 'STRIP', 8)
    told, shape, sf = [], (16, 18), np.array((2, 2))
    lr = np.random.RandomState(0).rand(1, 8, 9, 3).astype(np.float32)
    back_project = output_module.BackProjection(lr, shape, sf, 'cubic', 'cubic', notify=told.append)
    out = back_project(np.zeros((2, *shape, 3), np.float32), 3)
    assert told == [2 * 72, *(2 * n for n in (100, 80, 60, 48))] * 3
    told.clear()
    output_module.median([out], told.append)
    assert told == [8 * 18, 8 * 18]
    told.clear()
    output_module.mean([out], told.append)
    assert told == [16 * 18]
    told.clear()
    for merge in (output_module.median, output_module.mean):
        merge([out[:1]], told.append)
    assert not told
