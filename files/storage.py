"""Files of any kind: where the project lies, whole writes, checks, fingerprints."""

import contextlib
import errno
import hashlib
import os
import re
import uuid
from pathlib import Path

import numpy as np

try:
    import fcntl
except ImportError:  # Windows: what is being written there is taken for a leftover
    fcntl = None

PROJECT = Path(__file__).resolve().parents[1]

TEMPORARY_NAME = re.compile(r'\.[0-9a-f]{32}\.tmp')

# What a file system answers that cannot bring a file to the disk when asked.
UNSYNCED = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EPERM}

# Besides characters that move the cursor or colour the screen: ends of lines, and turns of the direction.
CONTROLS = re.compile('[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]')
LONGEST_LINE = 4000
NO_UTF8 = re.compile('[\ud800-\udfff]')


def atomic_write(path, data):
    """Write bytes as a file, whole or not at all; errors as `atomic_file`."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(data)


@contextlib.contextmanager
def atomic_file(path):
    """Write a file whole or not at all, so that an interrupted run leaves no half file behind.

    It is on the disk before it takes its name, so that neither does a machine that loses its power.

    Args:
        path: the file to write or replace, in an existing folder.

    Yields:
        The path to write to, which takes the file's place at the end.

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if `path` is a folder.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f'{path}: the folder {path.parent} does not exist; create it first')
    if path.is_dir():
        raise ValueError(f'{path}: is a folder; give the name of a file')
    # The same folder, because a rename is atomic only within one file system.
    temporary = path.parent / f'.{uuid.uuid4().hex}.tmp'
    try:
        with _in_use(temporary):
            yield temporary
            _sync(temporary, os.O_RDWR)
            os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent, os.O_RDONLY)


@contextlib.contextmanager
def _in_use(temporary):
    """Create a file, and lock it: what is not locked is a leftover."""
    if fcntl is None:
        yield
        return
    with open(temporary, 'wb') as file:
        with contextlib.suppress(OSError):  # some network file systems lock nothing
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _sync(path, mode):
    """Bring a file, or the names of a folder, to the disk; do without where the system cannot."""
    try:
        place = os.open(path, mode)
        try:
            os.fsync(place)
        finally:
            os.close(place)
    except OSError as error:
        if error.errno not in UNSYNCED:
            raise


def remove_leftovers(folder):
    """Remove what writes that were killed left in a folder; not what is being written just now."""
    for path in Path(folder).glob('.*.tmp'):  # none, where the folder itself is gone
        if TEMPORARY_NAME.fullmatch(path.name) and not _is_in_use(path):
            path.unlink(missing_ok=True)


def _is_in_use(path):
    """Whether a process holds the lock of a temporary file."""
    if fcntl is None:
        return False
    try:
        with open(path, 'rb') as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def check_file(path):
    """Refuse a file that is missing, a folder, empty or not allowed to be read.

    Raises:
        FileNotFoundError, ValueError: naming the file and the remedy.
    """
    if not path.exists():
        raise FileNotFoundError(f'{path}: no such file; check the path')
    if not path.is_file():
        raise ValueError(f'{path}: is not a file; give the path of one')
    if path.stat().st_size == 0:
        raise ValueError(f'{path}: is an empty file (0 bytes); copy or save it again')
    if not os.access(path, os.R_OK):
        raise ValueError(f'{path}: may not be read; change its permissions')


def sha256(path):
    """The SHA-256 of a file's bytes, 64 hexadecimal digits, for the record of a run."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def fingerprint(*parts):
    """Tell arrays and texts apart by eight hexadecimal digits, which change with any value, shape or type.

    Args:
        *parts: texts, or arrays of any shape and type; None is left out.

    Returns:
        Text.
    """
    digest = hashlib.sha256()
    for part in parts:
        if part is not None:
            array = (
                np.frombuffer(part.encode(errors='surrogatepass'), np.uint8)
                if isinstance(part, str)
                else part
            )
            digest.update(f'{array.dtype}{array.shape}'.encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:8]


def printable(text):
    """A text, such as a name that may hold anything, as one line to print.

    Control characters are escaped, and the bytes of a name that is not UTF-8 are shown as �.
    """
    escaped = CONTROLS.sub(lambda match: match[0].encode('unicode_escape').decode(), text)
    return NO_UTF8.sub('\N{REPLACEMENT CHARACTER}', escaped)


def one_line(error):
    """Put what an exception says, or its kind if it says nothing, on one line; of too much, both ends."""
    said = str(error).strip() or type(error).__name__
    if not isinstance(error, ValueError | OSError):  # which name files, as they are called
        said = ' '.join(said.split())
    line = printable(said)
    half = LONGEST_LINE // 2
    return line if len(line) <= LONGEST_LINE else f'{line[:half]} … {line[-half:]}'
