"""How noisy an image is, told by its flattest tiles."""

import numpy as np

from blind.spectra import luma

TILE = 40  # pixels; an image is divided into tiles of about this side
MOST_TILES = 100
FLATTEST = 0.1  # of the tiles: texture looks like noise, and hardly any image is textured everywhere
PATCH = 5  # side of the patches of a tile, in pixels

# A tile with more than this share of black or white pixels shows less noise than the image has, and one with
# less variance than rounding to 8 bits brings, in grey levels squared, none: bars, margins, burnt-out skies.
MOST_CLIPPED = 0.05
ROUNDING = 1 / 12


def estimate_noise(image):
    """Estimate the standard deviation of the noise in an image's luma.

    Args:
        image: float array (H, W, C) in [0, 1], C 1 or 3, at least 16 pixels high and wide.

    Returns:
        Float, in grey levels of 255. Of a sharp image with texture everywhere it is too large.
    """
    return _flattest([_noise_variance(luma(tile)) for tile in _telling_tiles(image)])


def estimate_colour_noise(image):
    """Estimate the standard deviation of the noise in each colour of an image.

    Texture is nearly the same in all colours and noise is not: so their differences tell it where the luma
    cannot. Compression takes it from the differences, though, and gray images have none: then the luma's is
    all there is.

    Args:
        image: as for `estimate_noise`.

    Returns:
        Float, in grey levels of 255.
    """
    differences = [
        [255 * (tile[..., other] - tile[..., 1]) / np.sqrt(2) for other in (0, 2)]
        for tile in _telling_tiles(image)
        if tile.shape[2] == 3
    ]
    variances = [np.mean([*map(_noise_variance, pair)]) for pair in differences]
    of_colours = _flattest(variances)
    return of_colours if of_colours**2 > ROUNDING / 2 else estimate_noise(image)


def noise_by_brightness(image):
    """Estimate the noise of an image's dark and of its bright half, since much noise grows with the light.

    Args:
        image: as for `estimate_noise`.

    Returns:
        Two floats, as by `estimate_noise`: of the tiles below the median brightness, and of the others.
    """
    tiles = sorted(map(luma, _telling_tiles(image)), key=np.mean)
    halves = tiles[: len(tiles) // 2], tiles[len(tiles) // 2 :]
    return tuple(_flattest([*map(_noise_variance, half)]) for half in halves)


def _flattest(variances):
    """The standard deviation in the flattest tiles, of the variances of all; 0 of none."""
    return float(np.sqrt(np.quantile(variances, FLATTEST))) if variances else 0.0


def _telling_tiles(image):
    """The tiles of an image in which noise, if there is any, shows: a list of arrays (h, w, C)."""
    rows, columns = (np.array_split(np.arange(n), max(1, n // TILE)) for n in image.shape[:2])
    places = [(slice(y[0], y[-1] + 1), slice(x[0], x[-1] + 1)) for y in rows for x in columns]
    chosen = np.linspace(0, len(places) - 1, min(len(places), MOST_TILES)).astype(int)
    tiles = [image[places[index]] for index in chosen]
    white = float(luma(np.ones((1, 1, image.shape[2])))[0, 0])
    return [tile for tile in tiles if _is_telling(luma(tile), white)]


def _is_telling(tile, white):
    """Whether noise, if there is any, shows in a tile, given its luma."""
    clipped = (tile < 0.5) | (tile > white - 0.5)
    return clipped.mean() <= MOST_CLIPPED and tile.var() > ROUNDING


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
