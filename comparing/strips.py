"""Large 8-bit pictures a strip of rows at a time: bicubic enlargement, difference, PSNR and SSIM.

A report of a 48-megapixel result holds some whole pictures of 8 bits, 0.14 GB each. What is computed from
them in float64 would take many times that, so it is computed in strips, with the same outcome.
"""

import math

import numpy as np

from comparing import metrics
from files.rounding import row_strips, to_integers
from imresize import apply_contributions, contributions, resolve_scale_and_shape


def enlarge(source, scale, shape):
    """Enlarge a picture by bicubic interpolation, rounded to 8 bits once, at the end.

    Args:
        source: uint8 array (h, w, C). Not changed.
        scale: (vertical, horizontal) factors; None: `shape` over the size of `source`.
        shape: (H, W) of the result.

    Returns:
        uint8 array (H, W, C), what `imresize(source, scale, shape, 'cubic')` gives.
    """
    scale, shape = resolve_scale_and_shape(source.shape, scale, shape)
    indices, weights = contributions(source.shape[0], shape[0], scale[0], antialiasing=scale[0] < 1)
    across = contributions(source.shape[1], shape[1], scale[1], antialiasing=scale[0] < 1)
    out = np.empty(shape, np.uint8)
    for rows in row_strips(*shape[:2]):
        first, last = indices[rows].min(), indices[rows].max() + 1
        steps = [(0, indices[rows] - first, weights[rows]), (1, *across)]
        strip = source[first:last].astype(np.float64)
        # imresize begins with the smaller scale; the other order rounds differently.
        for step in steps if scale[0] <= scale[1] else reversed(steps):
            strip = apply_contributions(strip, *step)
        out[rows] = to_integers(strip / 255)
    return out


def difference(a, b):
    """Absolute difference of two uint8 pictures (H, W, C), the largest of the channels: uint8 (H, W)."""
    gap = np.empty(a.shape[:2], np.uint8)
    for rows in row_strips(*gap.shape):
        gap[rows] = (np.maximum(a[rows], b[rows]) - np.minimum(a[rows], b[rows])).max(axis=2)
    return gap


def viewable(image):
    """A picture as people can look at it: gray or RGB as it is, of any other number of channels their mean.

    Args:
        image: (H, W, C), uint8 or float. Not changed.

    Returns:
        `image` itself where C is 1 or 3, else an array (H, W, 1) of its type; means of uint8 are rounded.
    """
    if image.shape[2] in (1, 3):
        return image
    gray = np.empty((*image.shape[:2], 1), image.dtype)
    for rows in row_strips(*gray.shape[:2]):
        means = image[rows].mean(axis=2, keepdims=True)
        gray[rows] = to_integers(means / 255) if image.dtype == np.uint8 else means
    return gray


def psnr(a, b, border=0):
    """`metrics.psnr`, by the tables' protocol, of two uint8 pictures (H, W, C) of any size."""
    a, b = (metrics.crop_border(image, border) for image in (a, b))
    strips = row_strips(*a.shape[:2])
    values = [metrics.psnr(a[rows], b[rows]) for rows in strips]
    if len(values) == 1:
        return values[0]
    error = _mean([10 ** (-value / 10) for value in values], strips)
    return -10 * math.log10(error) if error else math.inf


def ssim(a, b, border=0):
    """`metrics.ssim`, by the tables' protocol, of two uint8 pictures (H, W, C) of any size."""
    a, b = (metrics.crop_border(image, border) for image in (a, b))
    beyond = len(metrics.WINDOW) - 1  # rows that a window reaches beyond its first one
    strips = row_strips(max(1, a.shape[0] - beyond), a.shape[1])
    parts = [slice(rows.start, rows.stop + beyond) for rows in strips]
    return _mean([metrics.ssim(a[rows], b[rows]) for rows in parts], strips)


MEASURES = psnr, ssim  # what `metrics.scores` is given for pictures of any size


def _mean(values, strips):
    """The mean of a value per strip, each weighted by the rows of its strip."""
    if len(values) == 1:
        return values[0]
    heights = [rows.stop - rows.start for rows in strips]
    return sum(value * height for value, height in zip(values, heights, strict=True)) / sum(heights)
