"""Speed, as ratios measured in one process.

    python benchmark.py step                    a training step against the machine's own matrix product
    python benchmark.py run                     one image end to end: where the time goes, peak memory
    python benchmark.py overhead                time per iteration that is not arithmetic
    python benchmark.py frontier FOLDER CONFIG… presets on a folder with ground truth: dB against seconds;
                                                CONFIG may be changed as in X2_FAST_IDEAL_CONF:max_iters=300

Every subcommand prints a table; `benchmark.py --json FILE COMMAND …` writes it as well.
"""

import json
import math
import sys
import time
from pathlib import Path

import numpy as np

from comparing.writers import markdown_table
from configs import Config
from files.storage import printable
from running import inputs
from running.command_line import Parser, make_config, run_command, whole_number
from running.devices import MOST_THREADS, start_tensorflow

MATRIX = 2048
REPEATS = 40


def training_flop(shapes, crop_size, grid=1):
    """Floating-point operations of one training step, multiplications and additions apart.

    Every convolution runs forward and has two gradients, but for the first, whose input needs none.
    `shapes` are those of the filters; the convolutions' grid is `grid` times coarser than the father.
    """
    products = [np.prod(shape) for shape in shapes]
    return 2.0 * (3 * sum(products) - products[0]) * (crop_size / grid) ** 2


def median_seconds(*calls, repeats=REPEATS):
    """Median duration of each call, interleaved so that whatever else the machine does hits all alike."""
    seconds = [[] for _ in calls]
    for repeat in range(repeats + 3):
        for call, durations in zip(calls, seconds, strict=True):
            start = time.perf_counter()
            call()
            if repeat >= 3:
                durations.append(time.perf_counter() - start)
    return [float(np.median(durations)) for durations in seconds]


def matrix_product(dtype):
    """A call that multiplies large matrices in every lane, the machine's own limit, and its operations."""
    import tensorflow as tf

    from learning.lanes import lanes_for

    shape = lanes_for(0), 2, MATRIX, MATRIX
    factors = [tf.unstack(pair) for pair in tf.unstack(tf.cast(tf.random.normal(shape), dtype))]
    product = tf.function(lambda: tf.add_n([tf.reduce_max(tf.matmul(*pair)) for pair in factors]))
    return (lambda: product().numpy()), 2.0 * MATRIX**3 * len(factors)


class Limit:
    """The machine's own limit, measured now and then, so that whatever else it does hits training alike."""

    def __init__(self, precision):
        """Prepare the matrix product in a precision."""
        self._product, self._flop = matrix_product(precision)
        self._product()
        self._seconds, self._tests = [], 0

    def follow(self, net):
        """Measure after every quick test; serves as a run's `progress`."""
        if len(net.mse_steps) != self._tests:
            self._tests = len(net.mse_steps)
            self.measure()

    def measure(self):
        """Time five products."""
        for _ in range(5):
            start = time.perf_counter()
            self._product()
            self._seconds.append(time.perf_counter() - start)

    @property
    def flops(self):
        """Operations per second, the median of all products so far."""
        return self._flop / float(np.median(self._seconds))


def bench_step(args):
    """Time a training step of the default network on one pair, beside the matrix product."""
    conf, rows = Config(), []
    for precision in args.precision:
        product, product_flop = matrix_product(precision)
        step, limit = median_seconds(default_step(precision), product)
        flop = training_flop(conf.filter_shapes(3), conf.crop_size)
        rows.append(
            {
                'precision': precision,
                'step_ms': step * 1e3,
                'GFLOP/s': flop / step / 1e9,
                'limit_GFLOP/s': product_flop / limit / 1e9,
                'share_of_limit': flop / step / (product_flop / limit),
            }
        )
    return rows


def default_step(precision):
    """A call that trains the default network once, on one pair."""
    import tensorflow as tf

    from learning.network import Design, Network

    conf = Config()
    rng = np.random.RandomState(0)
    pair = [tf.constant(rng.rand(conf.crop_size, conf.crop_size, 3), tf.float32) for _ in range(2)]
    network = Network(Design(conf.filter_shapes(3), 3, precision=precision))
    return lambda: network.step(*pair, 1e-5)


class Stopwatch:
    """Adds up what the calls of some methods of an object take."""

    def __init__(self, target, *names):
        """Wrap the methods `names` on the object itself."""
        self.seconds = dict.fromkeys(names, 0.0)
        for name in names:
            setattr(target, name, self._timed(name, getattr(target, name)))

    def _timed(self, name, method):
        def call(*args, **kwargs):
            """The method, with its seconds added up."""
            start = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                self.seconds[name] += time.perf_counter() - start

        return call


