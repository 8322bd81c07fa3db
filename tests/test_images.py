"""images.py: arrays become pictures, floats become files, kernels are read; or they are refused by name."""

import hashlib
import os

import numpy as np
import pytest
import scipy.io
from helpers.pictures import check, encoded, refusal, samples
from PIL import Image

from files import rounding
from files.kernels import check_kernel, read_kernel
from files.pictures import from_array, read_image, write_png
from files.storage import atomic_write, sha256

# Arrays


@pytest.mark.parametrize('dtype', ['uint8', 'uint16', '>u2', 'float16', 'float32', 'float64'])
@pytest.mark.parametrize('channels', [None, 1, 2, 3, 4])
def test_from_array(dtype, channels):
    bits = 16 if np.dtype(dtype).kind == 'u' and np.dtype(dtype).itemsize == 2 else 8
    values = samples(channels or 1, bits)
    array = values if np.dtype(dtype).kind == 'u' else values / 255
    array = array.astype(dtype)
    given = array[:, :, 0] if channels is None else array
    before = given.copy()
    picture = from_array(given)
    if dtype == 'float16':
        np.testing.assert_array_equal(picture.pixels, array[:, :, : picture.pixels.shape[2]])
    else:
        check(picture, values, bits)
    assert not np.shares_memory(picture.pixels, given)
    picture.pixels[:] = 0.5
    np.testing.assert_array_equal(given, before)


def test_from_array_clips_rounding_errors():
    array = np.full((16, 16), 1 + 5e-7)
    array[0] = -5e-7
    pixels = from_array(array).pixels
    assert pixels.min() == 0 and pixels.max() == 1


@pytest.mark.parametrize(
    ('array', 'words'),
    [
        (np.zeros((20, 20, 5)), ['(20, 20, 5)']),
        (np.zeros(20), ['(20,)']),
        (np.zeros((15, 20)), ['16×16']),
        (np.zeros((0, 20)), ['16×16']),
        (np.zeros((20, 20), bool), ['bool', 'convert']),
        (np.zeros((20, 20), np.int64), ['int64', 'convert']),
        (np.zeros((20, 20), complex), ['complex128', 'convert']),
        (np.full((20, 20), np.nan), ['NaN']),
        (np.full((20, 20), np.inf), ['inf']),
        (np.full((20, 20), 255.0), ['255', 'divide by 255?']),
        (np.full((20, 20), -0.5), ['-0.5']),
    ],
)
def test_refused_arrays(array, words):
    message = refusal(from_array, array, name='input_img')
    assert all(word in message for word in ['input_img', *words])


# Writing


def test_write_png_rounds_half_up_and_clips(tmp_path):
    pixels = np.array([-1, 0.5, 0.4999, 0.3 / 255, 0.6 / 255, 254.4 / 255, 2]).reshape(1, 7, 1)
    before = pixels.copy()
    write_png(tmp_path / 'a.png', pixels)
    with Image.open(tmp_path / 'a.png') as image:
        assert image.mode == 'L'
        assert np.asarray(image).tolist() == [[0, 128, 127, 0, 1, 254, 255]]
    np.testing.assert_array_equal(pixels, before)


def test_write_png_of_more_rows_than_a_strip(tmp_path, monkeypatch):
    monkeypatch.setattr(rounding, 'STRIP_PIXELS', 700)
    values = samples(3, shape=(100, 16))
    write_png(tmp_path / 'a.png', values / 255)
    check(read_image(tmp_path / 'a.png'), values)


@pytest.mark.parametrize(
    ('options', 'word'),
    [
        ({'pixels': np.zeros((20, 20))}, '(20, 20)'),
        ({'pixels': np.zeros((20, 20, 2))}, '(20, 20, 2)'),
        ({'pixels': np.zeros((20, 20, 3), np.uint8)}, 'integers'),
        ({'pixels': np.full((20, 20, 3), np.nan)}, 'NaN'),
        ({'alpha': np.zeros((20, 21))}, '(20, 21)'),
        ({'bits': 12}, '12 bits'),
    ],
)
def test_write_png_refuses(tmp_path, options, word):
    path = tmp_path / 'a.png'
    message = refusal(write_png, path, **{'pixels': np.zeros((20, 20, 3)), **options})
    assert str(path) in message and word in message
    assert not list(tmp_path.iterdir())


