"""utils.py: fathers by the original's function, and back-projection."""

import numpy as np
import pytest
from helpers import tolerances

from imresize import imresize
from utils import (
    back_projection,
    random_augment,
)


def test_of_a_pair_of_scales_the_smaller_counts():
    ims = [np.full((20, 20, 1), 0.2), np.full((20, 30, 1), 0.4), np.full((30, 30, 1), 0.6)]
    scales, options = [1.0, (1.0, 1.5), (1.5, 1.5)], {'crop_size': 8, 'no_interpolate_probability': 0.8}
    for limit, seen in [((1.0, 1.5), {0.2}), ((1.5, 2.0), {0.2, 0.6})]:
        fathers = [
            random_augment(ims, scales, max_scale=limit, rng=np.random.RandomState(seed), **options)
            for seed in range(30)
        ]
        assert {round(float(father.max()), 6) for father in fathers} == seen


def test_base_scales_default_to_the_ratio_of_sizes():
    ims = [np.random.RandomState(0).rand(20, 20, 3), np.random.RandomState(1).rand(40, 40, 3)]
    options = {'max_scale': 2.0, 'crop_size': 16}
    for seed in range(8):
        guessed = random_augment(ims, rng=np.random.RandomState(seed), **options)
        given = random_augment(ims, [1.0, 2.0], rng=np.random.RandomState(seed), **options)
        np.testing.assert_array_equal(guessed, given)


def test_defaults_of_random_augment_are_the_originals():
    im = np.random.RandomState(0).rand(150, 140, 3)
    for seed in range(4):
        father = random_augment([im], rng=np.random.RandomState(seed))
        named = random_augment(
            [im], None, 0.2, 0.3, 0.5, 1.0, True, 0.01, 0.01, 128, np.random.RandomState(seed)
        )
        assert father.shape == (128, 128, 3)
        assert father.dtype == np.float32
        np.testing.assert_array_equal(father, named)


def test_random_augment_uses_numpys_generator_by_default():
    im = np.random.RandomState(0).rand(30, 30, 3)
    np.random.seed(4)
    np.testing.assert_array_equal(
        random_augment([im], crop_size=16), random_augment([im], crop_size=16, rng=np.random.RandomState(4))
    )


def test_back_projection_leaves_a_consistent_result(image):
    sr = imresize(image, 2)
    lr = imresize(sr, 0.5)
    np.testing.assert_allclose(
        back_projection(sr, lr, 'cubic', 'cubic', (2, 2)), np.clip(sr, 0, 1), atol=tolerances.FLOAT64
    )


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_back_projection_rounds_the_sum_to_the_results_type(image, dtype):
    sr, lr = ((part * 0.9).astype(dtype) for part in (imresize(image, 2), image))
    exact = sr + imresize(lr - imresize(sr, 0.5), 2)
    out = back_projection(sr, lr, 'cubic', 'cubic', (2, 2))
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, np.clip(exact, 0, 1).astype(dtype))


def test_back_projection_adds_the_enlarged_difference(image):
    sr = np.clip(imresize(image, (2, 1.5)), 0, 1) * 0.9
    before = sr.copy()
    out = back_projection(sr, image, 'linear', 'lanczos3', (2, 1.5))
    error = image - imresize(sr, (1 / 2, 1 / 1.5), image.shape, 'linear')
    expected = np.clip(sr + imresize(error, (2, 1.5), sr.shape, 'lanczos3'), 0, 1)
    np.testing.assert_allclose(out, expected, atol=tolerances.FLOAT64)
    np.testing.assert_array_equal(sr, before)
