"""spectra.py: spectra of patches, and what blur and shrinking make of them."""

import numpy as np
import pytest
from helpers import tolerances
from scipy import ndimage

from blind import spectra


@pytest.fixture(scope='module')
def noise():
    """White noise of one grey level in a gray image."""
    return 0.5 + np.random.RandomState(0).randn(400, 500, 1) / 255


@pytest.mark.parametrize('side', [16, 32])
def test_white_noise_has_its_variance_at_every_frequency(noise, side):
    spectrum = spectra.mean_spectrum(noise, side)
    # But at the lowest, which went with the mean.
    flat = np.delete(spectrum.ravel(), [0, 1, side - 1, side, (side - 1) * side])
    assert flat.mean() == pytest.approx(1, rel=tolerances.SPECTRUM)
    assert flat.min() > 0.5 and flat.max() < 1.5


def test_luma_is_weighed_as_in_the_tables():
    colour = np.random.RandomState(0).rand(20, 20, 3)
    expected = colour @ [65.481, 128.553, 24.966]
    np.testing.assert_allclose(spectra.luma_patches(colour, 16)[0], expected[:16, :16], rtol=1e-5)


def test_a_gaussian_blur_weakens_a_spectrum_as_foretold(noise):
    blurred = ndimage.gaussian_filter(noise, (0.8, 1.3, 0), mode='wrap', truncate=6)
    measured = spectra.mean_spectrum(blurred, 32)
    response = spectra.gaussian_response(32, 0.8**2, 1.3**2, 0)
    seen = response > 0.02
    ratio = measured[seen] / response[seen]
    assert np.median(ratio) == pytest.approx(1, rel=tolerances.SPECTRUM)


@pytest.mark.parametrize('factor', [2, 4])
def test_shrinking_folds_a_spectrum(noise, factor):
    blurred = ndimage.gaussian_filter(noise, (1.0, 0.6, 0), mode='wrap')
    folded = spectra.fold(spectra.mean_spectrum(blurred, 16 * factor), factor)
    shrunk = spectra.mean_spectrum(blurred[::factor, ::factor], 16)
    ratio = np.delete((shrunk / folded).ravel(), [0, 1, 15, 16, 240])
    assert np.median(ratio) == pytest.approx(1, rel=2 * tolerances.SPECTRUM)


def test_covariances_off_the_axes_turn_the_response():
    response = spectra.gaussian_response(16, 1.0, 1.0, 0.8)
    assert response[1, 1] < response[1, -1]
    np.testing.assert_allclose(response, response.T, atol=tolerances.FLOAT64)


def test_of_a_large_image_a_sample_is_looked_at():
    image = np.random.RandomState(0).rand(300, 200, 1)
    whole, some = spectra.luma_patches(image, 16), spectra.luma_patches(image, 16, most=10)
    assert (len(whole), len(some)) == (36 * 24, 10)
    np.testing.assert_array_equal(some[[0, -1]], whole[[0, -1]])
