"""optimizers.py and filters.py: Muon against a NumPy twin; Adam's own twin is in test_network.py."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import tolerances

from configs import Config
from learning import optimizers
from learning.filters import Filters
from learning.model import design_for
from learning.network import Network
from learning.optimizers import Adam, Muon

SHAPES = ((3, 3, 2, 4), (3, 3, 4, 4), (3, 3, 4, 4), (3, 3, 4, 2))
BOTH = pytest.mark.parametrize('kind', [Adam, Muon])


def random_filters(seed, scale=0.1):
    rng = np.random.RandomState(seed)
    return [(scale * rng.randn(*shape)).astype(np.float32) for shape in SHAPES]


def make(kind, precision='float32'):
    """An optimiser and the filters that it moves."""
    filters = Filters(SHAPES, precision, stack_hidden=kind is Muon)
    return kind(filters), filters


def rounded_steps(filters, number):
    """What convolutions see in some steps in which nothing moves."""
    steps = []
    for _ in range(number):
        steps.append([each.numpy() for each in filters.seen])
        filters.settle()
    return steps


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
    (muon, muons), (adam, adams) = make(Muon), make(Adam)
    muons.load(random_filters(0))
    adams.load(random_filters(0))
    twins = [each.astype(np.float64).reshape(36, 4) for each in random_filters(0)[1:-1]]
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
        first, *hidden, last = muons.exact
        for mine, twin in zip(hidden, twins, strict=True):
            np.testing.assert_allclose(mine, twin.reshape(mine.shape), rtol=0, atol=tolerances.MUON)
        for mine, other in ((first, adams.exact[0]), (last, adams.exact[-1])):
            np.testing.assert_allclose(mine, other, rtol=0, atol=tolerances.FLOAT32)


@BOTH
def test_filters_come_back_as_they_were_loaded(kind):
    _, filters = make(kind)
    filters.load(random_filters(0))
    for mine, loaded in zip(filters.exact, random_filters(0), strict=True):
        np.testing.assert_array_equal(mine, loaded)


@pytest.mark.parametrize('precision', ['bfloat16', 'float16'])
def test_what_rounding_takes_comes_back_in_later_steps(precision):
    """A filter between two numbers of the precision is seen as either in turn, right in the mean."""
    _, filters = make(Adam, precision)
    filters.load(random_filters(0))
    steps = rounded_steps(filters, 64)
    spacing = {'bfloat16': 2.0**-7, 'float16': 2.0**-10}[precision]
    for index, exact in enumerate(random_filters(0)):
        seen = np.array([step[index] for step in steps])
        np.testing.assert_array_equal(seen, tf.cast(tf.cast(seen, precision), tf.float32))
        assert np.all(np.abs(seen - exact) <= 1.01 * spacing * np.abs(exact) + tolerances.FLOAT32)
        # What is left over is at most one rounding's, of all 64.
        assert np.all(np.abs(seen.mean(0) - exact) <= spacing * np.abs(exact) / 64 + tolerances.FLOAT32)
        assert np.any(np.abs(seen[0] - exact) > spacing * np.abs(exact) / 8)


@BOTH
def test_float32_filters_are_not_rounded(kind):
    _, filters = make(kind)
    filters.load(random_filters(0))
    for mine, loaded in zip(rounded_steps(filters, 2)[1], random_filters(0), strict=True):
        np.testing.assert_array_equal(mine, loaded)


@BOTH
def test_reset_forgets_all_gradients(kind):
    results = []
    optimizer, filters = make(kind)
    for _ in range(2):
        optimizer.reset()
        filters.load(random_filters(0))
        for step in range(3):
            optimizer.apply([tf.constant(each) for each in random_filters(step)], tf.constant(1e-3))
        results.append([each.numpy() for each in filters.exact])
    for first, again in zip(*results, strict=True):
        np.testing.assert_array_equal(first, again)


def test_reset_forgets_what_was_rounded_off():
    (_, filters), results = make(Adam, 'bfloat16'), []
    for _ in range(2):
        filters.forget()
        filters.load(random_filters(0))
        results.append(rounded_steps(filters, 2))
    for first, second, again in zip(*results[0], results[1][0], strict=True):
        assert np.any(first != second)
        np.testing.assert_array_equal(first, again)


def test_muons_filters_are_rounded_by_the_convolutions_alone():
    _, filters = make(Muon, 'bfloat16')
    filters.load(random_filters(0))
    for seen, loaded in zip(rounded_steps(filters, 2)[1], random_filters(0), strict=True):
        np.testing.assert_array_equal(seen, loaded)


@BOTH
def test_a_networks_step_moves_every_filter(kind):
    conf = Config(width=4, depth=4, optimizer=kind.__name__.lower())
    net = Network(design_for(conf, 3))
    rng = np.random.RandomState(0)
    net.reset([0.1 * rng.randn(*shape) for shape in conf.filter_shape])
    before = net.model.get_weights()
    net.step(rng.rand(16, 16, 3), rng.rand(16, 16, 3), 1e-3)
    assert all(np.any(one != other) for one, other in zip(before, net.model.get_weights(), strict=True))
