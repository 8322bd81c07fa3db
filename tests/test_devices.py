"""devices.py: what is set up for a GPU; here in a process that takes a machine for one that has it."""

import subprocess
import sys

import numpy as np

from configs import Config
from ZSSR import ZSSR

WITH_A_GPU = """
import tensorflow as tf

tf.config.list_physical_devices = lambda kind=None: ['a GPU']
tf.config.experimental.set_memory_growth = lambda gpu, enable: None

from running.clock import multiply_adds_per_second
from running.devices import start_tensorflow

assert start_tensorflow() == 1
assert not tf.config.experimental.tensor_float_32_execution_enabled()
assert multiply_adds_per_second('float32') > 0

from learning.fathers import INDEX
from test_devices import enlarged

assert INDEX == tf.int64
print(enlarged().tobytes().hex())
"""


def enlarged():
    image = np.random.RandomState(0).rand(24, 20, 3)
    conf = Config(width=4, depth=3, crop_size=16, max_iters=5, run_test_every=2, seed=0)
    return ZSSR(image, conf).run()


def test_what_is_made_for_gpus_computes_the_same():
    done = subprocess.run(
        [sys.executable, '-c', 'import sys; sys.path.append("tests")' + WITH_A_GPU],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == enlarged().tobytes().hex()


WITH_PLOTS = """
import gc, importlib, sys
from running import devices

def found(names=('matplotlib', 'sklearn')):
    there = []
    for name in names:
        try:
            there.append(importlib.import_module(name).__name__)
        except ImportError:
            pass
    return there

with devices._quick_import():
    print(found())
print(found(['matplotlib']), 'sklearn' in sys.modules, gc.isenabled())
with devices._quick_import():
    print(found(['matplotlib']))
"""


def test_what_keras_would_plot_with_is_not_imported_with_it_but_afterwards():
    done = subprocess.run([sys.executable, '-c', WITH_PLOTS], capture_output=True, text=True)
    assert done.stdout.splitlines() == ['[]', "['matplotlib'] False True", "['matplotlib']"], done.stderr


def test_tensorflow_is_started_without_them():
    script = 'import sys; from running import devices; devices.start_tensorflow(); print(*sys.modules)'
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert 'tensorflow' in loaded and not {'matplotlib', 'sklearn'} & loaded, done.stderr
