"""Reading, checking and writing image and .mat files.

Files become float arrays (H, W, C) in [0, 1] here, and floats become file bytes here, nowhere else. A file
that cannot be used is refused with one line that names it and says what to do. Refusing one never loads
TensorFlow, which only reads and writes 16-bit colour PNGs: Pillow cuts those to 8 bits without a word.
"""

import contextlib
import hashlib
import io
import os
import re
import uuid
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

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

STRIP_ROWS = 256  # rows turned into integers at a time: a float64 copy of 48 megapixels would take 1.1 GB


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
    _check_file(path)
    samples, orientation = _decode(path, min_side, full_depth)
    return from_array(_upright(samples, orientation), min_side, name=str(path))


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
    _check_size(name, array.shape[1], array.shape[0], min_side)
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
    atomic_write(path, _png_bytes(_to_integers(path, planes, bits)))


def atomic_write(path, data):
    """Write a file whole or not at all, so that an interrupted run leaves no half file behind.

    Args:
        path: the file to write or replace, in an existing folder.
        data: bytes.

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if `path` is a folder.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f'{path}: the folder {path.parent} does not exist; create it first')
    if path.is_dir():
        raise ValueError(f'{path}: is a folder; give the name of a file')
    # The same folder, because a rename is atomic only within one file system.
    temporary = path.parent / f'.{uuid.uuid4().hex}.tmp'
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_kernel(path):
    """Read a blur kernel from a MATLAB file, as it is: neither normalised nor shifted.

    Args:
        path: .mat file (up to version 7) with a 2-D numeric matrix `Kernel`.

    Returns:
        Float64 array (h, w).

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no such file, or its `Kernel` is not usable (`check_kernel`).
    """
    from scipy import io as scipy_io

    path = Path(path)
    _check_file(path)
    with open(path, 'rb') as file:
        head = file.read(520)
        # MATLAB puts 512 bytes of its own in front of the HDF5 signature, other programs none.
        if head.startswith(b'MATLAB 7.3') or b'\x89HDF' in head:
            raise ValueError(f"{path}: a version 7.3 (HDF5) .mat file; save it with save(..., '-v7')")
        file.seek(0)
        try:
            names = [name for name, _, _ in scipy_io.whosmat(file)]
            file.seek(0)
            variables = scipy_io.loadmat(file, variable_names=['Kernel'])
        except Exception as error:  # scipy's readers raise a dozen types, depending on where the file breaks
            reason = one_line(error)
            raise ValueError(f"{path}: not a readable .mat file ({reason}); save it with '-v7'") from error
    if 'Kernel' not in variables:
        held = ', '.join(names) or 'nothing'
        raise ValueError(f'{path}: has no variable Kernel, it holds {held}; save the matrix under that name')
    return check_kernel(variables['Kernel'], f'{path}: Kernel')


def check_kernel(kernel, name='kernel'):
    """Check that an array can serve as a blur kernel.

    Args:
        kernel: 2-D array of finite real numbers with a positive sum. Not changed.
        name: what error messages call it.

    Returns:
        A float64 copy (h, w).

    Raises:
        ValueError: if it is anything else.
    """
    try:
        kernel = np.asarray(kernel)
    except ValueError as error:
        raise ValueError(f'{name} is no rectangular array; give a 2-D matrix of numbers') from error
    if kernel.dtype.kind not in 'biufc':
        raise ValueError(f'{name} is not numeric (type {kernel.dtype}); give a 2-D matrix of numbers')
    if kernel.dtype.kind == 'c':
        raise ValueError(f'{name} is complex; give real numbers, e.g. real(Kernel)')
    if kernel.ndim != 2 or kernel.size == 0:
        raise ValueError(f'{name} has shape {kernel.shape}; give a 2-D matrix that is not empty')
    kernel = kernel.astype(np.float64)
    if not np.isfinite(kernel).all():
        raise ValueError(f'{name} has NaN or infinite entries; give finite numbers')
    # Relative, because a kernel that cancels rarely does so to the last bit.
    if kernel.sum() <= 1e-8 * np.abs(kernel).sum():
        raise ValueError(f'{name} sums to {kernel.sum():g}; give a kernel with a positive sum, usually 1')
    return kernel


def sha256(path):
    """Fingerprint of a file, for the record of a run.

    Args:
        path: an existing file.

    Returns:
        The SHA-256 of its bytes, 64 hexadecimal digits.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _check_file(path):
    """Raise if `path` is missing, a folder, empty or not allowed to be read."""
    if not path.exists():
        raise FileNotFoundError(f'{path}: no such file; check the path')
    if not path.is_file():
        raise ValueError(f'{path}: is not a file; give the path of one')
    if path.stat().st_size == 0:
        raise ValueError(f'{path}: is an empty file (0 bytes); copy or save it again')
    if not os.access(path, os.R_OK):
        raise ValueError(f'{path}: may not be read; change its permissions')


