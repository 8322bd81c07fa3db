"""pairs.py: what is drawn for pairs, as the original draws it."""

import time

import numpy as np
import pytest

from learning.pairs import draw_ahead
from utils import random_augment


def wait_for(condition):
    stop = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < stop
        time.sleep(0.001)


def test_noise_is_drawn_even_where_there_is_none(make_net):
    silent, noisy, follower = make_net(), make_net(noise_std=0.1), np.random.RandomState(1)
    for net in (silent, noisy):
        net.train()
    for iteration in range(3):
        random_augment([silent.input], [1.0], 0.05, 0.45, 0.5, 1.0, True, 0.25, 0.1, 16, follower)
        follower.randn(8, 8, 3)
        if iteration % 2 == 0:
            follower.randn(2, 10, 12, 3)
    assert silent.rng.rand() == noisy.rng.rand() == follower.rand()
    assert silent.loss != noisy.loss


def test_pairs_are_drawn_in_order_while_those_before_are_used():
    asked, used = [], []

    def draw(number, factor):
        asked.append(number)
        return factor * number

    for piece, drawn in draw_ahead(draw, [3, 1, 2], -1):
        assert drawn == -piece
        used.append(piece)
        ahead = 3 if len(used) > 1 else 2
        wait_for(lambda ahead=ahead: len(asked) == ahead)
    assert asked == used == [3, 1, 2]
    assert list(draw_ahead(draw, [])) == []


def test_what_fails_while_it_is_drawn_is_told():
    with pytest.raises(ZeroDivisionError):
        list(draw_ahead(lambda number: 1 / number, [1, 0]))