def bench_run(args):
    """Run one 200×240 image without ground truth from start to end and say where the time went."""
    import resource  # not on Windows

    start = time.perf_counter()
    from ZSSR import ZSSR

    image = _test_image()
    conf = changed_config(args.config)
    conf.save_results, conf.seed = False, 0
    warm_up = ZSSR(image, _shortened(conf, 2))
    warm_up.run()
    start_up = time.perf_counter() - start

    limit = Limit(warm_up.network.design.precision)
    net = ZSSR(image, _shortened(conf, args.iterations), network=warm_up.network, progress=limit.follow)
    watch = Stopwatch(net, 'train', 'quick_test', '_enlarge', '_draw_pairs', 'progress')
    net.run()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts bytes, others KiB
    return [
        {
            'config': args.config,
            **_where_time_went(net, watch.seconds, limit.flops),
            'start_up_s': start_up,
            'peak_MiB': peak / (1024**2 if sys.platform == 'darwin' else 1024),
        }
    ]


def _where_time_went(net, seconds, limit):
    """Shares of a run's training time, and its arithmetic as a share of the limit (operations per second)."""
    conf, design = net.conf, net.network.design
    train = seconds['train'] - seconds['progress']
    iterations = sum(record['iterations'] for record in net.records)
    output = sum(record['seconds']['output'] for record in net.records)
    shares = {
        'steps': _step_seconds(net.network, conf.crop_size) * iterations / train,
        'draws': seconds['_draw_pairs'] / train,
        'quick_tests': seconds['quick_test'] / train,
        # There the image is enlarged within the training.
        'between_rounds': (seconds['_enlarge'] - output) / train,
    }
    flop = training_flop(design.filter_shapes, conf.crop_size, design.grid) * design.batch_size * iterations
    return {
        'iterations': iterations,
        'training_s': train,
        **shares,
        'fathers_and_sons': 1 - sum(shares.values()),
        'output_s': output,
        'limit_GFLOP/s': limit / 1e9,
        'share_of_limit': flop / train / limit,
    }


def _step_seconds(network, crop_size):
    """Median duration of one training step alone."""
    batch = [
        np.zeros((network.design.batch_size, crop_size, crop_size, network.design.channels), np.float32)
    ] * 2
    (seconds,) = median_seconds(lambda: network.step(*batch, 0.0))
    return seconds


def bench_overhead(args):
    """Time an iteration whose arithmetic is next to nothing: width 4, depth 3, crop 16.

    The median over the blocks between two quick tests, without these; beside it the matrix product, which
    tells a quiet machine from a busy one.
    """
    from ZSSR import ZSSR

    conf = Config(width=4, depth=3, crop_size=16, seed=0, save_results=False, min_iters=10**6)
    warm_up = ZSSR(_test_image(), _shortened(conf, 100))
    warm_up.train()
    stops = []

    def stop(net):
        """Note the time, less that of quick tests, whenever iterations have been done."""
        if not stops or stops[-1][0] < len(net.loss):
            stops.append((len(net.loss), time.perf_counter() - watch.seconds['quick_test']))

    net = ZSSR(
        _test_image(),
        _shortened(conf, args.iterations),
        network=warm_up.network,
        progress=stop,
    )
    watch = Stopwatch(net, 'quick_test')
    net.train()
    iterations, seconds = np.diff(stops, axis=0).T
    limit = Limit('float32')
    limit.measure()
    return [
        {
            'iterations': len(net.loss),
            'ms_per_iteration': float(np.median(seconds / iterations)) * 1e3,
            'limit_GFLOP/s': limit.flops / 1e9,
        }
    ]


def bench_frontier(args):
    """Measure presets against each other on a folder with ground truth.

    A row per image and preset, then their means with the ratio of seconds to the first's. There are as
    many lanes as suit all presets: none beside one of a single pair a step.
    """
    confs = {text: changed_config(text) for text in args.configs}
    paths, _ = inputs.find_inputs(args.folder)
    measurements = []
    for name, conf in confs.items():
        conf.save_results, conf.seed = False, args.seed
        images, failures, _ = inputs.check_images([inputs.find_files(path, conf)[0] for path in paths], conf)
        if failures:
            raise ValueError(failures[0])
        measurements += [(name, conf, files) for files in images]
    for _, _, files in measurements:
        if files.ground_truth is None:
            raise ValueError(f'{files.input}: no ground truth; put {files.name}_gt.png beside it')
    # Image by image, so that whatever else the machine does hits all presets alike.
    measurements.sort(key=lambda measurement: measurement[2].input)
    rows, networks = [], {}
    for name, conf, files in measurements:
        rows.append({'image': files.name, 'config': name, **_measure(files, conf, networks)})
        print(printable(f'{files.name} {name}: {rows[-1]["PSNR"]:.2f} dB'), file=sys.stderr)
    means = [{'image': 'mean', 'config': name, **_mean(rows, name)} for name in confs]
    for row in means:
        row['ratio'] = means[0]['seconds'] / row['seconds']
    return rows + means


def changed_config(text):
    """Read a preset with changes, 'NAME' or 'NAME:FIELD=VALUE:…', as a Config."""
    name, *assignments = text.split(':')
    return make_config(name, assignments)


