"""lanes.py: the threads that lanes are given, and what passes the network in them."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from helpers import tolerances
from helpers.networks import random_filters

from configs import Config
from learning import loop, network
from learning.lanes import divided, in_bands
from learning.network import Network, design_for

STARTED = (
    'import os, sys\n'
    'os.environ["CUDA_VISIBLE_DEVICES"] = "-1"\n'
    'from running.devices import start_tensorflow, threads\n'
    '{before}\n'
    'start_tensorflow({arguments})\n'
    'import tensorflow as tf\n'
    'from learning.lanes import lanes_for\n'
    'each = tf.config.threading.get_intra_op_parallelism_threads()\n'
    'print(each, threads(), [lanes_for(size) for size in (0, 1, 3, 4, 8)])\n'
)


@pytest.mark.parametrize(
    ('arguments', 'started'),
    [
        ('threads=2', '2 2 [1, 1, 1, 1, 1]'),
        ('threads=2, batch_size=4', '1 2 [2, 1, 1, 2, 2]'),
        ('threads=4, batch_size=4', '1 4 [4, 1, 1, 4, 4]'),
        ('threads=8, batch_size=4', '8 8 [1, 1, 1, 1, 1]'),
        ('threads=3, batch_size=4', '3 3 [1, 1, 1, 1, 1]'),
        ('threads=1, batch_size=8', '1 1 [1, 1, 1, 1, 1]'),
    ],
)
def test_lanes_share_the_threads(arguments, started):
    assert after_start(arguments) == started


def test_there_are_no_lanes_where_tensorflow_works_already():
    works = 'import tensorflow as tf; tf.zeros(1)\n'
    assert after_start('batch_size=8', works).endswith('[1, 1, 1, 1, 1]')


def after_start(arguments, before=''):
    """What a process has then: threads of an operation, of all, lanes for batches of some sizes."""
    script = STARTED.format(arguments=arguments, before=before)
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_batch_is_divided_if_it_can_be():
    batch = tf.range(4)[:, None]
    assert [part.numpy().ravel().tolist() for part in divided(batch, 2)] == [[0, 1], [2, 3]]
    assert len(divided(batch[:1], 2)) == 1


@pytest.mark.parametrize('height', [2, 4, 10, 22])
@pytest.mark.parametrize('lanes', [2, 3])
def test_bands_begin_on_the_grid_and_leave_no_seam(height, lanes):
    images = tf.random.stateless_uniform([2, height, 6, 3], (0, 1))
    starts = []

    def blurred(band):
        starts.append(band)
        return tf.nn.avg_pool2d(tf.nn.avg_pool2d(band, 3, 1, 'SAME'), 3, 1, 'SAME')

    bands = in_bands(blurred, images, lanes, halo=2, grid=2)
    assert len(starts) == lanes
    np.testing.assert_allclose(bands, blurred(images), rtol=0, atol=tolerances.FLOAT32)


@pytest.mark.parametrize('grid', ['high', 'low'])
@pytest.mark.parametrize('size', [(31, 24), (5, 9)])
def test_an_image_is_the_same_in_lanes(grid, size, monkeypatch):
    conf = Config(width=4, depth=3, batch_size=2, network_grid=grid)
    lr = np.random.RandomState(0).rand(1, *size, 3).astype(np.float32)
    enlarged = []
    for lanes in (1, 2):
        for module in (loop, network):
            monkeypatch.setattr(module, 'lanes_for', lambda batch_size, lanes=lanes: lanes)
        net = Network(design_for(conf, 3))
        net.reset([np.random.RandomState(1).randn(*shape) * 0.2 for shape in net.design.filter_shapes])
        shape = [2 * side for side in size]
        enlarged.append(net.super_resolve(lr, np.array([2.0, 2.0]), shape, 'cubic'))
    assert enlarged[1].shape == (1, *shape, 3)
    np.testing.assert_allclose(*enlarged, rtol=0, atol=tolerances.NETWORK)


def test_one_pair_is_trained_on_as_it_is_where_there_are_lanes(monkeypatch):
    monkeypatch.setattr(loop, 'lanes_for', lambda batch_size: 2)
    net = Network(design_for(Config(width=4, depth=3, batch_size=2), 3))
    net.reset(random_filters(0))
    pair = np.random.RandomState(0).rand(2, 16, 16, 3).astype(np.float32)
    loss, output = net.step(*pair, 1e-3)
    assert output.shape == (16, 16, 3)
    assert loss == pytest.approx(np.abs(output - pair[1]).mean(), rel=tolerances.LOOP)
