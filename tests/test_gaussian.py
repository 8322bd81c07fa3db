"""gaussian.py: the blur of images that look alike at every scale, and what turning an image does to it."""

import numpy as np
import pytest
from helpers import tolerances

from blind.gaussian import Covariance, fit_gaussian, measure_spectra, sampled_gaussian, son_spectrum
from imresize import imresize


def fractal(seed=0, side=512):
    """A gray image whose power falls with the square of the frequency, as natural images' does."""
    rng = np.random.RandomState(seed)
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(side)] * 2, indexing='ij'))
    frequency[0, 0] = 1
    values = np.fft.ifft2(np.fft.fft2(rng.randn(side, side)) / frequency).real
    return 0.5 + 0.15 * values[..., None] / values.std()


def shrunk(image, yy, xx, xy):
    """An image blurred by a Gaussian and shrunk to half its size."""
    offsets = np.arange(17) - 8.5
    return imresize(
        image, 0.5, kernel=sampled_gaussian(offsets, offsets, np.linalg.inv([[yy, xy], [xy, xx]]))
    )


@pytest.mark.parametrize('truth', [(1.5, 1.5, 0), (3.0, 1.2, 0), (2.0, 2.5, 0.9), (2.5, 1.5, -0.8)])
@pytest.mark.parametrize('weighted', [True, False])
def test_the_blur_of_a_fractal_is_found(truth, weighted):
    found = fit_gaussian(measure_spectra(shrunk(fractal(), *truth)), weighted=weighted).scaled(2, 2)
    np.testing.assert_allclose((found.yy, found.xx, found.xy), truth, atol=tolerances.BLUR)


def test_a_son_by_the_right_blur_looks_like_the_image():
    spectra = measure_spectra(shrunk(fractal(), 2.0, 1.5, 0.4))
    foretold = son_spectrum(spectra, fit_gaussian(spectra))
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(16)] * 2, indexing='ij'))
    compared = (frequency > 0.1) & (frequency < 0.4)
    ratio = foretold[compared] / spectra.small[compared]
    assert np.exp(np.abs(np.log(ratio)).mean()) < 1.2


def test_a_transposed_image_has_the_transposed_blur():
    image = shrunk(fractal(), 3.0, 1.2, 0.5)
    found, other = (fit_gaussian(measure_spectra(each)) for each in (image, image.swapaxes(0, 1)))
    np.testing.assert_allclose((found.yy, found.xx, found.xy), (other.xx, other.yy, other.xy), rtol=0.02)
    mirrored = fit_gaussian(measure_spectra(image[:, ::-1]))
    np.testing.assert_allclose((found.yy, -found.xy), (mirrored.yy, mirrored.xy), rtol=0.02)


def test_covariances_stretch_with_their_axes():
    assert Covariance(1.0, 2.0, 0.5).scaled(2, 3) == Covariance(4.0, 18.0, 3.0)
    assert Covariance(1.0, 2.0, 0.5).mean == 1.5


@pytest.mark.parametrize('noise', [2, 5])
def test_noise_that_is_known_does_not_hide_the_blur(noise):
    image, truth = shrunk(fractal(), 2.0, 2.5, 0.9), (2.0, 2.5, 0.9)
    noisy = image + np.random.RandomState(1).randn(*image.shape) * noise / 255
    found = fit_gaussian(measure_spectra(noisy, noise)).scaled(2, 2)
    np.testing.assert_allclose((found.yy, found.xx, found.xy), truth, atol=2 * tolerances.BLUR)
    blind = fit_gaussian(measure_spectra(noisy)).scaled(2, 2)
    assert blind.mean < 0.8 * found.mean
