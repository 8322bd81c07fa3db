"""network.py: the Keras model against its NumPy twin, what makes it another, and who shares it."""

import numpy as np
import pytest
from helpers import tolerances
from helpers.networks import forward, random_filters

from configs import Config
from learning.network import build_model, design_for
from ZSSR import ZSSR


def test_a_used_network_gives_what_a_fresh_one_does(make_net, image):
    fresh = make_net(share=False)
    expected = fresh.run()
    used = make_net(image[::-1], seed=9)
    used.run()
    again = make_net()
    assert again.network is used.network is not fresh.network
    np.testing.assert_array_equal(again.run(), expected)
    assert again.loss == fresh.loss


def test_networks_are_not_shared_unasked(make_net):
    one, other = make_net(share=False), make_net(share=False)
    before = other.model.get_weights()
    one.run()
    assert one.network is not other.network
    for untouched, weights in zip(before, other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(untouched, weights)
    assert other.loss == []
    assert other.hr_fathers_sources == [other.input]
    np.testing.assert_array_equal(one.final_sr, other.run())


@pytest.mark.parametrize('changes', [{'width': 5}, {'depth': 2}, {'learn_residual': False}])
def test_a_network_of_another_design_is_left_alone(net, image, changes):
    settings = {'width': 4, 'depth': 3, 'crop_size': 16, 'max_iters': 1, 'save_results': False}
    conf = Config(**settings | changes)
    assert ZSSR(image, conf, network=net).network is not net
    assert ZSSR(image[..., 0], Config(**settings), network=net).network is not net
    assert ZSSR(image, Config(**settings), network=net).network is net


@pytest.mark.parametrize('learn_residual', [True, False])
def test_model_equals_its_numpy_twin(learn_residual):
    conf = Config(width=4, depth=3, learn_residual=learn_residual)
    model = build_model(design_for(conf, 3))
    model.set_weights(random_filters(1))
    image = np.random.RandomState(2).rand(9, 13, 3).astype(np.float32)
    expected = forward(image, random_filters(1), learn_residual)
    np.testing.assert_allclose(model(image[None])[0], expected, rtol=0, atol=tolerances.FLOAT32)


@pytest.mark.parametrize(('channels', 'depth', 'width'), [(3, 8, 64), (1, 2, 5), (3, 5, 7)])
def test_model_has_the_configured_convolutions_and_no_bias(channels, depth, width):
    design = design_for(Config(depth=depth, width=width), channels)
    model = build_model(design)
    assert tuple(weights.shape for weights in model.get_weights()) == design.filter_shapes
    rng = np.random.default_rng(0)
    filters = [rng.normal(0, (2 / np.prod(shape[:3])) ** 0.5, shape) for shape in design.filter_shapes]
    model.set_weights(filters)
    image = rng.random((9, 13, channels), np.float32)
    expected = forward(image, filters)
    np.testing.assert_allclose(model(image[None])[0], expected, rtol=0, atol=tolerances.NETWORK)


@pytest.mark.parametrize(
    'changes',
    [
        {'width': 5},
        {'depth': 4},
        {'learn_residual': False},
        {'precision': 'bfloat16'},
        {'network_grid': 'low'},
        {'jit_compile': True},
        {'optimizer': 'muon'},
        {'batch_size': 2},
    ],
)
def test_whatever_changes_the_network_changes_its_design(changes):
    conf = Config(**{'width': 4, 'depth': 3, **changes})
    assert design_for(conf, 3) != design_for(Config(width=4, depth=3), 3)
    assert design_for(conf, 3) != design_for(conf, 1)


def test_pieces_are_one_training(make_net, monkeypatch):
    """Whole portions of the loop, so that no bit changes."""
    from learning import loop, network

    monkeypatch.setattr(loop, 'FATHER_PIXELS', 16 * 16 * 2)
    monkeypatch.setattr(network, 'FATHER_PIXELS', 16 * 16 * 2)
    whole = make_net(share=False, max_iters=11, run_test_every=11)
    assert whole.network.pieces(list(range(11)), 16) == [list(range(11))]
    whole.run()
    monkeypatch.setattr(network, 'PIECE', 1)
    pieces = make_net(share=False, max_iters=11, run_test_every=11)
    assert [len(rates) for rates in pieces.network.pieces(list(range(11)), 16)] == [2, 2, 2, 2, 2, 1]
    told = []
    pieces.progress = lambda net: told.append(len(net.loss))
    np.testing.assert_array_equal(pieces.run(), whole.final_sr)
    assert pieces.loss == whole.loss and {1, 3, 5, 7, 9, 11} <= set(told)
