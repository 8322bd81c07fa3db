"""records.py: what run.json says of a whole run, and what it cannot say."""

import pytest

from configs import Config, get_config
from files.records import read_run
from files.run_record import RunRecord, finite


@pytest.mark.parametrize('preset', ['X2_FAST_REAL_CONF', None, '0'])
def test_settings_that_differ_from_the_preset_are_recorded(tmp_path, preset):
    conf = get_config(preset)
    for name in ('result_path', 'input_path', 'name'):
        setattr(conf, name, str(tmp_path))  # what changes no result is no setting
    conf.seed, conf.save_results = 5, True
    conf.max_iters, conf.back_projection_iters = 7, [9]
    RunRecord(conf, {}, preset=preset).add(failure='none')
    record = read_run(tmp_path)
    assert record['preset'] == preset
    assert record['changes'] == {'max_iters': 7, 'back_projection_iters': [9]}
    assert (record['config']['seed'], record['config']['max_iters']) == (5, 7)


def test_a_preset_at_another_scale_differs_in_its_scales(tmp_path):
    conf = get_config('X2_FAST_IDEAL_CONF').at_scale(3)
    conf.result_path, conf.save_results = str(tmp_path), True
    RunRecord(conf, {}, preset='X2_FAST_IDEAL_CONF').add(failure='none')
    assert read_run(tmp_path)['changes']['scale_factors'] == [[3.0, 3.0]]


def test_without_changes_there_are_none(tmp_path):
    RunRecord(Config(result_path=str(tmp_path), save_results=True), {}).add(failure='none')
    record = read_run(tmp_path)
    assert (record['preset'], record['changes']) == (None, {})


def test_json_knows_no_infinity():
    assert finite({'psnr': float('inf'), 'ssim': 1.0}) == {'psnr': None, 'ssim': 1.0}
