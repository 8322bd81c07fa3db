"""The word that was meant, where one was misspelt."""

import difflib


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
