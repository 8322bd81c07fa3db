"""The paper's tables, measured: one command per table, its figures and ours in adjacent columns.

    python evaluate.py table1 --data DIR --sets Set5 Set14 --scales 2 3 4      bicubic downscaling
    python evaluate.py table2 --data DIR/BSD100 --kernels true bicubic         a random blur kernel per image
    python evaluate.py table2 --given DIR/BSD100_random_kernels                the authors' own six
    python evaluate.py table3 --data DIR/BSD100                                noise, speckle or JPEG
    python evaluate.py div2krk --data DIR/DIV2KRK --scales 2 4                 KernelGAN's benchmark
    python evaluate.py score RESULTS --gt DIR                                  any program's images
    python evaluate.py show results/tables                                     the tables so far, in Markdown

DIR holds a folder per set with the ground truth, in HR/ or directly; LR is made, or taken from LR_x2/, …,
where it is there. Every image measured is a row of OUTPUT/TABLE.csv at once; a command stopped at any moment
and started again goes on with what is missing. LR, kernels and results are kept in OUTPUT/work/.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

from comparing import scoring
from files.pictures import write_png
from files.run_folder import check_output
from files.storage import atomic_write, fingerprint, one_line
from paper import image_sets, published, tables, tasks
from running.command_line import Parser, whole_number
from running.devices import device, start_tensorflow, versions
from settings.rules import LARGEST_SEED
from settings.scales import scale_name

DEFAULT_PRESETS = {
    'table1': 'X2_ONE_JUMP_IDEAL_CONF',
    'table2': 'X2_GIVEN_KERNEL_CONF',
    'table3': 'X2_NOISY_CONF',
    'div2krk': 'X2_GIVEN_KERNEL_CONF',
}


class Measurer:
    """Measures one task after another, and keeps what is expensive to make: TensorFlow and the networks."""

    def __init__(self, output, threads=None):
        """Nothing is loaded before the first image that is trained on.

        Args:
            output: folder of the tables.
            threads: CPU threads for TensorFlow; None: all cores.
        """
        self.work = Path(output) / 'work'
        self.threads = threads
        self.networks = {}
        self.machine = ''  # of the last image, in words

    def measure(self, task):
        """Measure one row.

        Args:
            task: Task.

        Returns:
            (row, notes): tables.Row, and the note on the machine.
        """
        hr, lr = image_sets.read_pair(task.sample.item)
        bicubic = scoring.score_bicubic(lr, hr, str(task.sample.item.hr))
        found = bicubic | {f'bicubic_{name}': value for name, value in bicubic.items()}
        if task.result is not None:
            found |= scoring.scores(image_sets.read_8_bits(task.result), hr, task.row.scale, str(task.result))
        if task.conf is not None:
            found |= self._super_resolve(task, lr, hr)
        rounded = {
            name: round(value, 5) if isinstance(value, float) else value for name, value in found.items()
        }
        row = dataclasses.replace(task.row, **rounded)
        return row, {f'machine {row.machine}': self.machine} if row.machine else {}

    def _super_resolve(self, task, lr, hr):
        """Train on the image, keep the result as PNG, and return the columns of the row."""
        if not self.networks:
            start_tensorflow(threads=self.threads)
        from ZSSR import ZSSR

        kernels = None if task.kernel is None else [task.kernel]
        channels = lr.shape[2]
        net = ZSSR(lr, task.conf, kernels=kernels, network=self.networks.get(channels))
        self.networks[channels] = net.network
        self.machine = _machine(net.network.design.precision, self.threads)
        sr = net.run()
        row = task.row
        drawn = '' if row.draw_seed is None else f'-draw{row.draw_seed}'
        run = f'{row.preset}-{row.kernels}-seed{row.seed}{drawn}-{row.config}'
        folder = self.work / 'sr' / row.table / f'{row.set}_x{row.scale}' / run
        folder.mkdir(parents=True, exist_ok=True)
        write_png(folder / f'{row.image}_zssr_{scale_name(task.conf.scales[-1])}.png', sr)
        return scoring.scores(sr, hr, row.scale) | {
            'iterations': sum(record['iterations'] for record in net.records),
            'seconds': sum(sum(record['seconds'].values()) for record in net.records),
            'machine': fingerprint(self.machine),
        }


def _machine(precision, threads):
    """What an image is trained on and in, in words."""
    listed = ', '.join(f'{name} {number}' for name, number in versions().items())
    limit = f'; {threads} threads' if threads else ''
    return f'{device()}{limit}; {precision}; {listed}'


def run_table(args):
    """Measure what is missing of a table, and print the table.

    Args:
        args: parsed arguments of one of the tables.
    """
    args.preset = args.preset or _default_preset(args)
    path = Path(args.output) / f'{args.table}.csv'
    rows, _ = tables.read_table(path)
    check_output(args.output)
    if args.threads is not None:
        # Before planning reads 16-bit images, since TensorFlow takes no number of threads once it works.
        start_tensorflow(threads=args.threads)
    planned, notes = tasks.plan(args)
    measurer = Measurer(args.output, args.threads)
    for index, task in enumerate(planned, 1):
        known = rows.get(task.row.key)
        if known is None or not known.is_valid(task.row.config, task.row.inputs):
            row, machine = measurer.measure(task)
            rows[row.key] = row
            tables.add_row(path, row, notes | machine)
            _report(row, f'{index}/{len(planned)}')
    rows, notes = tables.read_table(path)
    print(tables.markdown(args.table, rows.values(), notes), end='')


def _default_preset(args):
    return 'X2_GRADUAL_IDEAL_CONF' if args.gradual and args.table == 'table1' else DEFAULT_PRESETS[args.table]


def _report(row, count):
    """Say on the standard error what was measured."""
    cost = '' if row.seconds is None else f', {row.iterations} iterations, {row.seconds:.0f} s'
    kernels = f', {row.kernels} kernel' if row.kernels else ''
    scores = f'{row.psnr:.2f} dB (bicubic {row.bicubic_psnr:.2f})'
    print(
        f'{count} {row.set} ×{row.scale} {row.image}: {row.preset}{kernels}: {scores}{cost}', file=sys.stderr
    )


def show(args):
    """Print the tables of CSV files in Markdown, without measuring anything.

    Args:
        args: parsed arguments: `paths`, CSV files, or folders in which those called TABLE.csv are tables.
    """
    found = []
    for path in map(Path, args.paths):
        files = [path / f'{table}.csv' for table in published.TITLES] if path.is_dir() else [path]
        files = [file for file in files if file.is_file()]
        if not files:
            raise FileNotFoundError(
                f'{path}: no table there; give a CSV file of evaluate.py, or their folder'
            )
        found += files
    for path in found:
        rows, notes = tables.read_table(path)
        for table in sorted({row.table for row in rows.values()}, key=list(published.TITLES).index):
            of_table = [row for row in rows.values() if row.table == table]
            print(f'### {published.TITLES[table]}\n\n{tables.markdown(table, of_table, notes)}')


def score(args):
    """Score the images of a folder, and print the table.

    Args:
        args: parsed arguments: `folder`, `gt`, `scale`, `csv`.
    """
    rows, notes = scoring.score_folder(args.folder, args.gt, args.scale)
    for note in notes:
        print(f'evaluate.py: {note}', file=sys.stderr)
    print(scoring.markdown(rows), end='')
    if args.csv:
        atomic_write(args.csv, scoring.csv_text(rows).encode())


def build_parser():
    """Describe the command line.

    Returns:
        Parser.
    """
    parser = Parser(
        prog='evaluate.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for table, title in published.TITLES.items():
        _add_table(commands, table, title)
    score = commands.add_parser('score', help="score any program's images against ground truth")
    score.add_argument(
        'folder', metavar='FOLDER', help='NAME.png, or NAME_zssr_X2.00X2.00.png, RGBA included'
    )
    score.add_argument(
        '--gt', required=True, metavar='FOLDER', help='NAME.png, NAME_gt.png, NAME_SRF_2_HR.png'
    )
    score.add_argument(
        '--scale',
        type=float,
        metavar='S',
        help="which scale's results, and the border (default: by their names)",
    )
    score.add_argument('--csv', metavar='FILE', help='write the rows there as well')
    show_ = commands.add_parser('show', help='print the tables so far, without measuring')
    show_.add_argument('paths', nargs='*', default=['results/tables'], help='CSV files, or folders of them')
    return parser


def _add_table(commands, table, title):
    """Describe the subcommand of one table."""
    parser = commands.add_parser(table, help=title, description=title)
    parser.set_defaults(table=table, sets=None, given=None, kernels=['bicubic'], draw_seed=None, scales=[2])
    add, seed = parser.add_argument, whole_number(0, LARGEST_SEED)
    source = parser.add_mutually_exclusive_group(required=True) if table == 'table2' else parser
    needed = {} if table == 'table2' else {'required': True}
    source.add_argument('--data', metavar='DIR', help='folder of the sets, or of one', **needed)
    if table == 'table2':
        source.add_argument('--given', metavar='DIR', help='a set with HR/, LR_x2/, kernels/ as they are')
    if table != 'div2krk':
        add('--sets', nargs='+', metavar='SET', help='folders in DIR (default: DIR, or the sets in it)')
    if table in ('table1', 'div2krk'):
        add('--scales', nargs='+', type=whole_number(2), default=[2], metavar='S', help='(default: 2)')
    if table in ('table2', 'table3'):
        what = 'kernels' if table == 'table2' else 'degradations'
        add('--draw-seed', type=seed, default=0, metavar='N', help=f'of the {what} (default: 0)')
    if table in ('table2', 'div2krk'):
        help_ = "'true', 'bicubic', or a folder of estimated ones, NAME_0.mat (default: true)"
        add('--kernels', nargs='+', default=['true'], metavar='KIND', help=help_)
    preset = f"(default: {DEFAULT_PRESETS[table]}); 'bicubic' measures nothing else"
    add('--preset', metavar='NAME', help=f'preset, at any scale {preset}')
    add('--gradual', action='store_true', help='in the six steps of X2_GRADUAL_IDEAL_CONF, on the fine grid')
    add('--set', action='append', default=[], metavar='FIELD=VALUE', help='change any field of Config')
    add('--seed', type=seed, default=0, metavar='N', help='of every training (default: 0)')
    add('--images', nargs='+', metavar='NAME', help='only these')
    add('--limit', type=whole_number(1), metavar='N', help='only the first N of each set')
    add('--threads', type=whole_number(1), metavar='N', help='CPU threads (default: all cores)')
    add('--output', default='results/tables', metavar='DIR', help='for the tables (default: results/tables)')


def main(argv=None):
    """Run one command, and turn what a user can cause into one line and an exit code.

    Args:
        argv: arguments; None: those of the process.

    Returns:
        0; 2 for unusable input; 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors='replace')
    try:
        args = build_parser().parse_args(argv)
        {'score': score, 'show': show}.get(args.command, run_table)(args)
    except (ValueError, OSError) as error:
        print(f'evaluate.py: {one_line(error)}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            'evaluate.py: stopped; the rows measured so far are kept, start again to go on', file=sys.stderr
        )
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())
