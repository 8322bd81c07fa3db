"""Several processes on this machine, each doing one thing after another; what dies is replaced."""

import os
import signal
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process

from running.devices import start_tensorflow

MOST_WORKERS = 256

# How often a call is made whose process dies.
TRIES = 2


class ProcessDiedError(Exception):
    """The process of a call has died, and that of its repetition."""

    def __init__(self):
        super().__init__('its process died, twice; there may be too little memory: use fewer --workers')


def outcomes_of_processes(function, calls, devices, **start):
    """Call a function again and again, in processes of their own that share the calls.

    Each process has a pool of its own, so that it is known which call was at work when one dies.

    Args:
        function: of a module; it is called in the processes.
        calls: iterable of tuples of arguments, taken when there is a process for them.
        devices: for each process, the CUDA device index (text) that it sees, or None for what there is.
        **start: for each process, what else `start_tensorflow` is told.

    Yields:
        (number of the call, what it returned, or the exception it raised), in the order in which they end.
    """
    starts = [{'device': device, **start} for device in devices]
    pools, running = [_pool(start) for start in starts], {}
    coming, again = enumerate(calls), deque()
    try:
        free = deque(range(len(pools)))
        while True:
            while free and (call := again.popleft() if again else _next(coming)):
                number, arguments, tries = call
                place = free.popleft()
                future = _submit(pools, place, starts[place], function, arguments)
                running[future] = place, number, arguments, tries + 1
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                place, number, arguments, tries = running.pop(future)
                free.append(place)
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    if tries < TRIES:
                        again.append((number, arguments, tries))
                        continue
                    error = ProcessDiedError()
                yield number, error or future.result()
    except BaseException:  # Ctrl-C: without this, what has begun would still be finished
        for process in active_children():
            process.terminate()
        raise
    finally:
        for pool in pools:
            pool.shutdown(cancel_futures=True)


def _next(coming):
    """(number, arguments, tries) of the next call that was not made yet, or None."""
    call = next(coming, None)
    return None if call is None else (*call, 0)


def _submit(pools, place, start, function, arguments):
    """Make a call in the process of a place, which is replaced if it has died; returns the call's future."""
    with _undisturbed():
        try:
            return pools[place].submit(function, *arguments)
        except BrokenProcessPool:
            pools[place].shutdown()
            pools[place] = _pool(start)
            return pools[place].submit(function, *arguments)


@contextmanager
def _undisturbed():
    """Put off Ctrl-C and SIGTERM while processes start, or they would begin half told what to do.

    They themselves never hear of Ctrl-C, which a terminal sends to all: the parent decides.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, 'pthread_sigmask'):
        yield
        return
    told, numbers = [], (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.signal(number, lambda *signalled: told.append(signalled[0])) for number in numbers]
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if told:
            signal.raise_signal(told[0])


def _pool(start):
    return ProcessPoolExecutor(1, get_context('spawn'), _start_process, (start,))


def _start_process(start):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    start_tensorflow(**start)


def _end_with_parent():
    """End this process when its parent is gone, however that came: nobody would hear of its results."""
    parent_process().join()
    os._exit(1)
