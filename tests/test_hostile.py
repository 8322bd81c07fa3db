"""Names and values that hold anything: on the command line, of images, in what a run writes."""

import json
from pathlib import Path

import pytest
from helpers.command_line import save_image

import run_ZSSR
from configs import Config
from files.names import result_name, short_stem
from running.command_line import set_field
from settings.rules import problems


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['--threads', '3000'], "'3000' is no whole number from 1 to"),
        (['--threads', '1' * 5000], 'is no whole number from 1 to'),
        (['--seed', '9' * 5000], 'argument --seed: invalid int value'),
        (['--seed', '1' + '0' * 400], 'seed must be between 0 and 4294967295'),
        (['--pages', '9' * 5000], "pages must be 'first', 'all', 'each' or a number from 1"),
        (['--range', 'nan:inf'], '--range nan:inf: give auto, full'),
        (['--range=-1e308:1e308'], 'value_range must be'),
        (['--scale', '1e999'], '--scale 1e999: give a factor from 1 to 100'),
        (['--set', 'noise_std=1' + '0' * 400], 'noise_std must be a number'),
        (['--set', 'max_iters=1\n2'], r'--set max_iters=1\n2: max_iters must be a whole number'),
        (['--set', '\x1b[31mwidth\r=1'], r'--set \x1b[31mwidth\r=1: write FIELD=VALUE'),
        (['--output=--'], 'argument -o/--output: -- is no value'),
        (['-s--'], 'argument -s/--scale: -- is no value'),
        (['--kernel=--'], 'argument --kernel: -- is no value'),
        (['--wid\nth'], r'unrecognized arguments: --wid\nth'),
        (['--input', 'no\nsuch.png'], r'no\nsuch.png: no such file'),
        (['--input', 'caf\udce9.png'], 'caf�.png: no such file'),
        (['--output', 'a\n.gif'], r'--output a\n.gif: cannot write .gif'),
        (['X9\nCONF'], r"unknown configuration 'X9\nCONF'"),
    ],
)
def test_hostile_values_are_one_line(capsys, arguments, said):
    assert run_ZSSR.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == '' and err.startswith('run_ZSSR.py: ') and len(err.splitlines()) == 1
    assert said in err and len(err) < 5000


def test_images_of_any_name_are_enlarged_and_recorded(tmp_path, run):
    names = ['b' * 250, '<b>$x$ a\nb\r\x1b[31m', 'caf\udce9 [x] 日本']
    (tmp_path / 'images').mkdir()
    for seed, name in enumerate(names):
        save_image(tmp_path / 'image.png', seed).rename(tmp_path / 'images' / f'{name}.png')
    done = run(tmp_path / 'images', 'X2_ONE_JUMP_IDEAL_CONF')
    assert done.code == 0
    images = json.loads((tmp_path / 'results' / 'run.json').read_text())['images']
    assert {image['stem']: Path(image['input']) for image in images} == {
        name: tmp_path / 'images' / f'{name}.png' for name in names
    }
    assert [image['scales'][0]['output'] for image in images] == [
        result_name(image['stem'], (2, 2)) for image in images
    ]
    assert {image['scales'][0]['output'] for image in images} <= set(done.files)
    assert {f'{name}_losses.png' for name in names[1:]} <= set(done.files)
    page = (tmp_path / 'results' / 'report.html').read_text(encoding='utf-8')
    assert 'caf%E9' in page and '&lt;b&gt;$x$' in page and '<b>' not in page
    assert set('\r\x1b') & set(done.out) == set() and r'<b>$x$ a\nb\r\x1b[31m.png: no kernel' in done.out
    (said,) = [line for line in done.out.splitlines() if 'shortened' in line]
    assert said.startswith('1 name of results shortened') and said.endswith(f': {short_stem(names[0])}…')


@pytest.mark.parametrize(
    ('field', 'most', 'more'),
    [
        *((field, 10**6, 10**6 + 1) for field in ('max_iters', 'min_iters', 'run_test_every')),
        *((field, 4096, 4097) for field in ('width', 'batch_size')),
        ('crop_size', 4096, 10**4000),
        ('depth', 256, 2**31),
        ('display_every', 10**9, 10**9 + 1),
        *((field, 1e12, 1e13) for field in ('noise_std', 'learning_rate', 'init_variance')),
        ('learning_rate_change_ratio', 1e12, 1e308),
        ('back_projection_iters', [10**6], [10**400]),
        ('value_range', [-1e30, 1e30], [-1e308, 1e308]),
        ('value_range', [0, 1e-30], [0, 5e-324]),
        ('value_range', [2**53, 2**53 + 2], [10**400, 10**401]),
    ],
)
def test_huge_numbers_are_refused_in_a_line(field, most, more):
    rest = {'learning_rate_slope_range': 10**6} if field == 'run_test_every' else {}
    assert not [text for text in problems(Config(**{field: most}, **rest)) if text.startswith(field)]
    (problem,) = problems(Config(**{field: more}, **rest))
    assert problem.startswith(f'{field} must be') and len(problem) < 500


@pytest.mark.parametrize(
    ('assignment', 'message'),
    [
        ('noise_std=1' + '0' * 400, 'noise_std must be a number'),
        ('noise_std=' + '9' * 5000, 'noise_std must be a number'),
        ('max_iters={[]: 1}', 'max_iters must be a whole number'),
        ('max_iters=' + '-' * 5000 + '1', 'max_iters must be a whole number'),
        ('max_iters=' + '[' * 5000, 'max_iters must be a whole number'),
        ('max_iters=' + '~' * 100_000 + '1', 'max_iters must be a whole number'),
        ("max_iters='\\d'", 'max_iters must be a whole number'),  # of which Python warns
        ('max_iters', 'FIELD=VALUE'),
    ],
)
def test_a_value_that_python_cannot_read_is_refused_as_text(assignment, message):
    conf = Config()
    with pytest.raises(ValueError, match=message):
        set_field(conf, assignment)
    assert conf == Config()
