"""NumPy's files, .npy and .npz, in and out; never with pickles, which could run code."""

import numpy as np

from files.metadata import Origin
from files.storage import one_line

NPY_MAGIC, NPZ_MAGIC = b'\x93NUMPY', b'PK'


def is_array_file(path):
    """Whether a file is one of NumPy's, by its first bytes."""
    with open(path, 'rb') as file:
        head = file.read(6)
    return head == NPY_MAGIC or (head.startswith(NPZ_MAGIC) and path.suffix.lower() == '.npz')


def read_array(path):
    """Read the array of a .npy file, or the only one of an .npz file.

    Returns:
        (array, Origin).

    Raises:
        ValueError: naming the file and the remedy, if it holds none, several, objects, or is damaged.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded, Origin('NPY', _pages(loaded), ndim=loaded.ndim)
        with loaded:
            names = loaded.files
            if len(names) == 1:
                array = loaded[names[0]]
                return array, Origin('NPZ', _pages(array), key=names[0], ndim=array.ndim)
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
            np.save(file, array, allow_pickle=False)
        else:
            np.savez_compressed(file, **{key: array})


def _pages(array):
    return len(array) if array.ndim == 4 else 1
