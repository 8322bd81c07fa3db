"""experiment.py: what the command line asks for, and the configuration that it makes at every scale."""

import dataclasses
from pathlib import Path

import pytest

import evaluate
from configs import PRESETS, Config, get_config
from paper.experiment import Experiment, configure, settings


def asked(*arguments):
    return evaluate.read_experiment(evaluate.build_parser().parse_args(arguments))


def test_what_is_not_asked_for_is_as_experiment_has_it():
    default = Experiment(table='table1', data=Path('x'), preset='X2_ONE_JUMP_IDEAL_CONF')
    assert asked('table1', '--data', 'x') == default
    options = ('--scales', '3', '--set', 'width=4', '--set', 'depth=3', '--images', 'a', 'b')
    changes = {'scales': (3,), 'changes': ('width=4', 'depth=3'), 'images': ('a', 'b')}
    assert asked('table1', '--data', 'x', *options) == dataclasses.replace(default, **changes)
    assert asked('table1', '--data', 'x', '--gradual').preset == 'X2_GRADUAL_IDEAL_CONF'
    assert asked('table2', '--data', 'x', '--gradual').preset == 'X2_GIVEN_KERNEL_CONF'


def test_what_is_drawn_has_a_seed_and_what_is_given_has_none():
    drawn, given = asked('table2', '--data', 'x'), asked('table2', '--given', 'x', '--draw-seed', '3')
    assert (drawn.draw_seed, drawn.kernels, drawn.whole) == (0, ('true',), None)
    assert (given.draw_seed, given.kernels, given.whole) == (None, ('true',), Path('x'))
    assert asked('div2krk', '--data', 'x').whole == Path('x')
    assert asked('div2krk', '--data', 'x').draw_seed is None


def test_settings_are_what_differs_from_the_defaults():
    assert settings(Config(name='x', seed=3, result_path='y')) == 'the defaults'
    assert 'noise_std=0.0125' in settings(get_config('X2_REAL_CONF'))


@pytest.mark.parametrize('scale', [2, 3, 4])
@pytest.mark.parametrize('preset', PRESETS)
def test_every_preset_goes_to_every_scale_also_gradually(preset, scale):
    for gradual in ([], ['--gradual']):
        experiment = asked('table1', '--data', 'x', '--preset', preset, '--seed', '5', *gradual)
        if preset in ('X4_FAST_IDEAL_CONF', 'X4_FINE_IDEAL_CONF') and scale != 4 and not gradual:
            # Its two steps of one whole factor, stretched to another scale, are none.
            with pytest.raises(ValueError, match='needs one whole factor'):
                configure(experiment, scale)
            continue
        conf = configure(experiment, scale)
        assert conf.scales[-1] == (scale, scale)
        assert (conf.seed, conf.save_results) == (5, False)
        assert conf.noise_std == get_config(preset).noise_std
        if gradual:
            assert len(conf.scales) == 6
            assert any(conf.back_projection_iters) == any(get_config(preset).back_projection_iters)
