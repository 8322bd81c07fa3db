"""Which images there are to enlarge, what belongs to each, and which of them can be used."""

from dataclasses import replace
from pathlib import Path

from files.image_files import ImageFiles, load_inputs
from files.kernels import read_kernel
from files.names import SUFFIXES, ground_truth_names, image_files, is_ground_truth, kernel_names
from files.storage import PROJECT, one_line


def find_inputs(path, option=' with --input'):
    """List the images to enlarge.

    Args:
        path: an image file, or a folder; a relative one may also lie in the project.
        option: how the user gives another, for error messages.

    Returns:
        (paths, is_folder): sorted and without ground truths, and whether a folder was given.

    Raises:
        FileNotFoundError: if there is no such file or folder, or no image in it.
    """
    path = Path(path)
    if not path.exists() and (PROJECT / path).exists():
        path = PROJECT / path
    if not path.exists():
        raise FileNotFoundError(f'{path}: no such file or folder; give an image or a folder{option}')
    if path.is_file():
        return [path], False
    found = [file for file in image_files(path) if not is_ground_truth(file)]
    if not found:
        raise FileNotFoundError(
            f'{path}: no image in this folder (looked for {", ".join(SUFFIXES)}); '
            f'put some there or give another{option}'
        )
    return found, True


def find_files(path, conf, kernels=None, ground_truth=None):
    """Find what belongs to an image: `NAME_gt`, and kernels `NAME_0.mat`, `NAME_1.mat`, … one per scale.

    Kernels are looked for beside the image first, then in the project's kernels/.

    Args:
        path: the image.
        conf: Config, for its scales.
        kernels: files given by the user, used instead; an empty list for none.
        ground_truth: file given by the user, used instead.

    Returns:
        (files, warning): ImageFiles, and a line on kernels that are there but not used, or None.
    """
    truth = Path(ground_truth) if ground_truth else _first_file(map(path.with_name, ground_truth_names(path)))
    files = ImageFiles(path.stem, path, truth, tuple(map(Path, kernels or ())) or None)
    if kernels is not None:
        return files, None
    names = kernel_names(path.stem, len(conf.scales))
    found = [_first_file((path.parent / name, PROJECT / 'kernels' / name)) for name in names]
    if all(found):
        return replace(files, kernels=tuple(found)), None
    missing = [name for name, file in zip(names, found, strict=True) if file is None]
    if len(missing) == len(names):
        return files, None
    return files, f'{path}: WARNING: of the kernels, {", ".join(missing)} is missing, so none is used'


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
        read_kernel(file)


def check_images(images, conf):
    """Set aside the images whose files cannot be used, before any time is spent on the others.

    Args:
        images: list of ImageFiles.
        conf: Config, validated.

    Returns:
        (images, failures): those that can be run, their channels known, and a line for each other.
    """
    good, failures, names = [], [], {}
    for files in images:
        try:
            twin = names.get(files.name, files.input)
            if twin != files.input:
                raise ValueError(f'its results would replace those of {twin.name}; rename one of the two')
            pictures, *_ = load_inputs(files.input, conf, files.ground_truth, files.kernels, full_depth=False)
        except (ValueError, OSError) as error:
            failures.append(failure_line(files, error))
        else:
            names[files.name] = files.input
            good.append(replace(files, channels=pictures[0].pixels.shape[2]))
    return good, failures


def failure_line(files, error):
    """One line that names the image and what went wrong with it."""
    message = one_line(error)
    # An error of no input's making has half of its message in its kind.
    if str(error) and not isinstance(error, ValueError | OSError):
        message = f'{type(error).__name__}: {message}'
    return message if message.startswith(str(files.input)) else f'{files.input}: {message}'


def _first_file(paths):
    return next((path for path in paths if path.is_file()), None)
