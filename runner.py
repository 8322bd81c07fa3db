"""From files to results: one image after another, or one process per GPU, with a record of what was done."""

import json
import os
import platform
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

import images
from configs import __version__
from inputs import load_inputs
from utils import PROJECT, prepare_result_dir

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.tif', '.tiff', '.bmp', '.webp', '.gif')
GROUND_TRUTH_SUFFIX = '_gt'


@dataclass(frozen=True)
class Job:
    """One image to enlarge, and the files that belong to it.

    Attributes:
        input: the image.
        ground_truth: what the result should be, or None.
        kernels: a .mat file per scale, or None.
        kernel_note: which kernels are used, in words.
    """

    input: Path
    ground_truth: Path | None
    kernels: tuple | None
    kernel_note: str


def find_inputs(path):
    """List the images to enlarge.

    Args:
        path: an image file, or a folder; a relative one may also lie in the project.

    Returns:
        (paths, is_folder): sorted and without ground truths, and whether a folder was given.

    Raises:
        FileNotFoundError: if there is no such file or folder, or no image in it.
    """
    path = Path(path)
    if not path.exists() and (PROJECT / path).exists():
        path = PROJECT / path
    if not path.exists():
        raise FileNotFoundError(f'{path}: no such file or folder; give an image or a folder with --input')
    if path.is_file():
        return [path], False
    found = sorted(
        file
        for file in path.iterdir()
        if file.suffix.lower() in IMAGE_SUFFIXES and not file.stem.endswith(GROUND_TRUTH_SUFFIX)
    )
    if not found:
        raise FileNotFoundError(
            f'{path}: no image in this folder (looked for {", ".join(IMAGE_SUFFIXES)}); '
            'put some there or give another with --input'
        )
    return found, True


def make_job(path, scale_count, kernels=None, ground_truth=None):
    """Find what belongs to an image: `NAME_gt`, and kernels `NAME_0.mat`, `NAME_1.mat`, … one per scale.

    Kernels are looked for beside the image first, then in the project's kernels/.

    Args:
        path: the image.
        scale_count: how many kernels make a set.
        kernels: files given by the user, used instead.
        ground_truth: file given by the user, used instead.

    Returns:
        Job.
    """
    if ground_truth is None:
        stem = path.stem + GROUND_TRUTH_SUFFIX
        ground_truth = _first_file(*(path.with_name(stem + end) for end in (path.suffix, *IMAGE_SUFFIXES)))
    if kernels:
        return Job(path, ground_truth, tuple(kernels), f'kernel {", ".join(map(str, kernels))}')
    names = [f'{path.stem}_{index}.mat' for index in range(scale_count)]
    found = [_first_file(path.parent / name, PROJECT / 'kernels' / name) for name in names]
    if all(found):
        return Job(path, ground_truth, tuple(found), f'kernel {", ".join(map(str, found))}')
    note = 'no kernel, sons are made by interpolation'
    missing = [name for name, file in zip(names, found, strict=True) if file is None]
    if len(missing) < len(names):
        note = (
            f'WARNING: {", ".join(missing)} is missing, so no kernel is used; sons are made by interpolation'
        )
    return Job(path, ground_truth, None, note)


def _first_file(*paths):
    return next((path for path in paths if path.is_file()), None)


