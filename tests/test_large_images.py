"""Memory grows with the image no faster than a 12-megapixel photograph in 4 GiB allows.

What a run needs is a part that depends on the network and its tile, and a part for every pixel of the input.
The first is measured with the real network on an image of a few tiles, the second with a thin network, for
which large images take seconds; together they foretell what 12 megapixels take.
"""

import numpy as np
import pytest
from command_line import PROJECT, finish, start
from PIL import Image

GIB = 2**30
PIXELS = 12_000_000

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


def save_noise(path, height, width):
    rng = np.random.RandomState(0)
    Image.fromarray(rng.randint(0, 256, (height, width, 3), np.uint8)).save(path, compress_level=1)
    return path


@pytest.fixture(scope='module')
def peaks(tmp_path_factory):
    """Peaks of memory of a thin network after each of two images, and of the real one after a small image."""
    folder = tmp_path_factory.mktemp('large')
    sizes = [(500, 700), (1250, 1600)]
    images = [save_noise(folder / f'{height}.png', height, width) for height, width in sizes]
    output = f'--output {folder / "results"}'
    processes = [
        start(output + ' --set=width=4', *images, program=('-c', PROGRAM)),
        start(output, images[0], program=('-c', PROGRAM)),
    ]
    said = []
    for process in processes:
        code, out, err = finish(process)
        assert (code, err) == (0, '')
        said.append([int(line) for line in out.split()])
    return sizes, *said


def test_a_12_megapixel_photograph_stays_under_4_gib(peaks):
    sizes, thin, (real,) = peaks
    pixels = [height * width for height, width in sizes]
    per_pixel = (thin[1] - thin[0]) / (pixels[1] - pixels[0])
    foretold = real + per_pixel * (PIXELS - pixels[0])
    print(
        f'{per_pixel:.0f} bytes per pixel, {real / GIB:.2f} GiB at {pixels[0]}, {foretold / GIB:.2f} at 12 MP'
    )
    assert foretold < 4 * GIB
