"""An image and the files that belong to it, and what is in them as arrays that fit each other."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from files.kernels import load_kernel, preprocess_kernels
from files.pictures import Picture, from_arrays, read_images
from imresize import imresize


@dataclass(frozen=True)
class ImageFiles:
    """An image and the files that belong to it; what there is not, or does not matter, is None.

    Attributes:
        name: the image's, without what results and benchmarks append to it.
        input: the image to enlarge.
        ground_truth: what the result should be.
        kernels: a file per scale.
        results: files.records.Result of each of two programs; None in place of bicubic enlargement.
        scale: (vertical, horizontal) scale factor.
        set: name of the benchmark set that the image is from.
        channels: of the image, alpha apart, once it has been read.
        size: of the image, (vertical, horizontal), likewise.
        pages: of the image that are enlarged, likewise.
    """

    name: str
    input: Path | None = None
    ground_truth: Path | None = None
    kernels: tuple | None = None
    results: tuple = ()
    scale: tuple | None = None
    set: str | None = None
    channels: int | None = None
    size: tuple | None = None
    pages: int = 1


def load_inputs(input_img, conf, ground_truth=None, kernels=None, full_depth=True):
    """Read and check everything that a run needs; TensorFlow is not loaded to refuse it.

    Args:
        input_img: path, or array (H, W), (H, W, C) or (pages, H, W, C), or a list of Picture.
        conf: Config, for its scales, range of values and pages.
        ground_truth: path or array, or None.
        kernels: list with a path, 2-D array or method name per scale, or for one scale that itself; None:
            `conf.downscale_method`.
        full_depth: without effect: a check reads what a run reads, so that both judge alike.

    Returns:
        (pictures, ground_truth, kernels): list of Picture, the pages of the image; float32 array (H, W, C) in
        [0, 1], where 0 and 1 are the image's, of the last scale's size, or None; per scale, an aligned kernel
        or a method name.

    Raises:
        ValueError, FileNotFoundError: one line that names what cannot be used, and the remedy.
    """
    pictures = _load(input_img, 'input', conf, conf.value_range)
    shape = pictures[0].pixels.shape
    if ground_truth is not None:
        name = str(ground_truth) if _is_path(ground_truth) else 'ground truth'
        truth = _load_truth(ground_truth, name, conf, _range_of_truth(pictures[0]))
        ground_truth = fit_ground_truth(truth.pixels, shape, conf, name)
    if _is_path(kernels) or (kernels is not None and len(kernels) and np.ndim(kernels[0]) == 1):
        kernels = [kernels]
    if kernels is not None:
        kernels = [load_kernel(kernel, shape) for kernel in kernels]
    return pictures, ground_truth, preprocess_kernels(kernels, conf)


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


def truth_at(index, gt, conf, shape):
    """The ground truth at a scale of `conf`, by its index: that of the last, shrunk to `shape`; or None."""
    if gt is None or index == len(conf.scales) - 1:
        return gt
    relative = np.divide(conf.scales[index], conf.scales[-1])
    return imresize(gt, relative, shape, conf.downscale_gt_method)


def _is_path(source):
    return isinstance(source, str | Path)


def _range_of_truth(picture):
    """What is black and white in a ground truth: what is in the image, where that is not its type's range."""
    return 'full' if picture.values.is_whole else picture.values


def _load_truth(truth, name, conf, value_range):
    """The Picture of a ground truth: of the image's page where there are several, else of the first."""
    one = conf.copy()
    one.pages = 'first'
    if isinstance(conf.pages, int):
        with contextlib.suppress(ValueError):  # a truth of one page is that page's
            return _load(truth, name, conf, value_range)[0]
    return _load(truth, name, one, value_range)[0]


def _load(image, name, conf, value_range):
    """Pictures of the pages of an image."""
    if isinstance(image, list) and image and isinstance(image[0], Picture):
        return image
    options = {'value_range': value_range, 'pages': conf.pages, 'large': conf.large}
    if _is_path(image):
        return read_images(image, **options)
    return from_arrays(image, name=name, **options)
