"""ZSSR.py: the learning-rate policy, training, scales and base changes, and the final output."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import tolerances

from configs import Config
from ensemble import BackProjection
from images import read_image
from imresize import imresize, kernel_shift
from network import design_for
from utils import back_projection, draw_augmentation, has_stopped_falling, quick_test_windows
from ZSSR import ZSSR

GRADUAL = {'scale_factors': [[2.0, 2.0], [4.0, 4.0]], 'base_change_sfs': [[2.0, 2.0]]}
NAMES = """build_network forward_backward_pass forward_pass learning_rate_policy quick_test train
father_to_son final_test base_change plot input gt gt_per_sf kernels kernel sf base_sf sf_ind output_shape
iter learning_rate loss mse mse_rec interp_mse interp_rec_mse mse_steps learning_rate_change_iter_nums
hr_father lr_son train_output sr final_sr file_name rng model"""
WOBBLE = np.array(
    [1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0]
)  # at a right angle to any line through 8 points


class Watcher(ZSSR):
    """Keeps what holds before and after each training."""

    def __init__(self, *arguments, **options):
        self.starts, self.ends = [], []
        super().__init__(*arguments, **options)

    def train(self):
        self.starts.append(SimpleNamespace(**vars(self)))
        super().train()
        self.ends.append(SimpleNamespace(**vars(self)))


class ScriptedNetwork:
    """Stands in for the network: trains nothing, remembers the rates."""

    def __init__(self):
        self.rates = []

    pair_dtype = tf.float64

    def train(self, sources, recipe, draws, rates):
        assert {len(drawn) for drawn in draws} == {len(rates)}
        self.rates.extend(rates)
        return np.zeros(len(rates)), None, None, None


class Scripted(ZSSR):
    """Takes the errors of its quick tests from a script."""

    def quick_test(self):
        self.mse_steps.append(self.iter)
        self.mse_rec.append(self.script[self.iter])


def slope_deviation(steps, errors, spare):
    """Slope of a line through points, and its deviation, with n − `spare` degrees of freedom."""
    steps, errors = np.array(steps, float), np.array(errors, float)
    centred = steps - steps.mean()
    slope = (centred @ errors) / (centred @ centred)
    residual = errors - errors.mean() - slope * centred
    return slope, np.sqrt(residual @ residual / (len(steps) - spare) / (centred @ centred))


def original_loop(conf, script):
    """Train, quick test, policy, stop: iteration by iteration."""
    rate, rates, changes, tests = conf.learning_rate, [], [0], []
    for iteration in range(conf.max_iters):
        rates.append(rate)
        if iteration % conf.run_test_every == 0:
            tests.append(iteration)
        is_checked = (iteration + 1) % conf.learning_rate_policy_check_every == 0
        if is_checked and iteration - changes[-1] > conf.min_iters:
            window = tests[-(conf.learning_rate_slope_range // conf.run_test_every) :]
            slope, deviation = slope_deviation(window, script[window], 4)
            if -conf.learning_rate_change_ratio * slope < deviation:
                rate /= 10
                changes.append(iteration)
        if rate < conf.min_learning_rate:
            break
    return rates, changes


def in_step(rng, follower):
    return rng.rand() == follower.rand()


def policy_net(make_net, iteration, errors, steps=None, **options):
    """A net at an iteration with a history; the policy looks every 60 iterations, at 5 points."""
    options = {'run_test_every': 50, 'max_iters': 3000} | options
    net = make_net(**options)
    net.iter, net.mse_rec = iteration, list(errors)
    net.mse_steps = list(steps or range(0, 50 * len(errors), 50))
    return net


def has_acted(net):
    net.learning_rate_policy()
    return net.learning_rate < net.conf.learning_rate


@pytest.mark.parametrize('n', [5, 6, 8])
@pytest.mark.parametrize('ratio', [1.5, 0.7])
def test_variance_divides_by_n_minus_4(n, ratio):
    steps, wobble = np.arange(n) * 50.0, WOBBLE[:n]
    deviation = slope_deviation(steps, wobble, 4)[1]
    trend = -slope_deviation(steps, wobble, 4)[0]
    for factor, stopped in [(0.99, True), (1.01, False)]:
        errors = wobble + steps * (trend - factor * deviation / ratio)
        assert has_stopped_falling(steps, errors, ratio) is stopped
    by_n_minus_2 = slope_deviation(steps, wobble, 2)[1]
    assert by_n_minus_2 < 0.99 * deviation


@pytest.mark.parametrize(
    ('iteration', 'changed', 'acts'),
    [(299, 0, True), (298, 0, False), (300, 0, False), (239, 0, False), (359, 102, True), (359, 103, False)],
)
def test_policy_waits_min_iters_and_looks_at_its_phase(make_net, iteration, changed, acts):
    net = policy_net(make_net, iteration, [1.0, 2, 3, 4, 5, 6])
    net.learning_rate_change_iter_nums = [changed]
    assert has_acted(net) is acts
    assert net.learning_rate_change_iter_nums == [changed] + [iteration] * acts
    assert net.learning_rate == net.conf.learning_rate / (10 if acts else 1)


@pytest.mark.parametrize(('min_iters', 'acts'), [(299, False), (298, True)])
def test_policy_waits_more_than_min_iters(make_net, min_iters, acts):
    assert has_acted(policy_net(make_net, 299, [1.0, 2, 3, 4, 5, 6], min_iters=min_iters)) is acts


@pytest.mark.parametrize(('slope_range', 'acts'), [(250, True), (299, True), (300, False)])
def test_points_outside_the_window_do_not_count(make_net, slope_range, acts):
    errors = [9, 8, 7, 6, 5, 2, 2.01, 1.99, 2.01, 2.0]
    assert has_acted(policy_net(make_net, 599, errors, learning_rate_slope_range=slope_range)) is acts


def test_fewer_points_than_the_window_are_all_used(make_net):
    errors = [9, 1, 1.01, 0.99, 1.01, 1]
    wide = policy_net(make_net, 299, errors, learning_rate_slope_range=1000, learning_rate_change_ratio=1.2)
    narrow = policy_net(make_net, 299, errors, learning_rate_change_ratio=1.2)
    slope, deviation = slope_deviation(wide.mse_steps, errors, 4)
    assert has_acted(wide) is bool(-1.2 * slope < deviation)
    assert has_acted(narrow) is True


def test_change_ratio_scales_the_slope(make_net):
    errors = 5 - 0.01 * np.arange(6) * 50 + WOBBLE[:6]
    slope, deviation = slope_deviation(np.arange(1, 6) * 50, errors[1:], 4)
    limit = -deviation / slope
    for ratio, acts in [(limit * 0.99, True), (limit * 1.01, False)]:
        assert has_acted(policy_net(make_net, 299, errors, learning_rate_change_ratio=ratio)) is acts


@pytest.mark.parametrize(
    ('rate', 'iteration', 'trained'),
    [(9e-6, 0, False), (np.nextafter(9e-6, 0), 0, True), (1e-3, 2998, False), (1e-3, 2999, True)],
)
def test_training_ends_below_the_least_rate_or_at_max_iters(make_net, rate, iteration, trained):
    net = make_net(max_iters=3000, run_test_every=50)
    net.learning_rate, net.iter = rate, iteration
    assert bool(net.is_trained) is trained


@pytest.mark.parametrize(
    ('every', 'check', 'wait', 'window'),
    [(10, 7, 60, 60), (7, 10, 50, 100), (5, 5, 30, 25), (1, 3, 8, 6), (13, 60, 64, 90), (10, 30, 40, 60)],
)
@pytest.mark.parametrize(('fall', 'least'), [(0, 1e-5), (0, 9e-6), (0.002, 9e-6), (0.01, 9e-6)])
def test_planned_rates_are_those_of_a_loop_that_plans_nothing(
    make_net, every, check, wait, window, fall, least
):
    options = {
        'run_test_every': every,
        'learning_rate_policy_check_every': check,
        'min_iters': wait,
        'learning_rate_slope_range': window,
        'min_learning_rate': least,
        'max_iters': 400,
        'crop_size': 8,
    }
    net = make_net(cls=Scripted, **options)
    net.script = 2 + np.random.RandomState(check).randn(400) * 0.1 - fall * np.arange(400)
    net.network = ScriptedNetwork()
    net.train()
    rates, changes = original_loop(net.conf, net.script)
    assert net.network.rates == rates
    assert net.learning_rate_change_iter_nums == changes
    assert len(net.loss) == net.iter + 1 == len(rates)

    follower = np.random.RandomState(1)
    for _ in rates:
        draw_augmentation([(20, 24)], [1.0], 0.05, 0.45, 0.5, 1.0, True, 0.25, 0.1, 8, follower)
        follower.randn(4, 4, 3)
    assert in_step(net.rng, follower)


def test_a_training_may_end_between_quick_tests(make_net):
    conf = {'learning_rate_policy_check_every': 7, 'min_iters': 60, 'learning_rate_slope_range': 60}
    net = make_net(cls=Scripted, run_test_every=10, max_iters=400, crop_size=8, **conf)
    net.script, net.network = np.arange(400.0), ScriptedNetwork()
    net.train()
    assert net.learning_rate_change_iter_nums == [0, 62, 125, 188]
    assert len(net.loss) == 189


def test_a_rate_below_the_least_trains_once(make_net):
    net = make_net(cls=Scripted, learning_rate=8e-6, max_iters=100, run_test_every=10)
    net.script, net.network = np.ones(100), ScriptedNetwork()
    net.train()
    assert net.network.rates == [8e-6]


def test_quick_test_measures_network_and_interpolation(make_net, image):
    truth = np.clip(imresize(image, 2, kernel='lanczos3'), 0, 1)
    net = make_net(ground_truth=truth, upscale_method='linear')
    net.train()
    son = net.father_to_son(image)
    images = {
        'mse': net.forward_pass(image) - net.gt,
        'mse_rec': net.forward_pass(son, image.shape) - image,
        'interp_mse': imresize(image, 2, kernel='linear') - net.gt,
        'interp_rec_mse': imresize(son, 2, image.shape, 'linear') - image,
    }
    assert net.mse_steps == [0, 2]
    for name, difference in images.items():
        history = getattr(net, name)
        assert len(history) == 2
        assert history[-1] == pytest.approx(np.square(difference).mean(), rel=1e-4), name


def test_after_a_base_change_the_output_is_the_input(make_net, image):
    net = make_net(cls=Watcher, ground_truth=np.clip(imresize(image, 4), 0, 1), **GRADUAL)
    sr = net.run()
    first, second = net.starts
    assert first.input is not second.input is net.hr_fathers_sources[1]
    assert [im.shape[:2] for im in net.hr_fathers_sources] == [(20, 24), (40, 48), (80, 96)]
    assert sr.shape == (80, 96, 3)
    for start, base, shape in ((first, 1, (40, 48)), (second, 2, (80, 96))):
        assert (*start.sf, *start.base_sf) == (2, 2, base, base)
        assert tuple(start.output_shape[:2]) == start.gt_per_sf.shape[:2] == shape
    np.testing.assert_allclose(first.gt_per_sf, imresize(net.gt, 0.5), atol=tolerances.FLOAT64)
    assert second.gt_per_sf is net.gt


def test_back_projection_compares_with_the_new_base(make_net, monkeypatch):
    compared = []

    class Spy(BackProjection):
        def __init__(self, lr, output_shape, sf, *rest):
            super().__init__(lr, output_shape, sf, *rest)
            compared.append((lr[0], tuple(sf), []))

        def __call__(self, sr, iterations):
            compared[-1][2].append(iterations)
            return super().__call__(sr, iterations)

    monkeypatch.setattr('ZSSR.BackProjection', Spy)
    net = make_net(cls=Watcher, **GRADUAL | {'back_projection_iters': [1, 2]})
    net.run()
    for (lr, sf, iterations), base, times in zip(compared, net.hr_fathers_sources, [1, 2], strict=False):
        np.testing.assert_array_equal(lr, base)
        assert (sf, iterations) == ((2, 2), [times, times])
    assert len(compared) == 2


def test_scales_after_a_base_change_are_relative_to_it(make_net, gaussian):
    kernels = [gaussian(5, 5), gaussian(7, 7)]
    scales = {'scale_factors': [[1.5, 1.5], [3, 2.25]], 'base_change_sfs': [1.5]}
    net = make_net(cls=Watcher, kernels=kernels, **scales)
    assert net.run().shape == (60, 54, 3)
    for start, kernel, sf in zip(net.starts, kernels, [(1.5, 1.5), (2, 1.5)], strict=True):
        assert tuple(start.sf) == sf
        np.testing.assert_array_equal(start.kernel, kernel_shift(kernel, sf))


def test_without_base_changes_every_scale_starts_from_the_input(make_net, image):
    truth = np.clip(imresize(image, (2, 2)), 0, 1)
    options = {'scale_factors': [[1.0, 1.5], 1.5, 2], 'downscale_gt_method': 'linear'}
    net = make_net(cls=Watcher, ground_truth=truth, learning_rate=0.02, **options)
    net.run()
    assert [tuple(start.sf) for start in net.starts] == [(1, 1.5), (1.5, 1.5), (2, 2)]
    assert [im.shape[:2] for im in net.hr_fathers_sources] == [(20, 24), (20, 36), (30, 36), (40, 48)]
    for start in net.starts:
        assert (start.learning_rate, start.learning_rate_change_iter_nums) == (0.02, [0])
        np.testing.assert_array_equal(start.input, image)
        expected = imresize(truth, start.sf / 2, start.output_shape, 'linear')
        np.testing.assert_allclose(start.gt_per_sf, expected, atol=tolerances.FLOAT32)


def test_every_scale_has_its_kernel(make_net, gaussian):
    kernels = [gaussian(5, 5), gaussian(8, 8)]
    net = make_net(cls=Watcher, kernels=kernels, scale_factors=[[1.5, 1.5], [2, 2]])
    net.run()
    for end, kernel in zip(net.ends, net.kernels, strict=True):
        assert end.kernel is kernel
        son = np.clip(imresize(end.hr_father, 1 / end.sf, kernel=kernel), 0, 1)
        np.testing.assert_allclose(end.lr_son, son, atol=tolerances.FLOAT32)


@pytest.mark.parametrize(
    ('sf', 'flip', 'views'),
    [((2, 2), True, range(8)), ((1.5, 2), True, (0, 2, 4, 6)), ((2, 2), False, [0]), ((2, 1), False, [0])],
)
def test_final_output_is_the_median_of_turned_and_mirrored_views(make_net, image, sf, flip, views):
    net = make_net(scale_factors=[sf], output_flip=flip, back_projection_iters=[2], init_variance=2.0)

    def project(sr):
        for _ in range(2):
            sr = back_projection(sr, image, 'cubic', 'cubic', sf)
        return sr

    outputs = []
    for k in views:
        turned = np.rot90(image, k)
        sr = net.forward_pass(np.fliplr(turned) if k >= 4 else turned)
        outputs.append(project(np.rot90(np.fliplr(sr) if k >= 4 else sr, -k)))
    expected = project(np.median(outputs, axis=0))
    np.testing.assert_allclose(net.final_test(), expected, rtol=0, atol=tolerances.FLOAT32)
    np.testing.assert_array_equal(net.final_sr, net.final_test())


def test_numbers_serve_as_scale_factors(make_net):
    one, pair = (make_net(scale_factors=scales).run() for scales in ([2], [[2.0, 2.0]]))
    np.testing.assert_array_equal(one, pair)


def test_a_run_changes_nothing_outside_its_own_copy(image, shared_network):
    settings = GRADUAL | {'back_projection_iters': [1, 1]}
    conf = Config(width=4, depth=3, crop_size=16, max_iters=2, save_results=False, **settings)
    before, pixels, defaults = conf.copy(), image.copy(), Config()
    net = ZSSR(image, conf, network=shared_network(design_for(conf, 3)))
    net.run()
    net.conf.scale_factors[0][0] = 9
    assert conf == before
    assert Config() == defaults
    np.testing.assert_array_equal(image, pixels)


@pytest.mark.parametrize(
    ('sf', 'size', 'fits'),
    [
        (2, (40, 48), True),
        (2, (41, 49), True),
        (2, (42, 48), False),
        (2, (40, 50), False),
        (2, (39, 48), False),
        (2, (40, 47), False),
        (1.5, (31, 37), True),
        (1.5, (32, 36), False),
        ((1, 2), (21, 48), False),
        (3, (62, 74), True),
    ],
)
def test_ground_truth_may_be_larger_by_less_than_the_scale(make_net, sf, size, fits):
    truth = np.random.RandomState(0).rand(*size, 3).astype(np.float32)
    if fits:
        net = make_net(ground_truth=truth, scale_factors=[sf])
        np.testing.assert_array_equal(net.gt, truth[: net.output_shape[0], : net.output_shape[1]])
        assert net.gt.shape[:2] == tuple(net.output_shape[:2])
    else:
        with pytest.raises(ValueError, match=rf'{size[0]}×{size[1]}.*20×24'):
            make_net(ground_truth=truth, scale_factors=[sf])


@pytest.mark.parametrize('shape', [(1000, 1000), (20, 24), (1, 10**6)])
def test_up_to_a_megapixel_the_quick_test_looks_at_everything(shape):
    assert quick_test_windows(shape, shape) == [(0, shape[0], 0, shape[1])]


@pytest.mark.parametrize('shape', [(1000, 1001), (3000, 4000), (500, 9000)])
@pytest.mark.parametrize('sf', [1, 2])
def test_beyond_a_megapixel_it_looks_at_sixteen_windows(shape, sf):
    large = (shape[0] * sf, shape[1] * sf, 3)
    windows = quick_test_windows(large, shape)
    seen = sum((bottom - top) * (right - left) for top, bottom, left, right in windows)
    assert len(set(windows)) == 16
    assert seen == pytest.approx(1e6 * sf**2, rel=0.02)
    assert min(min(window) for window in windows) == 0
    assert max(window[1] for window in windows) == large[0]
    assert max(window[3] for window in windows) == large[1]


def test_windows_draw_as_much_and_measure_what_they_show(make_net, image, monkeypatch):
    whole, part = make_net(ground_truth=imresize(image, 2).clip(0, 1)), make_net()
    whole.quick_test()
    monkeypatch.setattr('utils.QUICK_TEST_PIXELS', 200)
    part.quick_test()
    son = part.father_to_son(image)
    difference = np.square(part.forward_pass(son, image.shape) - image)
    shown = [
        difference[t:b, left:right] for t, b, left, right in quick_test_windows(image.shape, image.shape)
    ]
    assert part.mse_rec == [pytest.approx(np.mean(shown), rel=1e-4)]
    assert part.mse_rec != whole.mse_rec
    whole.father_to_son(image)
    assert in_step(part.rng, whole.rng)


def test_names_that_readers_know_exist_after_a_run(make_net, image):
    net = make_net(ground_truth=imresize(image, 2).clip(0, 1))
    net.run()
    assert [name for name in NAMES.split() if not hasattr(net, name)] == []


def test_a_run_leaves_its_last_scale_to_be_looked_at(make_net):
    net = make_net(scale_factors=[1.5, 2])
    sr = net.run()
    assert sr is net.final_sr is net.hr_fathers_sources[-1]
    assert (len(net.loss), net.iter, net.sf_ind) == (3, 2, 1)
    assert (net.mse, net.interp_mse, net.gt, net.gt_per_sf) == (None, None, None, None)
    assert (net.mse_steps, len(net.mse_rec), len(net.interp_rec_mse)) == ([0, 2], 2, 2)
    assert net.hr_father.shape == net.train_output.shape == (16, 16, 3)
    assert net.lr_son.shape == (8, 8, 3)
    assert net.file_name == 'test'
    assert len(json.loads(json.dumps(net.records))) == 2


def test_a_run_is_made_of_train_and_final_test_once_per_scale(make_net):
    calls = []

    class Darker(ZSSR):
        def train(self):
            calls.append('train')

        def final_test(self):
            calls.append('final_test')
            return super().final_test() / 2

    net = make_net(cls=Darker, scale_factors=[1.5, 2])
    sr = net.run()
    assert calls == ['train', 'final_test'] * 2
    assert len(net.hr_fathers_sources) == 3
    assert sr is net.hr_fathers_sources[-1]


def test_every_scale_is_saved_with_alpha_and_depth(make_net, image, tmp_path):
    rgba = np.rint(np.dstack([image, image[..., 1]]) * 65535).astype(np.uint16)
    folder = tmp_path / 'new'
    make_net(rgba, scale_factors=[[1, 1.5], 2], save_results=True, result_path=str(folder), name='me').run()
    names = sorted(path.name for path in folder.iterdir())
    assert names == ['me_zssr_X1.00X1.50.png', 'me_zssr_X2.00X2.00.png']
    saved = read_image(folder / names[1])
    assert saved.bits == 16
    np.testing.assert_allclose(saved.alpha, np.clip(imresize(image[..., 1], 2), 0, 1), atol=1e-4)
