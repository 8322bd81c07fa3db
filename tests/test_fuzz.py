"""Damaged files and settings of every kind are taken or refused in one line (tests/fuzz.py)."""

import os
import subprocess
import sys

import pytest
from helpers.command_line import PROJECT
from helpers.fuzz import harness


def fuzz(*words):
    """Run the command; returns its exit status and its lines."""
    command = [sys.executable, PROJECT / 'tests' / 'fuzz.py', *words]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=300)
    assert not done.stderr
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize('kind', harness.kinds())
def test_200_of_a_kind(kind):
    status, lines = fuzz(kind, '--count', '200', '--seed', '7')
    assert status == 0, lines
    assert len(lines) == 1 and lines[0].startswith(f'{kind}: ') and '0 defects' in lines[0]
    assert ' 0 accepted' not in lines[0] and ' 0 refused' not in lines[0]


CASES = """
import os, sys, time, types
from helpers.fuzz import harness

def fail(error):
    raise error

def ask_and_refuse():
    try:
        bytearray(2**32)
    except MemoryError as error:
        raise ValueError('no') from error

harness.SECONDS = 1
cases = {
    'accepted': lambda: None,
    'refused': lambda: fail(ValueError('a.png: damaged')),
    'not there': lambda: fail(FileNotFoundError('a.png: no such file')),
    'traceback': lambda: fail(TypeError('what?')),
    'lines': lambda: fail(ValueError('a' + chr(10) + 'b')),
    'crash': lambda: os.abort(),
    'exit': lambda: sys.exit(3),
    'late': lambda: time.sleep(60),
    'chatty': lambda: os.write(2, b'libtiff: oh'),
    'memory': lambda: bytearray(2**32),
    'memory, refused': ask_and_refuse,
}
for name, case in cases.items():
    kind = types.SimpleNamespace(make=lambda rng, folder: case, read=lambda case: case())
    print(name, *harness.judge(kind, 0, 0), sep=': ')
"""


def test_what_is_a_defect():
    env = os.environ | {'PYTHONPATH': f'{PROJECT}/tests', 'OPENBLAS_NUM_THREADS': '1'}
    done = subprocess.run([sys.executable, '-c', CASES], env=env, capture_output=True, text=True, timeout=60)
    assert done.stderr == ''
    name, verdicts = '', {}
    for line in done.stdout.splitlines():
        name, verdict, text = line.split(': ', 2)
        verdicts[name] = verdict, text
    assert [name for name, (verdict, _) in verdicts.items() if verdict != 'defect'] == [
        'accepted',
        'refused',
        'not there',
    ]
    words = {
        'traceback': 'TypeError',
        'lines': 'no one line',
        'crash': 'SIGABRT',
        'exit': 'SystemExit',
        'late': 'more than 1 s',
        'chatty': 'libtiff: oh',
        'memory': 'MemoryError',
        'memory, refused': 'more than 2 GiB',
    }
    for name, word in words.items():
        assert word in verdicts[name][1], verdicts[name]
