"""images.py: every format, depth and channel layout comes in with its values and goes out with them."""

import hashlib
import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image, ImageOps

import images

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
    head = images.PNG_MAGIC + chunk(b'IHDR', header) + extra
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


# Reading and writing: every format × depth × layout


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('layout', LAYOUTS)
def test_png(tmp_path, layout, bits):
    values = samples(LAYOUTS[layout], bits)
    picture = images.read_image(write_hand_png(tmp_path / 'a.png', values))
    check(picture, values, bits)
    images.write_png(tmp_path / 'b.png', picture.pixels, picture.alpha, picture.bits)
    assert tuple((tmp_path / 'b.png').read_bytes()[24:26]) == (
        bits,
        {1: 0, 2: 4, 3: 2, 4: 6}[values.shape[2]],
    )
    check(images.read_image(tmp_path / 'b.png'), values, bits)


@pytest.mark.parametrize('extension', ['png', 'tif', 'bmp', 'webp'])
@pytest.mark.parametrize('layout', LAYOUTS)
def test_lossless_8_bit_formats(tmp_path, extension, layout):
    if (extension, layout) in [('bmp', 'gray+alpha'), ('bmp', 'rgba'), ('webp', 'gray+alpha')]:
        pytest.skip(f'Pillow writes no {layout} {extension}')
    values = samples(LAYOUTS[layout])
    path = save(
        tmp_path / f'a.{extension}',
        values,
        **({'lossless': True, 'exact': True} if extension == 'webp' else {}),
    )
    if layout == 'gray' and extension == 'webp':  # WebP knows no gray
        values = np.repeat(values, 3, axis=2)
    check(images.read_image(path), values)


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
    check(images.read_image(tmp_path / 'a.tif'), values, 16)


def test_tiff_16_bit_in_planes(tmp_path):
    tifffile = pytest.importorskip('tifffile')
    values = samples(3, 16)
    tifffile.imwrite(
        tmp_path / 'a.tif', np.moveaxis(values, 2, 0), photometric='rgb', planarconfig='separate'
    )
    check(images.read_image(tmp_path / 'a.tif'), values, 16)


def test_tiff_16_bit_extra_channel_that_is_no_alpha_is_dropped(tmp_path):
    tifffile = pytest.importorskip('tifffile')
    values = samples(4, 16)
    tifffile.imwrite(tmp_path / 'a.tif', values, photometric='rgb', extrasamples=['unspecified'])
    check(images.read_image(tmp_path / 'a.tif'), values[:, :, :3], 16)


@pytest.mark.parametrize('channels', [1, 3])
def test_tiff_of_floats(tmp_path, channels):
    tifffile = pytest.importorskip('tifffile')
    values = np.random.RandomState(0).rand(H, W, channels).astype(np.float32)
    kind = 'rgb' if channels == 3 else 'minisblack'
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, values.squeeze(), photometric=kind)
    np.testing.assert_array_equal(images.read_image(path).pixels, values)
    tifffile.imwrite(path, values.squeeze() * 255, photometric=kind)
    message = refusal(images.read_image, path)
    assert str(path) in message and 'divide by 255?' in message


@pytest.mark.parametrize('mode', ['L', 'RGB', 'CMYK'])
def test_jpeg(tmp_path, mode):
    flat = np.full((H, W, 3), (200, 100, 50), np.uint8)
    Image.fromarray(flat).convert(mode).save(tmp_path / 'a.jpg', quality=100)
    picture = images.read_image(tmp_path / 'a.jpg')
    expected = [124 / 255] if mode == 'L' else np.divide((200, 100, 50), 255)
    assert picture.pixels.shape == (H, W, 1 if mode == 'L' else 3)
    # JPEG loses up to two levels, CMYK is rounded once more.
    np.testing.assert_allclose(picture.pixels - expected, 0, atol=3 / 255)


def test_gif_first_frame(tmp_path):
    frames = [Image.fromarray(np.full((H, W), value, np.uint8)) for value in (0, 255)]
    frames[0].save(tmp_path / 'a.gif', save_all=True, append_images=frames[1:])
    assert not images.read_image(tmp_path / 'a.gif').pixels.any()


