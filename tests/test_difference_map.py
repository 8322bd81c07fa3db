"""difference_map.py: the patches in which two pictures differ most."""

import numpy as np

from comparing.difference_map import Peak, peaks


def test_peaks_find_the_patch_and_do_not_overlap():
    gap = np.zeros((100, 120), np.uint8)
    gap[10:20, 70:80], gap[60:70, 5:15] = 200, 100
    first, second = peaks(gap, count=3, side=24)
    for peak, (row, column) in ((first, (15, 75)), (second, (65, 10))):
        assert peak.top <= row - 5 and row + 5 <= peak.top + 24
        assert peak.left <= column - 5 and column + 5 <= peak.left + 24
    assert peaks(np.zeros((10, 30), np.uint8)) == [Peak(0, 10, 10)]
