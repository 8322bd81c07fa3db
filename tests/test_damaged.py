"""Damaged images: whatever a decoder makes of them, each is refused in one line."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from helpers.pictures import (
    LAYOUTS,
    check,
    chunk,
    png_bytes,
    refusal,
    samples,
    save,
    tiff_with,
    write_hand_png,
)
from PIL import Image

from configs import Config
from files import memory, png
from files.image_files import load_inputs
from files.pictures import from_array, read_image, read_images


def parts(path):
    """The chunks of a PNG, as [kind, content, checksum]."""
    data, at, found = path.read_bytes(), len(png.MAGIC), []
    while at < len(data):
        (length,) = struct.unpack_from('>I', data, at)
        found.append([data[at + 4 : at + 8], data[at + 8 : at + 8 + length], data[at + 8 + length :][:4]])
        at += length + 12
    return found


def put_together(path, chunks):
    joined = b''.join(struct.pack('>I', len(content)) + kind + content + crc for kind, content, crc in chunks)
    path.write_bytes(png.MAGIC + joined)
    return path


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('kind', [b'IHDR', b'tEXt', b'IDAT', b'IEND'])
def test_every_checksum_of_a_png_is_compared(tmp_path, kind, bits):
    path = write_hand_png(tmp_path / 'a.png', samples(3, bits), chunk(b'tEXt', b'Title\0none'))
    chunks = parts(path)
    number = [each[0] for each in chunks].index(kind)
    chunks[number][2] = bytes(4)
    assert str(path) in refusal(read_image, put_together(path, chunks))


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('channels', LAYOUTS.values())
def test_other_pixels_than_were_written_are_no_pixels(tmp_path, channels, bits):
    """What is stored without packing can be changed without a decoder's notice."""
    path = write_hand_png(tmp_path / 'a.png', samples(channels, bits))
    chunks = parts(path)
    other = bytearray(zlib.decompress(chunks[1][1]))
    other[40] ^= 4
    chunks[1][1] = zlib.compress(other, 0)
    assert 'checksum of its chunk IDAT is wrong' in refusal(read_image, put_together(path, chunks))
    # The checksum of the chunk fits, but not that of the pixels themselves.
    chunks[1][1] = chunks[1][1][:-4] + bytes(4)
    chunks[1][2] = struct.pack('>I', zlib.crc32(chunks[1][1], zlib.crc32(b'IDAT')))
    assert 'incorrect data check' in refusal(read_image, put_together(path, chunks))


