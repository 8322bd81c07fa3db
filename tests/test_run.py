"""What a run leaves and refuses, at the edges."""

import numpy as np
import pytest

from configs import Config
from learning.network import design_for
from ZSSR import ZSSR


def test_a_small_image_is_scored_whatever_its_factors(make_net, image):
    picture = image[:16, :16]
    truth = np.random.RandomState(0).rand(16, 64, 3)
    net = make_net(picture, truth, scale_factors=[[1, 4]])
    net.run()
    assert np.isfinite([net.records[0]['psnr'], net.records[0]['ssim']]).all()


def test_a_second_run_is_refused(make_net):
    net = make_net()
    net.run()
    with pytest.raises(ValueError, match='has run already'):
        net.run()


def test_the_name_of_an_array_is_its_whole_stem(make_net, tmp_path):
    net = make_net(name='scan.v2', save_results=True, result_path=str(tmp_path / 'new'))
    net.run()
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['scan.v2_zssr_X2.00X2.00.png']


def test_a_figure_can_be_drawn_before_training(make_net):
    assert make_net().plot().subfigs[1].axes == []


def test_a_factor_with_floating_point_noise_gives_the_right_size(make_net, image):
    net = make_net(np.tile(image, (1, 2, 1))[:, :30], scale_factors=[[2.7, 2.7]])
    assert net.run().shape == (54, 81, 3)


def test_gradual_base_change_at_another_factor_gives_the_right_size(make_net, image):
    conf = Config(scale_factors=[2, 4], base_change_sfs=[2], back_projection_iters=[1, 1]).at_scale(3)
    changes = {'width': 4, 'depth': 3, 'crop_size': 16, 'max_iters': 2, 'save_results': False}
    for name, value in changes.items():
        setattr(conf, name, value)
    assert make_net(image[:16, :17], conf=conf, back_projection_iters=[1, 1]).run().shape == (48, 51, 3)


def test_progress_is_told_after_every_quick_test_and_never_within_one(make_net, image, shared_network):
    told = []

    def tests(net):
        (count,) = {len(errors) for errors in (net.mse_steps, net.mse_rec, net.interp_rec_mse)}
        return count

    conf = Config(width=4, depth=3, crop_size=16, max_iters=5, run_test_every=2, save_results=False)
    ZSSR(
        image,
        conf,
        network=shared_network(design_for(conf, 3)),
        progress=lambda net: told.append((net.iter, tests(net))),
    ).run()
    assert list(dict.fromkeys(told)) == [(0, 0), (0, 1), (2, 1), (2, 2), (4, 2), (4, 3)]
