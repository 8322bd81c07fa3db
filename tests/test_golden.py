"""Numbers that the unmodified original produced (golden/): single functions, and five short trainings."""

import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import read_golden
from helpers import tolerances

from configs import get_config
from imresize import imresize, kernel_shift
from utils import back_projection, random_augment
from ZSSR import ZSSR

FUNCTIONS, ARRAYS = read_golden('functions')
TRAININGS, IMAGES = read_golden('trajectories')
CASES = {training['case']: training for training in TRAININGS}
SCALES = [(case, scale) for case in CASES for scale in range(len(CASES[case]['iterations']))]
BOX_ENLARGEMENTS = (14, 55)  # the original's garbage
LATE = ('gradual', 2)

CPU = Path('/proc/cpuinfo')
HAS_AVX512 = CPU.exists() and 'avx512f' in CPU.read_text()


def kernel_of(name):
    """'cubic', None, 'gauss_9x9', or 'kernel_shift(gauss_9x9,[2.0, 2.0])'."""
    shifted = re.fullmatch(r'kernel_shift\((\w+),\[(.+), (.+)\]\)', name or '')
    if not shifted:
        return name
    return kernel_shift(ARRAYS[f'kernel/{shifted[1]}'], (float(shifted[2]), float(shifted[3])))


def augment(case):
    """A father by the arguments of a case, and the generator's next number."""
    arguments = {k: v for k, v in case.items() if k not in ('key', 'images', 'seed', 'next_rand')}
    rng = np.random.RandomState(case['seed'])
    father = random_augment([ARRAYS[f'image/{name}'] for name in case['images']], rng=rng, **arguments)
    return father, rng.rand()


def filters(name):
    return [IMAGES[f'{name}/{index}'] for index in range(8)]


def psnr(image, reference):
    return -10 * np.log10(max(np.mean(np.square(image - np.clip(reference, 0, 1))), 1e-30))


class Recorder(ZSSR):
    """Keeps what every scale comes to, and what its golden filters make of the input."""

    def train(self):
        super().train()
        self.kept = [*getattr(self, 'kept', []), SimpleNamespace(raw=self.forward_pass(self.input))]
        histories = 'loss mse_rec mse interp_mse interp_rec_mse learning_rate_change_iter_nums'
        for name in histories.split():
            setattr(self.kept[-1], name, getattr(self, name))

    def final_test(self):
        self.kept[-1].filters = trained = self.model.get_weights()
        self.model.set_weights(filters(f'{self.golden_case}/scale{self.sf_ind}/filters'))
        self.kept[-1].given = super().final_test()
        self.model.set_weights(trained)
        self.kept[-1].output = super().final_test()
        return self.kept[-1].output


@pytest.fixture(scope='session')
def train(make_net):
    """Train a golden case, once."""

    @cache
    def run(name):
        case = CASES[name]
        conf = get_config(case['preset'])
        net = make_net(
            IMAGES[case['input']],
            None if case['ground_truth'] is None else IMAGES[case['ground_truth']],
            None if case['kernel'] is None else [IMAGES[case['kernel']]],
            cls=Recorder,
            conf=conf,
            **{'seed': case['numpy_seed'], 'back_projection_iters': conf.back_projection_iters}
            | case['overrides'],
        )
        net.golden_case = name
        net.model.set_weights(filters(case['filters']))
        net.run()
        return net

    return run


