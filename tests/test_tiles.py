"""tiles.py: whole images in tiles, without seams."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import tolerances
from helpers.networks import forward, random_filters

from configs import Config
from imresize import imresize
from learning import resizing
from learning.network import Network, design_for


def test_the_whole_image_is_interpolated_and_passed_through_the_network(net):
    lr = np.random.RandomState(1).rand(11, 9, 3)
    sr = net.super_resolve(lr[None], (2, 1.5), (22, 14), 'linear')[0]
    expected = np.clip(forward(imresize(lr, (2, 1.5), kernel='linear'), random_filters(0)), 0, 1)
    assert sr.dtype == tf.float32
    np.testing.assert_allclose(sr, expected, rtol=0, atol=tolerances.NETWORK)


@pytest.mark.parametrize('tile', [24, 7, 1000])
@pytest.mark.parametrize('sf', [(2, 2), (1.5, 3), (1, 2)])
def test_tiles_leave_no_seams(net, monkeypatch, tile, sf):
    lr = np.random.RandomState(1).rand(19, 23, 3)
    shape = tuple(int(np.ceil(n * factor)) for n, factor in zip(lr.shape, sf, strict=False))
    whole = net.super_resolve(lr[None], sf, shape, 'cubic')
    region = (3, shape[0] - 2, 5, shape[1])
    monkeypatch.setattr(resizing, 'TILE', tile)
    tiled = net.super_resolve(lr[None], sf, shape, 'cubic')
    part = net.super_resolve(lr[None], sf, shape, 'cubic', region)
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=tolerances.NETWORK)
    np.testing.assert_allclose(part, whole[:, 3:-2, 5:], rtol=0, atol=tolerances.NETWORK)


def test_memory_depends_on_the_tile_not_on_the_image(net, monkeypatch):
    seen = []
    inside = net._tiles._forward
    monkeypatch.setattr(net._tiles, '_forward', lambda x: seen.append(tuple(x.shape)) or inside(x))
    monkeypatch.setattr(resizing, 'TILE', 10)
    net.super_resolve(np.random.RandomState(1).rand(1, 16, 30, 3), (2, 2), (32, 60), 'cubic')
    assert len(seen) == 4 * 6
    assert max(max(shape[1:3]) for shape in seen) == 10 + 2 * 3


def test_a_network_tells_of_every_tile_with_its_margin(net, monkeypatch):
    told = []
    monkeypatch.setattr(net, 'notify', told.append)
    monkeypatch.setattr(resizing, 'TILE', 10)
    net.super_resolve(np.random.RandomState(1).rand(2, 6, 8, 3), (2, 2), (12, 16), 'cubic')
    assert told == [2 * n for n in (12 * 13, 12 * 9, 5 * 13, 5 * 9)]


@pytest.mark.parametrize('size', [(16, 20), (17, 19)])
def test_coarse_grid_pads_and_crops_and_its_tiles_leave_no_seam(size, monkeypatch):
    net = Network(design_for(Config(width=4, depth=3, network_grid='low'), 3))
    rng = np.random.RandomState(0)
    net.reset([rng.randn(*shape) * 0.1 for shape in net.design.filter_shapes])
    image = rng.rand(*size, 3)
    whole = net.super_resolve(image[None], (1.5, 1.5), (25, 29), 'cubic')
    monkeypatch.setattr(resizing, 'TILE', 9)
    np.testing.assert_allclose(
        net.super_resolve(image[None], (1.5, 1.5), (25, 29), 'cubic'), whole, rtol=0, atol=tolerances.FLOAT32
    )
