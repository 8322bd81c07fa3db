"""TensorFlow on a device: started once, quietly; and what the machine is."""

import gc
import os
import platform
import sys
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from configs import __version__

# More have nothing to do, and TensorFlow ends the program where the system grants it no more.
MOST_THREADS = max(256, os.cpu_count() or 1)


def start_tensorflow(device=None, threads=None, verbose=False, batch_size=1):
    """Load TensorFlow for a device.

    Args:
        device: CUDA device index as text; None: whatever there is.
        threads: CPU threads; None: all cores.
        verbose: let its own messages through.
        batch_size: pairs of a training step, divided among the CPU threads if that comes out even.

    Returns:
        How many GPUs it found.
    """
    if device is not None:
        os.environ['CUDA_VISIBLE_DEVICES'] = device
    if not verbose:
        os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    with _silent_stderr(not verbose), _quick_import():
        import tensorflow as tf

    if not verbose:
        tf.get_logger().setLevel('ERROR')
    gpus = tf.config.list_physical_devices('GPU')
    # Where lanes would have several threads each, operations that all threads share are quicker.
    lanes = 1 if gpus or batch_size % (threads or cores()) else threads or cores()
    if threads is not None:
        _divide_threads(threads, lanes)
    elif lanes > 1:
        with suppress(RuntimeError):  # it works already: without lanes
            _divide_threads(cores(), lanes)
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if gpus:
        # The same seed is to give the same file. Else the convolution that is quickest just now is chosen.
        tf.config.experimental.enable_op_determinism()
        tf.random.set_seed(0)  # asked for then; a benchmark's matrices are all that it fills
        # Else GPUs would leave of float32's 23 bits of mantissa 10, where 'float32' is asked for.
        tf.config.experimental.enable_tensor_float_32_execution(False)
    return len(gpus)


def _divide_threads(threads, lanes):
    """Let `lanes` operations run at the same time, each on its share of the threads."""
    import tensorflow as tf

    threading = tf.config.threading
    threading.set_intra_op_parallelism_threads(threads // lanes)
    threading.set_inter_op_parallelism_threads(threads)


def visible_devices(gpus):
    """The CUDA indices (texts) of `gpus` found, for a process each; none if that brings nothing."""
    named = os.environ.get('CUDA_VISIBLE_DEVICES', '')
    indices = named.split(',') if named else [str(index) for index in range(gpus)]
    return indices[:gpus] if gpus > 1 else []


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


def threads():
    """How many CPU threads compute at the same time, which decides the last bits of a result."""
    import tensorflow as tf

    return tf.config.threading.get_inter_op_parallelism_threads() or cores()


def cores():
    """How many CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def versions():
    """The versions, by name, of this program, Python and the packages that decide a result."""
    packages = ('tensorflow', 'keras', 'numpy', 'scipy', 'imageio', 'pillow')
    own = {'zssr': __version__, 'python': platform.python_version()}
    return own | {name: version(name) for name in packages}


@contextmanager
def _quick_import():
    """Leave out what takes a third of TensorFlow's import and serves nothing here.

    Keras imports matplotlib and scikit-learn, if they are installed, for plots and wrappers of its own; a
    report imports matplotlib when it is drawn. And what is imported stays, so that there is no garbage in it.
    """
    if 'tensorflow' in sys.modules:
        yield
        return
    unused, collects = {'matplotlib', 'sklearn'} - sys.modules.keys(), gc.isenabled()
    sys.modules.update(dict.fromkeys(unused))  # an import of None is one of what is not installed
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()
        for name in unused:
            sys.modules.pop(name, None)


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
