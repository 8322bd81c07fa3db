"""How noisy an image is, told by its flattest tiles."""

import numpy as np

TILE = 40  # pixels; an image is divided into tiles of about this side
MOST_TILES = 100
FLATTEST = 0.1  # of the tiles: texture looks like noise, and hardly any image is textured everywhere
PATCH = 5  # side of the patches of a tile, in pixels


def estimate_noise(image):
    """Estimate the standard deviation of the noise in an image.

    Args:
        image: float array (H, W, C) in [0, 1], at least 5 pixels high and wide.

    Returns:
        Float, in grey levels of 255, the root mean square of the channels'. Of a sharp image with texture
        everywhere it is too large.
    """
    rows, columns = (np.array_split(np.arange(n), max(1, n // TILE)) for n in image.shape[:2])
    tiles = [(slice(y[0], y[-1] + 1), slice(x[0], x[-1] + 1)) for y in rows for x in columns]
    chosen = np.linspace(0, len(tiles) - 1, min(len(tiles), MOST_TILES)).astype(int)
    variances = [
        np.mean([_noise_variance(channel) for channel in np.moveaxis(image[tiles[index]], 2, 0)])
        for index in chosen
    ]
    return 255 * float(np.sqrt(np.quantile(variances, FLATTEST)))


def _noise_variance(tile):
    """The variance of the noise in a tile (h, w).

    All patches together span few directions; in the others there is nothing but noise. The variances along
    the principal directions are sorted, and the largest are left out until mean and median of the rest agree,
    as they do for noise alone.

    Source: Chen, Zhu and Heng, An efficient statistical method for image noise level estimation (2015).
    """
    views = np.lib.stride_tricks.sliding_window_view(tile, (PATCH, PATCH))
    variances = np.linalg.eigvalsh(np.cov(views.reshape(-1, PATCH**2).T, dtype=np.float64))
    counts = np.arange(1, len(variances) + 1)
    means = np.cumsum(variances) / counts
    medians = (variances[(counts - 1) // 2] + variances[counts // 2]) / 2
    return max(means[np.flatnonzero(medians >= means)[-1]], 0.0)
