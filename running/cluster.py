"""Images on the workers of a Dask cluster: as bytes there, as bytes back, no disk shared.

Dask is optional (requirements-cluster.txt) and loaded only where a cluster is asked for. Its own settings,
TLS and timeouts among them, apply as they stand in its configuration.
"""

import asyncio
import contextlib
import json
import logging
import pickle
import sys
import threading
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from configs import __version__
from files.parcel import Parcel
from files.storage import atomic_write, one_line
from running.devices import start_tensorflow
from running.devices import threads as threads_of_process
from running.images import pairs_of_files, process_networks, run_image
from running.progress import Terminal

# Seconds that a scheduler has to answer in.
PATIENCE = 5

# Of Dask: no advice on sending less, as an image is as large as it is; and no log of the last thousand
# messages, which would keep their images in memory.
SETTINGS = {
    'distributed.admin.large-graph-warning-threshold': '1 TiB',
    'distributed.admin.low-level-log-length': 0,
}

# Jobs at the scheduler for each thread of its workers: enough that none waits, few enough for its memory.
JOBS_AHEAD = 2

# A worker process has one network at a time, however many threads Dask gives it.
ONE_AT_A_TIME = threading.Lock()


class UnfitWorkerError(Exception):
    """A worker that would give other results."""


class Cluster:
    """A connection to a Dask scheduler, and through it to workers."""

    def __init__(self, place, *, is_gpu=False, threads=None, verbose=False):
        """Connect.

        Args:
            place: address of the scheduler, such as tcp://127.0.0.1:8786, or the file that it wrote.
            is_gpu: whether only workers with the resource GPU get jobs, one for each GPU.
            threads: CPU threads of each worker; None: as many as it has cores.
            verbose: let Dask's own messages through.

        Raises:
            ValueError: if Dask is not installed, or nothing answers at the place.
        """
        try:
            import dask
            import distributed
        except ImportError:
            remedy = 'python -m pip install -r requirements-cluster.txt'
            raise ValueError(f'--cluster {place}: needs Dask; {remedy}') from None
        if not verbose:
            for name in ('distributed', 'distributed.client'):
                logging.getLogger(name).setLevel(logging.CRITICAL)
        dask.config.set(SETTINGS)
        self._place, self._threads = place, threads
        self._resources = {'GPU': 1} if is_gpu else None
        try:
            address = _address(place)
            if dask.config.get('distributed.comm.require-encryption') and not address.startswith('tls://'):
                raise ValueError('Dask is set to require encryption, as in tls://…')
            self._client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f'--cluster {place}: no scheduler answers there ({one_line(error)}); start one with '
                "'dask scheduler', and give its address or its --scheduler-file"
            ) from None

    @property
    def notices(self):
        """What a user ought to know of it, in lines."""
        waiting = None if self.has_workers else 'no worker is there yet: waiting for them'
        return [line for line in (self.warning, waiting) if line]

    @property
    def warning(self):
        """A line on a connection that others can read; None: it is encrypted, or leaves no machine."""
        from distributed.comm.addressing import get_address_host, resolve_address

        address = self._client.scheduler.address
        host = get_address_host(resolve_address(address))
        if not address.startswith('tcp://') or ip_address(host).is_loopback:
            return None
        return f'{address}: images travel unencrypted; docs/cluster.md tells of TLS, and of tunnels'

    @property
    def has_workers(self):
        """Whether there is a worker for the jobs yet."""
        workers = self._client.scheduler_info(n_workers=-1)['workers'].values()
        return any(self._resources is None or worker['resources'].get('GPU') for worker in workers)

    def outcomes(self, function, pack, items):
        """Have the workers call a function for each of many items, in no particular order.

        Only so many are sent ahead as keep the workers busy.

        Args:
            function: of a module, which the workers must be able to import.
            pack: function that makes the arguments, a tuple, of an item.
            items: iterable.

        Yields:
            (number of the item, what was returned, or the exception that packing or the function raised).

        Raises:
            OSError: if the scheduler is lost.
        """
        from distributed import as_completed

        coming, numbers, finished = enumerate(items), {}, as_completed(loop=self._client.loop)
        try:
            while True:
                for number, item in self._next(coming, len(numbers)):
                    try:
                        arguments = pack(item)
                    except Exception as error:
                        yield number, error
                        continue
                    future = self._submit(function, arguments)
                    numbers[future.key] = number
                    finished.add(future)
                    del future, arguments
                if not numbers:
                    return
                with self._reached():
                    future = next(finished)
                yield numbers.pop(future.key), self._outcome(future)
                future.release()
        finally:
            with contextlib.suppress(OSError, asyncio.TimeoutError):  # if there is no one to say goodbye to
                self._client.close(timeout=PATIENCE)

    def _submit(self, function, arguments):
        """Send a job; returns its future."""
        job = pickle.dumps((_call, (function, arguments, __version__, self._threads)))
        with self._reached():
            return self._client.submit(_unpacked_call(), job, pure=False, resources=self._resources)

    def _next(self, coming, number):
        """Yield the items that are to be sent now, when `number` are under way."""
        with self._reached():
            wanted = max(1, JOBS_AHEAD * sum(self._client.ncores().values()))
        while number < wanted and (item := next(coming, None)) is not None:
            number += 1
            yield item

    @contextlib.contextmanager
    def _reached(self):
        """What needs the scheduler, which may be lost."""
        try:
            yield
        except OSError:
            raise self._lost() from None

    def _lost(self):
        reason = 'the scheduler was lost; what is done is recorded, and the same command goes on'
        return OSError(f'--cluster {self._place}: {reason}')

    def _outcome(self, future):
        """What a job returned, or the exception it ended with."""
        from distributed import KilledWorker

        if future.status == 'cancelled':
            raise self._lost()
        error = future.exception() if future.status == 'error' else None
        if isinstance(error, KilledWorker):
            return ValueError('its worker died, and so did others that tried; there may be too little memory')
        if isinstance(error, UnfitWorkerError):
            raise ValueError(f'--cluster {self._place}: {error}')
        if isinstance(error, ModuleNotFoundError):
            raise ValueError(
                f'--cluster {self._place}: a worker cannot import the program ({error}); start workers with '
                'PYTHONPATH=FOLDER, the folder of run_ZSSR.py on their machine'
            )
        return error or future.result()


