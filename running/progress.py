"""What a user sees of a run while it works: lines on the terminal, and the figure of the errors."""

import math
import time
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from files.storage import atomic_write
from settings.scales import scale_text

SECONDS_BETWEEN_DRAWINGS = 10

# Columns of a terminal on which the live line is written out in full.
WIDE = 120


class Terminal:
    """Says on the terminal what a run is doing: a live line per scale, or plain lines where there is none."""

    def __init__(self, quiet=False, plain=False):
        """Write to the standard output, and warnings to the standard error.

        Args:
            quiet: say only warnings.
            plain: print plain lines even on a terminal.
        """
        self._plain = plain
        self.quiet = quiet
        as_it_is = {'markup': False, 'emoji': False, 'highlight': False, 'soft_wrap': True}
        self._out = Console(quiet=quiet, **as_it_is)
        self._err = Console(stderr=True, **as_it_is)
        self._bars = self._bar = self._shown = None

    def say(self, text):
        """Print a line."""
        self._out.print(text)

    def warn(self, text):
        """Print a line that is shown even in a quiet run."""
        self._err.print(text)

    @contextmanager
    def image(self):
        """Show the lines of one image's scales while the context lasts."""
        self._bar = self._shown = None
        if self._plain or self.quiet or not self._out.is_terminal or self._out.is_dumb_terminal:
            yield
            return
        columns = (
            TextColumn('{task.description}'),
            BarColumn(bar_width=20 if self._out.width >= WIDE else 4),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn('<'),
            TimeRemainingColumn(),
            TextColumn('{task.fields[status]}', table_column=Column(no_wrap=True)),
        )
        # The rate is that of the last ten minutes, as it is only heard of after every quick test.
        with Progress(*columns, console=self._out, speed_estimate_period=600) as self._bars:
            try:
                yield
            finally:
                self._bars = None

    def follow(self, net):
        """Show where the training stands; called by ZSSR after every quick test and round."""
        scale = scale_text(net.conf.scales[net.sf_ind])
        done = len(net.loss)
        if self._shown is None or self._shown[0] != net.sf_ind:
            self._shown = (net.sf_ind, 0, time.monotonic())
            if self._bars:
                self._bar = self._bars.add_task(scale, total=net.conf.max_iters, status='')
        if self._bars:
            # Training usually ends long before max_iters; a finished scale shows a full bar.
            total = done if net.is_trained else net.conf.max_iters
            status = status_line(net, short=self._out.width < WIDE)
            self._bars.update(self._bar, completed=done, total=total, status=status)
        elif net.is_trained or done - self._shown[1] >= net.conf.display_every:
            self._shown = (net.sf_ind, done, self._shown[2])
            seconds = time.monotonic() - self._shown[2]
            remaining = seconds / done * (net.conf.max_iters - done)
            times = f'{_clock(seconds)} elapsed, at most {_clock(0 if net.is_trained else remaining)} left'
            label = f'{net.stem} {scale}'
            self.say(f'{label}  iteration {done}/{net.conf.max_iters}  {status_line(net)}  {times}')


def status_line(net, short=False):
    """Loss, learning rate and the latest quick test of a ZSSR, in a line; `short`: of 44 characters."""
    parts = [f'loss {net.loss[-1]:.{4 if short else 5}f}', f'rate {net.learning_rate:.0e}']
    if net.conf.display_test_results and net.mse_rec:
        error = f'{math.sqrt(net.mse_rec[-1]) * 255:.2f}'
        parts.append(f'rec {error}' if short else f'reconstruction {error}/255')
        if net.mse:
            psnr = -10 * math.log10(net.mse[-1]) if net.mse[-1] > 0 else math.inf
            parts.append(f'PSNR {psnr:.2f}{"" if short else " dB"}')
    return (' ' if short else '  ').join(parts)


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    return f'{minutes}:{seconds:02d}'


class FigureFile:
    """The figure of one image's training, as a file and, while training where there is a screen, live."""

    def __init__(self, path):
        """Draw nothing yet.

        Args:
            path: PNG file, written whole at every update.
        """
        self._path = path
        self._window = None
        self._drawn = -math.inf

    def follow(self, net):
        """Draw while training, but not so often that drawing would be what takes the time."""
        if time.monotonic() - self._drawn > SECONDS_BETWEEN_DRAWINGS:
            self.update(net)
            self._drawn = time.monotonic()

    def update(self, net):
        """Draw the training as it stands; the file is replaced, and the window shows it if it is wanted."""
        from comparing import figures

        png = figures.png_bytes(net.plot())
        if net.conf.is_recorded:
            atomic_write(self._path, png)
        if net.conf.plot_losses:
            self._window = self._window or figures.LiveWindow()
            self._window.show(png)
