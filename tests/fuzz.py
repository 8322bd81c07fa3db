"""Damage files and settings at random, and see that the program's readers take or refuse them in one line.

    python tests/fuzz.py images --count 5000
    python tests/fuzz.py images --seed 0 --only 17      # that case again, and what it raises

A kind is a module of tests/helpers/fuzz/ with `make(rng, folder)`, which returns a case, and `read(case)`,
which hands it to the program. Ends with 1 if there is a defect: a traceback, a crash, a message of several
lines or beside ours, more than 10 seconds, more than 2 GiB.
"""

import argparse
import importlib
import os
import sys
from pathlib import Path

os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')  # a process without threads is one that can fork
TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(TESTS.parent), str(TESTS)]


def main(words=None):
    """Run the cases of a kind; returns 1 if there is a defect, else 0."""
    from helpers.fuzz import harness

    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('kind', choices=harness.kinds(), metavar='KIND', help=', '.join(harness.kinds()))
    parser.add_argument('--count', type=int, default=200, metavar='N', help='so many cases (200)')
    parser.add_argument('--seed', type=int, default=0, metavar='S', help='of what is damaged, and how (0)')
    parser.add_argument('--only', type=int, metavar='N', help='the case of this number, with its traceback')
    parser.add_argument('--keep', type=Path, metavar='FOLDER', help='where to keep the files of --only')
    args = parser.parse_args(words)
    kind = importlib.import_module(f'helpers.fuzz.{args.kind}')
    if args.only is not None:
        return harness.show(kind, args.seed, args.only, args.keep)
    return harness.run(kind, args.count, args.seed)


if __name__ == '__main__':
    sys.exit(main())