def _check_size(name, width, height, min_side):
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


def _decode(path, min_side, full_depth):
    """Samples of an image file as stored, (H, W) or (H, W, C), and its EXIF orientation."""
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
        _check_size(path, *image.size, min_side)
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
    _check_size(path, page.imagewidth, page.imagelength, min_side)
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


def _upright(samples, orientation):
    """Turn and mirror samples (H, W) or (H, W, C) as an EXIF orientation from 1 to 8 asks."""
    transpose, flip_rows, flip_columns = TURNS.get(orientation, (0, 0, 0))
    if transpose:
        samples = samples.swapaxes(0, 1)
    return samples[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]


def _to_floats(array, name):
    """A float32 copy in [0, 1] of an array of uint8, uint16, or floats already in that range."""
    if array.dtype.kind == 'u' and array.dtype.itemsize <= 2:
        largest = np.float32(2 ** (8 * array.dtype.itemsize) - 1)
        return np.divide(array, largest, dtype=np.float32, order='C')
    if array.dtype.kind != 'f':
        raise ValueError(f'{name}: type {array.dtype}; convert to uint8, uint16 or float in [0, 1]')
    low, high = array.min(), array.max()  # both NaN if any value is
    if np.isnan(low):
        raise ValueError(f'{name}: has NaN values; give finite values in [0, 1]')
    if not (low >= -1e-6 and high <= 1 + 1e-6):
        raise ValueError(f'{name}: values from {low:g} to {high:g} are not within [0, 1]; divide by 255?')
    values = array.astype(np.float32, order='C')
    return np.clip(values, 0, 1, out=values)


def _to_integers(path, planes, bits):
    """Floats (H, W, C), joined along C, as one unsigned integer array of `bits` bits, rounded half up."""
    height, width = planes[0].shape[:2]
    largest = 2**bits - 1
    channels = sum(plane.shape[2] for plane in planes)
    samples = np.empty((height, width, channels), np.uint8 if bits == 8 else np.uint16)
    for top in range(0, height, STRIP_ROWS):
        strip = np.concatenate([plane[top : top + STRIP_ROWS] for plane in planes], axis=2, dtype=np.float64)
        if np.isnan(strip).any():
            raise ValueError(f'{path}: cannot write NaN values; find out which step made them')
        np.clip(strip, 0, 1, out=strip)
        samples[top : top + STRIP_ROWS] = np.floor(strip * largest + 0.5)
    return samples


def _png_bytes(samples):
    """Encode uint8 or uint16 samples (H, W, C), C from 1 to 4, as PNG."""
    if samples.dtype == np.uint16 and samples.shape[2] > 1:
        import tensorflow as tf  # Pillow writes no 16-bit colour

        return tf.io.encode_png(samples).numpy()
    buffer = io.BytesIO()
    Image.fromarray(samples[:, :, 0] if samples.shape[2] == 1 else samples).save(buffer, format='PNG')
    return buffer.getvalue()


def one_line(error):
    """Put what an exception says, or its kind if it says nothing, on one line."""
    return ' '.join(str(error).split()) or type(error).__name__
