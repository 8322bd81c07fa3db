"""examples.py: blurs have the covariances that they are said to have, and images are made of them."""

import numpy as np
import pytest

from blind import examples
from blind.gaussian import Covariance


@pytest.fixture(scope='module')
def picture():
    from skimage import data

    return data.coffee()


def test_the_covariance_of_a_kernel():
    kernel = np.zeros((5, 7))
    kernel[2, 1] = kernel[2, 5] = 1
    assert Covariance.of_kernel(kernel) == Covariance(0.0, 4.0, 0.0)
    assert Covariance.of_kernel(np.eye(3)) == Covariance(*[pytest.approx(2 / 3)] * 3)


def test_blurs_are_of_every_kind_and_centred_on_a_block():
    rng, found = np.random.RandomState(0), []
    for _ in range(200):
        kernel = examples.draw_kernel(rng)
        assert kernel.min() >= 0 and kernel.sum() == pytest.approx(1)
        middle = [(np.arange(n) * kernel.sum(1 - axis)).sum() for axis, n in enumerate(kernel.shape)]
        np.testing.assert_allclose(middle, np.array(kernel.shape) // 2 + 0.5, atol=0.5)
        found.append(Covariance.of_kernel(kernel))
    means = [each.mean for each in found]
    assert min(means) < 0.8 and max(means) > 5
    assert min(each.difference for each in found) < -1 and max(each.xy for each in found) > 1


def test_examples_are_blurred_and_bicubic_ones(picture):
    rng = np.random.RandomState(0)
    made = [examples.draw_example(picture, rng) for _ in range(12)]
    assert {float(example.truth[3]) for example in made} == {0, 1}
    for example in made:
        assert example.patches.shape[1:] == (144,) and len(example.patches) <= examples.MOST_PATCHES
        assert np.isfinite(example.facts).all() and example.facts.shape == (7,)
        if example.truth[3]:
            np.testing.assert_array_equal(example.truth[:3], 0)


def test_a_soft_scene_is_no_blur(picture, monkeypatch):
    """Softness is part of the scene: it shows in the patches, not in the truth."""
    monkeypatch.setattr(examples, 'SOFTNESS', (1.1, 1.1))
    monkeypatch.setattr(examples, 'SHARPENED', 0.0)
    monkeypatch.setattr(examples, 'BICUBIC', 1.0)
    monkeypatch.setattr(examples, '_damage', lambda lr, rng: lr)
    variances = []
    for share in (0.0, 1.0):
        example = examples.draw_example(picture, np.random.RandomState(5), share)
        assert example.truth.tolist() == [0, 0, 0, 1]
        variances.append(example.facts[0])
    assert variances[1] > variances[0] + 0.5


def test_the_same_generator_draws_the_same_example(picture):
    first, again = (examples.draw_example(picture, np.random.RandomState(3)) for _ in range(2))
    np.testing.assert_array_equal(first.patches, again.patches)
    np.testing.assert_array_equal(first.truth, again.truth)


@pytest.mark.parametrize('channels', [1, 3])
def test_compression_keeps_shape_and_loses_detail(picture, channels):
    image = picture[:64, :48, :channels]
    strong, weak = (examples.compressed(image, quality) for quality in (10, 95))
    assert strong.shape == weak.shape == image.shape
    errors = [np.abs(each.astype(float) - image).mean() for each in (strong, weak)]
    assert errors[0] > 2 * errors[1] > 0
