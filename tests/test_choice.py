"""choice.py: what suits an image, and that nothing is decided that is not left to it."""

import numpy as np
import pytest
from helpers.command_line import PROJECT

from blind.choice import choose, fields_for
from blind.estimate import gaussian_kernel
from blind.examples import compressed
from blind.gaussian import Covariance
from configs import Config, get_config
from files.pictures import read_image, write_png
from imresize import imresize, imresize_matlab


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """Files of one photograph: shrunk bicubically, or blurred; as it is, noisy, or compressed."""
    hr = read_image(PROJECT / 'test_data' / 'ideal_x3' / 'photographer_gt.png').pixels
    folder, rng = tmp_path_factory.mktemp('images'), np.random.RandomState(0)
    made = {
        'bicubic': imresize_matlab(hr, 0.5),
        'blurred': imresize(hr, 0.5, kernel=gaussian_kernel(Covariance(2.5, 1.6, 0.5), (2, 2))),
    }
    for name in list(made):
        made[f'{name} noisy'] = made[name] + 6 / 255 * rng.standard_normal(made[name].shape)
        pixels = np.rint(np.clip(made[name], 0, 1) * 255).astype(np.uint8)
        made[f'{name} compressed'] = compressed(pixels, 45) / 255
    for name, pixels in made.items():
        write_png(folder / f'{name}.png', np.clip(pixels, 0, 1))
    return {name: folder / f'{name}.png' for name in made}


@pytest.mark.parametrize('damage', ['', ' noisy', ' compressed'])
@pytest.mark.parametrize('blur', ['bicubic', 'blurred'])
def test_every_kind_of_image_gets_what_suits_it(images, blur, damage):
    choice = choose(images[blur + damage], get_config('AUTO'))
    assert (choice.kernels is None) == (blur == 'bicubic')
    assert (choice.conf.back_projection_iters == [0]) == bool(damage)
    assert (choice.conf.noise_std > 0.01) == bool(damage)
    assert choice.conf.output_flip == choice.conf.augment_allow_rotation == (blur == 'bicubic')
    assert ('JPEG 45' in choice.note) == (damage == ' compressed')
    choice.conf.validate()


def test_noise_is_that_of_a_colour_in_grey_levels(images, tmp_path):
    choice = choose(images['bicubic noisy'], get_config('AUTO'))
    assert choice.found['noise'][0] == pytest.approx(6, rel=0.2)
    rgb = np.repeat(read_image(images['bicubic']).pixels, 3, axis=2)
    rgb += np.float32(6 / 255) * np.random.RandomState(0).standard_normal(rgb.shape)
    write_png(tmp_path / 'rgb.png', np.clip(rgb, 0, 1))
    assert choose(tmp_path / 'rgb.png', get_config('AUTO')).found['noise'][0] == pytest.approx(6, rel=0.2)


def test_what_is_not_left_to_the_image_stays(images):
    conf = Config(noise_std=0.5, from_image=['back_projection_iters'])
    choice = choose(images['blurred noisy'], conf, kernels=['mine'])
    assert choice.kernels == ['mine'] and choice.found['chosen'] == {'back_projection_iters': [0]}
    assert choice.conf == Config(
        noise_std=0.5, from_image=['back_projection_iters'], back_projection_iters=[0]
    )
    assert conf.back_projection_iters == [10]


@pytest.mark.parametrize(('noise_std', 'expected'), [(0.0, 0.002), (0.01, 0.01)])
def test_an_estimated_kernel_brings_a_little_noise(images, noise_std, expected):
    choice = choose(images['blurred'], Config(noise_std=noise_std, from_image=['kernel']))
    assert choice.kernels and choice.conf.noise_std == expected
    assert choice.conf == Config(noise_std=expected, from_image=['kernel'])
    assert ('noise_std' in choice.found['chosen']) == (noise_std == 0)
    none = choose(images['bicubic'], Config(noise_std=noise_std, from_image=['kernel']))
    assert none.kernels is None and none.conf.noise_std == noise_std


def test_noise_that_a_preset_does_not_heed_is_told(images):
    heedless, heeding = (
        choose(images['blurred noisy'], Config(noise_std=noise_std, from_image=['kernel'])).note
        for noise_std in (0.0, 0.04)
    )
    assert 'will be strengthened: AUTO' in heedless and 'strengthened' not in heeding
    assert 'strengthened' not in choose(images['blurred'], Config(from_image=['kernel'])).note
    assert 'strengthened' not in choose(images['blurred noisy'], get_config('AUTO')).note


def test_noise_and_compression_ask_for_noise_on_sons():
    clean, blurred = fields_for(False, 0.4, None, 2), fields_for(True, 0.4, None, 1)
    assert clean['noise_std'] == 0 < blurred['noise_std'] < 0.005
    assert clean['back_projection_iters'] == [2, 2] and blurred['back_projection_iters'] == [4]
    noises = [fields_for(False, noise, None, 1)['noise_std'] for noise in (2, 5, 10)]
    qualities = [fields_for(False, 0, quality, 1)['noise_std'] for quality in (80, 60, 30)]
    for rising in (noises, qualities):
        assert rising == sorted(rising) and rising[0] > 0
    assert fields_for(False, 0, 97, 1) == fields_for(False, 0, None, 1)


def test_with_a_kernel_even_a_little_noise_is_on_the_sons():
    assert [fields_for(True, noise, None, 1)['noise_std'] for noise in (0.2, 1.0)] == [0.002, 0.0031]
    assert fields_for(False, 1.0, None, 1)['noise_std'] == 0