@pytest.mark.parametrize('bits', [8, 16])
def test_a_png_of_more_or_fewer_pixels_than_it_says(tmp_path, bits):
    rows = [bytes(20 * 3 * bits // 8)] * 20
    path = tmp_path / 'a.png'
    whole = png_bytes(rows, bits, png.RGB, 20)
    for rows_said in (21, 200):
        path.write_bytes(whole.replace(*(struct.pack('>II', 20, n) for n in (20, rows_said))))
        assert str(path) in refusal(read_image, path)
    path.write_bytes(png_bytes(rows * 500, bits, png.RGB, 20))
    header = chunk(b'IHDR', struct.pack('>IIBBBBB', 20, 20, bits, png.RGB, 0, 0, 0))
    path.write_bytes(png.MAGIC + header + path.read_bytes()[len(png.MAGIC) + len(header) :])
    assert 'more pixels than it says' in refusal(read_image, path)
    path.write_bytes(whole[:-12])
    assert 'damaged or incomplete' in refusal(read_image, path)


def interlaced(values):
    """A PNG of samples (H, W, C) in the seven passes of Adam7."""
    bits = 8 * values.dtype.itemsize
    passes = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    rows = b''
    for top, left, down, across in passes:
        part = values[top::down, left::across].astype(f'>u{bits // 8}')
        rows += b''.join(b'\0' + row.tobytes() for row in part) if part.size else b''
    colour_type = png.COLOUR_TYPES[values.shape[2]]
    header = struct.pack('>IIBBBBB', *values.shape[1::-1], bits, colour_type, 0, 0, 1)
    return png.MAGIC + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('channels', LAYOUTS.values())
@pytest.mark.parametrize('shape', [(17, 19), (16, 16), (1, 3)])
def test_interlaced_pngs_are_whole(tmp_path, channels, bits, shape):
    values = samples(channels, bits, shape)
    (tmp_path / 'a.png').write_bytes(interlaced(values))
    check(read_image(tmp_path / 'a.png', min_side=1), values, bits)


def test_of_an_animation_of_16_bits_the_first_frame_is_read(tmp_path):
    values = samples(3, 16)
    control = struct.pack('>IIIIIHHBB', 0, *values.shape[1::-1], 0, 0, 1, 1, 0, 0)
    animated = chunk(b'acTL', struct.pack('>II', 2, 0)) + chunk(b'fcTL', control)
    path = write_hand_png(tmp_path / 'a.png', values, animated)
    pixels = next(content for kind, content, _ in parts(path) if kind == b'IDAT')
    end = chunk(b'IEND', b'')
    second = chunk(b'fcTL', b'\0\0\0\1' + control[4:]) + chunk(b'fdAT', b'\0\0\0\2' + pixels)
    path.write_bytes(path.read_bytes().removesuffix(end) + second + end)
    check(read_image(path), values, 16)
    assert 'only the first frame' in refusal(read_images, path, pages='all')


def test_a_check_judges_like_a_run(tmp_path):
    """Of 16 bits, a value may mark what is missing; of 8 there is no such thing."""
    values = np.random.RandomState(0).randint(20_000, 21_000, (20, 30, 3)).astype(np.uint16)
    values[:5] = 65535
    path, conf = write_hand_png(tmp_path / 'a.png', values), Config(value_range='auto')
    check, run = (refusal(load_inputs, path, conf, full_depth=depth) for depth in (False, True))
    assert check == run and '25.0 % of its values are 65535' in run


# TIFF


def tiff_bytes(**options):
    tifffile = pytest.importorskip('tifffile')
    file = io.BytesIO()
    tifffile.imwrite(file, samples(1, 16, (24, 32))[:, :, 0], **options)
    return file.getvalue()


def damaged_tiffs():
    """What tifffile and Pillow raised an IndexError, a TypeError and a MemoryError of, and the like."""
    plain, strips, tiles = (
        tiff_bytes(),
        tiff_bytes(compression='zlib', rowsperstrip=5),
        tiff_bytes(tile=(16, 16)),
    )
    file = io.BytesIO()
    Image.fromarray(samples(3)).convert('CMYK').save(file, 'TIFF')
    cmyk = file.getvalue()
    return {
        'no directory': plain[:4] + bytes(4) + plain[8:],
        'directory behind the end': plain[:4] + struct.pack('<I', len(plain)) + plain[8:],
        'bits in letters': tiff_with(cmyk, 258, 2, 2),
        'bytes of another type': tiff_with(strips, 279, 2, 16),
        'bytes of tiles of another type': tiff_with(tiles, 325, 2, 16),
        'bytes beyond the file': tiff_with(tiff_bytes(compression='zlib'), 279, 8, 2**32 - 1),
        'huge tiles': tiff_with(tiff_with(tiles, 322, 8, 2**18), 323, 8, 2**17),
        'no width': tiff_with(plain, 256, 0, 9),
        'no width for Pillow': tiff_with(cmyk, 256, 0, 9),
    }


@pytest.mark.parametrize('kind', damaged_tiffs())
def test_damaged_tiffs(tmp_path, capfd, kind):
    path = tmp_path / 'a.tif'
    path.write_bytes(damaged_tiffs()[kind])
    for pages in ('first', 'all'):
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            message = refusal(read_images, path, pages=pages, value_range='auto')
        assert message.startswith(f'{path}: damaged') and 'pip install' not in message
        assert 'too large for the memory' not in message, 'it was asked for'
    assert capfd.readouterr() == ('', '')


def test_what_libtiff_says_stays_unsaid(tmp_path, capfd):
    path = save(tmp_path / 'a.tif', samples(3), compression='tiff_lzw')
    Image.open(path).convert('P').save(path, compression='tiff_lzw')
    path.write_bytes(tiff_with(path.read_bytes(), 273, 2, 2))
    assert 'damaged or incomplete' in refusal(read_image, path)
    assert capfd.readouterr() == ('', '')


def test_memory_that_is_not_there_is_a_refusal(tmp_path, monkeypatch):
    def read(*_):
        raise MemoryError

    path = tmp_path / 'a.tif'
    path.write_bytes(tiff_bytes())
    monkeypatch.setattr('files.tiff.TiffSeries.read', read)
    assert 'too large for the memory that is free' in refusal(read_image, path)


# Arrays, and images of any file


@pytest.mark.parametrize('name', ['a.npy', 'a.npz'])
def test_an_array_has_to_fit_its_file_and_the_memory(tmp_path, monkeypatch, name):
    path, values = tmp_path / name, np.zeros((40, 50, 3), np.float32)
    np.savez_compressed(path, values) if name == 'a.npz' else np.save(path, values)
    monkeypatch.setattr(memory, 'available_memory', lambda: memory.RESERVE + 12 * values.size - 1)
    assert 'megapixels would fit' in refusal(read_image, path)
    monkeypatch.undo()
    assert read_image(path).pixels.shape == (40, 50, 3)
    header = io.BytesIO()
    shape = {'descr': '<f4', 'fortran_order': False, 'shape': (40_000, 50_000)}
    np.lib.format.write_array_header_1_0(header, shape)
    (tmp_path / 'b.npy').write_bytes(header.getvalue() + bytes(4000))
    assert 'in a file of' in refusal(read_image, tmp_path / 'b.npy')


def test_the_checksum_of_an_archive_is_compared(tmp_path):
    np.savez(tmp_path / 'a.npz', samples(3))
    data = bytearray((tmp_path / 'a.npz').read_bytes())
    data[300] ^= 1
    (tmp_path / 'a.npz').write_bytes(data)
    assert 'Bad CRC-32' in refusal(read_image, tmp_path / 'a.npz')


def test_no_image_has_thousands_of_channels():
    assert '1025 channels, and 1024 are the most' in refusal(from_array, np.zeros((16, 16, 1025), np.uint8))


def test_values_too_far_apart_for_floats():
    values = np.linspace(-1, 1, 400).reshape(20, 20) * 1.7e308
    assert 'give --range LO:HI' in refusal(from_array, values, value_range='auto')


def test_a_limit_on_a_process_is_a_limit_on_its_memory(monkeypatch):
    resource = pytest.importorskip('resource')
    free = memory.available_memory()
    monkeypatch.setattr(resource, 'getrlimit', lambda _: (2**36, 2**36))
    assert memory.available_memory() <= min(free * 1.5, 2**36)
    monkeypatch.setattr(resource, 'getrlimit', lambda _: (0, 0))
    assert memory.available_memory() < 0
