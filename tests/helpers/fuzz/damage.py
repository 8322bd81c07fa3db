"""Ways to damage bytes: any bytes, and those whose layout is known."""

import struct

# What a count, an offset or a size is set to.
NUMBERS = (
    0,
    1,
    2,
    3,
    7,
    8,
    16,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    2**20,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
)
LARGEST_RUN = 64


def damage(rng, data, other=b''):
    """Damage bytes in one to four ways.

    Args:
        rng: numpy Generator.
        data: bytes, not empty.
        other: bytes of another file, parts of which may be put in.

    Returns:
        Bytes.
    """
    data = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        way = WAYS[rng.integers(len(WAYS))]
        way(rng, data, other)
        if not data:
            return bytes(rng.bytes(8))
    return bytes(data)


def _place(rng, data):
    """An index, half of the time near the beginning, where headers are."""
    end = min(len(data), 300) if rng.random() < 0.5 else len(data)
    return int(rng.integers(end))


def _flip(rng, data, _):
    for _ in range(int(rng.integers(1, 9))):
        data[_place(rng, data)] ^= 1 << int(rng.integers(8))


def _set_run(rng, data, _):
    at, length = _place(rng, data), int(rng.integers(1, LARGEST_RUN))
    run = rng.bytes(length) if rng.random() < 0.5 else bytes([rng.choice([0, 1, 127, 128, 255])]) * length
    data[at : at + length] = run[: len(data) - at]


def _set_number(rng, data, _):
    """Overwrite a whole number of 2, 4 or 8 bytes, mostly where such are aligned."""
    size = int(rng.choice([2, 4, 4, 8]))
    at = _place(rng, data)
    at -= at % size if rng.random() < 0.7 else 0
    number = NUMBERS[rng.integers(len(NUMBERS))] % 2 ** (8 * size)
    data[at : at + size] = number.to_bytes(size, 'little' if rng.random() < 0.5 else 'big')


def _cut(rng, data, _):
    del data[_place(rng, data) :]


def _remove(rng, data, _):
    at = _place(rng, data)
    del data[at : at + int(rng.integers(1, LARGEST_RUN))]


def _repeat(rng, data, _):
    at, length = _place(rng, data), int(rng.integers(1, LARGEST_RUN))
    data[at:at] = bytes(data[at : at + length]) * int(rng.integers(1, 9))


def _splice(rng, data, other):
    if other:
        at, start, length = _place(rng, data), _place(rng, other), int(rng.integers(1, 2000))
        data[at : at + length] = other[start : start + length]


WAYS = (_flip, _flip, _set_run, _set_number, _set_number, _set_number, _cut, _remove, _repeat, _splice)


def damage_tiff(rng, data):
    """Overwrite fields of the first directory of a classic TIFF in little-endian order."""
    data = bytearray(data)
    (at,) = struct.unpack_from('<I', data, 4)
    (count,) = struct.unpack_from('<H', data, at)
    for _ in range(int(rng.integers(1, 4))):
        entry = at + 2 + 12 * int(rng.integers(count))
        offset, size = [(0, 2), (2, 2), (4, 4), (8, 4), (8, 2), (8, 4)][rng.integers(6)]
        if entry + 12 <= len(data):
            number = NUMBERS[rng.integers(len(NUMBERS))]
            number = int(rng.integers(2**16)) if rng.random() < 0.3 else number
            data[entry + offset : entry + offset + size] = (number % 2 ** (8 * size)).to_bytes(size, 'little')
    return bytes(data)
