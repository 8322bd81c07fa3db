"""The pictures of one image, read and brought to one size and number of channels."""

from dataclasses import dataclass

import numpy as np

from comparing import strips
from comparing.metrics import scale_border
from files.pictures import read_image
from files.records import read_units
from files.rounding import to_integers

# Pixels of a result beyond which it is not shown: pages hold it scaled down, but it would be read whole.
LARGEST = 2**27


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class Pictures:
    """The pictures of one image: uint8 arrays (H, W, C) of one shape, except for `input`'s size.

    `icc` is the colour profile that they are meant in, bytes, where it is the last result's.
    """

    results: tuple
    truth: np.ndarray | None = None
    input: np.ndarray | None = None
    bicubic: np.ndarray | None = None
    icc: bytes | None = None


def load(files):
    """Read the results of an image, and the input and ground truth that it has.

    Where truth and results differ by less than the scale factor, the larger is cropped at the bottom and
    right: so much is lost or added where a size is no multiple of the scale.

    Args:
        files: `ImageFiles` with one result or two, the first of two None for bicubic enlargement.

    Returns:
        `Pictures`, and a list of notes, each one line.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file cannot be read, or the results differ in size or, beyond gray and RGB, channels.
    """
    notes = []
    units = read_units(files.results[-1].run)
    if units.pixels > LARGEST:
        size = f'{units.pixels / 1e6:.0f} megapixels'
        raise ValueError(f'{files.name}: its result of {size} is too large to be shown here; open the file')
    values = units.values
    if values and values.note():
        notes.append(f'{files.name}: {values.note()}')
    # Reading takes most memory, so all is read before the enlargement is made.
    in_units = 'full' if units.is_stretched else values
    first = 1 if units.is_stack else 'first'
    profiles = []
    results = [result and _read(result.path, notes, in_units, first, profiles) for result in files.results]
    truth = files.ground_truth and _read(files.ground_truth, notes, values)
    source = files.input and _read(files.input, notes, values, units.page)
    shape = results[-1].shape[:2]
    bicubic = None if source is None else strips.enlarge(source, files.scale, shape)
    results = [bicubic if result is None else result for result in results]
    if results[0].shape[:2] != shape:
        raise ValueError(f'{_both(files, map(_size, results))}; left out')
    if not comparable(results[0], results[-1]):
        channels = (f'of {result.shape[2]} channels' for result in results)
        raise ValueError(f'{_both(files, channels)}; left out')
    if truth is not None:
        sizes = f'{files.ground_truth}: is {_size(truth)}, the results {_size(results[0])}'
        excess = np.abs(np.subtract(truth.shape[:2], shape))
        if (excess >= scale_border(files.scale)).any():
            notes.append(f'{sizes}; not measured against it')
            truth = None
        elif excess.any():
            notes.append(f'{sizes}; cropped to the smaller')
    if truth is not None and not comparable(truth, results[0]):
        counts = f'{truth.shape[2]} channels, the results {results[0].shape[2]}'
        notes.append(f'{files.ground_truth}: has {counts}; not measured against it')
        truth = None
    *results, truth = alike(*results, truth)
    return Pictures(tuple(results), truth, source, bicubic, profiles[-1]), notes


def alike(*images):
    """Crop images to the smallest height and width, and bring gray and RGB together; None stays None."""
    present = [image for image in images if image is not None]
    height, width = (min(image.shape[axis] for image in present) for axis in (0, 1))
    present = [image[:height, :width] for image in present]
    if len({image.shape[2] for image in present}) > 1:
        # Gray is measured as it is: where another program wrote it as RGB, that is undone.
        gray = all((image == image[:, :, :1]).all() for image in present)
        present = [
            image[:, :, :1] if gray else np.broadcast_to(image, (height, width, 3)) for image in present
        ]
    fitted = iter(present)
    return [None if image is None else next(fitted) for image in images]


def comparable(a, b):
    """Whether two pictures have the same channels, or one is gray and the other RGB."""
    return a.shape[2] == b.shape[2] or {a.shape[2], b.shape[2]} == {1, 3}


def _read(path, notes, values, page='first', profiles=None):
    """An image file as uint8 (H, W, C); the alpha that the original adds everywhere is dropped.

    What is black and white `values` say, where a run has recorded it.
    """
    with np.errstate(all='ignore'):  # a record may tell a range in which the file's values overflow
        try:
            picture = read_image(path, value_range=values or 'full', pages=page, large=True)
        except ValueError:
            if values:
                raise
            # Of values that are no share of their type's range, the data's own.
            picture = read_image(path, value_range='auto', pages=page, large=True)
            notes.append(f'{path}: {picture.values.note()}')
        eight_bits = to_integers(picture.pixels)
    if picture.alpha is not None and picture.alpha.min() < 1:
        notes.append(f'{path}: is partly transparent; compared without its transparency')
    if profiles is not None:
        profiles.append(picture.origin.icc)
    return eight_bits


def _both(files, facts):
    """The start of a line on two results that cannot be compared: either file, and a fact on it."""
    paths = (result.path if result else f'bicubic enlargement of {files.input}' for result in files.results)
    (one, two), (a, b) = paths, facts
    return f'{files.name}: {one} is {a} and {two} {b}'


def _size(image):
    return f'{image.shape[0]}×{image.shape[1]} pixels'
