"""Decoding image files: samples as they are stored, upright, at their full depth.

Whatever a decoder raises becomes one line that names the file, and memory is checked before it is asked for.
TIFFs are read by tifffile where it is installed and knows the kind, else by Pillow, which knows fewer types
but palettes and CMYK.
"""

import contextlib
import ctypes
import io
import logging
import re
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from PIL import Image, UnidentifiedImageError

from files import png, tiff
from files.memory import BYTES_PER_SAMPLE, check_memory
from files.metadata import ORIENTATION_TAG, Origin, origin_of, to_rgb
from files.png import MAGIC as PNG_MAGIC
from files.refusals import reason, refusing

FORMATS = ('PNG', 'JPEG', 'TIFF', 'BMP', 'WEBP', 'GIF', 'AVIF', 'JPEG2000', 'PPM')
TIFF_MAGICS = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')
# What a file of the HEIF family says of itself after its first four bytes.
HEIC_BRANDS = (b'ftypheic', b'ftypheix', b'ftyphevc', b'ftypheim', b'ftypheis', b'ftypmif1', b'ftypmsf1')
FORMATS_FILE = 'requirements-formats.txt'

# Pillow mode -> the mode in which its pixels are taken. Palettes and deep modes are decided in `_samples`.
PLAIN_MODES = {
    **{mode: mode for mode in ('L', 'LA', 'RGB', 'RGBA')},
    **{'1': 'L', 'La': 'LA', 'RGBa': 'RGBA', 'PA': 'RGBA', 'CMYK': 'RGB', 'YCbCr': 'RGB', 'RGBX': 'RGB'},
}

# EXIF orientation -> (transpose first, then flip rows, then flip columns).
TURNS = {2: (0, 0, 1), 3: (0, 1, 1), 4: (0, 1, 0), 5: (1, 0, 0), 6: (1, 0, 1), 7: (1, 1, 1), 8: (1, 1, 0)}


@dataclass(frozen=True, eq=False)
class Decoded:
    """What is in a file.

    Attributes:
        pages: list of arrays (H, W, C) of one type, upright: the pages that were asked for.
        has_alpha: whether the last channel is an alpha channel.
        origin: metadata.Origin.
        has_colours: whether channels, alpha apart, are gray or RGB, and not measured each for itself.
    """

    pages: list
    has_alpha: bool
    origin: Origin
    has_colours: bool = True


def check_size(name, width, height, min_side, large=False):
    """Raise if an image is too small to learn from, or over Pillow's limit against decompression bombs."""
    if min(width, height) < min_side:
        least = f'{min_side}×{min_side} is the least'
        raise ValueError(f'{name}: height {height}, width {width}: too small, {least}; give a larger image')
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and not large and width * height > limit:
        raise ValueError(f'{name}: {_too_large(width * height)}')


def _too_large(pixels):
    limit = Image.MAX_IMAGE_PIXELS
    return (
        f'{pixels} pixels, over the limit of {limit}; if they are meant, give --large (large=True), '
        'else crop it, or split it into parts that overlap'
    )


def page_numbers(pages, count, name):
    """Which pages are asked for, counted from 0.

    Args:
        pages: 'first', 'all', 'each', or a number from 1.
        count: how many there are.
        name: what error messages call the file.
    """
    if pages in ('all', 'each'):
        return range(count)
    number = 1 if pages == 'first' else pages
    if number > count:
        raise ValueError(f'{name}: has {count} page{"s" * (count > 1)}, so there is no page {number}')
    return range(number - 1, number)


def _explain(error):
    """What is wrong with a file by what its decoder raises, and the remedy."""
    if isinstance(error, Image.DecompressionBombError):
        return _too_large(re.search(r'\d+', str(error)).group())
    if isinstance(error, UnidentifiedImageError):
        kinds = 'PNG, JPEG, TIFF, BMP, WebP, GIF, AVIF, JPEG 2000 or PPM'
        return f'not a {kinds} image, or its header is damaged; save it as PNG'
    if 'imagecodecs' in str(error):
        return _needs_imagecodecs(str(error))
    return f'damaged or incomplete ({reason(error)}); copy or save it again as PNG'


def _needs_imagecodecs(message):
    kind = re.search(r'COMPRESSION\.(\w+)', message)
    kind = f'its {kind.group(1)} compression' if kind else 'it'
    return (
        f'the file is whole, but {kind} needs another package: pip install imagecodecs (or all of '
        f'{FORMATS_FILE}); or save it without compression'
    )


