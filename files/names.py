"""How files are called: images, ground truth, kernels and results, here and in the benchmarks."""

import hashlib
import os
import re
from pathlib import Path

from settings.scales import scale_name

SUFFIXES = (
    *('.png', '.jpg', '.jpeg', '.tif', '.tiff', '.bmp', '.webp', '.gif', '.avif', '.heic', '.heif', '.jp2'),
    *('.j2k', '.jpx', '.ppm', '.pgm', '.pbm', '.pnm', '.pfm', '.npy', '.npz'),
)
KERNEL_SUFFIXES = ('.mat', '.npy', '.txt', '.png')
GROUND_TRUTH = '_gt'
FIGURE = '_losses'
ZSSR_NAME = re.compile(r'(?s)(?P<stem>.+)_zssr_X(?P<rows>\d+\.\d+)X(?P<columns>\d+\.\d+)')
LONGEST_NAME = 255  # bytes, of most file systems
# Bytes that leave room for what is put behind the stem: _zssr_X100.00X100.00.webp, and a number.
LONGEST_STEM = 220
SRF_NAME = re.compile(
    r'(?s)(?P<stem>.+)_SRF_(?P<scale>\d+)_[^_]+'
)  # the benchmarks' own: img_001_SRF_2_HR.png


def is_image(path):
    """Whether a file is called like an image; macOS's ._NAME and half-written files are hidden."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith('.') and not path.is_dir()


def is_ground_truth(path):
    """Whether a file is called like a ground truth."""
    return path.stem.endswith(GROUND_TRUTH)


def image_files(folder):
    """The image files of a folder, sorted by name, ground truth among them.

    Raises:
        FileNotFoundError: if there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder}: no such folder; give a folder of images')
    return sorted(filter(is_image, folder.iterdir()))


def ground_truth_names(path):
    """The names that an image's ground truth may have, the likeliest first."""
    return [_companion(path.stem, GROUND_TRUTH + suffix) for suffix in (path.suffix, *SUFFIXES)]


def kernel_names(stem, count, suffix='.mat'):
    """The names of an image's kernels, one per scale, as files of one of KERNEL_SUFFIXES."""
    return [_companion(stem, f'_{index}{suffix}') for index in range(count)]


def _companion(stem, rest):
    """The name of what lies beside an image: the image's, shortened only if no file could be called so."""
    return (stem if len(os.fsencode(stem + rest)) <= LONGEST_NAME else short_stem(stem)) + rest


def result_name(stem, scale, kind='png'):
    """What the result of an image at a scale is called; `kind` is its suffix."""
    return f'{short_stem(stem)}_zssr_{scale_name(scale)}.{kind}'


def figure_name(stem):
    """What the figure of an image's training is called."""
    return f'{short_stem(stem)}{FIGURE}.png'


def short_stem(stem):
    """The stem that an image's results share: its own, or of one too long the beginning and a hash of all.

    Args:
        stem: text of any length.

    Returns:
        Text of at most LONGEST_STEM bytes, another for every stem.
    """
    whole = os.fsencode(stem)
    if len(whole) <= LONGEST_STEM:
        return stem
    ending = f'~{hashlib.sha256(whole).hexdigest()[:16]}'
    kept = stem[: LONGEST_STEM - len(ending)]
    while len(os.fsencode(kept + ending)) > LONGEST_STEM:
        kept = kept[:-1]  # characters, so that none is cut in two
    return kept + ending


def free_path(path):
    """A path that no file has yet: itself, or with a number behind its stem."""
    free, taken = path, 1
    while free.exists():
        taken += 1
        free = path.with_stem(f'{path.stem}_{taken}')
    return free


def parse_name(stem):
    """Take the name of an image or result file apart.

    Args:
        stem: file name without its extension.

    Returns:
        The image's name, as `short_stem` has it, and (vertical, horizontal) scale, or None where the name
        does not tell.

    Example:
        >>> parse_name('img_001_SRF_2_LR_zssr_X2.00X2.00')
        ('img_001', (2.0, 2.0))
    """
    scale = None
    if match := ZSSR_NAME.fullmatch(stem):
        stem, scale = match['stem'], (float(match['rows']), float(match['columns']))
    if match := SRF_NAME.fullmatch(stem):
        stem, scale = match['stem'], scale or (float(match['scale']),) * 2
    return short_stem(stem), scale
