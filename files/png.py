"""PNG files written strip by strip: Pillow writes neither 16-bit colours nor what does not fit the memory.

Source: PNG specification, third edition (W3C): chunks, section 5; filters, section 9.
"""

import struct
import zlib

import numpy as np

MAGIC = b'\x89PNG\r\n\x1a\n'
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # channels -> PNG's number: gray, gray and alpha, RGB, RGBA
LEVEL = 6  # of zlib
METRES_PER_INCH = 0.0254
EXIF_PREFIX = b'Exif\0\0'


def write(file, strips, shape, bits, *, icc=None, exif=None, dpi=None):
    """Write a picture as PNG.

    Args:
        file: binary file, open for writing.
        strips: iterable of uint8 or uint16 arrays (rows, W, C), from the top.
        shape: (H, W, C), C from 1 to 4.
        bits: 8 or 16.
        icc, exif: bytes of a colour profile and of EXIF, or None.
        dpi: (vertical, horizontal) pixels per inch, or None.
    """
    height, width, channels = shape
    file.write(MAGIC)
    _chunk(file, b'IHDR', struct.pack('>IIBBBBB', width, height, bits, COLOUR_TYPES[channels], 0, 0, 0))
    if icc:
        _chunk(file, b'iCCP', b'ICC profile\0\0' + zlib.compress(icc))
    if dpi:
        down, across = (round(n / METRES_PER_INCH) for n in dpi)
        _chunk(file, b'pHYs', struct.pack('>IIB', across, down, 1))
    if exif:
        _chunk(file, b'eXIf', exif.removeprefix(EXIF_PREFIX))
    squeeze = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_FILTERED)
    above = np.zeros((1, width * channels * bits // 8), np.uint8)
    for strip in strips:
        rows = np.ascontiguousarray(strip, '>u2' if bits == 16 else np.uint8).view(np.uint8)
        rows = rows.reshape(len(strip), -1)
        data = squeeze.compress(_filtered(rows, above, channels * bits // 8).tobytes())
        above = rows[-1:]
        if data:
            _chunk(file, b'IDAT', data)
    _chunk(file, b'IDAT', squeeze.flush())
    _chunk(file, b'IEND', b'')


def _filtered(rows, above, step):
    """Bytes of rows, each as what one of five predictions leaves of it, behind the number of that prediction.

    Args:
        rows: uint8 array (rows, bytes).
        above: the row before the first.
        step: bytes of a pixel.
    """
    up = np.concatenate([above, rows[:-1]])
    left, corner = (np.pad(each, ((0, 0), (step, 0)))[:, :-step] for each in (rows, up))
    # (left + up) / 2 without a carry.
    mean = (left & up) + ((left ^ up) >> 1)
    predictions = [0, left, up, mean, _paeth(left, up, corner)]
    best = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    least = np.full(len(rows), np.inf)
    for number, prediction in enumerate(predictions):
        rest = rows - prediction
        # The customary guess of what compresses best: the least sum of absolute remainders.
        sums = np.minimum(rest, 0 - rest).sum(axis=1, dtype=np.int64)
        better = sums < least
        least[better] = sums[better]
        best[better, 0], best[better, 1:] = number, rest[better]
    return best


def _paeth(left, up, corner):
    """Whichever of the three is nearest to left + up − corner."""
    a, b, c = (each.astype(np.int16) for each in (left, up, corner))
    to_left, to_up, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    return np.where(
        (to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner)
    )


def _chunk(file, kind, data):
    file.write(struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data)))
