"""processes.py: calls shared by processes, of which some die; and how all of them end."""

import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import active_children
from pathlib import Path

import pytest
from helpers.calls import choose
from helpers.command_line import PROJECT

from running.processes import ProcessDiedError, outcomes_of_processes

# In place of TensorFlow, which takes seconds to load.
STUB = PROJECT / 'tests' / 'helpers' / 'stub'

PATIENCE = 120  # seconds, on a machine that has much else to do

# What a process does that shares a sleep among two others.
PARENT = (
    'import sys; from helpers.calls import sleep; from running.processes import outcomes_of_processes\n'
    'if __name__ == "__main__":\n'
    '    try:\n'
    '        next(outcomes_of_processes(sleep, [(sys.argv[1],)] * 2, [None] * 2))\n'
    '    except KeyboardInterrupt:\n'
    '        sys.exit(130)\n'
)


@pytest.fixture(autouse=True)
def without_tensorflow(monkeypatch):
    monkeypatch.syspath_prepend(STUB)


def outcomes(*calls, processes=1):
    return outcomes_of_processes(choose, calls, [None] * processes)


def until(condition):
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_every_call_has_its_outcome():
    ended = dict(outcomes(*(('double', number) for number in range(5)), ('fail', 5), processes=2))
    assert {number: ended[number][0] for number in range(5)} == {0: 0, 1: 2, 2: 4, 3: 6, 4: 8}
    assert isinstance(ended[5], ValueError) and str(ended[5]) == 'no 5'
    assert 1 <= len({process for _, process in (ended[number] for number in range(5))}) <= 2
    assert not active_children()


def test_a_call_whose_process_dies_is_made_once_more(tmp_path):
    ended = dict(outcomes(('double', 1), ('die_once', tmp_path / 'marker'), ('double', 2)))
    assert ended[1] == 'alive' and (ended[0][0], ended[2][0]) == (2, 4)
    assert ended[0][1] != ended[2][1]


def test_a_call_whose_process_dies_again_is_reported_and_the_others_are_made():
    ended = dict(outcomes(('die', None), ('double', 1), ('double', 2)))
    assert isinstance(ended[0], ProcessDiedError) and 'died, twice' in str(ended[0])
    assert (ended[1][0], ended[2][0]) == (2, 4)


def test_a_process_that_dies_between_two_calls_is_replaced():
    ended = outcomes(('double', 1), ('double', 2))
    _, (_, process) = next(ended)
    (manager,) = (t for t in threading.enumerate() if type(t).__name__ == '_ExecutorManagerThread')
    os.kill(process, signal.SIGKILL)
    manager.join(PATIENCE)  # until it is known
    number, (answer, other) = next(ended)
    assert (number, answer) == (1, 4) and other != process and list(ended) == []


def test_whoever_wants_no_more_ends_the_processes(tmp_path):
    ended = outcomes(('double', 1), ('sleep', tmp_path), ('sleep', tmp_path), processes=2)
    next(ended)
    until(lambda: len(list(tmp_path.iterdir())) == 1)
    ended.close()
    assert not active_children()


def parent(tmp_path):
    """Start PARENT in a session of its own; its folder is where its processes tell of themselves."""
    script, folder = tmp_path / 'parent.py', tmp_path / 'processes'
    script.write_text(PARENT)
    folder.mkdir()
    env = os.environ | {'PYTHONPATH': os.pathsep.join(map(str, (STUB, PROJECT, PROJECT / 'tests')))}
    options = {'env': env, 'stderr': subprocess.PIPE, 'text': True, 'start_new_session': True}
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731, of a test run in the background
    return subprocess.Popen([sys.executable, script, folder], preexec_fn=heed, **options), folder


def children(process):
    """The processes that a process has started."""
    try:
        return Path(f'/proc/{process.pid}/task/{process.pid}/children').read_text().split()
    except FileNotFoundError:
        return []


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='/proc')
def test_processes_end_with_a_parent_that_is_killed(tmp_path):
    process, folder = parent(tmp_path)
    until(lambda: len(list(folder.iterdir())) == 2)
    started = children(process)
    assert {path.name for path in folder.iterdir()} <= set(started)
    process.kill()
    process.communicate(timeout=PATIENCE)  # until no one has the pipe any more
    until(lambda: not any(Path(f'/proc/{child}').exists() for child in started))


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='/proc')
def test_ctrl_c_in_a_terminal_is_for_the_parent_alone(tmp_path):
    """It reaches all processes, those too that have hardly begun."""
    process, _ = parent(tmp_path)
    until(lambda: len(children(process)) >= 2)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, '')
