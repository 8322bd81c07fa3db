"""schedules.py: the learning-rate policy, and the rates planned ahead of the quick tests."""

import numpy as np
import pytest
import tensorflow as tf

from configs import Config
from learning.augmentation import Augmentation
from learning.history import History
from learning.schedules import Plateau, has_stopped_falling
from ZSSR import ZSSR

WOBBLE = np.array(
    [1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0]
)  # at a right angle to any line through 8 points


class ScriptedNetwork:
    """Stands in for the network: trains nothing, remembers the rates."""

    def __init__(self):
        self.rates = []

    pair_dtype = tf.float64

    def pieces(self, rates, crop_size):
        return [rates]

    def train(self, sources, plan, draws, rates):
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


def plateau(iteration, errors, steps=None, **options):
    """What looks at a history of quick tests after an iteration, every 60 iterations, at 5 points."""
    schedule = Plateau(Config(**{'run_test_every': 50, 'max_iters': 3000} | options))
    history = History(mse_rec=list(errors), mse_steps=list(steps or range(0, 50 * len(errors), 50)))
    return schedule, iteration, history


def acts(schedule, iteration, history):
    before = schedule.learning_rate
    schedule.look(iteration, history)
    return schedule.learning_rate < before


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
    ('iteration', 'changed', 'falls'),
    [(299, 0, True), (298, 0, False), (300, 0, False), (239, 0, False), (359, 102, True), (359, 103, False)],
)
def test_policy_waits_min_iters_and_looks_at_its_phase(iteration, changed, falls):
    schedule, *seen = plateau(iteration, [1.0, 2, 3, 4, 5, 6])
    schedule.changes = [changed]
    assert acts(schedule, *seen) is falls
    assert schedule.changes == [changed] + [iteration] * falls
    assert schedule.learning_rate == Config().learning_rate / (10 if falls else 1)


@pytest.mark.parametrize(('min_iters', 'falls'), [(299, False), (298, True)])
def test_policy_waits_more_than_min_iters(min_iters, falls):
    assert acts(*plateau(299, [1.0, 2, 3, 4, 5, 6], min_iters=min_iters)) is falls


@pytest.mark.parametrize(('slope_range', 'falls'), [(250, True), (299, True), (300, False)])
def test_points_outside_the_window_do_not_count(slope_range, falls):
    errors = [9, 8, 7, 6, 5, 2, 2.01, 1.99, 2.01, 2.0]
    assert acts(*plateau(599, errors, learning_rate_slope_range=slope_range)) is falls


def test_fewer_points_than_the_window_are_all_used():
    errors = [9, 1, 1.01, 0.99, 1.01, 1]
    wide = plateau(299, errors, learning_rate_slope_range=1000, learning_rate_change_ratio=1.2)
    narrow = plateau(299, errors, learning_rate_change_ratio=1.2)
    slope, deviation = slope_deviation(wide[2].mse_steps, errors, 4)
    assert acts(*wide) is bool(-1.2 * slope < deviation)
    assert acts(*narrow) is True


def test_change_ratio_scales_the_slope():
    errors = 5 - 0.01 * np.arange(6) * 50 + WOBBLE[:6]
    slope, deviation = slope_deviation(np.arange(1, 6) * 50, errors[1:], 4)
    limit = -deviation / slope
    for ratio, falls in [(limit * 0.99, True), (limit * 1.01, False)]:
        assert acts(*plateau(299, errors, learning_rate_change_ratio=ratio)) is falls


@pytest.mark.parametrize(
    ('least', 'iterations'),
    [
        (1e-3, 300),
        (np.nextafter(1e-3, 1), 1),
        (1e-3 / 10, 600),
        (np.nextafter(1e-3 / 10, 1), 300),
        (9e-6, 900),
        (0, 1000),
    ],
)
def test_training_ends_below_the_least_rate_or_at_max_iters(least, iterations):
    """The errors rise, and the rate falls at 299, 599 and 899."""
    conf = Config(max_iters=1000, run_test_every=50, min_learning_rate=least, min_iters=298)
    schedule, history = Plateau(conf), History()
    done = 0
    for block in schedule.blocks(history):
        done += len(block.rates)
        assert schedule.finished is (done == iterations > 1)
        if block.quick_test:
            history.mse_steps.append(done - 1)
            history.mse_rec.append(float(done))
    assert schedule.finished
    assert done == iterations


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

    follower, augmentation = np.random.RandomState(1), Augmentation.from_config(net.conf)
    for _ in rates:
        augmentation.draw([(20, 24)], [1.0], 1.0, follower)
        follower.randn(4, 4, 3)
    assert net.rng.rand() == follower.rand()


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
