"""PNG files written strip by strip, and their checksums.

Pillow writes neither 16-bit colours nor what does not fit the memory, and passes over checksums of pixels.

Source: PNG specification, third edition (W3C): chunks, section 5; filters, section 9.
"""

import struct
import zlib

import numpy as np

MAGIC = b'\x89PNG\r\n\x1a\n'
GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6  # PNG's numbers of what a pixel is
COLOUR_TYPES = {1: GRAY, 2: GRAY_ALPHA, 3: RGB, 4: RGBA}  # by channels
CHANNELS = {PALETTE: 1} | {number: channels for channels, number in COLOUR_TYPES.items()}
LEVEL = 6  # of zlib
BLOCK = 2**20  # bytes that are read, or inflated, at once
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


def check(path):
    """Refuse a PNG whose checksums do not fit what they are of, or that ends too soon.

    Every chunk has one (CRC-32), and so have the pixels before they are packed (zlib's Adler-32).

    Args:
        path: a file that begins like a PNG.

    Raises:
        ValueError, struct.error, zlib.error: where it is damaged.
    """
    with open(path, 'rb') as file:
        file.seek(len(MAGIC))
        pixels, left, kind = zlib.decompressobj(), 0, None
        while kind != b'IEND':
            length, kind = struct.unpack('>I4s', file.read(8))
            crc = zlib.crc32(kind)
            for data in _blocks(file, length):
                crc = zlib.crc32(data, crc)
                if kind == b'IHDR':
                    left = _most_bytes(data)
                while kind == b'IDAT' and data:
                    left -= len(pixels.decompress(data, BLOCK))
                    data = pixels.unconsumed_tail
                    if left < 0:
                        raise ValueError('more pixels than it says')
            if file.read(4) != struct.pack('>I', crc):
                raise ValueError(f'the checksum of its chunk {kind.decode("latin-1")} is wrong')
    if not pixels.eof:
        raise ValueError('its pixels end too soon')


def relabelled(path, bits, colour_type):
    """The bytes of a PNG that says of the same data that they are of other bits and colours."""
    data = path.read_bytes()
    start = len(MAGIC) + 8
    header = data[start : start + 8] + bytes([bits, colour_type]) + data[start + 10 : start + 13]
    crc = struct.pack('>I', zlib.crc32(b'IHDR' + header))
    return data[:start] + header + crc + data[start + 17 :]


def _blocks(file, length):
    """Yield the bytes of a chunk, not more at once than there are."""
    while length:
        data = file.read(min(length, BLOCK))
        if not data:
            raise ValueError('it ends too soon')
        length -= len(data)
        yield data


def _most_bytes(header):
    """The most bytes that the pixels of an image can be, interlaced ones included."""
    width, height, bits, colour_type = struct.unpack('>IIBB', header[:10])
    row = -(-width * bits * CHANNELS.get(colour_type, 4) // 8)
    # Interlaced ones are in seven parts, with less than twice as many rows; a row has up to two bytes more.
    return height * row + 4 * (height + 7)
