"""What other people's readers raise and say of a damaged file, as one line of ours that names it."""

import contextlib
import warnings

from files.storage import one_line

MOST_LETTERS = 300  # of what a reader says


@contextlib.contextmanager
def refusing(path, explain):
    """Turn whatever a reader raises into a ValueError of one line that names the file.

    What begins with the file's name is a refusal of the program's own, and goes through as it is.

    Args:
        path: the file.
        explain: function of an exception that returns what is wrong and the remedy.
    """
    try:
        with warnings.catch_warnings():
            # Complaints about how a file was written do not concern what it holds.
            warnings.simplefilter('ignore')
            yield
    except Exception as error:  # readers raise a dozen types, depending on where the file breaks
        if isinstance(error, ValueError) and str(error).startswith(f'{path}: '):
            raise
        raise ValueError(f'{path}: {explain(error)}') from error


def reason(error):
    """What a reader's exception says, as far as it can be shown on one line."""
    if isinstance(error, MemoryError):
        return 'too large for the memory that is free'
    return ''.join(filter(str.isprintable, one_line(error)))[:MOST_LETTERS]
