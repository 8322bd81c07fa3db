"""evaluate.py: tables from folders, resumed after any interruption; scores of any program; errors."""

import csv
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import tolerances
from command_line import PROJECT, TINY, finish, save_image, start
from PIL import Image

import evaluate
import image_sets
import metrics
import tables
import tasks
from configs import PRESETS, Config, get_config
from degradations import degrade, draw_kernel, generator_for, shrink_by_kernel
from images import read_image, read_kernel
from imresize import imresize_matlab

SHARED = Path(__file__).parents[2] / 'shared' / 'data'
UNLIKE = ('seconds', 'machine')  # what two measurements of the same row may differ in


@pytest.fixture
def data(tmp_path):
    """A folder with the set Set5: three colour images of odd sizes and a gray one."""
    folder = tmp_path / 'data' / 'Set5' / 'HR'
    folder.mkdir(parents=True)
    for seed, name in enumerate(('a', 'b', 'c')):
        save_image(folder / f'{name}.png', seed, (41, 49 + seed, 3))
    save_image(folder / 'gray.png', 7, (48, 44, 1))
    return tmp_path / 'data'


@pytest.fixture
def no_training(monkeypatch):
    """Leave the training out, where only what is trained on matters."""

    def skip(self, task, lr, hr):
        return {'psnr': 30.0, 'ssim': 0.9, 'iterations': 1, 'seconds': 1.0, 'machine': ''}

    monkeypatch.setattr(evaluate.Measurer, '_super_resolve', skip)


def run(*arguments, output):
    assert evaluate.main([*map(str, arguments), '--output', str(output)]) == 0
    return rows_of(output, arguments[0])


def rows_of(output, table='table1'):
    rows, _ = tables.read_table(output / f'{table}.csv')
    return list(rows.values())


def lasting(rows):
    return [{name: cell for name, cell in vars(row).items() if name not in UNLIKE} for row in rows]


