"""Zero-Shot Super-Resolution from the command line.

python run_ZSSR.py                                        the default recipe on test_data/
python run_ZSSR.py AUTO --input photo.jpg                 an image of your own, which tells what it needs
python run_ZSSR.py X2_REAL_CONF --input photo.jpg         a preset of the original's
python run_ZSSR.py X2_ONE_JUMP_IDEAL_CONF all             every image of the preset, one process per GPU
"""

import sys

import configs
from files.run_folder import check_output, make_results_folder
from running.command_line import Parser, make_config, run_command, whole_number
from settings.scales import parse_scale


def build_parser():
    """Describe the command line."""
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
        "image, then in kernels/); or 'estimate': from the image itself",
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
    """Make the configuration that the command line asks for."""
    scale = None if args.scale is None else parse_scale(args.scale)
    changes = {'seed': args.seed, 'input_path': args.input, 'result_path': args.output}
    conf = make_config(args.config, args.set, scale, save_results=True, **changes)
    if args.kernel:
        estimate = 'estimate' in args.kernel
        if estimate and len(args.kernel) > 1:
            raise ValueError(f'--kernel {" ".join(args.kernel)}: give estimate once and alone')
        others = [name for name in conf.from_image if name != 'kernel']
        conf.from_image = [*others, 'kernel'] if estimate else others
    return conf


def run(args):
    """Do what the command line asks for; returns 0, or 1 if an image of a folder failed."""
    if args.list:
        for name, description in configs.PRESETS.items():
            print(f'{name:26}{description}')
        return 0
    conf = configure(args)
    if args.gpu not in (None, 'all') and not args.gpu.isdecimal():
        raise ValueError(f"GPU {args.gpu!r}: give an index such as 0, or 'all'")
    check_output(conf.result_path)
    return enlarge(conf, args)


def enlarge(conf, args):
    """Find the images, set unusable ones aside, and run the others; returns as `run`."""
    from running import devices, inputs, workers
    from running.progress import Terminal

    terminal = Terminal(args.quiet)
    paths, is_folder = inputs.find_inputs(conf.input_path)
    if args.ground_truth is not None and is_folder:
        raise ValueError(f'--ground-truth {args.ground_truth}: give the one image it belongs to with --input')
    kernels = [] if 'kernel' in conf.from_image else args.kernel
    if kernels:
        inputs.check_kernels(kernels, conf)
    found = [inputs.find_files(path, conf, kernels, args.ground_truth) for path in paths]
    images, failures = inputs.check_images([files for files, _ in found], conf)
    if failures and not is_folder:
        raise ValueError(failures[0])
    for line in [*(warning for _, warning in found if warning), *failures]:
        terminal.warn(line)
    if images:
        if conf.save_results:
            conf.result_path = str(make_results_folder(conf))
            terminal.say(f'results go to {conf.result_path}')
        gpus = devices.start_tensorflow(None if args.gpu == 'all' else args.gpu, args.threads, args.verbose)
        if args.gpu is not None and gpus == 0:
            terminal.say('there is no such GPU on this machine: running on the CPU')
        failures = workers.run_images(
            images,
            conf,
            terminal,
            preset=args.config,
            devices=devices.visible_devices(gpus) if args.gpu == 'all' else (),
            rejected=failures,
            threads=args.threads,
            verbose=args.verbose,
        )
        if conf.save_results and not args.no_report and len(failures) < len(paths):
            workers.write_report(conf.result_path, terminal)
    for failure in failures:
        terminal.warn(f'failed: {failure}')
    return 1 if failures else 0


def main(argv=None):
    """Run the command line `argv` (None: the process' own).

    Returns:
        0; 1 if an image of a folder failed; 2 for unusable input; 130 after Ctrl-C.
    """
    return run_command(build_parser(), run, argv, 'stopped; finished images are kept')


if __name__ == '__main__':
    sys.exit(main())
