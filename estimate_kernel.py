"""The blur kernel of an image, told by the image alone, in about a second.

    python estimate_kernel.py photo.jpg                  kernels/photo_0.mat for ×2, and a picture of it
    python estimate_kernel.py scans/ --scale 3 -o out/   of every image of a folder, for ×3

run_ZSSR.py finds a kernel in kernels/ by the image's name. Where an image shows no blur beyond bicubic
shrinking, no .mat is written: bicubic sons are right for it.
"""

import argparse
import sys
from pathlib import Path

from files.kernels import write_kernel
from files.names import kernel_names
from files.storage import atomic_write, one_line
from running.command_line import Parser, run_command
from running.inputs import find_inputs
from settings.scales import parse_scale


def run(args):
    """Estimate, write, and say what was found; returns 0, or 1 if an image of several failed."""
    scale, output = parse_scale(args.scale), Path(args.output)
    paths = [path for place in args.images for path in find_inputs(place)[0]]
    output.mkdir(parents=True, exist_ok=True)
    failures = 0
    for path in paths:
        try:
            print(f'{path}: {_estimate(path, scale, output)}')
        except (ValueError, OSError) as error:
            if len(paths) == 1:
                raise
            print(f'estimate_kernel.py: {one_line(error)}', file=sys.stderr)
            failures += 1
    return 1 if failures else 0


def _estimate(path, scale, output):
    """Estimate and write the kernel of one image and its picture; returns what was found, in words."""
    from blind.estimate import estimate_kernel

    estimate = estimate_kernel(path, scale)
    kernel = output / kernel_names(path.stem, 1)[0]
    found = f'{estimate.note}, confidence {estimate.confidence:.2f}' if estimate.covariance else estimate.note
    if estimate.fit:
        from blind.figure import kernel_figure
        from comparing.figures import png_bytes

        atomic_write(kernel.with_suffix('.png'), png_bytes(kernel_figure(f'{path.name}: {found}', estimate)))
    if estimate.kernel is None:
        left = f'; {kernel} is of another time, remove it' if kernel.exists() else ''
        return f'{found}: no kernel is written, bicubic sons are right for it{left}'
    write_kernel(kernel, estimate.kernel)
    return f'{found}: {kernel}'


def build_parser():
    """Describe the command line."""
    parser = Parser(
        prog='estimate_kernel.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('images', nargs='+', metavar='IMAGE', help='image, or folder of images')
    add('--scale', default='2', metavar='S|SVxSH', help='factor by which they will be enlarged (default: 2)')
    add('-o', '--output', default='kernels', metavar='DIR', help='folder to write into (default: kernels)')
    return parser


def main(argv=None):
    """Run the command line `argv` (None: the process' own); returns the exit code."""
    return run_command(build_parser(), run, argv, 'stopped; the kernels written so far are kept')


if __name__ == '__main__':
    sys.exit(main())
