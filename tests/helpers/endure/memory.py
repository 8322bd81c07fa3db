"""Memory and time of many images in one process."""

import os
import time
from pathlib import Path

from helpers.command_line import TINY, save_image

# MiB that the images after the first of every size may add.
MOST_GROWTH = 60


def measure(folder, images, sizes):
    """Enlarge many images of many sizes in this process, and print memory and time as they go.

    Args:
        folder: an empty one.
        images: how many.
        sizes: of so many.

    Returns:
        List of lines on what is not as promised.
    """
    os.environ.setdefault('CUDA_VISIBLE_DEVICES', '')
    import run_ZSSR
    from running import workers

    (folder / 'in').mkdir()
    for number in range(images):
        shape = 20 + number % sizes, 24 + 7 * (number % sizes) % 31, 3
        save_image(folder / 'in' / f'{number:04}.png', number, shape)
    marks, once = [], workers.run_image

    def watched(*arguments):
        started = time.perf_counter()
        entry = once(*arguments)
        marks.append((resident(), time.perf_counter() - started))
        return entry

    workers.run_image = watched
    arguments = ['0', '-i', folder / 'in', '-o', folder / 'out', '--seed', '0', '--no-report', '-q', *TINY]
    code = run_ZSSR.main([*map(str, arguments)])
    print('images  resident MiB  s per image')
    for last in range(sizes, images + 1, sizes):
        seconds = [each for _, each in marks[last - sizes : last]]
        print(f'{last:6}  {marks[last - 1][0]:12.1f}  {sum(seconds) / len(seconds):11.3f}')
    growth = marks[-1][0] - marks[sizes - 1][0]
    print(f'growth after the first {sizes}: {growth:.1f} MiB (at most {MOST_GROWTH})')
    problems = [f'exit code {code}'] if code else []
    return [*problems, f'{growth:.1f} MiB more'] if growth > MOST_GROWTH else problems


def resident():
    """Resident memory of this process, MiB."""
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 2**20
