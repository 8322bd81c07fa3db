"""From files to results: one image after another, or one process per GPU, with a record of what was done."""

import json
import os
import platform
import signal
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from multiprocessing import active_children, get_context
from pathlib import Path

from configs import __version__
from files import images
from files.inputs import load_inputs
from running.reporter import FigureFile, Reporter
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
        warning: why the kernels that were found are not used, or None.
        channels: of the image, 1 or 3; known once it is checked.
    """

    input: Path
    ground_truth: Path | None
    kernels: tuple | None
    kernel_note: str
    warning: str | None = None
    channels: int = 3


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
        if file.suffix.lower() in IMAGE_SUFFIXES
        and not file.stem.endswith(GROUND_TRUTH_SUFFIX)
        and not file.name.startswith('.')  # macOS puts ._NAME beside NAME on foreign disks
        and not file.is_dir()
    )
    if not found:
        raise FileNotFoundError(
            f'{path}: no image in this folder (looked for {", ".join(IMAGE_SUFFIXES)}); '
            'put some there or give another with --input'
        )
    return found, True


def make_job(path, conf, kernels=None, ground_truth=None):
    """Find what belongs to an image: `NAME_gt`, and kernels `NAME_0.mat`, `NAME_1.mat`, … one per scale.

    Kernels are looked for beside the image first, then in the project's kernels/.

    Args:
        path: the image.
        conf: Config, for its scales and what replaces kernels.
        kernels: files given by the user, used instead.
        ground_truth: file given by the user, used instead.

    Returns:
        Job.
    """
    if ground_truth is None:
        stem = path.stem + GROUND_TRUTH_SUFFIX
        ground_truth = _first_file(*(path.with_name(stem + end) for end in (path.suffix, *IMAGE_SUFFIXES)))
    else:
        ground_truth = Path(ground_truth)
    if kernels:
        return Job(path, ground_truth, tuple(map(Path, kernels)), f'kernel {", ".join(map(str, kernels))}')
    names = [f'{path.stem}_{index}.mat' for index in range(len(conf.scales))]
    found = [_first_file(path.parent / name, PROJECT / 'kernels' / name) for name in names]
    if all(found):
        return Job(path, ground_truth, tuple(found), f'kernel {", ".join(map(str, found))}')
    missing = [name for name, file in zip(names, found, strict=True) if file is None]
    warning = None
    if len(missing) < len(names):
        warning = f'{path}: WARNING: of the kernels, {", ".join(missing)} is missing, so none is used'
    return Job(path, ground_truth, None, f'no kernel, {conf.downscale_method} interpolation', warning)


def check_kernels(files, conf):
    """Check the kernels that the user gave, which are used for every image.

    Args:
        files: paths.
        conf: Config, for its scales.

    Raises:
        ValueError, FileNotFoundError: naming what cannot be used, and the remedy.
    """
    if len(files) != len(conf.scales):
        raise ValueError(
            f'--kernel: {len(files)} given for {len(conf.scales)} scale_factors; give one per scale'
        )
    for file in files:
        images.read_kernel(file)


def _first_file(*paths):
    return next((path for path in paths if path.is_file()), None)


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
            inputs = load_inputs(job.input, conf, job.ground_truth, job.kernels, full_depth=False)
        except (ValueError, OSError) as error:
            failures.append(_failure(job, error))
        else:
            good.append(replace(job, channels=inputs.picture.pixels.shape[2]))
    return good, failures


def _failure(job, error):
    """One line that names the image and what went wrong with it."""
    message = images.one_line(error)
    # An error of no input's making has half of its message in its kind.
    if str(error) and not isinstance(error, ValueError | OSError):
        message = f'{type(error).__name__}: {message}'
    return message if message.startswith(str(job.input)) else f'{job.input}: {message}'


def check_output(conf):
    """Refuse a place for results that cannot be written, before anything else is looked at or created.

    Args:
        conf: Config, for its result_path.

    Raises:
        ValueError: naming the folder.
    """
    folder = Path(conf.result_path).absolute()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise _unwritable(conf, 'not a folder' if not there.is_dir() else 'no permission')


def _unwritable(conf, reason):
    return ValueError(
        f'{conf.result_path}: results cannot be written there ({reason}); choose another --output'
    )


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
        raise _unwritable(conf, error.strerror) from None
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

    if not verbose:
        tf.get_logger().setLevel('ERROR')
    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    gpus = tf.config.list_physical_devices('GPU')
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return len(gpus)


def visible_devices(gpus):
    """The CUDA indices of the GPUs that TensorFlow found, for a process each; none if that brings nothing.

    Args:
        gpus: how many there are.

    Returns:
        List of texts for CUDA_VISIBLE_DEVICES.
    """
    named = os.environ.get('CUDA_VISIBLE_DEVICES', '')
    indices = named.split(',') if named else [str(index) for index in range(gpus)]
    return indices[:gpus] if gpus > 1 else []


def run(jobs, conf, reporter, devices=(), rejected=(), threads=None, verbose=False):
    """Enlarge images, keep going when one fails, and record everything.

    Args:
        jobs: list of Job, checked.
        conf: Config, whose result_path is the folder of this run.
        reporter: Reporter.
        devices: CUDA device indices for one process each; with none, the images run one after the other in
            this process.
        rejected: a line for each image that `check_jobs` set aside, for the record.
        threads, verbose: for the processes, as in `start_tensorflow`.

    Returns:
        A line for each image that failed, those rejected included.
    """
    record = {
        'config': asdict(conf),
        'versions': versions(),
        'started': _now(),
        'images': [],
        'failures': list(rejected),
    }
    if devices:
        outcomes = _outcomes_of_processes(jobs, conf, devices, reporter.quiet, (threads, verbose))
    else:
        outcomes = _outcomes(jobs, conf, reporter)
    for job, outcome in outcomes:
        if isinstance(outcome, Exception):
            record['failures'].append(_failure(job, outcome))
            reporter.warn(record['failures'][-1])
            if verbose:
                reporter.warn(''.join(traceback.format_exception(outcome)))
        else:
            record['images'].append(outcome)
        record['finished'] = _now()
        if conf.save_results:
            images.atomic_write(Path(conf.result_path) / 'run.json', json.dumps(record, indent=1).encode())
    return record['failures']


def report(folder, reporter):
    """Write report.html, the results of a run beside bicubic enlargement; at worst, say why it is missing.

    Args:
        folder: of a run, with its run.json.
        reporter: Reporter.
    """
    try:
        import compare

        done = compare.report_run(folder)
    except Exception as error:  # a report must not fail a run of hours, whatever is wrong with it
        reporter.warn(f'{folder}: no report ({images.one_line(error)})')
    else:
        reporter.say(f'report: {done.path}')


def _outcomes(jobs, conf, reporter):
    """Yield (job, record or exception), one image after the other."""
    networks = {}
    for job in jobs:
        try:
            outcome = run_job(job, conf, reporter, networks)
        except Exception as error:  # whatever stops one image must not lose the others of a long run
            outcome = error
        yield job, outcome


def _outcomes_of_processes(jobs, conf, devices, quiet, start):
    """Yield (job, record or exception) as they come from one process per GPU, each taking the next image."""
    context = get_context('spawn')
    free = context.Queue()
    for device in devices:
        free.put(device)
    with ProcessPoolExecutor(len(devices), context, _start_process, (free, *start)) as pool:
        futures = {pool.submit(_run_in_process, job, conf, quiet): job for job in jobs}
        try:
            for future in as_completed(futures):
                yield futures[future], future.exception() or future.result()
        except BaseException:  # Ctrl-C: without this, all images would still be finished
            for process in active_children():
                process.terminate()
            raise


def _start_process(free, threads, verbose):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    start_tensorflow(free.get(), threads, verbose)


def _run_in_process(job, conf, quiet):
    # Live lines of several processes would overwrite each other.
    return run_job(job, conf, Reporter(quiet, plain=True), _process_networks())


@cache
def _process_networks():
    """The networks of this process: a pool's process has no other place that lasts from image to image."""
    return {}


