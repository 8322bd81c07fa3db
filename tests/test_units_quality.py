"""Measured values are enlarged as well as pictures: noise is a share of the data's range, not the type's."""

import numpy as np
import pytest
from helpers.command_line import PROJECT

from configs import get_config
from files.pictures import read_image
from imresize import imresize
from ZSSR import ZSSR, enlarge


@pytest.fixture(scope='module')
def scene():
    """A detail with structure, (160, 160) in [0, 1], and the same made small, (80, 80)."""
    truth = read_image(PROJECT / 'test_data' / 'ideal_x3' / 'photographer_gt.png').pixels[40:200, 60:220, 0]
    return truth, np.clip(imresize(truth.astype(float), 0.5), 0, 1)


def configure(name):
    conf = get_config(name)
    conf.seed = 0
    return conf


def decibels(sr, truth):
    return -10 * np.log10(np.mean(np.square(sr - truth)[4:-4, 4:-4]))


def test_12_bits_in_16_are_as_good_as_stretched_by_hand(scene):
    truth, lr = scene
    counts = np.round(lr * 4095).astype(np.uint16)
    ours = enlarge(counts, configure('X2_FAST_REAL_CONF')) / 4095
    stretched = np.round(counts * (65535 / 4095)).astype(np.uint16)
    by_hand = ZSSR(stretched, configure('X2_FAST_REAL_CONF')).run()[:, :, 0]
    assert abs(decibels(ours, truth) - decibels(by_hand, truth)) < 0.1
    assert decibels(ours, truth) > decibels(np.clip(imresize(counts / 4095, 2), 0, 1), truth)


@pytest.mark.parametrize('channels', [1, 7])
def test_floats_of_any_range_beat_cubic_interpolation_by_a_decibel(scene, channels):
    truth, lr = scene
    low, high = 2597.0, 61549.0
    given = np.stack([(low + (high - low) * lr) * k for k in range(1, channels + 1)], 2).astype(np.float32)
    sr = enlarge(given, configure('X2_FAST_IDEAL_CONF'))
    assert sr.dtype == np.float32 and sr.shape == (160, 160, channels)
    for k in range(channels):
        ours, cubic = ((x / (k + 1) - low) / (high - low) for x in (sr[:, :, k], imresize(given[:, :, k], 2)))
        assert decibels(ours, truth) > decibels(cubic, truth) + 1
