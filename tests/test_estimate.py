"""estimate.py: kernels, compact and aligned, for every scale; bicubic where nothing can be told."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from blind import spectra
from blind.estimate import (
    VARIANCES,
    blur_text,
    estimate_kernel,
    estimate_kernels,
    gaussian_kernel,
    kernels_for,
)
from blind.gaussian import Covariance
from configs import Config
from files.kernels import preprocess_kernels
from files.pictures import read_image
from imresize import imresize, imresize_matlab

COVARIANCE = Covariance(0.6, 0.45, 0.1)


def photograph(name='coffee'):
    """A sharp photograph, 400×600 pixels, from a package that the tests need anyway."""
    from skimage import data

    return getattr(data, name)()[:400, :600] / 255


@pytest.fixture(scope='module')
def blurred():
    kernel = gaussian_kernel(Covariance(2.5, 1.6, 0.5), (2, 2))
    return np.clip(imresize(photograph(), 0.5, kernel=kernel), 0, 1)


@pytest.mark.parametrize('sf', [(2, 2), (3, 3), (4, 4), (1.5, 2), (1, 1.5), (1.25, 1.25), (1.5, 1.5)])
@pytest.mark.parametrize('covariance', [COVARIANCE, Covariance(0.05, 0.5, 0.0), Covariance(0.02, 0.5, 0.05)])
def test_kernels_are_aligned_compact_and_of_sum_1(sf, covariance):
    kernel = gaussian_kernel(covariance.scaled(*sf), sf)
    assert kernel.min() >= 0 and kernel.sum() == pytest.approx(1)
    assert all(
        side % 2 == 1 and side <= 6 * factor + 5 for side, factor in zip(kernel.shape, sf, strict=True)
    )
    middle = np.array(ndimage.center_of_mass(kernel)) - np.array(kernel.shape) // 2
    np.testing.assert_allclose(middle, (np.array(sf) - 1) / 2, atol=0.1)
    (aligned,) = preprocess_kernels([kernel], Config(scale_factors=[sf]))
    again = np.array(ndimage.center_of_mass(aligned)) - np.array(aligned.shape) // 2
    np.testing.assert_allclose(again, middle, atol=0.1)
    assert aligned.min() > -0.01


def test_a_son_by_an_estimated_kernel_is_not_shifted(blurred):
    """The son of a linear ramp is the ramp at the middle of every block, away from the border."""
    kernel = estimate_kernel(blurred).kernel
    y, x = np.mgrid[:80, :80]
    son = imresize((y + 2.0 * x), 0.5, kernel=kernel)
    middles = np.arange(40) * 2 + 0.5
    inner = slice(10, 30)
    expected = middles[inner, None] + 2 * middles[inner]
    np.testing.assert_allclose(son[inner, inner], expected, atol=0.1)


def test_the_blur_of_a_photograph_is_found(blurred):
    estimate = estimate_kernel(blurred)
    found = estimate.covariance
    np.testing.assert_allclose((found.yy, found.xx, found.xy), (2.5, 1.6, 0.5), atol=0.5)
    assert 0.5 < estimate.confidence <= 1
    assert estimate.note == blur_text(found)


@pytest.mark.parametrize(('probability', 'is_blurred'), [(0.81, False), (0.83, True)])
def test_in_doubt_bicubic_is_the_answer(blurred, monkeypatch, probability, is_blurred):
    odds = np.log((1 - probability) / probability)
    monkeypatch.setattr('blind.estimate.ask', lambda evidence: (Covariance(2.00049, 1.5, 0.3), odds))
    found = estimate_kernel(blurred)
    assert (found.kernel is not None) == is_blurred
    assert found.confidence == pytest.approx(probability if is_blurred else 1 - probability)
    assert found.covariance.yy == pytest.approx(2.0, abs=1e-9)


def test_the_same_image_has_the_same_kernel(blurred, tmp_path):
    first, again = estimate_kernel(blurred), estimate_kernel(blurred.copy())
    np.testing.assert_array_equal(first.kernel, again.kernel)
    Image.fromarray(np.rint(blurred * 255).astype(np.uint8)).save(tmp_path / 'a.png')
    from_file = estimate_kernel(tmp_path / 'a.png')
    np.testing.assert_array_equal(
        from_file.kernel, estimate_kernel(read_image(tmp_path / 'a.png').pixels).kernel
    )


def test_kernels_of_several_scales_are_of_one_blur(blurred):
    scales = [(1.0, 1.5), (1.5, 1.5), (2.0, 2.0), (4.0, 4.0)]
    estimates = estimate_kernels(np.float32(blurred), scales)
    two = estimates[2].covariance
    for estimate, sf in zip(estimates, scales, strict=True):
        assert estimate.covariance.yy == pytest.approx(two.yy * (sf[0] / 2) ** 2)
        assert estimate.covariance.xx == pytest.approx(two.xx * (sf[1] / 2) ** 2)


@pytest.mark.parametrize('name', ['coffee', 'astronaut', 'chelsea', 'rocket'])
def test_a_bicubically_shrunk_photograph_keeps_the_bicubic_kernel(name):
    image = photograph(name)
    estimate = estimate_kernel(np.clip(imresize_matlab(image[: len(image) // 2 * 2], 0.5), 0, 1))
    assert estimate.kernel is None
    assert estimate.note == 'no blur beyond bicubic shrinking'


@pytest.mark.parametrize(
    ('image', 'note'),
    [
        (np.full((100, 100), 0.5), 'too little structure'),
        (np.zeros((100, 100, 3)), 'too little structure'),
        (np.random.RandomState(0).rand(63, 200), '63×200 pixels are too few'),
        (np.random.RandomState(0).rand(16, 16, 3), '16×16 pixels are too few'),
    ],
)
def test_where_nothing_can_be_told_bicubic_is_the_answer(image, note):
    estimate = estimate_kernel(image)
    assert estimate.kernel is None and estimate.covariance is None
    assert estimate.confidence == 0 and note in estimate.note


def test_a_kernel_is_no_larger_than_the_image(blurred):
    small = blurred[60:130, 100:170]
    two, twenty = estimate_kernels(np.float32(small), [(2.0, 2.0), (20.0, 20.0)])
    assert two.kernel is not None and twenty.kernel is None
    assert 'the image is too small' in twenty.note


def test_layouts_and_depths_make_hardly_a_difference(blurred):
    expected = estimate_kernel(blurred).covariance
    deep = np.rint(blurred * 65535).astype(np.uint16)
    rgba = np.dstack([blurred, np.ones(blurred.shape[:2])])
    for image in (deep, rgba, blurred.astype(np.float32)):
        assert estimate_kernel(image).covariance.mean == pytest.approx(expected.mean, rel=1e-3)
    gray = estimate_kernel(blurred.mean(axis=2)).covariance
    assert gray.mean == pytest.approx(expected.mean, rel=0.15)


def test_many_channels_tell_the_blur_that_they_share(blurred):
    gray = blurred.mean(axis=2)
    satellite = np.stack([gray * share for share in (1, 0.8, 0.6, 0.9, 0.7)], axis=2)
    found, expected = estimate_kernel(satellite), estimate_kernel(satellite.mean(axis=2))
    assert found.kernel is not None
    np.testing.assert_allclose(found.kernel, expected.kernel, atol=1e-5)


def test_of_noise_alone_nothing_is_told():
    estimate = estimate_kernel(np.random.RandomState(0).rand(200, 200, 3))
    assert estimate.kernel is None
    assert estimate.note in ('too little structure to tell a blur', 'no blur beyond bicubic shrinking')


def test_of_a_large_image_no_more_is_looked_at_than_of_a_small_one(blurred, monkeypatch):
    seen = []
    for name in ('patch_spectra', 'luma'):
        inside = getattr(spectra, name)
        monkeypatch.setattr(spectra, name, lambda x, inside=inside: seen.append(x.size) or inside(x))
    image = np.tile(np.float32(blurred), (15, 14, 1))[:3000, :4000]
    assert estimate_kernel(image).kernel is not None
    assert sum(seen) < 4 * 4000 * (32**2 + 16**2) * 1.1


@pytest.mark.parametrize('deviation', [2, 5])
def test_gray_and_the_same_as_rgb_with_noise_have_the_same_blur(blurred, deviation):
    gray = blurred.mean(axis=2) + np.random.RandomState(0).randn(*blurred.shape[:2]) * deviation / 255
    gray = np.clip(gray, 0, 1)
    one, three = estimate_kernel(gray), estimate_kernel(np.dstack([gray] * 3))
    assert three.covariance.mean == pytest.approx(one.covariance.mean, rel=0.1)
    assert one.kernel is not None and three.kernel is not None


def test_black_bars_do_not_hide_noise(blurred):
    noisy = np.clip(blurred + np.random.RandomState(0).randn(*blurred.shape) * 5 / 255, 0, 1)
    bars = np.zeros((25, *blurred.shape[1:]))
    plain, framed = estimate_kernel(noisy), estimate_kernel(np.concatenate([bars, noisy, bars]))
    assert framed.covariance.mean == pytest.approx(plain.covariance.mean, rel=0.3)


def test_a_blur_wider_than_any_that_was_trained_on_comes_out_as_wide_as_those(gaussian):
    wide = estimate_kernel(np.clip(imresize(photograph(), 0.5, kernel=gaussian(61, 61, 10.0)), 0, 1))
    assert 'too little structure' in wide.note or 4 < wide.covariance.mean <= VARIANCES[1]


@pytest.mark.parametrize('sf', [0, -2, 0.5, 101, (2, 0), 'two'])
def test_scale_factors_that_cannot_be_used_are_refused(blurred, sf):
    with pytest.raises(ValueError, match='scale factor'):
        estimate_kernel(blurred, sf)


def test_a_run_is_given_a_kernel_for_every_step_or_none(blurred):
    small = np.float32(blurred[60:130, 100:170])
    two_steps = {'scale_factors': [2, 20], 'back_projection_iters': [0, 0]}
    kernels, estimate = kernels_for(small, Config(**two_steps))
    assert kernels is None and 'the image is too small' in estimate.note
    kernels, estimate = kernels_for(small, Config(**two_steps, base_change_sfs=[2]))
    assert kernels[1] == 'cubic' and estimate.kernel is kernels[0]


def test_a_blur_in_words():
    assert blur_text(Covariance(0.25, 4.0, 0.0)) == 'blur 2.0 × 0.5 px at 0°'
    assert blur_text(Covariance(4.0, 0.25, 0.0)) == 'blur 2.0 × 0.5 px at 90°'
    # Long from bottom left to top right: rows fall as columns grow.
    assert blur_text(Covariance(2.0, 2.0, -1.0)) == 'blur 1.7 × 1.0 px at 45°'
