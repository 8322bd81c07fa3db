"""Decoding image files: samples as they are stored, upright, at their full depth.

Whatever a decoder raises becomes one line that names the file. TensorFlow reads what Pillow would cut to 8
bits without a word, 16-bit colour PNGs; it is not loaded to refuse a file.
"""

import contextlib
import re
import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError

from files.storage import one_line

FORMATS = ('PNG', 'JPEG', 'TIFF', 'BMP', 'WEBP', 'GIF')
PNG_MAGIC = b'\x89PNG\r\n\x1a\n'
TIFF_MAGICS = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')
ORIENTATION_TAG = 0x0112

# Pillow mode -> the mode in which its pixels are taken. Palettes and deep modes are decided in `_samples`.
PLAIN_MODES = {
    **{mode: mode for mode in ('L', 'LA', 'RGB', 'RGBA')},
    **{'1': 'L', 'La': 'LA', 'RGBa': 'RGBA', 'PA': 'RGBA', 'CMYK': 'RGB', 'YCbCr': 'RGB', 'RGBX': 'RGB'},
}

# EXIF orientation -> (transpose first, then flip rows, then flip columns).
TURNS = {2: (0, 0, 1), 3: (0, 1, 1), 4: (0, 1, 0), 5: (1, 0, 0), 6: (1, 0, 1), 7: (1, 1, 1), 8: (1, 1, 0)}


def check_size(name, width, height, min_side):
    """Raise if an image is too small to learn from, or over Pillow's limit against decompression bombs."""
    if min(width, height) < min_side:
        least = f'{min_side}×{min_side} is the least'
        raise ValueError(f'{name}: height {height}, width {width}: too small, {least}; give a larger image')
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and width * height > limit:
        raise ValueError(_too_large(name, width * height))


def _too_large(name, pixels):
    limit = Image.MAX_IMAGE_PIXELS
    return f'{name}: {pixels} pixels, over the limit of {limit}; crop it, or split it into parts that overlap'


@contextlib.contextmanager
def _decoding(path):
    """Turn whatever a decoder raises into a ValueError of one line that names the file."""
    try:
        with warnings.catch_warnings():
            # Complaints about damaged metadata do not concern pixels; sizes are checked by `_check_size`.
            warnings.simplefilter('ignore')
            yield
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        pixels = re.search(r'\d+', str(error)).group()
        raise ValueError(_too_large(path, pixels)) from error
    except UnidentifiedImageError as error:
        kinds = 'PNG, JPEG, TIFF, BMP, WebP or GIF'
        raise ValueError(f'{path}: not a {kinds} image, or its header is damaged; save it as PNG') from error
    except Exception as error:  # decoders raise a dozen types, depending on where the file breaks
        reason = one_line(error)
        raise ValueError(f'{path}: damaged or incomplete ({reason}); copy or save it again as PNG') from error


def quantization_steps(path):
    """The 64 steps by which a JPEG file's brightness is rounded, in any order; None for other files."""
    with _decoding(path), Image.open(path) as image:
        tables = getattr(image, 'quantization', None)
        return tables[min(tables)] if tables else None


def decode(path, min_side, full_depth):
    """Read the samples of an image file as they are stored.

    Args:
        path, min_side, full_depth: as in `pictures.read_image`.

    Returns:
        (samples, orientation): array (H, W) or (H, W, C) of uint8, uint16 or float32, and EXIF orientation.
    """
    with open(path, 'rb') as file:
        head = file.read(26)
        image = None
        with _decoding(path):
            try:
                image = Image.open(file, formats=FORMATS)
            except UnidentifiedImageError:
                if not head.startswith(TIFF_MAGICS):
                    raise
        if image is None or _is_deep_tiff(image):
            return _decode_tiff(path, file, min_side)
        check_size(path, *image.size, min_side)
        with _decoding(path):
            image.load()
        # After loading, because Pillow turns TIFFs itself and then forgets the tag.
        return _samples(image, path, head, full_depth), _orientation(image)