def run_job(job, conf, reporter, networks):
    """Enlarge one image.

    Args:
        job: Job.
        conf: Config, whose result_path is the folder of this run.
        reporter: Reporter.
        networks: dict of the networks of earlier images by channels; used again, and added to.

    Returns:
        The image's entry in run.json.
    """
    from ZSSR import ZSSR

    if job.warning:
        reporter.warn(job.warning)
    reporter.say(f'{job.input.name}: {job.kernel_note}')
    figure = FigureFile(Path(conf.result_path) / f'{job.input.stem}_losses.png')

    def follow(net):
        """Show where the training stands, in words and as a figure."""
        reporter.follow(net)
        if conf.plot_losses:
            figure.follow(net)

    net = ZSSR(job.input, conf, job.ground_truth, job.kernels, networks.get(job.channels), follow)
    with reporter.image():
        net.run()
    if conf.save_results:
        figure.update(net)
    networks[job.channels] = net.network
    return {
        'stem': job.input.stem,
        'input': str(job.input.resolve()),
        'input_sha256': images.sha256(job.input),
        'ground_truth': None if job.ground_truth is None else str(job.ground_truth.resolve()),
        'ground_truth_sha256': None if job.ground_truth is None else images.sha256(job.ground_truth),
        'kernel': job.kernel_note,
        'kernels': [{'file': str(k), 'sha256': images.sha256(k)} for k in job.kernels or ()],
        'seed': net.conf.seed,
        'scales': net.records,
        'precision': net.network.design.precision,
        'device': device(),
    }


def device():
    """What the images were enlarged on: the GPU's name and CUDA index, or the CPU's model."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices('GPU')
    if gpus:
        name = tf.config.experimental.get_device_details(gpus[0]).get('device_name', gpus[0].name)
        return f'GPU {os.environ.get("CUDA_VISIBLE_DEVICES", "0")}: {name}'
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return f'CPU {models[0] if models else platform.processor() or platform.machine()}, {len(models)} cores'


def versions():
    """Find the versions of this program, Python and the packages that decide a result.

    Returns:
        A dict from name to version, both texts.
    """
    from importlib.metadata import version

    packages = ('tensorflow', 'keras', 'numpy', 'scipy', 'imageio', 'pillow')
    own = {'zssr': __version__, 'python': platform.python_version()}
    return own | {name: version(name) for name in packages}


def _now():
    return time.strftime('%Y-%m-%dT%H:%M:%S%z')
