"""Two folders of results side by side: what each scores, and where they differ.

    python compare.py original/ port/ --gt HR/ --names original port -o report/

finds the images that both folders have and writes `report.html` (one file that opens from disk), the table as
`comparison.md` and `comparison.csv`, and per image a figure for papers in `figures/`. `report_run` writes the
page for one finished run, against bicubic enlargement of its inputs.
"""

import sys

from comparing.comparison import compare, report_run
from files.storage import printable
from running.command_line import Parser, run_command

__all__ = ['compare', 'main', 'report_run']


def build_parser():
    """Describe the command line."""
    parser = Parser(
        prog='compare.py', description='Compare two folders of results, image by image, and write a report.'
    )
    add = parser.add_argument
    add('a', metavar='A', help="folder of results, e.g. the original program's")
    add('b', metavar='B', help='the other folder')
    add('--gt', metavar='DIR', help='folder of ground truth: NAME.png or NAME_gt.png')
    add('--inputs', metavar='DIR', help='folder of low-resolution inputs, for the figures')
    add('--names', nargs=2, metavar=('A', 'B'), help="what to call the two (the folders' names)")
    add('--border', type=int, metavar='N', help='pixels to crop before measuring (the scale)')
    add('--no-figures', action='store_true', help='leave out the figures for papers')
    add('-o', '--output', default='report', metavar='DIR', help='folder to write into (report)')
    return parser


def run(args):
    """Compare, and print the table and where the page lies."""
    done = compare(
        args.a,
        args.b,
        args.output,
        gt=args.gt,
        inputs=args.inputs,
        names=args.names,
        border=args.border,
        figures=not args.no_figures,
    )
    for note in done.notes:
        print(printable(f'compare.py: {note}'), file=sys.stderr)
    print(f'{done.table}\n{printable(str(done.path))}')


def main(argv=None):
    """Compare, as the command line asks; returns the exit code."""
    stopped = 'stopped; the report is not complete, start again for a whole one'
    return run_command(build_parser(), run, argv, stopped)


if __name__ == '__main__':
    sys.exit(main())