class Reporter:
    """Says on the terminal what a run is doing: a live line per scale, or plain lines where there is none."""

    def __init__(self, quiet=False, plain=False):
        """Write to the standard output, and warnings to the standard error.

        Args:
            quiet: say only warnings.
            plain: print plain lines even on a terminal.
        """
        self._plain = plain
        self._out = Console(quiet=quiet, markup=False, highlight=False, soft_wrap=True)
        self._err = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
        self._bars = self._task = self._shown = None

    def say(self, text):
        """Print a line."""
        self._out.print(text)

    def warn(self, text):
        """Print a line that is shown even in a quiet run."""
        self._err.print(text)

    @contextmanager
    def image(self):
        """Show the lines of one image's scales while the context lasts."""
        columns = (
            TextColumn('{task.description}'),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn('{task.fields[status]}'),
            TimeElapsedColumn(),
            TextColumn('at most'),
            TimeRemainingColumn(),
        )
        self._task = self._shown = None
        if self._plain or not self._out.is_terminal or self._out.quiet:
            yield
            return
        with Progress(*columns, console=self._out) as self._bars:
            yield
        self._bars = None

    def follow(self, net):
        """Show where the training stands; called by ZSSR after every quick test."""
        scale = f'×{"×".join(f"{n:.2f}" for n in net.conf.scales[net.sf_ind])}'
        label = f'{Path(net.file_name).stem} {scale}'
        done = len(net.loss)
        if self._shown is None or self._shown[0] != net.sf_ind:
            self._shown = (net.sf_ind, 0, time.monotonic())
            if self._bars:
                self._task = self._bars.add_task(label, total=net.conf.max_iters, status='')
        if self._bars:
            # Training usually ends long before max_iters; a finished scale shows a full bar.
            total = done if net.is_trained else net.conf.max_iters
            self._bars.update(self._task, completed=done, total=total, status=status_line(net))
        elif net.is_trained or done - self._shown[1] >= net.conf.display_every:
            self._shown = (net.sf_ind, done, self._shown[2])
            seconds = time.monotonic() - self._shown[2]
            remaining = seconds / done * (net.conf.max_iters - done)
            times = f'{_clock(seconds)} elapsed, at most {_clock(0 if net.is_trained else remaining)} left'
            self.say(f'{label}  iteration {done}/{net.conf.max_iters}  {status_line(net)}  {times}')


def status_line(net):
    """Loss, learning rate and the latest quick test of a training, in one line."""
    parts = [f'loss {net.loss[-1]:.5f}', f'rate {net.learning_rate:.0e}']
    if net.conf.display_test_results and net.mse_rec:
        parts.append(f'reconstruction {np.sqrt(net.mse_rec[-1]) * 255:.2f}/255')
        if net.mse:
            parts.append(f'PSNR {-10 * np.log10(net.mse[-1]):.2f} dB')
    return '  '.join(parts)


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    return f'{minutes}:{seconds:02d}'


def check_jobs(jobs, conf):
    """Set aside the images whose files cannot be used, before any time is spent on the others.

    Args:
        jobs: list of Job.
        conf: Config, validated.

    Returns:
        (jobs, failures): those that can be run, and a line for each other.
    """
    good, failures, stems = [], [], {}
    for job in jobs:
        try:
            twin = stems.setdefault(job.input.stem, job.input)
            if twin != job.input:
                raise ValueError(f'its results would replace those of {twin.name}; rename one of the two')
            load_inputs(job.input, conf, job.ground_truth, job.kernels)
        except (ValueError, OSError) as error:
            failures.append(_failure(job, error))
        else:
            good.append(job)
    return good, failures


def _failure(job, error):
    """One line that names the image and what went wrong with it."""
    message = ' '.join(str(error).split()) or type(error).__name__
    return message if message.startswith(str(job.input)) else f'{job.input}: {message}'


def make_results_folder(conf):
    """Create the folder of a run, and make sure that results can be written there.

    Args:
        conf: Config.

    Returns:
        Path.

    Raises:
        ValueError: naming the folder, if it cannot be created or written.
    """
    try:
        folder = prepare_result_dir(conf)
        images.atomic_write(folder / '.writable', b'')
        (folder / '.writable').unlink()
    except OSError as error:
        raise ValueError(
            f'{conf.result_path}: results cannot be written there ({error.strerror}); choose another --output'
        ) from None
    return folder


