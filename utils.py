"""The original's helpers under the original's names; some live in rooms and are only named here."""

import numpy as np

from files.kernels import preprocess_kernels
from files.run_folder import prepare_result_dir
from imresize import imresize, kernel_shift
from learning.augmentation import Augmentation

__all__ = [
    'back_projection',
    'imresize',
    'kernel_shift',
    'prepare_result_dir',
    'preprocess_kernels',
    'random_augment',
]


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
        max_scale: largest scale, a number or (vertical, horizontal), of which the smaller counts.
        rng: numpy.random.RandomState; None: NumPy's global generator.
        leave_as_is_probability, …: as in `learning.augmentation.Augmentation`.

    Returns:
        Float32 array (crop_size, crop_size, C) in [0, 1], black where it reaches past the source.

    Source: ZSSR paper, section 3.2 (augmentation).
    """
    from learning.fathers import warp_image

    if base_scales is None:
        base_scales = [np.sqrt(im.size / ims[0].size) for im in ims]
    augmentation = Augmentation(
        leave_as_is_probability=leave_as_is_probability,
        no_interpolate_probability=no_interpolate_probability,
        min_scale=min_scale,
        allow_rotation=allow_rotation,
        scale_diff_sigma=scale_diff_sigma,
        shear_sigma=shear_sigma,
        crop_size=crop_size,
    )
    scales = [np.min(base_scale) for base_scale in base_scales]
    rng = np.random if rng is None else rng
    cut = augmentation.draw([im.shape[:2] for im in ims], scales, np.min(max_scale), rng)
    return warp_image(ims[cut.source], augmentation.matrices([cut])[0], crop_size)


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
        Float array (H, W, C), clipped to [0, 1], of the type of `y_sr`.

    Source: Irani and Peleg (1991); ZSSR paper, section 3.1.
    """
    sf = np.asarray(sf, dtype=np.float64)
    again_lr = imresize(y_sr, scale_factor=1 / sf, output_shape=y_lr.shape, kernel=down_kernel)
    error = imresize(y_lr - again_lr, scale_factor=sf, output_shape=y_sr.shape, kernel=up_kernel)
    return np.clip(y_sr + error, 0, 1).astype(y_sr.dtype)
