"""PSNR and SSIM by the protocol of the super-resolution benchmarks (ZSSR paper, tables 1 to 3).

Everything is measured on 8-bit images, on the luma that MATLAB's rgb2ycbcr gives, rounded to 8 bits, with a
border of `scale` pixels cropped. Floats are rounded to 8 bits first, as they would be in a file. Images that
are neither gray nor RGB have no luma: they are measured over all their channels.
"""

import math

import numpy as np

from files.rounding import check_unit_range, to_integers

# MATLAB's rgb2ycbcr: Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255, here in thousandths.
LUMA_WEIGHTS = np.array([65481, 128553, 24966])

# Wang et al. (2004): an 11×11 Gaussian window of σ 1.5, K1 = 0.01, K2 = 0.03, L = 255.
WINDOW = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
WINDOW /= WINDOW.sum()
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr(a, b, *, border=0, luma=True):
    """Peak signal-to-noise ratio between two images, in dB.

    Args:
        a: image (H, W) or (H, W, C): uint8, or float in [0, 1], which is rounded to 8 bits.
        b: the other image, of the same size. The order does not matter.
        border: pixels to crop on every side, or (vertical, horizontal); the tables crop the scale factor.
        luma: compare the luma of RGB images (the tables' protocol) rather than all their channels; of images
            with any other number of channels, all are compared.

    Returns:
        A float; inf for identical images.

    Raises:
        ValueError: if the images differ in shape, are of another type or range, or the border leaves nothing.
    """
    a, b = _comparable(a, b, border, luma)
    error = np.mean((a - b) ** 2)
    return float('inf') if error == 0 else float(10 * np.log10(255**2 / error))


def ssim(a, b, *, border=0, luma=True):
    """Structural similarity of two images, as Wang's ssim_index computes it; mean over channels.

    Only windows that lie wholly within the cropped image count.

    Arguments and errors as for `psnr`, and a ValueError if less than 11×11 pixels are left.

    Source: Wang, Bovik, Sheikh and Simoncelli (2004).
    """
    a, b = _comparable(a, b, border, luma)
    if min(a.shape[:2]) < len(WINDOW):
        raise ValueError(f'{a.shape[0]}×{a.shape[1]} pixels are left for ssim; give images of at least 11×11')
    mean_a, mean_b = _window_mean(a), _window_mean(b)
    variance_a = _window_mean(a * a) - mean_a**2
    variance_b = _window_mean(b * b) - mean_b**2
    covariance = _window_mean(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    structure = (2 * covariance + C2) / (variance_a + variance_b + C2)
    return float(np.mean(luminance * structure))


def scores(sr, gt, border, name='result', measures=(psnr, ssim)):
    """PSNR and SSIM of a result, by the tables' protocol.

    Args:
        sr, gt: the result and its ground truth, as for `psnr`; all channels count where there are not 1 or 3.
        border: pixels to crop; see `scale_border`.
        name: what error messages call the result.
        measures: the functions to score with; those of strips.py take less memory.

    Returns:
        {'psnr': dB, inf for a perfect result, 'ssim': number}.

    Raises:
        ValueError: if the two differ in shape, or too little is left to measure.
    """
    try:
        return {measure.__name__: measure(sr, gt, border=border) for measure in measures}
    except ValueError as error:
        raise ValueError(f'{name}: {error}') from error


def scale_border(scale):
    """The (vertical, horizontal) border that the tables crop: the scale factor, rounded up; 2 if unknown."""
    return tuple(math.ceil(factor) for factor in scale or (2, 2))


def rgb_to_luma(image):
    """The luma of MATLAB's rgb2ycbcr, rounded to 8 bits (half up) as MATLAB does for uint8 images.

    Args:
        image: (H, W) or (H, W, C), C 1 or 3: uint8, or float in [0, 1], which is rounded to 8 bits first.

    Returns:
        uint8 array (H, W), from 16 to 235 for RGB; for grayscale the values themselves.

    Raises:
        ValueError: if the image is anything else.
    """
    image = _to_8_bits(image, 'image')
    if image.shape[2] not in (1, 3):
        raise ValueError(f'image: shape {image.shape} has no luma; give (H, W), (H, W, 1) or (H, W, 3)')
    if image.shape[2] == 1:
        return image[:, :, 0]
    # In integers, so that halves round up on every machine.
    doubled = 2 * (image.astype(np.int64) @ LUMA_WEIGHTS)
    return (16 + (doubled + 255_000) // 510_000).astype(np.uint8)


def crop_border(image, border):
    """A view on the inner part of an array (H, W, ...).

    Raises:
        ValueError: if the border is no whole number of pixels or (vertical, horizontal), or leaves nothing.
    """
    sides = np.asarray(border)
    if sides.dtype.kind not in 'iu' or sides.shape not in ((), (2,)) or (sides < 0).any():
        raise ValueError(
            f'border {border!r} is not valid; give pixels as an integer or (vertical, horizontal), not < 0'
        )
    top, left = (int(side) for side in np.broadcast_to(sides, 2))
    height, width = image.shape[:2]
    if 2 * top >= height or 2 * left >= width:
        raise ValueError(f'border {border!r} leaves nothing of {height}×{width} pixels; give a smaller one')
    return image[top : height - top, left : width - left]


def _comparable(a, b, border, luma):
    """Both images as float64 (H, W, C) with whole values from 0 to 255, cropped; C is 1 for RGB's luma."""
    a, b = _to_8_bits(a, 'a'), _to_8_bits(b, 'b')
    if a.shape != b.shape:
        raise ValueError(
            f'the images have shapes {a.shape} and {b.shape}; crop or convert one to match the other'
        )
    if luma and a.shape[2] == 3:
        a, b = rgb_to_luma(a)[:, :, np.newaxis], rgb_to_luma(b)[:, :, np.newaxis]
    return tuple(crop_border(image, border).astype(np.float64) for image in (a, b))


def _to_8_bits(image, name):
    """An image as uint8 (H, W, C), floats rounded half up; raise for other types and ranges."""
    image = np.asarray(image)
    if image.ndim == 2:
        image = image[:, :, np.newaxis]
    if image.ndim != 3 or image.size == 0:
        raise ValueError(
            f'{name}: shape {image.shape} is not valid; give (H, W) or (H, W, C), none of them 0'
        )
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind != 'f':
        raise ValueError(
            f'{name}: type {image.dtype} is not valid; give uint8, or floats in [0, 1] (uint16: / 65535)'
        )
    check_unit_range(image, name)
    return to_integers(image)


def _window_mean(image):
    """Gaussian-weighted mean of every 11×11 window that lies within (H, W, C): (H − 10, W − 10, C)."""
    from scipy import ndimage  # half a second, which --help and refusals need not wait

    for axis in (0, 1):
        image = ndimage.correlate1d(image, WINDOW, axis=axis, mode='constant')
    return image[5:-5, 5:-5]
