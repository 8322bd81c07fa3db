"""The paper's tables, measured: one command per table, its figures and ours in adjacent columns.

    python evaluate.py table1 --data DIR --sets Set5 Set14 --scales 2 3 4      bicubic downscaling
    python evaluate.py table2 --data DIR/BSD100 --kernels true bicubic         a random blur kernel per image
    python evaluate.py table2 --given DIR/BSD100_random_kernels                the authors' own six
    python evaluate.py table3 --data DIR/BSD100                                noise, speckle or JPEG
    python evaluate.py mixture --data DIR/BSD100                               any of these, told by the image
    python evaluate.py div2krk --data DIR/DIV2KRK --scales 2 4                 KernelGAN's benchmark
    python evaluate.py kernels --data DIR/DIV2KRK                              blurs by the images themselves
    python evaluate.py score RESULTS --gt DIR                                  any program's images
    python evaluate.py show                                                    its own tables, in Markdown

DIR holds a folder per set with the ground truth, in HR/ or directly; LR is made, or taken from LR_x2/, …,
where it is there. Every image measured is a row of OUTPUT/TABLE.csv at once; a command stopped at any moment
and started again goes on with what is missing. LR, kernels and results are kept in OUTPUT/work/. OUTPUT is
results/measured, which git ignores; the project's own tables, in results/tables, change only if it is named.
"""

import argparse
import sys
from pathlib import Path

from comparing import scoring
from files.storage import atomic_write, printable
from paper import kernel_table, oracle, published, tables
from paper.experiment import Experiment
from paper.measuring import measure_table
from paper.tables import WITH_KERNELS
from running.command_line import Parser, run_command, whole_number
from running.devices import MOST_THREADS
from running.processes import MOST_WORKERS
from settings.rules import LARGEST_SEED

DEFAULT_PRESETS = {
    'table1': 'X2_ONE_JUMP_IDEAL_CONF',
    'table2': 'X2_GIVEN_KERNEL_CONF',
    'table3': 'X2_NOISY_CONF',
    'mixture': 'AUTO',
    'div2krk': 'X2_GIVEN_KERNEL_CONF',
    'kernels': 'X2_FAST_GIVEN_KERNEL_CONF',
}


def run_table(args):
    """Measure what is missing of a table, and print the table."""
    experiment = read_experiment(args)
    for row, number, count in measure_table(experiment, _tell):
        print(printable(f'{number}/{count} {row.summary}'), file=sys.stderr)
    rows, notes = tables.read_table(experiment.csv)
    print(tables.markdown(experiment.table, rows.values(), notes), end='')
    if experiment.table == 'mixture':
        drawn = [row for row in rows.values() if row.draw_seed == experiment.draw_seed]
        print('\n' + oracle.markdown(row for row in drawn if row.seed in (None, experiment.seed)), end='')


def run_kernels(args):
    """Measure what is missing of a table with bicubic, estimated and true kernels, and print each image's."""
    figure = vars(args).pop('figure')
    experiment = read_experiment(args)
    for row, number, count in measure_table(experiment, _tell):
        print(printable(f'{number}/{count} {row.summary}'), file=sys.stderr)
    rows = kernel_table.kernel_rows(experiment)
    print(kernel_table.markdown(rows), end='')
    if figure:
        from comparing.figures import figure_bytes
        from paper.kernel_figure import kernels_figure

        figure.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(figure, figure_bytes(kernels_figure(rows), figure.suffix.removeprefix('.') or 'png'))


def _tell(line):
    print(f'evaluate.py: {printable(line)}', file=sys.stderr)


def read_experiment(args):
    """What the command line asks for of a table; what it does not name is as Experiment has it."""
    asked = {name: tuple(value) if isinstance(value, list) else value for name, value in vars(args).items()}
    table = asked.pop('command')
    if table == 'kernels':
        asked.setdefault('preset', DEFAULT_PRESETS[table])
        table, source = kernel_table.table_of(asked.pop('data'))
        asked |= {'kernels': kernel_table.KINDS, **source}
    if not asked.get('preset'):
        gradual = table == 'table1' and 'gradual' in asked
        asked['preset'] = 'X2_GRADUAL_IDEAL_CONF' if gradual else DEFAULT_PRESETS[table]
    if 'given' in asked:
        asked['draw_seed'] = None  # nothing is drawn
    return Experiment(table=table, **asked)


def show(args):
    """Print the tables of CSV files in Markdown, without measuring anything."""
    for path in [path for place in args.paths for path in tables.find_tables(place)]:
        rows, notes = tables.read_table(path)
        for table, title in published.TITLES.items():
            if of_table := [row for row in rows.values() if row.table == table]:
                print(f'### {title}\n\n{tables.markdown(table, of_table, notes)}')


