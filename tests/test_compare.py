"""compare.py: which files are compared, what the table says, and what the page is made of."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.result_folders import make_folders, make_run, noisy, picture, save
from PIL import Image

import compare
from comparing import difference_map, folders, metrics, page
from files.names import parse_name, result_name, short_stem

ROOT = Path(__file__).parents[1]


def run_program(*arguments):
    command = [sys.executable, ROOT / 'compare.py', *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, check=False)


# Names and folders


@pytest.mark.parametrize(
    ('stem', 'name', 'scale'),
    [
        ('img_001', 'img_001', None),
        ('img_001_SRF_2_HR', 'img_001', (2, 2)),
        ('bird_zssr_X2.00X2.00', 'bird', (2, 2)),
        ('bird_zssr_X1.50X2.00', 'bird', (1.5, 2)),
        ('img_001_SRF_4_LR_zssr_X4.00X4.00', 'img_001', (4, 4)),
        ('a_zssr_b', 'a_zssr_b', None),
    ],
)
def test_names(stem, name, scale):
    assert parse_name(stem) == (name, scale)


def test_images_across_namings(tmp_path):
    image = picture()
    for name in ('img_001_SRF_2_HR.png', 'bird_zssr_X2.00X2.00.png', 'only_a.png', 'bird_gt.png'):
        save(tmp_path / 'a' / name, image)
    for name in ('img_001.png', 'bird.bmp', 'only_b.png'):
        save(tmp_path / 'b' / name, image)
    save(tmp_path / 'gt' / 'bird.png', image)
    truth = save(tmp_path / 'gt' / 'bird_gt.png', image)
    images, notes = folders.common_images(tmp_path / 'a', tmp_path / 'b', gt=tmp_path / 'gt')
    assert [(files.name, files.scale, files.ground_truth) for files in images] == [
        ('bird', (2, 2), truth),
        ('img_001', (2, 2), None),
    ]
    assert len(notes) == 3
    assert {note.split('/')[-1].split(':')[0] for note in notes} >= {'a', 'b', 'gt'}


def test_names_that_hold_anything_are_compared(tmp_path, capsys):
    names = ['<script>|`x`*', 'a\nb\r\x1b[31m', 'caf\udce9 $\\frac{', 'l' * 230]
    a, b, gt = make_folders(tmp_path, names[:3])
    for folder, name in (
        (a, result_name(names[3], (2, 2))),
        (b, f'{names[3]}.png'),
        (gt, f'{names[3]}_gt.png'),
    ):
        save(folder / name, picture(9))
    arguments = [a, b, '--gt', gt, '--names', 'a|b', '<b>\udce9', '-o', tmp_path / 'report']
    assert compare.main([*map(str, arguments)]) == 0
    table, err = capsys.readouterr()
    assert err == '' and not {'\r', '\x1b'} & set(table)
    lines = table.splitlines()
    assert lines[0].startswith(r'| image | scale | a\|b PSNR | a\|b SSIM | \<b>� PSNR')
    assert {line.split(' | ×2 | ')[0] for line in lines if '×2' in line} == {
        r'| \<script>\|\`x\`\*',
        r'| a\\nb\\r\\x1b[31m',
        r'| caf� \$\\frac{',
        f'| {short_stem(names[3])}'.replace('~', r'\~'),
    }
    with open(
        tmp_path / 'report' / 'comparison.csv', encoding='utf-8', errors='surrogateescape', newline=''
    ) as file:
        read = {row['image'] for row in csv.DictReader(file)}
    assert read == {*names[:3], short_stem(names[3])}
    page = (tmp_path / 'report' / 'report.html').read_text(encoding='utf-8')
    assert '<script>|' not in page and '&lt;script&gt;|`x`*' in page
    assert len(list((tmp_path / 'report' / 'figures').iterdir())) == 2 * len(names)


def test_the_largest_common_scale_is_compared(tmp_path):
    for folder, scales in {'a': ('1.50', '2.00', '3.00'), 'b': ('1.50', '2.00')}.items():
        for scale in scales:
            save(tmp_path / folder / f'bird_zssr_X{scale}X{scale}.png', picture())
    ((files,), notes) = folders.common_images(tmp_path / 'a', tmp_path / 'b')
    assert {result.path.name for result in files.results} == {'bird_zssr_X2.00X2.00.png'}
    assert notes == []


def test_a_record_tells_results_from_figures(tmp_path):
    folder = make_run(tmp_path)
    save(folder / 'bird_losses.png', picture())
    found = folders.find_results(folder)
    assert list(found) == ['bird']
    assert found['bird'][0].run['stem'] == 'bird'


def test_of_the_benchmarks_files_only_those_of_the_role_and_scale_count(tmp_path):
    names = ('2_HR', '2_bicubic', '2_nearest', '3_HR', '3_LR')
    for name in names:
        save(tmp_path / f'img_001_SRF_{name}.png', picture())
    save(tmp_path / 'bird.png', picture())
    save(tmp_path / 'bird_gt.png', picture())
    save(tmp_path / 'bird_zssr_X2.00X2.00.png', picture())
    truths, sources = (folders.find_images(tmp_path, role) for role in ('HR', 'LR'))
    chosen = {scale: folders.image_at(truths, 'img_001', scale) for scale in ((2, 2), (3, 3), (4, 4), None)}
    assert [path and path.name for path in chosen.values()] == [
        'img_001_SRF_2_HR.png',
        'img_001_SRF_3_HR.png',
        None,
        None,
    ]
    assert folders.image_at(sources, 'img_001', (3, 3)).name == 'img_001_SRF_3_LR.png'
    assert folders.image_at(truths, 'bird', (2, 2)).name == 'bird_gt.png'
    assert folders.image_at(sources, 'bird', (2, 2)).name == 'bird.png'
    assert folders.image_at(truths, 'none', None) is None


def test_several_results_of_one_image_and_scale_are_left_out(tmp_path):
    for name in ('img_001_SRF_2_bicubic', 'img_001_SRF_2_nearest', 'bird'):
        save(tmp_path / 'a' / f'{name}.png', picture())
    for name in ('img_001', 'bird'):
        save(tmp_path / 'b' / f'{name}.png', picture())
    ((files,), (note,)) = folders.common_images(tmp_path / 'a', tmp_path / 'b')
    assert files.name == 'bird'
    assert 'img_001_SRF_2_bicubic.png, img_001_SRF_2_nearest.png' in note


# Measuring


def test_table_against_metrics(tmp_path):
    a, b, gt = make_folders(tmp_path)
    done = compare.compare(a, b, tmp_path / 'report', gt=gt, figures=False)
    for seed, verdict in enumerate(done.verdicts):
        truth = picture(seed)
        one, two = noisy(truth, 10 + seed), noisy(truth, 20 + seed, 8)
        assert (verdict.psnr_a, verdict.psnr_b) == tuple(metrics.psnr(i, truth, border=2) for i in (one, two))
        assert (verdict.ssim_a, verdict.ssim_b) == tuple(metrics.ssim(i, truth, border=2) for i in (one, two))
        assert verdict.psnr_between == metrics.psnr(one, two, border=2)
        assert verdict.largest == np.abs(one.astype(int) - two).max()
    with open(tmp_path / 'report' / 'comparison.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [float(row['original PSNR']) for row in rows] == [verdict.psnr_a for verdict in done.verdicts]
    assert rows[0]['scale'] == rows[0]['border'] == '2x2'
    assert done.table == (tmp_path / 'report' / 'comparison.md').read_text()
    mean = sum(verdict.psnr_b for verdict in done.verdicts) / 2
    assert '| **mean** |  | ' in done.table and f'{mean:.2f}' in done.table.splitlines()[-1]


def test_opaque_alpha_is_dropped(tmp_path):
    truth = picture()
    rgba = np.dstack([truth, np.full(truth.shape[:2], 255, np.uint8)])
    save(tmp_path / 'a' / 'x.png', rgba)
    save(tmp_path / 'b' / 'x.png', truth)
    done = compare.compare(tmp_path / 'a', tmp_path / 'b', tmp_path / 'report', figures=False)
    assert (done.verdicts[0].psnr_between, done.verdicts[0].largest, done.notes) == (float('inf'), 0, [])
    rgba[0, 0, 3] = 7
    save(tmp_path / 'a' / 'x.png', rgba)
    done = compare.compare(tmp_path / 'a', tmp_path / 'b', tmp_path / 'report', figures=False)
    assert 'transparent' in done.notes[0]


def test_gray_against_rgb(tmp_path):
    gray = picture(channels=1)
    save(tmp_path / 'a' / 'x.png', gray)
    save(tmp_path / 'b' / 'x.png', noisy(np.repeat(gray, 3, axis=2), 1))
    save(tmp_path / 'b' / 'y.png', np.repeat(gray, 3, axis=2))
    save(tmp_path / 'a' / 'y.png', gray)
    done = compare.compare(tmp_path / 'a', tmp_path / 'b', tmp_path / 'report', figures=False)
    assert [verdict.largest for verdict in done.verdicts] == [12, 0]


def test_border_and_crop_of_odd_truth(tmp_path):
    truth = picture(height=61, width=81)
    save(tmp_path / 'gt' / 'x.png', truth)
    save(tmp_path / 'a' / 'x_zssr_X3.00X3.00.png', noisy(truth[:60, :80], 1))
    save(tmp_path / 'b' / 'x.png', noisy(truth[:60, :80], 2))
    arguments = tmp_path / 'a', tmp_path / 'b', tmp_path / 'report'
    done = compare.compare(*arguments, gt=tmp_path / 'gt', figures=False)
    expected = metrics.psnr(noisy(truth[:60, :80], 1), truth[:60, :80], border=3)
    assert done.verdicts[0].psnr_a == expected
    assert 'cropped' in done.notes[0]
    done = compare.compare(*arguments, gt=tmp_path / 'gt', border=7, figures=False)
    assert done.verdicts[0].border == (7, 7)


def test_what_does_not_fit_is_listed(tmp_path):
    a, b, gt = make_folders(tmp_path, ('bird', 'boat', 'cut', 'head'))
    save(b / 'boat.png', picture(height=40))
    (b / 'cut.png').write_bytes((b / 'cut.png').read_bytes()[:300])
    save(gt / 'head.png', picture(height=20, width=20))
    done = compare.compare(a, b, tmp_path / 'report', gt=gt, figures=False)
    assert [verdict.name for verdict in done.verdicts] == ['bird', 'head']
    assert done.verdicts[1].psnr_a is None
    assert len(done.notes) == 3
    html = done.path.read_text()
    assert '40×80 pixels' in html and 'not measured against it' in html and 'cut.png' in html


# The page


def test_page_is_self_contained_and_escaped(tmp_path):
    a, b, gt = make_folders(tmp_path, ('<b>&"bird', 'a|b'))
    names = '<script>alert(1)</script>', '$x_1$'
    done = compare.compare(a, b, tmp_path / 'report', gt=gt, names=names)
    html = done.path.read_text()
    assert not re.search(r'https?://|["\'(]//|@import|<link[^>]+stylesheet', html)
    addresses = re.findall(r'(?:src|href)="([^"]{1,12})', html)
    assert addresses and all(address.startswith(('data:', '#image-')) for address in addresses)
    assert '<script>alert' not in html and '<b>' not in html
    assert '{{' not in html
    assert r'a\|b' in done.table


def test_exact_below_the_limits(tmp_path):
    a, b, _ = make_folders(tmp_path, ('bird',))
    done = compare.compare(a, b, tmp_path / 'report', figures=False)
    html = done.path.read_text()
    assert '"crops": []' in html and 'shown' not in re.search('class="facts">(.*)<', html)[1]


def test_large_pictures_are_scaled_with_crops_at_full_size(tmp_path, monkeypatch):
    monkeypatch.setattr(page, 'PIXEL_LIMIT', 60 * 80 // 4)
    monkeypatch.setattr(page, 'MARGIN', 7)
    monkeypatch.setattr(difference_map, 'PATCH', 16)
    truth = picture()
    other = noisy(truth, 1, 2)
    other[40:50, 60:70] = 255 - other[40:50, 60:70]
    save(tmp_path / 'a' / 'x.png', truth)
    save(tmp_path / 'b' / 'x.png', other)
    html = compare.compare(
        tmp_path / 'a', tmp_path / 'b', tmp_path / 'report', figures=False
    ).path.read_text()
    assert 'shown at 50 %, crops at full size' in html
    detail = json.loads(re.search(r'<script type="application/json">(.*?)</script>', html)[1])
    left, top, side = detail['peaks'][0]
    assert left <= 60 and top <= 40 and left + side >= 70 - 16 + 10 and top + side >= 50
    left, top, side = detail['crops'][0]['at']
    assert side == 30
    crop = decode(detail['crops'][0]['b'])
    np.testing.assert_array_equal(crop, other[top : top + side, left : left + side])


def decode(address):
    import base64
    import io

    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(',')[1]))).convert('RGB'))


def test_size_stays_below_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(page, 'BYTE_LIMIT', 300_000)
    rng = np.random.RandomState(0)
    for name in map(str, range(4)):
        for folder in 'ab':
            save(tmp_path / folder / f'{name}.png', rng.randint(0, 256, (200, 200, 3)).astype(np.uint8))
    done = compare.compare(tmp_path / 'a', tmp_path / 'b', tmp_path / 'report', figures=False)
    html = done.path.read_text()
    assert len(html.encode()) < 300_000
    assert html.count('<section') == 4 and 'scaled down or compressed' in html
    monkeypatch.setattr(page, 'BYTE_LIMIT', 90_000)
    done = compare.compare(tmp_path / 'a', tmp_path / 'b', tmp_path / 'report', figures=False)
    assert 'in the table only' in done.path.read_text()


# The command line


def test_command_line(tmp_path):
    a, b, gt = make_folders(tmp_path)
    save(a / 'extra.png', picture())
    out = tmp_path / 'deep' / 'report'
    done = run_program(a, b, '--gt', gt, '--names', 'them', 'us', '-o', out)
    assert done.returncode == 0, done.stderr
    assert 'them PSNR' in done.stdout and 'extra.png' in done.stderr
    assert {path.name for path in out.iterdir()} == {
        'report.html',
        'comparison.md',
        'comparison.csv',
        'figures',
    }
    assert {path.suffix for path in (out / 'figures').iterdir()} == {'.png', '.pdf'}


@pytest.mark.parametrize(
    'case', ['missing', 'empty', 'nothing in common', 'one name', 'output is a file', 'border', 'option']
)
def test_errors_take_one_line_and_exit_2(tmp_path, case):
    a, b, _ = make_folders(tmp_path, ('bird',))
    (tmp_path / 'empty').mkdir()
    save(tmp_path / 'other' / 'else.png', picture())
    arguments = {
        'missing': (a, tmp_path / 'nowhere'),
        'empty': (a, tmp_path / 'empty'),
        'nothing in common': (a, tmp_path / 'other'),
        'one name': (a, b, '--names', 'x', 'x'),
        'output is a file': (a, b, '-o', b / 'bird.png'),
        'border': (a, b, '--border', 40),
        'option': (a, b, '--border', 'wide'),
    }[case]
    done = run_program('-o', tmp_path / 'report', *arguments)
    assert done.returncode == 2
    assert done.stdout == '' and len(done.stderr.splitlines()) == 1 and done.stderr.startswith('compare.py: ')


def test_ctrl_c_is_one_line(tmp_path, monkeypatch, capsys):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(compare, 'compare', stopped)
    assert compare.main(['a', 'b']) == 130
    assert capsys.readouterr().err.count('\n') == 1


def test_no_tensorflow_for_8_bits(tmp_path):
    a, b, _ = make_folders(tmp_path, ('bird',))
    code = (
        'import sys, compare; compare.compare(*sys.argv[1:4]);'
        "assert not {'tensorflow', 'matplotlib.pyplot'} & set(sys.modules)"
    )
    command = [sys.executable, '-c', code, a, b, tmp_path / 'report']
    subprocess.run(list(map(str, command)), cwd=ROOT, check=True, timeout=120)
