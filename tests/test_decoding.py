"""decoding.py: every format, depth and channel layout comes in with its values, or is refused."""

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import (
    LAYOUTS,
    H,
    W,
    check,
    chunk,
    encoded,
    png_bytes,
    refusal,
    samples,
    save,
    write_hand_png,
)
from PIL import Image, ImageOps

from files.decoding import ORIENTATION_TAG
from files.pictures import read_image, write_png

# Reading and writing: every format × depth × layout


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('layout', LAYOUTS)
def test_png(tmp_path, layout, bits):
    values = samples(LAYOUTS[layout], bits)
    picture = read_image(write_hand_png(tmp_path / 'a.png', values))
    check(picture, values, bits)
    write_png(tmp_path / 'b.png', picture.pixels, picture.alpha, picture.bits)
    assert tuple((tmp_path / 'b.png').read_bytes()[24:26]) == (
        bits,
        {1: 0, 2: 4, 3: 2, 4: 6}[values.shape[2]],
    )
    check(read_image(tmp_path / 'b.png'), values, bits)


# What Pillow writes: no gray with alpha as BMP or WebP, no alpha as BMP.
LOSSLESS = {'png': LAYOUTS, 'tif': LAYOUTS, 'bmp': ['gray', 'rgb'], 'webp': ['gray', 'rgb', 'rgba']}


@pytest.mark.parametrize(
    ('extension', 'layout'), [(extension, layout) for extension in LOSSLESS for layout in LOSSLESS[extension]]
)
def test_lossless_8_bit_formats(tmp_path, extension, layout):
    values = samples(LAYOUTS[layout])
    options = {'lossless': True, 'exact': True} if extension == 'webp' else {}
    path = save(tmp_path / f'a.{extension}', values, **options)
    if layout == 'gray' and extension == 'webp':  # WebP knows no gray
        values = np.repeat(values, 3, axis=2)
    check(read_image(path), values)


@pytest.mark.parametrize('byte_order', ['<', '>'])
@pytest.mark.parametrize('layout', LAYOUTS)
def test_tiff_16_bit(tmp_path, layout, byte_order):
    tifffile = pytest.importorskip('tifffile')
    values = samples(LAYOUTS[layout], 16)
    extra = ['unassalpha'] if '+' in layout or layout == 'rgba' else None
    kind = 'rgb' if 'rgb' in layout else 'minisblack'
    options = {'photometric': kind, 'extrasamples': extra, 'planarconfig': 'contig', 'byteorder': byte_order}
    written = values[:, :, 0] if layout == 'gray' else values
    tifffile.imwrite(
        tmp_path / 'a.tif', written, **(options if layout != 'gray' else {'byteorder': byte_order})
    )
    check(read_image(tmp_path / 'a.tif'), values, 16)


@pytest.mark.parametrize('compression', ['raw', 'group4'])
def test_tiff_of_two_levels(tmp_path, compression):
    values = samples(1) & 1
    Image.fromarray(values[:, :, 0] > 0).save(tmp_path / 'a.tif', compression=compression)
    check(read_image(tmp_path / 'a.tif'), values * 255)


def test_tiff_16_bit_in_planes(tmp_path):
    tifffile = pytest.importorskip('tifffile')
    values = samples(3, 16)
    tifffile.imwrite(
        tmp_path / 'a.tif', np.moveaxis(values, 2, 0), photometric='rgb', planarconfig='separate'
    )
    check(read_image(tmp_path / 'a.tif'), values, 16)


def test_tiff_16_bit_extra_channel_that_is_no_alpha_is_a_channel(tmp_path):
    tifffile = pytest.importorskip('tifffile')
    values = samples(4, 16)
    tifffile.imwrite(tmp_path / 'a.tif', values, photometric='rgb', extrasamples=['unspecified'])
    picture = read_image(tmp_path / 'a.tif')
    np.testing.assert_array_equal(picture.pixels, values / np.float32(65535))
    assert picture.alpha is None


@pytest.mark.parametrize('channels', [1, 3])
def test_tiff_of_floats(tmp_path, channels):
    tifffile = pytest.importorskip('tifffile')
    values = np.random.RandomState(0).rand(H, W, channels).astype(np.float32)
    kind = 'rgb' if channels == 3 else 'minisblack'
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, values.squeeze(), photometric=kind)
    np.testing.assert_array_equal(read_image(path).pixels, values)
    tifffile.imwrite(path, values.squeeze() * 255, photometric=kind)
    message = refusal(read_image, path)
    assert str(path) in message and 'divide by 255?' in message


