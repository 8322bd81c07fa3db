"""What a user sees of a run while it works: lines on the terminal, and the figure of the errors."""

import math
import threading
import time
import traceback
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn
from rich.table import Column
from rich.text import Text

from files.storage import atomic_write, one_line, printable
from running.clock import Clock
from running.streams import lasting
from settings.scales import scale_text

SECONDS_BETWEEN_DRAWINGS = 10

# Columns of a terminal on which the live line is written out in full.
WIDE = 120

# Without a terminal, a line is written where none has been for so many seconds.
SILENCE = 4.0


class Terminal:
    """Says on the terminal what a run is doing: a live line per scale, or plain lines where there is none.

    Attributes:
        quiet: whether only warnings are said.
        clock: Clock of the run.
    """

    def __init__(self, quiet=False, plain=False):
        """Write to the standard output, and warnings to the standard error.

        Args:
            quiet: say only warnings.
            plain: print plain lines even on a terminal.
        """
        self.quiet, self.clock = quiet, Clock([])
        as_it_is = {'markup': False, 'emoji': False, 'highlight': False, 'soft_wrap': True}
        self._out = _LastingConsole(quiet=quiet, **as_it_is)
        self._err = _LastingConsole(stderr=True, **as_it_is)
        self._live = not (plain or quiet) and self._out.is_terminal and not self._out.is_dumb_terminal
        self._spoke = time.monotonic()
        self._bars = self._shown = self._net = None

    def say(self, text):
        """Print a line."""
        self._spoke = time.monotonic()
        self._out.print(printable(text))

    def warn(self, text):
        """Print a line that is shown even in a quiet run."""
        self._err.print(printable(text))

    def trace(self, error):
        """Print the traceback of an exception, on as many lines as it takes."""
        for line in ''.join(traceback.format_exception(error)).splitlines():
            self.warn(line)

    @contextmanager
    def doing(self, text, timed=False):
        """Show what is being done while the context lasts: live, or by a plain line if it takes long.

        Args:
            text: what.
            timed: whether to add the times of the run.
        """
        if self._live:
            columns = [SpinnerColumn(), _text('{task.description}')] + [_Times(self.clock)] * timed
            with Progress(*columns, console=self._out, transient=True) as bars:
                bars.add_task(printable(text), total=None, times=None)
                yield
        else:
            with self._heartbeat(lambda: f'{text}  {self.clock.text()}' if timed else text):
                yield

    @contextmanager
    def image(self):
        """Show the lines of one image's scales while the context lasts."""
        self._shown = self._net = None
        if not self._live:
            with self._heartbeat(lambda: self._line(self._net) if self._net else 'preparing the training'):
                yield
            return
        columns = (
            _text('{task.description}'),
            BarColumn(bar_width=20 if self._wide else 4),
            _text('{task.fields[phase]}'),
            _Times(self.clock),
            _text('{task.fields[status]}', table_column=Column(no_wrap=True)),
        )
        with Progress(*columns, console=self._out) as self._bars:
            try:
                yield
            finally:
                self._bars = None

    def follow(self, net):
        """Show where a ZSSR stands; called by it again and again."""
        self.clock.follow(net.work.done, net.work.ahead)
        self._net = net
        if self._bars:
            self._update_bar(net)
        elif not self.quiet:
            self._say_due(net)

    @property
    def _wide(self):
        return self._out.width >= WIDE

    def _update_bar(self, net):
        """Bring the live line of the present scale up to date."""
        label = self._number + scale_text(net.conf.scales[net.sf_ind])
        if self._shown is None or self._shown[0] != net.sf_ind:
            bar = self._bars.add_task(label, total=1.0, phase='', status='', times=None)
            self._shown = net.sf_ind, bar, None
        _, bar, last_phase = self._shown
        self._shown = net.sf_ind, bar, net.phase
        status, phase = '', net.phase
        if net.phase == 'training':
            phase = f'training {len(net.loss)}/{net.conf.max_iters}'
            status = status_line(net, short=not self._wide)
        done = net.phase == 'done'
        self._bars.update(
            bar,
            refresh=net.phase != last_phase,
            completed=1.0 if done else net.share,
            phase=phase,
            status=score_text(net) if done else status,
            times=self.clock.text(short=True) if done else None,
        )

    def _say_due(self, net):
        """Print a line after a quick test, at the end of a round or training, and at the end of a scale."""
        done = len(net.loss)
        if self._shown is None or self._shown[0] != net.sf_ind:
            self._shown = net.sf_ind, 0
        fresh = done - self._shown[1]
        if net.phase == 'training':
            is_tested = not net.conf.run_test or net.mse_steps[-1:] == [net.iter]
            if is_tested and fresh >= net.conf.display_every:
                self._say_of_training(net)
            return
        if fresh:
            self._say_of_training(net)
        if net.phase == 'done':
            self.say(self._line(net))

    def _say_of_training(self, net):
        self._shown = net.sf_ind, len(net.loss)
        self.say(self._line(net, 'training'))

    def _line(self, net, phase=None):
        """Where a ZSSR stands, in a plain line."""
        phase = phase or net.phase
        if phase == 'training':
            words = f'training  iteration {len(net.loss)}/{net.conf.max_iters}  {status_line(net)}'
        elif phase == 'done':
            words = f'enlarged  {score_text(net)}'.rstrip()
        else:
            words = f'{phase}  {100 * net.share:.0f} %'
        label = f'{self._number}{net.stem} {scale_text(net.conf.scales[net.sf_ind])}'
        return f'{label}  {words}  {self.clock.text()}'

    @property
    def _number(self):
        return f'{self.clock.number} of {self.clock.count}  ' if self.clock.count > 1 else ''

    @contextmanager
    def _heartbeat(self, line):
        """Say what `line` returns whenever nothing has been said for a while."""
        if self.quiet:
            yield
            return
        over = threading.Event()

        def beat():
            """Break the silence, until it is over."""
            while not over.wait(SILENCE / 8):
                if time.monotonic() - self._spoke > SILENCE and (text := line()):
                    self.say(text)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


