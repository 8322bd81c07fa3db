"""When the learning rate falls, a quick test is due, a round ends and a training is over; no network needed.

A schedule cuts a training into blocks of iterations that run without looking back:

    for block in schedule.blocks(history):
        train with block.rates
        if block.quick_test: test, and add to history's mse_steps and mse_rec
        if block.ends_round: choose new sources of fathers

What a block does is known before it starts, since the rate depends on quick tests that lie behind it.
"""

import bisect
from typing import NamedTuple

import numpy as np


class Block(NamedTuple):
    """Iterations that are trained in one go.

    Attributes:
        rates: learning rate of each iteration.
        quick_test: whether a quick test is due after it.
        ends_round: whether a round ends with it, and another comes.
    """

    rates: list
    quick_test: bool
    ends_round: bool = False


class Plateau:
    """The original's: a tenth of the rate where the reconstruction error has stopped falling.

    Attributes:
        learning_rate: of the next iteration, as far as is known.
        changes: iterations at which the rate fell, after a 0.
        finished: whether the present block is known to be the last; a quick test after it may end it, too.

    Source: ZSSR paper, section 3.2.
    """

    def __init__(self, conf):
        """Start at the first iteration of a scale of `conf`, a Config."""
        self._conf = conf
        self.learning_rate = conf.learning_rate
        self.changes = [0]
        self.finished = False

    def blocks(self, history):
        """Yield the blocks of a training.

        Args:
            history: what has mse_steps and mse_rec, lists that grow with every quick test.

        Yields:
            Block.
        """
        conf, rates = self._conf, []
        for iteration in range(conf.max_iters):
            rates.append(self.learning_rate)
            if iteration % conf.run_test_every == 0:
                self.finished = iteration + 1 == conf.max_iters
                yield Block(rates, quick_test=True)
                rates = []
            self.look(iteration, history)
            if self.learning_rate < conf.min_learning_rate:
                break
        self.finished = True
        if rates:
            yield Block(rates, quick_test=False)

    def look(self, iteration, history):
        """Decide after an iteration whether the rate falls."""
        conf = self._conf
        waited = iteration - self.changes[-1]
        if (iteration + 1) % conf.learning_rate_policy_check_every or waited <= conf.min_iters:
            return
        points = conf.learning_rate_slope_range // conf.run_test_every
        steps, errors = history.mse_steps[-points:], history.mse_rec[-points:]
        if has_stopped_falling(steps, errors, conf.learning_rate_change_ratio):
            self.learning_rate /= 10
            self.changes.append(iteration)


class Linear:
    """The fast recipe's: in each of `conf.rounds` rounds the rate falls to 0, damped while it warms up.

    Attributes:
        learning_rate, changes, finished: as in `Plateau`; changes stays [0].
    """

    def __init__(self, conf):
        """Start at the first iteration of a scale of `conf`, a Config."""
        self._conf = conf
        self._ends = [index * conf.max_iters // conf.rounds for index in range(1, conf.rounds + 1)]
        self.learning_rate = self._rate(0)
        self.changes = [0]
        self.finished = False

    def blocks(self, history=None):
        """Yield the blocks of a training; what its quick tests say does not matter."""
        rates, last = [], self._conf.max_iters - 1
        for iteration in range(last + 1):
            rates.append(self.learning_rate)
            self.look(iteration)
            quick_test, round_ends = iteration % self._conf.run_test_every == 0, iteration + 1 in self._ends
            if quick_test or round_ends:
                self.finished = iteration == last
                yield Block(rates, quick_test, ends_round=round_ends and not self.finished)
                rates = []

    def look(self, iteration, history=None):
        """Move on to the rate of the iteration after this one."""
        self.learning_rate = self._rate(iteration + 1)

    def _rate(self, iteration):
        """The rate of an iteration, 0 after the last."""
        if iteration >= self._conf.max_iters:
            return 0.0
        index = bisect.bisect(self._ends, iteration)
        start, end = [0, *self._ends][index], self._ends[index]
        warm_up = min(1.0, (iteration - start + 1) / (self._conf.warm_up_iters + 1))
        return self._conf.learning_rate * (warm_up * (end - iteration) / (end - start))


def schedule_for(conf):
    """The schedule that a configuration asks for, at the start of a scale."""
    return (Plateau if conf.rate_policy == 'plateau' else Linear)(conf)


def has_stopped_falling(steps, errors, change_ratio):
    """Decide whether errors have stopped falling: is the slope of a line through them lost in its noise?

    Args:
        steps: iterations of the quick tests, at least 5.
        errors: mean squared error at each.
        change_ratio: progress is where this many slopes are at least the slope's standard deviation.

    Returns:
        bool: −change_ratio · slope < standard deviation of the slope.

    Source: ZSSR paper, section 3.2. The variance divides by n − 4, as NumPy's did before 1.16.
    """
    line, covariance = np.polyfit(steps, errors, 1, cov='unscaled')
    residual = np.sum(np.square(errors - np.polyval(line, steps)))
    deviation = np.sqrt(covariance[0, 0] * residual / (len(steps) - 4))
    return bool(-change_ratio * line[0] < deviation)
