"""MATLAB's files, versions 4 to 7: which variables there are, and their matrices of numbers.

Nothing that a file says is believed before it is checked: a reader that indexes by its numbers crashes on a
damaged one, and one that asks for the memory they name takes all there is. Cells and structures are named,
not entered, so that no nesting is followed.

Source: MAT-File Format (MathWorks), chapters on level 5 and level 4.
"""

import math
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

NUMBERS = 'numbers'
MOST_NUMBERS = 2**21  # of a matrix that is read
HEAD_BYTES = 2**11  # in which a variable's flags, dimensions and name are
PACKING_BYTES = 2**14  # by which compressed data may be longer than what they hold
MOST_VARIABLES = 10_000

# Level 5: what an element of a file is, and the elements of a matrix.
MATRIX, COMPRESSED = 14, 15
FLAGS, DIMENSIONS, NAMES = 6, (5, 6), (1, 16)
MOST_DIMENSIONS = 32
# Types of stored numbers: the smallest that holds them, whatever the class of the matrix.
STORED = {1: 'i1', 2: 'u1', 3: 'i2', 4: 'u2', 5: 'i4', 6: 'u4', 7: 'f4', 9: 'f8', 12: 'i8', 13: 'u8'}
CLASSES = {1: 'a cell array', 2: 'a structure', 3: 'an object', 4: 'text', 5: 'a sparse matrix'}
CLASSES |= {number: NUMBERS for number in range(6, 16)} | {16: 'a function', 17: 'an object', 18: 'an object'}
OPAQUE = 17  # has no dimensions
IS_COMPLEX = 0x0800

# Level 4, which gives the type by decimal digits.
TYPES_4 = ('f8', 'f4', 'i4', 'i2', 'u2', 'u1')
KINDS_4 = (NUMBERS, 'text', 'a sparse matrix')
MOST_LETTERS = 64


@dataclass(frozen=True)
class Variable:
    """A variable of a file that is open.

    Attributes:
        name: text.
        kind: `NUMBERS`, or in words what else it is.
        load: function that returns the array of a variable of numbers, of any shape and number type; raises
            ValueError where it is damaged or too large.
    """

    name: str
    kind: str
    load: Callable


def variables(file):
    """Yield the variables of a file, in its order.

    Args:
        file: binary file, open for reading at its beginning, not of version 7.3.

    Yields:
        Variable.

    Raises:
        ValueError, struct.error, zlib.error: if it is no such file, or damaged.
    """
    head = file.read(128)
    is_level_4 = 0 in head[:4]
    order = {b'\0\1IM': '<', b'\1\0MI': '>'}.get(head[124:])
    if not is_level_4 and not order:
        raise ValueError('its header is none of MATLAB')
    file.seek(0 if is_level_4 else len(head))
    for _ in range(MOST_VARIABLES):
        start = file.tell()
        variable, size = _variable_4(file) if is_level_4 else _variable_5(file, order)
        yield variable
        file.seek(start + size)
        if not file.read(1):
            return
        file.seek(-1, 1)
    raise ValueError(f'more than {MOST_VARIABLES} variables')


def _variable_5(file, order):
    """The Variable at the place of a file, of level 5, and its size in bytes."""
    start = file.tell()
    kind, size = struct.unpack_from(f'{order}2I', file.read(8))
    if kind not in (MATRIX, COMPRESSED):
        raise ValueError(f'an element of type {kind}')
    take = partial(_inflated if kind == COMPRESSED else _plain, file, start, size)
    head = take(HEAD_BYTES)
    kind, inner = struct.unpack_from(f'{order}2I', head)
    if kind != MATRIX:
        raise ValueError(f'a compressed element of type {kind}')
    flags, shape, name, at = _head_5(order, head)
    load = partial(_load_5, take, order, inner + 8, shape, at, flags & IS_COMPLEX)
    return Variable(name, CLASSES.get(flags & 0xFF, 'of an unknown class'), load), 8 + size


def _plain(file, start, size, most):
    """The first bytes of an element."""
    file.seek(start)
    return file.read(min(8 + size, most))


def _inflated(file, start, size, most):
    """The first bytes of a compressed element: fewer than `most` only if it ends there as it should."""
    file.seek(start + 8)
    stream = zlib.decompressobj()
    data = stream.decompress(file.read(min(size, most + PACKING_BYTES)), most)
    if len(data) < most and not stream.eof:
        raise ValueError('compressed data that end too soon')
    return data


