"""filters.py: laid out for either optimiser, and rounded without loss."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import tolerances
from helpers.optimisers import BOTH, make, random_filters

from learning.optimizers import Adam, Muon


def rounded_steps(filters, number):
    """What convolutions see in some steps in which nothing moves."""
    steps = []
    for _ in range(number):
        steps.append([each.numpy() for each in filters.seen])
        filters.settle()
    return steps


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
