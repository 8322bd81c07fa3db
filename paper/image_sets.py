"""Benchmark sets on disk: which image, ground truth, low-resolution image and kernel belong together."""

from collections import Counter
from pathlib import Path

from files.image_files import ImageFiles
from files.names import SRF_NAME, image_files, kernel_names
from files.pictures import read_image
from files.rounding import to_integers
from paper.degradations import crop_to_multiple


def find_set(folder, scale):
    """Find the images of a set.

    The ground truth lies in `HR/`, in `image_SRF_2/` (as `NAME_SRF_2_HR.png`) or in the folder itself; images
    of low resolution, if there are any, in `LR_x2/`, or beside the ground truth as `NAME_SRF_2_LR.png`.

    Args:
        folder: the set's folder, whose name is the set's.
        scale: int, the 2 in these names.

    Returns:
        A list of ImageFiles, sorted by name; `input` is None where there is no image of low resolution.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if it holds no images, two of one name, or low-resolution images of only some.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f'{folder}: no such folder; give the folder of the sets, or of one, with --data'
        )
    places = [folder / 'HR', folder / f'image_SRF_{scale}', folder]
    truths = next((found for place in places if (found := _images(place, scale, 'HR'))), None)
    if truths is None:
        raise ValueError(f'{folder}: holds no ground truth for ×{scale}; put images there or in {places[0]}')
    places = [folder / f'LR_x{scale}', folder / f'image_SRF_{scale}', folder / 'HR', folder]
    plain = [True, False, False, False]  # elsewhere, only a name can tell LR from HR
    sources = [_images(place, scale, 'LR', allowed) for place, allowed in zip(places, plain, strict=True)]
    lr = next((found for found in sources if found), {})
    missing = sorted(truths.keys() - lr) if lr else []
    if missing:
        place = next(iter(lr.values())).parent
        raise ValueError(f'{place}: has no image for {", ".join(missing)}; add it, or move the folder away')
    return [
        ImageFiles(name, lr.get(name), truths[name], scale=(scale, scale), set=folder.resolve().name)
        for name in sorted(truths)
    ]


def select(images, names=(), limit=None):
    """Choose the images of these names (empty: all), and of each set and scale the first `limit` (None: all).

    Raises:
        ValueError: for a name that is in none of the sets.
    """
    unknown = sorted(set(names) - {files.name for files in images})
    if unknown:
        known = ', '.join(dict.fromkeys(files.name for files in images))
        raise ValueError(f'--images {" ".join(unknown)}: in none of the sets; choose from {known}')
    chosen, taken = [], Counter()
    for files in images:
        place = files.set, files.scale
        if (not names or files.name in names) and (limit is None or taken[place] < limit):
            taken[place] += 1
            chosen.append(files)
    return chosen


def read_8_bits(path):
    """Read an image file as uint8 array (H, W, C), C 1 or 3: without transparency, 16 bits rounded to 8."""
    return to_integers(read_image(path).pixels)


def read_hr(files):
    """Read an image's ground truth, a uint8 array (H, W, C), cropped to a multiple of the scale."""
    return crop_to_multiple(read_8_bits(files.ground_truth), files.scale[0])


def read_hr_and_lr(files):
    """Read an image's ground truth, as `read_hr`, and its low-resolution file, (H / scale, W / scale, C).

    Raises:
        FileNotFoundError, ValueError: if a file cannot be read, or the two do not fit.
    """
    hr, lr, scale = read_hr(files), read_8_bits(files.input), files.scale[0]
    wanted = *(side // scale for side in hr.shape[:2]), hr.shape[2]
    if lr.shape != wanted:
        have, want = ('×'.join(map(str, shape)) for shape in (lr.shape, wanted))
        raise ValueError(
            f'{files.input}: is {have} (height × width × channels), but {files.ground_truth} at ×{scale} '
            f'makes {want}; give one of that size, or move it away to have it made'
        )
    return hr, lr


def find_kernel(folder, files):
    """Find the blur kernel of an image: NAME_0.mat, NAME.mat, or kernel_N.mat for an image NAME_N.

    Raises:
        FileNotFoundError: if the folder or the kernel is missing, naming the image.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f'{folder}: no such folder; give a folder of kernels, NAME_0.mat for each image'
        )
    number = files.name.rpartition('_')[2]
    names = [*kernel_names(files.name, 1), f'{files.name}.mat', f'kernel_{number}.mat']
    for name in names:
        if (folder / name).is_file():
            return folder / name
    wanted = ' or '.join(names)
    raise FileNotFoundError(f'{folder}: no kernel for {files.set} {files.name}; put {wanted} there')


def _images(place, scale, role, plain=True):
    """A dict from image name to file: NAME_SRF_2_ROLE of this scale and, if `plain`, names without a role."""
    found = {}
    for path in image_files(place) if place.is_dir() else ():
        match = SRF_NAME.fullmatch(path.stem)
        own = match and (int(match['scale']), path.stem.rpartition('_')[2]) == (scale, role)
        if not (own if match else plain):
            continue
        name = match['stem'] if match else path.stem
        if name in found:
            raise ValueError(f'{path}: {found[name].name} is of the same name; move one of the two away')
        found[name] = path
    return found
