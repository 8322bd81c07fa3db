"""Samples of every layout, files made of them, and what every test of images asks."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from files.decoding import PNG_MAGIC

H, W = 17, 19
LAYOUTS = {'gray': 1, 'gray+alpha': 2, 'rgb': 3, 'rgba': 4}


def samples(channels, bits=8, shape=(H, W)):
    """Random samples; 16-bit ones that 8 bits cannot hold (no multiples of 257)."""
    values = np.random.RandomState(channels).randint(0, 2**bits - 1, (*shape, channels))
    if bits == 16:
        values += values % 257 == 0
    return values.astype(np.uint8 if bits == 8 else np.uint16)


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def png_bytes(rows, bits, colour_type, width, extra=b''):
    """A PNG made by hand from the bytes of its rows, as no encoder at hand writes every kind."""
    header = struct.pack('>IIBBBBB', width, len(rows), bits, colour_type, 0, 0, 0)
    pixels = zlib.compress(b''.join(b'\0' + row for row in rows))
    head = PNG_MAGIC + chunk(b'IHDR', header) + extra
    return head + chunk(b'IDAT', pixels) + chunk(b'IEND', b'')


def write_hand_png(path, values, extra=b''):
    """Write uint8 or uint16 samples (H, W, C) as PNG by hand."""
    bits, colour_type = 8 * values.dtype.itemsize, {1: 0, 2: 4, 3: 2, 4: 6}[values.shape[2]]
    rows = [row.astype(f'>u{bits // 8}').tobytes() for row in values]
    path.write_bytes(png_bytes(rows, bits, colour_type, values.shape[1], extra))
    return path


def save(path, values, **options):
    Image.fromarray(values[:, :, 0] if values.shape[2] == 1 else values).save(path, **options)
    return path


def check(picture, values, bits=8):
    """A picture holds exactly these samples (H, W, C)."""
    channels = 1 if values.shape[2] < 3 else 3
    floats = values.astype(np.float32) / np.float32(2**bits - 1)
    assert picture.bits == bits
    assert picture.pixels.dtype == np.float32
    assert picture.pixels.flags.c_contiguous
    np.testing.assert_array_equal(picture.pixels, floats[:, :, :channels])
    if values.shape[2] == channels:
        assert picture.alpha is None
    else:
        assert picture.alpha.dtype == np.float32
        np.testing.assert_array_equal(picture.alpha, floats[:, :, -1])


def refusal(function, *args, error=ValueError, **options):
    """The message of the error that a call raises, which has to be one line."""
    with pytest.raises(error) as caught:
        function(*args, **options)
    message = str(caught.value)
    assert '\n' not in message
    return message


def encoded(extension, values):
    buffer = io.BytesIO()
    Image.fromarray(values).save(
        buffer, format={'jpg': 'JPEG', 'tif': 'TIFF'}.get(extension, extension.upper())
    )
    return buffer.getvalue()


def tiff_with(data, tag, place, number):
    """A TIFF of which a field of a tag is other: its number (0), type (2), count (4) or value (8)."""
    data, (start,) = bytearray(data), struct.unpack_from('<I', data, 4)
    for entry in range(start + 2, start + 2 + 12 * struct.unpack_from('<H', data, start)[0], 12):
        if struct.unpack_from('<H', data, entry)[0] == tag:
            struct.pack_into('<I' if place > 2 else '<H', data, entry + place, number)
            return bytes(data)
    raise AssertionError(f'no tag {tag}')
