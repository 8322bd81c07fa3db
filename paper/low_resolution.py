"""The low-resolution images of a table: given, or made from the ground truth and kept."""

import json
from dataclasses import replace
from pathlib import Path

from blind.examples import compressed
from files.kernels import write_kernel
from files.names import kernel_names, short_stem
from files.pictures import write_png
from files.storage import atomic_write, fingerprint
from imresize import imresize_matlab
from paper.degradations import (
    add_grey_levels,
    degrade,
    draw_kernel,
    generator_for,
    mix,
    shrink_by_kernel,
)
from paper.image_sets import find_kernel, read_hr
from paper.tables import BICUBIC


def with_lr(experiment, files):
    """Provide an image with the low-resolution file that its table enlarges, and the kernel that made it.

    Returns:
        (files, degradation): ImageFiles, and what was done to the ground truth, in words.

    Raises:
        FileNotFoundError, ValueError: if something is missing, or the ground truth cannot be read.
    """
    if experiment.whole:
        return _given(experiment, files), 'given'
    if experiment.table == 'table1' and files.input:
        return files, 'bicubic'
    # A set's own LR_x2 is bicubic: not what the other tables are about.
    made_by, make = DEGRADERS[experiment.table]
    if experiment.damage:
        made_by, make = f'{made_by}, {experiment.damage}', _damaged(make, experiment)
    scale, rng = files.scale[0], None
    folder = f'{files.set}_x{scale}'
    if (seed := experiment.draw_seed) is not None:
        made_by, folder = f'{made_by}, seed {seed}', f'{folder}_{experiment.table}_seed{seed}'
        rng = generator_for(seed, files.name)
    return keep_lr(files, experiment.work / 'lr' / folder, made_by, lambda hr: make(hr, rng, scale))


def keep_lr(files, folder, made_by, make):
    """Make the low-resolution image of a ground truth, unless it is there from an earlier time.

    Beside `NAME.png` lie its kernel `NAME_0.mat`, if it was made with one, and `NAME.json`, which says what
    it was made from.

    Args:
        files: ImageFiles.
        folder: where to keep it; made if needed.
        made_by: text that says how it is made, seed included.
        make: called with the uint8 ground truth, cropped; returns the uint8 image (h, w, C), the kernel or
            None, and what was done, in words.

    Returns:
        (files, what was done): ImageFiles with the image as `input`, and its kernel.

    Raises:
        FileNotFoundError, ValueError: if the ground truth cannot be read.
    """
    hr = read_hr(files)
    name = short_stem(files.name)
    path, record = folder / f'{name}.png', folder / f'{name}.json'
    kernel_path = folder / kernel_names(files.name, 1)[0]
    source = {'hr': fingerprint(hr), 'recipe': made_by}
    made = _read_record(record, source)
    if made is None or not path.is_file() or (made['kernel'] and not kernel_path.is_file()):
        lr, kernel, degradation = make(hr)
        folder.mkdir(parents=True, exist_ok=True)
        record.unlink(missing_ok=True)  # an old one must not vouch for the new image if this is stopped here
        write_png(path, lr / 255)
        if kernel is not None:
            write_kernel(kernel_path, kernel)
        made = {'source': source, 'kernel': kernel is not None, 'degradation': degradation}
        atomic_write(record, json.dumps(made).encode())  # last, since it vouches for the others
    return replace(files, input=path, kernels=(kernel_path,) if made['kernel'] else None), made['degradation']


def _read_record(record, source):
    """What is recorded of an image that was made from this source; None if nothing, or not whole."""
    try:
        made = json.loads(record.read_text(encoding='utf-8'))
        kinds = [type(made[name]) for name in ('kernel', 'degradation')]
        return made if made['source'] == source and kinds == [bool, str] else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _given(experiment, files):
    """An image of a benchmark that comes with its low-resolution files and kernels."""
    folder, scale = experiment.whole, files.scale[0]
    if files.input is None:
        raise FileNotFoundError(f'{folder}: has no LR_x{scale}; give the whole benchmark, HR, LR and kernels')
    if 'true' not in experiment.kernels or experiment.preset == BICUBIC:
        return files  # without its kernel, which need not be there
    places = folder / f'kernels_x{scale}', folder / 'kernels'
    return replace(files, kernels=(find_kernel(next(filter(Path.is_dir, places), places[1]), files),))


def _shrink(hr, _, scale):
    return imresize_matlab(hr, 1 / scale), None, 'bicubic'


def _blur(hr, rng, scale):
    kernel = draw_kernel(rng, scale)
    return shrink_by_kernel(hr, kernel, scale), kernel, 'random kernel'


def _damaged(make, experiment):
    """A degrader that adds noise, or compresses, what another makes."""

    def make_damaged(hr, rng, scale):
        """Shrink as `make` does, and damage the result."""
        lr, kernel, degradation = make(hr, rng, scale)
        if experiment.jpeg is None:
            lr = add_grey_levels(lr, experiment.noise, rng)
        else:
            lr = compressed(lr, experiment.jpeg)
        return lr, kernel, f'{degradation}, {experiment.damage}'

    return make_damaged


def _degrade(hr, rng, scale):
    lr, degradation = degrade(hr, rng, scale)
    return lr, None, degradation


def _mix(hr, rng, scale):
    lr, degradation = mix(hr, rng, scale)
    return lr, None, degradation


# Table -> what is done to make LR, and the function of ground truth, generator and scale that does it; it
# returns LR, the kernel or None, and what was done to this image.
DEGRADERS = {
    'table1': ('MATLAB bicubic, edge pixel repeated', _shrink),
    'table2': ('random Gaussian kernel', _blur),
    'table3': ('one of three degradations', _degrade),
    'mixture': ('one of four ways', _mix),
}