def test_failing_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / 'a.png'
    write_png(path, np.zeros((16, 16, 3)))
    before = path.read_bytes()

    def fail(*_):
        raise OSError('disk full')

    monkeypatch.setattr(os, 'replace', fail)
    with pytest.raises(OSError, match='disk full'):
        write_png(path, np.ones((16, 16, 3)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_atomic_write(tmp_path):
    path = tmp_path / ('long' * 60 + '.json')
    atomic_write(path, b'one')
    atomic_write(path, b'two')
    assert path.read_bytes() == b'two'
    assert list(tmp_path.iterdir()) == [path]
    message = refusal(atomic_write, tmp_path / 'none' / 'a', b'', error=FileNotFoundError)
    assert str(tmp_path / 'none') in message and 'create it' in message
    assert str(tmp_path) in refusal(atomic_write, tmp_path, b'')


def test_sha256(tmp_path):
    (tmp_path / 'a').write_bytes(b'abc' * 700_000)
    assert sha256(tmp_path / 'a') == hashlib.sha256(b'abc' * 700_000).hexdigest()


# Kernels


def mat(path, **variables):
    scipy.io.savemat(path, variables)
    return path


@pytest.mark.parametrize('dtype', [np.float64, np.float32, np.uint8])
@pytest.mark.parametrize('version', ['4', '5'])
def test_read_kernel_as_it_is(tmp_path, dtype, version):
    kernel = np.arange(12).reshape(3, 4).astype(dtype)
    scipy.io.savemat(tmp_path / 'a_0.mat', {'other': 1.0, 'Kernel': kernel}, format=version)
    read = read_kernel(str(tmp_path / 'a_0.mat'))
    assert read.dtype == np.float64
    np.testing.assert_array_equal(read, kernel)


@pytest.mark.parametrize(
    ('kernel', 'word'),
    [
        (np.ones((3, 3, 2)), '(3, 3, 2)'),
        (np.ones((3, 3)) * 1j, 'complex'),
        (np.ones((0, 3)), 'empty'),
        (np.zeros((3, 3)), 'sums to 0'),
        (np.array([[1.0, -1.0]]), 'sums to 0'),
        (np.array([[1.0, np.nan]]), 'NaN'),
        (np.array([[1.0, np.inf]]), 'infinite'),
        ('text', 'not numeric'),
        (np.array([[1, 'a']], object), 'not numeric'),
        ({'field': 1.0}, 'not numeric'),
    ],
)
def test_refused_kernels(tmp_path, kernel, word):
    path = mat(tmp_path / 'a_0.mat', Kernel=kernel)
    message = refusal(read_kernel, path)
    assert str(path) in message and 'give' in message and word in message
    message = refusal(check_kernel, kernel, 'kernels[0]')
    assert message.startswith('kernels[0] ')


def test_check_kernel_copies():
    kernel = np.ones((3, 3))
    checked = check_kernel(kernel)
    assert not np.shares_memory(checked, kernel)
    np.testing.assert_array_equal(checked, kernel)
    assert 'rectangular' in refusal(check_kernel, [[1, 2], [3]])


def test_refused_kernel_files(tmp_path):
    path = tmp_path / 'a_0.mat'
    assert str(path) in refusal(read_kernel, path, error=FileNotFoundError)
    assert str(tmp_path) in refusal(read_kernel, tmp_path)
    path.touch()
    assert str(path) in refusal(read_kernel, path)
    message = refusal(read_kernel, mat(path, K=1.0, psf=2.0))
    assert str(path) in message and 'K, psf' in message and 'save' in message
    for header in (b'MATLAB 7.3 MAT-file'.ljust(512) + b'\x89HDF\r\n\x1a\n', b'\x89HDF\r\n\x1a\n'):
        path.write_bytes(header)
        message = refusal(read_kernel, path)
        assert str(path) in message and '-v7' in message
    for text in (b'1', b'not a .mat file at all\n' * 50, bytes(200), encoded('png', samples(3))):
        path.write_bytes(text)
        assert str(path) in refusal(read_kernel, path)


@pytest.mark.parametrize('compress', [True, False])
def test_truncated_kernel_files(tmp_path, compress):
    path = tmp_path / 'a_0.mat'
    scipy.io.savemat(path, {'Kernel': np.random.RandomState(0).rand(9, 9)}, do_compression=compress)
    data = path.read_bytes()
    for keep in (1, 100, 130, 150, 190, len(data) // 2, len(data) - 9):
        path.write_bytes(data[:keep])
        assert str(path) in refusal(read_kernel, path)
