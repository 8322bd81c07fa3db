"""progress.py: what a user sees of a run while it works."""

import fcntl
import os
import pty
import re
import struct
import sys
import termios
import time
from types import SimpleNamespace

import pytest
import scipy.io
from helpers.command_line import TINY, finish, results, save_image, start

from comparing import figures
from running import progress
from running.clock import Clock
from running.progress import FigureFile, Terminal

TIMES = r'\d+:\d\d elapsed, at most \d+:\d\d left'
PROGRESS = r'photo ×2  training  iteration (\d+)/60  loss 0\.\d{5}  rate 1e-03  reconstruction \d+\.\d\d/255'
COLUMNS = 80


# In a process of its own


@pytest.fixture(scope='module')
def twins(tmp_path_factory, gaussian):
    """The same run twice, the second time quiet."""
    folder = tmp_path_factory.mktemp('twins')
    scipy.io.savemat(folder / 'kernel.mat', {'Kernel': gaussian(5, 5)})
    arguments = ['--input', save_image(folder / 'photo.png'), '--kernel', folder / 'kernel.mat', '--seed', 7]
    arguments += ['--ground-truth', save_image(folder / 'truth.png', shape=(40, 48, 3)), *TINY]
    arguments += ['--set=max_iters=60', '--set=run_test_every=20']
    processes = [
        start('X2_REAL_CONF', gpu, *arguments, *quiet, '--output', folder / gpu)
        for gpu, quiet in (('0', []), ('all', ['-q']))
    ]
    runs = [SimpleNamespace(**dict(zip(('code', 'out', 'err'), finish(p), strict=True))) for p in processes]
    for run, gpu in zip(runs, ('0', 'all'), strict=True):
        run.folder = folder / gpu
    return runs


def test_the_same_seed_gives_the_same_file(twins):
    one, two = ([path for path in results(run.folder) if path.suffix == '.png'] for run in twins)
    assert [path.name for path in one] == ['photo_losses.png', 'photo_zssr_X2.00X2.00.png']
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_plain_lines_where_there_is_no_terminal(twins):
    said = twins[0].out.splitlines()
    # A busy machine is long enough about the first steps to tell a loss before there is a quick test.
    tests = [line for line in said if 'loss' in line and 'PSNR' in line]
    lines = [re.fullmatch(rf'{PROGRESS}  PSNR \d+\.\d\d dB  {TIMES}', line) for line in tests]
    assert [line and line[1] for line in lines] == ['21', '41', '60']
    (psnr,) = re.findall(r'photo_zssr_X2.00X2.00.png  PSNR (\S+) dB', said[-1])
    assert re.fullmatch(rf'photo ×2  enlarged  PSNR {psnr} dB  {TIMES}', said[-3])
    assert '\x1b' not in twins[0].out and '\r' not in twins[0].out


def test_device_folder_and_kernel_are_said(twins):
    # A busy machine is long enough about some things to say so.
    said = [line for line in twins[0].out.splitlines() if not line.startswith(('loading', 'reading'))]
    assert said[0] == f'results go to {results(twins[0].folder)[-1].parent}'
    assert said[1] == 'there is no such GPU on this machine: running on the CPU'
    assert said[2] == 'this will take at most a few seconds'
    assert said[3] == f'photo.png: kernel {twins[0].folder.parent / "kernel.mat"}'


def test_tensorflow_is_silent(twins):
    assert (twins[0].code, twins[0].err) == (0, '')


def test_a_quiet_run_says_nothing(twins):
    assert (twins[1].code, twins[1].out, twins[1].err) == (0, '', '')


