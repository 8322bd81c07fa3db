"""What other processes are asked to do in tests."""

import os
import signal
import time
from pathlib import Path


def double(number):
    """Answer, with the process that did."""
    return 2 * number, os.getpid()


def fail(number):
    """Raise what a call may raise."""
    raise ValueError(f'no {number}')


def die_once(marker):
    """End the process, but not when called again."""
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 'alive'


def die(_):
    """End the process."""
    os._exit(1)


def choose(name, argument):
    """Call one of these by its name."""
    return globals()[name](argument)


def sleep(folder):
    """Tell of this process, and sleep."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)
