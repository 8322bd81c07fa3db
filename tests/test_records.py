"""records.py: what run.json says of a run, what it cannot say, and what is not taken from it on trust."""

import json
import os

import numpy as np
import pytest
from helpers.pictures import refusal

from configs import Config, get_config
from files.image_files import ImageFiles
from files.records import read_curves, read_run, results_of
from files.run_record import RunRecord, finite, image_record, scale_record
from files.storage import sha256


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


def with_record(folder, **changes):
    """A folder whose run.json has an image with one scale; `changes` go into record, image or scale."""
    scale = {'sf': [2.0, 2.0], 'output': 'bird.png', 'loss': [0.5, 0.25]}
    image = {'stem': 'bird', 'input': '/data/bird.png', 'scales': [scale]}
    record = {'preset': None, 'images': [image]}
    for place, values in changes.items():
        {'record': record, 'image': image, 'scale': scale}[place].update(values)
    (folder / 'run.json').write_text(json.dumps(record))
    return folder


TOLD = {
    **{'low': [0.0], 'high': [255.0], 'dtype': 'uint8'},
    **{'stretched': False, 'shape': [1, 60, 80, 3], 'page': 1},
}


@pytest.mark.parametrize(
    ('place', 'field', 'values'),
    [
        ('record', 'images', [{}, 'text', [3], [None], 1]),
        ('image', 'scales', [{}, [[]], 'text']),
        ('image', 'stem', [3, '', '..', '.', 'a/b', '/a', 'a\0b', 'x' * 300, ['a'], '\ud800']),
        ('image', 'input', [3, '', 'a\0b', {}, 'x' * 5000, '\ud800']),
        ('image', 'ground_truth', [3, False, 'a\0b']),
        (
            'scale',
            'sf',
            [
                ['Infinity', 2],
                [2],
                2.0,
                [2, 2, 2],
                [0, 2],
                [-2, 2],
                [2, 1e9],
                [float('nan'), 2],
                [10**400, 2],
            ],
        ),
        ('scale', 'output', [3, '../bird.png', '/tmp/bird.png', 'a/', '..', 'a\0', ['bird.png']]),
        (
            'image',
            'values',
            [
                *(3, [], {'low': [0.0]}, TOLD | {'low': [300.0]}, TOLD | {'high': [255.0, 1.0]}),
                *(TOLD | {'low': [-1e308], 'high': [1e308]}, TOLD | {'low': ['0']}, TOLD | {'dtype': 'O'}),
                *(TOLD | {'dtype': []}, TOLD | {'shape': [1, 0, 80, 3]}, TOLD | {'shape': [60, 80]}),
                *(TOLD | {'page': 0}, TOLD | {'page': True}, TOLD | {'stretched': 1}),
            ],
        ),
    ],
)
def test_what_decides_and_is_not_right_is_refused(tmp_path, place, field, values):
    for value in values:
        message = refusal(read_run, with_record(tmp_path, **{place: {field: value}}))
        where = {'record': '', 'image': 'images[0].', 'scale': 'images[0].scales[0].'}[place]
        assert message.startswith(f'{tmp_path / "run.json"}: not a record of a run ({where}{field} is ')
        assert message.endswith('delete or restore it') and len(message) < 400


