"""How strongly an image was compressed: the quality of its JPEG, told by the file or by its pixels.

JPEG rounds the cosine coefficients of 8×8 pixels to multiples of a step of their frequency's own. An image
that was saved again as PNG still has its coefficients near such multiples.

Source: ITU-T T.81, annex K, and the scaling of its table that libjpeg calls quality.
"""

from functools import cache

import numpy as np

from blind.spectra import luma
from files.decoding import quantization_steps

SIDE = 8
MOST_PIXELS = 320  # of each side; from the middle of the image
LOW = 5  # sum of the two indices of the frequencies that are looked at; the others are mostly 0
QUALITIES = range(5, 100)  # at 100 nothing is lost but rounding
LEAST_COEFFICIENTS = 30
LEAST_AGREEMENT = 0.3  # of 1; images that were never compressed have less than 0.1, compressed ones over 0.5

LUMA_STEPS = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
# MATLAB's luma has 219 levels, JPEG's 255.
LEVELS = 255 / 219


def jpeg_quality(path, pixels):
    """Tell the JPEG quality of an image.

    Args:
        path: of its file, whose own steps are taken if it is a JPEG; None for no file.
        pixels: float array (H, W, C) in [0, 1], C 1 or 3.

    Returns:
        Int from 1 to 100; None if it was not compressed, hardly and saved again, or noisy since then.
    """
    steps = None if path is None else quantization_steps(path)
    return _quality_of_pixels(pixels) if steps is None else _quality_of_steps(steps)


def _quality_of_steps(steps):
    """The quality whose steps have the nearest sum, for whatever table a camera has."""
    sums = {quality: int(_steps(quality).sum()) for quality in range(1, 101)}
    return min(sums, key=lambda quality: (abs(sums[quality] - sum(steps)), -quality))


def _quality_of_pixels(pixels):
    """The quality with whose steps the coefficients of an image agree best; None if with none."""
    top, left = (max(0, (n - MOST_PIXELS) // 2) // SIDE * SIDE for n in pixels.shape[:2])
    middle = luma(pixels[top : top + MOST_PIXELS, left : left + MOST_PIXELS])
    if pixels.shape[2] == 3:
        middle = middle * LEVELS
    for first in (lambda image: (0, 0), _first_block):  # most images still begin with a whole block
        y, x = first(middle)
        agreement, quality = _best_quality(middle[y:, x:])
        if agreement >= LEAST_AGREEMENT:
            return quality
    return None


def _first_block(image):
    """Where the first whole block begins (vertical, horizontal): behind the edges that are steepest."""
    place = []
    for axis in (0, 1):
        steepness = np.abs(np.diff(image, axis=axis)).mean(axis=1 - axis)
        means = [steepness[start::SIDE].mean() for start in range(min(SIDE, len(steepness)))]
        place.append((int(np.argmax(means)) + 1) % SIDE)
    return tuple(place)


def _best_quality(image):
    """(agreement, quality) of the quality that the coefficients of an image (h, w) agree best with."""
    from scipy.fft import dctn

    rows, columns = (n // SIDE for n in image.shape)
    if not rows or not columns:
        return 0.0, 0
    blocks = image[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE) - 128
    coefficients = dctn(blocks, axes=(1, 3), norm='ortho').swapaxes(1, 2)[:, :, _low()]
    return max((_agreement(coefficients, _steps(quality)[_low()]), quality) for quality in QUALITIES)


def _agreement(coefficients, steps):
    """How near coefficients (…, n) that are not 0 are to multiples of their steps: from -1 to 1, at them."""
    telling = (np.abs(coefficients) > steps / 2) & (steps > 1)
    if telling.sum() < LEAST_COEFFICIENTS:
        return 0.0
    return float(np.cos(2 * np.pi * coefficients / steps)[telling].mean())


@cache
def _low():
    """Which frequencies are looked at, (8, 8)."""
    v, u = np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing='ij')
    return (v + u > 0) & (v + u < LOW)


@cache
def _steps(quality):
    """The steps (8, 8) of a quality from 1 to 100."""
    percent = 5000 / quality if quality < 50 else 200 - 2 * quality
    return np.clip((LUMA_STEPS * percent + 50) // 100, 1, 255)
