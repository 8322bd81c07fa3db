"""optimizers.py: Muon against a NumPy twin; Adam's own twin is in test_loop.py."""

import numpy as np
import tensorflow as tf
from helpers import tolerances
from helpers.optimisers import BOTH, SHAPES, make, random_filters

from configs import Config
from learning import optimizers
from learning.filters import Filters
from learning.network import Network, design_for
from learning.optimizers import Adam, Muon


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


def test_the_size_of_singular_values_and_the_scale_of_gradients():
    matrices = tf.constant(np.random.RandomState(0).randn(3, 36, 4), tf.float32)
    result, sized = (optimizers.orthogonal(matrices, size) for size in (1.0, 3.0))
    np.testing.assert_allclose(sized, 3 * result, rtol=tolerances.FLOAT32, atol=tolerances.FLOAT32)
    for scale in (1e-7, 1e7):
        scaled = optimizers.orthogonal(scale * matrices)
        np.testing.assert_allclose(scaled, result, rtol=0, atol=tolerances.MUON)


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


def test_weight_decay_shrinks_hidden_layers_alone_by_its_share():
    rate, decay = tf.constant(1e-2), 3.0
    results = []
    for weight_decay in (0.0, decay):
        filters = Filters(SHAPES, for_muon=True)
        muon = Muon(filters, weight_decay)
        filters.load(random_filters(0))
        muon.apply([tf.constant(each) for each in random_filters(1, 1e-4)], rate)
        results.append(filters.exact)
    for index, (without, shrunk) in enumerate(zip(*results, strict=True)):
        hidden = 0 < index < len(results[0]) - 1
        share = 1e-2 * decay * random_filters(0)[index] if hidden else 0
        np.testing.assert_allclose(shrunk, without - share, rtol=0, atol=tolerances.FLOAT32)


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


@BOTH
def test_a_networks_step_moves_every_filter(kind):
    conf = Config(width=4, depth=4, optimizer=kind.__name__.lower())
    net = Network(design_for(conf, 3))
    rng = np.random.RandomState(0)
    net.reset([0.1 * rng.randn(*shape) for shape in conf.filter_shape])
    before = net.model.get_weights()
    net.step(rng.rand(16, 16, 3), rng.rand(16, 16, 3), 1e-3)
    assert all(np.any(one != other) for one, other in zip(before, net.model.get_weights(), strict=True))
