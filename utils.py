"""The steps around the network: fathers, back-projection, kernels, when to slow down, the results folder."""

import math

import numpy as np

from files.kernels import preprocess_kernels
from files.run_folder import prepare_result_dir
from imresize import imresize, kernel_shift

__all__ = [
    'augmentation_matrix',
    'back_projection',
    'draw_augmentation',
    'has_stopped_falling',
    'imresize',
    'kernel_shift',
    'prepare_result_dir',
    'preprocess_kernels',
    'quick_test_windows',
    'random_augment',
]

# The quick test looks at no more of an image than this.
QUICK_TEST_PIXELS = 1_000_000


def random_augment(
    ims,
    base_scales=None,
    leave_as_is_probability=0.2,
    no_interpolate_probability=0.3,
    min_scale=0.5,
    max_scale=1.0,
    allow_rotation=True,
    scale_diff_sigma=0.01,
    shear_sigma=0.01,
    crop_size=128,
    rng=None,
):
    """Make one father: a randomly shrunk, turned, sheared and cropped piece of one of the sources.

    Args:
        ims: list of arrays (H, W, C) in [0, 1]: the input, then the outputs of earlier scales.
        base_scales: scale of each source relative to the first, a number or (vertical, horizontal) each.
            None: the square root of the ratio of their numbers of values.
        leave_as_is_probability: how often the crop is only shifted.
        no_interpolate_probability: how often it is only reflected, turned by right angles and shifted.
        min_scale: least scale of a father, relative to the first source.
        max_scale: largest scale, a number or a pair, of which the smaller counts.
        allow_rotation: whether fathers are reflected and turned.
        scale_diff_sigma: standard deviation of the difference between the two axes' scales.
        shear_sigma: standard deviation of the shear.
        crop_size: side of the father, in pixels.
        rng: numpy.random.RandomState; None: NumPy's global generator.

    Returns:
        Float32 array (crop_size, crop_size, C) in [0, 1], black where it reaches past the source.

    Source: ZSSR paper, section 3.2 (augmentation).
    """
    from learning.pairs import warp_image

    if base_scales is None:
        base_scales = [np.sqrt(im.size / ims[0].size) for im in ims]
    source, *augmentation = draw_augmentation(
        [im.shape[:2] for im in ims],
        [np.min(base_scale) for base_scale in base_scales],
        leave_as_is_probability,
        no_interpolate_probability,
        min_scale,
        np.min(max_scale),
        allow_rotation,
        scale_diff_sigma,
        shear_sigma,
        crop_size,
        np.random if rng is None else rng,
    )
    return warp_image(ims[source], augmentation_matrix(*augmentation), crop_size)


def draw_augmentation(
    sizes,
    base_scales,
    leave_as_is_probability,
    no_interpolate_probability,
    min_scale,
    max_scale,
    allow_rotation,
    scale_diff_sigma,
    shear_sigma,
    crop_size,
    rng,
):
    """Draw which source a father comes from, and how it is moved, in the original's order of draws.

    Plain Python numbers, as it is done for every iteration and NumPy is slow on single ones.

    Args:
        sizes: (height, width) of each source, in pixels.
        base_scales, max_scale: as in `random_augment`, but a number each: of pairs, the smaller.
        leave_as_is_probability, …, rng: as in `random_augment`, all given.

    Returns:
        (source, centre, shift, shear, theta, stretch): an index into `sizes`, and the arguments of
        `augmentation_matrix`.
    """
    chance = rng.rand()
    as_is = chance < leave_as_is_probability
    affine = not as_is and chance >= leave_as_is_probability + no_interpolate_probability

    scale = 1.0 if as_is else rng.rand() * (max_scale - min_scale) + min_scale
    source = next(i for i, base_scale in enumerate(base_scales) if base_scale > scale - 1e-6)
    if affine:
        scale, scale_diff = scale / base_scales[source], rng.randn() * scale_diff_sigma
    else:
        scale, scale_diff = 1.0, 0.0
    reflect = math.copysign(1.0, rng.randn()) if allow_rotation and not as_is else 1.0

    height, width = sizes[source]
    shift_x = rng.rand() * min(max(scale * width - crop_size, 0), 9999)
    shift_y = rng.rand() * min(max(scale * height - crop_size, 0), 9999)

    theta = 0.0
    if not as_is:
        # Drawn even where it is not used, so that every preset walks through the same random numbers.
        drawn = rng.rand() * 2 * math.pi if affine else rng.randint(4) * math.pi / 2
        theta = drawn if allow_rotation else 0.0
    shear = (rng.randn() * shear_sigma, rng.randn() * shear_sigma) if affine else (0.0, 0.0)

    centre, shift = (width / 2, height / 2), (shift_x, shift_y)
    if not affine:
        centre, shift = [tuple(float(round(n)) for n in pair) for pair in (centre, shift)]
    stretch = (reflect * (scale + scale_diff / 2), scale - scale_diff / 2)
    return source, centre, shift, shear, theta, stretch


