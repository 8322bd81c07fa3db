"""Zero-Shot Super-Resolution from the command line.

python run_ZSSR.py photo.jpg                              a picture of your own, which tells what it needs
python run_ZSSR.py photo.jpg -s 3 -o big.png              three times as large, as this very file
python run_ZSSR.py X2_REAL_CONF --input scans/ b.png      a preset of the original's, on several
python run_ZSSR.py X2_ONE_JUMP_IDEAL_CONF all             every image of the preset, one process per GPU
python run_ZSSR.py                                        the default recipe on test_data/
"""

import sys

import configs
from files.run_folder import RunFolder, check_output
from running import devices, inputs, workers
from running.cluster import Cluster
from running.command_line import (
    Parser,
    make_config,
    pages_of,
    range_of,
    run_command,
    scale_note,
    whole_number,
)
from running.jobs import make_plan
from running.outputs import FORMATS, check_result_file, last_line, name_note, output_fields
from running.processes import MOST_WORKERS
from running.progress import Terminal
from running.words import read_words
from settings.rules import RESULT_FORMATS
from settings.scales import parse_scale


def build_parser():
    """Describe the command line."""
    parser = Parser(
        prog='run_ZSSR.py',
        usage='run_ZSSR.py [CONFIG [GPU]] [FILE|FOLDER|PATTERN ...] [options]',
        description='Enlarge images by Zero-Shot Super-Resolution: one small network per image, trained on '
        'nothing but that image.',
        epilog='Example: run_ZSSR.py X2_REAL_CONF photo.jpg --scale 3 --set max_iters=1000 --seed 0',
    )
    parser.intermixed = True
    add = parser.add_argument
    add(
        *('words',),
        nargs='*',
        metavar='CONFIG GPU FILE',
        help='preset (see --list); 0 or nothing: the default recipe; an image in its place: AUTO. Then GPU '
        "index, or 'all': one process per GPU. Images, folders and patterns anywhere, as with --input",
    )
    add(
        *('-i', '--input'),
        nargs='+',
        action='extend',
        default=[],
        metavar='FILE|FOLDER|PATTERN',
        help="images, folders of images, patterns such as 'scans/*.tif' (default: the preset's)",
    )
    suffixes = ', '.join(FORMATS)
    add(
        *('-o', '--output'),
        metavar='FILE|FOLDER',
        help=f'the result file ({suffixes}), or the folder of results (default: a new one in results/)',
    )
    add('--ext', choices=RESULT_FORMATS, help="format of results; auto: the input's, where it is lossless")
    add(
        '--range',
        metavar='auto|full|LO:HI',
        help="black and white; full: the type's (default: auto)",
    )
    add('--pages', metavar='first|all|each|N', help='of a stack: by one network, or each by its own')
    add('--large', action='store_true', default=None, help='read pictures of more than 89 megapixels, too')
    _add_settings(parser)
    return parser


def _add_settings(parser):
    """Describe what is not about files: kernels, truth, settings, and how the program behaves."""
    add = parser.add_argument
    add(
        *('--kernel',),
        action='append',
        metavar='FILE',
        help='blur kernel, .mat (its Kernel), .npy, .txt or .png; once per scale (default: NAME_0.mat, … '
        "beside the image, then in kernels/); or 'estimate': from the image itself",
    )
    add(
        '--ground-truth', metavar='FILE', help='what the result should be (default: NAME_gt beside the image)'
    )
    add(
        *('-s', '--scale'),
        metavar='S|SVxSH',
        help='the preset at another factor: 3, or 2x3 (vertical x horizontal)',
    )
    add('--set', action='append', default=[], metavar='FIELD=VALUE', help='change any field of Config')
    add('--seed', type=int, metavar='N', help='the same seed gives the same file (default: a fresh one)')
    add(
        '--threads',
        type=whole_number(1, devices.MOST_THREADS),
        metavar='N',
        help='CPU threads (default: all cores)',
    )
    add(
        *('-j', '--workers'),
        type=whole_number(1, MOST_WORKERS),
        metavar='N',
        help='processes that share the images (default: two for many on a CPU; with all, one per GPU)',
    )
    add('--cluster', metavar='ADDRESS|FILE', help='share them among the workers of this Dask scheduler')
    add(
        '--force',
        action='store_true',
        help='do again what --output holds; replace results of other settings',
    )
    add('--no-report', action='store_true', help='write no report.html (results beside bicubic enlargement)')
    add('--list', action='store_true', help='list the presets')
    add('--version', action='version', version=f'ZSSR for TensorFlow 2, {configs.__version__}')
    add('-v', '--verbose', action='store_true', help="let TensorFlow's own messages through")
    add('-q', '--quiet', action='store_true', help='say only what went wrong')


def configure(args):
    """Make the configuration that the command line asks for."""
    words = read_words(args.words, args.input)
    if args.cluster is not None and (args.workers or words.gpu not in (None, 'all')):
        raise ValueError(
            f"--cluster {args.cluster}: its workers are its own; leave out --workers and a GPU's index"
        )
    scale = None if args.scale is None else parse_scale(args.scale)
    defaults = {'save_results': True, 'value_range': 'auto'}
    changes = {'seed': args.seed, 'result_format': args.ext, 'large': args.large}
    if words.places:
        changes['input_path'] = ' '.join(words.places)
    if args.range is not None:
        changes['value_range'] = range_of(args.range)
    if args.pages is not None:
        changes['pages'] = pages_of(args.pages)
    if args.output is not None:
        fields = output_fields(args.output, args.ext)
        if args.cluster is not None and 'result_file' in fields:
            raise ValueError(f'--output {args.output}: with --cluster, give a folder')
        defaults['create_results_dir'] = fields.pop('create_results_dir')
        changes |= fields
    conf = make_config(words.preset, args.set, scale, defaults=defaults, **changes)
    if args.kernel:
        estimate = 'estimate' in args.kernel
        if estimate and len(args.kernel) > 1:
            raise ValueError(f'--kernel {" ".join(args.kernel)}: give estimate once and alone')
        others = [name for name in conf.from_image if name != 'kernel']
        conf.from_image = [*others, 'kernel'] if estimate else others
    return conf


