"""Shared by the tests: golden numbers, images, and tiny networks that are compiled once."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '')  # the golden numbers are a CPU's

GOLDEN = Path(__file__).parent / 'golden'

TINY = {
    'width': 4,
    'depth': 3,
    'crop_size': 16,
    'max_iters': 3,
    'run_test_every': 2,
    'output_flip': False,
    'save_results': False,
    'seed': 1,
}


def read_golden(name):
    return json.loads((GOLDEN / f'{name}.json').read_text()), np.load(GOLDEN / f'{name}.npz')


@pytest.fixture(scope='session')
def image():
    """Smooth float32 colour image (20, 24, 3) with an edge."""
    y, x = np.mgrid[:20, :24]
    planes = [0.5 + 0.4 * np.sin(x / 5 + phase) * np.cos(y / 4) for phase in (0, 1, 2)]
    return np.where((x > y)[..., None], np.stack(planes, axis=2), 0.25).astype(np.float32)


@pytest.fixture(scope='session')
def gaussian():
    """Make a Gaussian kernel (height, width) that sums to 1."""

    def make(height, width, sigma=1.0):
        y, x = np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2
        kernel = np.exp(-(y[:, None] ** 2 + x**2) / (2 * sigma**2))
        return kernel / kernel.sum()

    return make


@pytest.fixture(scope='session')
def shared_network():
    """Give out one compiled Network per design."""
    from learning.network import Network

    made = {}

    def give(design):
        if design not in made:
            made[design] = Network(design)
        return made[design]

    return give


@pytest.fixture
def shared_networks(monkeypatch, shared_network):
    """Have every network that is made be one that is compiled already, where there is one of its design."""
    monkeypatch.setattr('learning.network.Network', shared_network)


@pytest.fixture(scope='session')
def make_net(image, shared_network):
    """Make a tiny ZSSR on a shared network; keywords that are no arguments of this are Config fields."""
    from configs import Config
    from ZSSR import ZSSR

    def make(picture=image, ground_truth=None, kernels=None, cls=ZSSR, conf=None, share=True, **overrides):
        conf = conf or Config(**TINY)
        for name, value in overrides.items():
            setattr(conf, name, value)
        if 'back_projection_iters' not in overrides:
            conf.back_projection_iters = [1] * len(conf.scale_factors)
        with pytest.MonkeyPatch.context() as patch:
            if share:
                patch.setattr('learning.network.Network', shared_network)
            return cls(picture, conf, ground_truth, kernels)

    return make


@pytest.fixture
def net(shared_network):
    """The shared tiny network, with random filters large enough that every layer matters."""
    from helpers.networks import TINY_CONF, random_filters

    from learning.network import design_for

    net = shared_network(design_for(TINY_CONF, 3))
    net.reset(random_filters(0))
    return net


@pytest.fixture
def data(tmp_path):
    """A folder with the set Set5: three colour images of odd sizes and a gray one."""
    from helpers.command_line import save_image

    folder = tmp_path / 'data' / 'Set5' / 'HR'
    folder.mkdir(parents=True)
    for seed, name in enumerate(('a', 'b', 'c')):
        save_image(folder / f'{name}.png', seed, (41, 49 + seed, 3))
    save_image(folder / 'gray.png', 7, (48, 44, 1))
    return tmp_path / 'data'


@pytest.fixture
def no_training(monkeypatch):
    """Leave the training out, where only what is trained on matters."""
    from paper.measuring import Measurer

    def skip(self, task, lr, hr):
        return {'psnr': 30.0, 'ssim': 0.9, 'iterations': 1, 'seconds': 1.0, 'machine': ''}

    monkeypatch.setattr(Measurer, '_super_resolve', skip)


@pytest.fixture
def run(tmp_path, capsys, shared_networks):
    """Run the command line in this process, on networks that are compiled already."""
    from types import SimpleNamespace

    from helpers.command_line import TINY as OPTIONS
    from helpers.command_line import results

    import run_ZSSR

    def run(*arguments, output=tmp_path / 'results'):
        place = [] if output is None else ['--output', str(output)]
        # In this process, however many images there are.
        alone = [] if {'-j', '--workers', '--cluster'} & set(arguments) else ['--workers', '1']
        code = run_ZSSR.main([*map(str, arguments), *OPTIONS, *place, *alone])
        said = capsys.readouterr()
        files = [path.name for path in results(tmp_path / 'results')]
        return SimpleNamespace(code=code, out=said.out, err=said.err, files=files)

    return run