def augmentation_matrix(centre, shift, shear, theta, stretch):
    """The matrices that stretch, turn and shear images about their centres, then shift them.

    Args:
        centre: array (..., 2), (x, y) of the source's centre, in pixels.
        shift: array (..., 2), (x, y) of the crop in the transformed image, in pixels.
        shear: array (..., 2), x by y and y by x.
        theta: array (...), angle in radians.
        stretch: array (..., 2), factors of x and y; a negative one reflects.

    Returns:
        Float array (..., 3, 3) acting on columns (x, y, 1).
    """
    centre, shift, shear, stretch = (np.asarray(pair, np.float64) for pair in (centre, shift, shear, stretch))
    cos, sin = np.cos(theta), np.sin(theta)
    sheared = _affine([[1, shear[..., 0]], [shear[..., 1], 1]])
    turned = _affine([[cos, sin], [-sin, cos]])
    stretched = _affine([[stretch[..., 0], 0], [0, stretch[..., 1]]])
    return _moved(centre) @ _moved(-shift) @ sheared @ turned @ stretched @ _moved(-centre)


def _affine(linear):
    """Matrices (..., 3, 3) of linear maps of (x, y), given as 2 × 2 numbers or arrays (...)."""
    rows = [[*row, 0] for row in linear] + [[0, 0, 1.0]]
    entries = np.broadcast_arrays(*(entry for row in rows for entry in row))
    return np.stack(entries, axis=-1).reshape(*entries[0].shape, 3, 3)


def _moved(by):
    """Matrices (..., 3, 3) that move (x, y) by (..., 2)."""
    matrices = np.zeros((*by.shape[:-1], 3, 3)) + np.eye(3)
    matrices[..., :2, 2] = by
    return matrices


def quick_test_windows(shape, input_shape):
    """The parts of an image that the quick test looks at.

    Args:
        shape: (vertical, horizontal, …) size of the image.
        input_shape: size of the input; up to QUICK_TEST_PIXELS everything is looked at, beyond it the same
            share of any image.

    Returns:
        List of (top, bottom, left, right): the whole image, or a grid of 4 × 4 windows.
    """
    share = QUICK_TEST_PIXELS / (input_shape[0] * input_shape[1])
    if share >= 1:
        return [(0, shape[0], 0, shape[1])]
    height, width = (max(1, round(n * np.sqrt(share) / 4)) for n in shape[:2])
    tops, lefts = np.rint(np.linspace(0, shape[0] - height, 4)), np.rint(np.linspace(0, shape[1] - width, 4))
    return [(int(y), int(y) + height, int(x), int(x) + width) for y in tops for x in lefts]


def back_projection(y_sr, y_lr, down_kernel, up_kernel, sf):
    """Move a result towards consistency with its input (one step).

    Downscaling the result should give the input back; the difference is enlarged and added.

    Args:
        y_sr: float array (H, W, C) in [0, 1], the result. Not changed.
        y_lr: float array (h, w, C) in [0, 1], the input.
        down_kernel: method name, or 2-D kernel already shifted for `sf`.
        up_kernel: method name.
        sf: (vertical, horizontal) scale factors, H = ceil(h * sf[0]).

    Returns:
        Float array (H, W, C), clipped to [0, 1].

    Source: Irani and Peleg (1991); ZSSR paper, section 3.1.
    """
    sf = np.asarray(sf, dtype=np.float64)
    again_lr = imresize(y_sr, scale_factor=1 / sf, output_shape=y_lr.shape, kernel=down_kernel)
    error = imresize(y_lr - again_lr, scale_factor=sf, output_shape=y_sr.shape, kernel=up_kernel)
    return np.clip(y_sr + error, 0, 1)


def has_stopped_falling(steps, errors, change_ratio):
    """Decide whether errors have stopped falling: is the slope of a line through them lost in its noise?

    Args:
        steps: iterations of the quick tests, at least 5.
        errors: mean squared error at each.
        change_ratio: how many slopes its standard deviation must exceed.

    Returns:
        bool: −change_ratio · slope < standard deviation of the slope.

    Source: ZSSR paper, section 3.2. The variance divides by n − 4, as NumPy's did before 1.16.
    """
    line, covariance = np.polyfit(steps, errors, 1, cov='unscaled')
    residual = np.sum(np.square(errors - np.polyval(line, steps)))
    deviation = np.sqrt(covariance[0, 0] * residual / (len(steps) - 4))
    return bool(-change_ratio * line[0] < deviation)
