"""The time of a whole run: how long it will take, how long it has taken, and how long it still will."""

import time

# Until the training loop has been traced and the first convolutions are prepared, on two cores.
START_SECONDS = 6

# Share of the work from which on it tells more than the forecast.
TELLING = 0.03

# Side of the matrices whose product tells how fast this machine is, and seconds to multiply them for.
MATRIX, MEASURE_SECONDS = 1536, 0.5


class Clock:
    """The time of a run over images, told by the work that is done and that lies ahead (learning.work).

    Attributes:
        count: of the images.
        number: of the present one, from 1.
        at_most: whether a training may end before its last iteration.
    """

    def __init__(self, amounts, afterwards=0.0, *, seconds=None, at_most=False, now=time.monotonic):
        """Start.

        Args:
            amounts: multiply-adds of each image, as far as is known.
            afterwards: multiply-adds that what follows is as long as.
            seconds: how long it is thought to take, or None.
            at_most: as the attribute.
            now: function that returns seconds.
        """
        self.count, self.number, self.at_most = len(amounts), 0, at_most
        self._amounts, self._seconds, self._now = list(amounts), seconds, now
        self._started = now()
        self._before = self._done = 0.0
        self._afterwards = afterwards
        self._ahead = sum(amounts) + afterwards
        self._base = self._heard = None

    def next_image(self):
        """Begin the next image; what the one before it has not done is not done any more."""
        self.number += 1
        self._before = self._done
        self._ahead = sum(self._amounts[self.number - 1 :]) + self._afterwards

    def follow(self, done, ahead):
        """Hear of the present image's work, in multiply-adds."""
        self._done = self._before + done
        self._ahead = ahead + sum(self._amounts[self.number :]) + self._afterwards
        self._heard = self._now()
        # What is first heard of has waited for graphs to be traced and tells nothing of the others.
        if self._base is None and done > 0:
            self._base = self._heard, self._done

    def ended(self, index):
        """Hear that an image has ended, of several that are enlarged side by side."""
        self.number += 1
        self._base = self._started, 0.0
        self._done += self._amounts[index]
        self._ahead -= self._amounts[index]
        self._heard = self._now()

    @property
    def elapsed(self):
        """Seconds since the start."""
        return self._now() - self._started

    @property
    def remaining(self):
        """Seconds that are left, or None while nothing is known of it."""
        if self._ahead == 0:
            return 0.0
        since, base = self._base or (0, self._done)
        if self._done - base > TELLING * (self._done + self._ahead) or (
            self._seconds is None and self._done > base
        ):
            # Counted down where nothing is heard for a while.
            left = (self._heard - since) * self._ahead / (self._done - base)
            return max(left - (self._now() - self._heard), 0.0)
        return None if self._seconds is None else max(self._seconds - self.elapsed, 0.0)

    def text(self, short=False):
        """Both as text, `short` for a live line."""
        elapsed, remaining = clock_text(self.elapsed), self.remaining
        if short:
            return f'{elapsed} < {"?" if remaining is None else clock_text(remaining)}'
        if remaining is None:
            return f'{elapsed} elapsed'
        return f'{elapsed} elapsed, {"at most" if self.at_most else "about"} {clock_text(remaining)} left'


def clock_text(seconds):
    """Seconds as 1:05, or 1:00:05."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02d}:{seconds:02d}' if hours else f'{minutes}:{seconds:02d}'


def duration_text(seconds):
    """Seconds in words, as precise as a forecast is."""
    if seconds < 15:
        return 'a few seconds'
    if seconds < 55:
        return f'about {round(seconds, -1):.0f} seconds'
    minutes = round(seconds / 60)
    if minutes < 60:
        return f'about {minutes} minute{"s" if minutes > 1 else ""}'
    hours, minutes = divmod(round(minutes, -1), 60)
    return f'about {hours} hour{"s" if hours > 1 else ""}' + (f' {minutes} minutes' if minutes else '')


def forecast(amount, precision):
    """Say how long work will take on this machine, by the product of two matrices.

    Args:
        amount: multiply-adds.
        precision: of the convolutions.

    Returns:
        Seconds.
    """
    return START_SECONDS + amount / multiply_adds_per_second(precision)


def multiply_adds_per_second(precision):
    """How many multiplications with an addition this machine does, in the best of a few matrix products."""
    import tensorflow as tf

    a, b = (tf.cast(tf.random.normal((MATRIX, MATRIX)), precision) for _ in range(2))
    durations, started = [], time.perf_counter()
    while len(durations) < 3 or time.perf_counter() - started < MEASURE_SECONDS:
        start = time.perf_counter()
        tf.reduce_max(tf.matmul(a, b)).numpy()
        durations.append(time.perf_counter() - start)
    return MATRIX**3 / min(durations)