@contextmanager
def _silent_stderr(silent):
    """Drop what compiled code writes to the standard error: some messages of TensorFlow obey no setting."""
    if not silent:
        yield
        return
    kept = os.dup(2)
    with open(os.devnull, 'w') as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def start_tensorflow(device=None, threads=None, verbose=False):
    """Load TensorFlow for a device.

    Args:
        device: CUDA device index as text; None: whatever there is.
        threads: CPU threads; None: all cores.
        verbose: let its own messages through.

    Returns:
        How many GPUs it found.
    """
    if device is not None:
        os.environ['CUDA_VISIBLE_DEVICES'] = device
    if not verbose:
        os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    with _silent_stderr(not verbose):
        import tensorflow as tf

    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    gpus = tf.config.list_physical_devices('GPU')
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return len(gpus)


def run(jobs, conf, reporter, devices=()):
    """Enlarge images, keep going when one fails, and record everything.

    Args:
        jobs: list of Job, checked.
        conf: Config, whose result_path is the folder of this run.
        reporter: Reporter.
        devices: CUDA device indices for one process each; with none, the images run one after the other in
            this process.

    Returns:
        A line for each image that failed.
    """
    record = {
        'config': asdict(conf),
        'versions': _versions(),
        'started': _now(),
        'images': [],
        'failures': [],
    }
    outcomes = _outcomes_of_processes(jobs, conf, devices) if devices else _outcomes(jobs, conf, reporter)
    for job, outcome in outcomes:
        if isinstance(outcome, Exception):
            record['failures'].append(_failure(job, outcome))
            reporter.warn(record['failures'][-1])
        else:
            record['images'].append(outcome)
        record['finished'] = _now()
        if conf.save_results:
            images.atomic_write(Path(conf.result_path) / 'run.json', json.dumps(record, indent=1).encode())
    return record['failures']


def _outcomes(jobs, conf, reporter):
    """Yield (job, record or exception), one image after the other, all with one network."""
    network = None
    for job in jobs:
        try:
            outcome, network = run_job(job, conf, reporter, network)
        except Exception as error:  # whatever stops one image must not lose the others of a long run
            outcome = error
        yield job, outcome


def _outcomes_of_processes(jobs, conf, devices):
    """Yield (job, record or exception) as they come from one process per GPU, each taking the next image."""
    context = get_context('spawn')
    free = context.Queue()
    for device in devices:
        free.put(device)
    with ProcessPoolExecutor(len(devices), context, _start_process, (free,)) as pool:
        futures = {pool.submit(_run_in_process, job, conf): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.exception() or future.result()


def _start_process(free):
    start_tensorflow(free.get())


def _run_in_process(job, conf):
    # Live lines of several processes would overwrite each other.
    return run_job(job, conf, Reporter(plain=True))[0]


def run_job(job, conf, reporter, network=None):
    """Enlarge one image.

    Args:
        job: Job.
        conf: Config, whose result_path is the folder of this run.
        reporter: Reporter.
        network: Network of an earlier image, or None.

    Returns:
        (record, network): the image's entry in run.json, and the network for the next image.
    """
    import tensorflow as tf

    from ZSSR import ZSSR

    reporter.say(f'{job.input.name}: {job.kernel_note}')
    net = ZSSR(job.input, conf, job.ground_truth, job.kernels, network, progress=reporter.follow)
    with reporter.image():
        net.run()
    gpus = tf.config.list_logical_devices('GPU')
    record = {
        'stem': job.input.stem,
        'input': str(job.input.resolve()),
        'input_sha256': images.sha256(job.input),
        'ground_truth': None if job.ground_truth is None else str(job.ground_truth.resolve()),
        'kernel': job.kernel_note,
        'kernels': [{'file': str(k), 'sha256': images.sha256(k)} for k in job.kernels or ()],
        'seed': net.conf.seed,
        'scales': net.records,
        'device': gpus[0].name if gpus else f'CPU {platform.processor() or platform.machine()}',
    }
    return record, net.network


def _versions():
    from importlib.metadata import version

    packages = ('tensorflow', 'keras', 'numpy', 'scipy', 'imageio', 'pillow')
    own = {'zssr': __version__, 'python': platform.python_version()}
    return own | {name: version(name) for name in packages}


def _now():
    return time.strftime('%Y-%m-%dT%H:%M:%S%z')
