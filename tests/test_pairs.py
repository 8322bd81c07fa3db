"""pairs.py: what is drawn for pairs, as the original draws it."""

import numpy as np

from utils import random_augment


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
