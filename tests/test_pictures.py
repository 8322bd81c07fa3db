"""pictures.py: arrays become pictures, floats become files, or they are refused by name."""

import os

import numpy as np
import pytest
from helpers.pictures import check, refusal, samples
from PIL import Image

from files import rounding
from files.pictures import from_array, read_image, write_png


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
        (np.zeros((20, 20, 0)), ['(20, 20, 0)']),
        (np.zeros((5, 20, 20)), ['(5, 20, 20)', 'channels', 'last']),
        (np.zeros((2, 20, 20, 20, 3)), ['(2, 20, 20, 20, 3)']),
        (np.ma.masked_less(np.arange(400.0).reshape(20, 20), 9), ['9 values', 'filled']),
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