def refused(capsys, *arguments):
    """The one line in which a command refuses its input."""
    assert evaluate.main([str(argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ''
    assert err.startswith('evaluate.py: ')
    assert err.count('\n') == 1
    return err


def test_a_table_from_ground_truth_alone(data, tmp_path, capsys):
    out = tmp_path / 'out'
    rows = run('table1', '--data', data, '--scales', 2, '--images', 'a', 'gray', *TINY, output=out)
    ours = {row.image: row for row in rows if row.preset == 'X2_ONE_JUMP_IDEAL_CONF'}
    assert sorted(ours) == ['a', 'gray']
    for name, row in ours.items():
        hr = image_sets.read_8_bits(data / 'Set5' / 'HR' / f'{name}.png')
        hr = hr[: hr.shape[0] // 2 * 2, : hr.shape[1] // 2 * 2]
        lr = image_sets.read_8_bits(out / 'work' / 'lr' / 'Set5_x2' / f'{name}.png')
        np.testing.assert_array_equal(lr, imresize_matlab(hr, 0.5))
        (sr,) = out.glob(f'work/sr/table1/Set5_x2/*/{name}_zssr_X2.00X2.00.png')
        sr = image_sets.read_8_bits(sr)
        assert row.psnr == pytest.approx(metrics.psnr(sr, hr, border=2), abs=1e-5)
        assert row.ssim == pytest.approx(metrics.ssim(sr, hr, border=2), abs=1e-5)
        assert row.iterations == 3
        assert row.seconds > 0
        assert (row.seed, row.kernels, row.scale) == (0, 'bicubic', 2)
        assert row.changes.startswith('width=4 depth=3')
    assert [row.psnr == row.bicubic_psnr for row in rows if row.preset == 'bicubic'] == [True, True]
    printed, said = capsys.readouterr()
    assert '37.37/.9570 (seen)' in printed
    assert '2 of 5' in printed
    assert 'not measured' in printed
    assert 'gray: X2_ONE_JUMP' in said
    header = (out / 'table1.csv').read_text()
    for word in ('width=4', 'tensorflow', 'cores; float32; zssr', 'numpy', 'set Set5: 4 images'):
        assert word in header
    assert (out / 'work' / '.gitignore').read_text() == '*\n'


def test_bicubic_alone_needs_no_tensorflow(data, tmp_path):
    code = 'import sys, evaluate; sys.exit(evaluate.main(sys.argv[1:]) or "tensorflow" in sys.modules)'
    arguments = ('table1', '--data', data, '--preset', 'bicubic', '--output', tmp_path / 'out')
    code, printed, _ = finish(start(*arguments, program=('-c', code), python_path=PROJECT))
    assert code == 0
    assert len(rows_of(tmp_path / 'out')) == 4
    assert '4 of 5' in printed


def test_given_low_resolution_files_are_used(data, tmp_path):
    given = data / 'Set5' / 'LR_x2'
    given.mkdir()
    for name in ('a', 'b', 'c', 'gray'):
        hr = image_sets.read_8_bits(data / 'Set5' / 'HR' / f'{name}.png')
        Image.fromarray(hr[::2, ::2][: hr.shape[0] // 2, : hr.shape[1] // 2].squeeze()).save(
            given / f'{name}.png'
        )
    out = tmp_path / 'out'
    rows = run('table1', '--data', data, '--preset', 'bicubic', '--limit', 1, output=out)
    assert len(rows) == 1
    assert not (out / 'work' / 'lr').exists()
    made = run(
        'table1',
        '--data',
        data / 'Set5' / 'HR',
        '--preset',
        'bicubic',
        '--limit',
        1,
        output=tmp_path / 'made',
    )
    assert made[0].psnr != rows[0].psnr


def command(data, out, *more):
    return ('table1', '--data', data, '--limit', 3, *TINY, *more, '--output', out)


def test_a_run_goes_on_where_it_was_stopped(data, tmp_path, monkeypatch, capsys):
    whole = run(*command(data, tmp_path / 'whole')[:-2], output=tmp_path / 'whole')
    super_resolve, done, out = evaluate.Measurer._super_resolve, [], tmp_path / 'out'

    def stops_at_the_second(self, task, lr, hr):
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(task.row.image)
        return super_resolve(self, task, lr, hr)

    monkeypatch.setattr(evaluate.Measurer, '_super_resolve', stops_at_the_second)
    assert evaluate.main([str(argument) for argument in command(data, out)]) == 130
    assert 'kept' in capsys.readouterr().err
    assert [row.image for row in rows_of(out) if row.seconds] == ['a']
    monkeypatch.setattr(evaluate.Measurer, '_super_resolve', super_resolve)
    again = run(*command(data, out)[:-2], output=out)
    said = capsys.readouterr().err
    assert ' a: ' not in said
    assert said.count('X2_ONE_JUMP') == 2
    assert lasting(again) == lasting(whole)
    before = (out / 'table1.csv').read_bytes()
    run(*command(data, out)[:-2], output=out)
    assert capsys.readouterr().err == ''
    assert (out / 'table1.csv').read_bytes() == before


def test_rows_are_kept_apart_or_measured_anew(data, tmp_path, monkeypatch, no_training):
    out, one = tmp_path / 'out', ('table1', '--data', data, '--images', 'a')

    def ours():
        return [row for row in rows_of(out) if row.seed is not None]

    run(*one, output=out)
    run(*one, '--seed', 1, output=out)
    run(*one, '--set', 'noise_std=0.1', output=out)
    run(*one, '--gradual', output=out)
    run(*one, '--gradual', '--preset', 'X2_REAL_CONF', output=out)
    assert len(ours()) == 5
    assert len({row.config for row in ours()}) == 4
    # A preset whose fields have changed, and ground truth that is another: the same rows, measured anew.
    monkeypatch.setattr('configs.X2_ONE_JUMP_IDEAL_CONF.noise_std', 0.05)
    run(*one, output=out)
    assert len(ours()) == 5
    inputs = {row.inputs for row in ours()}
    save_image(data / 'Set5' / 'HR' / 'a.png', 9, (41, 49, 3))
    run(*one, output=out)
    assert len(ours()) == 5
    assert len(inputs) == 1
    assert len({row.inputs for row in ours()}) == 2


def test_a_set_named_twice_is_measured_once(data, tmp_path, no_training, capsys):
    arguments = ('table1', '--data', data, '--sets', 'Set5', 'Set5', '--scales', 2, 2, '--images', 'a')
    assert len(run(*arguments, output=tmp_path / 'out')) == 2
    assert capsys.readouterr().err.count('\n') == 2


def test_folders_of_one_name_are_refused(data, tmp_path, capsys):
    other = tmp_path / 'other' / 'Set5'
    other.mkdir(parents=True)
    out = ('--output', tmp_path / 'out')
    message = refused(capsys, 'table1', '--data', data, '--sets', 'Set5', other, *out)
    assert '--sets' in message and 'called Set5; rename one' in message
    place = ('table2', '--data', data / 'Set5', '--kernels', data / 'Set5', other)
    assert 'called Set5; rename one' in refused(capsys, *place, *out)


def test_threads_are_set_before_16_bit_images_are_read(data, tmp_path):
    high = np.random.RandomState(0).randint(0, 2**16, (40, 48)).astype(np.uint16)
    Image.fromarray(high).save(data / 'Set5' / 'HR' / 'high.png')
    arguments = ('table1', '--data', data, '--images', 'high', '--threads', 1, *TINY)
    done = finish(start(*arguments, '--output', tmp_path, program=(PROJECT / 'evaluate.py',)))
    assert done[0] == 0, done[2]


def test_settings_are_what_differs_from_the_defaults():
    assert tasks.settings(Config(name='x', seed=3, result_path='y')) == 'the defaults'
    assert 'noise_std=0.0125' in tasks.settings(get_config('X2_REAL_CONF'))


@pytest.mark.parametrize('scale', [2, 3, 4])
@pytest.mark.parametrize('preset', PRESETS)
def test_every_preset_goes_to_every_scale_also_gradually(preset, scale):
    for gradual in ([], ['--gradual']):
        arguments = ['table1', '--data', 'x', '--preset', preset, '--seed', '5', *gradual]
        args = evaluate.build_parser().parse_args(arguments)
        if preset == 'X4_FAST_IDEAL_CONF' and scale != 4 and not gradual:
            # Its two steps of one whole factor, stretched to another scale, are none.
            with pytest.raises(ValueError, match='needs one whole factor'):
                tasks.configure(args, scale)
            continue
        conf = tasks.configure(args, scale)
        assert conf.scales[-1] == (scale, scale)
        assert (conf.seed, conf.save_results) == (5, False)
        assert conf.noise_std == get_config(preset).noise_std
        if gradual:
            assert len(conf.scales) == 6
            assert any(conf.back_projection_iters) == any(get_config(preset).back_projection_iters)


def test_killed_at_any_moment(data, tmp_path):
    """SIGKILL after the first row of ours; the table is whole, and the next run completes it."""
    out = tmp_path / 'out'
    arguments = command(data, out, '--set', 'max_iters=120', '--set', 'run_test_every=40')
    whole = run(*arguments[:-2], output=tmp_path / 'whole')
    process = start(*arguments, program=(PROJECT / 'evaluate.py',))
    deadline = time.monotonic() + 60
    while (
        not any(row.seconds for row in rows_of(out))
        and process.poll() is None
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    finish(process)
    assert any(row.seconds for row in rows_of(out))
    assert lasting(run(*arguments[:-2], output=out)) == lasting(whole)


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
    estimated = tmp_path / 'estimated'
    estimated.mkdir()
    image_sets.write_kernel(estimated / 'b_0.mat', np.full((3, 3), 1 / 9))
    rows = run(*arguments, '--kernels', estimated, *TINY, output=out)
    assert sorted(row.kernels for row in rows) == ['', 'bicubic', 'estimated', 'true']
    assert {row.draw_seed for row in rows} == {3}


def make_given(root):
    """A benchmark that comes whole: HR, LR_x2, kernels, and another program's results."""
    for folder in ('HR', 'LR_x2', 'kernels', 'published_ZSSR'):
        (root / folder).mkdir(parents=True)
    save_image(root / 'HR' / 'im_3.png', 0, (40, 48, 3))
    save_image(root / 'published_ZSSR' / 'im_3.png', 0, (40, 48, 3))
    save_image(root / 'LR_x2' / 'im_3.png', 1, (20, 24, 3))
    image_sets.write_kernel(root / 'kernels' / 'im_3_0.mat', np.eye(3) / 3)
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


def test_show_prints_without_measuring(data, tmp_path, capsys):
    out = tmp_path / 'out'
    run('table1', '--data', data, '--preset', 'bicubic', output=out)
    printed = capsys.readouterr().out
    (out / 'notes.csv').write_text('something else')
    for path in (out, out / 'table1.csv'):
        assert evaluate.main(['show', str(path)]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith('### Table 1')
        assert printed in shown


def test_bicubic_rows_come_out_as_published(tmp_path):
    """Set5 at x2, x3, x4; the other sets are measured by the same command, too long for a test."""
    if not SHARED.is_dir():
        pytest.skip(f'no benchmark images in {SHARED}')
    arguments = ('table1', '--data', SHARED, '--sets', 'Set5', '--scales', 2, 3, 4, '--preset', 'bicubic')
    rows = run(*arguments, output=tmp_path)
    for scale, psnr, ssim in [(2, 33.66, 0.9299), (3, 30.39, 0.8682), (4, 28.42, 0.8104)]:
        mean = np.mean([(row.psnr, row.ssim) for row in rows if row.scale == scale], axis=0)
        assert mean[0] == pytest.approx(psnr, abs=tolerances.PUBLISHED_PSNR)
        assert mean[1] == pytest.approx(ssim, abs=tolerances.PUBLISHED_SSIM)


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


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--data', 'DATA/none'], ['none', 'no such folder', '--data']),
        (['--data', 'DATA', '--sets', 'Set9'], ['Set9', 'no such folder']),
        (['--data', 'DATA/..'], ['holds no ground truth']),
        (['--data', 'DATA', '--preset', 'X2'], ["'X2'", 'X2_REAL_CONF']),
        (['--data', 'DATA', '--images', 'a', 'zebra'], ['zebra', 'a, b, c, gray']),
        (['--data', 'DATA', '--set', 'widht=4'], ['widht=4', 'width']),
        (['--data', 'DATA', '--set', 'scale_factors=[[3,3]]'], ['scale_factors', '×2']),
        (['--data', 'DATA', '--set', 'width=0'], ['width']),
        (['--data', 'DATA', '--set', 'seed=3'], ['seed=3', '--seed']),
        (['--data', 'DATA', '--scales', '1'], ["'1'", 'from 2']),
        (['--data', 'DATA', '--limit', '0'], ["'0'", 'from 1']),
        (['--data', 'DATA', '--seed', '-1'], ['-1', 'from 0']),
        (['--data', 'DATA', '--threads', 'two'], ['two']),
        (['--data', 'DATA', '--output', 'DATA/Set5/HR/a.png'], ['a.png', '--output']),
        (['--data', 'DATA', '--scales', '9'], ['too small']),
        ([], ['--data']),
    ],
)
def test_what_a_user_can_get_wrong(data, tmp_path, capsys, arguments, words):
    arguments = [argument.replace('DATA', str(data)) for argument in arguments]
    if '--output' not in arguments:
        arguments += ['--output', str(tmp_path / 'out')]
    message = refused(capsys, 'table1', *arguments)
    for word in words:
        assert word in message
    assert not list(tmp_path.glob('out/*.csv'))
    if '9' not in arguments:  # only there are images made first
        assert not (tmp_path / 'out').exists()


def test_kernels_that_are_missing_or_do_not_fit(data, tmp_path, capsys):
    place, output = ['table2', '--data', data / 'Set5', '--limit', '2'], ['--output', tmp_path / 'out']
    assert 'no such folder' in refused(capsys, *place, *output, '--kernels', tmp_path / 'none')
    (tmp_path / 'mine').mkdir()
    image_sets.write_kernel(tmp_path / 'mine' / 'a_0.mat', np.eye(3))
    assert 'no kernel for Set5 b' in refused(capsys, *place, *output, '--kernels', tmp_path / 'mine')
    image_sets.write_kernel(tmp_path / 'mine' / 'b_0.mat', np.ones((30, 3)))
    assert '30×3' in refused(capsys, *place, *output, '--kernels', tmp_path / 'mine')
    assert 'leave --gradual out' in refused(capsys, *place, *output, '--gradual')
    (tmp_path / 'true').mkdir()
    image_sets.write_kernel(tmp_path / 'true' / 'a_0.mat', np.eye(3))
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


def test_damaged_tables_are_not_overwritten(data, tmp_path, capsys):
    (tmp_path / 'table1.csv').write_text('something else')
    assert 'move it away' in refused(capsys, 'table1', '--data', data, '--output', tmp_path)
    assert (tmp_path / 'table1.csv').read_text() == 'something else'
    assert 'no table there' in refused(capsys, 'show', tmp_path / 'none')
