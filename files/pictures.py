"""Reading, checking and writing pictures.

Files become float arrays (H, W, C) in [0, 1] here, and floats become file bytes here, nowhere else. A file
that cannot be used is refused with one line that names it and says what to do.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from files.decoding import check_size, decode, upright
from files.rounding import check_unit_range, to_integers
from files.storage import atomic_write, check_file


@dataclass(frozen=True, eq=False)  # arrays have no single truth value, so pictures are not compared
class Picture:
    """An image as the network sees it, and what is needed to write it as it came.

    Attributes:
        pixels: float32 array (H, W, C) in [0, 1], C 1 (gray) or 3 (RGB).
        alpha: float32 array (H, W) in [0, 1] (0 transparent), or None.
        bits: 8 or 16, the depth of the source.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    bits: int = 8


def read_image(path, min_side=16, full_depth=True):
    """Read an image file, upright and at its full depth.

    8-bit values are divided by 255, 16-bit values by 65535. The EXIF orientation is applied; of several
    frames or pages the first is read. Gray stays gray (C = 1), palettes and CMYK become RGB.

    Args:
        path: PNG, JPEG, TIFF, BMP, WebP or GIF file; its contents decide, not its name.
        min_side: least height and width, in pixels.
        full_depth: False cuts 16-bit colour to 8 bits, which TensorFlow is not needed for: a check.

    Returns:
        A `Picture`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a whole image of a supported kind and size.
    """
    path = Path(path)
    check_file(path)
    samples, orientation = decode(path, min_side, full_depth)
    return from_array(upright(samples, orientation), min_side, name=str(path))


def from_array(array, min_side=16, name='array'):
    """Turn an array into a `Picture`, with the same checks as for a file.

    Args:
        array: (H, W) or (H, W, 1) gray, (H, W, 2) gray and alpha, (H, W, 3) RGB or (H, W, 4) RGBA;
            uint8, uint16, or float in [0, 1]. Not changed, and never shared with the result.
        min_side: least height and width, in pixels.
        name: what error messages call the array.

    Returns:
        A `Picture`; bits is 16 for uint16, otherwise 8.

    Raises:
        ValueError: if shape, type or values are other than these.
    """
    array = np.asarray(array)
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4):
        raise ValueError(f'{name}: shape {array.shape} is no image; give (H, W) or (H, W, C), C from 1 to 4')
    check_size(name, array.shape[1], array.shape[0], min_side)
    colours = 1 if array.shape[2] < 3 else 3
    pixels = _to_floats(array[:, :, :colours], name)
    alpha = None if array.shape[2] == colours else _to_floats(array[:, :, colours], name)
    return Picture(pixels, alpha, bits=16 if array.dtype.kind == 'u' and array.dtype.itemsize == 2 else 8)


def write_png(path, pixels, alpha=None, bits=8):
    """Write floats as a PNG file, rounding half up; the only place where floats become file bytes.

    The file appears whole or not at all (`atomic_write`).

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
    atomic_write(path, _png_bytes(np.concatenate([to_integers(plane, bits) for plane in planes], axis=2)))


def _to_floats(array, name):
    """A float32 copy in [0, 1] of an array of uint8, uint16, or floats already in that range."""
    if array.dtype.kind == 'u' and array.dtype.itemsize <= 2:
        largest = np.float32(2 ** (8 * array.dtype.itemsize) - 1)
        return np.divide(array, largest, dtype=np.float32, order='C')
    if array.dtype.kind != 'f':
        raise ValueError(f'{name}: type {array.dtype}; convert to uint8, uint16 or float in [0, 1]')
    check_unit_range(array, name)
    values = array.astype(np.float32, order='C')
    return np.clip(values, 0, 1, out=values)


def _png_bytes(samples):
    """Encode uint8 or uint16 samples (H, W, C), C from 1 to 4, as PNG."""
    if samples.dtype == np.uint16 and samples.shape[2] > 1:
        import tensorflow as tf  # Pillow writes no 16-bit colour

        return tf.io.encode_png(samples).numpy()
    buffer = io.BytesIO()
    Image.fromarray(samples[:, :, 0] if samples.shape[2] == 1 else samples).save(buffer, format='PNG')
    return buffer.getvalue()
