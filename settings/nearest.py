"""The word, or the file, that was meant, where one was misspelt."""

import difflib
from pathlib import Path


def did_you_mean(word, words):
    """Suggest the nearest of the known words, whatever their case.

    Args:
        word: text that is none of them.
        words: iterable of texts.

    Returns:
        Text to end an error with, '; did you mean NEAREST?', or an empty one where nothing is near.
    """
    lower = {known.lower(): known for known in words}
    near = difflib.get_close_matches(word.lower(), lower, n=1)
    return f'; did you mean {lower[near[0]]}?' if near else ''


def did_you_mean_file(path):
    """Suggest what lies where a path goes wrong, and is called nearly so, its suffix aside.

    Args:
        path: of a file or folder that is not there.

    Returns:
        As `did_you_mean`: '; did you mean FOLDER/NEAREST?'.
    """
    wrong = Path(path)
    while not wrong.parent.is_dir() and wrong != wrong.parent:
        wrong = wrong.parent
    try:
        # What is called like a file is meant to be one.
        names = [
            file.name
            for file in wrong.parent.iterdir()
            if not file.name.startswith('.') and not (wrong.suffix and file.is_dir())
        ]
    except OSError:
        return ''
    stems = difflib.get_close_matches(wrong.stem.lower(), {Path(name).stem.lower() for name in names}, n=9)
    near = [name for name in names if Path(name).stem.lower() in stems]
    nearest = max(sorted(near), key=lambda name: _likeness(name, wrong.name), default=None)
    return f'; did you mean {wrong.with_name(nearest)}?' if nearest else ''


def _likeness(name, other):
    return difflib.SequenceMatcher(None, name.lower(), other.lower()).ratio()
