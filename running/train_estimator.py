"""Train the small networks by which images tell their own blur: blind/estimator.npz, made anew.

    python -m running.train_estimator                        on packages' pictures, in half an hour
    python -m running.train_estimator --pictures DIR -o N.npz

Packages in requirements-dev.txt bring freely licensed pictures; of these the sharp ones are taken. The same
seed, pictures and machine give the same file.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from blind.estimator import WEIGHTS
from blind.examples import SOFT_SHARES, draw_example
from blind.training import train, weights_bytes
from files.names import image_files
from files.pictures import read_image
from files.rounding import to_integers
from files.storage import atomic_write
from running.command_line import Parser, run_command, whole_number
from settings.rules import LARGEST_SEED

# Folder of a package -> its pictures. Not cell and brick, which are soft; coffee and microaneurysms are kept
# aside for the tests and the front page.
PICTURES = {
    'skimage/data': [
        *('astronaut.png', 'camera.png', 'chelsea.png', 'coins.png', 'grass.png', 'gravel.png', 'ihc.png'),
        *('hubble_deep_field.jpg', 'moon.png', 'motorcycle_left.png', 'page.png', 'retina.jpg'),
        *('rocket.jpg', 'text.png'),
    ],
    'sklearn/datasets/images': ['china.jpg', 'flower.jpg'],
    'matplotlib/mpl-data/sample_data': ['grace_hopper.jpg'],
}


def run(args):
    """Draw the examples, train, write the weights."""
    paths = image_files(args.pictures) if args.pictures else _pictures_of_packages()
    pictures = [to_integers(read_image(path).pixels) for path in paths]
    networks = [_train_on(pictures, soft_share, args) for soft_share in SOFT_SHARES]
    atomic_write(args.output, weights_bytes(networks))
    print(f'{args.output}: trained on {len(pictures)} pictures')


def _train_on(pictures, soft_share, args):
    """Train one network on examples of which a share is made soft; returns its weights."""
    rng, examples, losses = np.random.RandomState(args.seed), [], []
    for number in range(args.examples):
        examples.append(draw_example(pictures[number % len(pictures)], rng, soft_share))
        if (number + 1) % 200 == 0:
            print(f'{number + 1} of {args.examples} examples, {soft_share:.0%} soft')

    def follow(step, loss):
        """Say how the training goes."""
        losses.append(loss)
        if (step + 1) % 500 == 0:
            print(f'step {step + 1} of {args.steps}: loss {np.mean(losses[-500:]):.3f}')

    return train(examples, args.steps, rng, follow)


def _pictures_of_packages():
    """The paths of the pictures that packages bring."""
    paths = []
    for place, names in PICTURES.items():
        package, _, folder = place.partition('/')
        spec = find_spec(package)
        if spec is None:
            raise ValueError(f'{package} is missing: pip install -r requirements-dev.txt')
        paths += [Path(spec.submodule_search_locations[0]) / folder / name for name in names]
    return paths


def build_parser():
    """Describe the command line."""
    parser = Parser(
        prog='train_estimator', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('--pictures', metavar='DIR', help='folder of sharp pictures (default: those of packages)')
    add('--examples', type=whole_number(1), default=6800, metavar='N', help='images made of them')
    add('--steps', type=whole_number(1), default=8000, metavar='N', help='training steps')
    add('--seed', type=whole_number(0, LARGEST_SEED), default=0, metavar='N', help='(default: 0)')
    add('-o', '--output', type=Path, default=WEIGHTS, metavar='FILE', help='(default: blind/estimator.npz)')
    return parser


def main(argv=None):
    """Run the command line `argv` (None: the process' own); returns the exit code."""
    return run_command(build_parser(), run, argv)


if __name__ == '__main__':
    sys.exit(main())
