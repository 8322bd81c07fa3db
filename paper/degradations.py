"""Making the low-resolution images of the paper's tables from ground truth, on 8 bits.

Table 1 shrinks by MATLAB's bicubic imresize (imresize.py), Table 2 by a random Gaussian kernel per image,
Table 3 by bicubic and one of three degradations per image; a mixture has some of each. What is random is
drawn from a generator that belongs to one image, so that a selection of images, or another order, draws the
same.
"""

import zlib

import numpy as np

from blind.examples import compressed
from blind.gaussian import sampled_gaussian
from files.rounding import to_integers
from imresize import imresize, imresize_matlab

SIGMA = 0.05  # of Table 3's two kinds of noise, where 1 is white
JPEG_QUALITY = 45
KERNEL_SIZE = 9
MIXED_NOISE, MIXED_JPEG = (2, 10), (45, 91)  # grey levels, and qualities up to 90: ranges of a mixture
# A covariance with an eigenvalue of 0 has no inverse; this is as sharp on a pixel grid.
SMALLEST_VARIANCE = 1e-6


def generator_for(seed, name):
    """The random numbers of one image: RandomState's, the same in every version of NumPy."""
    return np.random.RandomState([seed, zlib.crc32(name.encode(errors='surrogateescape'))])


def crop_to_multiple(image, scale):
    """A view of an image (H, W, C), cropped at the bottom and right as all benchmarks do."""
    height, width = (side - side % scale for side in image.shape[:2])
    return image[:height, :width]


def draw_kernel(rng, scale=2):
    """Draw one of Table 2's blur kernels.

    Args:
        rng: numpy.random.RandomState. Advanced by three numbers.
        scale: int, the scale factor.

    Returns:
        Float64 array (9, 9) that sums to 1: a Gaussian of covariance U diag(λ1, λ2) Uᵀ, λ ~ U[0, scale²],
        turned by θ ~ U[0, π], centred on the block of pixels that becomes one.

    Source: ZSSR paper, section 4.2; size and centre were read from the published images.
    """
    variances = np.maximum(rng.uniform(0, scale**2, 2), SMALLEST_VARIANCE)
    theta = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])
    inverse = turn @ np.diag(1 / variances) @ turn.T
    offsets = np.arange(KERNEL_SIZE) - (KERNEL_SIZE // 2 + 0.5 * (scale - 1))
    return sampled_gaussian(offsets, offsets, inverse)


def shrink_by_kernel(hr, kernel, scale=2):
    """Shrink a uint8 image (H, W, C) through a 2-D kernel to (H / scale, W / scale, C), as Table 2's were."""
    blurred = imresize(hr.astype(np.float64), 1 / scale, kernel=kernel)
    return np.clip(np.rint(blurred), 0, 255).astype(np.uint8)


# Table 3's degradations take a float array (h, w, C), 1 being white, and a numpy.random.RandomState, and
# return a uint8 array of the same shape.


def add_noise(lr, rng):
    """Add Gaussian noise, σ 0.05."""
    return to_integers(lr + SIGMA * rng.standard_normal(lr.shape))


def add_speckle(lr, rng):
    """Multiply by speckle, as MATLAB's imnoise does: image + image · n, n uniform around 0.

    The paper gives 0.05 and does not say of what. Here it is the standard deviation of n, as for the Gaussian
    noise beside it; imnoise's own parameter, the variance, is 0.05².
    """
    noise = np.sqrt(12) * SIGMA * (rng.uniform(size=lr.shape) - 0.5)
    return to_integers(lr + lr * noise)


def compress(lr, _):
    """Compress to JPEG of quality 45, chroma at half the resolution as MATLAB's imwrite has it."""
    return compressed(to_integers(lr), JPEG_QUALITY)


def mix(hr, rng, scale=2):
    """Shrink and degrade an image in one of the ways that real ones come in, a quarter each.

    Returns:
        uint8 array (H / scale, W / scale, C), and what was done: bicubic; bicubic, then noise or JPEG; a
        random kernel; a random kernel, then noise.
    """
    way = rng.randint(4)
    blurred, damaged = way in (2, 3), way in (1, 3)
    lr = shrink_by_kernel(hr, draw_kernel(rng, scale), scale) if blurred else imresize_matlab(hr, 1 / scale)
    done = 'random kernel' if blurred else 'bicubic'
    deviation, quality = rng.uniform(*MIXED_NOISE), rng.randint(*MIXED_JPEG)
    if damaged and (blurred or rng.rand() < 0.5):
        return add_grey_levels(lr, deviation, rng), f'{done}, noise {deviation:.1f}'
    return (compressed(lr, quality), f'{done}, jpeg {quality}') if damaged else (lr, done)


def add_grey_levels(lr, deviation, rng):
    """Add Gaussian noise of so many grey levels to a uint8 image."""
    return to_integers(lr / 255 + deviation / 255 * rng.standard_normal(lr.shape))


DEGRADATIONS = {'gaussian noise': add_noise, 'speckle': add_speckle, 'jpeg': compress}


def degrade(hr, rng, scale=2):
    """Shrink by bicubic and degrade in one of Table 3's three ways, before rounding to 8 bits.

    Returns:
        uint8 array (H / scale, W / scale, C), and which of DEGRADATIONS it was, which `rng` chooses.

    Source: ZSSR paper, section 4.2.
    """
    name = list(DEGRADATIONS)[rng.randint(len(DEGRADATIONS))]
    lr = np.clip(imresize_matlab(hr / 255, 1 / scale), 0, 1)
    return DEGRADATIONS[name](lr, rng), name
