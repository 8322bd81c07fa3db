"""mat.py: MATLAB's files give the numbers that SciPy finds in them, and damaged ones are refused by name."""

import io
import struct
import zlib
from resource import RUSAGE_SELF, getrusage

import numpy as np
import pytest
import scipy.io
from helpers.pictures import refusal

from files import mat
from files.kernels import read_kernel

HEADER = 128
KERNEL = np.arange(12.0).reshape(3, 4)


def saved(compressed=False, level='5', **variables):
    """Bytes of a file that SciPy writes."""
    file = io.BytesIO()
    scipy.io.savemat(file, variables, format=level, do_compression=compressed)
    return file.getvalue()


def written(path, data):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize('compressed', [False, True])
@pytest.mark.parametrize('dtype', ['f8', 'f4', 'i1', 'u1', 'i2', 'u2', 'i4', 'u4', 'i8', 'u8', '?', 'c16'])
def test_numbers_of_every_type(dtype, compressed):
    values = np.random.RandomState(0).uniform(0, 100, (3, 4)).astype(dtype)
    (variable,) = mat.variables(io.BytesIO(saved(compressed, Kernel=values)))
    assert (variable.name, variable.kind) == ('Kernel', mat.NUMBERS)
    np.testing.assert_array_equal(variable.load(), values)


@pytest.mark.parametrize('order', '<>')
@pytest.mark.parametrize('kind', list(enumerate(['f8', 'f4', 'i4', 'i2', 'u2', 'u1'])))
def test_level_4_in_both_byte_orders(order, kind):
    digit, dtype = kind
    head = struct.pack(f'{order}5i', 1000 * (order == '>') + 10 * digit, 3, 4, 0, 7)
    data = head + b'Kernel\0' + KERNEL.T.astype(order + dtype).tobytes()
    (variable,) = mat.variables(io.BytesIO(data))
    np.testing.assert_array_equal(variable.load(), KERNEL)


def test_the_other_byte_order():
    parts = struct.pack('>4I', 6, 8, 6, 0) + struct.pack('>2I2i', 5, 8, 1, 2)
    parts += struct.pack('>2I8s', 1, 6, b'Kernel') + struct.pack('>HH2B2x', 2, 2, 7, 9)
    data = b'MATLAB 5.0'.ljust(124) + b'\1\0MI' + struct.pack('>2I', 14, len(parts)) + parts
    (variable,) = mat.variables(io.BytesIO(data))
    np.testing.assert_array_equal(variable.load(), [[7, 9]])


@pytest.mark.parametrize('level', ['4', '5'])
def test_a_kernel_behind_what_is_none(tmp_path, level):
    """Of other variables only the name is read: neither their contents nor their size matter."""
    others = {'notes': 'text', 'sf': 2.0, 'large': np.zeros((1, 2**21 + 1), 'u1')}
    if level == '5':
        others |= {'cells': np.array([[1, 'a']], object), 'struct': {'field': 1.0}, 'complex': 1j}
    for compressed in (False, level == '5'):
        path = written(tmp_path / 'a.mat', saved(compressed, level, **others, Kernel=KERNEL))
        np.testing.assert_array_equal(read_kernel(path), KERNEL)
        path.write_bytes(saved(compressed, level, **others))
        assert 'it holds notes, sf, large' in refusal(read_kernel, path)
        path.write_bytes(saved(compressed, level, Kernel=others['large']))
        assert 'numbers are the most' in refusal(read_kernel, path)


@pytest.mark.parametrize(
    ('value', 'words'),
    [
        (scipy.sparse.csc_matrix(KERNEL), 'a sparse matrix'),
        (np.array([[KERNEL]], object), 'a cell array'),
        ({'a': KERNEL}, 'a structure'),
        ('text', 'text'),
    ],
)
def test_what_else_a_kernel_may_be_is_named(tmp_path, value, words):
    message = refusal(read_kernel, written(tmp_path / 'a.mat', saved(Kernel=value)))
    assert f'a.mat: Kernel is not numeric ({words}); give a 2-D matrix of numbers' in message


def test_a_type_that_there_is_not(tmp_path):
    """SciPy looks beyond the end of its table, and Python crashes."""
    data = bytearray(saved(Kernel=np.ones((5, 5))))
    data[184] = 8
    message = refusal(read_kernel, written(tmp_path / 'a.mat', data))
    assert 'a.mat: not a readable .mat file (numbers of type 8); save it' in message


def test_cells_in_cells_are_not_followed(tmp_path):
    whole = saved(Kernel=np.array([[1]], object))
    head, cell = whole[HEADER + 8 :][:48], b''
    for depth in range(5000):
        cell = struct.pack('<2I', 14, 48 + 56 * depth) + head + cell
    data = whole[:HEADER] + cell
    assert 'a cell array' in refusal(read_kernel, written(tmp_path / 'a.mat', data))


def test_no_memory_is_asked_for_what_a_file_only_says(tmp_path):
    data = saved(Kernel=np.ones((1, 4)))
    at = data.index(struct.pack('<2i', 1, 4))
    for shape in ((1, 2**29), (2**31 - 1, 2**31 - 1), (-1, -4), (1, 5)):
        damaged = data[:at] + struct.pack('<2i', *shape) + data[at + 8 :]
        assert f'a matrix of shape {shape}' in refusal(read_kernel, written(tmp_path / 'a.mat', damaged))


@pytest.mark.parametrize('size', [2**12, 3 * 2**30])
def test_little_is_inflated(tmp_path, size):
    """A megabyte of zeros, packed, asks for gigabytes."""
    inner = saved(Kernel=np.ones((1, 4)))[HEADER:]
    inner = struct.pack('<2I', 14, size) + inner[8:]
    packer = zlib.compressobj(1)
    packed = b''.join(map(packer.compress, [inner] + [bytes(2**20)] * 100)) + packer.flush()
    data = saved(Kernel=1.0)[:HEADER] + struct.pack('<2I', 15, len(packed)) + packed
    before = getrusage(RUSAGE_SELF).ru_maxrss
    message = refusal(read_kernel, written(tmp_path / 'a.mat', data))
    assert 'another length than it says' in message or 'numbers are the most' in message
    assert getrusage(RUSAGE_SELF).ru_maxrss - before < 60_000  # KiB


def test_a_wrong_checksum_is_found(tmp_path):
    data = bytearray(saved(True, Kernel=np.random.RandomState(0).rand(9, 9)))
    data[-1] ^= 1
    assert 'incorrect data check' in refusal(read_kernel, written(tmp_path / 'a.mat', data))


def test_names_of_any_letters_and_of_any_number(tmp_path):
    data = saved(Kernel=KERNEL).replace(b'Kernel', b'K\n\r\0\x85l')
    assert 'it holds Kl;' in refusal(read_kernel, written(tmp_path / 'a.mat', data))
    many = saved(**{f'v{number}': number for number in range(12)})
    assert 'v9 and 2 more;' in refusal(read_kernel, written(tmp_path / 'a.mat', many))
    one = struct.pack('<5i', 0, 0, 0, 0, 1) + b'K'
    assert 'more than 10000 variables' in refusal(read_kernel, written(tmp_path / 'a.mat', one * 10_001))