def _measure(files, conf, networks):
    """PSNR, and the seconds of training and output by a network that has been compiled before."""
    from learning.network import design_for
    from ZSSR import ZSSR

    design = design_for(conf, files.channels)
    if design not in networks:
        warm_up = ZSSR(files.input, _shortened(conf, 2), files.ground_truth, files.kernels)
        warm_up.run()
        networks[design] = warm_up.network
    net = ZSSR(files.input, conf, files.ground_truth, files.kernels, network=networks[design])
    net.run()
    seconds = sum(sum(record['seconds'].values()) for record in net.records)
    decibels = net.records[-1]['psnr']
    return {
        'PSNR': float('inf') if decibels is None else decibels,  # a perfect result
        'seconds': seconds,
        'iterations': sum(record['iterations'] for record in net.records),
    }


def _mean(rows, name):
    done = [row for row in rows if row['config'] == name]
    return {key: float(np.mean([row[key] for row in done])) for key in ('PSNR', 'seconds', 'iterations')}


def _test_image():
    """A smooth random image of 200×240 pixels; what is in it does not change the time."""
    rng = np.random.RandomState(0)
    return np.kron(rng.rand(50, 60, 3), np.ones((4, 4, 1)))


def _shortened(conf, iterations):
    conf = conf.copy()
    conf.max_iters, conf.rounds = iterations, min(conf.rounds, iterations)
    return conf


def print_table(rows):
    """Print a list of dicts in Markdown: the columns of the first, and later ones' in addition."""
    heads = list(dict.fromkeys(head for row in rows for head in row))
    cells = ([row.get(head, '') for head in heads] for row in rows)
    lines = ([f'{cell:.4g}' if isinstance(cell, float) else cell for cell in line] for line in cells)
    print(markdown_table(heads, lines), end='')


def build_parser():
    """Describe the command line."""
    parser = Parser(prog='benchmark.py', description=__doc__.splitlines()[0])
    add = parser.add_argument
    add('--json', metavar='FILE', help='write the rows there as well')
    add('--threads', type=whole_number(1, MOST_THREADS), metavar='N', help='CPU threads (default: all cores)')
    commands = parser.add_subparsers(dest='command', required=True)
    step = commands.add_parser('step', help=bench_step.__doc__.splitlines()[0])
    precisions = ('float32', 'bfloat16', 'float16')
    step.add_argument('--precision', nargs='+', default=['float32', 'bfloat16'], choices=precisions)
    run = commands.add_parser('run', help=bench_run.__doc__.splitlines()[0])
    run.add_argument('--config', default='X2_ONE_JUMP_IDEAL_CONF')
    run.add_argument('--iterations', type=whole_number(1), default=250)
    overhead = commands.add_parser('overhead', help=bench_overhead.__doc__.splitlines()[0])
    overhead.add_argument('--iterations', type=whole_number(2), default=2000)
    frontier = commands.add_parser('frontier', help=bench_frontier.__doc__.splitlines()[0])
    frontier.add_argument('folder')
    frontier.add_argument('configs', nargs='+')
    frontier.add_argument('--seed', type=whole_number(0), default=0)
    frontier.add_argument('--figure', metavar='FILE', help='draw the means there (.png, .pdf or .svg)')
    return parser


def run(args):
    """Run one benchmark, print its rows, and write and draw them where that is asked for."""
    benchmarks = {
        'step': bench_step,
        'run': bench_run,
        'overhead': bench_overhead,
        'frontier': bench_frontier,
    }
    figure = getattr(args, 'figure', None)
    _check_outputs(args.json, figure)
    start_tensorflow(threads=args.threads, batch_size=_batch_size(args))
    rows = benchmarks[args.command](args)
    print_table(rows)
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1))
    if figure:
        _draw_frontier(rows, figure)


def main(argv=None):
    """Run one benchmark; returns the exit code."""
    return run_command(build_parser(), run, argv, 'stopped; nothing is kept')


def _batch_size(args):
    """Pairs of a training step that all presets to be measured have in common, or can divide alike."""
    names = getattr(args, 'configs', [getattr(args, 'config', None)])
    return math.gcd(*(changed_config(name).batch_size if name else 1 for name in names))


def _check_outputs(table, figure):
    """Refuse files that could not be written, before any time is spent."""
    for name in filter(None, (table, figure)):
        if not Path(name).parent.is_dir():
            raise FileNotFoundError(f'{name}: there is no folder {Path(name).parent}; make it first')
    if figure and Path(figure).suffix not in ('.png', '.pdf', '.svg'):
        raise ValueError(f'--figure {figure}: give a name that ends in .png, .pdf or .svg')


def _draw_frontier(rows, path):
    from comparing.figures import frontier_figure

    means = [row for row in rows if row['image'] == 'mean']
    frontier_figure([(row['config'], row['seconds'], row['PSNR']) for row in means]).savefig(path)


if __name__ == '__main__':
    sys.exit(main())