def quantization_steps(path):
    """The 64 steps by which a JPEG file's brightness is rounded, in any order; None for other files."""
    with refusing(path, _explain):
        try:
            with Image.open(path, formats=['JPEG']) as image:
                tables = getattr(image, 'quantization', None)
                return tables[min(tables)] if tables else None
        except UnidentifiedImageError:  # what other readers than Pillow are for
            return None


def decode(path, *, min_side=16, large=False, pages='first'):
    """Read the samples of an image file as they are stored.

    Args:
        path, …: as in `pictures.read_images`.

    Returns:
        Decoded.
    """
    with open(path, 'rb') as file, refusing(path, _explain), _without_limit(large):
        _silence()
        head = file.read(32)
        if head[4:12] in HEIC_BRANDS:
            _register_heic(path)
        if head.startswith(TIFF_MAGICS) and (tifffile := tiff.load_tifffile()):
            decoded = _decode_tiff(path, file, tifffile, min_side=min_side, large=large, pages=pages)
            if decoded:
                return decoded
        return _decode_with_pillow(path, file, head, min_side, large, pages)


@cache
def _silence():
    """Keep Pillow, and libtiff below it, from writing to the terminal what is raised anyway."""
    logging.getLogger('PIL').addHandler(logging.NullHandler())
    # Pillow does not hand on libtiff's own functions for this; where they are not to be found, it speaks.
    with contextlib.suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(Image.core.__file__)
        for name in ('TIFFSetErrorHandler', 'TIFFSetWarningHandler'):
            getattr(library, name)(None)


def _decode_with_pillow(path, file, head, min_side, large, pages):
    file.seek(0)
    try:
        image = Image.open(file, formats=(*FORMATS, 'HEIF') if head[4:12] in HEIC_BRANDS else FORMATS)
    except UnidentifiedImageError:
        if not head.startswith(TIFF_MAGICS):
            raise
        raise ValueError(_unread_tiff(path)) from None
    if _is_deep_tiff(image):
        raise ValueError(_unread_tiff(path))
    check_size(path, *image.size, min_side, large)
    channels = 4 if image.mode in ('P', 'PA') else len(image.getbands())
    check_memory(path, image.size[::-1], channels)
    _refuse_cut_depth(path, image, head)
    if image.format == 'PNG':
        png.check(path)
    count = 1 if image.format == 'MPO' else getattr(image, 'n_frames', 1)
    numbers = page_numbers(pages, count, path)
    check_memory(path, image.size[::-1], channels * len(numbers))
    found = []
    for number in numbers:
        if count > 1:
            image.seek(number)
        image.load()
        found.append(_samples(image, path, head))
    # After loading, because Pillow turns TIFFs itself and then forgets the tag.
    origin = origin_of(image)
    if origin.dpi and TURNS.get(origin.orientation, (0,))[0]:
        origin = replace(origin, dpi=origin.dpi[::-1])
    turned = [upright(page.reshape(*page.shape[:2], -1), origin.orientation) for page in found]
    shapes = {page.shape for page in turned}
    if len(shapes) > 1:
        raise ValueError(f'{path}: its pages differ in size or colours; give --pages a number')
    return Decoded(turned, turned[0].shape[2] in (2, 4), origin)


def _unread_tiff(path):
    """What to say of a TIFF that Pillow does not read, and tifffile, if it is there, has left to it."""
    if tiff.load_tifffile():
        return f'{path}: damaged, or a TIFF of a kind that is not supported; copy or save it again as PNG'
    remedy = f'pip install tifffile (or all of {FORMATS_FILE}), or save it as PNG'
    return f'{path}: this kind of TIFF needs another package; {remedy}'


def _register_heic(path):
    """Let Pillow read HEIC, which it does by another package."""
    try:
        import pillow_heif
    except ImportError:
        remedy = f'pip install pillow-heif (or all of {FORMATS_FILE}), or save it as JPEG'
        raise ValueError(f'{path}: the file is whole, but HEIC needs another package; {remedy}') from None
    pillow_heif.register_heif_opener()


