"""strips.py: what is computed in strips is what is computed at once."""

import numpy as np
import pytest
from helpers.tolerances import FLOAT64

from comparing import metrics, strips
from files import rounding
from imresize import imresize


@pytest.fixture(params=[1, 12 * 37, 10**6], ids=['rows', 'strips', 'whole'])
def cut(request, monkeypatch):
    """Strips of one row, of twelve, and of the whole picture."""
    monkeypatch.setattr(rounding, 'STRIP_PIXELS', request.param)


def noise(seed, channels, shape=(50, 37)):
    return np.random.RandomState(seed).randint(0, 256, (*shape, channels)).astype(np.uint8)


@pytest.mark.parametrize('channels', [1, 2, 3, 7])
@pytest.mark.parametrize(
    ('scale', 'shape'),
    [((2, 2), (40, 46)), ((3, 1.5), (60, 35)), ((1.5, 3), (30, 69)), ((2.7, 1), (54, 23)), (None, (31, 64))],
)
def test_enlarging_equals_imresize(cut, scale, shape, channels):
    source = noise(0, channels, (20, 23))
    exact = np.floor(np.clip(imresize(source, scale, shape, 'cubic') / 255, 0, 1) * 255 + 0.5)
    np.testing.assert_array_equal(strips.enlarge(source, scale, shape), exact)


@pytest.mark.parametrize('border', [0, 3, (2, 4)])
@pytest.mark.parametrize('channels', [1, 2, 3, 7])
def test_scores_equal_those_of_the_whole(cut, channels, border):
    a = noise(1, channels)
    b = np.where(np.arange(50)[:, None, None] < 20, a, noise(2, channels))  # some strips without any error
    for measure in ('psnr', 'ssim'):
        whole = getattr(metrics, measure)(a, b, border=border)
        assert getattr(strips, measure)(a, b, border) == pytest.approx(whole, rel=FLOAT64)


def test_scores_of_identical_pictures(cut):
    a = noise(1, 3)
    assert strips.psnr(a, a) == np.inf and strips.ssim(a, a) == pytest.approx(1, abs=FLOAT64)


def test_what_is_neither_gray_nor_rgb_is_viewed_as_its_mean(cut):
    for channels in (1, 3):
        image = noise(1, channels)
        assert strips.viewable(image) is image
    pixel = np.array([[[0, 1]]], np.uint8)
    np.testing.assert_array_equal(strips.viewable(pixel), [[[1]]])  # half up
    image = noise(1, 7)
    gray = strips.viewable(image)
    assert gray.dtype == np.uint8 and gray.shape == (50, 37, 1)
    assert np.abs(gray - image.mean(axis=2, keepdims=True)).max() <= 0.5
    floats = image.astype(np.float32) / 255
    np.testing.assert_allclose(strips.viewable(floats), floats.mean(axis=2, keepdims=True))


@pytest.mark.parametrize('border', [20, 25])
def test_a_border_that_leaves_too_little_is_refused(cut, border):
    with pytest.raises(ValueError, match=r'11×11|leaves nothing'):
        strips.ssim(noise(1, 3), noise(2, 3), border)