def _is_deep_tiff(image):
    """Whether an image is a TIFF with more than 8 bits that Pillow would cut or misread."""
    if image.format != 'TIFF':
        return False
    depths, black_is_zero = image.tag_v2.get(258, (1,)), image.tag_v2.get(262) == 1
    return max(depths) > 8 and not (len(depths) == 1 and depths[0] in (16, 32) and black_is_zero)


def _samples(image, path, head, full_depth):
    """Samples of a loaded Pillow image, (H, W) or (H, W, C): uint8, uint16 or float32."""
    is_png = head.startswith(PNG_MAGIC)
    depth, colour_type = head[24:26] if is_png else (8, None)
    deep_png = is_png and depth == 16
    key = image.info.get('transparency')
    if deep_png and colour_type != 0 and full_depth:
        samples = _decode_deep_png(path)
    elif image.mode == 'P':
        return np.asarray(image.convert('RGB' if key is None else 'RGBA'))
    elif image.mode.startswith('I;16') or (deep_png and image.mode == 'I'):
        samples = np.asarray(image).astype(np.uint16)
    elif image.mode == 'F':
        return np.asarray(image)
    elif image.mode in PLAIN_MODES:
        samples = np.asarray(image.convert(PLAIN_MODES[image.mode]))
    else:
        raise ValueError(f'{path}: pixels of type {image.mode} are not supported; save it as 16-bit PNG')
    return samples if key is None else _with_key(samples, key, depth)


def _with_key(samples, key, depth):
    """Append the alpha channel that a transparent colour stands for."""
    samples = samples.reshape(*samples.shape[:2], -1)
    largest = np.iinfo(samples.dtype).max
    # Pillow stretches samples of 1, 2 and 4 bits to 8, but not the key (or, at 1 bit, that as well).
    key = np.minimum(np.atleast_1d(key) * (largest // (2**depth - 1)), largest)
    visible = (samples != key).any(axis=2, keepdims=True)
    return np.concatenate([samples, (visible * largest).astype(samples.dtype)], axis=2)


def _decode_deep_png(path):
    """Samples of a 16-bit PNG that is gray with alpha, RGB or RGBA: uint16 (H, W, C)."""
    import tensorflow as tf

    with _decoding(path):
        return tf.io.decode_png(path.read_bytes(), dtype=tf.uint16).numpy()


def _decode_tiff(path, file, min_side):
    """Samples (H, W, C) and orientation of a TIFF that only tifffile reads at its full depth."""
    try:
        import tifffile
    except ImportError as error:
        remedy = 'pip install tifffile, or save it as PNG'
        raise ValueError(f'{path}: this kind of TIFF needs another package; {remedy}') from error
    with _decoding(path):
        file.seek(0)
        page = tifffile.TiffFile(file).pages[0]
    kind, extra = page.photometric.name, [sample.name for sample in page.extrasamples]
    colours = {'MINISBLACK': 1, 'RGB': 3}.get(kind)
    if colours is None or 'ASSOCALPHA' in extra:
        kind += ' with premultiplied alpha' if colours else ''
        raise ValueError(f'{path}: a {kind} TIFF of this depth is not supported; save it as PNG')
    check_size(path, page.imagewidth, page.imagelength, min_side)
    with _decoding(path):
        samples = page.asarray()
    if page.axes.startswith('S'):
        samples = np.moveaxis(samples, 0, -1)
    # Extra channels other than alpha have no place in a PNG.
    kept = colours + (extra[:1] == ['UNASSALPHA'])
    tag = page.tags.get(ORIENTATION_TAG)
    return samples.reshape(*samples.shape[:2], -1)[:, :, :kept], 1 if tag is None else int(tag.value)


def _orientation(image):
    """EXIF orientation of a loaded Pillow image; 1 (upright) without one, or if the metadata are broken."""
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter('ignore')
        return image.getexif().get(ORIENTATION_TAG, 1)
    return 1


def upright(samples, orientation):
    """Turn and mirror samples (H, W) or (H, W, C) as an EXIF orientation from 1 to 8 asks."""
    transpose, flip_rows, flip_columns = TURNS.get(orientation, (0, 0, 0))
    if transpose:
        samples = samples.swapaxes(0, 1)
    return samples[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
