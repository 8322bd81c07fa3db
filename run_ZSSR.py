"""Zero-Shot Super-Resolution from the command line.

python run_ZSSR.py                                        the default recipe on test_data/
python run_ZSSR.py X2_REAL_CONF --input photo.jpg         a preset on an image of your own
python run_ZSSR.py X2_ONE_JUMP_IDEAL_CONF all             every image of the preset, one process per GPU
"""

import argparse
import sys

import configs
from settings.rules import LARGEST_SCALE


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message):
        """Refuse the command line."""
        raise ValueError(f'{message} (--help lists the options)')


def whole_number(least, most=2**31 - 1):
    """A type for argparse.

    Args:
        least, most: what is accepted.

    Returns:
        Function from text to int.
    """

    def number(text):
        """Read such a number, or refuse it."""
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f'{text!r} is no whole number from {least} to {most}')
        return int(text)

    return number


def build_parser():
    """Describe the command line.

    Returns:
        Parser.
    """
    parser = Parser(
        prog='run_ZSSR.py',
        description='Enlarge images by Zero-Shot Super-Resolution: one small network per image, trained on '
        'nothing but that image.',
        epilog='Example: run_ZSSR.py X2_REAL_CONF --input photo.jpg --scale 3 --set max_iters=1000 --seed 0',
    )
    add = parser.add_argument
    add('config', nargs='?', metavar='CONFIG', help='preset (see --list); 0 or nothing: the default recipe')
    add('gpu', nargs='?', metavar='GPU', help="GPU index, or 'all': one process per GPU")
    add('--input', metavar='FILE|FOLDER', help="image, or folder of images (default: the preset's)")
    add('--output', metavar='FOLDER', help='where the folders of results go (default: results/)')
    add(
        *('--kernel',),
        action='append',
        metavar='FILE',
        help='blur kernel, a .mat with a matrix Kernel; once per scale (default: NAME_0.mat, … beside the '
        'image, then in kernels/)',
    )
    add(
        '--ground-truth', metavar='FILE', help='what the result should be (default: NAME_gt beside the image)'
    )
    add('--scale', metavar='S|SVxSH', help='the preset at another factor: 3, or 2x3 (vertical x horizontal)')
    add('--set', action='append', default=[], metavar='FIELD=VALUE', help='change any field of Config')
    add('--seed', type=int, metavar='N', help='the same seed gives the same file (default: a fresh one)')
    add('--threads', type=whole_number(1), metavar='N', help='CPU threads (default: all cores)')
    add('--no-report', action='store_true', help='write no report.html (results beside bicubic enlargement)')
    add('--list', action='store_true', help='list the presets')
    add('--version', action='version', version=f'ZSSR for TensorFlow 2, {configs.__version__}')
    add('-v', '--verbose', action='store_true', help="let TensorFlow's own messages through")
    add('-q', '--quiet', action='store_true', help='say only what went wrong')
    return parser


def configure(args):
    """Make the configuration that the command line asks for.

    Args:
        args: parsed arguments.

    Returns:
        Config, validated.

    Raises:
        ValueError: naming the option and the remedy.
    """
    conf = configs.get_config(args.config)
    if args.scale is not None:
        conf = conf.at_scale(parse_scale(args.scale))
    for assignment in args.set:
        configs.set_field(conf, assignment)
    for field, value in (('seed', args.seed), ('input_path', args.input), ('result_path', args.output)):
        if value is not None:
            setattr(conf, field, value)
    conf.validate()
    return conf


def parse_scale(text):
    """Read a scale factor: '3' or '2x3' (vertical x horizontal).

    Args:
        text: from the command line.

    Returns:
        (vertical, horizontal) floats, at least 1.
    """
    parts = text.lower().replace('×', 'x').split('x')
    try:
        factors = [float(part) for part in parts]
    except ValueError:
        factors = []
    if len(factors) not in (1, 2) or not all(1 <= factor <= LARGEST_SCALE for factor in factors):
        raise ValueError(f'--scale {text}: give a factor from 1 to 100 such as 3, or two such as 2x3')
    return factors[0], factors[-1]


def run(args):
    """Do what the command line asks for.

    Args:
        args: parsed arguments.

    Returns:
        Exit code: 0, or 1 if an image of a folder failed.
    """
    conf = configure(args)
    if args.gpu not in (None, 'all') and not args.gpu.isdecimal():
        raise ValueError(f"GPU {args.gpu!r}: give an index such as 0, or 'all'")

    from running import runner

    reporter = runner.Reporter(args.quiet)
    runner.check_output(conf)
    inputs, is_folder = runner.find_inputs(conf.input_path)
    if args.ground_truth is not None and is_folder:
        raise ValueError(f'--ground-truth {args.ground_truth}: give the one image it belongs to with --input')
    if args.kernel:
        runner.check_kernels(args.kernel, conf)
    jobs = [runner.make_job(path, conf, args.kernel, args.ground_truth) for path in inputs]
    jobs, failures = runner.check_jobs(jobs, conf)
    if failures and not is_folder:
        raise ValueError(failures[0])
    for failure in failures:
        reporter.warn(failure)
    if jobs:
        if conf.save_results:
            conf.result_path = str(runner.make_results_folder(conf))
            reporter.say(f'results go to {conf.result_path}')
        gpus = runner.start_tensorflow(None if args.gpu == 'all' else args.gpu, args.threads, args.verbose)
        if args.gpu is not None and gpus == 0:
            reporter.say('there is no such GPU on this machine: running on the CPU')
        devices = runner.visible_devices(gpus) if args.gpu == 'all' else []
        failures = runner.run(jobs, conf, reporter, devices, failures, args.threads, args.verbose)
        if conf.save_results and not args.no_report and len(failures) < len(inputs):
            runner.report(conf.result_path, reporter)
    for failure in failures:
        reporter.warn(f'failed: {failure}')
    return 1 if failures else 0


def main(argv=None):
    """Run, and turn what a user can cause into one line and an exit code.

    Args:
        argv: arguments; None: those of the process.

    Returns:
        0; 1 if an image of a folder failed; 2 for unusable input; 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors='replace')
    try:
        args = build_parser().parse_args(argv)
        if args.list:
            for name, description in configs.PRESETS.items():
                print(f'{name:26}{description}')
            return 0
        return run(args)
    except (ValueError, OSError) as error:
        print(f'run_ZSSR.py: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('run_ZSSR.py: stopped; finished images are kept', file=sys.stderr)
        return 130


if __name__ == '__main__':
    sys.exit(main())
