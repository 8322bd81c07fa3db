"""What a run endures, measured: long, and so no part of the tests.

python tests/endure.py memory                        300 images of 60 sizes in one process
python tests/endure.py kill --times 20               killed at random moments, and started again
python tests/endure.py kill --times 20 --workers 2   the same, shared by two processes
python tests/endure.py full                          a full disk, a deleted folder, no terminal, hostile names
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'tests')]

from helpers.endure import full, kill, memory  # noqa: E402


def main():
    """Run one kind; returns 1 if it does not hold what is promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('kind', choices=('memory', 'kill', 'full'))
    parser.add_argument('--images', type=int, metavar='N', help='memory: how many (300); kill: how many (12)')
    parser.add_argument('--sizes', type=int, default=60, metavar='N', help='memory: of so many sizes')
    parser.add_argument('--times', type=int, default=20, metavar='N', help='kill: so often')
    parser.add_argument('--workers', type=int, default=1, metavar='N', help='kill: processes')
    parser.add_argument('--seed', type=int, default=0, metavar='N', help='kill: of the moments')
    args = parser.parse_args()
    with TemporaryDirectory(prefix='endure-') as folder:
        folder = Path(folder)
        if args.kind == 'memory':
            problems = memory.measure(folder, args.images or 300, args.sizes)
        elif args.kind == 'kill':
            problems = kill.measure(folder, args.images or 12, args.times, args.workers, args.seed)
        else:
            problems = full.measure(folder)
    for problem in problems:
        print(f'FAILED: {problem}')
    print('not as promised' if problems else 'as promised')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