@pytest.mark.parametrize(
    ('place', 'field', 'values'),
    [
        ('record', 'preset', [3, ['a'], 'x' * 10_000]),
        ('record', 'changes', [3, 'text', {'a': {'b': 1}}, {'a': [[[1]]]}, {'a': 'x' * 10_000}]),
        ('record', 'started', [3, 'yesterday', '']),
        ('image', 'input_sha256', [3, 'A' * 64, '0' * 63]),
        ('image', 'kernel', [3, {}]),
        ('image', 'seed', ['0', -1, True, 1.5, [1], 10**400]),
        ('image', 'device', [3, {}]),
        ('image', 'bicubic_psnr', ['30', [], float('inf')]),
        ('scale', 'kernel', [3, [], [[]], [1], [[1], [1, 2]], [['a']], [[float('nan')]], [[1]] * 300]),
        ('scale', 'seconds', [3, {}, {'training': 1}, {'training': 'a', 'output': 1}]),
        ('scale', 'seconds', [{'training': float('inf'), 'output': 1}, {'training': 1, 'output': -1}]),
        ('scale', 'loss', [3, 'text', ['a'], [[1]], [True], {}]),
        ('scale', 'mse_steps', [{}, [{}]]),
        ('scale', 'learning_rate_changes', [3, [[]], [0] * 2000]),
        ('scale', 'psnr', ['30', {}]),
    ],
)
def test_what_is_only_shown_and_is_not_right_is_left_out(tmp_path, place, field, values):
    for value in values:
        record = read_run(with_record(tmp_path, **{place: {field: value}}))
        image = record['images'][0]
        assert field not in {'record': record, 'image': image, 'scale': image['scales'][0]}[place]
        assert list(results_of(record)) == ['bird.png']


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('[' * 100_000 + ']' * 100_000, 'nested too deep'),
        ('{"a":' * 100_000 + '1' + '}' * 100_000, 'nested too deep'),
        ('{"images": [{"stem": "a", "stem": "b"}]}', "'stem' stands twice"),
        ('{"images": [{"scales": [{"sf": [1e999, 2]}]}]}', 'sf is [inf, 2]'),
        ('{"images": [{"scales": [{"sf": [%s, 2]}]}]}' % ('9' * 5000), 'sf is [inf, 2]'),
        ('\xff', 'utf-8'),
        ('3', 'a int'),
    ],
)
def test_what_is_no_record_is_refused_in_one_line(tmp_path, text, words):
    (tmp_path / 'run.json').write_text(text, encoding='latin-1')
    message = refusal(read_run, tmp_path)
    assert str(tmp_path / 'run.json') in message and words in message


def test_null_is_as_good_as_missing(tmp_path):
    names = ('input', 'ground_truth', 'values', 'seed', 'kernel')
    record = with_record(tmp_path, image=dict.fromkeys(names), scale={'sf': None, 'loss': None})
    image = read_run(record)['images'][0]
    assert results_of(read_run(record)) == {'bird.png': (None, image)}
    assert len(read_curves(image)[0].loss) == 0


def test_a_name_that_is_not_utf8_is_one(tmp_path):
    name = os.fsdecode(b'caf\xe9')
    record = read_run(with_record(tmp_path, image={'stem': name}, scale={'output': f'{name}.png'}))
    assert list(results_of(record)) == [f'{name}.png']


def test_errors_that_are_none_are_not_drawn(tmp_path):
    scale = {
        'loss': [0.5, None, -1.0, 1e300, 0.25],
        'mse_steps': [0, 2, -3, 5, 10**30, 4],
        'mse_rec': [0.1, -0.1, 0.1, 0.1, 0.1, 1e300],
        'learning_rate_changes': [1, 4, 5, -1, 1e300],
    }
    (curves,) = read_curves(read_run(with_record(tmp_path, scale=scale))['images'][0])
    nan = float('nan')
    np.testing.assert_array_equal(curves.loss, [0.5, nan, nan, nan, 0.25])
    np.testing.assert_array_equal(curves.steps, [0, 2, 4])
    np.testing.assert_array_equal(curves.errors, [0.1, nan, nan])
    np.testing.assert_array_equal(curves.drops, [1, 4])


def test_what_a_run_writes_is_read_whole(tmp_path):
    source = tmp_path / 'bird.png'
    source.write_bytes(b'bird')
    conf = Config(result_path=str(tmp_path), save_results=True)
    history = {'loss': [0.5, float('nan')], 'mse_steps': [0], 'mse_rec': [0.1]}
    history |= {'mse': None, 'interp_mse': None, 'interp_rec_mse': [0.2]}
    scale = scale_record((2.0, 2.0), np.eye(3), [1], history)
    scale |= {'psnr': None, 'ssim': None, 'seconds': {'training': 1.5, 'output': 0.1}, 'output': 'bird_x.png'}
    image = image_record(
        ImageFiles('bird', source),
        {source: sha256(source)},
        **{'key': 64 * '0', 'kernel': 'a kernel', 'notes': ['has 2 pages'], 'seconds': 2.5, 'threads': 2},
        **{'found': None, 'seed': 3, 'scales': [scale], 'values': TOLD},
    )
    RunRecord(conf, {'zssr': '1'}, preset='X2_REAL_CONF').add(image=image)
    assert read_run(tmp_path) == json.loads((tmp_path / 'run.json').read_text())
