"""degradations.py: kernels and noise follow their distributions, and come again from the same seed."""

import re
from pathlib import Path

import numpy as np
import pytest
from helpers import tolerances
from PIL import Image
from scipy import ndimage

from files.kernels import read_kernel
from imresize import imresize_matlab
from paper.degradations import (
    DEGRADATIONS,
    add_noise,
    add_speckle,
    compress,
    crop_to_multiple,
    degrade,
    draw_kernel,
    generator_for,
    mix,
    shrink_by_kernel,
)

SIX = Path(__file__).parents[2] / 'shared' / 'data' / 'BSD100_random_kernels'


class Draws:
    """A generator whose draws are given."""

    def __init__(self, variances, theta):
        self.answers = [np.array(variances), theta]

    def uniform(self, low, high, size=None):
        return self.answers.pop(0)


def test_an_image_draws_the_same_numbers_in_any_company():
    again = [generator_for(seed, name).rand() for seed, name in [(0, 'a'), (0, 'a'), (1, 'a'), (0, 'b')]]
    assert again[0] == again[1]
    assert len(set(again)) == 3
    assert again[0] == np.random.RandomState([0, 0xE8B7BE43]).rand()  # the CRC-32 of 'a'


@pytest.mark.parametrize(('scale', 'shape'), [(2, (16, 18)), (3, (15, 18)), (4, (16, 16))])
def test_crop_to_multiple(scale, shape):
    image = np.arange(17 * 19 * 3).reshape(17, 19, 3)
    cropped = crop_to_multiple(image, scale)
    assert cropped.shape == (*shape, 3)
    np.testing.assert_array_equal(cropped, image[: shape[0], : shape[1]])


def test_kernels_sum_to_one_and_repeat():
    kernels = [draw_kernel(np.random.RandomState(seed)) for seed in range(50)]
    assert all(kernel.shape == (9, 9) and (kernel >= 0).all() for kernel in kernels)
    np.testing.assert_allclose([kernel.sum() for kernel in kernels], 1, atol=tolerances.FLOAT64)
    np.testing.assert_array_equal(draw_kernel(np.random.RandomState(3)), kernels[3])
    assert not np.allclose(kernels[3], kernels[4])


def test_a_kernel_by_hand():
    kernel = draw_kernel(Draws([2.0, 0.5], 0.0))
    # Without rotation the first variance is the vertical one; the centre is between pixels 4 and 5.
    expected = np.exp(
        -0.5 * np.array([[(y - 4.5) ** 2 / 2 + (x - 4.5) ** 2 / 0.5 for x in range(9)] for y in range(9)])
    )
    np.testing.assert_allclose(kernel, expected / expected.sum(), atol=tolerances.FLOAT64)
    turned = draw_kernel(Draws([2.0, 0.5], np.pi / 2))
    np.testing.assert_allclose(turned, kernel.T, atol=tolerances.FLOAT64)


@pytest.mark.parametrize('variances', [[0, 0], [0, 4], [1e-12, 1e-300]])
def test_a_singular_covariance_still_gives_a_kernel(variances):
    kernel = draw_kernel(Draws(variances, 0.3))
    assert np.isfinite(kernel).all()
    assert kernel.sum() == pytest.approx(1)


def test_shrinking_keeps_every_second_blurred_pixel():
    hr = np.random.RandomState(0).randint(0, 256, (20, 24, 3)).astype(np.uint8)
    kernel = draw_kernel(np.random.RandomState(1))
    planes = [
        ndimage.correlate(hr[:, :, c].astype(float), kernel, mode='reflect')[::2, ::2] for c in range(3)
    ]
    np.testing.assert_array_equal(shrink_by_kernel(hr, kernel), np.rint(np.stack(planes, axis=2)))


@pytest.mark.parametrize('name', ['img_007', 'img_100'])
def test_published_images_are_reproduced_without_a_wrong_pixel(name):
    if not SIX.is_dir():
        pytest.skip(f'no benchmark images in {SIX}')
    hr, lr = (np.asarray(Image.open(SIX / folder / f'{name}.png')) for folder in ('HR', 'LR_x2'))
    np.testing.assert_array_equal(shrink_by_kernel(hr, read_kernel(SIX / 'kernels' / f'{name}_0.mat')), lr)


def noise_of(degraded, level):
    return degraded / 255 - level


