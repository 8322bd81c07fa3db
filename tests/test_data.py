"""test_data/ and kernels/: the maker makes what is committed, and every file is sound and accounted for."""

import re
from pathlib import Path

import numpy as np
import pytest
from helpers.make_test_data import RECIPES, REPOSITORY, make_all
from scipy import ndimage

from files.kernels import read_kernel
from files.pictures import read_image
from imresize import imresize, kernel_shift

DATA, KERNELS = REPOSITORY / 'test_data', REPOSITORY / 'kernels'
IMAGES = sorted(DATA.rglob('*.png'))
MATS = sorted(KERNELS.glob('*.mat'))
PAIRS = [path for path in IMAGES if path.with_name(f'{path.stem}_gt.png').exists()]
KERNEL_RECIPES = {
    Path(stem).stem: (stem, recipe) for stem, recipe in RECIPES.items() if recipe.sigmas or recipe.own_blur
}


def name(path):
    return str(path.relative_to(REPOSITORY))


def levels(path):
    """The 8-bit values of an image."""
    picture = read_image(path)
    assert picture.bits == 8 and picture.alpha is None
    return np.rint(picture.pixels * 255.0)


@pytest.fixture(scope='session')
def remade(tmp_path_factory):
    pytest.importorskip('skimage', reason='the photographs ship with scikit-image (pip install scikit-image)')
    root = tmp_path_factory.mktemp('remade')
    make_all(root)
    return root


def test_the_maker_makes_exactly_the_committed_files(remade):
    made = sorted(path.relative_to(remade) for path in remade.rglob('*') if path.is_file())
    assert made == sorted(path.relative_to(REPOSITORY) for path in IMAGES + MATS)


@pytest.mark.parametrize('path', IMAGES, ids=name)
def test_the_maker_reproduces_the_pixels(path, remade):
    np.testing.assert_array_equal(levels(remade / name(path)), levels(path))


@pytest.mark.parametrize('path', MATS, ids=name)
def test_the_maker_reproduces_the_kernel(path, remade):
    np.testing.assert_allclose(read_kernel(remade / name(path)), read_kernel(path), rtol=1e-12, atol=0)


def test_making_twice_gives_the_same_bytes(remade, tmp_path):
    make_all(tmp_path)
    for path in IMAGES + MATS:
        assert (tmp_path / name(path)).read_bytes() == (remade / name(path)).read_bytes()


@pytest.mark.parametrize('path', IMAGES, ids=name)
def test_every_image_has_a_line_with_its_licence(path):
    stated = f'`{path.relative_to(DATA)}`'
    rows = [row for row in (DATA / 'README.md').read_text().splitlines() if row.startswith('|')]
    licences = [row.split('|')[3] for row in rows if stated in row.split('|')[1]]
    assert len(licences) == 1 and re.search('CC0|public domain', licences[0])


@pytest.mark.parametrize('path', MATS, ids=name)
def test_every_kernel_has_a_line(path):
    assert f'| `{path.name}` |' in (KERNELS / 'README.md').read_text()


def test_every_ground_truth_has_its_input():
    truths = [path for path in IMAGES if path.stem.endswith('_gt')]
    assert truths == [path.with_name(f'{path.stem}_gt.png') for path in PAIRS]


@pytest.mark.parametrize('path', PAIRS, ids=name)
def test_ground_truth_is_the_input_times_its_factor(path):
    factor = RECIPES[str(path.relative_to(DATA).with_suffix(''))].factor
    (height, width, channels), truth = levels(path).shape, levels(path.with_name(f'{path.stem}_gt.png')).shape
    assert truth == (factor * height, factor * width, channels)


def test_the_bare_command_finds_one_image_and_its_ground_truth():
    assert sorted(path.name for path in DATA.glob('*.png')) == ['astronaut.png', 'astronaut_gt.png']


@pytest.mark.parametrize('path', MATS, ids=name)
def test_kernels_sum_to_1_and_belong_to_one_image(path):
    kernel = read_kernel(path)
    assert kernel.sum() == pytest.approx(1, abs=1e-12) and kernel.min() >= 0
    assert len(list(DATA.rglob(f'{path.stem.removesuffix("_0")}.png'))) == 1


@pytest.mark.parametrize('path', MATS, ids=name)
def test_kernels_are_where_kernel_shift_wants_them(path):
    kernel = read_kernel(path)
    wanted = np.array(kernel.shape) // 2 + 0.5
    stem, recipe = KERNEL_RECIPES[path.stem.removesuffix('_0')]
    # An estimated kernel ends at three standard deviations, half a pixel later on one side than on the other.
    tolerance = 1e-2 if recipe.own_blur else 1e-3
    np.testing.assert_allclose(ndimage.center_of_mass(kernel), wanted, atol=tolerance)
    if recipe.factor == 1:
        return
    truth, made = levels(DATA / f'{stem}_gt.png'), levels(DATA / f'{stem}.png')
    again = np.rint(imresize(truth.astype(np.float64), 1 / recipe.factor, kernel=kernel_shift(kernel, 2.0)))
    # kernel_shift moves the mass by 4e-4 px, which turns a rounding here and there.
    assert np.abs(again - made).max() <= 1 and np.mean(again != made) < 0.01


def test_the_data_are_small():
    assert sum(path.stat().st_size for path in IMAGES + MATS) < 1.2e6
