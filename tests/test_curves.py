"""curves.py: thinned curves, and an axis that can be read at any range."""

import numpy as np
import pytest

from comparing import curves


@pytest.mark.parametrize('factor', [1, 1.5, 4, 30, 1e4])
def test_a_logarithmic_axis_has_three_ticks_and_room_for_them(factor):
    for low in np.geomspace(1e-4, 300, 97):
        first, last = curves.log_limits([low, low * factor])
        ticks = curves.log_ticks(first, last)
        assert first < low and low * factor < last
        assert 3 <= len(ticks) <= 9
        assert ticks == sorted(ticks) and first <= ticks[0] and ticks[-1] <= last


def test_a_curve_is_thinned_to_medians():
    x, y = curves.binned(np.arange(9.0), np.array([1, 9, 2, np.nan, 5, 5, np.inf, 6, 4]), 2)
    np.testing.assert_array_equal(x, [5 / 4 + 0.5, 20 / 3])  # of 0, 1, 2, 4 and of 5, 7, 8
    np.testing.assert_array_equal(y, [3.5, 5])
    same = np.arange(5.0), np.arange(5.0)
    np.testing.assert_array_equal(curves.binned(*same), same)
    assert all(len(part) == 0 for part in curves.binned(np.arange(2.0), np.full(2, np.nan)))


def test_units_are_named_and_what_a_logarithm_cannot_show_is_left_out():
    scale = {'loss': [0.1, 0.0, None, 0.1], 'mse_steps': [0, 2], 'mse_rec': [0.01, 0.0]}
    svg = curves.curves_svg(('bicubic', 'a<b'), ({}, {'scales': [scale]}))
    assert svg.count('<polyline') == 1  # the tests have one point left, which is no line
    assert 'error, grey levels of 255' in svg and 'training steps (iterations)' in svg
    assert 'a&lt;b' in svg and 'bicubic' not in svg
    assert curves.curves_svg(('a', 'b'), ({}, {})) == ''
