"""Reading, checking and writing pictures.

Files become float arrays (H, W, C) in [0, 1] here, and floats become file bytes here and in `results.py`. A
file that cannot be used is refused with one line that names it and says what to do.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from files import arrays, png
from files.decoding import Decoded, check_size, decode, page_numbers
from files.metadata import Origin
from files.rounding import to_integers
from files.storage import atomic_file, check_file
from files.values import Values, choose_values

CHANNELS_WITH_ALPHA = (2, 4)
MOST_CHANNELS = 1024
BYTES = Values()


@dataclass(frozen=True, eq=False)  # arrays have no single truth value, so pictures are not compared
class Picture:
    """An image as the network sees it, and what is needed to write it as it came.

    Attributes:
        pixels: float32 array (H, W, C) in [0, 1], C 1 (gray), 3 (RGB), or another number of channels.
        alpha: float32 array (H, W) in [0, 1] (0 transparent), or None.
        values: Values, what 0 and 1 are in the units of the source.
        beyond: float32 array (H, W, C), by how much the source's values lie above 1 or, negative, below 0; or
            None, where none does.
        origin: Origin of the file.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    values: Values = BYTES
    beyond: np.ndarray | None = None
    origin: Origin = field(default_factory=Origin)

    @property
    def bits(self):
        """16 for a source of uint16, otherwise 8."""
        return 16 if self.values.dtype == 'uint16' else 8


def read_image(path, min_side=16, *, value_range='full', pages='first', large=False):
    """Read one picture of an image file; as `read_images`, which see, for one page."""
    pictures = read_images(path, min_side, value_range=value_range, pages=pages, large=large)
    return pictures[0]


def read_images(path, min_side=16, *, value_range='full', pages='first', large=False):
    """Read an image file, upright and at its full depth.

    With the range of their types, 8-bit values are divided by 255, 16-bit values by 65535. The EXIF
    orientation is applied. Gray stays gray (C = 1), palettes and CMYK become RGB.

    Args:
        path: PNG, JPEG, TIFF, BMP, WebP, GIF, AVIF, JPEG 2000, PPM, HEIC (by an optional package), .npy or
            .npz file; its contents decide, not its name.
        min_side: least height and width, in pixels.
        value_range: what black and white are: as in `values.choose_values`, or Values of another picture in
            the same units, which are used but for 8 bits.
        pages: 'first', a number from 1, or 'all' (or 'each').
        large: read on beyond Pillow's limit against decompression bombs.

    Returns:
        List of `Picture`, one a page, with the same Values.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a whole image of a supported kind and size.
    """
    path = Path(path)
    check_file(path)
    options = {'min_side': min_side, 'large': large, 'pages': pages}
    if arrays.is_array_file(path):
        array, origin = arrays.read_array(path, is_stack=pages != 'first')
        return from_arrays(
            array,
            min_side,
            name=str(path),
            value_range=value_range,
            # A fourth channel of measured values is no transparency.
            has_alpha=None if array.dtype == np.uint8 else False,
            pages=pages,
            origin=origin,
            large=large,
        )
    decoded = decode(path, **options)
    return _pictures(decoded, str(path), value_range)


def from_array(array, min_side=16, name='array', *, value_range='full', has_alpha=None):
    """Turn an array (H, W) or (H, W, C) into a `Picture`; as `from_arrays`, for one page."""
    if np.ndim(array) > 3:
        raise ValueError(f'{name}: shape {np.shape(array)} is no image; give (H, W) or (H, W, C)')
    return from_arrays(array, min_side, name, value_range=value_range, has_alpha=has_alpha)[0]


def from_arrays(
    array,
    min_side=16,
    name='array',
    *,
    value_range='full',
    has_alpha=None,
    pages='all',
    large=True,
    origin=None,
):
    """Turn an array into pictures, with the same checks as for a file.

    Args:
        array: (H, W), (H, W, C), or a stack (pages, H, W, C), of whole numbers or floats. Not changed, and
            never shared with the result.
        min_side: least height and width, in pixels.
        name: what error messages call the array.
        value_range: as in `read_images`.
        has_alpha: whether the last channel is alpha; None: of 2 and of 4 channels it is, where their type is
            uint8 or uint16, or they are floats in [0, 1].
        pages, large: as in `read_images`; 'first' of a stack is all of it, which is meant as one.
        origin: Origin; None: of an array.

    Returns:
        List of `Picture`.

    Raises:
        ValueError: if shape, type or values are none of an image.
    """
    stack = _as_stack(array, min_side, name)
    height, width, channels = stack.shape[1:]
    check_size(name, width, height, min_side, large)
    if has_alpha is None:
        has_alpha = channels in CHANNELS_WITH_ALPHA and _is_photographic(stack)
    origin = origin or Origin(ndim=np.ndim(array), pages=len(stack))
    pages = 'all' if pages == 'first' and origin.format is None else pages
    wanted = [stack[number] for number in page_numbers(pages, len(stack), name)]
    has_alpha = has_alpha and channels > 1
    # Of three channels, counts are no colours.
    has_colours = channels - has_alpha == 1 or (channels - has_alpha == 3 and _is_photographic(stack))
    return _pictures(Decoded(wanted, has_alpha, origin, has_colours), name, value_range)


