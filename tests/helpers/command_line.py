"""Run the command line as a user does: in a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

PROJECT = Path(__file__).parents[2]
RUN = PROJECT / 'run_ZSSR.py'

# A network that trains in no time; options of the command line.
TINY = [
    f'--set={field}'
    for field in (
        'width=4',
        'depth=3',
        'crop_size=24',
        'max_iters=3',
        'run_test_every=2',
        'output_flip=False',
    )
]


def start(*arguments, python_path=None, program=(RUN,), **options):
    """Start run_ZSSR.py on a machine without a GPU.

    Args:
        *arguments: of the command line.
        python_path: folder whose modules come before all others, or None.
        program: what Python runs instead.
        **options: of subprocess.Popen.

    Returns:
        subprocess.Popen, whose two outputs are pipes of text unless `options` say otherwise.
    """
    silent = ('TF_CPP_MIN_LOG_LEVEL', 'PYTHONWARNINGS', 'COLUMNS')  # what would hide, or format, the output
    env = {name: value for name, value in os.environ.items() if name not in silent}
    env |= {'CUDA_VISIBLE_DEVICES': '', 'PYTHONPATH': str(python_path or ''), 'PYTHONIOENCODING': 'utf-8'}
    env['TERM'] = 'xterm-256color'
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'encoding': 'utf-8', **options}
    command = [sys.executable, *map(str, program), *map(str, arguments)]
    return subprocess.Popen(command, cwd=PROJECT, env=env, preexec_fn=_heed_ctrl_c, **pipes)


def _heed_ctrl_c():
    """What a shell starts in the background, such as a whole test run, ignores Ctrl-C, and so would this."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(process):
    """Wait for a process; return its exit code and what it wrote to the standard output and error."""
    try:
        out, err = process.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        for child in (f'-{process.pid}', str(process.pid)):  # its process group, if it leads one
            subprocess.run(['kill', '-KILL', '--', child], check=False, stderr=subprocess.DEVNULL)
        raise
    return process.returncode, out, err


def save_image(path, seed=0, shape=(20, 24, 3)):
    """Write a small 8-bit image with an edge, different for every seed."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    planes = [110 + 100 * np.sin(x / 5 + seed + phase) * np.cos(y / 4) for phase in range(shape[2])]
    values = np.where((x > y)[..., None], np.stack(planes, axis=2), 60).astype(np.uint8)
    Image.fromarray(values[:, :, 0] if shape[2] == 1 else values).save(path)
    return path


def results(folder):
    """The files below a folder of results, copies of the code left out."""
    return sorted(path for path in Path(folder).rglob('*') if path.is_file() and 'code' not in path.parts)
