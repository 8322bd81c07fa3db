"""The steps around the network: making fathers, back-projection, kernels, the results folder."""

import shutil
import time
from pathlib import Path

import numpy as np

from imresize import imresize, kernel_shift

__all__ = [
    'augmentation_matrix',
    'back_projection',
    'draw_augmentation',
    'imresize',
    'kernel_shift',
    'prepare_result_dir',
    'preprocess_kernels',
    'random_augment',
]

PROJECT = Path(__file__).resolve().parent


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
    from pairs import warp_image

    if base_scales is None:
        base_scales = [np.sqrt(im.size / ims[0].size) for im in ims]
    source, matrix = draw_augmentation(
        [im.shape[:2] for im in ims],
        base_scales,
        leave_as_is_probability,
        no_interpolate_probability,
        min_scale,
        max_scale,
        allow_rotation,
        scale_diff_sigma,
        shear_sigma,
        crop_size,
        np.random if rng is None else rng,
    )
    return warp_image(ims[source], matrix, crop_size)


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

    Args:
        sizes: (height, width) of each source, in pixels.
        base_scales, …, rng: as in `random_augment`, all given.

    Returns:
        (source, matrix): an index into `sizes`, and the 3×3 matrix that maps the source's (x, y, 1) to the
        father's.
    """
    chance = rng.rand()
    as_is = chance < leave_as_is_probability
    affine = not as_is and chance >= leave_as_is_probability + no_interpolate_probability

    max_scale = np.min(max_scale)
    scale = 1.0 if as_is else rng.rand() * (max_scale - min_scale) + min_scale
    smallest = [np.min(base_scale) for base_scale in base_scales]
    source = next(i for i, base_scale in enumerate(smallest) if base_scale > scale - 1e-6)
    if affine:
        scale, scale_diff = scale / smallest[source], rng.randn() * scale_diff_sigma
    else:
        scale, scale_diff = 1.0, 0.0
    reflect = np.sign(rng.randn()) if allow_rotation and not as_is else 1.0

    height, width = sizes[source]
    shift_x = rng.rand() * np.clip(scale * width - crop_size, 0, 9999)
    shift_y = rng.rand() * np.clip(scale * height - crop_size, 0, 9999)

    theta = 0.0
    if not as_is:
        # Drawn even where it is not used, so that every preset walks through the same random numbers.
        drawn = rng.rand() * 2 * np.pi if affine else rng.randint(4) * np.pi / 2
        theta = drawn if allow_rotation else 0.0
    shear = (rng.randn() * shear_sigma, rng.randn() * shear_sigma) if affine else (0.0, 0.0)

    centre, shift = np.array([width / 2, height / 2]), np.array([shift_x, shift_y])
    if not affine:
        centre, shift = np.rint(centre), np.rint(shift)
    stretch = (reflect * (scale + scale_diff / 2), scale - scale_diff / 2)
    return source, augmentation_matrix(centre, shift, shear, theta, stretch)


def augmentation_matrix(centre, shift, shear, theta, stretch):
    """The matrix that stretches, turns and shears an image about its centre, then shifts it.

    Args:
        centre: (x, y) of the source's centre, in pixels.
        shift: (x, y) of the crop in the transformed image, in pixels.
        shear: (x by y, y by x).
        theta: angle, in radians.
        stretch: (x, y) factors; a negative one reflects.

    Returns:
        Float array (3, 3) acting on columns (x, y, 1).
    """
    cos, sin = np.cos(theta), np.sin(theta)
    moved_back = np.array([[1, 0, centre[0]], [0, 1, centre[1]], [0, 0, 1.0]])
    shifted = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]], [0, 0, 1.0]])
    sheared = np.array([[1, shear[0], 0], [shear[1], 1, 0], [0, 0, 1.0]])
    turned = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1.0]])
    stretched = np.diag([stretch[0], stretch[1], 1.0])
    centred = np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1.0]])
    return moved_back @ shifted @ sheared @ turned @ stretched @ centred


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


def preprocess_kernels(kernels, conf):
    """Align blur kernels with the scales they belong to.

    Args:
        kernels: one 2-D array per scale, or None for no kernels.
        conf: Config, for its scales, base changes and downscale_method.

    Returns:
        List with, per scale, a 2-D array for `imresize`, or `conf.downscale_method` where `kernels` is None.

    Raises:
        ValueError: if the number of kernels is not the number of scales.

    Differs from the original: an even side first gets a row or column of zeros, since the original leaves
    such kernels half a pixel off; the scale is relative to the base that it will be used with.
    """
    if kernels is None:
        return [conf.downscale_method] * len(conf.scales)
    if len(kernels) != len(conf.scales):
        raise ValueError(
            f'{len(kernels)} kernels were given for {len(conf.scales)} scale_factors; give one per scale'
        )
    aligned = []
    base = np.ones(2)
    for kernel, sf in zip(kernels, conf.scales, strict=True):
        aligned.append(kernel_shift(_odd_sided(kernel), sf / base))
        if sf in conf.base_changes:
            base = np.array(sf)
    return aligned


def _odd_sided(kernel):
    """The kernel with a last row or column of zeros where a side is even."""
    return np.pad(kernel, [(0, 1 - n % 2) for n in np.shape(kernel)])


def prepare_result_dir(conf, now=None):
    """Create the folder of a run, with a copy of the code that makes it.

    Args:
        conf: Config, for name, result_path, create_results_dir and create_code_copy.
        now: time.struct_time; None: the current local time.

    Returns:
        Path of the folder: result_path/NAME_Mon_DD_HH_MM_SS, with a suffix if that is taken, or
        result_path itself if create_results_dir is off.
    """
    folder = Path(conf.result_path)
    if not conf.create_results_dir:
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    stem = folder / f'{conf.name}_{time.strftime("%b_%d_%H_%M_%S", now or time.localtime())}'
    folder, taken = stem, 1
    while True:
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:
            taken += 1
            folder = stem.with_name(f'{stem.name}_{taken}')
    if conf.create_code_copy:
        for source in sorted(PROJECT.glob('*.py')):
            shutil.copy(source, folder)
    return folder