def _head_5(order, data):
    """Flags, shape and name of a matrix, and the index behind them."""
    kind, content, at = _part(order, data, 8)
    if kind != FLAGS or len(content) != 8:
        raise ValueError('a matrix without flags')
    (flags, _), shape = struct.unpack_from(f'{order}2I', content), ()
    if flags & 0xFF != OPAQUE:
        kind, content, at = _part(order, data, at)
        if kind not in DIMENSIONS or len(content) % 4 or not 8 <= len(content) <= 4 * MOST_DIMENSIONS:
            raise ValueError('a matrix without dimensions')
        shape = struct.unpack_from(f'{order}{len(content) // 4}i', content)
    kind, content, at = _part(order, data, at)
    if kind not in NAMES:
        raise ValueError('a matrix without a name')
    return flags, shape, content.decode('latin-1'), at


def _load_5(take, order, size, shape, at, is_complex):
    """The array of a matrix whose numbers begin at an index."""
    _check_count(shape)
    most = HEAD_BYTES + 16 * math.prod(shape)
    data = take(min(size, most) + 1)
    if len(data) != size:
        raise ValueError('a matrix of another length than it says')
    parts = []
    for _ in range(2 if is_complex else 1):
        kind, content, at = _part(order, data, at)
        if kind not in STORED:
            raise ValueError(f'numbers of type {kind}')
        parts.append(_array(content, order + STORED[kind], shape))
    return parts[0] + 1j * parts[1] if is_complex else parts[0]


def _part(order, data, at):
    """(type, content, index of the next) of the element of a matrix at an index."""
    kind, size = struct.unpack_from(f'{order}2I', data[at : at + 8])
    start, end = at + 8, at + 8 + size
    if kind >> 16:  # up to four bytes lie within the tag itself
        kind, size = kind & 0xFFFF, kind >> 16
        start, end = at + 4, at + 4 + size
    if end > len(data) or (start == at + 4 and size > 4):
        raise ValueError('an element that goes on behind its end')
    return kind, data[start:end], start + -(-size // 8) * 8 if start == at + 8 else at + 8


def _variable_4(file):
    """The Variable at the place of a file, of level 4, and its size in bytes."""
    head = file.read(20)
    order = '<' if 0 <= struct.unpack_from('<i', head[:4])[0] < 5000 else '>'
    number, rows, columns, is_complex, letters = struct.unpack_from(f'{order}5i', head)
    machine, zero, kind, use = (number // 10**power % 10 for power in (3, 2, 1, 0))
    if machine != '<>'.index(order) or zero or kind >= len(TYPES_4) or use >= len(KINDS_4):
        raise ValueError(f'a matrix of type {number}')
    if min(rows, columns) < 0 or is_complex not in (0, 1) or not 1 <= letters <= MOST_LETTERS:
        raise ValueError('a matrix without dimensions')
    name = file.read(letters).rstrip(b'\0').decode('latin-1')
    kind, dtype = KINDS_4[use], np.dtype(order + TYPES_4[kind])
    parts = 1 if kind == KINDS_4[2] else 1 + is_complex
    size = rows * columns * dtype.itemsize
    load = partial(_load_4, file, file.tell(), dtype, (rows, columns), parts)
    return Variable(name, kind, load), len(head) + letters + parts * size


def _load_4(file, start, dtype, shape, parts):
    _check_count(shape)
    file.seek(start)
    size = math.prod(shape) * dtype.itemsize
    found = [_array(file.read(size), dtype, shape) for _ in range(parts)]
    return found[0] + 1j * found[1] if parts > 1 else found[0]


def _check_count(shape):
    if min(shape) < 0 or math.prod(shape) > MOST_NUMBERS:
        raise ValueError(f'a matrix of shape {shape}; {MOST_NUMBERS} numbers are the most')


def _array(content, dtype, shape):
    """Numbers column by column as an array of a shape that has to fit."""
    dtype = np.dtype(dtype)
    if math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(f'{len(content)} bytes for a matrix of shape {shape}')
    return np.frombuffer(content, dtype).reshape(shape, order='F')
