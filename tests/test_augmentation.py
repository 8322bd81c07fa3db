"""augmentation.py: what is drawn for a father, in which order, and the matrix that it makes."""

import numpy as np
import pytest
from helpers import tolerances

from configs import get_config
from learning.augmentation import Augmentation, Cut
from utils import (
    random_augment,
)

AFFINE = {'leave_as_is_probability': 0.0, 'no_interpolate_probability': 0.0}


TURNED = {'leave_as_is_probability': 0.0, 'no_interpolate_probability': 1.0}


def draw(rng, sizes=((50, 60),), base_scales=(1.0,), **changes):
    arguments = {
        'leave_as_is_probability': 0.05,
        'no_interpolate_probability': 0.45,
        'min_scale': 0.5,
        'max_scale': 1.0,
        'allow_rotation': True,
        'scale_diff_sigma': 0.25,
        'shear_sigma': 0.1,
        'crop_size': 20,
    }
    arguments |= changes
    max_scale = arguments.pop('max_scale')
    cut = Augmentation(**arguments).draw(sizes, base_scales, max_scale, rng)
    return cut.source, Augmentation.matrices([cut])[0]


def in_step(rng, follower):
    return rng.rand() == follower.rand()


def test_a_father_left_as_it_is_is_a_crop():
    for seed in range(10):
        _, matrix = draw(np.random.RandomState(seed), leave_as_is_probability=1.0)
        np.testing.assert_array_equal(matrix[:2, :2], np.eye(2))
        shift = -matrix[:2, 2]
        assert (shift == np.rint(shift)).all()
        assert (shift >= 0).all()
        assert (shift <= (40, 30)).all()


def test_draws_of_a_father_left_as_it_is():
    rng, follower = np.random.RandomState(3), np.random.RandomState(3)
    _, matrix = draw(rng, leave_as_is_probability=1.0)
    _, x, y = follower.rand(3)
    np.testing.assert_array_equal(-matrix[:2, 2], np.rint([40 * x, 30 * y]))
    assert in_step(rng, follower)


def test_a_father_without_interpolation_is_turned_by_right_angles():
    turns = {tuple(np.rint(draw(np.random.RandomState(s), **TURNED)[1][:2, :2]).ravel()) for s in range(99)}
    assert len(turns) == 8
    for seed in range(10):
        linear = draw(np.random.RandomState(seed), **TURNED)[1][:2, :2]
        np.testing.assert_allclose(linear, np.rint(linear), atol=tolerances.FLOAT64)


def test_draws_of_an_affine_father():
    rng, follower = np.random.RandomState(5), np.random.RandomState(5)
    _, matrix = draw(rng, **AFFINE)
    follower.rand()
    scale = follower.rand() * 0.5 + 0.5
    diff, reflect = follower.randn() * 0.25, np.sign(follower.randn())
    x, y = follower.rand() * max(scale * 60 - 20, 0), follower.rand() * max(scale * 50 - 20, 0)
    theta = follower.rand() * 2 * np.pi
    shear_x, shear_y = follower.randn() * 0.1, follower.randn() * 0.1
    turn = [[np.cos(theta), np.sin(theta)], [-np.sin(theta), np.cos(theta)]]
    stretch = np.diag([reflect * (scale + diff / 2), scale - diff / 2])
    shear = np.array([[1, shear_x], [shear_y, 1]])
    np.testing.assert_allclose(matrix[:2, :2], shear @ turn @ stretch, atol=tolerances.FLOAT64)
    np.testing.assert_allclose(matrix @ [30, 25, 1], [30 - x, 25 - y, 1], atol=tolerances.FLOAT64)
    assert in_step(rng, follower)


@pytest.mark.parametrize('kind', [AFFINE, TURNED])
def test_without_rotation_the_angle_is_drawn_and_the_reflection_not(kind):
    rng, follower = np.random.RandomState(5), np.random.RandomState(5)
    _, matrix = draw(rng, **kind, allow_rotation=False, scale_diff_sigma=0.0, shear_sigma=0.0)
    follower.rand(2)
    if kind is AFFINE:
        follower.randn()
    follower.rand(2)
    follower.rand() if kind is AFFINE else follower.randint(4)
    if kind is AFFINE:
        follower.randn(2)
    assert matrix[0, 0] == matrix[1, 1] > 0
    assert matrix[0, 1] == matrix[1, 0] == 0
    assert in_step(rng, follower)


def test_the_smallest_source_that_is_large_enough_is_taken():
    sizes, scales = ((40, 40), (40, 60), (60, 60), (80, 80)), (1.0, 1.0, 1.5, 2.0)
    seen = set()
    for seed in range(60):
        rng, follower = np.random.RandomState(seed), np.random.RandomState(seed)
        source, matrix = draw(
            rng, sizes, scales, **AFFINE, max_scale=2.0, scale_diff_sigma=0.0, shear_sigma=0.0
        )
        follower.rand()
        scale = follower.rand() * 1.5 + 0.5
        assert source == (0 if scale <= 1 else 2 if scale <= 1.5 else 3)
        own = scale / scales[source]
        assert np.sqrt(abs(np.linalg.det(matrix))) == pytest.approx(own)
        seen.add(source)
    assert seen == {0, 2, 3}


def test_many_matrices_at_once_are_those_of_each():
    rng = np.random.RandomState(0)
    parts = [rng.randn(5, 2), rng.randn(5, 2), rng.randn(5, 2), rng.randn(5), rng.randn(5, 2)]
    cuts = [Cut(0, *(part[i] for part in parts)) for i in range(5)]
    batch = Augmentation.matrices(cuts)
    for i in range(5):
        np.testing.assert_array_equal(batch[i], Augmentation.matrices([cuts[i]])[0])


def test_preset_scales_serve_as_base_scales():
    base_scales = [1.0, *get_config('X2_GRADUAL_IDEAL_CONF').scales]
    ims = [np.full((20, 20, 1), i / 8) for i in range(len(base_scales))]
    for seed in range(20):
        rng = np.random.RandomState(seed)
        father = random_augment(ims, base_scales, 0.0, 1.0, max_scale=(2.0, 2.0), crop_size=8, rng=rng)
        assert father.max() * 8 in (0, 3, 6)
