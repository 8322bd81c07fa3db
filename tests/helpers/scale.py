"""What very many images ask of everything but the networks, measured on one machine (docs/scaling.md).

    python -m tests.helpers.scale cluster --jobs 100000 --workers 100
    python -m tests.helpers.scale record --images 10000

`cluster`: a Dask scheduler and the client (`running.cluster.Cluster`) do what they always do, each in a
process of its own. The workers are Dask's, many in a process; their jobs sleep where a network would be
trained, and do not wait for each other. As much is sent and comes back as for a small image. Memory and time
of the processor are told of each kind of process.

`record`: the record of a run (`files.run_record.RunRecord`) is written for images that nobody enlarges, and
read again.
"""

import asyncio
import logging
import sys
import time
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import psutil

from comparing.writers import markdown_table
from configs import Config
from files.earlier import Earlier
from files.image_files import ImageFiles
from files.parcel import Parcel
from files.run_record import RunRecord
from running import cluster
from running.command_line import Parser, run_command, whole_number

# Bytes of an image of 160×240 pixels as a PNG; of its result at ×2, and of the figure of its training.
SENT, RESULTS = 60_000, {'result.png': 240_000, 'losses.png': 60_000}

# Of the fast presets.
ITERATIONS, TESTS = 300, 3

WORKERS_PER_PROCESS = 10

# Of Dask: how rarely a worker looks at itself, which a hundred on one machine would have no time to do.
IDLE = {
    'distributed.worker.profile.enabled': False,
    'distributed.admin.tick.interval': '1s',
    'distributed.admin.system-monitor.interval': '5s',
}

# How often a table has a row.
ROWS = 10

MIB = 2**20


class Use(NamedTuple):
    """What processes have taken: memory in MiB, seconds of the processor."""

    memory: float
    seconds: float

    @classmethod
    def of(cls, *pids):
        """What processes take together, by their ids."""
        processes = [psutil.Process(pid) for pid in pids]
        times = [process.cpu_times() for process in processes]
        memory = sum(process.memory_info().rss for process in processes) / MIB
        return cls(memory, sum(spent.user + spent.system for spent in times))


@cache
def losses(count):
    """So many numbers, a list."""
    return np.random.RandomState(0).rand(count).tolist()


def entry(number):
    """What run.json has of an image, as long as that of the fast presets is."""
    digest = f'{number:064x}'
    scale = {
        'sf': [2.0, 2.0],
        'kernel': 'cubic',
        'iterations': ITERATIONS,
        'learning_rate_changes': [],
        'loss': losses(ITERATIONS),
        'mse_steps': list(range(TESTS)),
        **{name: losses(TESTS) for name in ('mse', 'mse_rec', 'interp_mse', 'interp_rec_mse')},
        **{'psnr': 30.0, 'ssim': 0.9, 'seconds': {'training': 9.5, 'output': 3.5}},
        **{'output': f'image_{number}_zssr_X2.00X2.00.png', 'output_sha256': digest},
    }
    about = {name: digest for name in ('input_sha256', 'ground_truth_sha256', 'key')}
    return about | {
        **{
            'stem': f'image_{number}',
            'input': f'/data/image_{number}.png',
            'ground_truth': None,
            'kernels': [],
        },
        **{
            'kernel': 'no kernel, cubic interpolation',
            'notes': [],
            'found': None,
            'seed': number,
            'values': None,
        },
        **{'precision': 'float32', 'device': 'CPU', 'threads': 1, 'seconds': 13.0, 'scales': [scale]},
    }


def sleep(parcel, number, seconds):
    """What a worker does in place of `running.cluster.run_parcel`."""
    time.sleep(seconds)
    return entry(number), {name: bytes(size) for name, size in RESULTS.items()}


def pack(item):
    """The arguments of `sleep`, of (number, seconds)."""
    path = Path(f'/data/image_{item[0]}.png')
    return Parcel(ImageFiles(path.stem, path), {path: bytes(SENT)}), *item


