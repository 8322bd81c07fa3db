"""Blur kernels: MATLAB files in and out, and what a kernel must be to serve as one."""

import io
from pathlib import Path

import numpy as np

from files.storage import atomic_write, check_file, one_line
from imresize import METHODS, kernel_shift


def read_kernel(path):
    """Read a blur kernel from a MATLAB file, as it is: neither normalised nor shifted.

    Args:
        path: .mat file (up to version 7) with a 2-D numeric matrix `Kernel`.

    Returns:
        Float64 array (h, w).

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no such file, or its `Kernel` is not usable (`check_kernel`).
    """
    from scipy import io as scipy_io

    path = Path(path)
    check_file(path)
    with open(path, 'rb') as file:
        head = file.read(520)
        # MATLAB puts 512 bytes of its own in front of the HDF5 signature, other programs none.
        if head.startswith(b'MATLAB 7.3') or b'\x89HDF' in head:
            raise ValueError(f"{path}: a version 7.3 (HDF5) .mat file; save it with save(..., '-v7')")
        file.seek(0)
        try:
            names = [name for name, _, _ in scipy_io.whosmat(file)]
            file.seek(0)
            variables = scipy_io.loadmat(file, variable_names=['Kernel'])
        except Exception as error:  # scipy's readers raise a dozen types, depending on where the file breaks
            reason = one_line(error)
            raise ValueError(f"{path}: not a readable .mat file ({reason}); save it with '-v7'") from error
    if 'Kernel' not in variables:
        held = ', '.join(names) or 'nothing'
        raise ValueError(f'{path}: has no variable Kernel, it holds {held}; save the matrix under that name')
    return check_kernel(variables['Kernel'], f'{path}: Kernel')


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