def _as_stack(array, min_side, name):
    """An array of numbers as a stack (pages, H, W, C); refuse what is no image."""
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        masked = int(np.ma.count_masked(array))
        raise ValueError(
            f'{name}: is a masked array, {masked} values of which are hidden; fill them first '
            '(array.filled(value), or from their neighbours)'
        )
    array = np.asarray(array)
    if array.ndim not in (2, 3, 4) or (array.ndim > 2 and array.shape[-1] == 0) or not array.size:
        if array.ndim in (2, 3, 4) and array.shape[-1]:
            check_size(name, *array.shape[:2][::-1], min_side)
        raise ValueError(
            f'{name}: shape {array.shape} is no image; give (H, W), (H, W, C) or a stack (pages, H, W, C)'
        )
    if array.dtype.kind not in 'uif':
        raise ValueError(
            f'{name}: type {array.dtype}; convert to uint8, uint16 or float in [0, 1], or to other whole or '
            'real numbers'
        )
    stack = array if array.ndim == 4 else array.reshape(1, *array.shape[:2], -1)
    height, *others = stack.shape[1:]
    if height < min_side <= min(others):
        raise ValueError(
            f'{name}: shape {array.shape} has its channels or pages first, or too few rows; move channels '
            'last (numpy.moveaxis), make pages the first of four axes: (pages, H, W, C)'
        )
    return stack


def _is_photographic(stack):
    """Whether the type and the values of a stack are those of pictures, not of measurements."""
    if stack.dtype.kind == 'f':
        return bool(stack.min() >= -1e-6 and stack.max() <= 1 + 1e-6)
    return stack.dtype.name in ('uint8', 'uint16')


def _pictures(decoded, name, value_range):
    """Pictures of decoded pages."""
    channels = decoded.pages[0].shape[2]
    if channels > MOST_CHANNELS:
        raise ValueError(
            f'{name}: {channels} channels, and {MOST_CHANNELS} are the most; if they are pages, make '
            'these the first of four axes, else leave some out'
        )
    alphas = [None] * len(decoded.pages)
    colours = decoded.pages
    if decoded.has_alpha:
        colours = [page[:, :, :-1] for page in decoded.pages]
        # Alpha is opaque at the end of its type, whatever the range of the colours.
        whole = choose_values([page[:, :, -1:] for page in decoded.pages], 'full', name)
        alphas = [np.clip(whole.to_unit(page[:, :, -1:])[:, :, 0], 0, 1) for page in decoded.pages]
    values = choose_values(colours, value_range, name, decoded.has_colours)
    pictures = []
    for page, alpha in zip(colours, alphas, strict=True):
        pixels = values.to_unit(page)
        beyond = None
        if pixels.min() < 0 or pixels.max() > 1:
            clipped = np.clip(pixels, 0, 1)
            if not values.is_whole:  # what rounding left beyond [0, 1] is no value of its own
                beyond = pixels - clipped
            pixels = clipped
        pictures.append(Picture(pixels, alpha, values, beyond, decoded.origin))
    return pictures


def write_png(path, pixels, alpha=None, bits=8):
    """Write floats as a PNG file, rounding half up.

    The file appears whole or not at all.

    Args:
        path: the file to write, in an existing folder.
        pixels: float array (H, W, C), C 1 (a gray file) or 3 (an RGB file); clipped to [0, 1]. Not changed.
        alpha: float array (H, W), written as a further channel, or None. Not changed.
        bits: 8 or 16.

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if an argument is other than these, or a value is NaN.
    """
    pixels = np.asarray(pixels)
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or pixels.size == 0:
        raise ValueError(f'{path}: cannot write pixels of shape {pixels.shape}; give (H, W, 1) or (H, W, 3)')
    planes = [pixels]
    if alpha is not None:
        alpha = np.asarray(alpha)
        if alpha.shape != pixels.shape[:2]:
            raise ValueError(f'{path}: alpha of shape {alpha.shape} does not fit; give {pixels.shape[:2]}')
        planes.append(alpha[:, :, np.newaxis])
    if bits not in (8, 16):
        raise ValueError(f'{path}: cannot write {bits} bits; give 8 or 16')
    if any(plane.dtype.kind != 'f' for plane in planes):
        raise ValueError(f'{path}: cannot write integers; give floats in [0, 1]')
    if any(np.isnan(plane.min()) for plane in planes):
        raise ValueError(f'{path}: cannot write NaN values; find out which step made them')
    samples = np.concatenate([to_integers(plane, bits) for plane in planes], axis=2)
    with atomic_file(path) as temporary, open(temporary, 'wb') as file:
        png.write(file, [samples], samples.shape, bits)