@contextlib.contextmanager
def _without_limit(large):
    """Lift Pillow's own limit, if that is asked for."""
    limit = Image.MAX_IMAGE_PIXELS
    if large:
        Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _is_deep_tiff(image):
    """Whether an image is a TIFF with more than 8 bits that Pillow would cut or misread."""
    if image.format != 'TIFF':
        return False
    depths, black_is_zero = image.tag_v2.get(258, (1,)), image.tag_v2.get(262) == 1
    kind = image.tag_v2.get(339, (1,))[0]
    deep_gray = len(depths) == 1 and black_is_zero and (depths[0], kind) in ((16, 1), (32, 3))
    return max(depths) > 8 and not deep_gray


def _refuse_cut_depth(path, image, head):
    """Refuse what Pillow would cut to 8 bits without a word."""
    if image.format == 'PPM' and image.mode == 'RGB' and head[:2] in (b'P3', b'P6'):
        with open(path, 'rb') as file:
            start = re.sub(rb'#[^\n]*', b' ', file.read(2000)).split()
        if len(start) > 3 and int(start[3]) > 255:
            raise ValueError(f'{path}: a PPM of more than 8 bits is not supported; save it as 16-bit PNG')
    if image.format == 'JPEG2000' and len(image.getbands()) > 2 and _bits_of_jpeg2000(path) > 8:
        raise ValueError(
            f'{path}: JPEG 2000 colours of more than 8 bits are not supported; save as 16-bit PNG'
        )


def _bits_of_jpeg2000(path):
    """Bits of a colour, by the header of the codestream: its marker SIZ, and the byte behind the sizes."""
    with open(path, 'rb') as file:
        head = file.read(100_000)
    at = head.find(b'\xff\x4f\xff\x51')
    return (head[at + 42] & 0x7F) + 1 if 0 <= at < len(head) - 42 else 0


def _samples(image, path, head):
    """Samples of a loaded Pillow image, (H, W) or (H, W, C): uint8, uint16 or float32."""
    is_png = head.startswith(PNG_MAGIC)
    depth, colour_type = head[24:26] if is_png else (8, None)
    deep_png = is_png and depth == 16
    key = image.info.get('transparency')
    if deep_png and colour_type != png.GRAY:
        samples = _deep_samples(image, path, colour_type)
    elif image.mode == 'P':
        return np.asarray(image.convert('RGB' if key is None else 'RGBA'))
    elif image.mode.startswith('I;16') or (image.mode == 'I' and (deep_png or image.format == 'PPM')):
        samples = np.asarray(image).astype(np.uint16)
    elif image.mode == 'F':
        return np.asarray(image)
    elif image.mode == 'CMYK':
        return np.asarray(to_rgb(image))
    elif image.mode in PLAIN_MODES:
        samples = np.asarray(image.convert(PLAIN_MODES[image.mode]))
    else:
        raise ValueError(f'{path}: pixels of type {image.mode} are not supported; save it as 16-bit PNG')
    return samples if key is None or not is_png else _with_key(samples, key, depth)


def _deep_samples(image, path, colour_type):
    """Samples of a loaded 16-bit PNG that is RGB, or has alpha: uint16 (H, W, C).

    Pillow takes the first byte of each sample, and is made to take the second from the same data.
    """
    if image.tell():
        raise ValueError(f'{path}: of an animation of 16 bits, only the first frame can be read; give that')
    if colour_type == png.GRAY_ALPHA:  # four bytes a pixel, like RGBA of 8 bits, and predicted alike
        with Image.open(io.BytesIO(png.relabelled(path, 8, png.RGBA))) as same:
            pairs = np.ascontiguousarray(same)
        return pairs.view('>u2').astype(np.uint16)
    with Image.open(path, formats=['PNG']) as low:
        low.tile = [tile._replace(args=f'{low.mode};16L') for tile in low.tile]
        return np.asarray(image).astype(np.uint16) << 8 | np.asarray(low)


