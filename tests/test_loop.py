"""loop.py: compiled steps and blocks against NumPy twins and single steps."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import tolerances
from helpers.networks import TINY_CONF, forward, random_filters

from configs import Config
from learning import loop
from learning.fathers import pack_sources, warp
from learning.filters import Filters
from learning.network import Network, design_for
from learning.optimizers import Adam
from learning.sons import enlarge_sons, make_sons, plan_sons


def random_pairs(number, size=16):
    rng = np.random.RandomState(7)
    return [rng.rand(2, size, size, 3).astype(np.float32) for _ in range(number)]


def random_draws(number, son_shape=(8, 8, 3)):
    rng = np.random.RandomState(3)
    inverses = [np.hstack([np.eye(2) + rng.randn(2, 2) * 0.1, rng.rand(2, 1) * 4]) for _ in range(number)]
    return rng.randint(2, size=number), np.stack(inverses), rng.randn(number, *son_shape) * 0.01


def test_a_step_reports_loss_and_output_before_it(net):
    (enlarged, father), filters = random_pairs(1)[0], random_filters(0)
    loss, output = net.step(enlarged, father, 1e-3)
    expected = forward(enlarged, filters)
    np.testing.assert_allclose(output, expected, rtol=0, atol=tolerances.FLOAT32)
    assert loss == pytest.approx(np.abs(expected - father).mean(), rel=tolerances.FLOAT32)
    assert np.abs(net.model.get_weights()[0] - filters[0]).max() == pytest.approx(1e-3, rel=1e-2)


def test_steps_are_adams(net):
    filters = [weights.astype(np.float64) for weights in random_filters(0)]
    first, second = ([np.zeros_like(weights) for weights in filters] for _ in range(2))
    for step, (enlarged, father) in enumerate(random_pairs(5), start=1):
        rate = 1e-3 / step
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.abs(net.model(enlarged[None])[0] - father))
        gradients = tape.gradient(loss, net.model.trainable_weights)
        net.step(enlarged, father, rate)
        for index, gradient in enumerate(gradients):
            g = gradient.numpy().astype(np.float64)
            first[index] = 0.9 * first[index] + 0.1 * g
            second[index] = 0.999 * second[index] + 0.001 * g**2
            mean, square = first[index] / (1 - 0.9**step), second[index] / (1 - 0.999**step)
            epsilon = 1e-8 / np.sqrt(1 - 0.999**step)  # TensorFlow adds it before the correction
            filters[index] -= rate * mean / (np.sqrt(square) + epsilon)
        for weights, twin in zip(net.model.get_weights(), filters, strict=True):
            np.testing.assert_allclose(weights, twin, rtol=0, atol=tolerances.ADAM)


@pytest.mark.parametrize('kernel', ['cubic', np.full((3, 5), 1 / 15)], ids=['by name', 'by kernel'])
def test_the_loop_equals_single_steps(net, kernel):
    rng = np.random.RandomState(0)
    sources = pack_sources([rng.rand(20, 24, 3), rng.rand(30, 28, 3)])
    plan = plan_sons(16, (2, 2), kernel, 'cubic')
    draws, rates = random_draws(6), [1e-3, 1e-3, 1e-3, 1e-4, 1e-4, 1e-5]
    losses, father, son, output = net.train(sources, plan, draws, rates)
    looped = net.model.get_weights()

    net.reset(random_filters(0))
    for i, (rate, loss) in enumerate(zip(rates, losses, strict=True)):
        index, inverse, noise = (tf.constant(drawn[i : i + 1]) for drawn in draws)
        fathers = warp(sources, index, inverse, 16)
        sons = make_sons(fathers, noise, plan)
        one_father, one_son = fathers[0], sons[0]
        one_loss, one_output = net.step(enlarge_sons(sons, plan)[0], one_father, rate)
        assert one_loss == pytest.approx(loss, rel=tolerances.LOOP)
    np.testing.assert_array_equal(father, one_father)
    np.testing.assert_allclose(son, one_son, rtol=0, atol=tolerances.FLOAT32)
    np.testing.assert_allclose(output, one_output, rtol=0, atol=tolerances.NETWORK)
    for weights, stepped in zip(looped, net.model.get_weights(), strict=True):
        np.testing.assert_allclose(weights, stepped, rtol=0, atol=tolerances.NETWORK)


@pytest.mark.parametrize('lanes', [1, 3])
def test_a_batch_steps_by_the_mean_gradient_of_its_pairs(lanes, monkeypatch):
    monkeypatch.setattr(loop, 'lanes_for', lambda batch_size: lanes)
    batched = Network(design_for(Config(width=4, depth=3, batch_size=3), 3))
    batched.reset(random_filters(0))
    source = pack_sources([np.random.RandomState(0).rand(20, 24, 3)] * 2)
    plan, draws = plan_sons(16, (2, 2), 'cubic', 'cubic'), random_draws(6)
    losses, father, son, output = batched.train(source, plan, draws, [1e-3, 1e-3])
    looped = batched.model.get_weights()

    fathers = warp(source, *(tf.constant(drawn) for drawn in draws[:2]), 16)
    sons = make_sons(fathers, tf.constant(draws[2]), plan)
    enlarged = enlarge_sons(sons, plan)
    filters = Filters(batched.design.filter_shapes)
    adam = Adam(filters)
    filters.load([tf.constant(weights) for weights in random_filters(0)])
    for batch, loss in zip((slice(0, 3), slice(3, 6)), losses, strict=True):
        batched.model.set_weights([weights.numpy() for weights in filters.exact])
        gradients, each = [], []
        for one, one_father in zip(enlarged[batch], fathers[batch], strict=True):
            with tf.GradientTape() as tape:
                one_output = batched.model(one[None])[0]
                each.append(tf.reduce_mean(tf.abs(one_output - one_father)))
            gradients.append(tape.gradient(each[-1], batched.model.trainable_weights))
        adam.apply([sum(of_a_layer) / 3 for of_a_layer in zip(*gradients, strict=True)], 1e-3)
        assert np.mean(each) == pytest.approx(loss, rel=tolerances.LOOP)
    for weights, stepped in zip(looped, filters.exact, strict=True):
        np.testing.assert_allclose(weights, stepped, rtol=0, atol=tolerances.NETWORK)
    np.testing.assert_array_equal(father, fathers[-1])
    np.testing.assert_allclose(son, sons[-1], rtol=0, atol=tolerances.FLOAT32)
    np.testing.assert_allclose(output, one_output, rtol=0, atol=tolerances.NETWORK)


def test_sons_may_be_made_by_a_method_in_one_image_and_by_a_kernel_in_the_next():
    net, losses = Network(design_for(TINY_CONF, 3)), []
    sources = pack_sources([np.random.RandomState(0).rand(20, 24, 3)] * 2)
    kernel = np.random.RandomState(1).rand(3, 5) / 8
    for sons in ('cubic', kernel, 'cubic', kernel):
        net.reset(random_filters(0))
        plan = plan_sons(16, (2, 2), sons, 'cubic')
        losses.append(net.train(sources, plan, random_draws(2), [1e-3] * 2)[0])
    np.testing.assert_array_equal(losses[:2], losses[2:])
    assert np.all(losses[0] != losses[1])


def test_how_many_pairs_are_made_at_once_changes_nothing(monkeypatch):
    sources = pack_sources([np.random.RandomState(0).rand(20, 24, 3)] * 2)
    plan = plan_sons(16, (2, 2), 'cubic', 'cubic')
    results = []
    for size in (100, 4, 1):
        monkeypatch.setattr(loop, 'FATHER_PIXELS', size * 16**2)
        net = Network(design_for(TINY_CONF, 3))
        net.reset(random_filters(0))
        results.append(net.train(sources, plan, random_draws(6), [1e-3] * 6))
    for other in results[1:]:
        for mine, one in zip(other, results[0], strict=True):
            np.testing.assert_allclose(mine, one, rtol=0, atol=tolerances.NETWORK)


@pytest.mark.parametrize('precision', ['bfloat16', 'float16'])
@pytest.mark.parametrize(
    'changes',
    [
        {'noise_std': 0.1},
        {'network_grid': 'low', 'learn_residual': False},
        {'scale_factors': [[1, 2]], 'run_test': False},
        {'optimizer': 'muon', 'batch_size': 2, 'rounds': 3, 'rate_policy': 'linear', 'learning_rate': 1e-4},
    ],
    ids=['noise', 'coarse grid', 'one axis', 'fast'],
)
def test_half_precision_runs_come_close_to_full_ones(make_net, precision, changes):
    full, half = (make_net(precision=kind, init_variance=1.0, **changes) for kind in ('float32', precision))
    assert half.network.pair_dtype == tf.float32
    np.testing.assert_allclose(half.run(), full.run(), rtol=0, atol=tolerances.HALF)
    np.testing.assert_allclose(half.loss, full.loss, rtol=tolerances.HALF)


def test_a_diverged_training_is_an_error(make_net):
    within_a_block = make_net(max_iters=12, run_test_every=100, learning_rate=1e10)
    with pytest.raises(ValueError, match=r'training diverged.*lower learning_rate'):
        within_a_block.run()
    from_the_start = make_net()
    from_the_start.model.set_weights([weights * np.nan for weights in from_the_start.model.get_weights()])
    with pytest.raises(ValueError, match=r'training diverged.*lower learning_rate'):
        from_the_start.run()


def test_reset_forgets_everything(net):
    def losses():
        net.reset(random_filters(0))
        return [net.step(*pair, 1e-2)[0] for pair in random_pairs(4)]

    assert losses() == losses()


def test_nothing_is_traced_again_for_other_sizes(monkeypatch):
    traced = []

    def counted_warp(*arguments):
        traced.append(1)
        return warp(*arguments)

    monkeypatch.setattr(loop, 'warp', counted_warp)
    net, counts = Network(design_for(TINY_CONF, 3)), []
    for size, crop, sf, number in [(20, 16, 2, 3), (33, 24, 3, 1), (27, 9, 1.5, 5)]:
        images = [np.random.RandomState(0).rand(size, size + 3, 3)] * 2
        son_shape = (*[int(np.ceil(crop / sf))] * 2, 3)
        plan = plan_sons(crop, (sf, sf), 'cubic', 'cubic')
        net.train(pack_sources(images), plan, random_draws(number, son_shape), [1e-3] * number)
        net.super_resolve(images[0][None], (sf, sf), (int(size * sf), int(size * sf)), 'cubic')
        counts.append((len(traced), net._forward.experimental_get_tracing_count()))
    assert counts[0][0] > 0
    assert counts[0] == counts[1] == counts[2]


@pytest.mark.parametrize('precision', ['bfloat16', 'float16'])
def test_half_precision_trains_and_keeps_weights_and_sum_in_float32(precision):
    net = Network(design_for(Config(width=4, depth=3, precision=precision), 3))
    rng = np.random.RandomState(0)
    net.reset([rng.randn(*shape) * 0.1 for shape in net.design.filter_shapes])
    enlarged, father = rng.rand(2, 16, 16, 3).astype(np.float32)
    losses = [net.step(enlarged, father, 1e-3)[0] for _ in range(60)]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    assert all(weights.dtype == np.float32 for weights in net.model.get_weights())
    outputs = [net.step(enlarged, father, 0.0)[1] for _ in range(2)]
    assert np.any(outputs[0] != outputs[1])  # what rounding took from the filters came back
    net.reset([0 * weights for weights in net.model.get_weights()])
    np.testing.assert_array_equal(net.step(enlarged, father, 0.0)[1], enlarged)


def test_linear_policy_warms_up_and_falls_to_zero(make_net):
    net = make_net(rate_policy='linear', warm_up_iters=4, max_iters=20, run_test_every=7, learning_rate=0.01)
    rates, train = [], net.network.train
    net.network.train = lambda *arguments: rates.extend(arguments[3]) or train(*arguments)
    net.train()
    del net.network.train
    expected = [0.01 * min(1, (i + 1) / 5) * (1 - i / 20) for i in range(20)]
    np.testing.assert_allclose(rates, expected)
    assert len(net.loss) == 20
