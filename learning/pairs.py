"""What is drawn for pairs of father and son, on the host, for all iterations of a block at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from learning.augmentation import Augmentation
from learning.fathers import invert_affine


class Draws(NamedTuple):
    """What describes n pairs.

    Attributes:
        indices: of each father's source, n numbers.
        inverses: array (n, 2, 3), maps each father's (x, y, 1) to its source's (x, y).
        noise: array (n, h, w, C), added to the sons; (n, 1, 1, 1) zeros where there is none.
    """

    indices: list
    inverses: np.ndarray
    noise: np.ndarray


def draw_pairs(number, augmentation, sources, son_shape, noise_std, rng):
    """Draw pairs in the original's order: all of one, then all of the next.

    Args:
        number: of pairs.
        augmentation: Augmentation.
        sources: fathers.Sources.
        son_shape: (h, w, C).
        noise_std: standard deviation of the noise, where 1 is white.
        rng: numpy.random.RandomState.

    Returns:
        Draws.
    """
    noise = np.zeros((number, *(son_shape if noise_std else (1, 1, 1))))
    cuts, pages = [], []
    for i in range(number):
        cuts.append(augmentation.draw(sources.sizes, sources.scales, sources.scales[-1], rng))
        pages.append(rng.randint(sources.pages) if sources.pages > 1 else 0)
        # Drawn even where it is 0: every preset walks through the same random numbers.
        drawn = rng.randn(*son_shape)
        if noise_std:
            noise[i] = drawn * noise_std
    indices = [cut.source * sources.pages + page for cut, page in zip(cuts, pages, strict=True)]
    return Draws(indices, invert_affine(Augmentation.matrices(cuts)), noise)


def draw_ahead(draw, pieces, *arguments):
    """Draw for the pieces of a training, for each while the one before it is trained on.

    On a GPU, drawing takes a quarter of the time of a fast run.

    Args:
        draw: function of a piece and `arguments`, called in the order of the pieces.
        pieces: list.
        *arguments: the same for all.

    Yields:
        (piece, what was drawn for it).
    """
    with ThreadPoolExecutor(1) as thread:
        drawn = []
        for piece in pieces:
            drawn.append((piece, thread.submit(draw, piece, *arguments)))
            if len(drawn) > 1:
                yield _ready(*drawn.pop(0))
        for last in drawn:
            yield _ready(*last)


def _ready(piece, future):
    return piece, future.result()