@pytest.mark.parametrize(
    ('function', 'level', 'deviation'),
    [(add_noise, 0.5, 0.05), (add_speckle, 0.5, 0.025), (add_speckle, 0.8, 0.04)],
)
def test_noise_has_the_deviation_it_should(function, level, deviation):
    gray = np.full((200, 200, 3), level)
    noise = noise_of(function(gray, np.random.RandomState(0)), level)
    assert noise.std() == pytest.approx(deviation, rel=tolerances.NOISE)
    assert abs(noise.mean()) < deviation / 100
    np.testing.assert_array_equal(
        function(gray, np.random.RandomState(0)), function(gray, np.random.RandomState(0))
    )


def test_speckle_is_uniform_and_gaussian_noise_is_not():
    gray = np.full((200, 200, 3), 0.5)
    reach = np.sqrt(3) * 0.025 + 1 / 255
    assert np.abs(noise_of(add_speckle(gray, np.random.RandomState(0)), 0.5)).max() <= reach
    assert np.abs(noise_of(add_noise(gray, np.random.RandomState(0)), 0.5)).max() > 4 * 0.05


def test_speckle_leaves_black_alone_and_noise_is_clipped():
    assert not add_speckle(np.zeros((20, 20, 3)), np.random.RandomState(0)).any()
    assert (add_noise(np.ones((20, 20, 3)), np.random.RandomState(0)) == 255).any()


@pytest.mark.parametrize('channels', [1, 3])
def test_jpeg(channels):
    smooth = np.linspace(0, 1, 24)[:, None, None] * np.ones((24, 32, channels))
    out = compress(smooth, None)
    assert out.shape == smooth.shape
    error = np.abs(out / 255 - smooth)
    assert 0 < error.max() < 0.1


def test_jpeg_halves_the_resolution_of_chroma():
    gray_in_colour = np.full((32, 32, 3), 0.5)
    gray_in_colour[:, 15::2, 0] = 0.9  # red stripes of one pixel
    out = compress(gray_in_colour, None).astype(float)
    chroma = out[:, :, 0] - out[:, :, 1]
    assert chroma[:, 16:].std() < 0.5 * 0.4 * 255 / 2


def test_degradations_are_drawn_alike_and_applied_before_rounding():
    hr = np.random.RandomState(0).randint(0, 256, (16, 16, 3)).astype(np.uint8)
    drawn = [degrade(hr, generator_for(0, f'img_{n}'))[1] for n in range(300)]
    assert {name: 70 < drawn.count(name) < 130 for name in DEGRADATIONS} == dict.fromkeys(DEGRADATIONS, True)
    for name in ('img_1', 'img_2', 'img_3'):
        lr, kind = degrade(hr, generator_for(0, name))
        rng = generator_for(0, name)
        rng.randint(3)
        expected = DEGRADATIONS[kind](np.clip(imresize_matlab(hr / 255, 0.5), 0, 1), rng)
        np.testing.assert_array_equal(lr, expected)


def test_a_mixture_has_a_quarter_of_each_kind():
    hr = np.random.RandomState(0).randint(0, 256, (16, 16, 3)).astype(np.uint8)
    done = [mix(hr, generator_for(0, f'img_{n}'))[1] for n in range(300)]
    kinds = [re.sub(r'[\d. ]+$', '', text) for text in done]
    counts = {kind: kinds.count(kind) for kind in set(kinds)}
    assert sorted(counts) == [
        *('bicubic', 'bicubic, jpeg', 'bicubic, noise', 'random kernel', 'random kernel, noise')
    ]
    damaged = counts.pop('bicubic, jpeg'), counts.pop('bicubic, noise')
    assert all(55 < count < 95 for count in (*counts.values(), sum(damaged))) and min(damaged) > 20
    noises = [float(text.split()[-1]) for text in done if 'noise' in text]
    assert min(noises) < 3 and max(noises) > 9


def test_a_mixture_is_what_it_says():
    hr = np.random.RandomState(0).randint(0, 256, (64, 64, 3)).astype(np.uint8)
    seen = set()
    for number in range(40):
        lr, done = mix(hr, generator_for(0, f'img_{number}'))
        rng = generator_for(0, f'img_{number}')
        rng.randint(4)
        blurred = done.startswith('random kernel')
        clean = shrink_by_kernel(hr, draw_kernel(rng)) if blurred else imresize_matlab(hr, 0.5)
        error = lr.astype(float) - clean
        if 'noise' in done:
            assert error.std() == pytest.approx(float(done.split()[-1]), rel=0.15)
        else:
            assert ('jpeg' in done) == bool(error.any())
        seen.add(done.split(',')[-1].split()[0])
    assert seen == {'bicubic', 'random', 'noise', 'jpeg'}