def _address(place):
    """The address of a scheduler, which is given or in the file that it wrote."""
    if not Path(place).is_file():
        return place
    address = json.loads(Path(place).read_text(encoding='utf-8'))['address']
    if not isinstance(address, str):
        raise TypeError(f'address {address}')
    return address


def outcomes_of_images(cluster, images, conf):
    """Enlarge images on a cluster, and write what comes back into the folder of the run.

    Args:
        cluster: Cluster.
        images: list of ImageFiles.
        conf: Config.

    Yields:
        (number of the image, its entry in run.json, or an exception).
    """
    for number, outcome in cluster.outcomes(run_parcel, lambda files: (Parcel.pack(files), conf), images):
        if isinstance(outcome, Exception):
            yield number, outcome
            continue
        entry, results = outcome
        try:
            _write(results, conf)
        except OSError as error:
            yield number, error
            continue
        files = images[number]
        truth = files.ground_truth and str(files.ground_truth.resolve())
        yield number, entry | {'input': str(files.input.resolve()), 'ground_truth': truth}


def run_parcel(parcel, conf):
    """Enlarge an image on a worker.

    Args:
        parcel: Parcel.
        conf: Config.

    Returns:
        (entry, results): the image's entry in run.json; the bytes of the files that were written, by name.

    Raises:
        ValueError: for files that cannot be used, or where the worker has no room for them.
    """
    with TemporaryDirectory(prefix='zssr-') as folder:
        results = Path(folder) / 'results'
        conf = replace(conf.copy(), result_path=str(results))
        results.mkdir()
        files = parcel.unpack(folder)
        try:
            entry = run_image(files, conf, Terminal(quiet=True), process_networks(), original=parcel.files)
        except (ValueError, OSError) as error:
            message = one_line(error)
            for path, copy in pairs_of_files(parcel.files, files):
                message = message.replace(str(copy), str(path))
            raise ValueError(message) from None
        return entry, {path.name: path.read_bytes() for path in results.iterdir()}


def _write(results, conf):
    """Write the bytes of an image's results, by name, into the folder of the run."""
    folder = Path(conf.result_path)
    # One that was deleted meanwhile is made again, as by a run without a cluster.
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in results.items():
        atomic_write(folder / name, content)


def _unpacked_call():
    """A function that makes a pickled call, so that the scheduler, which unpickles jobs, knows no program."""

    def call(job):
        """Make the call that a job is, and return its answer."""
        # Sent as it is, since it is of no module; so it brings what it needs.
        import pickle

        function, arguments = pickle.loads(job)
        return function(*arguments)

    return call


def _call(function, arguments, version, threads):
    """Call a function on a worker, once this is ready for it."""
    if version != __version__:
        raise UnfitWorkerError(f'a worker has version {__version__} of the program, not {version}; update it')
    with ONE_AT_A_TIME:
        _start(threads)
        return function(*arguments)


def _start(threads):
    """Load TensorFlow, with so many threads: which cannot be changed once it works."""
    if 'tensorflow' not in sys.modules:
        start_tensorflow(threads=threads)
    if threads is not None and threads_of_process() != threads:
        raise UnfitWorkerError(f'a worker has {threads_of_process()} threads, not {threads}; start it anew')