def test_palette(tmp_path):
    indices = samples(1) % 3
    colours = np.array([(10, 20, 30), (250, 1, 99), (7, 7, 200)], np.uint8)
    image = Image.fromarray(indices[:, :, 0]).copy()
    image.putpalette(colours.tobytes())
    image.save(tmp_path / 'a.png')
    values = colours[indices[:, :, 0]]
    check(images.read_image(tmp_path / 'a.png'), values)
    image.save(tmp_path / 'b.png', transparency=bytes([0, 128, 255]))
    alpha = np.array([0, 128, 255], np.uint8)[indices]
    check(images.read_image(tmp_path / 'b.png'), np.concatenate([values, alpha], axis=2))


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
    check(images.read_image(tmp_path / 'a.png'), values)


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('channels', [1, 3])
def test_transparent_colour(tmp_path, channels, bits):
    values = samples(channels, bits)
    key = values[3, 4]
    extra = chunk(b'tRNS', b''.join(struct.pack('>H', int(level)) for level in key))
    path = write_hand_png(tmp_path / 'a.png', values, extra)
    alpha = np.where((values == key).all(axis=2, keepdims=True), 0, 2**bits - 1)
    check(images.read_image(path), np.concatenate([values, alpha], axis=2), bits)


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('extension', ['png', 'tif', 'webp'])
def test_orientation(tmp_path, orientation, extension):
    values = samples(3)
    exif = Image.Exif()
    exif[images.ORIENTATION_TAG] = orientation
    image = Image.fromarray(values)
    image.getexif()[images.ORIENTATION_TAG] = orientation
    upright = np.asarray(ImageOps.exif_transpose(image))
    path = save(
        tmp_path / f'a.{extension}', values, exif=exif, **({'lossless': True} if extension == 'webp' else {})
    )
    check(images.read_image(path), upright)


@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('extension', ['png', 'tif'])
def test_orientation_of_16_bits(tmp_path, channels, extension):
    values = samples(channels, 16)
    path = tmp_path / f'a.{extension}'
    if extension == 'png':
        exif = Image.Exif()
        exif[images.ORIENTATION_TAG] = 6
        write_hand_png(path, values, chunk(b'eXIf', exif.tobytes()[6:]))
    else:
        tifffile = pytest.importorskip('tifffile')
        kind = 'rgb' if channels == 3 else 'minisblack'
        tag = (images.ORIENTATION_TAG, 3, 1, 6, True)
        tifffile.imwrite(path, values.squeeze(), photometric=kind, extratags=[tag])
    check(images.read_image(path), np.rot90(values, -1), 16)


def test_orientation_of_jpeg_and_broken_exif(tmp_path):
    values = np.zeros((16, 32, 3), np.uint8)
    values[:, :16] = 255
    exif = Image.Exif()
    exif[images.ORIENTATION_TAG] = 6
    pixels = images.read_image(save(tmp_path / 'a.jpg', values, exif=exif)).pixels
    assert pixels.shape == (32, 16, 3) and pixels[:16].min() > 0.9 and pixels[16:].max() < 0.1
    pixels = images.read_image(save(tmp_path / 'b.jpg', values, exif=b'Exif\0\0II*\0broken')).pixels
    assert pixels.shape == (16, 32, 3)


def test_contents_decide_not_the_name(tmp_path):
    values = samples(3)
    save(tmp_path / 'a.jpg', values, format='PNG')
    check(images.read_image(str(tmp_path / 'a.jpg')), values)


# Refused files


