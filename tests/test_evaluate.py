"""evaluate.py: tables from folders, resumed after any interruption; scores of any program; errors."""

import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from helpers import tolerances
from helpers.command_line import PROJECT, TINY, finish, save_image, start
from helpers.evaluation import lasting, refused, rows_of, run
from PIL import Image

import evaluate
from comparing import metrics
from imresize import imresize_matlab
from paper import image_sets
from paper.measuring import Measurer

pytestmark = pytest.mark.usefixtures('shared_networks')

SHARED = Path(__file__).parents[2] / 'shared' / 'data'


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


def test_the_projects_own_tables_are_written_only_if_they_are_named(data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert evaluate.main(['table1', '--data', str(data), '--preset', 'bicubic', '--limit', '1']) == 0
    assert [path.name for path in (tmp_path / 'results').iterdir()] == ['measured']
    assert len(rows_of(tmp_path / 'results' / 'measured')) == 1
    ignored = subprocess.run(['git', 'check-ignore', 'results/measured/table1.csv'], cwd=PROJECT)
    assert ignored.returncode in (0, 128)  # 128: the project without its history
    run('table1', '--data', data, '--preset', 'bicubic', '--limit', 2, output=Path('results/tables'))
    capsys.readouterr()
    assert evaluate.main(['show']) == 0
    assert '2 of 5' in capsys.readouterr().out


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


def test_several_processes_measure_the_same(data, tmp_path, capsys):
    one = run(*command(data, tmp_path / 'one')[:-2], output=tmp_path / 'one')
    several = run(*command(data, tmp_path / 'two')[:-2], '--workers', 2, output=tmp_path / 'two')
    assert lasting(several) == lasting(one) and len(several) == 6
    made, again = (
        {path.name: path.read_bytes() for path in (tmp_path / name / 'work').rglob('*.png')}
        for name in ('one', 'two')
    )
    assert made == again
    capsys.readouterr()
    run(*command(data, tmp_path / 'two')[:-2], '--workers', 2, output=tmp_path / 'two')
    assert capsys.readouterr().err == ''


def command(data, out, *more):
    return ('table1', '--data', data, '--limit', 3, *TINY, *more, '--output', out)


def test_a_run_goes_on_where_it_was_stopped(data, tmp_path, monkeypatch, capsys):
    whole = run(*command(data, tmp_path / 'whole')[:-2], output=tmp_path / 'whole')
    super_resolve, done, out = Measurer._super_resolve, [], tmp_path / 'out'

    def stops_at_the_second(self, task, lr, hr):
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(task.row.image)
        return super_resolve(self, task, lr, hr)

    monkeypatch.setattr(Measurer, '_super_resolve', stops_at_the_second)
    assert evaluate.main([str(argument) for argument in command(data, out)]) == 130
    assert 'kept' in capsys.readouterr().err
    assert [row.image for row in rows_of(out) if row.seconds] == ['a']
    monkeypatch.setattr(Measurer, '_super_resolve', super_resolve)
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
        (['--data', 'DATA', '--preset', 'bicubic', '--set', 'width=8'], ['bicubic', '--set']),
        (['--data', 'DATA', '--preset', 'bicubic', '--gradual'], ['bicubic', '--gradual']),
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


def test_damaged_tables_are_not_overwritten(data, tmp_path, capsys):
    (tmp_path / 'table1.csv').write_text('something else')
    assert 'move it away' in refused(capsys, 'table1', '--data', data, '--output', tmp_path)
    assert (tmp_path / 'table1.csv').read_text() == 'something else'
    assert 'no table there' in refused(capsys, 'show', tmp_path / 'none')
