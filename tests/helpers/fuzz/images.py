"""Damaged images: PNG, JPEG, TIFF, BMP, GIF, WebP and NumPy's, each read as a check and a run read it."""

import io
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import tifffile
from helpers.fuzz.damage import damage, damage_tiff
from helpers.pictures import chunk, png_bytes
from PIL import Image

from configs import Config
from files.decoding import PNG_MAGIC, quantization_steps
from files.image_files import load_inputs
from running.inputs import find_inputs

SHAPE = (24, 31)
# tifffile's name of a compression, and whether to predict by the neighbour.
COMPRESSIONS = (
    (None, False),
    (None, False),
    ('zlib', True),
    ('lzw', False),
    ('packbits', False),
    ('jpeg', False),
)


def make(rng, folder):
    """Write a damaged image; in one of ten cases it is whole."""
    names = list(MAKERS)
    name = names[rng.integers(len(names))]
    data = MAKERS[name](rng)
    if rng.random() > 0.1:
        if name.startswith('png') and rng.random() < 0.5:
            data = _damage_chunk(rng, data)
        elif name.startswith('tif') and rng.random() < 0.6:
            data = damage_tiff(rng, data)
        else:
            data = damage(rng, data, MAKERS[names[rng.integers(len(names))]](rng))
    path = folder / f'a.{name.rstrip("0123456789")}'
    path.write_bytes(data)
    return path


def read(path):
    """Look at an image as a check and a run do."""
    find_inputs(path.parent)
    try:
        for pages in ('first', 'all'):
            load_inputs(path, Config(pages=pages, value_range='auto'))
        quantization_steps(path)
    except ValueError as error:
        assert str(path) in str(error), f'does not name its file: {error}'
        raise


def _samples(rng, channels, dtype='uint8'):
    """Smooth samples (H, W, C) with some noise, so that predictors have something to do."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    wave = 0.5 + 0.4 * np.sin(x / 5 + rng.random()) * np.cos(y / 4)
    noisy = np.clip(wave[:, :, None] + rng.normal(0, 0.02, (*SHAPE, channels)), 0, 1)
    return noisy.astype(dtype) if dtype.startswith('float') else (noisy * np.iinfo(dtype).max).astype(dtype)


def _with_pillow(kind, image, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _image(rng, channels=(1, 3)):
    count = rng.choice(channels)
    return Image.fromarray(_samples(rng, count).squeeze())


def _png(rng):
    image = _image(rng, (1, 2, 3, 4))
    image = image.quantize(16) if rng.random() < 0.2 and image.mode in ('L', 'RGB') else image
    exif = Image.Exif()
    exif[274] = int(rng.integers(1, 9))
    return _with_pillow('PNG', image, exif=exif, dpi=(300, 300), icc_profile=rng.bytes(40))


def _deep_png(rng):
    values = _samples(rng, rng.integers(1, 5), 'uint16')
    rows = [row.astype('>u2').tobytes() for row in values]
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[values.shape[2]]
    key = struct.pack('>HHH', *values[3, 4]) if values.shape[2] == 3 and rng.random() < 0.3 else b''
    return png_bytes(rows, 16, colour_type, SHAPE[1], chunk(b'tRNS', key) if key else b'')


def _damage_chunk(rng, data):
    """Damage a chunk of a PNG, or what is compressed in it, and make its checksum fit."""
    chunks, at = [], len(PNG_MAGIC)
    while at < len(data):
        (length,) = struct.unpack_from('>I', data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += length + 12
    number = rng.integers(len(chunks))
    kind, content = chunks[number]
    if kind == b'IDAT' and rng.random() < 0.5:
        content = zlib.compress(damage(rng, zlib.decompress(content)))
    elif content:
        content = damage(rng, content)
    chunks[number] = kind, content
    return PNG_MAGIC + b''.join(chunk(*each) for each in chunks)


def _jpeg(rng):
    exif = Image.Exif()
    exif[274] = int(rng.integers(1, 9))
    image = _image(rng)
    image = image.convert('CMYK') if rng.random() < 0.2 and image.mode == 'RGB' else image
    return _with_pillow('JPEG', image, exif=exif, progressive=bool(rng.random() < 0.3))


def _bmp(rng):
    return _with_pillow('BMP', _image(rng))


def _gif(rng):
    frames = [_image(rng) for _ in range(rng.integers(1, 4))]
    return _with_pillow('GIF', frames[0], save_all=True, append_images=frames[1:])


def _webp(rng):
    frames = [_image(rng, (3, 4)) for _ in range(rng.integers(1, 3))]
    options = {'save_all': len(frames) > 1, 'append_images': frames[1:]}
    return _with_pillow('WEBP', frames[0], lossless=bool(rng.random() < 0.5), **options)


def _npy(rng):
    file = io.BytesIO()
    values = _samples(rng, rng.integers(1, 5), str(rng.choice(['uint8', 'uint16', 'float32', 'float64'])))
    np.save(file, values)
    return file.getvalue()


def _npz(rng):
    file = io.BytesIO()
    (np.savez_compressed if rng.random() < 0.5 else np.savez)(file, a=_samples(rng, 3, 'uint16'))
    return file.getvalue()


def _tiff(rng):
    """A TIFF of tifffile's, or one that only Pillow reads (a palette, CMYK, two levels)."""
    if rng.random() < 0.25:
        image = Image.fromarray(_samples(rng, 3)).convert(str(rng.choice(['P', 'CMYK', '1', 'RGB'])))
        compressions = (
            ['group4'] if image.mode == '1' else ['raw', 'tiff_lzw', 'tiff_adobe_deflate', 'packbits']
        )
        return _with_pillow('TIFF', image, compression=str(rng.choice(compressions)))
    channels, pages = int(rng.choice([1, 1, 3, 3, 4, 5])), int(rng.choice([1, 1, 2, 3]))
    dtype = str(rng.choice(['uint8', 'uint16', 'float32']))
    values = np.stack([_samples(rng, channels, dtype) for _ in range(pages)]).squeeze()
    compression, predictor = COMPRESSIONS[rng.integers(len(COMPRESSIONS))]
    kind = 'rgb' if channels in (3, 4) else 'minisblack'
    options = {'photometric': kind, 'planarconfig': 'contig' if channels > 1 else None}
    if compression == 'jpeg' and (dtype != 'uint8' or channels not in (1, 3)):
        compression = None
    if rng.random() < 0.2:
        options['tile'] = (16, 16)
    elif rng.random() < 0.5:
        options['rowsperstrip'] = 5
    if channels == 1 and not compression and rng.random() < 0.3:
        options = {'imagej': True, 'metadata': {'axes': 'ZYX' if pages > 1 else 'YX'}}
    elif rng.random() < 0.2:
        options |= {'ome': True, 'metadata': {'axes': 'Z' * (pages > 1) + 'YX' + 'S' * (channels > 1)}}
    file = io.BytesIO()
    tifffile.imwrite(
        file, values, compression=compression, predictor=predictor and bool(compression), **options
    )
    return file.getvalue()


MAKERS = {
    'png8': _png,
    'png16': _deep_png,
    'jpg': _jpeg,
    'tif': _tiff,
    'tif2': _tiff,
    'bmp': _bmp,
    'gif': _gif,
    'webp': _webp,
    'npy': _npy,
    'npz': _npz,
}


def _load_readers():
    """Read whole images, so that what readers load late is not loaded again in the process of every case."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for name, maker in [*MAKERS.items()] + [('tif', _tiff)] * 20:
            path = Path(folder) / f'a.{name.rstrip("0123456789")}'
            path.write_bytes(maker(rng))
            read(path)


_load_readers()
