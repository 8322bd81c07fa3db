"""clock.py: how long a run takes, has taken and will take."""

import time

import numpy as np
import pytest

import configs
from learning.network import design_for
from learning.work import Work
from running import clock
from running.clock import Clock, clock_text, duration_text
from ZSSR import ZSSR


class Watch:
    seconds = 100.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def watch():
    return Watch()


def test_what_is_left_is_as_fast_as_what_was_done(watch):
    run = Clock([100.0, 100.0, 100.0], afterwards=30.0, now=watch)
    run.next_image()
    assert run.remaining is None and (run.count, run.number) == (3, 1)
    watch.seconds += 50  # graphs are traced
    run.follow(1.0, 99.0)
    assert run.remaining is None
    watch.seconds += 10
    run.follow(21.0, 79.0)
    assert run.remaining == pytest.approx((79 + 200 + 30) / 2) and run.elapsed == 60
    run.follow(101.0, 0.0)
    run.next_image()
    assert run.number == 2
    watch.seconds += 40
    run.follow(50.0, 70.0)
    assert run.remaining == pytest.approx((70 + 100 + 30) / (150 / 50))


def test_of_an_image_that_fails_nothing_is_left(watch):
    run = Clock([100.0, 100.0], now=watch)
    run.next_image()
    run.follow(1.0, 99.0)
    watch.seconds += 10
    run.follow(11.0, 89.0)
    run.next_image()
    assert run.remaining == pytest.approx(100)


def test_where_nothing_is_heard_time_is_counted_down(watch):
    run = Clock([100.0], now=watch)
    run.next_image()
    run.follow(1.0, 99.0)
    watch.seconds += 10
    run.follow(51.0, 50.0)
    watch.seconds += 4
    assert run.remaining == pytest.approx(6)
    watch.seconds += 40
    assert run.remaining == 0


def test_before_anything_is_known_the_forecast_counts(watch):
    run = Clock([100.0], seconds=20.0, at_most=True, now=watch)
    run.next_image()
    watch.seconds += 5
    assert run.text() == '0:05 elapsed, at most 0:15 left' and run.text(short=True) == '0:05 < 0:15'
    watch.seconds += 50
    assert run.remaining == 0


def test_what_is_not_known_is_not_said(watch):
    run = Clock([100.0], now=watch)
    assert (run.text(), run.text(short=True)) == ('0:00 elapsed', '0:00 < ?')
    run.next_image()
    run.follow(100.0, 0.0)
    assert run.text() == '0:00 elapsed, about 0:00 left'


def test_a_training_that_ends_early_leaves_less(watch):
    run = Clock([100.0], now=watch)
    run.next_image()
    run.follow(1.0, 99.0)
    watch.seconds += 10
    run.follow(11.0, 20.0)
    assert run.remaining == pytest.approx(20)


@pytest.mark.parametrize(
    ('seconds', 'text'), [(0, '0:00'), (65.4, '1:05'), (3599.6, '1:00:00'), (7325, '2:02:05')]
)
def test_clock_times(seconds, text):
    assert clock_text(seconds) == text


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [
        (3, 'a few seconds'),
        (28, 'about 30 seconds'),
        (58, 'about 1 minute'),
        (125, 'about 2 minutes'),
        (3540, 'about 59 minutes'),
        (3590, 'about 1 hour'),
        (5400, 'about 1 hour 30 minutes'),
        (7 * 3600, 'about 7 hours'),
    ],
)
def test_durations_in_words(seconds, text):
    assert duration_text(seconds) == text


def test_a_forecast_is_work_by_the_speed_of_this_machine(monkeypatch):
    monkeypatch.setattr(clock, 'multiply_adds_per_second', lambda precision: {'float32': 2e9}[precision])
    assert clock.forecast(1e11, 'float32') == clock.START_SECONDS + 50


def test_the_speed_of_this_machine_is_measured(monkeypatch):
    monkeypatch.setattr(clock, 'MEASURE_SECONDS', 0)
    assert 1e8 < clock.multiply_adds_per_second('float32') < 1e15


def test_at_a_tenth_of_three_images_the_rest_is_known_within_30_percent(shared_network):
    """Several times at worst: what else the machine does is not known beforehand."""
    told_at_a_tenth(shared_network, iterations=2)  # graphs are traced
    told = []
    for _ in range(4):
        told.append(told_at_a_tenth(shared_network))
        if told[-1] == pytest.approx(1, abs=0.3):
            break
    assert told[-1] == pytest.approx(1, abs=0.3), told


def told_at_a_tenth(shared_network, iterations=60):
    """The remaining time told at 10 % of a run of three images, as a share of the true one."""
    conf = configs.replace(
        configs.get_config('X2_FAST_IDEAL_CONF'), max_iters=iterations, crop_size=64, seed=0
    )
    conf.precision, conf.batch_size, conf.run_test_every = 'float32', 2, 20
    images = [np.random.RandomState(seed).rand(60, 72, 3).astype(np.float32) for seed in range(3)]
    network = shared_network(design_for(conf, 3))
    amounts = [Work(conf, image.shape).ahead for image in images]
    run, told = Clock(amounts, now=time.process_time), []

    def follow(net):
        run.follow(net.work.done, net.work.ahead)
        if not told and run.number == 1 and net.work.done > sum(amounts) / 10:
            told.append((run.remaining, time.process_time()))

    for image in images:
        run.next_image()
        ZSSR(image, conf, network=network, progress=follow).run()
    ((remaining, then),) = told
    assert run.remaining == 0
    return remaining / (time.process_time() - then)
