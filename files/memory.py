"""Whether the machine has the memory for what is asked, before it is asked for."""

import contextlib
import math
from pathlib import Path

BYTES_PER_SAMPLE = 9  # of a picture that is read: its own type, float32, and a copy of one of them
RESERVE = 2**30  # TensorFlow, and what else lives beside a picture


def available_memory():
    """Bytes that machine, container and process leave to be used; None where nothing tells."""
    found = []
    for ask in (_of_machine, _of_container, _of_process):
        with contextlib.suppress(
            OSError, ValueError, IndexError, ImportError
        ):  # another system, or an older one
            found.append(ask())
    return int(min(found)) if min(found, default=math.inf) < math.inf else None


def _of_machine():
    lines = Path('/proc/meminfo').read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith('MemAvailable'))


def _of_container():
    limit = Path('/sys/fs/cgroup/memory.max').read_text().strip()
    used = int(Path('/sys/fs/cgroup/memory.current').read_text())
    cached = Path('/sys/fs/cgroup/memory.stat').read_text().split()
    freed = int(cached[cached.index('inactive_file') + 1])
    return math.inf if limit == 'max' else int(limit) - used + freed


def _of_process():
    """What is left of a limit on its addresses, as `ulimit -v` and clusters set it."""
    import resource  # not there on every system

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()
    return math.inf if limit == resource.RLIM_INFINITY else limit - used


def is_shortage(error):
    """Whether an exception says that there was too little memory, of the machine or of a GPU."""
    # TensorFlow's own is told by its name, so that it need not be loaded for this.
    return isinstance(error, MemoryError) or type(error).__name__ == 'ResourceExhaustedError'


def check_memory(name, shape, channels, bytes_per_sample=BYTES_PER_SAMPLE):
    """Refuse what does not fit.

    Args:
        name: what error messages call the image.
        shape: (height, width, …) in pixels.
        channels: of all its pages together.
        bytes_per_sample: that are needed at once.

    Raises:
        ValueError: with the gigabytes needed and there, and the size that would fit.
    """
    free = available_memory()
    needed = shape[0] * shape[1] * channels * bytes_per_sample + RESERVE
    if free is not None and needed > free:
        fits = max(0, free - RESERVE) / (channels * bytes_per_sample) / 1e6
        raise ValueError(
            f'{name}: needs about {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free; about '
            f'{fits:.1f} megapixels would fit: crop it, split it into parts that overlap, or free memory'
        )
