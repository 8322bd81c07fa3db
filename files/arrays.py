"""NumPy's files, .npy and .npz, in and out; never with pickles, which could run code."""

import math
import zipfile
from types import SimpleNamespace

import numpy as np

from files.memory import BYTES_PER_SAMPLE, check_memory
from files.metadata import Origin
from files.refusals import reason, refusing

LEAST_SIDE = 16  # of a page; fewer are channels
NAMED_ARRAYS = 10  # of an archive that holds several
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
NPY_MAGIC, NPZ_MAGIC = b'\x93NUMPY', b'PK'


def is_array_file(path):
    """Whether a file is one of NumPy's, by its first bytes."""
    with open(path, 'rb') as file:
        head = file.read(6)
    return head == NPY_MAGIC or (head.startswith(NPZ_MAGIC) and path.suffix.lower() == '.npz')


def read_array(path, is_stack=False):
    """Read the array of a .npy file, or the only one of an .npz file.

    Args:
        path: the file.
        is_stack: whether an array of three dimensions is (pages, H, W), not (H, W, C).

    Returns:
        (array, Origin).

    Raises:
        ValueError: naming the file and the remedy, if it holds none, several, objects, or is damaged, or does
            not fit the memory.
    """
    with refusing(path, _explain), open(path, 'rb') as file:
        if file.read(len(NPY_MAGIC)) == NPY_MAGIC:
            return _as_told('NPY', read_npy(file, path, path.stat().st_size), is_stack)
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) != 1:
                held = ', '.join(_key(member) for member in members[:NAMED_ARRAYS]) or 'nothing'
                raise ValueError(
                    f'{path}: holds {held}, and one array is wanted; save that one with numpy.save'
                )
            with archive.open(members[0]) as member:
                array = read_npy(member, path, members[0].file_size)
                member.read(1)  # to the end, where the checksum is compared
            return _as_told('NPZ', array, is_stack, _key(members[0]))


def _explain(error):
    return f'no array without pickles, or damaged ({reason(error)}); save it with numpy.save'


def read_npy(file, path, size):
    """Read an array in NumPy's format, whose shape has to fit the file and the memory.

    Args:
        file: binary file, open for reading.
        path: what error messages call it.
        size: its bytes.

    Returns:
        Array of any shape, and of any type but Python objects.

    Raises:
        ValueError, …: if it is damaged.
    """
    file.seek(0)
    shape, _, dtype = HEADERS[np.lib.format.read_magic(file)](file)
    if min(shape, default=1) < 0 or math.prod(shape) * dtype.itemsize > size:
        raise ValueError(f'shape {shape}, type {dtype}, in a file of {size} bytes')
    # Of axes in any order, the first two serve for height and width.
    sides = (*shape, 1, 1)[:2]
    check_memory(path, sides, math.prod(shape[2:]), dtype.itemsize + BYTES_PER_SAMPLE - 1)
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def write_array(path, array, key=None):
    """Write an array as .npy, or under the name `key` as .npz, to a path of any name."""
    with open(path, 'wb') as file:
        if key is None:
            # Not into the file itself: NumPy's own way there does not tell that a disk is full.
            np.save(SimpleNamespace(write=file.write), array, allow_pickle=False)
        else:
            np.savez_compressed(file, **{key: array})


def _as_told(kind, array, is_stack, key=None):
    """An array with its pages first, and its Origin, which knows the dimensions that it had."""
    ndim = array.ndim
    if is_stack and ndim == 3 and min(array.shape[1:]) >= LEAST_SIDE:
        array = array[..., np.newaxis]
    return array, Origin(kind, len(array) if array.ndim == 4 else 1, key=key, ndim=ndim)


def _key(member):
    """The name of an array in an archive."""
    return member.filename.removesuffix('.npy')
