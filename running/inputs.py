"""Which images there are to enlarge, what belongs to each, and which of them can be used."""

import glob
import math
import re
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from files.image_files import ImageFiles, load_inputs
from files.kernels import read_kernel
from files.memory import check_memory, is_shortage
from files.names import (
    KERNEL_SUFFIXES,
    SUFFIXES,
    ground_truth_names,
    image_files,
    is_ground_truth,
    is_image,
    kernel_names,
)
from files.saving import Saving
from files.storage import PROJECT, one_line, printable
from learning.strips import bytes_per_sample
from settings.nearest import did_you_mean_file

# A picture called like a kernel is one if it is no larger than this, and than half of its image.
LARGEST_KERNEL_PICTURE = 64

# So many files that are not read are named.
NAMED_FILES = 10


@dataclass(frozen=True)
class Found:
    """The images to enlarge.

    Attributes:
        paths: in the order given, those of a folder or pattern by name; no ground truths beside their images.
        several: whether there may be more than one: then one that fails does not stop the others.
        unread: files of the folders that are no images and belong to none.
    """

    paths: list
    several: bool = False
    unread: list = field(default_factory=list)


def looks_like_input(word):
    """Whether a word of the command line can only be an image, a folder or a pattern: by its looks."""
    path = Path(word)
    return (
        path.exists()
        or (PROJECT / path).exists()
        or path.suffix.lower() in SUFFIXES
        or _is_pattern(path)
        or (path.parent != Path() and path.parent.is_dir())
    )


def find_all(places, option=' with --input'):
    """List the images of several places.

    Args:
        places: images, folders and patterns such as 'scans/*.tif'; relative ones may also lie in the project.
        option: how the user gives another, for error messages.

    Returns:
        Found.

    Raises:
        FileNotFoundError: naming the place at which there is nothing, and what may be meant.
    """
    paths, unread, several = {}, [], len(places) > 1
    for place in places:
        found, is_many = find_inputs(place, option)
        several |= is_many
        paths |= {path.resolve(): path for path in found}
        if _located(place).is_dir():
            unread += unread_files(_located(place))
    truths = {path.with_name(name) for path in paths.values() for name in ground_truth_names(path)}
    return Found([path for path in paths.values() if path not in truths], several, unread)


def find_inputs(path, option=' with --input'):
    """List the images to enlarge.

    Args:
        path: an image file, a folder, or a pattern; a relative one may also lie in the project.
        option: how the user gives another, for error messages.

    Returns:
        (paths, is_many): sorted and without ground truths and kernels, and whether a folder or a pattern was
        given.

    Raises:
        FileNotFoundError: if there is no such file or folder, or no image in it.
    """
    path = _located(path)
    if path.is_file():
        return [path], False
    if not path.exists() and not _is_pattern(path):
        remedy = f'give an image or a folder{option}{did_you_mean_file(path)}'
        raise FileNotFoundError(f'{path}: no such file or folder; {remedy}')
    if path.exists():
        files = image_files(path)
    else:
        files = sorted(filter(is_image, map(Path, glob.glob(str(path), recursive=True))))
    found = [file for file in files if not is_ground_truth(file) and not _is_kernel_picture(file)]
    if not found and path.exists():
        raise FileNotFoundError(
            f'{path}: no image in this folder (looked for {", ".join(SUFFIXES)}); '
            f'put some there or give another{option}'
        )
    if not found:
        remedy = f'give an image or a folder{option}{did_you_mean_file(path)}'
        raise FileNotFoundError(f'{path}: no image is called like this; {remedy}')
    return found, True


