"""metrics.py against numbers worked out by hand, scikit-image, and the published results' PSNRs."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import metrics as skimage_metrics

from comparing import metrics

SHARED = Path(__file__).parents[2] / 'shared' / 'data' / 'BSD100_random_kernels'
NAMES = ['img_007', 'img_019', 'img_020', 'img_039', 'img_047', 'img_100']
PUBLISHED = {
    'EDSR': [27.87, 25.96, 27.99, 29.59, 23.03, 24.44],
    'MICHAELI': [28.17, 26.39, 27.36, 30.06, 23.51, 25.36],
    'ZSSR': [30.23, 27.26, 28.45, 31.08, 25.48, 27.62],
}


def random_image(shape, seed=0):
    return np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)


def noisy(image, seed=1):
    noise = np.random.RandomState(seed).randint(-20, 21, image.shape)
    return np.clip(image.astype(int) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ('rgb', 'luma'),
    [
        ((0, 0, 0), 16),
        ((255, 255, 255), 235),
        ((255, 0, 0), 81),  # 16 + 65.481 = 81.48
        ((0, 255, 0), 145),  # 16 + 128.553 = 144.55
        ((0, 0, 255), 41),  # 16 + 24.966 = 40.97
        ((100, 150, 200), 137),  # 16 + (6548.1 + 19282.95 + 4993.2) / 255 = 136.88
    ],
)
def test_luma_of_single_colours(rgb, luma):
    image = np.full((2, 3, 3), rgb, np.uint8)
    np.testing.assert_array_equal(metrics.rgb_to_luma(image), np.full((2, 3), luma, np.uint8))
    np.testing.assert_array_equal(metrics.rgb_to_luma(image / 255), np.full((2, 3), luma, np.uint8))


def test_luma_of_gray_is_the_image():
    image = random_image((5, 6))
    np.testing.assert_array_equal(metrics.rgb_to_luma(image), image)
    np.testing.assert_array_equal(metrics.rgb_to_luma(image[:, :, np.newaxis]), image)


def test_psnr_by_hand():
    a, b = np.zeros((2, 2), np.uint8), np.array([[0, 0], [0, 10]], np.uint8)
    assert metrics.psnr(a, b) == pytest.approx(10 * np.log10(255**2 / 25), abs=1e-12)


def test_psnr_of_luma_and_of_channels():
    black, red = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8)
    red[:, :, 0] = 255
    assert metrics.psnr(black, red) == pytest.approx(20 * np.log10(255 / 65))
    assert metrics.psnr(black, red, luma=False) == pytest.approx(10 * np.log10(3))


def test_identical_images():
    image = random_image((20, 21, 3))
    assert metrics.psnr(image, image) == float('inf')
    assert metrics.ssim(image, image) == pytest.approx(1, abs=1e-12)


def test_ssim_of_flat_images_by_hand():
    a, b = np.full((11, 11), 100, np.uint8), np.full((11, 11), 120, np.uint8)
    c1 = 2.55**2
    expected = (2 * 100 * 120 + c1) / (100**2 + 120**2 + c1)
    assert metrics.ssim(a, b) == pytest.approx(expected, abs=1e-9)


def test_ssim_of_one_window_by_hand():
    a, b = random_image((11, 11)).astype(float), random_image((11, 11), 1).astype(float)
    y, x = np.mgrid[-5:6, -5:6]
    w = np.exp(-(x**2 + y**2) / 4.5)
    w /= w.sum()
    ma, mb = (w * a).sum(), (w * b).sum()
    va, vb, cov = (w * (a - ma) ** 2).sum(), (w * (b - mb) ** 2).sum(), (w * (a - ma) * (b - mb)).sum()
    c1, c2 = 2.55**2, 7.65**2
    expected = (2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    assert metrics.ssim(a / 255, b / 255) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize('shape', [(23, 31), (23, 31, 3)])
def test_agrees_with_scikit_image(shape):
    a = random_image(shape)
    b = noisy(a)
    peak = skimage_metrics.peak_signal_noise_ratio(a, b)
    similarity = skimage_metrics.structural_similarity(
        a,
        b,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=2 if len(shape) == 3 else None,
    )
    assert metrics.psnr(a, b, luma=False) == pytest.approx(peak, abs=1e-10)
    assert metrics.ssim(a, b, luma=False) == pytest.approx(similarity, abs=1e-10)


@pytest.mark.parametrize('measure', [metrics.psnr, metrics.ssim])
@pytest.mark.parametrize('luma', [True, False])
def test_invariants(measure, luma):
    a = random_image((24, 20, 3))
    b = noisy(a)
    before = a.copy(), b.copy()
    value = measure(a, b, luma=luma)
    assert measure(b, a, luma=luma) == value
    assert measure(a[::-1], b[::-1], luma=luma) == pytest.approx(value, abs=1e-9)
    assert measure(a.swapaxes(0, 1), b.swapaxes(0, 1), luma=luma) == pytest.approx(value, abs=1e-9)
    assert measure((a / 255).astype(np.float32), b / 255, luma=luma) == value
    assert measure(a, noisy(noisy(b, 2), 3), luma=luma) < value
    np.testing.assert_array_equal((a, b), before)


@pytest.mark.parametrize('measure', [metrics.psnr, metrics.ssim])
def test_gray_with_and_without_channel_axis(measure):
    a = random_image((20, 20))
    b = noisy(a)
    value = measure(a, b)
    assert measure(a[:, :, np.newaxis], b[:, :, np.newaxis]) == value
    assert measure(a[:, :, np.newaxis], b) == value
    assert measure(a, b, luma=False) == value


@pytest.mark.parametrize('measure', [metrics.psnr, metrics.ssim])
def test_border_is_cropped(measure):
    a = random_image((24, 30, 3))
    b = noisy(a)
    expected = measure(a[2:-2, 3:-3], b[2:-2, 3:-3])
    ruined = b.copy()
    ruined[:2], ruined[-2:], ruined[:, :3], ruined[:, -3:] = 0, 0, 0, 0
    assert measure(a, ruined, border=(2, 3)) == expected
    assert measure(a, b, border=2) == measure(a, b, border=(2, 2))
    assert measure(a, b, border=np.int64(0)) == measure(a, b)


def test_floats_are_rounded_half_up_to_8_bits():
    a = np.array([[0.5, 0.4 / 255, 254.6 / 255, 1 + 1e-7]])
    b = np.array([[128, 0, 255, 255]], np.uint8)
    assert metrics.psnr(a, b) == float('inf')


@pytest.mark.parametrize(
    ('a', 'b', 'border', 'words'),
    [
        (np.zeros((20, 20)), np.zeros((20, 21)), 0, ['(20, 20, 1)', '(20, 21, 1)']),
        (np.zeros((20, 20)), np.zeros((20, 20, 3)), 0, ['(20, 20, 1)', '(20, 20, 3)']),
        (np.zeros((20, 20)), np.zeros((20, 20)), 10, ['border 10', '20×20']),
        (np.zeros((20, 30)), np.zeros((20, 30)), (2, 15), ['border (2, 15)', '20×30']),
        (np.zeros((20, 20)), np.zeros((20, 20)), -1, ['border -1']),
        (np.zeros((20, 20)), np.zeros((20, 20)), 1.5, ['border 1.5']),
        (np.zeros((20, 20)), np.zeros((20, 20)), (1, 2, 3), ['border (1, 2, 3)']),
        (np.full((20, 20), np.nan), np.zeros((20, 20)), 0, ['a:', 'NaN']),
        (np.zeros((20, 20)), np.full((20, 20), np.inf), 0, ['b:', 'inf']),
        (np.zeros((20, 20)), np.full((20, 20), 255.0), 0, ['b:', '255', 'divide by 255']),
        (np.zeros((20, 20), np.uint16), np.zeros((20, 20)), 0, ['a:', 'uint16', '65535']),
        (np.zeros((20, 20), bool), np.zeros((20, 20)), 0, ['a:', 'bool']),
        (np.zeros((20, 20, 4)), np.zeros((20, 20, 3)), 0, ['(20, 20, 4)', '(20, 20, 3)']),
        (np.zeros((20, 20, 0)), np.zeros((20, 20, 0)), 0, ['a:', '(20, 20, 0)']),
        (np.zeros((2, 20, 20, 1)), np.zeros((2, 20, 20, 1)), 0, ['a:', '(2, 20, 20, 1)']),
        (np.zeros((0, 20)), np.zeros((0, 20)), 0, ['a:', '(0, 20, 1)']),
    ],
)
@pytest.mark.parametrize('measure', [metrics.psnr, metrics.ssim])
def test_errors(measure, a, b, border, words):
    with pytest.raises(ValueError) as caught:
        measure(a, b, border=border)
    message = str(caught.value)
    assert '\n' not in message
    for word in words:
        assert word in message


def test_scores_of_a_result():
    image = random_image((24, 30, 3))
    other = noisy(image)
    found = metrics.scores(other, image, metrics.scale_border((1.5, 3)))
    assert found == {
        'psnr': metrics.psnr(image, other, border=(2, 3)),
        'ssim': metrics.ssim(image, other, border=(2, 3)),
    }
    assert metrics.scores(image, image, 2)['psnr'] == float('inf')
    with pytest.raises(ValueError, match=r'^x\.png: .*border 12'):
        metrics.scores(image, image, 12, name='x.png')


@pytest.mark.parametrize('channels', [2, 4, 5, 7])
def test_other_channels_than_gray_and_rgb_are_all_measured(channels):
    a = random_image((24, 20, channels))
    b = noisy(a)
    each = [metrics.psnr(a[:, :, c], b[:, :, c], border=2) for c in range(channels)]
    mean = -10 * np.log10(np.mean([10 ** (-value / 10) for value in each]))
    assert metrics.psnr(a, b, border=2) == pytest.approx(mean, abs=1e-9)
    each = [metrics.ssim(a[:, :, c], b[:, :, c], border=2) for c in range(channels)]
    assert metrics.ssim(a, b, border=2) == pytest.approx(np.mean(each), abs=1e-9)
    assert metrics.psnr(a, b, luma=False) == metrics.psnr(a, b)
    with pytest.raises(ValueError, match=rf'\(24, 20, {channels}\) has no luma'):
        metrics.rgb_to_luma(a)


def test_ssim_needs_one_whole_window():
    image = random_image((14, 20))
    with pytest.raises(ValueError, match='10×16'):
        metrics.ssim(image, image, border=2)


@pytest.mark.parametrize('method', PUBLISHED)
def test_published_results(method):
    if not SHARED.is_dir():
        pytest.skip(f'no benchmark images in {SHARED}')
    for name, expected in zip(NAMES, PUBLISHED[method], strict=True):
        with Image.open(SHARED / 'HR' / f'{name}.png') as truth:
            truth = np.asarray(truth)
        with Image.open(SHARED / f'published_{method}' / f'{name}.png') as result:
            result = np.asarray(result)
        # The table has two decimals, so half of the last one is as close as it can get.
        assert metrics.psnr(result, truth, border=2) == pytest.approx(expected, abs=0.0051)
