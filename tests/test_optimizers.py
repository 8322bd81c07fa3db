"""optimizers.py: Muon against a NumPy twin; Adam's own twin is in test_network.py."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import tolerances

from configs import Config
from learning import optimizers
from learning.network import Network, design_for
from learning.optimizers import Adam, Muon

SHAPES = ((3, 3, 2, 4), (3, 3, 4, 4), (3, 3, 4, 4), (3, 3, 4, 2))
BOTH = pytest.mark.parametrize('kind', [Adam, Muon])


def random_filters(seed, scale=0.1):
    rng = np.random.RandomState(seed)
    return [(scale * rng.randn(*shape)).astype(np.float32) for shape in SHAPES]


def with_even_singular_values(matrix):
    """The five steps on each singular value by itself."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    x = values / np.sqrt(np.sum(values**2))
    for _ in range(5):
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    return left * x @ right


def test_singular_values_come_near_1_and_directions_stay():
    matrices = np.random.RandomState(0).randn(3, 36, 4)
    result = optimizers.orthogonal(tf.constant(matrices, tf.float32)).numpy()
    for matrix, even in zip(matrices, result, strict=True):
        np.testing.assert_allclose(even, with_even_singular_values(matrix), rtol=0, atol=tolerances.MUON)
        values = np.linalg.svd(even, compute_uv=False)
        assert values.min() > 0.65 and values.max() < 1.25


def test_a_gradient_of_zero_moves_nothing():
    np.testing.assert_array_equal(optimizers.orthogonal(tf.zeros([2, 36, 4])), np.zeros([2, 36, 4]))


def test_hidden_layers_step_as_muon_and_the_outer_ones_as_adam():
    muon, adam, filters = Muon(SHAPES), Adam(SHAPES), random_filters(0)
    muon.load(filters)
    adam.load(filters)
    twins = [each.astype(np.float64).reshape(36, 4) for each in filters[1:-1]]
    momenta = [np.zeros((36, 4)) for _ in twins]
    for step in range(1, 4):
        gradients, rate = random_filters(step, 1e-4), 1e-2 / step
        muon.apply([tf.constant(each) for each in gradients], tf.constant(rate))
        adam.apply([tf.constant(each) for each in gradients], tf.constant(rate))
        for i, gradient in enumerate(gradients[1:-1]):
            gradient = gradient.astype(np.float64).reshape(36, 4)
            momenta[i] = 0.95 * momenta[i] + gradient
            direction = with_even_singular_values(gradient + 0.95 * momenta[i])
            twins[i] -= rate * optimizers.MUON_STRENGTH * 6 * direction
        first, *hidden, last = muon.filters
        for mine, twin in zip(hidden, twins, strict=True):
            np.testing.assert_allclose(mine, twin.reshape(mine.shape), rtol=0, atol=tolerances.MUON)
        for mine, other in ((first, adam.filters[0]), (last, adam.filters[-1])):
            np.testing.assert_allclose(mine, other, rtol=0, atol=tolerances.FLOAT32)


@BOTH
def test_filters_come_back_as_they_were_loaded(kind):
    optimizer, filters = kind(SHAPES), random_filters(0)
    optimizer.load(filters)
    for mine, loaded in zip(optimizer.filters, filters, strict=True):
        np.testing.assert_array_equal(mine, loaded)


@pytest.mark.parametrize('precision', ['bfloat16', 'float16'])
def test_what_rounding_takes_comes_back_in_later_steps(precision):
    """A filter between two numbers of the precision is seen as either in turn, right in the mean."""
    adam, filters = Adam(SHAPES, precision), random_filters(0)
    adam.load(filters)
    steps = [[each.numpy() for each in adam.round_filters()] for _ in range(64)]
    spacing = {'bfloat16': 2.0**-7, 'float16': 2.0**-10}[precision]
    for index, exact in enumerate(filters):
        seen = np.array([step[index] for step in steps])
        np.testing.assert_array_equal(seen, tf.cast(tf.cast(seen, precision), tf.float32))
        assert np.all(np.abs(seen - exact) <= 1.01 * spacing * np.abs(exact) + tolerances.FLOAT32)
        # What is left over is at most one rounding's, of all 64.
        assert np.all(np.abs(seen.mean(0) - exact) <= spacing * np.abs(exact) / 64 + tolerances.FLOAT32)
        assert np.any(np.abs(seen[0] - exact) > spacing * np.abs(exact) / 8)


@BOTH
def test_float32_filters_are_not_rounded(kind):
    optimizer, filters = kind(SHAPES), random_filters(0)
    optimizer.load(filters)
    for mine, loaded in zip(optimizer.round_filters(), filters, strict=True):
        np.testing.assert_array_equal(mine, loaded)


@BOTH
def test_reset_forgets_all_gradients(kind):
    results = []
    optimizer = kind(SHAPES)
    for _ in range(2):
        optimizer.reset()
        optimizer.load(random_filters(0))
        for step in range(3):
            optimizer.apply([tf.constant(each) for each in random_filters(step)], tf.constant(1e-3))
        results.append([each.numpy() for each in optimizer.filters])
    for first, again in zip(*results, strict=True):
        np.testing.assert_array_equal(first, again)


def test_reset_forgets_what_was_rounded_off():
    adam, results = Adam(SHAPES, 'bfloat16'), []
    for _ in range(2):
        adam.reset()
        adam.load(random_filters(0))
        results.append([[each.numpy() for each in adam.round_filters()] for _ in range(2)])
    for first, second, again in zip(*results[0], results[1][0], strict=True):
        assert np.any(first != second)
        np.testing.assert_array_equal(first, again)


@BOTH
def test_a_networks_step_moves_every_filter(kind):
    conf = Config(width=4, depth=4, optimizer=kind.__name__.lower())
    net = Network(design_for(conf, 3))
    rng = np.random.RandomState(0)
    net.reset([0.1 * rng.randn(*shape) for shape in conf.filter_shape])
    before = net.model.get_weights()
    net.step(rng.rand(16, 16, 3), rng.rand(16, 16, 3), 1e-3)
    assert all(np.any(one != other) for one, other in zip(before, net.model.get_weights(), strict=True))
