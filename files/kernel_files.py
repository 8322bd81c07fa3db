"""Files that hold a blur kernel, read as a matrix: MATLAB's, NumPy's, text and pictures.

Whatever breaks in a file becomes one line that names it and says what to do.
"""

import struct

import numpy as np

from files import arrays, mat, png
from files.refusals import reason, refusing

# No blur is that large: files and pictures beyond it are refused before they are read.
MOST_BYTES = 2**24
MOST_PIXELS = 2**21

# Of a file without a kernel, so many variables are named, by so many letters.
NAMED, LETTERS = 10, 64

PNG_REMEDY = 'save the kernel as a gray PNG of 8 or 16 bits'


def _reading(path, kind, remedy):
    return refusing(path, lambda error: f'not a readable {kind} file ({reason(error)}); {remedy}')


def _check_bytes(path):
    size = path.stat().st_size
    if size > MOST_BYTES:
        most = f'{MOST_BYTES >> 20} MiB is the most'
        raise ValueError(f'{path}: {size >> 20} MiB is too large for a kernel, {most}; crop the kernel')


def read_mat(path):
    """The matrix `Kernel` of a MATLAB file (up to version 7): array of numbers, of any shape and type."""
    with open(path, 'rb') as file:
        head = file.read(520)
        # MATLAB puts 512 bytes of its own in front of the HDF5 signature, other programs none.
        if head.startswith(b'MATLAB 7.3') or b'\x89HDF' in head:
            raise ValueError(f"{path}: a version 7.3 (HDF5) .mat file; save it with save(..., '-v7')")
        file.seek(0)
        names, kind = [], None
        with _reading(path, '.mat', "save it with '-v7'"):
            for variable in mat.variables(file):
                names.append(variable.name)
                if variable.name == 'Kernel':
                    kind = variable.kind
                    if kind == mat.NUMBERS:
                        return variable.load()
                    break
    if kind:
        raise ValueError(f'{path}: Kernel is not numeric ({kind}); give a 2-D matrix of numbers')
    held = ', '.join(map(_shown, names[:NAMED])) + f' and {len(names) - NAMED} more' * (len(names) > NAMED)
    raise ValueError(
        f'{path}: has no variable Kernel, it holds {held or "nothing"}; save the matrix under that name'
    )


def _shown(name):
    """A variable's name as a message can show it: in a damaged file it may be anything."""
    return ''.join(filter(str.isprintable, name))[:LETTERS] or "''"


def read_npy(path):
    """The array of a NumPy file, of any shape and type but Python objects, which would be unpickled."""
    _check_bytes(path)
    remedy = 'save the matrix with numpy.save'
    with open(path, 'rb') as file:
        if file.read(6) != arrays.NPY_MAGIC:
            raise ValueError(f'{path}: not a .npy file (nor are pickles and .npz read); {remedy}')
        with _reading(path, '.npy', f'{remedy}, as numbers'):
            return arrays.read_npy(file, path, path.stat().st_size)


def read_text(path):
    """The numbers of a text file, a row on each line, with commas or blanks between: float64 (h, w).

    Where a line has a comma, commas separate; # begins a comment.
    """
    _check_bytes(path)
    with _reading(path, '.txt', 'save it as plain text (UTF-8), a row of numbers on each line'):
        lines = path.read_bytes().decode('utf-8-sig').splitlines()
    rows = {}
    for number, line in enumerate(lines, 1):
        line = line.partition('#')[0].strip()
        if line:
            rows[number] = [_number(path, number, word) for word in line.split(',' if ',' in line else None)]
    if not rows:
        raise ValueError(f'{path}: holds no numbers; write a row of the kernel on each line')
    first = next(iter(rows))
    for number, row in rows.items():
        if len(row) != len(rows[first]):
            here, there = f'line {number} has {len(row)} numbers', f'line {first} has {len(rows[first])}'
            raise ValueError(f'{path}: {here} and {there}; give every row of the kernel as many')
    return np.array(list(rows.values()))


def _number(path, line, word):
    try:
        return float(word)
    except ValueError as error:
        shown = repr(word.strip()[:20])
        remedy = 'write numbers with a decimal point, and commas or blanks between them'
        raise ValueError(f'{path}: line {line}: {shown} is no number; {remedy}') from error


def read_png(path):
    """The gray values of a PNG as they are stored, at 8 or 16 bits: float64 (h, w)."""
    from PIL import Image

    _check_bytes(path)
    with open(path, 'rb') as file:
        is_deep = _check_png_head(path, file.read(26))
        with _reading(path, '.png', PNG_REMEDY):
            png.check(path)
            image = Image.open(file, formats=['PNG'])
            image.load()
            planes = [np.asarray(image)] if is_deep else [*map(np.asarray, image.convert('RGBA').split())]
    # A palette's transparency is in its alpha; other images have one colour for it.
    has_key = 'transparency' in image.info and image.mode != 'P'
    if has_key or (planes[3:] and (planes[3] < 255).any()):
        raise ValueError(f'{path}: is transparent in places; {PNG_REMEDY}, without transparency')
    if any((plane != planes[0]).any() for plane in planes[1:3]):
        raise ValueError(f'{path}: is coloured, its three channels differ; {PNG_REMEDY}')
    return planes[0].astype(np.float64)


def _check_png_head(path, head):
    """Refuse a PNG by its first 26 bytes; returns whether it has 16 bits."""
    if len(head) < 26 or not head.startswith(png.MAGIC):
        raise ValueError(f'{path}: not a PNG, or an incomplete one; {PNG_REMEDY}')
    width, height, depth, colour = struct.unpack('>IIBB', head[16:26])
    if width * height > MOST_PIXELS:
        raise ValueError(f'{path}: {height}×{width} pixels are too many for a kernel; crop the kernel')
    if depth == 16 and colour != png.GRAY:
        # Pillow would cut it to 8 bits.
        raise ValueError(f'{path}: a 16-bit PNG with colour or alpha; {PNG_REMEDY}')
    return depth == 16


READERS = {'.mat': read_mat, '.npy': read_npy, '.txt': read_text, '.png': read_png}
