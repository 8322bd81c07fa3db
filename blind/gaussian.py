"""The Gaussian blur of an image, from its own spectra: no training, and hardly any time.

An image looks alike at every scale: its statistics do not change when it is shrunk without blur. So the right
blur is the one that makes the image's own son look like the image: the spectrum of its patches, blurred and
folded as shrinking folds it, is to be the spectrum of smaller patches of the image itself.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from blind.spectra import fold, gaussian_response, mean_spectrum

SIDE = 16  # of the patches whose spectrum is foretold
FLOOR = 0.02  # grey levels squared, so that no logarithm explodes
BAND = (0.1, 0.6)  # cycles per pixel that are compared
LOG_DIAGONAL = (-1.5, 1.2)
STARTS = (-0.3, 0.3)


@dataclass(frozen=True)
class Covariance:
    """A symmetric 2 × 2 matrix, in pixels²: yy vertical, xx horizontal."""

    yy: float
    xx: float
    xy: float

    @property
    def mean(self):
        """The mean variance of all directions."""
        return (self.yy + self.xx) / 2

    @property
    def matrix(self):
        """Array (2, 2), in (vertical, horizontal) order."""
        return np.array([[self.yy, self.xy], [self.xy, self.xx]])

    def scaled(self, vertical, horizontal):
        """The covariance after stretching both axes by these factors."""
        return Covariance(self.yy * vertical**2, self.xx * horizontal**2, self.xy * vertical * horizontal)


def fit_covariance(image, factor=2, weighted=True):
    """Find the blur that makes an image's own son, `factor` times smaller, look like the image.

    Args:
        image: float array (H, W, C) in [0, 1], at least 16 · factor pixels high and wide.
        factor: whole number.
        weighted: give high frequencies more weight, in proportion.

    Returns:
        (covariance, cost): Covariance of the image's own blur, in its own pixels², and the mean squared
        difference of the logarithms of both spectra.
    """
    large, small = mean_spectrum(image, factor * SIDE), mean_spectrum(image, SIDE)
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(SIDE)] * 2, indexing='ij'))
    used = (frequency > BAND[0]) & (frequency < BAND[1])
    weights = frequency[used] if weighted else np.ones(used.sum())
    target = np.log(small + FLOOR)[used]

    def residuals(parameters):
        """Weighted differences of the logarithms."""
        yy, xx, xy = _from_cholesky(parameters)
        foretold = fold(large * gaussian_response(len(large), yy, xx, xy), factor)
        return weights * (np.log(foretold + FLOOR)[used] - target)

    low, high = LOG_DIAGONAL
    bounds = ([low, low, -4], [high, high, 4])
    fits = [optimize.least_squares(residuals, (start, start, 0), bounds=bounds) for start in STARTS]
    best = min(fits, key=lambda fit: fit.cost)
    # The son carries the blur of the image as well, the factor² smaller in its own pixels: what was found is
    # only what had to be added, factor² − 1 times the image's own.
    own = np.array(_from_cholesky(best.x)) / (factor**2 - 1)
    return Covariance(*own.tolist()), 2 * best.cost / np.sum(weights**2)


def _from_cholesky(parameters):
    """(yy, xx, xy) of L·Lᵀ, from the logarithms of L's diagonal and what is below it."""
    first, second, below = np.exp(parameters[0]), np.exp(parameters[1]), parameters[2]
    return first**2, below**2 + second**2, first * below