def truncated(path, data):
    path.write_bytes(data[: len(data) // 2])
    return path


def encoded(extension, values):
    buffer = io.BytesIO()
    Image.fromarray(values).save(
        buffer, format={'jpg': 'JPEG', 'tif': 'TIFF'}.get(extension, extension.upper())
    )
    return buffer.getvalue()


def test_missing_folder_empty_and_text(tmp_path):
    path = tmp_path / 'a.png'
    message = refusal(images.read_image, path, error=FileNotFoundError)
    assert str(path) in message and 'check the path' in message
    assert str(tmp_path) in (message := refusal(images.read_image, tmp_path)) and 'not a file' in message
    path.touch()
    assert str(path) in (message := refusal(images.read_image, path)) and '0 bytes' in message
    path.write_text('not a picture, really\n')
    assert str(path) in (message := refusal(images.read_image, path)) and 'save it as PNG' in message


@pytest.mark.parametrize('extension', ['png', 'jpg', 'tif', 'bmp', 'webp'])
def test_truncated(tmp_path, extension):
    path = truncated(tmp_path / f'a.{extension}', encoded(extension, samples(3, shape=(99, 99))))
    message = refusal(images.read_image, path)
    assert str(path) in message and 'save it again' in message


@pytest.mark.parametrize('keep', [20, 60, 3000])
def test_truncated_16_bit_png(tmp_path, keep):
    path = write_hand_png(tmp_path / 'a.png', samples(3, 16, shape=(50, 50)))
    path.write_bytes(path.read_bytes()[:keep])
    assert str(path) in refusal(images.read_image, path)


def test_truncated_16_bit_tiff(tmp_path):
    tifffile = pytest.importorskip('tifffile')
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, samples(3, 16, shape=(50, 50)), photometric='rgb')
    message = refusal(images.read_image, truncated(path, path.read_bytes()))
    assert str(path) in message and 'save it again' in message


def test_tiff_without_tifffile(tmp_path, monkeypatch):
    tifffile = pytest.importorskip('tifffile')
    tifffile.imwrite(tmp_path / 'a.tif', samples(3, 16), photometric='rgb')
    monkeypatch.setitem(sys.modules, 'tifffile', None)
    message = refusal(images.read_image, tmp_path / 'a.tif')
    assert str(tmp_path / 'a.tif') in message and 'pip install tifffile' in message


@pytest.mark.parametrize('kind', ['int16', 'uint32', 'miniswhite', 'assocalpha'])
def test_unsupported_tiffs(tmp_path, kind):
    tifffile = pytest.importorskip('tifffile')
    path = tmp_path / 'a.tif'
    if kind == 'assocalpha':
        tifffile.imwrite(path, samples(4, 16), photometric='rgb', extrasamples=[kind])
    elif kind == 'miniswhite':
        tifffile.imwrite(path, samples(1, 16)[:, :, 0], photometric=kind)
    else:
        tifffile.imwrite(path, samples(1, 16)[:, :, 0].astype(kind), photometric='minisblack')
    message = refusal(images.read_image, path)
    assert str(path) in message and 'not supported; save it as' in message


@pytest.mark.parametrize('shape', [(15, 40), (40, 15)])
def test_too_small(tmp_path, shape):
    path = save(tmp_path / 'a.png', samples(3, shape=shape))
    message = refusal(images.read_image, path)
    assert str(path) in message and '16×16 is the least' in message
    assert f'height {shape[0]}, width {shape[1]}' in message
    assert images.read_image(path, min_side=15).pixels.shape == (*shape, 3)


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
    message = refusal(images.read_image, path)
    assert str(path) in message and 'crop it, or split it' in message
    assert f'{H * W} pixels, over the limit of {limit}' in message


def test_unsupported_format(tmp_path):
    save(tmp_path / 'a.ppm', samples(3))
    assert 'save it as PNG' in refusal(images.read_image, tmp_path / 'a.ppm')


def test_refusing_does_not_load_tensorflow(tmp_path):
    """Rejecting a bad input has to take less than a second; TensorFlow takes four."""
    path = write_hand_png(tmp_path / 'deep.png', samples(3, 16, shape=(50, 50)))
    path.write_bytes(path.read_bytes()[:3000])
    (tmp_path / 'text.png').write_text('text')
    (tmp_path / 'bad_0.mat').write_text('text')
    code = f"""
import sys, images
folder = {str(tmp_path)!r}
for read, name in [(images.read_image, 'deep.png'), (images.read_image, 'text.png'),
                   (images.read_image, 'none.png'), (images.read_kernel, 'bad_0.mat')]:
    try:
        read(folder + '/' + name)
    except (ValueError, FileNotFoundError):
        continue
    sys.exit('accepted ' + name)
assert 'tensorflow' not in sys.modules
"""
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, '-c', code], check=True, cwd=root, timeout=60)


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
    picture = images.from_array(given)
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
    pixels = images.from_array(array).pixels
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
    message = refusal(images.from_array, array, name='input_img')
    assert all(word in message for word in ['input_img', *words])


# Writing


def test_write_png_rounds_half_up_and_clips(tmp_path):
    pixels = np.array([-1, 0.5, 0.4999, 0.3 / 255, 0.6 / 255, 254.4 / 255, 2]).reshape(1, 7, 1)
    before = pixels.copy()
    images.write_png(tmp_path / 'a.png', pixels)
    with Image.open(tmp_path / 'a.png') as image:
        assert image.mode == 'L'
        assert np.asarray(image).tolist() == [[0, 128, 127, 0, 1, 254, 255]]
    np.testing.assert_array_equal(pixels, before)


