"""evaluate.py: kernels and degradations that are drawn or given, and scores of any program."""

import csv

import numpy as np
import pytest
from helpers.command_line import TINY, save_image
from helpers.evaluation import lasting, refused, run
from PIL import Image

import evaluate
from comparing import metrics
from files.kernels import read_kernel, write_kernel
from files.pictures import read_image
from paper import image_sets
from paper.degradations import degrade, draw_kernel, generator_for, mix, shrink_by_kernel

pytestmark = pytest.mark.usefixtures('shared_networks')

ADAM = ('--set', 'optimizer=adam', '--set', 'weight_decay=0')


def test_table_2_draws_a_kernel_for_every_image(data, tmp_path):
    out = tmp_path / 'out'
    arguments = ('table2', '--data', data / 'Set5', '--images', 'b', '--draw-seed', 3)
    rows = run(*arguments, '--kernels', 'true', 'bicubic', *TINY, output=out)
    assert sorted(row.kernels for row in rows) == ['', 'bicubic', 'true']
    kept = out / 'work' / 'lr' / 'Set5_x2_table2_seed3'
    kernel = read_kernel(kept / 'b_0.mat')
    np.testing.assert_array_equal(kernel, draw_kernel(generator_for(3, 'b')))
    hr = image_sets.read_8_bits(data / 'Set5' / 'HR' / 'b.png')[:40, :50]
    np.testing.assert_array_equal(image_sets.read_8_bits(kept / 'b.png'), shrink_by_kernel(hr, kernel))
    assert len({row.psnr for row in rows}) == 3
    estimated = tmp_path / 'guessed'
    estimated.mkdir()
    write_kernel(estimated / 'b_0.mat', np.full((3, 3), 1 / 9))
    rows = run(*arguments, '--kernels', estimated, *TINY, output=out)
    assert sorted(row.kernels for row in rows) == ['', 'bicubic', 'guessed', 'true']
    assert {row.draw_seed for row in rows} == {3}


def make_given(root):
    """A benchmark that comes whole: HR, LR_x2, kernels, and another program's results."""
    for folder in ('HR', 'LR_x2', 'kernels', 'published_ZSSR'):
        (root / folder).mkdir(parents=True)
    save_image(root / 'HR' / 'im_3.png', 0, (40, 48, 3))
    save_image(root / 'published_ZSSR' / 'im_3.png', 0, (40, 48, 3))
    save_image(root / 'LR_x2' / 'im_3.png', 1, (20, 24, 3))
    write_kernel(root / 'kernels' / 'im_3_0.mat', np.eye(3) / 3)
    return root


def test_given_kernels_and_published_results(tmp_path, no_training):
    given = make_given(tmp_path / 'six')
    rows = run('table2', '--given', given, *TINY, output=tmp_path / 'out')
    found = {row.preset: row for row in rows}
    assert sorted(found) == ['X2_GIVEN_KERNEL_CONF', 'bicubic', 'published ZSSR']
    assert found['published ZSSR'].psnr == float('inf')
    (given / 'kernels' / 'im_3_0.mat').unlink()
    alone = run('table2', '--given', given, '--preset', 'bicubic', output=tmp_path / 'bicubic')
    assert sorted(row.preset for row in alone) == ['bicubic', 'published ZSSR']
    assert (found['X2_GIVEN_KERNEL_CONF'].kernels, found['X2_GIVEN_KERNEL_CONF'].draw_seed) == ('true', None)


