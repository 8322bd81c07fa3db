"""The default network's training step here and in PyTorch, timed in turn: a measurement, and so no test.

python tests/beside_pytorch.py PYTHON       PYTHON belongs to an environment with requirements-pytorch.txt
"""

import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'tests')]

from benchmark import default_step, median_seconds, print_table  # noqa: E402
from files.storage import printable  # noqa: E402
from running.command_line import Parser, run_command, whole_number  # noqa: E402
from running.devices import MOST_THREADS, cores, start_tensorflow  # noqa: E402

# How often each is asked in turn, and for how many steps.
TURNS, STEPS_A_TURN = 5, 15


def compare(args):
    """Time the same training step in PyTorch and here, in turn; medians of five turns and of their ratios."""
    rows = []
    for precision in ('float32', 'bfloat16'):
        with ExitStack() as stack:
            steps = {'ours': partial(_own_seconds, default_step(precision))}
            for mode in ('eager', 'compiled'):
                process = stack.enter_context(_start_pytorch(args, precision, mode))
                _answer(process)
                steps[f'PyTorch, {mode}'] = partial(_pytorch_seconds, process)
            turns = [{name: seconds() for name, seconds in steps.items()} for _ in range(TURNS)]
        for name in steps:
            step, ratio = np.median([(turn[name], turn['ours'] / turn[name]) for turn in turns], axis=0)
            rows.append({'precision': precision, 'step': name, 'step_ms': step * 1e3, 'ours_to_it': ratio})
    return rows


def _own_seconds(step):
    return median_seconds(step, repeats=STEPS_A_TURN)[0]


def _start_pytorch(args, precision, mode):
    """PyTorch's step in a process of its own, which ends with its standard input."""
    script = ROOT / 'tests' / 'helpers' / 'pytorch_step.py'
    command = [args.python, script, precision, mode, str(args.threads or cores())]
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    except OSError as error:
        raise FileNotFoundError(f'{printable(args.python)}: no program; give the path of a Python') from error


def _pytorch_seconds(process):
    print(STEPS_A_TURN, file=process.stdin, flush=True)
    return float(_answer(process))


def _answer(process):
    answer = process.stdout.readline()
    if not answer:
        raise ValueError(f'{process.args[0]}: PyTorch did not run; give a Python that has it')
    return answer


def build_parser():
    """Describe the command line."""
    parser = Parser(prog='beside_pytorch.py', description=__doc__.splitlines()[0])
    parser.add_argument('python', help='of an environment with requirements-pytorch.txt')
    help_ = 'CPU threads of both (default: all cores)'
    parser.add_argument('--threads', type=whole_number(1, MOST_THREADS), metavar='N', help=help_)
    return parser


def run(args):
    """Compare them, and print a table."""
    start_tensorflow(threads=args.threads)
    print_table(compare(args))


def main(argv=None):
    """Compare them; returns the exit code."""
    return run_command(build_parser(), run, argv, 'stopped; nothing is kept')


if __name__ == '__main__':
    sys.exit(main())
