"""benchmark.py: what it counts, and what it measures on tiny networks."""

import json

import numpy as np
import pytest

import benchmark
import ZSSR
from comparing.figures import frontier_figure
from configs import Config, get_config
from files.pictures import read_image, write_png
from imresize import imresize

TINY = ':width=4:depth=3:crop_size=16:max_iters=3:run_test_every=2:output_flip=False:precision=float32'


@pytest.fixture
def folder(tmp_path, image):
    """Two images with their ground truths."""
    for name, half in (('a', image), ('b', image[::-1, ::-1])):
        gt = half.repeat(2, axis=0).repeat(2, axis=1)
        write_png(tmp_path / f'{name}_gt.png', gt)
        write_png(tmp_path / f'{name}.png', np.clip(imresize(gt, 0.5), 0, 1))
    return tmp_path


def test_a_training_step_of_the_default_network_has_22_gflop():
    conf = Config()
    assert benchmark.training_flop(conf.filter_shapes(3), 128) == pytest.approx(22.03e9, rel=1e-3)


def test_operations_of_a_tiny_network_by_hand():
    shapes = [(3, 3, 3, 4), (3, 3, 4, 3)]
    # Two operations a product; forward and the filters' gradient of both, the input's of the second.
    assert benchmark.training_flop(shapes, 8) == 2 * 64 * (2 * 108 + 3 * 108)
    assert benchmark.training_flop(shapes, 8, grid=2) == 2 * 16 * (2 * 108 + 3 * 108)


def test_a_preset_can_be_changed_on_the_command_line():
    conf = benchmark.changed_config('X2_FAST_IDEAL_CONF:max_iters=7:width=5')
    assert (conf.max_iters, conf.width) == (7, 5)
    assert conf.network_grid == get_config('X2_FAST_IDEAL_CONF').network_grid


def test_frontier_measures_every_image_with_every_preset(folder, capsys):
    names = ['X2_ONE_JUMP_IDEAL_CONF' + TINY, 'X2_FAST_IDEAL_CONF' + TINY]
    out, figure = folder / 'out.json', folder / 'figure.png'
    arguments = ['--json', str(out), 'frontier', str(folder), *names, '--figure', str(figure)]
    assert benchmark.main(arguments) == 0
    rows = json.loads(out.read_text())
    assert [(row['image'], row['config']) for row in rows[:4]] == [(i, n) for i in 'ab' for n in names]
    for mean, name in zip(rows[4:], names, strict=True):
        own = [row for row in rows[:4] if row['config'] == name]
        assert (mean['image'], mean['config']) == ('mean', name)
        assert mean['PSNR'] == pytest.approx(np.mean([row['PSNR'] for row in own]))
        assert mean['ratio'] == pytest.approx(rows[4]['seconds'] / mean['seconds'])
        assert all(row['iterations'] == 3 for row in own)
    assert read_image(figure).pixels.std() > 0
    assert capsys.readouterr().out.startswith('| image | config | PSNR | seconds | iterations | ratio |')


def test_step_and_overhead_are_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, 'MATRIX', 64)
    monkeypatch.setattr(benchmark, 'REPEATS', 2)
    monkeypatch.setattr(benchmark, 'Config', lambda **changes: Config(**{'width': 4, 'depth': 3} | changes))
    out = tmp_path / 'out.json'
    assert benchmark.main(['--json', str(out), 'step', '--precision', 'float32']) == 0
    (row,) = json.loads(out.read_text())
    flop = benchmark.training_flop(Config(width=4, depth=3).filter_shapes(3), 128)
    assert row['GFLOP/s'] == pytest.approx(flop / row['step_ms'] / 1e6)
    assert row['share_of_limit'] == pytest.approx(row['GFLOP/s'] / row['limit_GFLOP/s'])
    assert benchmark.main(['--json', str(out), 'overhead', '--iterations', '120']) == 0
    (row,) = json.loads(out.read_text())
    assert row['iterations'] == 120
    assert 0 < row['ms_per_iteration'] < 1000