@pytest.mark.parametrize('case', FUNCTIONS['imresize'], ids=lambda case: f'{case["id"]:03d}')
def test_imresize(case):
    image = ARRAYS[f'image/{case["image"]}']
    out = imresize(
        image, case['scale_factor'], case['output_shape'], kernel_of(case['kernel']), case['antialiasing']
    )
    expected = ARRAYS[f'imresize/{case["id"]:03d}']
    if case['id'] in BOX_ENLARGEMENTS:
        expected = image[:, [min((2 * j + 1) // 3, image.shape[1] - 1) for j in range(out.shape[1])]]
    assert out.shape == expected.shape
    np.testing.assert_allclose(out, expected, rtol=0, atol=tolerances.FLOAT64)


@pytest.mark.parametrize('case', FUNCTIONS['kernel_shift'], ids=lambda case: f'{case["id"]:03d}')
def test_kernel_shift(case):
    shifted = kernel_shift(ARRAYS[f'kernel/{case["kernel"]}'], case['sf'])
    np.testing.assert_allclose(
        shifted, ARRAYS[f'kernel_shift/{case["id"]:03d}'], rtol=0, atol=tolerances.FLOAT64
    )


@pytest.mark.parametrize('case', FUNCTIONS['back_projection'], ids=lambda case: f'{case["id"]:03d}')
def test_back_projection(case):
    key, sf, kernel = f'back_projection/{case["id"]:03d}', case['sf'], case['down_kernel']
    if kernel != 'cubic':
        kernel = kernel_shift(ARRAYS[f'kernel/{kernel}'], sf)
    out = back_projection(
        ARRAYS[f'{key}/sr'], ARRAYS[f'image/{case["image"]}'], kernel, case['up_kernel'], sf
    )
    np.testing.assert_allclose(out, ARRAYS[f'{key}/out'], rtol=0, atol=tolerances.FLOAT64)


@pytest.mark.parametrize('case', FUNCTIONS['augment'], ids=lambda case: case['key'])
def test_random_augment(case):
    father, next_rand = augment(case)
    np.testing.assert_allclose(father, ARRAYS[case['key']], rtol=0, atol=tolerances.AUGMENT)
    assert next_rand == case['next_rand']


def test_fathers_are_the_originals_to_the_last_bit():
    for case in FUNCTIONS['augment']:
        np.testing.assert_array_equal(augment(case)[0], ARRAYS[case['key']], err_msg=case['key'])


@pytest.mark.parametrize(('name', 'scale'), SCALES)
def test_losses_follow_the_originals(train, name, scale):
    losses, expected = train(name).kept[scale].loss, IMAGES[f'{name}/scale{scale}/loss']
    late = (name, scale) == LATE
    assert len(losses) == len(expected)
    limits = {10: tolerances.LOSS_10, 30: tolerances.LOSS_30}
    if late:
        limits = {10: tolerances.LATE_LOSS_10, 30: tolerances.LATE_LOSS_30}
    for steps, limit in limits.items():
        np.testing.assert_allclose(losses[:steps], expected[:steps], rtol=limit)


@pytest.mark.parametrize(('name', 'scale'), SCALES)
def test_quick_tests_and_rate_changes_are_the_originals(train, name, scale):
    record, prefix = train(name).kept[scale], f'{name}/scale{scale}'
    assert record.learning_rate_change_iter_nums == IMAGES[f'{prefix}/rate_changes'].tolist()
    first = tolerances.LATE_FIRST_ERROR if (name, scale) == LATE else tolerances.FIRST_ERROR
    limits = {
        'mse_rec': tolerances.ERRORS,
        'mse': tolerances.ERRORS,
        'interp_mse': tolerances.INTERPOLATION_ERROR,
        'interp_rec_mse': tolerances.INTERPOLATION_ERROR,
    }
    if CASES[name]['ground_truth'] is None:
        assert record.mse is None
        assert record.interp_mse is None
        del limits['mse'], limits['interp_mse']
    for history, limit in limits.items():
        measured, expected = getattr(record, history), IMAGES[f'{prefix}/{history}']
        assert len(measured) == len(expected)
        np.testing.assert_allclose(measured, expected, rtol=limit, err_msg=history)
        np.testing.assert_allclose(measured[0], expected[0], rtol=first, err_msg=history)


@pytest.mark.parametrize(('name', 'scale'), SCALES)
def test_images_after_training_are_the_originals(train, name, scale):
    record, prefix = train(name).kept[scale], f'{name}/scale{scale}'
    assert psnr(record.raw, IMAGES[f'{prefix}/raw']) >= tolerances.PSNR
    assert psnr(record.output, IMAGES[f'{prefix}/output']) >= tolerances.PSNR


@pytest.mark.parametrize(('name', 'scale'), SCALES)
def test_final_test_from_given_filters_is_the_originals(train, name, scale):
    given = train(name).kept[scale].given
    expected = IMAGES[f'{name}/scale{scale}/output']
    np.testing.assert_allclose(given, expected, rtol=0, atol=tolerances.FINAL_TEST)


@pytest.mark.parametrize('name', CASES)
def test_as_many_numbers_are_drawn_as_by_the_original(train, name):
    state = train(name).rng.get_state()
    follower = np.random.RandomState()
    follower.set_state(state)
    assert follower.rand() == IMAGES[f'{name}/next_rand']


@pytest.mark.skipif(not HAS_AVX512, reason='other instruction sets sum in another order')
@pytest.mark.parametrize(('name', 'scale'), SCALES)
def test_every_number_is_the_originals_to_the_last_bit(train, name, scale):
    record, prefix = train(name).kept[scale], f'{name}/scale{scale}'
    losses = np.array(record.loss, np.float32)
    np.testing.assert_array_equal(losses, IMAGES[f'{prefix}/loss'])
    for mine, theirs in zip(record.filters, filters(f'{prefix}/filters'), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for image, key in ((record.raw, 'raw'), (record.output, 'output'), (record.given, 'output')):
        np.testing.assert_array_equal(image, IMAGES[f'{prefix}/{key}'])
