"""How fathers are cut: what is drawn for each, in the original's order, and the matrix that it makes."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Cut(NamedTuple):
    """Where one father comes from; plain numbers.

    Attributes:
        source: index of the source.
        centre: (x, y) of the source's centre, in pixels.
        shift: (x, y) of the crop in the transformed source, in pixels.
        shear: x by y and y by x.
        theta: angle in radians.
        stretch: factors of x and y; a negative one reflects.
    """

    source: int
    centre: tuple
    shift: tuple
    shear: tuple
    theta: float
    stretch: tuple


@dataclass(frozen=True)
class Augmentation:
    """How fathers are shifted, shrunk, turned and sheared. Source: ZSSR paper, section 3.2.

    Attributes:
        leave_as_is_probability: how often a father is only shifted.
        no_interpolate_probability: how often it is only reflected, turned by right angles and shifted.
        min_scale: least scale of a father, relative to the first source.
        allow_rotation: whether fathers are reflected and turned.
        scale_diff_sigma: standard deviation of the difference between the two axes' scales.
        shear_sigma: standard deviation of the shear.
        crop_size: side of a father, in pixels.
    """

    leave_as_is_probability: float
    no_interpolate_probability: float
    min_scale: float
    allow_rotation: bool
    scale_diff_sigma: float
    shear_sigma: float
    crop_size: int

    @classmethod
    def from_config(cls, conf):
        """What a Config asks for."""
        return cls(
            leave_as_is_probability=conf.augment_leave_as_is_probability,
            no_interpolate_probability=conf.augment_no_interpolate_probability,
            min_scale=conf.augment_min_scale,
            allow_rotation=conf.augment_allow_rotation,
            scale_diff_sigma=conf.augment_scale_diff_sigma,
            shear_sigma=conf.augment_shear_sigma,
            crop_size=conf.crop_size,
        )

    def draw(self, sizes, base_scales, max_scale, rng):
        """Draw one father.

        In plain Python numbers, as it is done for every father and NumPy is slow on single ones.

        Args:
            sizes: (height, width) of each source, in pixels.
            base_scales: scale of each source relative to the first, a number each.
            max_scale: largest scale of a father.
            rng: numpy.random.RandomState.

        Returns:
            Cut.
        """
        chance = rng.rand()
        as_is = chance < self.leave_as_is_probability
        affine = not as_is and chance >= self.leave_as_is_probability + self.no_interpolate_probability

        scale = 1.0 if as_is else rng.rand() * (max_scale - self.min_scale) + self.min_scale
        source = next(i for i, base_scale in enumerate(base_scales) if base_scale > scale - 1e-6)
        if affine:
            scale, scale_diff = scale / base_scales[source], rng.randn() * self.scale_diff_sigma
        else:
            scale, scale_diff = 1.0, 0.0
        reflect = math.copysign(1.0, rng.randn()) if self.allow_rotation and not as_is else 1.0

        # 9999: the original's limit.
        height, width = sizes[source]
        shift_x = rng.rand() * min(max(scale * width - self.crop_size, 0), 9999)
        shift_y = rng.rand() * min(max(scale * height - self.crop_size, 0), 9999)

        theta = 0.0
        if not as_is:
            # Drawn even where it is not used, so that every preset walks through the same random numbers.
            drawn = rng.rand() * 2 * math.pi if affine else rng.randint(4) * math.pi / 2
            theta = drawn if self.allow_rotation else 0.0
        shear = (rng.randn() * self.shear_sigma, rng.randn() * self.shear_sigma) if affine else (0.0, 0.0)

        centre, shift = (width / 2, height / 2), (shift_x, shift_y)
        if not affine:
            centre, shift = (tuple(float(round(n)) for n in point) for point in (centre, shift))
        stretch = (reflect * (scale + scale_diff / 2), scale - scale_diff / 2)
        return Cut(source, centre, shift, shear, theta, stretch)

    @staticmethod
    def matrices(cuts):
        """The matrices that map sources to fathers: stretch, turn and shear about the centre, then shift.

        Args:
            cuts: list of Cut.

        Returns:
            Float array (n, 3, 3) acting on columns (x, y, 1).
        """
        _, *parts = zip(*cuts, strict=True)
        centre, shift, shear, theta, stretch = (np.asarray(part, np.float64) for part in parts)
        cos, sin = np.cos(theta), np.sin(theta)
        sheared = _affine([[1, shear[:, 0]], [shear[:, 1], 1]])
        turned = _affine([[cos, sin], [-sin, cos]])
        stretched = _affine([[stretch[:, 0], 0], [0, stretch[:, 1]]])
        return _moved(centre) @ _moved(-shift) @ sheared @ turned @ stretched @ _moved(-centre)


def _affine(linear):
    """Matrices (n, 3, 3) of linear maps of (x, y), given as 2 × 2 numbers or arrays (n,)."""
    rows = [[*row, 0] for row in linear] + [[0, 0, 1.0]]
    entries = np.broadcast_arrays(*(entry for row in rows for entry in row))
    return np.stack(entries, axis=-1).reshape(*entries[0].shape, 3, 3)


def _moved(by):
    """Matrices (n, 3, 3) that move (x, y) by (n, 2)."""
    matrices = np.tile(np.eye(3), (len(by), 1, 1))
    matrices[:, :2, 2] = by
    return matrices
