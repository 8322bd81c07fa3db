"""enlarge(): what is given comes back enlarged, in its own type, units, channels and dimensions."""

import numpy as np
import pytest
from helpers.pictures import refusal, samples, save

from configs import Config
from ZSSR import ZSSR, enlarge

pytestmark = pytest.mark.usefixtures('shared_networks')

CONF = Config(
    **{'width': 4, 'depth': 3, 'crop_size': 16, 'max_iters': 2, 'run_test_every': 2, 'seed': 1},
    **{'output_flip': False, 'back_projection_iters': [1]},
)


@pytest.mark.parametrize('dtype', ['uint8', 'uint16', 'int16', 'uint32', 'int64', 'float32', 'float64'])
@pytest.mark.parametrize('shape', [(20, 24), (20, 24, 1), (20, 24, 3), (20, 24, 5), (2, 20, 24, 2)])
def test_what_is_given_comes_back(dtype, shape):
    given = np.random.RandomState(0).uniform(20, 120, shape).astype(dtype)
    before = given.copy()
    sr = enlarge(given, CONF)
    first = len(shape) - 2 if len(shape) < 3 else len(shape) - 3
    assert sr.dtype == given.dtype
    assert sr.shape == tuple(2 * n if axis in (first, first + 1) else n for axis, n in enumerate(shape))
    assert abs(float(sr.mean()) - float(given.mean())) < 6
    np.testing.assert_array_equal(given, before)


@pytest.mark.parametrize('channels', [2, 4])
def test_alpha_is_interpolated_and_channels_are_learned(channels):
    given = samples(channels)
    given[:, :, -1] = 255
    assert enlarge(given, CONF)[:, :, -1].min() == 255
    assert enlarge(given, CONF, has_alpha=False).shape == (34, 38, channels)


def test_floats_are_those_of_a_run():
    given = np.random.RandomState(0).rand(20, 24, 3)
    np.testing.assert_array_equal(enlarge(given, CONF), ZSSR(given, CONF).run())


def test_a_file_comes_back_in_its_own_type(tmp_path):
    path = save(tmp_path / 'a.png', samples(3))
    sr = enlarge(path, CONF)
    assert sr.dtype == np.uint8 and sr.shape == (34, 38, 3)
    np.testing.assert_array_equal(sr, enlarge(samples(3), CONF))


def test_a_hot_pixel_stays_hot():
    given = np.random.RandomState(0).uniform(100, 4000, (60, 60))
    given[30, 30] = 65000
    assert enlarge(given, CONF).max() > 40000


def test_it_writes_nothing_and_leaves_the_configuration_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    conf = CONF.copy()
    conf.save_results = True
    enlarge(samples(1), conf)
    assert not list(tmp_path.iterdir()) and conf == Config(**vars(CONF) | {'save_results': True})


def test_without_a_configuration_the_image_tells_what_it_needs(monkeypatch):
    asked = []

    class Watcher(ZSSR):
        def __init__(self, pictures, conf, **rest):
            asked.append(conf)
            for name, value in vars(CONF).items():
                if name not in ('noise_std', 'value_range'):
                    setattr(conf, name, value)
            super().__init__(pictures, conf, **rest)

    monkeypatch.setattr('ZSSR.ZSSR', Watcher)
    noisy = np.random.RandomState(0).normal(1000, 100, (120, 120))
    assert enlarge(noisy).shape == (240, 240)
    assert asked[0].noise_std > 0.01


def test_what_cannot_be_used_is_named(tmp_path):
    assert 'image: shape (20,)' in refusal(enlarge, np.zeros(20), CONF)
    assert 'no such file' in refusal(enlarge, tmp_path / 'a.png', CONF, error=FileNotFoundError)
    with pytest.raises(ValueError, match='NaN'):
        enlarge(np.full((20, 20), np.nan), CONF)