def _with_key(samples, key, depth):
    """Append the alpha channel that a transparent colour stands for."""
    samples = samples.reshape(*samples.shape[:2], -1)
    largest = np.iinfo(samples.dtype).max
    # Pillow stretches samples of 1, 2 and 4 bits to 8, but not the key (or, at 1 bit, that as well).
    key = np.minimum(np.atleast_1d(key) * (largest // (2**depth - 1)), largest)
    visible = (samples != key).any(axis=2, keepdims=True)
    return np.concatenate([samples, (visible * largest).astype(samples.dtype)], axis=2)


def _decode_tiff(path, file, tifffile, *, min_side, large, pages):
    """What tifffile finds in a TIFF; None where Pillow is to read it."""
    file.seek(0)
    tif = tifffile.TiffFile(file)
    found = [tiff.TiffSeries(tif, series) for series in tiff.full_series(tif)]
    count = sum(series.pages for series in found)
    if not count:
        raise ValueError('no page that is whole')
    series, numbers = _series_of(found, page_numbers(pages, count, path), pages)
    kind, alpha, depth = series.first.photometric.name, series.alpha, series.first.bitspersample
    depth = max(depth) if isinstance(depth, tuple) else depth
    origin = Origin('TIFF', count, series.tag(tiff.ICC), tiff=series.origin())
    if series.is_cut_off:
        raise ValueError(f'{path}: damaged or incomplete (ImageJ wrote more images); copy or save it again')
    if kind not in ('MINISBLACK', 'RGB') or alpha == 'ASSOCALPHA' or depth < 8:
        if depth > 8:
            kind += ' with premultiplied alpha' if alpha else ''
            raise ValueError(f'{path}: a {kind} TIFF of this depth is not supported; save it as PNG')
        return None
    if series.dtype is None or series.dtype.kind not in 'uif':
        raise ValueError(f'{path}: values of type {series.dtype} are not supported; save them as float32')
    check_size(path, series.width, series.height, min_side, large)
    _check_tiff_memory(path, series, len(numbers))
    try:
        found = [series.read(number) for number in numbers]
    except Exception as error:
        # Pillow has decoders of its own, but cuts depths.
        if depth == 8 and series.channels in (1, 3, 4) and 'imagecodecs' in str(error):
            return None
        raise
    _check_no_data(path, found, series.tag(tiff.NO_DATA))
    orientation = series.tag(ORIENTATION_TAG, 1)
    orientation = orientation if orientation in TURNS else 1
    turned = [upright(page, orientation) for page in found]
    has_colours = series.channels - (alpha is not None) == (3 if kind == 'RGB' else 1)
    return Decoded(turned, alpha is not None, _upright_origin(origin, orientation), has_colours)


def _check_tiff_memory(path, series, count):
    """Refuse pages that do not fit the memory, and parts that no whole file has."""
    shape, itemsize = (series.height, series.width), series.dtype.itemsize
    if series.part_bytes > max(
        tiff.LARGEST_PART, 4 * series.height * series.width * series.channels * itemsize
    ):
        part = f'a tile or strip of {series.part_bytes / 1e9:.1f} GB'
        raise ValueError(f'{path}: damaged ({part}); copy or save it again')
    pages = series.pages if series.is_read_whole else count
    check_memory(path, shape, series.channels * pages, itemsize + BYTES_PER_SAMPLE - 1)


def _series_of(found, numbers, pages):
    """The series that holds the pages asked for, and their numbers in it; all are those of the first."""
    if not isinstance(pages, int):
        return found[0], range(found[0].pages)[: len(numbers)]
    ends = np.cumsum([series.pages for series in found])
    index = int(np.searchsorted(ends, numbers[0], side='right'))
    return found[index], [int(numbers[0] - ends[index] + found[index].pages)]


def _upright_origin(origin, orientation):
    """An Origin whose resolutions, bytes and inches are those of the upright picture."""
    kept, inches = origin.tiff, {2: 1.0, 3: 2.54}
    if kept.resolution and TURNS.get(orientation, (0,))[0]:
        kept = replace(kept, resolution=kept.resolution[::-1])
    dpi = None
    if kept.resolution and kept.unit in inches and kept.kind == 'plain':
        dpi = tuple(n * inches[kept.unit] for n in kept.resolution)
    return replace(origin, tiff=kept, dpi=dpi, icc=bytes(origin.icc) if origin.icc else None)


def _check_no_data(path, pages, mark):
    """Refuse pixels that a satellite's TIFF marks as missing: learned from, they would spread."""
    try:
        mark = float(mark)
    except (TypeError, ValueError):
        return
    missing = sum(int(np.count_nonzero(page == mark)) for page in pages)
    if missing:
        raise ValueError(
            f'{path}: {missing} pixels are marked as missing ({mark:g}, its GDAL_NODATA); crop them away, or '
            'fill them first (gdal_fillnodata)'
        )


def upright(samples, orientation):
    """Turn and mirror samples (H, W) or (H, W, C) as an EXIF orientation from 1 to 8 asks."""
    transpose, flip_rows, flip_columns = TURNS.get(orientation, (0, 0, 0))
    if transpose:
        samples = samples.swapaxes(0, 1)
    return samples[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