@pytest.mark.parametrize('mode', ['L', 'RGB', 'CMYK'])
def test_jpeg(tmp_path, mode):
    flat = np.full((H, W, 3), (200, 100, 50), np.uint8)
    Image.fromarray(flat).convert(mode).save(tmp_path / 'a.jpg', quality=100)
    picture = read_image(tmp_path / 'a.jpg')
    expected = [124 / 255] if mode == 'L' else np.divide((200, 100, 50), 255)
    assert picture.pixels.shape == (H, W, 1 if mode == 'L' else 3)
    # JPEG loses up to two levels, CMYK is rounded once more.
    np.testing.assert_allclose(picture.pixels - expected, 0, atol=3 / 255)


def test_gif_first_frame(tmp_path):
    frames = [Image.fromarray(np.full((H, W), value, np.uint8)) for value in (0, 255)]
    frames[0].save(tmp_path / 'a.gif', save_all=True, append_images=frames[1:])
    assert not read_image(tmp_path / 'a.gif').pixels.any()


def test_palette(tmp_path):
    indices = samples(1) % 3
    colours = np.array([(10, 20, 30), (250, 1, 99), (7, 7, 200)], np.uint8)
    image = Image.fromarray(indices[:, :, 0]).copy()
    image.putpalette(colours.tobytes())
    image.save(tmp_path / 'a.png')
    values = colours[indices[:, :, 0]]
    check(read_image(tmp_path / 'a.png'), values)
    image.save(tmp_path / 'b.png', transparency=bytes([0, 128, 255]))
    alpha = np.array([0, 128, 255], np.uint8)[indices]
    check(read_image(tmp_path / 'b.png'), np.concatenate([values, alpha], axis=2))


