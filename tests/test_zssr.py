"""ZSSR.py: filters, training, scales and base changes, and the final output."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import tolerances

from configs import Config
from files.pictures import read_image
from imresize import imresize, kernel_shift
from learning.network import design_for
from learning.output import BackProjection
from utils import back_projection, random_augment
from ZSSR import ZSSR

GRADUAL = {'scale_factors': [[2.0, 2.0], [4.0, 4.0]], 'base_change_sfs': [[2.0, 2.0]]}


NAMES = """build_network forward_backward_pass forward_pass learning_rate_policy quick_test train
father_to_son final_test base_change plot input gt gt_per_sf kernels kernel sf base_sf sf_ind output_shape
iter learning_rate loss mse mse_rec interp_mse interp_rec_mse mse_steps learning_rate_change_iter_nums
hr_father lr_son train_output sr final_sr file_name rng model"""


class Watcher(ZSSR):
    """Keeps what holds before and after each training."""

    def __init__(self, *arguments, **options):
        self.starts, self.ends = [], []
        super().__init__(*arguments, **options)

    def train(self):
        self.starts.append(SimpleNamespace(**{name: getattr(self, name) for name in NAMES.split()}))
        super().train()
        self.ends.append(SimpleNamespace(**{name: getattr(self, name) for name in NAMES.split()}))


def test_after_a_base_change_the_output_is_the_input(make_net, image):
    net = make_net(cls=Watcher, ground_truth=np.clip(imresize(image, 4), 0, 1), **GRADUAL)
    sr = net.run()
    first, second = net.starts
    assert first.input is not second.input is net.hr_fathers_sources[1]
    assert [im.shape[:2] for im in net.hr_fathers_sources] == [(20, 24), (40, 48), (80, 96)]
    assert sr.shape == (80, 96, 3)
    for start, base, shape in ((first, 1, (40, 48)), (second, 2, (80, 96))):
        assert (*start.sf, *start.base_sf) == (2, 2, base, base)
        assert tuple(start.output_shape[:2]) == start.gt_per_sf.shape[:2] == shape
    np.testing.assert_allclose(first.gt_per_sf, imresize(net.gt, 0.5), atol=tolerances.FLOAT64)
    assert second.gt_per_sf is net.gt


def test_back_projection_compares_with_the_new_base(make_net, monkeypatch):
    compared = []

    class Spy(BackProjection):
        def __init__(self, lr, output_shape, sf, **rest):
            super().__init__(lr, output_shape, sf, **rest)
            compared.append((lr[0], tuple(sf), []))

        def __call__(self, sr, iterations):
            compared[-1][2].append(iterations)
            return super().__call__(sr, iterations)

    monkeypatch.setattr('learning.output.BackProjection', Spy)
    net = make_net(cls=Watcher, **GRADUAL | {'back_projection_iters': [1, 2]})
    net.run()
    for (lr, sf, iterations), base, times in zip(compared, net.hr_fathers_sources, [1, 2], strict=False):
        np.testing.assert_array_equal(lr, base)
        assert (sf, iterations) == ((2, 2), [times, times])
    assert len(compared) == 2


def test_scales_after_a_base_change_are_relative_to_it(make_net, gaussian):
    kernels = [gaussian(5, 5), gaussian(7, 7)]
    scales = {'scale_factors': [[1.5, 1.5], [3, 2.25]], 'base_change_sfs': [1.5]}
    net = make_net(cls=Watcher, kernels=kernels, **scales)
    assert net.run().shape == (60, 54, 3)
    for start, kernel, sf in zip(net.starts, kernels, [(1.5, 1.5), (2, 1.5)], strict=True):
        assert tuple(start.sf) == sf
        np.testing.assert_array_equal(start.kernel, kernel_shift(kernel, sf))


def test_without_base_changes_every_scale_starts_from_the_input(make_net, image):
    truth = np.clip(imresize(image, (2, 2)), 0, 1)
    options = {'scale_factors': [[1.0, 1.5], 1.5, 2], 'downscale_gt_method': 'linear'}
    net = make_net(cls=Watcher, ground_truth=truth, learning_rate=0.02, **options)
    net.run()
    assert [tuple(start.sf) for start in net.starts] == [(1, 1.5), (1.5, 1.5), (2, 2)]
    assert [im.shape[:2] for im in net.hr_fathers_sources] == [(20, 24), (20, 36), (30, 36), (40, 48)]
    for start in net.starts:
        assert (start.learning_rate, start.learning_rate_change_iter_nums) == (0.02, [0])
        np.testing.assert_array_equal(start.input, image)
        expected = imresize(truth, start.sf / 2, start.output_shape, 'linear')
        np.testing.assert_allclose(start.gt_per_sf, expected, atol=tolerances.FLOAT32)


def test_every_scale_has_its_kernel(make_net, gaussian):
    kernels = [gaussian(5, 5), gaussian(8, 8)]
    net = make_net(cls=Watcher, kernels=kernels, scale_factors=[[1.5, 1.5], [2, 2]])
    net.run()
    for end, kernel in zip(net.ends, net.kernels, strict=True):
        assert end.kernel is kernel
        son = np.clip(imresize(end.hr_father, 1 / end.sf, kernel=kernel), 0, 1)
        np.testing.assert_allclose(end.lr_son, son, atol=tolerances.FLOAT32)


@pytest.mark.parametrize(
    ('sf', 'flip', 'views'),
    [((2, 2), True, range(8)), ((1.5, 2), True, (0, 2, 4, 6)), ((2, 2), False, [0]), ((2, 1), False, [0])],
)
def test_final_output_is_the_median_of_turned_and_mirrored_views(make_net, image, sf, flip, views):
    net = make_net(scale_factors=[sf], output_flip=flip, back_projection_iters=[2], init_variance=2.0)

    def project(sr):
        for _ in range(2):
            sr = back_projection(sr, image, 'cubic', 'cubic', sf)
        return sr

    outputs = []
    for k in views:
        turned = np.rot90(image, k)
        sr = net.forward_pass(np.fliplr(turned) if k >= 4 else turned)
        outputs.append(project(np.rot90(np.fliplr(sr) if k >= 4 else sr, -k)))
    expected = project(np.median(outputs, axis=0))
    np.testing.assert_allclose(net.final_test(), expected, rtol=0, atol=tolerances.FLOAT32)
    np.testing.assert_array_equal(net.final_sr, net.final_test())


def test_numbers_serve_as_scale_factors(make_net):
    one, pair = (make_net(scale_factors=scales).run() for scales in ([2], [[2.0, 2.0]]))
    np.testing.assert_array_equal(one, pair)


def test_a_run_changes_nothing_outside_its_own_copy(image, shared_network):
    settings = GRADUAL | {'back_projection_iters': [1, 1]}
    conf = Config(width=4, depth=3, crop_size=16, max_iters=2, save_results=False, **settings)
    before, pixels, defaults = conf.copy(), image.copy(), Config()
    net = ZSSR(image, conf, network=shared_network(design_for(conf, 3)))
    net.run()
    net.conf.scale_factors[0][0] = 9
    assert conf == before
    assert Config() == defaults
    np.testing.assert_array_equal(image, pixels)


@pytest.mark.parametrize(
    ('sf', 'size', 'fits'),
    [
        (2, (40, 48), True),
        (2, (41, 49), True),
        (2, (42, 48), False),
        (2, (40, 50), False),
        (2, (39, 48), False),
        (2, (40, 47), False),
        (1.5, (31, 37), True),
        (1.5, (32, 36), False),
        ((1, 2), (21, 48), False),
        (3, (62, 74), True),
    ],
)
def test_ground_truth_may_be_larger_by_less_than_the_scale(make_net, sf, size, fits):
    truth = np.random.RandomState(0).rand(*size, 3).astype(np.float32)
    if fits:
        net = make_net(ground_truth=truth, scale_factors=[sf])
        np.testing.assert_array_equal(net.gt, truth[: net.output_shape[0], : net.output_shape[1]])
        assert net.gt.shape[:2] == tuple(net.output_shape[:2])
    else:
        with pytest.raises(ValueError, match=rf'{size[0]}×{size[1]}.*20×24'):
            make_net(ground_truth=truth, scale_factors=[sf])


def test_names_that_readers_know_exist_after_a_run(make_net, image):
    net = make_net(ground_truth=imresize(image, 2).clip(0, 1))
    net.run()
    assert [name for name in NAMES.split() if not hasattr(net, name)] == []


def test_a_run_leaves_its_last_scale_to_be_looked_at(make_net):
    net = make_net(scale_factors=[1.5, 2])
    sr = net.run()
    assert sr is net.final_sr is net.hr_fathers_sources[-1]
    assert (len(net.loss), net.iter, net.sf_ind) == (3, 2, 1)
    assert (net.mse, net.interp_mse, net.gt, net.gt_per_sf) == (None, None, None, None)
    assert (net.mse_steps, len(net.mse_rec), len(net.interp_rec_mse)) == ([0, 2], 2, 2)
    assert net.hr_father.shape == net.train_output.shape == (16, 16, 3)
    assert net.lr_son.shape == (8, 8, 3)
    assert net.file_name == 'test'
    assert len(json.loads(json.dumps(net.records))) == 2


def test_a_run_is_made_of_train_and_final_test_once_per_scale(make_net):
    calls = []

    class Darker(ZSSR):
        def train(self):
            calls.append('train')

        def final_test(self):
            calls.append('final_test')
            return super().final_test() / 2

    net = make_net(cls=Darker, scale_factors=[1.5, 2])
    sr = net.run()
    assert calls == ['train', 'final_test'] * 2
    assert len(net.hr_fathers_sources) == 3
    assert sr is net.hr_fathers_sources[-1]


def test_every_scale_is_saved_with_alpha_and_depth(make_net, image, tmp_path):
    rgba = np.rint(np.dstack([image, image[..., 1]]) * 65535).astype(np.uint16)
    folder = tmp_path / 'new'
    make_net(rgba, scale_factors=[[1, 1.5], 2], save_results=True, result_path=str(folder), name='me').run()
    names = sorted(path.name for path in folder.iterdir())
    assert names == ['me_zssr_X1.00X1.50.png', 'me_zssr_X2.00X2.00.png']
    saved = read_image(folder / names[1])
    assert saved.bits == 16
    np.testing.assert_allclose(saved.alpha, np.clip(imresize(image[..., 1], 2), 0, 1), atol=1e-4)


def test_initial_filters_are_normal_with_the_configured_deviation(make_net):
    net = make_net(width=64, init_variance=0.4, share=False)
    for weights in net.model.get_weights():
        deviation = np.sqrt(0.4 / (9 * weights.shape[2]))
        assert weights.std() == pytest.approx(deviation, rel=tolerances.FILTER_DEVIATION)
        assert abs(weights.mean()) < deviation / 10
        assert np.abs(weights).max() > 2.5 * deviation
    assert net.rng.rand() == np.random.RandomState(1).rand()


def test_initial_filters_come_from_the_seed(make_net):
    first, again, other = (make_net(seed=seed).model.get_weights() for seed in (1, 1, 2))
    for one, same, another in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, another)


def test_without_a_seed_one_is_drawn_and_recorded(make_net):
    seeds = {make_net(seed=None).conf.seed for _ in range(3)}
    assert len(seeds) == 3
    assert all(isinstance(seed, int) for seed in seeds)


def test_training_equals_the_loop_of_the_paper(make_net, image, gaussian):
    options = {'kernels': [gaussian(5, 5)], 'noise_std': 0.02, 'max_iters': 5}
    fast, slow = make_net(**options), make_net(**options, share=False)
    fast.train()
    for iteration in range(5):
        father = random_augment([image], [1.0], 0.05, 0.45, 0.5, 1.0, True, 0.25, 0.1, 16, slow.rng)
        slow.forward_backward_pass(slow.father_to_son(father), father)
        assert slow.iter == iteration
        if iteration % 2 == 0:
            slow.quick_test()
    np.testing.assert_allclose(fast.loss, slow.loss, rtol=tolerances.LOOP)
    np.testing.assert_allclose(fast.mse_rec, slow.mse_rec, rtol=tolerances.LOOP)
    np.testing.assert_array_equal(fast.hr_father, father)
    assert fast.rng.rand() == slow.rng.rand()


def test_without_residual_the_network_answers_alone(make_net, image):
    net = make_net(learn_residual=False)
    assert net.run().shape == (40, 48, 3)
    net.model.set_weights([np.zeros_like(weights) for weights in net.model.get_weights()])
    assert not net.forward_pass(image).any()


def test_grayscale_runs_a_network_of_one_channel(make_net, image):
    gray = np.rint(image[..., 0] * 255).astype(np.uint8)
    net = make_net(gray)
    sr = net.run()
    assert sr.shape == (40, 48, 1)
    assert [weights.shape[2:] for weights in net.model.get_weights()] == [(1, 4), (4, 4), (4, 1)]
    np.testing.assert_allclose(net.input[..., 0], gray / 255, atol=tolerances.FLOAT32)


class FilterWatcher(ZSSR):
    """Keeps filters and optimiser before and after each training."""

    def snapshot(self):
        optimiser = [moments.numpy() for moments in self.network._loop._optimizer._moments]
        optimiser += [power.numpy() for power in self.network._loop._optimizer._powers]
        done, filters = len(self.loss) + len(self.mse_rec), self.model.get_weights()
        rate = self.learning_rate
        return SimpleNamespace(
            filters=filters, optimiser=optimiser, done=done, iter=self.iter, learning_rate=rate
        )

    def train(self):
        self.starts = [*getattr(self, 'starts', []), self.snapshot()]
        super().train()
        self.ends = [*getattr(self, 'ends', []), self.snapshot()]


@pytest.mark.parametrize('fresh', [True, False])
def test_filters_and_optimiser_carry_over_unless_told_otherwise(make_net, fresh):
    net = make_net(cls=FilterWatcher, init_net_for_each_sf=fresh, scale_factors=[1.5, 2], learning_rate=0.01)
    net.run()
    (first, second), ended = net.starts, net.ends[0]
    for before, after in zip(ended.filters, second.filters, strict=True):
        assert np.array_equal(before, after) is not fresh
    for initial, now in zip(first.filters, second.filters, strict=True):
        assert not np.array_equal(initial, now)
    expected = first if fresh else ended
    for kept, now in zip(expected.optimiser, second.optimiser, strict=True):
        np.testing.assert_array_equal(kept, now)
    assert (second.learning_rate, second.iter, second.done) == (0.01, 0, 0)
