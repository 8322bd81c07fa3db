"""streams.py: what cannot be shown stops no work."""

import errno
import os
import subprocess
import sys

import pytest
from helpers.command_line import PROJECT, save_image

from running.streams import LastingStream, lasting

# A command that says more than a pipe holds, then opens a file, and says in it that it came to its end.
COMMAND = """
import os, sys
from running.command_line import Parser, run_command

def work(args):
    for number in range(20_000):
        print('so many lines that no pipe holds them', number)
    print('a warning', file=sys.stderr)
    with open(sys.argv[1], 'w') as file:
        os.write(1, b'compiled code prints'), os.write(2, b'compiled code prints')
        file.write('done')
    return 7

sys.exit(run_command(Parser(prog='work.py'), work, []))
"""


@pytest.mark.parametrize(
    ('redirection', 'said'),
    [
        ('| head -n 1', 'so many lines that no pipe holds them 0\na warning\ncompiled code prints'),
        ('>&-', 'a warning\ncompiled code prints'),
        ('<&- >&- 2>&-', ''),
        (
            '> /dev/full',
            'work.py: no more is shown, its output cannot be written ([Errno 28] No space left on device); '
            'the work goes on\na warning\ncompiled code prints',
        ),
        ('> /dev/full 2> /dev/full', ''),
    ],
)
def test_a_command_ends_as_its_work_does_whatever_becomes_of_its_output(tmp_path, redirection, said):
    script = f'"$0" -c "$1" "$2" {redirection}; exit "${{PIPESTATUS[0]}}"'
    command = ['bash', '-c', script, sys.executable, COMMAND, str(tmp_path / 'file')]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, timeout=60)
    assert (tmp_path / 'file').read_text() == 'done'
    assert done.returncode == 7
    if redirection.startswith('|'):
        assert sorted((done.stdout + done.stderr).splitlines()) == sorted(said.splitlines())
    else:
        assert done.stdout + done.stderr == said


def test_matplotlib_says_nothing_of_its_cache(tmp_path):
    command = COMMAND.replace(
        'for number in range(20_000):', 'import matplotlib.figure\n    for number in ():'
    )
    environment = {**os.environ, 'MPLCONFIGDIR': '/proc/none', 'TMPDIR': str(tmp_path)}
    command = [sys.executable, '-c', command, str(tmp_path / 'file')]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, env=environment, timeout=60)
    assert (done.returncode, done.stderr) == (7, 'a warning\ncompiled code prints')


def gone():
    """A text stream that no one reads."""
    ours, theirs = os.pipe()
    os.close(ours)
    return open(theirs, 'w')


def test_images_are_enlarged_though_no_one_reads_what_is_said(tmp_path, run, monkeypatch):
    with gone() as out, gone() as err:
        monkeypatch.setattr(sys, 'stdout', out)
        monkeypatch.setattr(sys, 'stderr', err)
        done = run(save_image(tmp_path / 'a.png'))
    assert done.code == 0
    assert done.files == ['a_losses.png', 'a_zssr_X2.00X2.00.png', 'report.html', 'run.json']


class Failing:
    """A stream that fails."""

    def __init__(self, error):
        self.error = error

    def write(self, text):
        raise self.error

    def fileno(self):
        raise self.error


@pytest.mark.parametrize(
    ('error', 'told'),
    [
        (OSError(errno.ENOSPC, 'No space left on device'), 1),
        (ValueError('I/O operation on closed file'), 1),
        (BrokenPipeError(errno.EPIPE, 'Broken pipe'), 0),
    ],
)
def test_a_failure_is_told_once_unless_no_one_reads(error, told):
    lines = []
    stream = LastingStream(Failing(error), lines.append)
    assert [stream.write('line') for _ in range(3)] == [4, 4, 4]
    assert len(lines) == told and all(str(error) in line for line in lines)


def test_a_stream_is_wrapped_once():
    stream = lasting(sys.stdout)
    assert lasting(stream) is stream
