"""Pictures of known blur, made from sharp ones, to train the estimating networks on.

A sharp picture is shrunk somewhat and cropped, so that nothing softer than pixels is left in it, and made
soft or sharpened on purpose; then shrunk to half its size, bicubically or through a random blur, and perhaps
made noisy or compressed.
"""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from blind.estimator import gather
from blind.gaussian import Covariance, sampled_gaussian
from files.rounding import to_integers
from imresize import imresize, imresize_matlab

SHRUNK_TO = (0.85, 0.7, 0.6, 0.5)  # of a picture's size, before anything else is done to it
# Most pictures have been sharpened by a camera or a program; these ones are softer than photographs are.
SHARPENED = 2.0  # at most: how much of the difference from a slightly blurred copy is added
# Some scenes are soft by themselves, in all directions alike: that is no blur to be undone.
SOFTNESS = (0.3, 1.1)  # standard deviations, in pixels
SOFT_SHARES = (0.3, 0.0)  # of the scenes that each network is shown; the last network tells widths
SIDES = (230, 640)  # of the crop, in pixels
MOST_PATCHES = 300

BICUBIC, LANCZOS = 0.3, 0.06  # shares of images that are not blurred; the others are
GAUSSIAN, MOTION = 0.85, 0.08  # shares of the blurs; the others are out of focus
NOISY, COMPRESSED, BOTH = 0.22, 0.28, 0.1  # shares of all images


@dataclass(frozen=True, eq=False)
class Example:
    """An image's evidence, and the truth.

    Attributes:
        patches, facts: as in `estimator.Evidence`.
        truth: float32 array (4,): mean variance, half the difference of the axes and covariance of the blur,
            in pixels² of a result of twice the size; 1 for an image that is not blurred.
    """

    patches: np.ndarray
    facts: np.ndarray
    truth: np.ndarray


def draw_example(picture, rng, soft_share=0.0):
    """Make one example.

    Args:
        picture: uint8 array (H, W, C), sharp.
        rng: numpy.random.RandomState.
        soft_share: how probably the scene is made soft.
    """
    lr, truth = _shrink(_crop(picture, rng, soft_share), rng)
    evidence = gather(_damage(lr, rng) / np.float32(255), MOST_PATCHES)
    return Example(evidence.patches.astype(np.float16), evidence.facts, np.array(truth, np.float32))


def draw_kernel(rng):
    """Draw a blur: mostly Gaussian, some of them noisy, some motion, some out of focus."""
    kind = rng.rand()
    if kind < GAUSSIAN:
        return _draw_gaussian(rng)
    return _draw_motion(rng) if kind < GAUSSIAN + MOTION else _draw_disc(rng)


def _crop(picture, rng, soft_share):
    """A random crop, of even sides, of a picture that is shrunk and made soft or sharpened at random."""
    least, most = SIDES
    smallest = least / min(picture.shape[:2])
    picture = imresize_matlab(picture, min(1, max(rng.choice(SHRUNK_TO), smallest)))
    top, left = rng.randint(2, size=2)
    sides = [min((side - 1) // 2 * 2, int(rng.uniform(least, most)) // 2 * 2) for side in picture.shape[:2]]
    top, left = (rng.randint(n - side + 1) for n, side in zip(picture.shape[:2], sides, strict=True))
    crop = picture[top : top + sides[0], left : left + sides[1]] / 255
    if rng.rand() < soft_share:
        return to_integers(ndimage.gaussian_filter(crop, (*[rng.uniform(*SOFTNESS)] * 2, 0)))
    edges = crop - ndimage.gaussian_filter(crop, (0.7, 0.7, 0))
    return to_integers(crop + rng.uniform(0, SHARPENED) * edges)


def _shrink(hr, rng):
    """Shrink to half the size; returns a uint8 image and the truth."""
    way = rng.rand()
    if way < BICUBIC:
        return imresize_matlab(hr, 0.5), (0, 0, 0, 1)
    if way < BICUBIC + LANCZOS:
        method = 'lanczos3' if rng.rand() < 0.5 else 'lanczos2'
        return to_integers(imresize(hr / 255, 0.5, kernel=method)), (0, 0, 0, 1)
    kernel = draw_kernel(rng)
    blur = Covariance.of_kernel(kernel)
    return to_integers(imresize(hr / 255, 0.5, kernel=kernel)), (blur.mean, blur.difference, blur.xy, 0)


def _draw_gaussian(rng):
    """A Gaussian of up to 3 pixels, on 9×9 as in the paper's Table 2, or on as many as it needs."""
    variances = rng.uniform(0, 4, 2) if rng.rand() < 0.6 else rng.uniform(0.6, 3, 2) ** 2
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    inverse = turn @ np.diag(1 / np.maximum(variances, 1e-3)) @ turn.T
    size = 9 if variances.max() < 4 and rng.rand() < 0.5 else 2 * int(np.ceil(3 * variances.max() ** 0.5)) + 3
    offsets = np.arange(size) - (size // 2 + 0.5)
    kernel = sampled_gaussian(offsets, offsets, inverse)
    if rng.rand() < 0.25:
        kernel = kernel * rng.uniform(0.75, 1.25, kernel.shape)
    return kernel / kernel.sum()


def _draw_motion(rng):
    """A straight line of up to 6 pixels, softened."""
    length, angle, variance = rng.uniform(1, 6), rng.uniform(0, np.pi), rng.uniform(0.3, 1)
    offsets, along = np.arange(17) - 8.5, np.linspace(-length / 2, length / 2, 101)
    spots = (
        np.exp(
            -((offsets - step * np.sin(angle))[:, None] ** 2 + (offsets - step * np.cos(angle)) ** 2)
            / (2 * variance)
        )
        for step in along
    )
    kernel = sum(spots)
    return kernel / kernel.sum()


def _draw_disc(rng):
    """A disc of a radius of up to 3 pixels."""
    fine = (np.arange(17 * 5) - 42) / 5 - 0.5
    inside = fine[:, None] ** 2 + fine**2 < rng.uniform(0.7, 3) ** 2
    kernel = inside.reshape(17, 5, 17, 5).sum(axis=(1, 3))
    return kernel / kernel.sum()


def _damage(lr, rng):
    """Make a uint8 image noisy, or compress it, or both, or neither."""
    kind = rng.rand()
    if kind < NOISY + BOTH:
        lr = _add_noise(lr, rng)
    if NOISY < kind < NOISY + BOTH + COMPRESSED:
        lr = compressed(lr, rng.randint(35, 99))
    return lr


def _add_noise(lr, rng):
    """Add noise of 0.5 to 13 grey levels, of its own in each colour or the same in all, some of it coarse."""
    deviation = np.exp(rng.uniform(np.log(0.5), np.log(13)))
    shape = lr.shape if rng.rand() < 0.6 else (*lr.shape[:2], 1)
    noise = rng.standard_normal(shape)
    if rng.rand() < 0.2:
        noise = ndimage.gaussian_filter(noise, (0.5, 0.5, 0))
    return to_integers((lr + deviation * noise / noise.std()) / 255)


def compressed(image, quality):
    """What JPEG, with colour at half the resolution, makes of a uint8 image (H, W, C)."""
    file = io.BytesIO()
    pixels = image[:, :, 0] if image.shape[2] == 1 else image
    Image.fromarray(pixels).save(file, format='JPEG', quality=int(quality), subsampling='4:2:0')
    with Image.open(file) as decoded:
        return np.asarray(decoded).reshape(image.shape)
