"""quick_test.py: what it looks at, and what it measures."""

import numpy as np
import pytest

from imresize import imresize
from learning.quick_test import quick_test_windows


def in_step(rng, follower):
    return rng.rand() == follower.rand()


def test_quick_test_measures_network_and_interpolation(make_net, image):
    truth = np.clip(imresize(image, 2, kernel='lanczos3'), 0, 1)
    net = make_net(ground_truth=truth, upscale_method='linear')
    net.train()
    son = net.father_to_son(image)
    images = {
        'mse': net.forward_pass(image) - net.gt,
        'mse_rec': net.forward_pass(son, image.shape) - image,
        'interp_mse': imresize(image, 2, kernel='linear') - net.gt,
        'interp_rec_mse': imresize(son, 2, image.shape, 'linear') - image,
    }
    assert net.mse_steps == [0, 2]
    for name, difference in images.items():
        history = getattr(net, name)
        assert len(history) == 2
        assert history[-1] == pytest.approx(np.square(difference).mean(), rel=1e-4), name


@pytest.mark.parametrize('shape', [(1000, 1000), (20, 24), (1, 10**6)])
def test_up_to_a_megapixel_the_quick_test_looks_at_everything(shape):
    assert quick_test_windows(shape, shape) == [(0, shape[0], 0, shape[1])]


@pytest.mark.parametrize('shape', [(1000, 1001), (3000, 4000), (500, 9000)])
@pytest.mark.parametrize('sf', [1, 2])
def test_beyond_a_megapixel_it_looks_at_sixteen_windows(shape, sf):
    large = (shape[0] * sf, shape[1] * sf, 3)
    windows = quick_test_windows(large, shape)
    seen = sum((bottom - top) * (right - left) for top, bottom, left, right in windows)
    assert len(set(windows)) == 16
    assert seen == pytest.approx(1e6 * sf**2, rel=0.02)
    assert min(min(window) for window in windows) == 0
    assert max(window[1] for window in windows) == large[0]
    assert max(window[3] for window in windows) == large[1]


def test_windows_draw_as_much_and_measure_what_they_show(make_net, image, monkeypatch):
    whole, part = make_net(ground_truth=imresize(image, 2).clip(0, 1)), make_net()
    whole.quick_test()
    monkeypatch.setattr('learning.quick_test.QUICK_TEST_PIXELS', 200)
    part.quick_test()
    son = part.father_to_son(image)
    difference = np.square(part.forward_pass(son, image.shape) - image)
    shown = [
        difference[t:b, left:right] for t, b, left, right in quick_test_windows(image.shape, image.shape)
    ]
    assert part.mse_rec == [pytest.approx(np.mean(shown), rel=1e-4)]
    assert part.mse_rec != whole.mse_rec
    whole.father_to_son(image)
    assert in_step(part.rng, whole.rng)
