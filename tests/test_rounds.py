"""Training in rounds: the rates, and the sources that each round leaves to the next."""

import numpy as np
import pytest
from helpers import tolerances

from imresize import imresize
from ZSSR import ZSSR

LINEAR = {'rate_policy': 'linear', 'learning_rate': 1e-3}


class Watcher(ZSSR):
    """Keeps the rates of its training, the sources of each loop, and the results between rounds."""

    def __init__(self, *arguments, **options):
        self.rates, self.seen, self.results = [], [], []
        super().__init__(*arguments, **options)

    def train(self):
        network = self.network
        self.network = Recorder(network, self)
        super().train()
        self.network = network

    def _choose_sources(self, results=()):
        self.results += results
        return super()._choose_sources(results)


class Recorder:
    """A network that tells what it is trained with."""

    def __init__(self, network, watcher):
        self._network, self._watcher = network, watcher

    def __getattr__(self, name):
        return getattr(self._network, name)

    def train(self, sources, plan, draws, rates):
        self._watcher.rates += rates
        sizes = [tuple(row[1:]) for row in sources.table.numpy().tolist()]
        self._watcher.seen.append((sizes, sources, np.array(draws[0])))
        return self._network.train(sources, plan, draws, rates)


@pytest.mark.parametrize(
    ('lengths', 'every'), [((6, 6), 4), ((4, 4, 4), 5), ((3, 3, 4), 100), ((2, 2, 3), 1), ((1, 1), 2)]
)
def test_the_rate_rises_and_falls_to_0_in_every_round(make_net, lengths, every):
    options = {'max_iters': sum(lengths), 'rounds': len(lengths), 'run_test_every': every, 'warm_up_iters': 1}
    net = make_net(cls=Watcher, **LINEAR | options)
    net.train()
    expected = [[1 - i / n for i in range(n)] for n in lengths]
    for of_a_round in expected:
        of_a_round[0] /= 2
    np.testing.assert_allclose(net.rates, 1e-3 * np.concatenate(expected), rtol=tolerances.FLOAT64)
    assert len(net.loss) == sum(lengths)
    assert net.mse_steps == list(range(0, sum(lengths), every))
    assert len(net.results) == len(lengths) - 1


def test_after_the_last_iteration_the_rate_is_0(make_net):
    net = make_net(max_iters=6, rounds=2, run_test_every=5, **LINEAR)
    net.train()
    assert net.learning_rate == 0


def test_the_result_of_a_round_becomes_a_source_halfway(make_net, image):
    options = {'max_iters': 40, 'rounds': 2, 'run_test_every': 100, 'augment_min_scale': 0.5}
    net = make_net(cls=Watcher, **LINEAR | options)
    net.train()
    (first, _, _), *_, (second, sources, drawn) = net.seen
    height, width = image.shape[:2]
    halfway = -(-3 * height // 2), -(-3 * width // 2)
    assert first == [(height, width)]
    assert second == [(height, width), halfway]
    assert set(drawn.tolist()) == {0, 1}
    framed = sources.pixels.numpy()[(height + 2) * (width + 2) :].reshape(halfway[0] + 2, halfway[1] + 2, 3)
    expected = np.clip(imresize(net.results[0], 0.75, halfway), 0, 1)
    np.testing.assert_allclose(framed[1:-1, 1:-1], expected, rtol=0, atol=tolerances.FLOAT32)


@pytest.mark.parametrize('round_flip', [True, False])
def test_a_round_leaves_all_views_merged_or_the_image_as_it_is_seen(make_net, round_flip):
    class Comparer(Watcher):
        def _choose_sources(self, results=()):
            if results:
                turned = [self._enlarge(self.input, flip) for flip in (False, True)]
                assert not np.array_equal(*turned)
                np.testing.assert_array_equal(results[0], turned[round_flip])
            return super()._choose_sources(results)

    options = {'max_iters': 4, 'rounds': 2, 'output_flip': True, 'round_flip': round_flip}
    net = make_net(cls=Comparer, **LINEAR | options)
    net.train()
    assert len(net.results) == 1


def test_after_a_base_change_halfway_is_between_base_and_target(make_net, image):
    scales = {'scale_factors': [2, 4], 'base_change_sfs': [2]}
    net = make_net(
        cls=Watcher, save_results=False, max_iters=2, rounds=2, run_test_every=100, **LINEAR | scales
    )
    net.run()
    height, width = image.shape[:2]
    expected = [(factor * height, factor * width) for factor in (1, 2, 3)]
    assert net.seen[-1][0] == expected
    assert [len(sizes) for sizes, _, _ in net.seen] == [1, 2, 2, 3]
    # What a round leaves behind serves its own scale only.
    assert [source.shape[0] for source in net.hr_fathers_sources] == [height, 2 * height, 4 * height]