def serve_jobs(connection):
    """Be a scheduler; in a process of its own, until the other end of the connection is closed."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, host='127.0.0.1', dashboard_address=None) as local:
        connection.send(local.scheduler_address)
        with suppress(EOFError):
            connection.recv()


def do_jobs(connection, address, count):
    """Be so many workers, each with a thread; in a process of its own, until the connection is closed."""
    import dask
    from distributed import Worker

    logging.getLogger('distributed').setLevel(logging.WARNING)
    # Nobody else computes here, and TensorFlow is not needed to sleep.
    cluster.ONE_AT_A_TIME, cluster._start = nullcontext(), lambda threads: None
    dask.config.set(IDLE)

    async def work():
        """Start the workers, say so, and stop them at the end."""
        options = {'nthreads': 1, 'host': '127.0.0.1', 'memory_limit': 0, 'dashboard': False}
        workers = await asyncio.gather(*(Worker(address, **options) for _ in range(count)))
        connection.send(count)
        with suppress(EOFError):
            await asyncio.to_thread(connection.recv)
        await asyncio.gather(*(worker.close() for worker in workers))

    asyncio.run(work())


@contextmanager
def processes(calls):
    """Have functions called in processes of their own while the context lasts.

    Args:
        calls: list of (function, arguments); each gets a connection first, and is to send something.

    Yields:
        List of (id of the process, what it sent).
    """
    spawn, started = get_context('spawn'), []
    try:
        for function, arguments in calls:
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=function, args=(theirs, *arguments))
            process.start()
            theirs.close()
            started.append((process, ours))
        yield [(process.pid, ours.recv()) for process, ours in started]
    finally:
        for _, ours in started:
            ours.close()
        for process, _ in started:
            process.join()


def measure_cluster(args):
    """Have jobs done, and print what that took, a row per tenth."""
    parts = [WORKERS_PER_PROCESS] * (args.workers // WORKERS_PER_PROCESS)
    if rest := args.workers % WORKERS_PER_PROCESS:
        parts.append(rest)
    with ExitStack() as stack:
        [(scheduler, address)] = stack.enter_context(processes([(serve_jobs, ())]))
        workers = stack.enter_context(processes([(do_jobs, (address, count)) for count in parts]))
        pids = {
            'scheduler': [scheduler],
            'client': [psutil.Process().pid],
            'workers': [pid for pid, _ in workers],
        }
        rows = _done_jobs(args, address, pids)
    heads = ['jobs', 'seconds', 'load', *(f'{name} {unit}' for name in pids for unit in ('MiB', 'ms a job'))]
    print(markdown_table(heads, rows), end='')


def _done_jobs(args, address, pids):
    """Have jobs done by a cluster; returns rows of a table, the seconds of the processor since the start."""
    jobs = ((number, args.sleep / 1000) for number in range(args.jobs))
    outcomes = cluster.Cluster(address).outcomes(sleep, pack, jobs)
    before, started, rows = {name: Use.of(*ids) for name, ids in pids.items()}, time.monotonic(), []
    for done, (number, outcome) in enumerate(outcomes, 1):
        if isinstance(outcome, Exception):
            raise outcome
        if outcome[0]['stem'] != f'image_{number}':
            raise ValueError(f'job {number}: another came back, {outcome[0]["stem"]}')
        if done % max(args.jobs // ROWS, 1) == 0:
            row = [done, f'{time.monotonic() - started:.0f}', f'{psutil.getloadavg()[0]:.0f}']
            for name, ids in pids.items():
                use = Use.of(*ids)
                row += [f'{use.memory:.0f}', f'{1000 * (use.seconds - before[name].seconds) / done:.2f}']
            rows.append(row)
            print(*row, flush=True)
    return rows


def measure_record(args):
    """Write the record of a run of so many images, read it again, and print what that took."""
    with TemporaryDirectory() as folder:
        conf = Config(save_results=True, result_path=folder)
        before = Use.of(psutil.Process().pid)
        started = time.monotonic()
        record = RunRecord(conf, {})
        for number in range(args.images):
            record.add(image=entry(number))
        added = time.monotonic() - started
        held = Use.of(psutil.Process().pid)
        started = time.monotonic()
        record.close()
        written = time.monotonic() - started
        size = (Path(folder) / 'run.json').stat().st_size
        started = time.monotonic()
        earlier = Earlier.read(folder)
        read = time.monotonic() - started
        if len(earlier.images) != args.images:
            raise ValueError(f'{len(earlier.images)} of {args.images} images were read again')
    row = {
        'images': args.images,
        'run.json, MB': f'{size / 1e6:.0f}',
        'bytes an image': f'{size / args.images:.0f}',
        'ms an image': f'{1000 * added / args.images:.2f}',
        'writing it, s': f'{written:.2f}',
        'held, MiB': f'{held.memory - before.memory:.0f}',
        'reading it, s': f'{read:.2f}',
        'most memory, MiB': f'{_most_memory():.0f}',
        'load': f'{psutil.getloadavg()[0]:.0f}',
    }
    print(markdown_table(list(row), [list(row.values())]), end='')


def _most_memory():
    """The most that this process has held, in MiB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def build_parser():
    """Describe the command line."""
    parser = Parser(prog='scale', description='What very many images ask of all but the networks.')
    commands = parser.add_subparsers(dest='command', required=True)
    command = commands.add_parser('cluster', help='jobs that sleep, on the workers of a Dask scheduler')
    command.set_defaults(action=measure_cluster)
    add = command.add_argument
    add('--jobs', type=whole_number(1), default=100_000, metavar='N', help='(default: 100000)')
    add('--workers', type=whole_number(1), default=100, metavar='N', help='(default: 100)')
    add('--sleep', type=whole_number(0), default=500, metavar='MS', help='of a job (default: 500)')
    command = commands.add_parser('record', help='run.json of many images')
    command.set_defaults(action=measure_record)
    command.add_argument(
        '--images', type=whole_number(1), default=10_000, metavar='N', help='(default: 10000)'
    )
    return parser


def main(argv=None):
    """Run the command line `argv` (None: the process' own); returns the exit code."""
    return run_command(build_parser(), lambda args: args.action(args), argv)


if __name__ == '__main__':
    # By its name, under which the workers find what they are to call.
    from tests.helpers import scale

    sys.exit(scale.main())