@pytest.fixture(scope='module')
def terminal(tmp_path_factory):
    """What a run of two images, one with a ground truth, writes to a terminal of 80 columns."""
    folder = tmp_path_factory.mktemp('terminal')
    save_image(folder / 'a[i].png')
    save_image(folder / 'a[i]_gt.png', shape=(40, 48, 3))
    save_image(folder / 'b.png')
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', 25, COLUMNS, 0, 0))
    arguments = [*TINY, '--set=max_iters=60', '--set=run_test_every=20', '--input', folder]
    process = start(*arguments, '--output', folder / 'results', stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = bytearray()
    try:
        while block := os.read(ours, 65536):
            written += block
    except OSError:  # the other end is closed
        os.close(ours)
    return SimpleNamespace(code=process.wait(), text=written.decode())


def test_a_live_line_on_a_terminal(terminal):
    assert terminal.code == 0 and 'Traceback' not in terminal.text
    screen = re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', terminal.text)
    assert 'a[i].png: no kernel' in screen
    for number, truth in (('1', r' PSNR \d\d\.\d\d dB'), ('2', '')):
        label, times = f'{number} of 2  ×2 [━╸╺ ]+', r'0:\d\d < 0:\d\d'
        assert re.search(rf'{label} training 1/60 {times} loss 0\.\d{{4}}', screen)
        assert re.search(rf'{label} enlarging {times} ', screen)
        assert re.search(rf'{label} done {times}{truth} *\r\n', screen)


def test_the_live_line_is_one_line_and_ends_properly(terminal):
    screen = re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', terminal.text)
    assert max(len(line) for line in re.split(r'[\r\n]+', screen) if '━' in line) <= COLUMNS
    hidden, shown = (terminal.text.count(code) for code in ('\x1b[?25l', '\x1b[?25h'))
    assert hidden == shown >= 2 and screen.endswith('\n')


class Fake:
    """What a terminal looks at of a ZSSR."""

    def __init__(self, **attributes):
        self.conf = SimpleNamespace(
            scales=[(2, 2)], max_iters=300, run_test=True, display_every=20, display_test_results=True
        )
        self.work = SimpleNamespace(done=10.0, ahead=30.0)
        self.stem, self.sf_ind, self.learning_rate, self.share, self.gt = 'a', 0, 1e-3, 0.25, None
        self.loss, self.mse_steps, self.mse_rec, self.mse, self.phase = [0.1], [0], [0.01], None, 'training'
        vars(self).update(attributes)

    @property
    def iter(self):
        return len(self.loss) - 1


@pytest.fixture
def plain(capsys):
    """A terminal whose clock stands at 12 seconds, image 2 of 14."""
    terminal = Terminal(plain=True)
    times = iter([0.0, *[12.0] * 99])
    terminal.clock = Clock([40.0] * 14, now=lambda: next(times))
    terminal.clock.number = 2
    terminal.said = lambda: capsys.readouterr().out.splitlines()
    return terminal


def test_a_plain_line_waits_for_the_quick_test(plain):
    net = Fake(loss=[0.1] * 101, mse_steps=[0])
    plain.follow(net)
    assert plain.said() == []
    net.mse_steps.append(100)
    plain.follow(net)
    (line,) = plain.said()
    assert line.startswith('2 of 14  a ×2  training  iteration 101/300  loss 0.10000')
    plain.follow(net)
    assert plain.said() == []


def test_the_end_of_a_training_and_the_result_are_said(plain):
    net = Fake(loss=[0.1] * 30, phase='enlarging')
    plain.follow(net)
    net.phase, net.gt, net.records = 'done', True, [{'psnr': 31.2}]
    plain.follow(net)
    trained, enlarged = plain.said()
    assert 'training  iteration 30/300' in trained
    assert enlarged.startswith('2 of 14  a ×2  enlarged  PSNR 31.20 dB  0:12 elapsed')


def test_where_nothing_is_heard_of_for_seconds_a_line_says_what_is_being_done(plain, monkeypatch):
    monkeypatch.setattr(progress, 'SILENCE', 0.08)
    with plain.doing('writing the report'):
        time.sleep(0.3)
    said = plain.said()
    assert len(said) >= 2 and set(said) == {'writing the report'}
    with plain.image():
        plain.follow(Fake(phase='enlarging'))
        plain.said()
        time.sleep(0.3)
    assert set(plain.said()) == {'2 of 14  a ×2  enlarging  25 %  0:12 elapsed'}
    time.sleep(0.2)
    assert plain.said() == []


def test_short_work_is_not_spoken_of(plain):
    with plain.doing('writing the report'):
        pass
    assert plain.said() == []


def test_a_quiet_run_has_no_heartbeat(capsys, monkeypatch):
    monkeypatch.setattr(progress, 'SILENCE', 0.02)
    terminal = Terminal(quiet=True)
    with terminal.doing('reading'), terminal.image():
        time.sleep(0.1)
    assert capsys.readouterr().out == ''


@pytest.mark.parametrize('live', [True, False])
def test_names_are_said_on_one_line_as_they_are(capsys, monkeypatch, live):
    monkeypatch.setenv('FORCE_COLOR' if live else 'NO_COLOR', '1')
    monkeypatch.setenv('TERM', 'xterm')
    name, shown = 'a\nb[/x][red]\x1b[31m\r\udce9.png', r'a\nb[/x][red]\x1b[31m\r�.png'
    terminal = Terminal()
    assert terminal._live == live
    terminal.say(name)
    terminal.warn(name)
    said = capsys.readouterr()
    assert (said.out, said.err) == (f'{shown}\n', f'{shown}\n')
    with terminal.doing(name):
        time.sleep(0.2 if live else 0)
    assert (shown in capsys.readouterr().out) == live


def test_a_traceback_takes_as_many_lines_as_it_has(capsys):
    try:
        raise ValueError('two\nlines')
    except ValueError as error:
        Terminal().trace(error)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith('Traceback') and lines[-2:] == ['ValueError: two', 'lines']


def test_without_a_standard_stream_nothing_is_said_and_nothing_fails(monkeypatch):
    monkeypatch.setattr(sys, 'stdout', None)
    monkeypatch.setattr(sys, 'stderr', None)
    terminal = Terminal()
    terminal.say('a')
    terminal.warn('b')
    with terminal.doing('c'), terminal.image():
        terminal.follow(Fake())


@pytest.mark.parametrize('fault', ['drawing', 'disk', 'name'])
def test_a_figure_that_fails_is_told_once_and_fails_nothing(tmp_path, fault):
    def plot():
        if fault == 'drawing':
            raise RuntimeError('Error:\nno $figure$')
        return figures.run_figure('title', [], [])

    told, path = [], tmp_path / ('a' * 250 if fault == 'name' else '.' if fault == 'disk' else 'a')
    figure = FigureFile(path.with_name(f'{path.name}_losses.png'), told.append)
    if fault == 'disk':
        figure._path.mkdir()
    net = SimpleNamespace(plot=plot, conf=SimpleNamespace(is_recorded=True, plot_losses=False))
    figure.follow(net)
    figure.update(net)
    (line,) = told
    assert line.startswith(f'{figure._path}: WARNING: no figure (') and '\n' not in line
    assert fault != 'drawing' or 'Error: no $figure$' in line
