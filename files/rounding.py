"""From floats in [0, 1] to whole numbers: the one place where that is checked and done."""

import numpy as np

STRIP_PIXELS = 1_000_000  # turned at a time: a float64 copy of 48 megapixels would take 1.1 GB


def check_unit_range(array, name):
    """Refuse floats that are not in [0, 1], but for what arithmetic leaves beyond.

    Raises:
        ValueError: naming the array, its values and the remedy.
    """
    low, high = array.min(), array.max()  # both NaN if any value is
    if np.isnan(low):
        raise ValueError(f'{name}: has NaN values; give finite values in [0, 1]')
    if not (low >= -1e-6 and high <= 1 + 1e-6):
        remedy = 'divide by 255? Or take their own range (value_range, --range auto)'
        raise ValueError(f'{name}: values from {low:g} to {high:g} are not within [0, 1]; {remedy}')


def row_strips(height, width):
    """Divide the rows of a picture into strips of about `STRIP_PIXELS` pixels: slices, from the top."""
    step = max(1, STRIP_PIXELS // max(1, width))
    return [slice(top, min(top + step, height)) for top in range(0, height, step)]


def to_integers(pixels, bits=8):
    """Round floats to unsigned integers, halves up.

    Args:
        pixels: float array (H, W, …), without NaN; clipped to [0, 1]. Not changed.
        bits: 8 or 16.

    Returns:
        uint8 or uint16 array of the same shape.
    """
    largest = 2**bits - 1
    samples = np.empty(pixels.shape, np.uint8 if bits == 8 else np.uint16)
    for rows in row_strips(*pixels.shape[:2]):
        strip = np.clip(pixels[rows], 0, 1, dtype=np.float64)
        samples[rows] = np.floor(strip * largest + 0.5)
    return samples
