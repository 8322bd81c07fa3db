"""The standard streams of a process, which may be closed, full or gone: none of it stops the work."""

import contextlib
import os
import sys
from functools import partial


class LastingStream:
    """A text stream whose writing never fails: what it cannot take is lost, as is all that follows."""

    def __init__(self, stream, tell=None):
        """Write to a stream, such as sys.stdout, what it cannot encode as '?'.

        Args:
            stream: text stream.
            tell: called with a line if writing fails for another reason than that no one reads any more.
        """
        self._stream, self._tell = stream, tell
        if hasattr(stream, 'reconfigure'):
            stream.reconfigure(errors='replace')

    def write(self, text):
        """Write a text; returns its length."""
        self._attempt(partial(self._stream.write, text))
        return len(text)

    def flush(self):
        """Write what is still kept back."""
        self._attempt(self._stream.flush)

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def _attempt(self, call):
        try:
            call()
        except (OSError, ValueError) as error:  # ValueError: it is closed
            self._divert()
            if self._tell and not isinstance(error, BrokenPipeError):
                tell, self._tell = self._tell, None
                tell(f'no more is shown, its output cannot be written ({error}); the work goes on')

    def _divert(self):
        """Lead the file below nowhere, or Python, as it ends, would complain of what is still kept back."""
        with contextlib.suppress(OSError, ValueError):
            number = self._stream.fileno()
            with open(os.devnull, 'w') as nowhere:
                os.dup2(nowhere.fileno(), number)


def lasting(stream):
    """A stream as a LastingStream."""
    return stream if isinstance(stream, LastingStream) else LastingStream(stream)


def open_missing():
    """Give a process that was started without a standard stream one that leads nowhere.

    The next file that it opens would otherwise get the stream's number, and what compiled code prints.
    """
    for name, mode in (('stdin', 'r'), ('stdout', 'w'), ('stderr', 'w')):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode)  # noqa: SIM115, it stays open as long as the process
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)


@contextlib.contextmanager
def lasting_streams(name):
    """Let nothing that is printed fail while the context lasts; `name` is the program's."""
    open_missing()
    err = lasting(sys.stderr)
    out = LastingStream(sys.stdout, lambda line: print(f'{name}: {line}', file=err))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            yield
        finally:
            out.flush()
            err.flush()
