"""noise.py: the noise of images that have one, beside blur and in photographs."""

import numpy as np
import pytest
from helpers.command_line import PROJECT

from blind.noise import estimate_colour_noise, estimate_noise
from files.pictures import read_image
from imresize import imresize


@pytest.mark.parametrize('deviation', [1, 2, 5, 10])
@pytest.mark.parametrize('channels', [1, 3])
def test_the_noise_of_a_smooth_image_is_found(deviation, channels):
    y, x = np.mgrid[:120, :160]
    smooth = 0.5 + 0.3 * np.sin(x / 20) * np.cos(y / 30)
    noisy = smooth[..., None] + np.random.RandomState(0).randn(120, 160, channels) * deviation / 255
    # Of independent noise in three channels, the luma has less.
    expected = deviation * (np.linalg.norm([65.481, 128.553, 24.966]) / 255 if channels == 3 else 1)
    assert estimate_noise(noisy) == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize('deviation', [2, 5, 10])
def test_the_noise_of_a_blurred_photograph_is_found(deviation, gaussian):
    photograph = read_image(PROJECT / 'test_data' / 'ideal_x3' / 'photographer_gt.png').pixels
    blurred = imresize(photograph, 0.5, kernel=gaussian(9, 9, 1.3))
    noisy = blurred + np.random.RandomState(0).randn(*blurred.shape) * deviation / 255
    assert estimate_noise(noisy) == pytest.approx(deviation, rel=0.25)
    assert estimate_noise(blurred) < 1.5


@pytest.mark.parametrize('deviation', [0, 2, 5, 10])
def test_texture_is_not_taken_for_noise_of_colours(deviation):
    cat = imresize(read_image(PROJECT / 'test_data' / 'ideal' / 'cat_gt.png').pixels, 0.5)
    noisy = cat + np.random.RandomState(0).randn(*cat.shape) * deviation / 255
    assert estimate_colour_noise(noisy) == pytest.approx(deviation, rel=0.1, abs=0.6)


def test_without_colours_the_luma_tells_the_noise():
    y, x = np.mgrid[:120, :160]
    smooth = 0.5 + 0.3 * np.sin(x / 20) * np.cos(y / 30)
    gray = (smooth + np.random.RandomState(0).randn(120, 160) * 5 / 255)[..., None]
    assert estimate_colour_noise(gray) == estimate_noise(gray) == pytest.approx(5, rel=0.15)
    same = np.repeat(gray, 3, axis=2)
    assert estimate_colour_noise(same) == estimate_noise(same) > 3


def test_a_flat_image_has_none():
    assert estimate_noise(np.full((50, 60, 3), 0.3)) == pytest.approx(0, abs=1e-6)
    assert np.isfinite(estimate_noise(np.random.RandomState(0).rand(16, 16, 1)))
