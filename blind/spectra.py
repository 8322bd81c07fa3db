"""Mean power spectra of an image's patches, and what becomes of them when an image is blurred and shrunk."""

from functools import cache

import numpy as np

STEP = 8  # pixels between patches
MOST_PATCHES = 4000
LEAST_POWER = 0.03  # grey levels squared, so that no logarithm explodes

# Of MATLAB's rgb2ycbcr.
LUMA = np.array([65.481, 128.553, 24.966])


def luma(image):
    """The luma of images (…, C), C 1 or 3, in grey levels: MATLAB's without its offset; gray images' own."""
    return 255 * image[..., 0] if image.shape[-1] == 1 else image @ LUMA


def luma_patches(image, side, most=MOST_PATCHES, step=STEP):
    """Cut an image into overlapping patches of its luma, or take a sample of them, evenly spread.

    Args:
        image: float array (H, W, C) in [0, 1], C 1 or 3, at least as large as a patch.
        side: of the patches, in pixels.
        most: how many patches at most.
        step: from one patch to the next, in pixels.

    Returns:
        Float32 array (n, side, side), in grey levels.
    """
    rows, columns = ((n - side) // step + 1 for n in image.shape[:2])
    chosen = np.linspace(0, rows * columns - 1, min(rows * columns, most)).astype(int)
    tops, lefts = (step * place for place in np.divmod(chosen, columns))
    views = np.lib.stride_tricks.sliding_window_view(image, (side, side), axis=(0, 1))
    # Only those that are looked at become luma: the image may be large.
    return luma(np.moveaxis(views[tops, lefts], 1, -1).astype(np.float32)).astype(np.float32)


def patch_spectra(patches):
    """Power spectra of patches, mean removed, under a Hann window.

    Args:
        patches: float array (n, side, side), in grey levels.

    Returns:
        Float array (n, side, side) over the frequencies of `numpy.fft.fftfreq`, in grey levels squared.
    """
    side = patches.shape[1]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(side) / side)
    window = hann[:, None] * hann
    centred = patches - patches.mean(axis=(1, 2), keepdims=True)
    return np.abs(np.fft.fft2(centred * window)) ** 2 / np.sum(window**2)


def mean_spectrum(image, side):
    """The mean of an image's patch spectra, (side, side)."""
    return patch_spectra(luma_patches(image, side)).mean(axis=0)


def gaussian_response(side, yy, xx, xy):
    """How a Gaussian blur of a covariance (pixels²) changes a power spectrum: (side, side)."""
    vv, uv, uu = _squares(side)
    return np.exp(-(yy * vv + 2 * xy * uv + xx * uu))


def amplitude_logarithms(patches):
    """What the estimating network sees of patches: the logarithms of their amplitudes, without the half that
    is redundant.

    Args:
        patches: float array (n, side, side), in grey levels.

    Returns:
        Float32 array (n, side, side / 2 + 1), over the frequencies of `numpy.fft.rfft2`.
    """
    side = patches.shape[1]
    power = patch_spectra(patches)[:, :, : side // 2 + 1]
    return (np.log(power + LEAST_POWER) / 2).astype(np.float32)


@cache
def _squares(side):
    """Squares and product of the vertical and horizontal frequencies, in radians per pixel."""
    v, u = (2 * np.pi * axis for axis in np.meshgrid(*[np.fft.fftfreq(side)] * 2, indexing='ij'))
    return v**2, u * v, u**2


def fold(spectrum, factor=2):
    """What shrinking by a whole factor makes of a power spectrum: frequencies alias onto each other.

    Args:
        spectrum: array (factor · n, factor · n) over the frequencies of `numpy.fft.fftfreq`.

    Returns:
        Array (n, n).
    """
    n = len(spectrum) // factor
    return spectrum.reshape(factor, n, factor, n).sum(axis=(0, 2)) / factor**2
