"""network.py: the model, its optimiser and loop against NumPy twins, and tiles without seams."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from helpers import tolerances
from scipy import ndimage

from configs import Config
from imresize import imresize
from learning import loop, resizing
from learning.fathers import pack_sources, warp
from learning.filters import Filters
from learning.model import build_model, design_for
from learning.network import Network
from learning.optimizers import Adam
from learning.sons import enlarge_sons, make_sons, plan_sons
from utils import random_augment
from ZSSR import ZSSR

TINY_CONF = Config(width=4, depth=3)


class Watcher(ZSSR):
    """Keeps filters and optimiser before and after each training."""

    def snapshot(self):
        optimiser = [moments.numpy() for moments in self.network._loop._optimizer._moments]
        optimiser += [power.numpy() for power in self.network._loop._optimizer._powers]
        done, filters = len(self.loss) + len(self.mse_rec), self.model.get_weights()
        rate = self.learning_rate
        return SimpleNamespace(
            filters=filters, optimiser=optimiser, done=done, iter=self.iter, learning_rate=rate
        )

    def train(self):
        self.starts = [*getattr(self, 'starts', []), self.snapshot()]
        super().train()
        self.ends = [*getattr(self, 'ends', []), self.snapshot()]


@pytest.fixture
def net(shared_network):
    """The shared tiny network, with random filters large enough that every layer matters."""
    net = shared_network(design_for(TINY_CONF, 3))
    net.reset(random_filters(0))
    return net


def random_filters(seed):
    rng = np.random.RandomState(seed)
    return [(rng.randn(*shape) * 0.15).astype(np.float32) for shape in TINY_CONF.filter_shape]


def forward(image, filters, learn_residual=True):
    """The network written out: sums of correlated channels, negative ones cut off, plus the input."""
    x = image.astype(np.float64)
    for index, weights in enumerate(filters):
        x = np.stack(
            [
                sum(
                    ndimage.correlate(x[..., i], weights[..., i, o].astype(float), mode='constant')
                    for i in range(weights.shape[2])
                )
                for o in range(weights.shape[3])
            ],
            axis=2,
        )
        if index < len(filters) - 1:
            x = np.maximum(x, 0)
    return x + image * learn_residual


def random_pairs(number, size=16):
    rng = np.random.RandomState(7)
    return [rng.rand(2, size, size, 3).astype(np.float32) for _ in range(number)]


def random_draws(number, son_shape=(8, 8, 3)):
    rng = np.random.RandomState(3)
    inverses = [np.hstack([np.eye(2) + rng.randn(2, 2) * 0.1, rng.rand(2, 1) * 4]) for _ in range(number)]
    return rng.randint(2, size=number), np.stack(inverses), rng.randn(number, *son_shape) * 0.01


@pytest.mark.parametrize('learn_residual', [True, False])
def test_model_equals_its_numpy_twin(learn_residual):
    conf = Config(width=4, depth=3, learn_residual=learn_residual)
    model = build_model(design_for(conf, 3))
    model.set_weights(random_filters(1))
    image = np.random.RandomState(2).rand(9, 13, 3).astype(np.float32)
    expected = forward(image, random_filters(1), learn_residual)
    np.testing.assert_allclose(model(image[None])[0], expected, rtol=0, atol=tolerances.FLOAT32)


@pytest.mark.parametrize(('channels', 'depth', 'width'), [(3, 8, 64), (1, 2, 5), (3, 5, 7)])
def test_model_has_the_configured_convolutions_and_no_bias(channels, depth, width):
    design = design_for(Config(depth=depth, width=width), channels)
    model = build_model(design)
    assert tuple(weights.shape for weights in model.get_weights()) == design.filter_shapes
    rng = np.random.default_rng(0)
    filters = [rng.normal(0, (2 / np.prod(shape[:3])) ** 0.5, shape) for shape in design.filter_shapes]
    model.set_weights(filters)
    image = rng.random((9, 13, channels), np.float32)
    expected = forward(image, filters)
    np.testing.assert_allclose(model(image[None])[0], expected, rtol=0, atol=tolerances.NETWORK)


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


def test_a_batch_steps_by_the_mean_gradient_of_its_pairs():
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
    inside = net._forward
    monkeypatch.setattr(net, '_forward', lambda x: seen.append(tuple(x.shape)) or inside(x))
    monkeypatch.setattr(resizing, 'TILE', 10)
    net.super_resolve(np.random.RandomState(1).rand(1, 16, 30, 3), (2, 2), (32, 60), 'cubic')
    assert len(seen) == 4 * 6
    assert max(max(shape[1:3]) for shape in seen) == 10 + 2 * 3


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


@pytest.mark.parametrize(
    'changes',
    [
        {'width': 5},
        {'depth': 4},
        {'learn_residual': False},
        {'precision': 'bfloat16'},
        {'network_grid': 'low'},
        {'jit_compile': True},
        {'optimizer': 'muon'},
        {'batch_size': 2},
    ],
)
def test_whatever_changes_the_network_changes_its_design(changes):
    conf = Config(**{'width': 4, 'depth': 3, **changes})
    assert design_for(conf, 3) != design_for(Config(width=4, depth=3), 3)
    assert design_for(conf, 3) != design_for(conf, 1)


def test_initial_filters_are_normal_with_the_configured_deviation(make_net):
    net = make_net(width=64, init_variance=0.4, share=False)
    for weights in net.model.get_weights():
        deviation = np.sqrt(0.4 / (9 * weights.shape[2]))
        assert weights.std() == pytest.approx(deviation, rel=tolerances.FILTER_DEVIATION)
        assert abs(weights.mean()) < deviation / 10
        assert np.abs(weights).max() > 2.5 * deviation
    assert net.rng.rand() == np.random.RandomState(1).rand()


def test_initial_filters_come_from_the_seed(make_net):
    first, again, other = (make_net(seed=seed).model.get_weights() for seed in (1, 1, 2))
    for one, same, another in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, another)


def test_without_a_seed_one_is_drawn_and_recorded(make_net):
    seeds = {make_net(seed=None).conf.seed for _ in range(3)}
    assert len(seeds) == 3
    assert all(isinstance(seed, int) for seed in seeds)


def test_a_used_network_gives_what_a_fresh_one_does(make_net, image):
    fresh = make_net(share=False)
    expected = fresh.run()
    used = make_net(image[::-1], seed=9)
    used.run()
    again = make_net()
    assert again.network is used.network is not fresh.network
    np.testing.assert_array_equal(again.run(), expected)
    assert again.loss == fresh.loss


def test_networks_are_not_shared_unasked(make_net):
    one, other = make_net(share=False), make_net(share=False)
    before = other.model.get_weights()
    one.run()
    assert one.network is not other.network
    for untouched, weights in zip(before, other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(untouched, weights)
    assert other.loss == []
    assert other.hr_fathers_sources == [other.input]
    np.testing.assert_array_equal(one.final_sr, other.run())


@pytest.mark.parametrize('changes', [{'width': 5}, {'depth': 2}, {'learn_residual': False}])
def test_a_network_of_another_design_is_left_alone(net, image, changes):
    settings = {'width': 4, 'depth': 3, 'crop_size': 16, 'max_iters': 1, 'save_results': False}
    conf = Config(**settings | changes)
    assert ZSSR(image, conf, network=net).network is not net
    assert ZSSR(image[..., 0], Config(**settings), network=net).network is not net
    assert ZSSR(image, Config(**settings), network=net).network is net


def test_training_equals_the_loop_of_the_paper(make_net, image, gaussian):
    options = {'kernels': [gaussian(5, 5)], 'noise_std': 0.02, 'max_iters': 5}
    fast, slow = make_net(**options), make_net(**options, share=False)
    fast.train()
    for iteration in range(5):
        father = random_augment([image], [1.0], 0.05, 0.45, 0.5, 1.0, True, 0.25, 0.1, 16, slow.rng)
        slow.forward_backward_pass(slow.father_to_son(father), father)
        assert slow.iter == iteration
        if iteration % 2 == 0:
            slow.quick_test()
    np.testing.assert_allclose(fast.loss, slow.loss, rtol=tolerances.LOOP)
    np.testing.assert_allclose(fast.mse_rec, slow.mse_rec, rtol=tolerances.LOOP)
    np.testing.assert_array_equal(fast.hr_father, father)
    assert fast.rng.rand() == slow.rng.rand()


def test_without_residual_the_network_answers_alone(make_net, image):
    net = make_net(learn_residual=False)
    assert net.run().shape == (40, 48, 3)
    net.model.set_weights([np.zeros_like(weights) for weights in net.model.get_weights()])
    assert not net.forward_pass(image).any()


def test_grayscale_runs_a_network_of_one_channel(make_net, image):
    gray = np.rint(image[..., 0] * 255).astype(np.uint8)
    net = make_net(gray)
    sr = net.run()
    assert sr.shape == (40, 48, 1)
    assert [weights.shape[2:] for weights in net.model.get_weights()] == [(1, 4), (4, 4), (4, 1)]
    np.testing.assert_allclose(net.input[..., 0], gray / 255, atol=tolerances.FLOAT32)


@pytest.mark.parametrize('fresh', [True, False])
def test_filters_and_optimiser_carry_over_unless_told_otherwise(make_net, fresh):
    net = make_net(cls=Watcher, init_net_for_each_sf=fresh, scale_factors=[1.5, 2], learning_rate=0.01)
    net.run()
    (first, second), ended = net.starts, net.ends[0]
    for before, after in zip(ended.filters, second.filters, strict=True):
        assert np.array_equal(before, after) is not fresh
    for initial, now in zip(first.filters, second.filters, strict=True):
        assert not np.array_equal(initial, now)
    expected = first if fresh else ended
    for kept, now in zip(expected.optimiser, second.optimiser, strict=True):
        np.testing.assert_array_equal(kept, now)
    assert (second.learning_rate, second.iter, second.done) == (0.01, 0, 0)


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
