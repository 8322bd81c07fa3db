"""The folder of a run: refused in time, made once, owned by one run, with a copy of its code."""

import os
import shutil
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from files.earlier import Earlier
from files.storage import PROJECT, atomic_write, remove_leftovers

try:
    import fcntl
except ImportError:  # Windows: a folder is to be given to one run at a time
    fcntl = None


class RunFolder:
    """The folder that a run writes to, a context in which no other run does.

    A folder that is there already is taken at once, with what it records; another is made by `make`, when it
    is known that there is something to do.

    Attributes:
        earlier: Earlier, what earlier runs have recorded there.
    """

    def __init__(self, conf, force=False):
        """Describe it.

        Args:
            conf: Config; its `result_path` becomes the folder's own when that is made.
            force: whether to replace results of another configuration.
        """
        self._conf, self._force = conf, force
        self._stack = ExitStack()
        self._is_owned = self._is_made = False
        self.earlier = Earlier()

    def __enter__(self):
        """Take the folder if it is there.

        Raises:
            ValueError: if another run is at work there, or it holds results of another configuration.
        """
        conf = self._conf
        if conf.is_recorded and not conf.create_results_dir and Path(conf.result_path).is_dir():
            with ExitStack() as stack:
                stack.enter_context(owned(conf.result_path))
                self.earlier = Earlier.read(conf.result_path).suited(conf, self._force)
                self._stack, self._is_owned = stack.pop_all(), True
        return self

    def make(self):
        """Make the folder, and set the configuration's `result_path`; errors as `make_results_folder`.

        Raises:
            ValueError: if another run came first.
        """
        if not self._conf.save_results:
            return
        folder = make_results_folder(self._conf)
        self._conf.result_path, self._is_made = str(folder), True
        if self._conf.is_recorded and not self._is_owned:
            self._stack.enter_context(owned(folder))
            self._is_owned = True
            if Earlier.read(folder).images:
                raise ValueError(f'{folder}: another run has written there meanwhile; start again to go on')

    def __exit__(self, kind, error, trace):
        """Leave it to others; one in which nothing came to lie is removed if the run was broken off."""
        self._stack.close()
        if kind is not None and self._is_made:
            remove_if_empty(self._conf)


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


@contextmanager
def owned(folder):
    """Keep other runs out of a folder while the context lasts, and clear away what killed ones left.

    The folder itself is locked, so that nothing stays behind, however this process ends.

    Raises:
        ValueError: if another run is at work there.
    """
    with ExitStack() as stack:
        if fcntl:
            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            _lock(descriptor, folder)
        remove_leftovers(folder)
        # What processes leave that are ended with the run.
        stack.callback(remove_leftovers, folder)
        yield


def remove_if_empty(conf):
    """Remove the folder that was made for a run of `conf`, if nothing but its code came to lie there."""
    folder = Path(conf.result_path)
    was_made = conf.save_results and conf.create_results_dir and folder.is_dir()
    if was_made and {file.name for file in folder.iterdir()} <= {'code'}:
        shutil.rmtree(folder)


def _lock(descriptor, folder):
    """Lock an open folder for this process alone."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ValueError(
            f'{folder}: another run is writing there; wait for its end, or choose another --output'
        ) from None
    except OSError:  # some network file systems lock no folders
        return


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
