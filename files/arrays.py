"""NumPy's files, .npy and .npz, in and out; never with pickles, which could run code."""

from types import SimpleNamespace

import numpy as np

from files.metadata import Origin
from files.storage import one_line

LEAST_SIDE = 16  # of a page; fewer are channels
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
        ValueError: naming the file and the remedy, if it holds none, several, objects, or is damaged.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return _as_told('NPY', loaded, is_stack)
        with loaded:
            names = loaded.files
            if len(names) == 1:
                return _as_told('NPZ', loaded[names[0]], is_stack, names[0])
    except Exception as error:  # NumPy and zipfile raise half a dozen types
        raise ValueError(
            f'{path}: no array without pickles, or damaged ({one_line(error)}); save it with numpy.save'
        ) from error
    held = ', '.join(names) or 'nothing'
    raise ValueError(f'{path}: holds {held}, and one array is wanted; save that one with numpy.save')


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