def unread_files(folder):
    """The names of a folder's files that are no images, belong to none, and are not hidden."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and not file.name.startswith('.')]
    stems = {file.stem for file in files if is_image(file)}
    return [file.name for file in files if not is_image(file) and _owner(file) not in stems]


def unread_note(names):
    """Name files that are not read, in a line; None if there are none."""
    if not names:
        return None
    rest = f' and {len(names) - NAMED_FILES} more' if len(names) > NAMED_FILES else ''
    return f'not read: {", ".join(names[:NAMED_FILES])}{rest}'


def find_files(path, conf, kernels=None, ground_truth=None, needs_kernel=False):
    """Find what belongs to an image: `NAME_gt`, and kernels `NAME_0.mat`, `NAME_1.npy`, … one per scale.

    Kernels are looked for beside the image first, then in the project's kernels/.

    Args:
        path: the image.
        conf: Config, for its scales.
        kernels: files given by the user, used instead; an empty list for none.
        ground_truth: file given by the user, used instead.
        needs_kernel: whether to warn where none is found.

    Returns:
        (files, warning): ImageFiles, and a line on kernels that are missing, or None.
    """
    truth = Path(ground_truth) if ground_truth else _first_file(map(path.with_name, ground_truth_names(path)))
    files = ImageFiles(path.stem, path, truth, tuple(map(Path, kernels or ())) or None)
    if kernels is not None:
        return files, None
    count = len(conf.scales)
    found = [_find_kernel(path, index, count) for index in range(count)]
    if all(found):
        return replace(files, kernels=tuple(found)), None
    names = kernel_names(path.stem, count)
    missing = [name for name, file in zip(names, found, strict=True) if file is None]
    if len(missing) < len(names):
        return files, f'{path}: WARNING: of the kernels, {", ".join(missing)} is missing, so none is used'
    if needs_kernel:
        remedy = f'--kernel estimate takes it from the image, --kernel FILE or {names[0]} beside it gives one'
        return files, f'{path}: WARNING: no kernel found, which this preset is for; {remedy}'
    return files, None


def kernel_note(files, conf):
    """Which kernels are used for an image, in words."""
    if files.kernels:
        return f'kernel {", ".join(map(str, files.kernels))}'
    return f'no kernel, {conf.downscale_method} interpolation'


def check_kernels(kernels, conf):
    """Refuse kernel files, given for every image, that cannot be used or are not one per scale of `conf`."""
    if len(kernels) != len(conf.scales):
        raise ValueError(
            f'--kernel: {len(kernels)} given for {len(conf.scales)} scale_factors; give one per scale'
        )
    for file in kernels:
        check_given(file)
        read_kernel(file)


def check_given(file):
    """Refuse a file that the user names and that is not there, and suggest the nearest."""
    if not Path(file).exists():
        raise FileNotFoundError(f'{file}: no such file; check the path{did_you_mean_file(file)}')


def check_images(images, conf, truth_is_given=True):
    """Set aside the images whose files cannot be used, before any time is spent on the others.

    Args:
        images: list of ImageFiles.
        conf: Config, validated.
        truth_is_given: whether an image fails where its ground truth does not fit; else it goes without.

    Returns:
        (images, failures, unmeasured): those that can be run, their channels and size known; a line for each
        other; and a line for each ground truth that is left out.
    """
    good, failures, unmeasured, names = [], [], [], {}
    for files in images:
        try:
            twin = names.get(files.name, files.input)
            if twin != files.input:
                raise ValueError(f'its results would replace those of {twin.name}; rename one of the two')
            pictures, error = _read(files, conf, truth_is_given)
            _check_result(files, pictures, conf)
        except Exception as error:  # whatever one image raises, the others run
            failures.append(failure_line(files, error))
            continue
        if error:
            unmeasured.append(f'{files.input}: WARNING: not measured: {error}')
            files = replace(files, ground_truth=None)
        names[files.name] = files.input
        *size, channels = pictures[0].pixels.shape
        good.append(replace(files, channels=channels, size=tuple(size), pages=len(pictures)))
        del pictures  # before the next ones are read
    return good, failures, unmeasured


def _read(files, conf, truth_is_given):
    """The pictures of an image that can be used, and what is wrong with its ground truth, or None."""

    def load(truth):
        """The pictures, with a ground truth that has to fit."""
        pictures, *_ = load_inputs(files.input, conf, truth, files.kernels, full_depth=False)
        return pictures

    try:
        return load(files.ground_truth), None
    except Exception as error:
        if truth_is_given or files.ground_truth is None:
            raise
        # Unless it is the image itself that cannot be used.
        return load(None), one_line(error)


def _check_result(files, pictures, conf):
    """Refuse an image whose result cannot be written as is wanted, or does not fit the memory."""
    is_streamed = False
    if conf.save_results:
        saving = Saving(pictures, conf, files.name, is_named=True)
        is_streamed = saving.is_streamed(len(conf.scales) - 1, files.ground_truth)
    *shape, channels = pictures[0].pixels.shape
    each = bytes_per_sample(conf, shape, is_streamed)
    check_memory(str(files.input), shape, channels * len(pictures), each)


def failure_line(files, error):
    """One line that names the image and what went wrong with it."""
    message, name = one_line(error), printable(str(files.input))
    if is_shortage(error):
        return f'{name}: out of memory; crop it, free memory, or use fewer --workers'
    # An error of no input's making has half of its message in its kind.
    if str(error) and not isinstance(error, ValueError | OSError):
        message = f'{type(error).__name__}: {message}'
    return message if message.startswith(name) else f'{name}: {message}'


def _located(path):
    """The path itself, or the one in the project where only that is there."""
    path = Path(path)
    return PROJECT / path if not path.exists() and (PROJECT / path).exists() else path


def _is_pattern(path):
    return any(sign in str(path) for sign in '*?[') and not path.exists()


def _first_file(paths):
    return next((path for path in paths if path.is_file()), None)


def _find_kernel(path, index, count):
    """The kernel of an image for one scale, or None."""
    names = [kernel_names(path.stem, count, suffix)[index] for suffix in KERNEL_SUFFIXES]
    places = (folder / name for folder in (path.parent, PROJECT / 'kernels') for name in names)
    return next((place for place in places if place.is_file() and _may_be_kernel(place, path)), None)


def _owner(path):
    """The name of the image that a file is called like a kernel, or a drawing of a kernel, of; or None."""
    match = re.fullmatch(r'(?s)(.+)_\d+', path.stem)
    return match[1] if match and path.suffix.lower() in (*KERNEL_SUFFIXES, '.svg') else None


def _is_kernel_picture(path):
    """Whether what is called like an image is the kernel of another image beside it."""
    owner = _owner(path)
    owners = [path.with_name(owner + suffix) for suffix in SUFFIXES] if owner else []
    return any(image.is_file() and _may_be_kernel(path, image) for image in owners)


def _may_be_kernel(path, image):
    """Whether a file called like an image's kernel is one: a picture may also be the next of a series."""
    if path.suffix.lower() not in SUFFIXES:
        return True
    sides, limits = _sides(path), _sides(image) or (math.inf, math.inf)
    if sides is None:
        return path.suffix.lower() == '.npy'  # a damaged one is refused by name when it is read
    return all(
        side <= min(LARGEST_KERNEL_PICTURE, limit / 2) for side, limit in zip(sides, limits, strict=True)
    )


def _sides(path):
    """The two sides of an image or an array, or None where its head does not tell."""
    try:
        if path.suffix.lower() == '.npy':
            return np.load(path, mmap_mode='r').shape[1::-1]
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return image.size
    except Exception:  # a damaged file is refused by name when it is read
        return None