def test_table_3_degrades_every_image(data, tmp_path, no_training):
    out = tmp_path / 'out'
    arguments = ('table3', '--data', data, '--sets', 'Set5', '--preset', 'X2_REAL_CONF')
    rows = run(*arguments, *TINY, output=out)
    assert len(rows) == 8
    for row in rows:
        hr = image_sets.read_8_bits(data / 'Set5' / 'HR' / f'{row.image}.png')
        hr = hr[: hr.shape[0] // 2 * 2, : hr.shape[1] // 2 * 2]
        assert row.degradation == degrade(hr, generator_for(0, row.image), 2)[1]
    again = run(*arguments, '--limit', 1, *TINY, output=tmp_path / 'again')
    assert lasting(again) == lasting(row for row in rows if row.image == 'a')
    other = run(*arguments[:-1], 'bicubic', '--draw-seed', 1, output=tmp_path / 'other')
    assert {row.inputs for row in other}.isdisjoint(row.inputs for row in rows)


def test_div2krk(tmp_path, no_training):
    folder = make_given(tmp_path / 'DIV2KRK')
    (folder / 'kernels').rename(folder / 'kernels_x2')
    (folder / 'kernels_x2' / 'im_3_0.mat').rename(folder / 'kernels_x2' / 'kernel_3.mat')
    rows = run('div2krk', '--data', folder, '--kernels', 'true', 'bicubic', *TINY, output=tmp_path / 'out')
    assert sorted(row.kernels for row in rows) == ['', 'bicubic', 'true']


def test_score_any_programs_results(tmp_path, capsys):
    truth, results = tmp_path / 'gt', tmp_path / 'results'
    truth.mkdir()
    results.mkdir()
    save_image(truth / 'img_001_SRF_2_HR.png', 0, (40, 48, 3))
    save_image(truth / 'img_001_SRF_2_LR.png', 5, (20, 24, 3))
    save_image(truth / 'img_001_SRF_2_nearest.png', 5, (40, 48, 3))
    save_image(truth / 'img_001_SRF_3_HR.png', 5, (39, 48, 3))
    for method in ('bicubic', 'nearest'):
        save_image(results / f'img_002_SRF_2_{method}.png', 5, (40, 48, 3))
    save_image(truth / 'img_002.png', 5, (40, 48, 3))
    save_image(truth / 'b.png', 2, (41, 49, 3))
    save_image(results / 'b.png', 3, (40, 48, 3))
    save_image(results / 'c.png', 3)
    rgba = np.dstack(
        [np.asarray(Image.open(truth / 'img_001_SRF_2_HR.png')), np.full((40, 48), 255, np.uint8)]
    )
    rgba[10:30, 10:30, :3] += 3
    Image.fromarray(rgba).save(results / 'img_001_SRF_2_LR_zssr_X2.00X2.00.png')
    sheet = tmp_path / 'scores.csv'
    assert evaluate.main(['score', str(results), '--gt', str(truth), '--csv', str(sheet)]) == 0
    printed, said = capsys.readouterr()
    rows = {row['image']: row for row in csv.DictReader(sheet.read_text().splitlines())}
    hr, b = (read_image(truth / name).pixels for name in ('img_001_SRF_2_HR.png', 'b.png'))
    assert float(rows['img_001']['psnr']) == metrics.psnr(rgba[:, :, :3], hr, border=2)
    assert (rows['img_001']['scale'], rows['b']['scale']) == ('2x2', '?')
    ours = read_image(results / 'b.png').pixels
    assert float(rows['b']['ssim']) == metrics.ssim(ours, b[:40, :48], border=2)
    assert '**mean of 2**' in printed
    for words in (
        'bicubic.png, img_002_SRF_2_nearest.png',
        'c: no ground truth',
        'b.png',
        'cropped to the smaller',
        'scale of 1 results',
    ):
        assert words in said
    assert (
        evaluate.main(['score', str(results), '--gt', str(truth), '--scale', '4', '--csv', str(sheet)]) == 0
    )
    rows = {row['image']: row for row in csv.DictReader(sheet.read_text().splitlines())}
    assert list(rows) == ['b']
    assert float(rows['b']['psnr']) == metrics.psnr(ours, b[:40, :48], border=4)


def test_score_refuses(tmp_path, capsys):
    save_image(tmp_path / 'a.png')
    (tmp_path / 'empty').mkdir()
    assert 'no such folder' in refused(capsys, 'score', tmp_path / 'none', '--gt', tmp_path)
    assert 'no such folder' in refused(capsys, 'score', tmp_path, '--gt', tmp_path / 'none')
    assert 'holds no results' in refused(capsys, 'score', tmp_path / 'empty', '--gt', tmp_path)
    assert 'a: no ground truth' in refused(capsys, 'score', tmp_path, '--gt', tmp_path / 'empty')
    assert '--scale 0' in refused(capsys, 'score', tmp_path, '--gt', tmp_path, '--scale', 0)
    assert '--gt' in refused(capsys, 'score', tmp_path)


def test_kernels_that_are_missing_or_do_not_fit(data, tmp_path, capsys):
    place, output = ['table2', '--data', data / 'Set5', '--limit', '2'], ['--output', tmp_path / 'out']
    assert 'no such folder' in refused(capsys, *place, *output, '--kernels', tmp_path / 'none')
    (tmp_path / 'mine').mkdir()
    write_kernel(tmp_path / 'mine' / 'a_0.mat', np.eye(3))
    assert 'no kernel for Set5 b' in refused(capsys, *place, *output, '--kernels', tmp_path / 'mine')
    write_kernel(tmp_path / 'mine' / 'b_0.mat', np.ones((30, 3)))
    assert '30×3' in refused(capsys, *place, *output, '--kernels', tmp_path / 'mine')
    assert 'leave --gradual out' in refused(capsys, *place, *output, '--gradual')
    (tmp_path / 'true').mkdir()
    write_kernel(tmp_path / 'true' / 'a_0.mat', np.eye(3))
    folder = tmp_path / 'true'
    assert 'rename it' in refused(
        capsys, 'table2', '--data', data / 'Set5', '--images', 'a', *output, '--kernels', folder
    )
    given = ['table2', '--given', data / 'Set5', *output]
    assert 'no LR_x2' in refused(capsys, *given)
    assert '--sets' in refused(capsys, *given, '--sets', 'Set5')
    whole = make_given(tmp_path / 'six')
    (whole / 'kernels' / 'im_3_0.mat').unlink()
    assert 'no kernel for six im_3' in refused(capsys, 'table2', '--given', whole, *output)
    save_image(whole / 'published_ZSSR' / 'im_3.png', 0, (38, 48, 3))
    arguments = ['table2', '--given', whole, '--kernels', 'bicubic', *output]
    assert 'published_ZSSR/im_3.png' in refused(capsys, *arguments)


def test_a_mixture_is_measured_with_what_each_image_decides(data, tmp_path):
    out = tmp_path / 'out'
    arguments = ('mixture', '--data', data / 'Set5', '--images', 'a', 'b', '--set', 'network_grid=high')
    rows = run(*arguments, *TINY, '--set', 'rounds=1', *ADAM, output=out)
    ours = {row.image: row for row in rows if row.preset == 'AUTO'}
    assert sorted(ours) == ['a', 'b']
    for name, row in ours.items():
        hr = image_sets.read_8_bits(data / 'Set5' / 'HR' / f'{name}.png')
        hr = hr[: hr.shape[0] // 2 * 2, : hr.shape[1] // 2 * 2]
        assert row.degradation == mix(hr, generator_for(0, name))[1] and row.kernels == 'estimated'
    again = run(*arguments, *TINY, '--set', 'rounds=1', *ADAM, output=out)
    assert lasting(again) == lasting(rows)


def test_auto_with_each_kernel_of_a_blurred_image(data, tmp_path):
    arguments = [
        'table2',
        '--data',
        data / 'Set5',
        '--images',
        'a',
        '--kernels',
        'true',
        'bicubic',
        'estimated',
    ]
    arguments += ['--noise', 8, '--preset', 'AUTO', '--set', 'network_grid=high', '--set', 'rounds=1']
    rows = run(*arguments, *TINY, *ADAM, output=tmp_path)
    ours = {row.kernels: row for row in rows if row.preset == 'AUTO'}
    assert sorted(ours) == ['bicubic', 'estimated', 'true']
    # The set's image is noise itself and tells no blur, so the estimate is the bicubic row; the true kernel's
    # son and back-projection are others.
    assert ours['estimated'].psnr == ours['bicubic'].psnr != ours['true'].psnr
    assert ours['true'].set == 'Set5, noise 8' and ours['true'].degradation == 'random kernel, noise 8'


def test_damage_is_done_to_the_blurred_image_with_the_same_kernel(data, tmp_path):
    arguments = ('table2', '--data', data / 'Set5', '--images', 'a', '--preset', 'bicubic')
    plain, noisy, compressed = (
        run(*arguments, *damage, output=tmp_path / str(n))
        for n, damage in enumerate([(), ('--noise', 5), ('--jpeg', 45)])
    )
    assert plain[0].psnr > noisy[0].psnr and plain[0].psnr != compressed[0].psnr
    lr = [
        image_sets.read_8_bits(next((tmp_path / n / 'work' / 'lr').glob('*/a.png'))).astype(float)
        for n in '012'
    ]
    assert (lr[1] - lr[0]).std() == pytest.approx(5, rel=0.1)
    assert 1 < (lr[2] - lr[0]).std() < 40
    kernels = [read_kernel(next((tmp_path / n / 'work' / 'lr').glob('*/a_0.mat'))) for n in '012']
    assert (kernels[0] == kernels[1]).all() and (kernels[0] == kernels[2]).all()


@pytest.mark.parametrize('damage', [('--noise', 5), ('--jpeg', 45)])
def test_given_images_are_not_damaged(tmp_path, capsys, damage):
    whole = make_given(tmp_path / 'six')
    output = ('--output', tmp_path / 'out')
    assert 'only images that are blurred here' in refused(
        capsys, 'table2', '--given', whole, *damage, *output
    )


@pytest.mark.parametrize(
    'damage', [('--noise', '0'), ('--noise', 'nan'), ('--jpeg', '0'), ('--noise', 'much')]
)
def test_damage_that_is_none_is_refused(tmp_path, capsys, damage):
    assert damage[1] in refused(capsys, 'table2', '--data', tmp_path, *damage)
