"""The folder of a run: refused in time, made once, with a copy of the code that fills it."""

import os
import shutil
import time
from pathlib import Path

from files.storage import PROJECT, atomic_write


def check_output(folder):
    """Refuse a folder that cannot be written or made, before anything else is looked at or created."""
    whole = Path(folder).absolute()
    there = next(parent for parent in (whole, *whole.parents) if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise _unwritable(folder, 'not a folder' if not there.is_dir() else 'no permission')


def make_results_folder(conf):
    """`prepare_result_dir`, and make sure that results can be written there.

    Raises:
        ValueError: naming the folder, if it cannot be created or written.
    """
    try:
        folder = prepare_result_dir(conf)
        atomic_write(folder / '.writable', b'')
        (folder / '.writable').unlink()
    except OSError as error:
        raise _unwritable(conf.result_path, error.strerror) from None
    return folder


def prepare_result_dir(conf, now=None):
    """Create the folder of a run, with a copy of the code that makes it in `code/`.

    Args:
        conf: Config, for name, result_path, create_results_dir and create_code_copy.
        now: time.struct_time; None: the current local time.

    Returns:
        Path of the folder: result_path/NAME_Mon_DD_HH_MM_SS, with a suffix if that is taken, or
        result_path itself if create_results_dir is off.
    """
    folder = Path(conf.result_path)
    if not conf.create_results_dir:
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    stem = folder / f'{conf.name}_{time.strftime("%b_%d_%H_%M_%S", now or time.localtime())}'
    folder, taken = stem, 1
    while True:
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:
            taken += 1
            folder = stem.with_name(f'{stem.name}_{taken}')
    if conf.create_code_copy:
        _copy_code(folder / 'code')
    return folder


def remove_if_empty(conf):
    """Remove the folder that was made for a run of `conf`, if nothing but its code came to lie there."""
    folder = Path(conf.result_path)
    was_made = conf.save_results and conf.create_results_dir and folder.is_dir()
    if was_made and {file.name for file in folder.iterdir()} <= {'code'}:
        shutil.rmtree(folder)


def _copy_code(folder):
    """Copy the top level's modules and the rooms; what else lies in the project is no code of a run's."""
    rooms = (init.parent for init in PROJECT.glob('*/__init__.py'))
    for room in (PROJECT, *rooms):
        place = folder / room.relative_to(PROJECT)
        place.mkdir()
        for source in (file for kind in ('py', 'html', 'npz') for file in room.glob(f'*.{kind}')):
            shutil.copy(source, place)


def _unwritable(folder, reason):
    return ValueError(f'{folder}: results cannot be written there ({reason}); choose another --output')
