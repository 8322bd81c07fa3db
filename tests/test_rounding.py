"""rounding.py: floats to 8 bits, a strip of rows at a time."""

import numpy as np
import pytest

from files import rounding


def test_strips_cover_all_rows_once(monkeypatch):
    monkeypatch.setattr(rounding, 'STRIP_PIXELS', 25)
    assert rounding.row_strips(5, 12) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert rounding.row_strips(2, 100) == [slice(0, 1), slice(1, 2)]


@pytest.mark.parametrize('strip_pixels', [1, 12 * 37, 10**6])
def test_rounding_is_half_up_and_clipped(monkeypatch, strip_pixels):
    monkeypatch.setattr(rounding, 'STRIP_PIXELS', strip_pixels)
    values = np.tile([[[-0.1], [0.5 / 255], [1.49 / 255], [254.5 / 255], [1.1]]], (30, 1, 1))
    np.testing.assert_array_equal(rounding.to_integers(values)[7, :, 0], [0, 1, 1, 255, 255])