@pytest.mark.parametrize('bits', [1, 2, 4])
@pytest.mark.parametrize('key', [None, 1])
def test_png_of_few_bits(tmp_path, bits, key):
    width = 24
    levels = samples(1, 8, (H, width)) % 2**bits
    binary = np.unpackbits(levels, axis=2)[:, :, -bits:].reshape(H, -1)
    extra = b'' if key is None else chunk(b'tRNS', struct.pack('>H', key))
    rows = [row.tobytes() for row in np.packbits(binary, axis=1)]
    (tmp_path / 'a.png').write_bytes(png_bytes(rows, bits, 0, width, extra))
    values = levels * (255 // (2**bits - 1))
    if key is not None:
        values = np.concatenate([values, np.where(levels == key, 0, 255)], axis=2)
    check(read_image(tmp_path / 'a.png'), values)


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('channels', [1, 3])
def test_transparent_colour(tmp_path, channels, bits):
    values = samples(channels, bits)
    key = values[3, 4]
    extra = chunk(b'tRNS', b''.join(struct.pack('>H', int(level)) for level in key))
    path = write_hand_png(tmp_path / 'a.png', values, extra)
    alpha = np.where((values == key).all(axis=2, keepdims=True), 0, 2**bits - 1)
    check(read_image(path), np.concatenate([values, alpha], axis=2), bits)


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('extension', ['png', 'tif', 'webp'])
def test_orientation(tmp_path, orientation, extension):
    values = samples(3)
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    image = Image.fromarray(values)
    image.getexif()[ORIENTATION_TAG] = orientation
    upright = np.asarray(ImageOps.exif_transpose(image))
    path = save(
        tmp_path / f'a.{extension}', values, exif=exif, **({'lossless': True} if extension == 'webp' else {})
    )
    check(read_image(path), upright)


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('extension', ['png', 'tif'])
def test_orientation_of_16_bits(tmp_path, channels, extension):
    values = samples(channels, 16)
    path = tmp_path / f'a.{extension}'
    if extension == 'png':
        exif = Image.Exif()
        exif[ORIENTATION_TAG] = 6
        write_hand_png(path, values, chunk(b'eXIf', exif.tobytes()[6:]))
    else:
        tifffile = pytest.importorskip('tifffile')
        kind = 'rgb' if channels == 3 else 'minisblack'
        tag = (ORIENTATION_TAG, 3, 1, 6, True)
        tifffile.imwrite(path, values.squeeze(), photometric=kind, extratags=[tag])
    check(read_image(path), np.rot90(values, -1), 16)


def test_orientation_of_jpeg_and_broken_exif(tmp_path):
    values = np.zeros((16, 32, 3), np.uint8)
    values[:, :16] = 255
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 6
    pixels = read_image(save(tmp_path / 'a.jpg', values, exif=exif)).pixels
    assert pixels.shape == (32, 16, 3) and pixels[:16].min() > 0.9 and pixels[16:].max() < 0.1
    pixels = read_image(save(tmp_path / 'b.jpg', values, exif=b'Exif\0\0II*\0broken')).pixels
    assert pixels.shape == (16, 32, 3)


def test_contents_decide_not_the_name(tmp_path):
    values = samples(3)
    save(tmp_path / 'a.jpg', values, format='PNG')
    check(read_image(str(tmp_path / 'a.jpg')), values)


# Refused files


def truncated(path, data):
    path.write_bytes(data[: len(data) // 2])
    return path


def test_missing_folder_empty_and_text(tmp_path):
    path = tmp_path / 'a.png'
    message = refusal(read_image, path, error=FileNotFoundError)
    assert str(path) in message and 'check the path' in message
    assert str(tmp_path) in (message := refusal(read_image, tmp_path)) and 'not a file' in message
    path.touch()
    assert str(path) in (message := refusal(read_image, path)) and '0 bytes' in message
    path.write_text('not a picture, really\n')
    assert str(path) in (message := refusal(read_image, path)) and 'save it as PNG' in message


@pytest.mark.parametrize('extension', ['png', 'jpg', 'tif', 'bmp', 'webp'])
def test_truncated(tmp_path, extension):
    path = truncated(tmp_path / f'a.{extension}', encoded(extension, samples(3, shape=(99, 99))))
    message = refusal(read_image, path)
    assert str(path) in message and 'save it again' in message


@pytest.mark.parametrize('keep', [20, 60, 3000])
def test_truncated_16_bit_png(tmp_path, keep):
    path = write_hand_png(tmp_path / 'a.png', samples(3, 16, shape=(50, 50)))
    path.write_bytes(path.read_bytes()[:keep])
    assert str(path) in refusal(read_image, path)


def test_truncated_16_bit_tiff(tmp_path):
    tifffile = pytest.importorskip('tifffile')
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, samples(3, 16, shape=(50, 50)), photometric='rgb')
    message = refusal(read_image, truncated(path, path.read_bytes()))
    assert str(path) in message and 'save it again' in message


def test_tiff_without_tifffile(tmp_path, monkeypatch):
    tifffile = pytest.importorskip('tifffile')
    tifffile.imwrite(tmp_path / 'a.tif', samples(3, 16), photometric='rgb')
    monkeypatch.setitem(sys.modules, 'tifffile', None)
    message = refusal(read_image, tmp_path / 'a.tif')
    assert str(tmp_path / 'a.tif') in message and 'pip install tifffile' in message


@pytest.mark.parametrize('kind', ['miniswhite', 'assocalpha'])
def test_unsupported_tiffs(tmp_path, kind):
    tifffile = pytest.importorskip('tifffile')
    path = tmp_path / 'a.tif'
    if kind == 'assocalpha':
        tifffile.imwrite(path, samples(4, 16), photometric='rgb', extrasamples=[kind])
    else:
        tifffile.imwrite(path, samples(1, 16)[:, :, 0], photometric=kind)
    message = refusal(read_image, path)
    assert str(path) in message and 'not supported; save it as' in message


@pytest.mark.parametrize('shape', [(15, 40), (40, 15)])
def test_too_small(tmp_path, shape):
    path = save(tmp_path / 'a.png', samples(3, shape=shape))
    message = refusal(read_image, path)
    assert str(path) in message and '16×16 is the least' in message
    assert f'height {shape[0]}, width {shape[1]}' in message
    assert read_image(path, min_side=15).pixels.shape == (*shape, 3)


@pytest.mark.parametrize(
    'limit', [300, 200, 100]
)  # Pillow warns from the limit on, and raises from twice the limit
@pytest.mark.parametrize('kind', ['png', 'png16', 'tif16'])
def test_too_many_pixels(tmp_path, monkeypatch, limit, kind):
    path = tmp_path / 'a'
    if kind == 'tif16':
        pytest.importorskip('tifffile').imwrite(path, samples(3, 16), photometric='rgb')
    else:
        write_hand_png(path, samples(3, 16 if kind == 'png16' else 8))
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', limit)
    message = refusal(read_image, path)
    assert str(path) in message and 'crop it, or split it' in message
    assert f'{H * W} pixels, over the limit of {limit}' in message


def test_unsupported_format(tmp_path):
    save(tmp_path / 'a.tga', samples(3))
    assert 'save it as PNG' in refusal(read_image, tmp_path / 'a.tga')


def test_refusing_does_not_load_tensorflow(tmp_path):
    """Rejecting a bad input has to take less than a second; TensorFlow takes four."""
    path = write_hand_png(tmp_path / 'deep.png', samples(3, 16, shape=(50, 50)))
    path.write_bytes(path.read_bytes()[:3000])
    (tmp_path / 'text.png').write_text('text')
    (tmp_path / 'bad_0.mat').write_text('text')
    code = f"""
import sys
from files.kernels import read_kernel
from files.pictures import read_image
folder = {str(tmp_path)!r}
for read, name in [(read_image, 'deep.png'), (read_image, 'text.png'),
                   (read_image, 'none.png'), (read_kernel, 'bad_0.mat')]:
    try:
        read(folder + '/' + name)
    except (ValueError, FileNotFoundError):
        continue
    sys.exit('accepted ' + name)
assert 'tensorflow' not in sys.modules
"""
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, '-c', code], check=True, cwd=root, timeout=60)
