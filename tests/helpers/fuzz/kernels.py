"""Damaged kernels: MATLAB's files, plain and compressed, NumPy's, text and pictures."""

import io
import struct
import zlib

import numpy as np
import scipy.io
from helpers.fuzz.damage import damage
from helpers.pictures import png_bytes

from files.kernels import load_kernel

MAT_HEADER = 128


def make(rng, folder):
    """Write a damaged kernel; in one of ten cases it is whole. Most are MATLAB's."""
    suffix = str(rng.choice(['.mat'] * 7 + ['.npy', '.txt', '.png']))
    data = MAKERS[suffix](rng)
    if rng.random() > 0.1:
        is_packed = suffix == '.mat' and data[MAT_HEADER : MAT_HEADER + 4] == b'\x0f\0\0\0'
        if is_packed and rng.random() < 0.7:
            data = _damage_inside(rng, data)
        else:
            data = damage(rng, data, MAKERS[suffix](rng))
    path = folder / f'a_0{suffix}'
    path.write_bytes(data)
    return path


def read(path):
    """Read a kernel as a run does."""
    try:
        load_kernel(path, (100, 100))
    except ValueError as error:
        assert str(path) in str(error), f'does not name its file: {error}'
        raise


def _kernel(rng):
    kernel = rng.random((rng.integers(1, 14), rng.integers(1, 14)))
    return kernel / kernel.sum()


def _mat(rng):
    kernel = _kernel(rng)
    others = [
        {'Kernel': kernel},
        {'Kernel': kernel.astype('f4'), 'sf': 2.0},
        {'Kernel': (kernel * 1000).astype(str(rng.choice(['u1', 'i2', 'u4', 'i8', 'b1'])))},
        {'Kernel': _nested(kernel, rng.integers(1, 6))},
        {'Kernel': {'a': kernel, 'b': {'c': 'text'}}},
        {'notes': 'text', 'cells': _nested('text', 3), 'Kernel': kernel},
        {'Kernel': kernel * 1j},
        {'Kernel': scipy.sparse.csc_matrix(kernel)},
        {'Kernel': 'text'},
    ]
    # Half of them are what a kernel's file mostly is.
    variables = others[0] if rng.random() < 0.5 else others[rng.integers(len(others))]
    simple = all(isinstance(value, np.ndarray) and value.dtype.kind in 'f' for value in variables.values())
    file = io.BytesIO()
    if simple and rng.random() < 0.2:
        scipy.io.savemat(file, variables, format='4')
    else:
        scipy.io.savemat(file, variables, do_compression=bool(rng.random() < 0.5))
    return file.getvalue()


def _nested(value, depth):
    """A cell in a cell in a cell."""
    for _ in range(int(depth)):
        cell = np.empty((1, 1), object)
        cell[0, 0] = value
        value = cell
    return value


def _damage_inside(rng, data):
    """Damage what is compressed in the first element of a file."""
    (length,) = struct.unpack_from('<I', data, MAT_HEADER + 4)
    end = MAT_HEADER + 8 + length
    packed = zlib.compress(damage(rng, zlib.decompress(data[MAT_HEADER + 8 : end])))
    return data[:MAT_HEADER] + struct.pack('<II', 15, len(packed)) + packed + data[end:]


def _npy(rng):
    file = io.BytesIO()
    np.save(file, _kernel(rng).astype(str(rng.choice(['f8', 'f4', '>f8']))))
    return file.getvalue()


def _text(rng):
    file = io.BytesIO()
    np.savetxt(file, _kernel(rng), delimiter=str(rng.choice([' ', ',', '\t'])))
    return file.getvalue()


def _png(rng):
    bits = int(rng.choice([8, 16]))
    values = (_kernel(rng) * (2**bits - 1)).astype(f'>u{bits // 8}')
    return png_bytes([row.tobytes() for row in values], bits, 0, values.shape[1])


MAKERS = {'.mat': _mat, '.npy': _npy, '.txt': _text, '.png': _png}
