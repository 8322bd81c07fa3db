"""estimator.py: mirrored images have mirrored blurs, and images the networks have not seen tell theirs."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import tolerances
from test_gaussian import fractal, shrunk

from blind import estimator
from blind.estimator import LARGEST_FACT, LAYERS, WEIGHTS, ask, gather, mirrored, read_networks, respond
from blind.examples import SOFT_SHARES
from blind.gaussian import Covariance
from blind.spectra import amplitude_logarithms


@pytest.fixture(scope='module')
def evidence():
    return gather(np.float32(np.clip(shrunk(fractal(), 3.0, 1.2, 0.5), 0, 1)))


def test_the_weights_are_small_and_of_the_layers():
    assert WEIGHTS.stat().st_size < 200_000
    networks = read_networks()
    assert len(networks) == len(SOFT_SHARES)
    for weights in networks:
        for number, shape in enumerate(LAYERS):
            assert weights[f'filter_{number}'].shape == shape and weights[f'bias_{number}'].shape == shape[1:]
        assert sorted(weights) == sorted(
            [*(f'{kind}_{n}' for kind in ('filter', 'bias') for n in range(len(LAYERS))), 'mean', 'skip']
        )


@pytest.mark.parametrize(('mirror', 'turn'), [(1, lambda x: x[:, ::-1]), (2, lambda x: x.swapaxes(1, 2))])
def test_spectra_are_mirrored_as_their_patches_are(mirror, turn):
    patches = np.random.RandomState(0).rand(3, 16, 16).astype(np.float32)
    # A spectrum's window is symmetric about its middle pixel, not about the middle of the patch.
    patches[:, 0] = patches[:, :, 0] = 0
    turned = turn(patches)
    turned = np.roll(turned, 1, axis=1) if mirror == 1 else turned
    expected = amplitude_logarithms(turned).reshape(3, -1)
    found, _ = mirrored(amplitude_logarithms(patches).reshape(3, -1), np.zeros(7))
    np.testing.assert_allclose(found[mirror], expected, atol=1e-3)


def test_mirrored_images_have_mirrored_blurs():
    image = np.float32(np.clip(shrunk(fractal(), 3.0, 1.2, 0.5), 0, 1))
    found, odds = ask(gather(image))
    for other, sign in ((image.swapaxes(0, 1), 1), (image[:, ::-1], -1)):
        blur, again = ask(gather(other))
        expected = (found.xx, found.yy) if sign == 1 else (found.yy, found.xx)
        np.testing.assert_allclose((blur.yy, blur.xx), expected, rtol=0.05)
        assert blur.xy == pytest.approx(sign * found.xy, abs=0.05) and again == pytest.approx(odds, abs=0.5)


def test_patches_count_in_no_order(evidence):
    for weights in read_networks():
        facts, patches = evidence.facts[None], evidence.patches[None] - weights['mean']
        answer, again = (respond(np, weights, each, facts) for each in (patches, patches[:, ::-1]))
        np.testing.assert_allclose(answer, again, rtol=1e-3)


def test_both_decide_and_the_second_and_the_fit_tell_the_width(monkeypatch, evidence):
    answers = iter([[1, 0, 0, 4], [2, 0.5, 0.25, -1]])
    monkeypatch.setattr(estimator, '_answer', lambda weights, evidence: next(answers))
    facts = np.array([9, 9, 9, 3, -0.5, 0.75, 0], np.float32)
    assert ask(replace(evidence, facts=facts)) == (Covariance(2.5, 2.5, 0.5), 1.5)


def test_a_fit_that_is_as_good_as_none_tells_no_width(monkeypatch, evidence):
    monkeypatch.setattr(estimator, '_answer', lambda weights, evidence: [2, 0.5, 0.25, -1])
    facts = np.array([0, 0, 0, LARGEST_FACT, 0, 0, 0], np.float32)
    assert ask(replace(evidence, facts=facts))[0] == Covariance(2.5, 1.5, 0.25)


@pytest.mark.parametrize('noise', [0, 3])
def test_the_blur_of_a_fractal_is_told(noise):
    rng = np.random.RandomState(0)
    for truth in ((2.0, 2.5, 0.9), (3.0, 1.2, 0)):
        image = shrunk(fractal(), *truth)
        noisy = np.clip(np.rint(255 * image + noise * rng.standard_normal(image.shape)), 0, 255) / 255
        found, odds = ask(gather(np.float32(noisy)))
        np.testing.assert_allclose((found.yy, found.xx, found.xy), truth, atol=2 * tolerances.BLUR)
        assert odds < 0
