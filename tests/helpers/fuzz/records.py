"""Damaged run.json beside tiny results, and damaged tables: read for reports, for scores, to be shown."""

import contextlib
import copy
import io
import json
import shutil
import tempfile
from argparse import Namespace
from pathlib import Path

import numpy as np
from helpers.fuzz.damage import damage
from helpers.result_folders import noisy, picture, save

import evaluate
from comparing import comparison, loading, scoring
from files.records import RUN_JSON
from files.storage import sha256
from paper import tables

SECRET = 'secret.png'  # lies beside the folders, and is never read
# Values of every type; what is named in RAW stands in the text in place of its name.
HOSTILE = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63), 0.5, -2.5, 1e308, -1e308, 5e-324),
    *('', ' ', 'Infinity', 'NaN', '2', 'a\nb', 'a\rb', 'a\0b', '\ud800', '\udcff', 'é', '\u202e', 'x' * 300),
    *('..', '.', '/', '../secret.png', '/etc/passwd', '/dev/zero', '/proc/self/environ', 'secret.png', 'a/b'),
    *('<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', 'javascript:alert(1)', '//host/x'),
    *('$x_1$', [], {}, [[]], [None], [0, 0], [2, 2], [2.0], [-2, 2], ['Infinity', 2], [1e-300, 1e300]),
    *([101, 1], {'a': 1}, [{}], [{'a': []}], [0] * 3000, ['a'] * 50, [[1, 2], [3]], [[0, 0], [0, 0]]),
    *([[1e308] * 3] * 3, [1e308] * 3, {'training': 1e308, 'output': -1}),
    *('@deep', '@digits', '@over', '@under', '@nan', '@infinity', '@nested'),
]
RAW = {
    '@deep': '[' * 50_000 + ']' * 50_000,
    '@digits': '9' * 5000,
    '@over': '1e999',
    '@under': '-1e999',
    '@nan': 'NaN',
    '@infinity': '-Infinity',
    '@nested': '{"a":' * 300 + '1' + '}' * 300,
}
CELLS = [
    *('', 'nan', 'inf', '-inf', '1e999', '-1', '9' * 5000, '9' * 30, 'x' * 140_000),
    *('a\0b', '"', '\r', 'a\rb', '1_0', '٣'),
]
ROW = tables.Row(
    table='table1',
    set='Set5',
    scale=2,
    preset='X2_ONE_JUMP_IDEAL_CONF',
    seed=0,
    image='bird',
    degradation='bicubic',
    psnr=41.5,
    ssim=0.98,
    bicubic_psnr=36.8,
    bicubic_ssim=0.97,
    iterations=1980,
    seconds=78.25,
    config='aaaa',
    inputs='bbbb',
    machine='cccc',
)


def make(rng, folder):
    """Write a damaged record of a run, or a damaged table; in one of ten cases it is whole."""
    return _make_run(rng, folder) if rng.random() < 0.75 else _make_table(rng, folder)


def read(case):
    """Read it as reports, scores and tables are made."""
    attempts = [_show] if case.suffix == '.csv' else [_report, _compare, _score]
    refusals = []
    for attempt in attempts:
        try:
            attempt(case)
        except (ValueError, OSError) as error:
            assert str(case) in str(error), f'does not name its place: {error}'
            refusals.append(error)
    if refusals:
        raise refusals[0]


def _make_run(rng, folder):
    run, data = folder / 'run', folder / 'data'
    save(folder / SECRET, picture(9, 32, 40))
    images = [_image(name, run, data) for name in ('bird', 'woman')]
    shutil.copytree(run, folder / 'other')
    record = {
        'preset': 'X2_FAST_IDEAL_CONF',
        'changes': {'max_iters': 60, 'scale_factors': [[3.0, 3.0]]},
        'config': {'seed': 0},
        'versions': {'zssr': '1.0.0'},
        'started': '2026-01-02T03:04:05+0000',
        'images': images,
        'failures': ['cat.png: too small'],
        'finished': '2026-01-02T04:14:35+0000',
    }
    text = _damaged_text(rng, record).replace('/secret/', f'{folder}/')
    data = text.encode(errors='surrogatepass')
    (run / RUN_JSON).write_bytes(damage(rng, data) if rng.random() < 0.15 else data)
    return run


