"""The words of the command line that belong to no option: preset, GPU and inputs."""

from dataclasses import dataclass
from pathlib import Path

from configs import PRESETS
from running.inputs import looks_like_input
from settings.nearest import did_you_mean

# What suits a picture of which nothing is said.
FOR_ANY_IMAGE = 'AUTO'


@dataclass(frozen=True)
class Words:
    """What is asked for.

    Attributes:
        preset: its name, in upper case; None: the default configuration.
        gpu: index as text, 'all', or None.
        places: files, folders and patterns.
        note: a line on why this preset, where the user named none; or None.
    """

    preset: str | None = None
    gpu: str | None = None
    places: tuple = ()
    note: str | None = None


def read_words(words, places=()):
    """Tell preset, GPU and inputs apart.

    Args:
        words: texts, the first a preset or an input, a GPU after it, inputs anywhere.
        places: what was given as input; what follows them and can only be a preset or GPU is no input.

    Returns:
        Words.

    Raises:
        ValueError: naming a word that is neither, and what may be meant. A preset is not looked up.
    """
    places, moved = list(places), []
    while len(places) > 1 and _is_no_place(places[-1]):
        moved.insert(0, places.pop())
    words = [*words, *moved]
    preset = gpu = note = None
    for index, word in enumerate(words):
        if _is_preset(word) or (index == 0 and word == '0'):
            preset = _only(preset, word.upper())
        elif index > 0 and _is_gpu(word):
            gpu = _only(gpu, word)
        elif looks_like_input(word):
            places.append(word)
        elif index > 0:
            raise ValueError(
                f"GPU {word!r}: give an index such as 0, or 'all'; no preset or file either"
                f'{did_you_mean(word, PRESETS)}'
            )
        else:
            preset = word
    if preset is None and words and places:
        preset = FOR_ANY_IMAGE
        note = f'preset {preset}: what the picture tells of its blur and noise decides (others: --list)'
    return Words(preset, gpu, tuple(places), note)


def _is_preset(word):
    return word.upper() in PRESETS


def _is_no_place(word):
    return (_is_preset(word) or _is_gpu(word)) and not Path(word).exists()


def _is_gpu(word):
    return word == 'all' or word.isdecimal()


def _only(known, word):
    """The word, unless one of its kind is known already."""
    if known is not None:
        raise ValueError(f'{known} and {word}: give one of them')
    return word
