"""utils.py: drawing fathers, back-projection, aligning kernels, the results folder."""

import time

import numpy as np
import pytest
from helpers import tolerances
from scipy import ndimage

from configs import Config, get_config
from imresize import imresize, kernel_shift
from learning.augmentation import Augmentation, Cut
from utils import (
    back_projection,
    prepare_result_dir,
    preprocess_kernels,
    random_augment,
)

NOON = time.struct_time((2024, 2, 3, 12, 5, 9, 5, 34, 0))
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


def test_of_a_pair_of_scales_the_smaller_counts():
    ims = [np.full((20, 20, 1), 0.2), np.full((20, 30, 1), 0.4), np.full((30, 30, 1), 0.6)]
    scales, options = [1.0, (1.0, 1.5), (1.5, 1.5)], {'crop_size': 8, 'no_interpolate_probability': 0.8}
    for limit, seen in [((1.0, 1.5), {0.2}), ((1.5, 2.0), {0.2, 0.6})]:
        fathers = [
            random_augment(ims, scales, max_scale=limit, rng=np.random.RandomState(seed), **options)
            for seed in range(30)
        ]
        assert {round(float(father.max()), 6) for father in fathers} == seen


def test_many_matrices_at_once_are_those_of_each():
    rng = np.random.RandomState(0)
    parts = [rng.randn(5, 2), rng.randn(5, 2), rng.randn(5, 2), rng.randn(5), rng.randn(5, 2)]
    cuts = [Cut(0, *(part[i] for part in parts)) for i in range(5)]
    batch = Augmentation.matrices(cuts)
    for i in range(5):
        np.testing.assert_array_equal(batch[i], Augmentation.matrices([cuts[i]])[0])


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


def test_back_projection_adds_the_enlarged_difference(image):
    sr = np.clip(imresize(image, (2, 1.5)), 0, 1) * 0.9
    before = sr.copy()
    out = back_projection(sr, image, 'linear', 'lanczos3', (2, 1.5))
    error = image - imresize(sr, (1 / 2, 1 / 1.5), image.shape, 'linear')
    expected = np.clip(sr + imresize(error, (2, 1.5), sr.shape, 'lanczos3'), 0, 1)
    np.testing.assert_allclose(out, expected, atol=tolerances.FLOAT64)
    np.testing.assert_array_equal(sr, before)


@pytest.mark.parametrize('shape', [(8, 8), (9, 9), (8, 9), (12, 11)])
@pytest.mark.parametrize('sf', [2.0, 3.0, 4.0])
def test_aligned_kernels_sample_the_middle_of_each_block(gaussian, shape, sf):
    kernel = preprocess_kernels([gaussian(*shape)], Config(scale_factors=[[sf, sf]]))[0]
    middle = np.array(ndimage.center_of_mass(kernel)) - np.array(kernel.shape) // 2
    np.testing.assert_allclose(middle, (sf - 1) / 2, atol=5e-3)


def test_odd_kernels_are_only_shifted(gaussian):
    kernel = gaussian(9, 7)
    aligned = preprocess_kernels([kernel], Config(scale_factors=[[2, 3]]))[0]
    np.testing.assert_array_equal(aligned, kernel_shift(kernel, (2, 3)))


def test_even_sides_get_zeros_at_the_end(gaussian):
    kernel = gaussian(8, 9)
    padded = np.vstack([kernel, np.zeros((1, 9))])
    np.testing.assert_array_equal(preprocess_kernels([kernel], Config())[0], kernel_shift(padded, (2, 2)))


def test_kernels_belong_to_scales_relative_to_their_base(gaussian):
    kernels = [gaussian(9, 9, sigma) for sigma in (0.8, 1.0, 1.2)]
    conf = Config(scale_factors=[[1.5, 1.5], 3, [4, 6]], base_change_sfs=[3])
    aligned = preprocess_kernels(kernels, conf)
    for kernel, out, sf in zip(kernels, aligned, [(1.5, 1.5), (3, 3), (4 / 3, 2)], strict=True):
        np.testing.assert_array_equal(out, kernel_shift(kernel, sf))


def test_without_kernels_every_scale_has_the_method():
    conf = Config(scale_factors=[1.5, 2], downscale_method='lanczos2')
    assert preprocess_kernels(None, conf) == ['lanczos2', 'lanczos2']


@pytest.mark.parametrize('number', [0, 1, 3])
def test_there_must_be_a_kernel_for_each_scale(gaussian, number):
    with pytest.raises(ValueError, match=f'{number} kernels were given for 2 scale_factors'):
        preprocess_kernels([gaussian(5, 5)] * number, Config(scale_factors=[1.5, 2]))


def test_a_results_folder_is_named_by_configuration_and_time(tmp_path):
    conf = Config(name='mine', result_path=str(tmp_path / 'new'), create_code_copy=False)
    folder = prepare_result_dir(conf, NOON)
    assert folder == tmp_path / 'new' / 'mine_Feb_03_12_05_09'
    assert list(folder.iterdir()) == []


def test_runs_of_one_second_get_folders_of_their_own(tmp_path):
    conf = Config(result_path=str(tmp_path), create_code_copy=False)
    folders = [prepare_result_dir(conf, NOON) for _ in range(3)]
    assert len(set(folders)) == 3
    assert all(folder.is_dir() and folder.name.startswith(folders[0].name) for folder in folders)


CODE = (
    'ZSSR.py',
    'configs.py',
    'imresize.py',
    'utils.py',
    'learning/network.py',
    'comparing/page.html',
)


def test_the_code_is_copied_into_the_results_folder(tmp_path):
    folder = prepare_result_dir(Config(result_path=str(tmp_path)))
    copied = {str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file()}
    assert set(map('code/{}'.format, CODE)) <= copied
    assert all(name.startswith('code/') and name.endswith(('.py', '.html')) for name in copied)
    assert not [name for name in copied if name.startswith(('code/tests', 'code/results'))]


def test_without_a_folder_of_its_own_a_run_writes_to_the_path_itself(tmp_path):
    conf = Config(result_path=str(tmp_path / 'a' / 'b'), create_results_dir=False)
    assert prepare_result_dir(conf) == prepare_result_dir(conf) == tmp_path / 'a' / 'b'
    assert list((tmp_path / 'a' / 'b').iterdir()) == []


def test_preset_scales_serve_as_base_scales():
    base_scales = [1.0, *get_config('X2_GRADUAL_IDEAL_CONF').scales]
    ims = [np.full((20, 20, 1), i / 8) for i in range(len(base_scales))]
    for seed in range(20):
        rng = np.random.RandomState(seed)
        father = random_augment(ims, base_scales, 0.0, 1.0, max_scale=(2.0, 2.0), crop_size=8, rng=rng)
        assert father.max() * 8 in (0, 3, 6)
