"""The blur kernel of an image, told by the image alone, in about a second.

    python estimate_kernel.py photo.jpg                  kernels/photo_0.mat for ×2, and photo_0.svg
    python estimate_kernel.py scans/ --scale 3 -o out/   of every image of a folder, for ×3

run_ZSSR.py finds a kernel by the image's name, beside the image or in kernels/, for presets of one step; for
others there is its --kernel estimate. Where an image shows no blur beyond bicubic shrinking, no .mat is
written. The .svg shows the kernel and the spectra that it was found by.
"""

import argparse
import sys
from pathlib import Path

from blind.estimate import estimate_kernel
from files.kernels import write_kernel
from files.names import kernel_names
from files.storage import PROJECT, atomic_write, one_line, printable
from running.command_line import Parser, run_command
from running.inputs import find_inputs
from settings.scales import parse_scale


def run(args):
    """Estimate, write, and say what was found; returns 0, or 1 if an image of several failed."""
    scale, output = parse_scale(args.scale), Path(args.output)
    paths = [path for place in args.images for path in find_inputs(place, option='')[0]]
    output.mkdir(parents=True, exist_ok=True)
    failures, names = 0, {}
    for path in paths:
        try:
            twin = names.get(path.stem, path)
            if twin != path:
                raise ValueError(f'{path}: its kernel would replace that of {twin}; rename one of the two')
            print(printable(f'{path}: {_estimate(path, scale, output)}'))
            names[path.stem] = path
        except (ValueError, OSError) as error:
            if len(paths) == 1:
                raise
            print(f'estimate_kernel.py: {one_line(error)}', file=sys.stderr)
            failures += 1
    return 1 if failures else 0


def _estimate(path, scale, output):
    """Estimate and write the kernel of one image and its picture; returns what was found, in words."""
    found = estimate_kernel(path, scale)
    kernel = output / kernel_names(path.stem, 1)[0]
    text = f'{found.note}, confidence {found.confidence:.2f}' if found.spectra else found.note
    if found.spectra:
        from blind.figure import kernel_figure
        from comparing.figures import figure_bytes

        # No format that is read as an image: the folder may hold images to enlarge.
        picture = figure_bytes(kernel_figure(f'{path.name}: {text}', found, scale), 'svg')
        atomic_write(kernel.with_suffix('.svg'), picture)
    if found.kernel is None:
        left = f'; {kernel} is of another time, remove it' if kernel.exists() else ''
        return f'{text}: no kernel is written{left}'
    replaced = ', replaced' if kernel.exists() else ''
    write_kernel(kernel, found.kernel)
    return f'{text}: {kernel}{replaced}'


def build_parser():
    """Describe the command line."""
    parser = Parser(
        prog='estimate_kernel.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('images', nargs='+', metavar='IMAGE', help='image, or folder of images')
    add('--scale', default='2', metavar='S|SVxSH', help='factor by which they will be enlarged (default: 2)')
    help_ = "folder to write into (default: the project's kernels/)"
    add('-o', '--output', default=str(PROJECT / 'kernels'), metavar='DIR', help=help_)
    return parser


def main(argv=None):
    """Run the command line `argv` (None: the process' own); returns the exit code."""
    return run_command(build_parser(), run, argv, 'stopped; the kernels written so far are kept')


if __name__ == '__main__':
    sys.exit(main())