def run(args):
    """Do what the command line asks for; returns 0, or 1 if an image of several, or their record, failed."""
    if args.list:
        width = max(map(len, configs.PRESETS)) + 2
        for name, description in configs.PRESETS.items():
            print(f'{name:{width}}{description}')
        return 0
    conf = configure(args)
    check_output(conf.result_path)
    return enlarge(conf, args)


def enlarge(conf, args):
    """Find the images, set unusable ones aside, and run the others; returns as `run`."""
    terminal, words = Terminal(args.quiet), read_words(args.words, args.input)
    with RunFolder(conf, args.force) as folder:
        plan = find(conf, args, words, terminal, folder.earlier)
        record, failures = None, plan.failures
        if plan.images or plan.done or folder.earlier.images:
            folder.make()
            record = run_images(conf, args, words, terminal, plan, folder.earlier)
            failures = record.failures
            if (plan.done or record.images) and conf.is_recorded and not args.no_report:
                workers.write_report(conf.result_path, terminal)
    if failures:
        terminal.warn(f'{len(failures)} of {plan.count} images failed, see above')
    finished = [*plan.done, *record.images] if record else []
    if finished and (line := last_line(conf, finished, plan.several)):
        terminal.say(line)
    return 1 if failures or (record and record.trouble) else 0


def find(conf, args, words, terminal, earlier):
    """Find the images and what belongs to each, and tell what is not used; returns a Plan."""
    found = inputs.find_all(words.places or [conf.input_path])
    if args.ground_truth is not None:
        if found.several:
            given = f'--ground-truth {args.ground_truth}'
            raise ValueError(f'{given}: give the one image it belongs to with --input')
        inputs.check_given(args.ground_truth)
    kernels = [] if 'kernel' in conf.from_image else args.kernel
    if kernels:
        inputs.check_kernels(kernels, conf)
    needs_kernel = words.preset in configs.NEED_KERNEL
    # In a folder of inputs and results, these are no inputs of the next run.
    paths = [path for path in found.paths if not (found.several and earlier.made(path))]
    belongings = [inputs.find_files(path, conf, kernels, args.ground_truth, needs_kernel) for path in paths]
    files = [of_image for of_image, _ in belongings]
    check_result_file(conf, files)
    with terminal.doing('reading the images'):
        plan = make_plan(files, conf, earlier, force=args.force, truth_is_given=args.ground_truth is not None)
    plan.several = found.several
    if plan.failures and not found.several:
        raise ValueError(plan.failures[0])
    for line in [*(warning for _, warning in belongings if warning), *plan.unmeasured, *plan.failures]:
        terminal.warn(line)
    notes = words.note, scale_note(words.preset, conf), inputs.unread_note(found.unread), plan.note
    for line in (*notes, name_note(conf, plan.images)):
        if line:
            terminal.say(line)
    return plan


def run_images(conf, args, words, terminal, plan, earlier):
    """Start what enlarges, and enlarge; returns the RunRecord."""
    if conf.is_recorded:
        terminal.say(f'results go to {conf.result_path}')
    cluster, places = None, []
    if plan.images and args.cluster is not None:
        cluster = Cluster(args.cluster, is_gpu=words.gpu == 'all', threads=args.threads, verbose=args.verbose)
        for line in cluster.notices:
            terminal.say(line)
    elif plan.images:
        places = start_devices(args, words, plan.images, conf, terminal)
    return workers.run_images(
        plan.images,
        conf,
        terminal,
        preset=words.preset,
        devices=places,
        cluster=cluster,
        rejected=plan.failures,
        earlier=earlier,
        threads=args.threads,
        verbose=args.verbose,
    )


def start_devices(args, words, images, conf, terminal):
    """Start TensorFlow where it is needed; returns the device of each process, none for this one alone."""
    count = len(images)
    shared = min(args.workers or 1, count)
    if words.gpu is None and shared > 1:
        return [None] * shared
    with terminal.doing('loading TensorFlow'):
        gpu = None if words.gpu == 'all' else words.gpu
        gpus = devices.start_tensorflow(gpu, args.threads, args.verbose, conf.batch_size)
    if words.gpu is not None and gpus == 0:
        terminal.say('there is no such GPU on this machine: running on the CPU')
    if words.gpu != 'all':
        shared = shared if args.workers or gpus else workers.usual_number(images, conf)
        return [words.gpu] * shared if shared > 1 else []
    visible = devices.visible_devices(gpus)
    number = min(args.workers or len(visible), count)
    shared = [visible[index % len(visible)] if visible else None for index in range(number)]
    return shared if number > 1 else []


def main(argv=None):
    """Run the command line `argv` (None: the process' own).

    Returns:
        0; 1 if an image of several failed, or what is done could not be recorded; 2 for unusable input; 130
        after Ctrl-C, 143 after SIGTERM.
    """
    return run_command(build_parser(), run, argv, 'stopped; finished images are kept')


if __name__ == '__main__':
    sys.exit(main())
