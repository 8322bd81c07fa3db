"""work.py: the work of an image, ahead and while it is done."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import TINY

from configs import Config, get_config
from learning import resizing
from learning.work import COSTS, PASSES, Work, with_margins


def test_the_plan_of_a_small_image_by_hand():
    conf = Config(width=4, depth=2, crop_size=10, max_iters=7, run_test_every=3, back_projection_iters=[2])
    conf.output_flip = False
    work, costs = Work(conf, (20, 30, 3)), COSTS['float32']
    network = 2 * 3 * 3 * 3 * 4
    training = 7 * 100 * (PASSES * network + costs.pair) + 3 * 600 * (network + costs.interpolation)
    output = 2400 * (network + costs.interpolation) + 2 * 2 * (2400 + 600) * costs.resize
    assert work.ahead == pytest.approx(training + output) and work.share == 0
    assert Work(replace(conf, save_results=True), (20, 30, 3)).ahead == pytest.approx(
        training + output + 2400 * costs.writing
    )


def test_views_rounds_truths_and_scales_are_more_work():
    def ahead(has_truth=False, **changes):
        return Work(
            replace(get_config('X2_FAST_REAL_CONF'), **changes), (200, 200, 3), has_truth=has_truth
        ).ahead

    least = ahead(rounds=1)
    assert ahead() > least and ahead(rounds=1, output_flip=True) > least
    assert ahead(rounds=1, has_truth=True) > least
    steps = {'scale_factors': [2, 4], 'back_projection_iters': [0, 0]}
    assert ahead(rounds=1, **steps, base_change_sfs=[2]) > 2 * least


@pytest.mark.parametrize(('side', 'total'), [(5, 5), (10, 10), (11, 11 + 3), (25, 12 + 14 + 7)])
def test_tiles_with_their_margins(monkeypatch, side, total):
    monkeypatch.setattr(resizing, 'TILE', 10)
    assert with_margins(0, side, side, 2) == total


@pytest.mark.parametrize(
    'changes',
    [
        {},
        {'output_flip': True},
        {'rate_policy': 'linear', 'rounds': 2},
        {'rate_policy': 'linear', 'rounds': 2, 'output_flip': True, 'round_flip': False},
        {'rate_policy': 'linear', 'rounds': 2, 'merge_views': 'mean'},
        {'scale_factors': [1.5, 2]},
        {'scale_factors': [2, 4], 'base_change_sfs': [2]},
        {'network_grid': 'low'},
        {'scale_factors': [[1, 2]], 'output_flip': True, 'max_iters': 1},
    ],
)
@pytest.mark.parametrize('truth', [False, True])
def test_as_much_is_done_as_was_planned(make_net, image, monkeypatch, changes, truth):
    monkeypatch.setattr(resizing, 'TILE', 25)
    scale = np.broadcast_to({**TINY, 'scale_factors': [2], **changes}['scale_factors'][-1], 2)
    net = make_net(ground_truth=np.zeros((*(20, 24) * scale, 3)) if truth else None, **changes)
    planned, told = net.work.ahead, []
    net.progress = lambda net: told.append((net.phase, net.share))
    net.run()
    assert net.work.done == pytest.approx(planned, rel=0.05) and net.work.ahead == 0
    phases, shares = zip(*told, strict=True)
    assert set(phases) == {'training', 'enlarging', 'done'} and phases[-1] == 'done'
    assert list(shares) == sorted(shares) and shares[-1] == 1 and 0 < shares[0] < 1


def test_a_training_that_ends_early_leaves_less_ahead(make_net):
    net = make_net(max_iters=2000, min_iters=10, learning_rate=1e-30, run_test_every=10)
    net.conf.learning_rate_policy_check_every, net.conf.learning_rate_slope_range = 60, 60
    planned = net.work.ahead
    net.run()
    assert len(net.loss) < 2000 and net.work.done < planned and net.share == 1


def test_what_is_written_is_a_phase(make_net, tmp_path):
    net = make_net(save_results=True, result_path=str(tmp_path))
    phases = []
    net.progress = lambda net: phases.append(net.phase)
    net.run()
    assert [p for p, q in zip(phases, [None, *phases], strict=False) if p != q] == [
        *('training', 'enlarging', 'writing', 'done')
    ]
    net.network.notify(1)
    assert phases[-1] == 'done' and net.share == 1


def test_every_tile_is_heard_of(make_net, monkeypatch):
    monkeypatch.setattr(resizing, 'TILE', 10)
    net = make_net(back_projection_iters=[0])
    phases = []
    net.progress = lambda net: phases.append(net.phase)
    net.run()
    assert phases.count('enlarging') == 1 + 4 * 5