def score(args):
    """Score the images of a folder, and print their scores."""
    rows, notes = scoring.score_folder(args.folder, args.gt, args.scale)
    for note in notes:
        print(printable(f'evaluate.py: {note}'), file=sys.stderr)
    print(scoring.markdown(rows), end='')
    if args.csv:
        atomic_write(args.csv, scoring.csv_text(rows).encode(errors='surrogateescape'))


def build_parser():
    """Describe the command line."""
    parser = Parser(
        prog='evaluate.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for table, title in published.TITLES.items():
        _add_table(commands, table, title)
    _add_table(commands, 'kernels', 'estimated kernels against true ones, image by image')
    add = commands.add_parser('score', help="score any program's images against ground truth").add_argument
    add('folder', metavar='FOLDER', help='NAME.png, or NAME_zssr_X2.00X2.00.png, RGBA included')
    add('--gt', required=True, metavar='FOLDER', help='NAME.png, NAME_gt.png, NAME_SRF_2_HR.png')
    help_ = "which scale's results, and the border (default: by their names)"
    add('--scale', type=float, metavar='S', help=help_)
    add('--csv', metavar='FILE', help='write the rows there as well')
    add = commands.add_parser('show', help='print the tables so far, without measuring').add_argument
    add(
        'paths', nargs='*', default=['results/tables'], help='CSV files, or folders (default: results/tables)'
    )
    return parser


def _add_table(commands, table, title):
    """Describe the subcommand of one table; most options that are left out are as Experiment has them."""
    parser = commands.add_parser(table, help=title, description=title, argument_default=argparse.SUPPRESS)
    add, seed = parser.add_argument, whole_number(0, LARGEST_SEED)
    folder = {'type': Path, 'metavar': 'DIR'}
    if table == 'table2':
        source = parser.add_mutually_exclusive_group(required=True).add_argument
        source('--data', help='folder of the sets, or of one', **folder)
        source('--given', help='a set with HR/, LR_x2/, kernels/ as they are', **folder)
    else:
        add('--data', help='folder of the sets, or of one', required=True, **folder)
    if table not in ('div2krk', 'kernels'):
        add('--sets', nargs='+', metavar='SET', help='folders in DIR (default: DIR, or the sets in it)')
    if table in ('table1', 'div2krk', 'kernels'):
        add('--scales', nargs='+', type=whole_number(2), metavar='S', help='(default: 2)')
    if table in ('table2', 'table3', 'mixture', 'kernels'):
        what = 'kernels' if table in ('table2', 'kernels') else 'degradations'
        add('--draw-seed', type=seed, default=0, metavar='N', help=f'of the {what} (default: 0)')
    if table in ('table2', 'kernels'):
        damage = parser.add_mutually_exclusive_group().add_argument
        damage(
            '--noise', type=_grey_levels, metavar='D', help='add noise of D grey levels to the blurred images'
        )
        damage('--jpeg', type=whole_number(1, 100), metavar='Q', help='compress them to JPEG of quality Q')
    if table == 'kernels':
        help_ = 'draw the kernels, true and estimated, to FILE (.png, .svg, .pdf)'
        add('--figure', type=Path, default=None, metavar='FILE', help=help_)
    if table in WITH_KERNELS:
        help_ = "'true', 'bicubic', 'estimated', or a folder of another's, NAME_0.mat (default: true)"
        add('--kernels', nargs='+', default=['true'], metavar='KIND', help=help_)
    preset = f"(default: {DEFAULT_PRESETS[table]}); 'bicubic' measures nothing else"
    add('--preset', metavar='NAME', help=f'preset, at any scale {preset}')
    add('--gradual', action='store_true', help='in the six steps of X2_GRADUAL_IDEAL_CONF, on the fine grid')
    add('--set', action='append', dest='changes', metavar='FIELD=VALUE', help='change any field of Config')
    add('--seed', type=seed, metavar='N', help='of every training (default: 0)')
    add('--images', nargs='+', metavar='NAME', help='only these')
    add('--limit', type=whole_number(1), metavar='N', help='only the first N of each set')
    add('--threads', type=whole_number(1, MOST_THREADS), metavar='N', help='CPU threads (default: all cores)')
    help_ = 'processes that share the images (default: none but this)'
    add(*('-j', '--workers'), type=whole_number(1, MOST_WORKERS), metavar='N', help=help_)
    add('--cluster', metavar='ADDRESS|FILE', help='share them among the workers of this Dask scheduler')
    add('--output', help='for the tables (default: results/measured)', **folder)


def _grey_levels(text):
    """Read the strength of noise, or refuse it."""
    if not 0 < (strength := float(text)) < 256:
        raise argparse.ArgumentTypeError(f'{text!r} is not between 0 and 256 grey levels')
    return strength


def main(argv=None):
    """Run one command; returns the exit code."""
    parser = build_parser()
    stopped = 'stopped; the rows measured so far are kept, start again to go on'
    commands = {'kernels': run_kernels, 'score': score, 'show': show}
    return run_command(parser, lambda args: commands.get(args.command, run_table)(args), argv, stopped)


if __name__ == '__main__':
    sys.exit(main())
