"""The Gaussian blur that explains an image's own spectra: no training, and hardly any time.

Natural images look alike at every scale. So the right blur is the one that makes the image's own son look
like the image: the spectrum of its patches, blurred and folded as shrinking folds it, is to be the spectrum
that smaller patches of the image itself have. The story in steps:

1. Mean power spectra of the image's patches of 32 and of 16 pixels (`spectra.py`).
2. A candidate blur foretells the son's spectrum: that of 32 pixels, weakened, and folded to 16.
3. The candidate whose foretold spectrum comes closest, in logarithms, to the image's own is taken.
4. The son carries the image's own blur as well, in its pixels a quarter of it; what was found is the rest.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from blind.spectra import fold, gaussian_response, mean_spectrum

SIDE = 16  # of the patches whose spectrum is foretold
FLOOR = 0.02  # grey levels squared, so that no logarithm explodes
BAND = (0.1, 0.6)  # cycles per pixel that are compared
LOG_DIAGONAL = (-1.5, 1.2)  # of the Cholesky factor: blurs of 0.2 to 3.3 pixels
STARTS = (-0.3, 0.3)


@dataclass(frozen=True)
class Covariance:
    """A symmetric 2 × 2 matrix, in pixels²: yy vertical, xx horizontal."""

    yy: float
    xx: float
    xy: float

    @classmethod
    def of_kernel(cls, kernel):
        """The covariance of a kernel (h, w) of a positive sum."""
        places = np.meshgrid(*map(np.arange, kernel.shape), indexing='ij')
        kernel = kernel / kernel.sum()
        y, x = (place - (kernel * place).sum() for place in places)
        return cls(*(float((kernel * product).sum()) for product in (y * y, x * x, x * y)))

    @property
    def mean(self):
        """The mean variance of all directions."""
        return (self.yy + self.xx) / 2

    @property
    def difference(self):
        """Half the difference of the vertical and the horizontal variance."""
        return (self.yy - self.xx) / 2

    @property
    def matrix(self):
        """Array (2, 2), in (vertical, horizontal) order."""
        return np.array([[self.yy, self.xy], [self.xy, self.xx]])

    def scaled(self, vertical, horizontal):
        """The covariance after stretching both axes by these factors."""
        return Covariance(self.yy * vertical**2, self.xx * horizontal**2, self.xy * vertical * horizontal)


def sampled_gaussian(rows, columns, inverse):
    """A Gaussian of an inverse covariance (2, 2) at all pairs of offsets, in pixels; its sum is 1."""
    d = np.stack(np.meshgrid(rows, columns, indexing='ij'), axis=-1)
    exponents = np.einsum('yxi,ij,yxj->yx', d, inverse, d)
    # Relative to the largest entry, since between pixels all of a sharp kernel may round to 0.
    kernel = np.exp(-0.5 * (exponents - exponents.min()))
    return kernel / kernel.sum()


@dataclass(frozen=True, eq=False)
class Spectra:
    """What the fit needs to know of an image, over the frequencies of `numpy.fft.fftfreq`.

    Attributes:
        large, small: mean power spectra of its patches of 32 and of 16 pixels, in grey levels squared.
        noise: power of the noise, the same at every frequency.
    """

    large: np.ndarray
    small: np.ndarray
    noise: float

    @property
    def power(self):
        """The mean power in the compared frequencies, without noise, in grey levels squared."""
        return float(self.small[_compared()].mean() - self.noise)


def measure_spectra(image, noise=0.0):
    """Measure the Spectra of an image.

    Args:
        image: float array (H, W, C) in [0, 1], C 1 or 3, at least 32 pixels high and wide.
        noise: standard deviation of the noise in its luma, in grey levels.
    """
    return Spectra(mean_spectrum(image, 2 * SIDE), mean_spectrum(image, SIDE), noise**2)


def fit_gaussian(spectra, weighted=True):
    """Find the blur that makes an image's own son of half its size look like the image.

    Args:
        spectra: Spectra of the image.
        weighted: give high frequencies more weight, in proportion.

    Returns:
        Covariance of the image's own blur, in its own pixels².
    """
    from scipy import optimize

    used = _compared()
    weights = _frequencies()[used] if weighted else 1.0
    target = np.log(spectra.small + FLOOR)[used]

    def residuals(parameters):
        """Weighted differences of the logarithms."""
        foretold = _foretell(spectra, *_from_cholesky(parameters))
        return weights * (np.log(foretold + FLOOR)[used] - target)

    low, high = LOG_DIAGONAL
    bounds = ([low, low, -4], [high, high, 4])
    fits = [optimize.least_squares(residuals, (start, start, 0), bounds=bounds) for start in STARTS]
    best = min(fits, key=lambda fit: fit.cost)
    # Step 4: what had to be added is three times the image's own blur, in its own pixels².
    return Covariance(*(np.array(_from_cholesky(best.x)) / 3).tolist())


def son_spectrum(spectra, covariance):
    """Foretell the spectrum of an image's own son, if its blur is what is supposed.

    Args:
        spectra: Spectra of the image.
        covariance: Covariance of its own blur, in its own pixels².

    Returns:
        Array (16, 16) in grey levels squared, to be compared with `spectra.small`.
    """
    return _foretell(spectra, 3 * covariance.yy, 3 * covariance.xx, 3 * covariance.xy)


def _foretell(spectra, yy, xx, xy):
    """The spectrum of the son after a blur of these variances, in the image's pixels²."""
    # Noise came after the blur: the son has as much of it as the image, and none of what the blur weakened.
    clean = np.maximum(spectra.large - spectra.noise, 0)
    return fold(clean * gaussian_response(2 * SIDE, yy, xx, xy)) + spectra.noise


@cache
def _frequencies():
    """Cycles per pixel of a spectrum's entries, whatever their direction."""
    return np.hypot(*np.meshgrid(*[np.fft.fftfreq(SIDE)] * 2, indexing='ij'))


@cache
def _compared():
    """Which entries of a spectrum are compared."""
    return (_frequencies() > BAND[0]) & (_frequencies() < BAND[1])


def _from_cholesky(parameters):
    """(yy, xx, xy) of L·Lᵀ, from the logarithms of L's diagonal and what is below it."""
    first, second, below = np.exp(parameters[0]), np.exp(parameters[1]), parameters[2]
    return first**2, below**2 + second**2, first * below
