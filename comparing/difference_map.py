"""Where two pictures differ: the patches of the largest differences, and the map that shows them all.

A difference is what `strips.difference` returns: uint8 (H, W), in grey levels.
"""

import math
from typing import NamedTuple

import numpy as np

PEAKS = 3  # patches that are pointed out in an image
PATCH = 48  # side of a patch in pixels, also what the zoom shows at first; more where pictures are large

# The colours of the map at 0, ¼, ½, ¾ and 1 of its scale: light is equal, on paper as well.
MAP_COLOURS = [(255, 255, 255), (253, 222, 160), (238, 146, 70), (184, 52, 46), (62, 12, 44)]


class Peak(NamedTuple):
    """A square patch in which two pictures differ most: top row, left column and side, in pixels."""

    top: int
    left: int
    side: int

    def of(self, image):
        """A view on the patch of an array (H, W, …)."""
        return image[self.top : self.top + self.side, self.left : self.left + self.side]


def peaks(gap, count=PEAKS, side=None):
    """Find the patches in which two pictures differ most, by mean square; they do not overlap.

    Args:
        gap: uint8 array (H, W), their difference.
        count: the most patches wanted.
        side: their side in pixels, smaller where the picture is; None: 48, or 1/32 of a large picture's side.

    Returns:
        A list of `Peak`, the largest difference first; at least one, in the middle if there is no difference.
    """
    from scipy import ndimage  # half a second, which --help and refusals need not wait

    height, width = gap.shape
    side = min(side or max(PATCH, min(height, width) // 32), height, width)
    means = gap.astype(np.float32)
    np.square(means, out=means)
    ndimage.uniform_filter(means, side, output=means, mode='constant')
    # The filter's window is centred; its corner is wanted, and windows that lie within the picture.
    means = means[side // 2 :, side // 2 :][: height - side + 1, : width - side + 1]
    found = []
    while len(found) < count:
        top, left = (int(i) for i in np.unravel_index(np.argmax(means), means.shape))
        if means[top, left] <= 1e-3:
            break
        found.append(Peak(top, left, side))
        means[max(0, top - side + 1) : top + side, max(0, left - side + 1) : left + side] = 0
    return found or [Peak((height - side) // 2, (width - side) // 2, side)]


def map_top(gap):
    """Upper end of the map's scale: one stray pixel in 500 may exceed it, lest it make all others white."""
    return max(4, math.ceil(np.percentile(gap, 99.8)))


def painted(gap, top):
    """A difference in colours, uint8 (H, W, 3), from 0 to `top` grey levels."""
    steps = np.linspace(0, top, len(MAP_COLOURS))
    table = [np.interp(np.arange(256), steps, channel) for channel in np.transpose(MAP_COLOURS)]
    return np.stack(table, axis=1).round().astype(np.uint8)[gap]


def shrunk(gap, factor):
    """A difference at no more than `factor` of its size: the largest of each block, so none is lost."""
    block = math.ceil(1 / factor)
    if block == 1:
        return gap
    height, width = (-(-side // block) for side in gap.shape)
    padded = np.pad(gap, ((0, height * block - gap.shape[0]), (0, width * block - gap.shape[1])))
    return padded.reshape(height, block, width, block).max(axis=(1, 3))
