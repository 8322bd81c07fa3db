"""Blur kernels: from files and into MATLAB's, and what a kernel must be to serve as one."""

import io
from pathlib import Path

import numpy as np

from files.kernel_files import READERS
from files.storage import atomic_write, check_file
from imresize import METHODS, kernel_shift

LARGEST_ENTRY = 1e100  # sums of larger ones are soon no numbers


def read_kernel(path):
    """Read a blur kernel from a file, as it is or, where the file is no .mat, made to sum to 1.

    A .mat is used as the original uses it. Rounded text rarely sums to 1, and a picture never does, so that
    other kernels are divided by their sum; one that sums to 1 within a millionth keeps its numbers.

    Args:
        path: .mat file (up to version 7) with a 2-D numeric matrix `Kernel`; .npy file; .txt file with a row
            on each line; or gray .png, its values as they are stored.

    Returns:
        Float64 array (h, w), not shifted.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no such file, or its kernel is not usable (`check_kernel`).
    """
    path = Path(path)
    check_file(path)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise ValueError(f'{path}: is not called like a kernel; give a {", ".join(READERS)} file')
    kernel = check_kernel(READERS[suffix](path), f'{path}: {"Kernel" if suffix == ".mat" else "the kernel"}')
    if suffix == '.mat' or abs(kernel.sum() - 1) < 1e-6:
        return kernel
    return kernel / kernel.sum()


def check_kernel(kernel, name='kernel'):
    """Check that an array can serve as a blur kernel.

    Args:
        kernel: 2-D array of finite real numbers with a positive sum. Not changed.
        name: what error messages call it.

    Returns:
        A float64 copy (h, w).

    Raises:
        ValueError: if it is anything else.
    """
    try:
        kernel = np.asarray(kernel)
    except ValueError as error:
        raise ValueError(f'{name} is no rectangular array; give a 2-D matrix of numbers') from error
    if kernel.dtype.kind not in 'biufc':
        raise ValueError(f'{name} is not numeric (type {kernel.dtype}); give a 2-D matrix of numbers')
    if kernel.dtype.kind == 'c':
        raise ValueError(f'{name} is complex; give real numbers, e.g. real(Kernel)')
    if kernel.ndim != 2 or kernel.size == 0:
        raise ValueError(f'{name} has shape {kernel.shape}; give a 2-D matrix that is not empty')
    kernel = kernel.astype(np.float64)
    if not np.isfinite(kernel).all():
        raise ValueError(f'{name} has NaN or infinite entries; give finite numbers')
    if np.abs(kernel).max() > LARGEST_ENTRY:
        raise ValueError(f'{name} has entries beyond {LARGEST_ENTRY:g}; give usual numbers, that sum to 1')
    # Relative, because a kernel that cancels rarely does so to the last bit.
    if kernel.sum() <= 1e-8 * np.abs(kernel).sum():
        raise ValueError(f'{name} sums to {kernel.sum():g}; give a kernel with a positive sum, usually 1')
    return kernel


def load_kernel(kernel, input_shape):
    """Read or check a kernel that an image is to be shrunk with.

    Args:
        kernel: path or 2-D array, or an interpolation method's name, which is returned as it is.
        input_shape: (vertical, horizontal, …) size of the image, which no kernel may exceed.

    Returns:
        Float64 array (h, w), or the name.

    Raises:
        FileNotFoundError, ValueError: naming what cannot be used, and the remedy.
    """
    if isinstance(kernel, str) and kernel in METHODS:
        return kernel
    is_path = isinstance(kernel, str | Path)
    name = str(kernel) if is_path else 'kernel'
    kernel = read_kernel(kernel) if is_path else check_kernel(kernel, name)
    if any(side > limit for side, limit in zip(kernel.shape, input_shape[:2], strict=True)):
        raise ValueError(
            f'{name}: a kernel of {kernel.shape[0]}×{kernel.shape[1]} is larger than the image, '
            f'{input_shape[0]}×{input_shape[1]} (height × width); crop the kernel'
        )
    _check_centre(kernel, name)
    return kernel


def preprocess_kernels(kernels, conf):
    """Align blur kernels with the scales they belong to.

    Args:
        kernels: one 2-D array or method name per scale, or None for no kernels.
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
        aligned.append(kernel if isinstance(kernel, str) else kernel_shift(_odd_sided(kernel), sf / base))
        if sf in conf.base_changes:
            base = np.array(sf)
    return aligned


def write_kernel(path, kernel):
    """Write a 2-D blur kernel as a MATLAB file with a matrix `Kernel`, whole or not at all."""
    from scipy.io import savemat

    file = io.BytesIO()
    savemat(file, {'Kernel': kernel})
    atomic_write(path, file.getvalue())


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


def _odd_sided(kernel):
    """The kernel with a last row or column of zeros where a side is even."""
    return np.pad(kernel, [(0, 1 - n % 2) for n in np.shape(kernel)])