def _image(name, run, data):
    """The entry of an image in run.json, whose files are written."""
    truth, output = picture(len(name), 32, 40), f'{name}_zssr_X2.00X2.00.png'
    source = save(data / f'{name}.png', truth[::2, ::2])
    save(data / f'{name}_gt.png', truth)
    save(run / output, noisy(truth, 5, 4))
    scale = {
        'sf': [2.0, 2.0],
        'kernel': [[0.0, 0.25, 0.0], [0.25, 0.5, 0.25], [0.0, 0.25, 0.0]],
        'iterations': 40,
        'learning_rate_changes': [20],
        'loss': [0.1 / (1 + i) for i in range(40)],
        'mse_steps': [0, 20],
        'mse': None,
        'mse_rec': [0.01, 0.005],
        'psnr': 30.5,
        'ssim': 0.9,
        'seconds': {'training': 3.5, 'output': 0.2},
        'output': output,
    }
    return {
        'stem': name,
        'input': str(source),
        'input_sha256': sha256(source),
        'ground_truth': str(data / f'{name}_gt.png'),
        'ground_truth_sha256': sha256(data / f'{name}_gt.png'),
        'kernel': 'estimated kernel',
        'found': None,
        'bicubic_psnr': 28.5,
        'seed': 0,
        'scales': [scale],
        'values': {
            **{'low': [0.0], 'high': [255.0], 'dtype': 'uint8'},
            **{'stretched': False, 'shape': [1, 32, 40, 3], 'page': 1},
        },
        'device': 'CPU',
    }


def _damaged_text(rng, record):
    """The record as JSON, with one to three values of its tree replaced, removed, repeated or nested."""
    record = copy.deepcopy(record)
    for _ in range(int(rng.integers(1, 4)) if rng.random() > 0.1 else 0):
        _change(rng, record)
    text = json.dumps(record, indent=1)
    for name, raw in RAW.items():
        text = text.replace(f'"{name}"', raw)
    if rng.random() < 0.05:
        text = text.replace('"stem": ', '"stem": "other", "stem": ', 1)
    return text


def _change(rng, record):
    """Damage one place of a tree, in place."""
    places = list(_places(record))
    parent, key = places[rng.integers(len(places))]
    value, way = _hostile(rng), rng.random()
    if way < 0.6:
        parent[key] = value
    elif way < 0.7:
        del parent[key]
    elif way < 0.8:
        parent[key] = [parent[key]] * int(rng.integers(1, 4)) if rng.random() < 0.5 else {'a': parent[key]}
    elif isinstance(parent, list):
        parent.insert(key, value if way < 0.9 else copy.deepcopy(parent[key]))
    else:
        parent[str(key).upper() if way < 0.9 else '@odd'] = parent.pop(key)


def _places(tree):
    """Yield (dict or list, key) of every value in a tree; of long lists, of a few."""
    pairs = tree.items() if isinstance(tree, dict) else list(enumerate(tree))[:5]
    for key, value in list(pairs):
        yield tree, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _hostile(rng):
    value = copy.deepcopy(HOSTILE[rng.integers(len(HOSTILE))])
    return '/secret/secret.png' if rng.random() < 0.1 else value


def _make_table(rng, folder):
    path = folder / 'table1.csv'
    rows = {}
    for number in range(3):
        row = ROW.__class__(**{**vars(ROW), 'image': f'bird{number}'})
        rows[row.key] = row
    notes = tables.Notes({('set', 'Set5'): '5 images', ('config', 'aaaa'): 'preset: fields'})
    tables.write_table(path, rows, notes)
    lines = path.read_text().split('\n')
    for _ in range(int(rng.integers(1, 4)) if rng.random() > 0.1 else 0):
        at = int(rng.integers(len(lines)))
        cells = lines[at].split(',')
        place, way = int(rng.integers(len(cells))), rng.random()
        if way < 0.6:
            cells[place] = CELLS[rng.integers(len(CELLS))]
        elif way < 0.7:
            del cells[place]
        elif way < 0.8:
            cells.insert(place, cells[place])
        lines[at : at + 1] = [','.join(cells)] * (2 if way > 0.9 else 1)
    data = '\n'.join(lines).encode()
    path.write_bytes(damage(rng, data) if rng.random() < 0.3 else data)
    return path


def _show(path):
    with contextlib.redirect_stdout(io.StringIO()):
        evaluate.show(Namespace(paths=[path]))


def _report(run):
    with _watched(run):
        done = comparison.report_run(run)
    html = done.path.read_text()
    assert '<script>alert' not in html and '<img src=x' not in html, 'a field became HTML'
    assert len(html) < 200_000, f'a page of {len(html)} bytes'


def _compare(run):
    with _watched(run):
        comparison.compare(run, run.parent / 'other', run.parent / 'report', figures=False)


def _score(run):
    scoring.score_folder(run, run.parent / 'data')


@contextlib.contextmanager
def _watched(run):
    """Read nothing but the folders of results, and the files that the record knows by their checksums."""
    real = loading.read_image

    def read_image(path, **options):
        """As the real one, of what may be read."""
        assert path.name != SECRET, f'reads {path}'
        return real(path, **options)

    loading.read_image = read_image
    try:
        yield
    finally:
        loading.read_image = real


def _load_readers():
    """Read some cases, so that what readers load late is not loaded again in the process of every case."""
    rng = np.random.default_rng(0)
    for _ in range(9):
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(ValueError, OSError):
            read(make(rng, Path(folder)))


_load_readers()
