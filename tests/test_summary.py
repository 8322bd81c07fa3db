"""summary.py: what became of every image, as a table and as a page."""

import csv
import html
import json
import math
import re

import pytest
from helpers.command_line import save_image

from comparing.summary import Line, write_summary

HOSTILE = [
    '/in/<script>alert(1)</script>.png',
    '/in/"quoted" & \'single\'.png',
    '/in/a,b;c.png',
    '/in/two\nlines.png',
    '/in/{{rows}}.png',
    '/in/=1+1.png',
    '/in/\u202egnp.png',
    '/in/caf\udce9.png',
]


def rows(folder):
    """The rows of summary.csv, dicts of text."""
    with open(folder / 'summary.csv', newline='', encoding='utf-8', errors='surrogateescape') as file:
        return list(csv.DictReader(file))


def cells(folder):
    """The cells of the page, a list of lists of text, markup taken out."""
    body = re.search('<tbody>(.*)</tbody>', (folder / 'summary.html').read_text(), re.S)[1]
    found = [re.findall('<td>(.*?)</td>', row) for row in re.findall('<tr.*?</tr>', body)]
    return [[html.unescape(re.sub('<.*?>', '', cell)) for cell in row] for row in found]


def test_every_image_has_its_row(tmp_path):
    lines = [
        Line('/in/b.png', 'done', '', 12.345, 30.125, math.inf, 'b_zssr_X2.00X2.00.png'),
        Line('/in/d.png', 'left'),
        Line('/in/a.png', 'skipped', '', 1.0, None, None, 'a_zssr_X2.00X2.00.png'),
        Line('/in/c.png', 'failed', 'no such file; check the path'),
    ]
    write_summary(tmp_path, lines)
    found = rows(tmp_path)
    assert [row['image'] for row in found] == [f'/in/{name}.png' for name in 'abcd']
    assert [row['status'] for row in found] == ['skipped', 'done', 'failed', 'left']
    assert (found[1]['seconds'], found[1]['psnr'], found[1]['bicubic_psnr']) == ('12.345', '30.125', 'inf')
    assert found[2]['reason'] == 'no such file; check the path' and found[0]['psnr'] == ''
    assert cells(tmp_path) == [
        ['/in/c.png', 'failed', 'no such file; check the path', '', '', ''],
        ['/in/d.png', 'left', '', '', '', ''],
        ['/in/b.png', 'done', '', '12.3', '30.12', 'inf'],
        ['/in/a.png', 'skipped', '', '1.0', '', ''],
    ]
    page = (tmp_path / 'summary.html').read_text()
    assert '1 failed, 1 left, 1 done, 1 skipped.' in page and 'href="b_zssr_X2.00X2.00.png"' in page
    assert page.count(f'{tmp_path.name}: 4 images') == 2 and '{{' not in page


def test_any_name_stays_a_name(tmp_path):
    folder = tmp_path / '<b>{{rows}}'
    folder.mkdir()
    names = [name.rpartition('/')[2] for name in HOSTILE]
    lines = [Line(image, 'done', '', 1.0, output=name) for image, name in zip(HOSTILE, names, strict=True)]
    lines += [Line(image, 'failed', f'no {image}') for image in HOSTILE]
    write_summary(folder, lines)
    found = rows(folder)
    assert sorted(row['image'] for row in found) == sorted(2 * HOSTILE)
    assert {row['output'] for row in found} == {*names, ''}
    page = (folder / 'summary.html').read_text()  # which is UTF-8, whatever the names are
    assert '<script' not in page and '<b>' not in page and len(cells(folder)) == 2 * len(HOSTILE)
    assert '&lt;b&gt;{{rows}}: ' + f'{2 * len(HOSTILE)} images' in page
    assert 'href="%3D1%2B1.png"' in page and 'href="caf%E9.png"' in page


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr('running.images.FigureFile.update', lambda *_: None)
    folder = tmp_path / 'images'
    folder.mkdir()
    for seed, name in enumerate('abcd'):
        save_image(folder / f'{name}.png', seed)
    return folder


def test_a_run_tells_what_became_of_its_images(folder, tmp_path, run, monkeypatch):
    quick = '0', '--seed', '1', '--no-report', '--set=back_projection_iters=[0]', '-i'
    save_image(folder / 'a_gt.png', shape=(40, 48, 3))
    assert run(*quick, folder / 'a.png').code == 0
    assert not (tmp_path / 'results' / 'summary.csv').exists()  # of one image, all is said
    (folder / 'b.png').write_bytes(b'no image')
    from running.images import run_image

    def stopped(files, *rest):
        if files.name == 'd':
            raise KeyboardInterrupt
        return run_image(files, *rest)

    with monkeypatch.context() as patch:
        patch.setattr('running.workers.run_image', stopped)
        assert run(*quick, folder).code == 130
    found = {row['image'].rpartition('/')[2][0]: row for row in rows(tmp_path / 'results')}
    states = {name: row['status'] for name, row in found.items()}
    assert states == {'a': 'skipped', 'b': 'failed', 'c': 'done', 'd': 'left'}
    assert found['b']['reason'].startswith('not a PNG, JPEG')
    (entry,) = (
        image
        for image in json.loads((tmp_path / 'results' / 'run.json').read_text())['images']
        if image['stem'] == 'a'
    )
    assert float(found['a']['psnr']) == entry['scales'][0]['psnr']
    assert float(found['a']['seconds']) == entry['seconds']


def test_what_is_to_be_done_again_is_listed_once(folder, tmp_path, run, monkeypatch):
    quick = '0', '--seed', '1', '--no-report', '--set=back_projection_iters=[0]', '-i', folder
    assert run(*quick).code == 0
    (tmp_path / 'results' / 'a_zssr_X2.00X2.00.png').unlink()
    (folder / 'b.png').write_bytes(b'no image')

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr('running.workers.run_image', stopped)
    assert run(*quick).code == 130
    states = [(row['image'][-5], row['status']) for row in rows(tmp_path / 'results')]
    assert states == [('a', 'left'), ('b', 'failed'), ('c', 'skipped'), ('d', 'skipped')]
