"""What one run starts from, read and checked together: the image, its ground truth and its blur kernels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from files import images
from utils import preprocess_kernels


@dataclass(frozen=True, eq=False)
class Inputs:
    """Checked inputs of a run.

    Attributes:
        picture: images.Picture of the image to enlarge.
        ground_truth: float32 array (H, W, C) in [0, 1] of the last scale's size, or None.
        kernels: per scale, an aligned kernel or a method name, as `preprocess_kernels` returns them.
    """

    picture: images.Picture
    ground_truth: np.ndarray | None
    kernels: list


def load_inputs(input_img, conf, ground_truth=None, kernels=None, full_depth=True):
    """Read and check everything that a run needs; TensorFlow is not loaded to refuse it.

    Args:
        input_img: path, or array (H, W) or (H, W, C) of uint8, uint16, or float in [0, 1].
        conf: Config, for its scales.
        ground_truth: path or array, or None.
        kernels: list with a path or 2-D array per scale, or for one scale the path or array itself; None:
            `conf.downscale_method`.
        full_depth: as in `images.read_image`; False is enough for a check.

    Returns:
        Inputs.

    Raises:
        ValueError, FileNotFoundError: one line that names what cannot be used, and the remedy.
    """
    picture = _load(input_img, 'input', full_depth)
    if ground_truth is not None:
        name = str(ground_truth) if _is_path(ground_truth) else 'ground truth'
        truth = _load(ground_truth, name, full_depth).pixels
        ground_truth = fit_ground_truth(truth, picture.pixels.shape, conf, name)
    if _is_path(kernels) or (kernels is not None and len(kernels) and np.ndim(kernels[0]) == 1):
        kernels = [kernels]
    if kernels is not None:
        kernels = [_load_kernel(kernel, picture.pixels.shape) for kernel in kernels]
    return Inputs(picture, ground_truth, preprocess_kernels(kernels, conf))


def fit_ground_truth(gt, input_shape, conf, name='ground truth'):
    """Check a ground truth's size, and crop what is less than a scale factor too much.

    Args:
        gt: array (H, W, C).
        input_shape: (vertical, horizontal, channels) of the input.
        conf: Config, for its scales.
        name: what error messages call it.

    Returns:
        A view of `gt` of the size that the last scale will have.

    Raises:
        ValueError: naming both sizes, or the channels.
    """
    height, width = conf.output_shapes(input_shape)[-1]
    excess = np.array(gt.shape[:2]) - (height, width)
    if (excess < 0).any() or ((excess > 0) & (excess >= conf.scales[-1])).any():
        raise ValueError(
            f'{name}: the ground truth has {gt.shape[0]}×{gt.shape[1]} pixels (height × width), but the '
            f'input, {input_shape[0]}×{input_shape[1]}, enlarged by {conf.scales[-1]} makes '
            f'{height}×{width}; give one of that size, or leave it out (rename a NAME_gt that is not meant)'
        )
    if gt.shape[2] != input_shape[2]:
        raise ValueError(
            f'{name}: the ground truth has {gt.shape[2]} channels and the input {input_shape[2]}; '
            'give both in colour or both in grayscale, or leave it out (rename a NAME_gt that is not meant)'
        )
    return gt[:height, :width]


def _is_path(source):
    return isinstance(source, str | Path)


def _load(image, name, full_depth):
    if _is_path(image):
        return images.read_image(image, full_depth=full_depth)
    return images.from_array(image, name=name)


def _load_kernel(kernel, input_shape):
    """Read or check one kernel, which may not be larger than the image it blurs."""
    name = str(kernel) if _is_path(kernel) else 'kernel'
    kernel = images.read_kernel(kernel) if _is_path(kernel) else images.check_kernel(kernel, name)
    if any(side > limit for side, limit in zip(kernel.shape, input_shape[:2], strict=True)):
        raise ValueError(
            f'{name}: a kernel of {kernel.shape[0]}×{kernel.shape[1]} is larger than the image, '
            f'{input_shape[0]}×{input_shape[1]} (height × width); crop the kernel'
        )
    _check_centre(kernel, name)
    return kernel


def _check_centre(kernel, name):
    """Refuse a kernel whose entries so nearly cancel that its centre of mass lies outside it."""
    for axis, side in enumerate(kernel.shape):
        along = kernel.sum(axis=1 - axis)
        centre = np.sum(along * np.arange(side)) / np.sum(along)
        if not 0 <= centre <= side - 1:
            raise ValueError(
                f'{name}: its centre of mass lies outside it, since positive and negative entries nearly '
                'cancel; give a blur kernel'
            )
