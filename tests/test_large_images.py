"""Memory grows with the image no faster than a 12-megapixel photograph in 4 GiB allows.

What a run needs is a part that depends on the network and its tile, and a part for every pixel of the input.
The first is measured with the real network on an image of a few tiles, the second with a thin network, for
which large images take seconds; together they foretell what 12 megapixels take.
"""

import numpy as np
import pytest
from helpers.command_line import PROJECT, finish, start
from PIL import Image

SIZES = [(400, 500), (1500, 1600)]
PIXELS = [height * width for height, width in SIZES]

# Per pixel of the input: its four pixels of the output and their three channels as four float32 copies, and
# as much as one of them for the input. 130 seen; a whole image in float64 somewhere would be 96 more.
BYTES_PER_PIXEL = 200

# Runs the command line for one image after the other and says what memory that took at most, in bytes.
PROGRAM = f"""
import resource, sys
sys.path.insert(0, {str(PROJECT)!r})
import run_ZSSR
options, inputs = sys.argv[1].split(), sys.argv[2:]
for path in inputs:
    assert run_ZSSR.main(['X2_REAL_CONF', '-q', '--set=max_iters=2', '--input', path, *options]) == 0
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024))
"""


def save_pattern(path, height, width):
    tile = np.random.RandomState(0).randint(0, 256, (50, 50, 3), np.uint8)
    Image.fromarray(np.tile(tile, (height // 50, width // 50, 1))).save(path)
    return path


@pytest.fixture(scope='module')
def peaks(tmp_path_factory):
    """Peaks of memory of a thin network after each of two images, and of the real one after the first."""
    folder = tmp_path_factory.mktemp('large')
    images = [save_pattern(folder / f'{height}.png', height, width) for height, width in SIZES]
    thin, real = (f'--output {folder / name}' for name in ('thin', 'real'))
    processes = [
        start(thin + ' --set=width=4', *images, program=('-c', PROGRAM)),
        start(real, images[0], program=('-c', PROGRAM)),
    ]
    said = []
    for process in processes:
        code, out, err = finish(process)
        assert (code, err) == (0, '')
        said.append(np.array(out.split(), int))
    return said


def test_memory_per_pixel_is_bounded(peaks):
    thin, _ = peaks
    assert thin[1] - thin[0] < BYTES_PER_PIXEL * (PIXELS[1] - PIXELS[0])


def test_a_12_megapixel_photograph_stays_under_4_gib(peaks):
    _, (real,) = peaks
    assert real + BYTES_PER_PIXEL * (12_000_000 - PIXELS[0]) < 4 * 2**30