class _LastingConsole(Console):
    """A console that goes on where it cannot write; rich itself would end the program."""

    @property
    def file(self):
        """The standard stream, as it is now."""
        return lasting(super().file)


def _text(form, **options):
    """A column of text as it is: what is in brackets in a file's name is no style."""
    return TextColumn(form, markup=False, **options)


class _Times(ProgressColumn):
    """Elapsed and remaining time of the whole run; of a line that is finished, as they were then."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock

    def render(self, task):
        """The text for a task."""
        return Text(task.fields['times'] or self._clock.text(short=True))


def status_line(net, short=False):
    """Loss, learning rate and the latest quick test of a ZSSR, in a line; `short`: of 32 characters."""
    parts = []
    if net.loss:
        parts.append(f'loss {net.loss[-1]:.{4 if short else 5}f}')
    if not short:
        parts.append(f'rate {net.learning_rate:.0e}')
    if net.conf.display_test_results and net.mse_rec:
        error = f'{math.sqrt(net.mse_rec[-1]) * 255:.2f}'
        parts.append(f'rec {error}' if short else f'reconstruction {error}/255')
        if net.mse:
            psnr = -10 * math.log10(net.mse[-1]) if net.mse[-1] > 0 else math.inf
            parts.append(f'PSNR {psnr:.2f}{"" if short else " dB"}')
    return (' ' if short else '  ').join(parts)


def score_text(net):
    """PSNR of the result that a ZSSR made last, or an empty text where there is no ground truth."""
    if net.gt is None:
        return ''
    psnr = net.records[-1]['psnr']
    return f'PSNR {math.inf if psnr is None else psnr:.2f} dB'


class FigureFile:
    """The figure of one image's training, as a file and, while training where there is a screen, live.

    No image fails because of its figure: that there is none is said once.
    """

    def __init__(self, path, warn=None):
        """Draw nothing yet.

        Args:
            path: PNG file, written whole at every update.
            warn: called with a line on a figure that cannot be drawn or written; None: prints it.
        """
        self._path, self._warn = path, warn or Terminal().warn
        self._window, self._failed = None, False
        self._drawn = -math.inf

    def follow(self, net):
        """Draw while training, but not so often that drawing would be what takes the time."""
        if time.monotonic() - self._drawn > SECONDS_BETWEEN_DRAWINGS:
            self.update(net)
            self._drawn = time.monotonic()

    def update(self, net):
        """Draw the training as it stands; the file is replaced, and the window shows it if it is wanted."""
        try:
            self._draw(net)
        except Exception as error:  # whatever is wrong with it, the training and its result are what counts
            if not self._failed:
                self._warn(f'{self._path}: WARNING: no figure ({one_line(error)})')
            self._failed = True

    def _draw(self, net):
        from comparing import figures

        png = figures.figure_bytes(net.plot())
        if net.conf.is_recorded:
            atomic_write(self._path, png)
        if net.conf.plot_losses:
            self._window = self._window or figures.LiveWindow()
            self._window.show(png)