def test_write_png_of_more_rows_than_a_strip(tmp_path):
    values = samples(3, shape=(images.STRIP_ROWS + 20, 16))
    images.write_png(tmp_path / 'a.png', values / 255)
    check(images.read_image(tmp_path / 'a.png'), values)


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
    message = refusal(images.write_png, path, **{'pixels': np.zeros((20, 20, 3)), **options})
    assert str(path) in message and word in message
    assert not list(tmp_path.iterdir())


def test_failing_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / 'a.png'
    images.write_png(path, np.zeros((16, 16, 3)))
    before = path.read_bytes()

    def fail(*_):
        raise OSError('disk full')

    monkeypatch.setattr(os, 'replace', fail)
    with pytest.raises(OSError, match='disk full'):
        images.write_png(path, np.ones((16, 16, 3)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_atomic_write(tmp_path):
    path = tmp_path / ('long' * 60 + '.json')
    images.atomic_write(path, b'one')
    images.atomic_write(path, b'two')
    assert path.read_bytes() == b'two'
    assert list(tmp_path.iterdir()) == [path]
    message = refusal(images.atomic_write, tmp_path / 'none' / 'a', b'', error=FileNotFoundError)
    assert str(tmp_path / 'none') in message and 'create it' in message
    assert str(tmp_path) in refusal(images.atomic_write, tmp_path, b'')


def test_sha256(tmp_path):
    (tmp_path / 'a').write_bytes(b'abc' * 700_000)
    assert images.sha256(tmp_path / 'a') == hashlib.sha256(b'abc' * 700_000).hexdigest()


# Kernels


def mat(path, **variables):
    scipy.io.savemat(path, variables)
    return path


@pytest.mark.parametrize('dtype', [np.float64, np.float32, np.uint8])
@pytest.mark.parametrize('version', ['4', '5'])
def test_read_kernel_as_it_is(tmp_path, dtype, version):
    kernel = np.arange(12).reshape(3, 4).astype(dtype)
    scipy.io.savemat(tmp_path / 'a_0.mat', {'other': 1.0, 'Kernel': kernel}, format=version)
    read = images.read_kernel(str(tmp_path / 'a_0.mat'))
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
    message = refusal(images.read_kernel, path)
    assert str(path) in message and 'give' in message and word in message
    message = refusal(images.check_kernel, kernel, 'kernels[0]')
    assert message.startswith('kernels[0] ')


def test_check_kernel_copies():
    kernel = np.ones((3, 3))
    checked = images.check_kernel(kernel)
    assert not np.shares_memory(checked, kernel)
    np.testing.assert_array_equal(checked, kernel)
    assert 'rectangular' in refusal(images.check_kernel, [[1, 2], [3]])


def test_refused_kernel_files(tmp_path):
    path = tmp_path / 'a_0.mat'
    assert str(path) in refusal(images.read_kernel, path, error=FileNotFoundError)
    assert str(tmp_path) in refusal(images.read_kernel, tmp_path)
    path.touch()
    assert str(path) in refusal(images.read_kernel, path)
    message = refusal(images.read_kernel, mat(path, K=1.0, psf=2.0))
    assert str(path) in message and 'K, psf' in message and 'save' in message
    for header in (b'MATLAB 7.3 MAT-file'.ljust(512) + b'\x89HDF\r\n\x1a\n', b'\x89HDF\r\n\x1a\n'):
        path.write_bytes(header)
        message = refusal(images.read_kernel, path)
        assert str(path) in message and '-v7' in message
    for text in (b'1', b'not a .mat file at all\n' * 50, bytes(200), encoded('png', samples(3))):
        path.write_bytes(text)
        assert str(path) in refusal(images.read_kernel, path)


@pytest.mark.parametrize('compress', [True, False])
def test_truncated_kernel_files(tmp_path, compress):
    path = tmp_path / 'a_0.mat'
    scipy.io.savemat(path, {'Kernel': np.random.RandomState(0).rand(9, 9)}, do_compression=compress)
    data = path.read_bytes()
    for keep in (1, 100, 130, 150, 190, len(data) // 2, len(data) - 9):
        path.write_bytes(data[:keep])
        assert str(path) in refusal(images.read_kernel, path)
