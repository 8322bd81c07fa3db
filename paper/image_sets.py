"""Benchmark sets on disk: whose ground truth, low-resolution image and kernel a file is; LR made and kept."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from files.kernels import write_kernel
from files.names import SRF_NAME, SUFFIXES, parse_name
from files.pictures import read_image, write_png
from files.storage import atomic_write, fingerprint
from paper.degradations import crop_to_multiple


@dataclass(frozen=True)
class Item:
    """One image of a set at one scale.

    Attributes:
        set: the set's name.
        name: the image's.
        scale: int.
        hr: file of the ground truth, which may have to be cropped.
        lr: file of the low-resolution image, or None: to be made.
    """

    set: str
    name: str
    scale: int
    hr: Path
    lr: Path | None = None


def find_set(folder, scale):
    """Find the images of a set.

    The ground truth lies in `HR/`, in `image_SRF_2/` (as `NAME_SRF_2_HR.png`) or in the folder itself; images
    of low resolution, if there are any, in `LR_x2/`, or beside the ground truth as `NAME_SRF_2_LR.png`.

    Args:
        folder: the set's folder, whose name is the set's.
        scale: int, the 2 in these names.

    Returns:
        A list of `Item`, sorted by name.

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
    name = folder.resolve().name
    return [Item(name, image, scale, truths[image], lr.get(image)) for image in sorted(truths)]


def select(items, names=None, limit=None):
    """Choose some of the images of one or more sets.

    Args:
        items: list of `Item`.
        names: of the images wanted, or None: all.
        limit: how many of each set and scale, the first ones, or None: all.

    Returns:
        List of `Item`.

    Raises:
        ValueError: for a name that is in none of the sets.
    """
    unknown = sorted(set(names or ()) - {item.name for item in items})
    if unknown:
        known = ', '.join(dict.fromkeys(item.name for item in items))
        raise ValueError(f'--images {" ".join(unknown)}: in none of the sets; choose from {known}')
    chosen, taken = [], {}
    for item in items:
        place = item.set, item.scale
        if (names and item.name not in names) or (limit is not None and taken.get(place, 0) >= limit):
            continue
        taken[place] = taken.get(place, 0) + 1
        chosen.append(item)
    return chosen


def read_8_bits(path, min_side=16):
    """Read an image as the benchmarks have it.

    Args:
        path: image file; transparency is dropped, 16 bits are rounded to 8.
        min_side: least height and width, in pixels.

    Returns:
        uint8 array (H, W, C), C 1 or 3.

    Raises:
        FileNotFoundError, ValueError: as `read_image`.
    """
    return np.floor(read_image(path, min_side).pixels * 255.0 + 0.5).astype(np.uint8)


def read_pair(item):
    """Read an image's ground truth, cropped to a multiple of the scale, and its low-resolution file.

    Args:
        item: `Item`.

    Returns:
        (hr, lr): uint8 arrays (H, W, C) and (H / scale, W / scale, C); lr is None if there is no file.

    Raises:
        FileNotFoundError, ValueError: if a file cannot be read, or the two do not fit.
    """
    hr = crop_to_multiple(read_8_bits(item.hr), item.scale)
    if item.lr is None:
        return hr, None
    lr = read_8_bits(item.lr)
    wanted = *(side // item.scale for side in hr.shape[:2]), hr.shape[2]
    if lr.shape != wanted:
        have, want = ('×'.join(map(str, shape)) for shape in (lr.shape, wanted))
        raise ValueError(
            f'{item.lr}: is {have} (height × width × channels), but {item.hr} at ×{item.scale} makes {want}; '
            'give one of that size, or move it away to have it made'
        )
    return hr, lr


def find_kernel(folder, item):
    """Find the blur kernel of an image: NAME_0.mat, NAME.mat, or kernel_N.mat for an image NAME_N.

    Args:
        folder: folder of .mat files.
        item: `Item`.

    Returns:
        Path.

    Raises:
        FileNotFoundError: if the folder or the kernel is missing, naming the image.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f'{folder}: no such folder; give a folder of kernels, NAME_0.mat for each image'
        )
    number = item.name.rpartition('_')[2]
    names = [f'{item.name}_0.mat', f'{item.name}.mat', f'kernel_{number}.mat']
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f'{folder}: no kernel for {item.set} {item.name}; put {" or ".join(names)} there')


def keep_lr(item, folder, recipe, make):
    """Make the low-resolution image of a ground truth, unless it is there from an earlier time.

    Beside `NAME.png` lie its kernel `NAME_0.mat`, if it was made with one, and `NAME.json`, which says what
    it was made from.

    Args:
        item: `Item`.
        folder: where to keep it; made if needed.
        recipe: text that says how it is made, seed included.
        make: called with the uint8 ground truth, cropped; returns the uint8 image (h, w, C), the kernel or
            None, and what was done, in words.

    Returns:
        (path of the image, path of its kernel or None, what was done).

    Raises:
        FileNotFoundError, ValueError: if the ground truth cannot be read.
    """
    hr, _ = read_pair(item)
    path, record = folder / f'{item.name}.png', folder / f'{item.name}.json'
    kernel_path = folder / f'{item.name}_0.mat'
    source = {'hr': fingerprint(hr), 'recipe': recipe}
    try:
        known = json.loads(record.read_text(encoding='utf-8'))
        kernel = kernel_path if known['kernel'] else None
        if known['source'] == source and path.is_file() and (kernel is None or kernel.is_file()):
            return path, kernel, known['degradation']
    except (OSError, ValueError, TypeError, KeyError):
        pass  # not there, or not whole: made anew
    lr, kernel, degradation = make(hr)
    folder.mkdir(parents=True, exist_ok=True)
    record.unlink(missing_ok=True)  # an old one must not vouch for the new image if this is stopped here
    write_png(path, lr / 255)
    if kernel is not None:
        write_kernel(kernel_path, kernel)
    made = {'source': source, 'kernel': kernel is not None, 'degradation': degradation}
    atomic_write(record, json.dumps(made).encode())  # last, since it vouches for the others
    return path, None if kernel is None else kernel_path, degradation


def _images(place, scale, role, plain=True):
    """A dict from image name to file: NAME_SRF_2_ROLE of this scale and, if `plain`, names without a role."""
    found = {}
    for path in sorted(place.iterdir()) if place.is_dir() else ():
        if path.suffix.lower() not in SUFFIXES or path.name.startswith('.') or not path.is_file():
            continue
        match = SRF_NAME.fullmatch(path.stem)
        if match and (int(match['scale']) != scale or path.stem.rpartition('_')[2] != role):
            continue
        if not match and not plain:
            continue
        name = parse_name(path.stem)[0] if match else path.stem
        if name in found:
            raise ValueError(f'{path}: {found[name].name} is of the same name; move one of the two away')
        found[name] = path
    return found
