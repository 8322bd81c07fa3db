"""The blur kernel of an image, told by the image alone, and what the estimate is worth."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from blind.estimator import ask, gather
from blind.gaussian import SIDE, Covariance, Spectra, sampled_gaussian
from files.pictures import from_array, read_image
from settings.scales import LARGEST_SCALE, as_pair

LEAST_SIDE = 4 * SIDE  # pixels; smaller images have too few patches
LEAST_POWER = 1.0  # grey levels squared in the band that is compared: below, the image is flat

# From this probability of a blur on, there is one. A Gaussian in place of the bicubic kernel costs up to
# 10 dB, and the bicubic kernel in place of a narrow Gaussian 1: so bicubic has the benefit of the doubt. Of
# the development half of BSD100, Set5 and Set14, shrunk bicubically, the highest is 0.79.
LEAST_PROBABILITY = 0.82

# pixels² of the result: a narrower Gaussian cannot be sampled and keep its centre, and a wider one the
# networks have never seen.
VARIANCES = (0.25, 9.0)
REACH = 3.0  # standard deviations of the Gaussian that a kernel holds


@dataclass(frozen=True, eq=False)
class KernelEstimate:
    """What was found.

    Attributes:
        kernel: float array (h, w), not negative, of sum 1, aligned as `kernel_shift` leaves a kernel: for
            `ZSSR(kernels=[…])`. None where bicubic is the answer, or there is none; the note says which.
        note: what was found, in a line; pixels are those of the result.
        covariance: Covariance of the blur in pixels² of the result; None where nothing could be measured.
        confidence: probability that the answer to "is there a blur" is right; 0 where nothing was measured.
        spectra: Spectra behind it; None where nothing could be measured.
    """

    kernel: np.ndarray | None
    note: str
    covariance: Covariance | None = None
    confidence: float = 0.0
    spectra: Spectra | None = None


def estimate_kernel(image, sf=2):
    """Estimate the kernel that an image was blurred with before it was shrunk to what it is.

    Args:
        image: path, or array (H, W) or (H, W, C) of any numbers (`pictures.from_arrays`); of channels
            that are no colours, such as a satellite's, the mean is looked at.
        sf: scale factor by which it is to be enlarged, a number or (vertical, horizontal).

    Returns:
        KernelEstimate.

    Raises:
        ValueError, FileNotFoundError: for an image or a scale factor that cannot be used.
    """
    scale = as_pair(sf)
    if not all(1 <= factor <= LARGEST_SCALE for factor in scale):
        raise ValueError(f'scale factor {sf}: give factors from 1 to {LARGEST_SCALE}')
    return estimate_kernels(as_colours(_pixels(image)), [scale])[0]


def estimate_kernels(pixels, scales):
    """Estimate the kernels for several scales, which follow from one blur and so fit each other.

    Args:
        pixels: float array (H, W, C) in [0, 1], C 1 or 3.
        scales: list of (vertical, horizontal) scale factors.

    Returns:
        List of KernelEstimate, one per scale.
    """
    if min(pixels.shape[:2]) < LEAST_SIDE:
        size = f'{pixels.shape[0]}×{pixels.shape[1]}'
        return [KernelEstimate(None, f'{size} pixels are too few to tell a blur')] * len(scales)
    evidence = gather(pixels)
    if evidence.spectra.power < LEAST_POWER:
        return [KernelEstimate(None, 'too little structure to tell a blur')] * len(scales)
    answer, log_odds = ask(evidence)
    twice, blurred = _within(answer), 1 / (1 + math.exp(min(log_odds, 100)))
    estimates = []
    for sf in scales:
        covariance = twice.scaled(sf[0] / 2, sf[1] / 2)
        kernel, note = gaussian_kernel(covariance, sf), blur_text(covariance)
        if blurred < LEAST_PROBABILITY:
            kernel, note = None, 'no blur beyond bicubic shrinking'
        elif (np.array(kernel.shape) > pixels.shape[:2]).any():
            kernel, note = None, f'{note}, for which the image is too small'
        confidence = 1 - blurred if blurred < LEAST_PROBABILITY else blurred
        estimates.append(KernelEstimate(kernel, note, covariance, confidence, evidence.spectra))
    return estimates


def _pixels(image):
    """The pixels of a file or array, of which floats in [0, 1] are taken as they are."""
    if isinstance(image, str | Path):
        return read_image(image, value_range='auto').pixels
    array = np.asarray(image)
    is_unit = array.dtype.kind == 'f' and array.size and array.min() >= -1e-6 and array.max() <= 1 + 1e-6
    return from_array(image, value_range='full' if is_unit else 'auto').pixels


def as_colours(pixels):
    """Pixels (H, W, C) as gray or RGB: of other channels, their mean."""
    return pixels if pixels.shape[2] in (1, 3) else pixels.mean(axis=2, keepdims=True)


def _within(covariance):
    """The nearest covariance whose variances, in every direction, are within VARIANCES, to three digits."""
    variances, axes = np.linalg.eigh(covariance.matrix)
    matrix = axes @ np.diag(np.clip(variances, *VARIANCES)) @ axes.T
    # Rounded, so that the last bits of sums, which differ between machines, hardly ever make another kernel.
    return Covariance(*np.round(matrix[[0, 1, 0], [0, 1, 1]], 3).tolist())


def kernels_for(pixels, conf):
    """What `ZSSR(kernels=…)` is given for an image, told by the image itself.

    After a base change the input of a scale is a result, which is not blurred: there the method serves.

    Args:
        pixels: float array (H, W, C) in [0, 1], C 1 or 3.
        conf: Config, for its scales and downscale_method.

    Returns:
        (kernels, estimate): an array or a method name per scale, or None for no kernels; and the
        KernelEstimate of the last scale that has one, or of the first that has none.
    """
    estimates = estimate_kernels(pixels, conf.scales)
    changes = [index for index, sf in enumerate(conf.scales) if sf in conf.base_changes]
    blurred = estimates[: min(changes) + 1 if changes else None]
    for estimate in blurred:
        if estimate.kernel is None:
            return None, estimate
    kernels = [estimate.kernel for estimate in blurred]
    return kernels + [conf.downscale_method] * (len(estimates) - len(blurred)), blurred[-1]


def gaussian_kernel(covariance, sf):
    """Sample a Gaussian, centred on the block of pixels that becomes one.

    Args:
        covariance: Covariance, in pixels²; too narrow an axis is widened.
        sf: (vertical, horizontal) scale factors.

    Returns:
        Float array (h, w) of odd sides that sums to 1; `kernel_shift` for `sf` has hardly anything to move.
    """
    yy, xx = (max(variance, VARIANCES[0]) for variance in (covariance.yy, covariance.xx))
    offsets = []
    for variance, factor in zip((yy, xx), sf, strict=True):
        half = math.ceil(REACH * math.sqrt(variance) + (factor - 1) / 2)
        offsets.append(np.arange(2 * half + 1) - half - (factor - 1) / 2)
    inverse = np.linalg.inv(Covariance(yy, xx, covariance.xy).matrix)
    return sampled_gaussian(*offsets, inverse)


def blur_text(covariance):
    """A blur in words: standard deviations along its long and short axis, and the angle of the long one."""
    variances, axes = np.linalg.eigh(covariance.matrix)
    short, long = np.sqrt(variances)
    vertical, horizontal = axes[:, 1]
    # Anticlockwise from horizontal, as it looks, rows being counted downwards.
    angle = math.degrees(math.atan2(-vertical, horizontal)) % 180
    return f'blur {long:.1f} × {short:.1f} px at {angle:.0f}°'