@pytest.mark.parametrize(
    ('config', 'scales'), [('X4_GRADUAL_IDEAL_CONF', 2), ('X2_FAST_IDEAL_CONF:precision=float32', 1)]
)
def test_a_run_is_divided_into_its_parts(tmp_path, monkeypatch, config, scales):
    step, limit = 1e-4, 1e9  # seconds, and operations per second
    monkeypatch.setattr(benchmark, '_step_seconds', lambda *_: step)
    monkeypatch.setattr(benchmark.Limit, 'measure', lambda *_: None)
    monkeypatch.setattr(benchmark.Limit, 'flops', limit)
    monkeypatch.setattr(benchmark, '_test_image', lambda: np.random.RandomState(0).rand(50, 60, 3))
    out, config = tmp_path / 'out.json', config + ':width=4:depth=3:crop_size=16:output_flip=False'
    assert benchmark.main(['--json', str(out), 'run', '--config', config, '--iterations', '4']) == 0
    (row,) = json.loads(out.read_text())
    assert row['iterations'] == 4 * scales
    conf = benchmark.changed_config(config)
    flop = benchmark.training_flop(conf.filter_shapes(3), 16, conf.grid) * conf.batch_size
    assert row['share_of_limit'] == pytest.approx(flop * 4 * scales / row['training_s'] / limit)
    assert row['steps'] == pytest.approx(step * 4 * scales / row['training_s'])
    assert all(0 < row[part] < 1 for part in ('draws', 'quick_tests', 'fathers_and_sons'))
    assert (row['between_rounds'] > 0.01) is ('FAST' in config)
    assert row['peak_MiB'] > 50


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        ('X2_FASTER_CONF', 'unknown configuration'),
        ('X2_FAST_IDEAL_CONF:iterations=3', 'write FIELD=VALUE'),
        ('X2_FAST_IDEAL_CONF:max_iters=0', 'max_iters must be at least 1'),
    ],
)
def test_a_wrong_preset_is_one_line(folder, capsys, config, message):
    assert benchmark.main(['frontier', str(folder), config]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count('\n') == 1


def test_gray_and_colour_images_are_measured_with_networks_compiled_before(folder, monkeypatch):
    gray = read_image(folder / 'a.png').pixels[:, :, :1]
    write_png(folder / 'a.png', gray)
    write_png(folder / 'a_gt.png', read_image(folder / 'a_gt.png').pixels[:, :, :1])
    given = []

    class Watched(ZSSR.ZSSR):
        """ZSSR that says which images came with a network."""

        def __init__(self, picture, *args, network=None, **kwargs):
            given.append((picture.stem, network is not None))
            super().__init__(picture, *args, network=network, **kwargs)

    monkeypatch.setattr(ZSSR, 'ZSSR', Watched)
    assert benchmark.main(['frontier', str(folder), 'X2_FAST_IDEAL_CONF' + TINY]) == 0
    assert given == [('a', False), ('a', True), ('b', False), ('b', True)]


def test_unusable_images_are_named_before_anything_is_measured(folder, capsys):
    (folder / 'b.png').write_text('no image')
    assert benchmark.main(['frontier', str(folder), 'X2_FAST_IDEAL_CONF' + TINY]) == 2
    error = capsys.readouterr().err
    assert 'b.png' in error
    assert error.count('\n') == 1


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--threads', '-1', 'overhead'], ['--threads', 'from 1']),
        (['overhead', '--iterations', '1'], ['--iterations', 'from 2']),
        (['--json', 'NOWHERE/x.json', 'step'], ['NOWHERE', 'make it first']),
        (['frontier', 'FOLDER', 'X2_FAST_IDEAL_CONF', '--figure', 'x.foo'], ['x.foo', '.png']),
        (['step', '--precision', 'double'], ['double', 'float32']),
        (['run', '--iterations', '0'], ['--iterations', 'from 1']),
    ],
)
def test_wrong_arguments_are_one_line_at_once(folder, tmp_path, capsys, arguments, words):
    places = {'FOLDER': str(folder), 'NOWHERE/x.json': str(tmp_path / 'NOWHERE' / 'x.json')}
    assert benchmark.main([places.get(argument, argument) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert all(word in error for word in words)
    assert error.count('\n') == 1


def test_an_image_without_ground_truth_is_named(folder, capsys):
    (folder / 'a_gt.png').unlink()
    assert benchmark.main(['frontier', str(folder), 'X2_FAST_IDEAL_CONF' + TINY]) == 2
    assert 'put a_gt.png beside it' in capsys.readouterr().err


def test_the_frontiers_figure_names_its_points_and_its_seconds():
    figure = frontier_figure([('X2_FAST_IDEAL_CONF', 13.0, 31.0), ('slow', 19.0, 31.1)])
    axes, names = figure.axes[0], ['X2_FAST_IDEAL_CONF', 'slow']
    assert [text.get_text() for text in figure.legends[0].get_texts()] == names
    assert [line.get_label() for line in axes.lines] == names
    assert [tuple(line.get_xydata()[0]) for line in axes.lines] == [(13.0, 31.0), (19.0, 31.1)]
    assert axes.lines[0].get_marker() != axes.lines[1].get_marker()
    figure.canvas.draw()
    assert any(label.get_text() for label in axes.get_xticklabels(which='both'))
