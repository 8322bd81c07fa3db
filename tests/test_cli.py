"""run_ZSSR.py: what the command line understands, and what it says."""

import json

import numpy as np
import pytest
import scipy.io
from helpers.command_line import save_image
from PIL import Image

import configs
import run_ZSSR
from comparing.metrics import psnr
from configs import Config, get_config
from imresize import imresize


def configure(*arguments):
    return run_ZSSR.configure(run_ZSSR.build_parser().parse_args(arguments))


# What it understands


@pytest.mark.parametrize('name', configs.PRESETS)
def test_presets_by_name(name):
    assert configure(name) == configs.replace(get_config(name), save_results=True, value_range='auto')


@pytest.mark.parametrize('arguments', [[], ['0'], ['0', 'all'], ['0', '1']])
def test_0_or_nothing_is_the_default(arguments):
    assert configure(*arguments) == Config(save_results=True, value_range='auto')


@pytest.mark.parametrize(
    ('preset', 'scale', 'scale_factors', 'base_change_sfs'),
    [
        ('0', '3', [[3, 3]], []),
        ('X2_REAL_CONF', '2.5', [[2.5, 2.5]], []),
        ('0', '2x3', [[2, 3]], []),
        ('0', '2×3', [[2, 3]], []),
        ('X4_GRADUAL_IDEAL_CONF', '3x7', [[1 + 2 / 3, 3], [3, 7]], [[1 + 2 / 3, 3]]),
        ('X2_GRADUAL_IDEAL_CONF', '3', [[1, 2], [2, 1], [2, 2], [2, 3], [3, 2], [3, 3]], []),
        ('X2_GRADUAL_IDEAL_CONF', '3x2', [[1, 1.5], [2, 1], [2, 1.5], [2, 2], [3, 1.5], [3, 2]], []),
    ],
)
def test_scale_stretches_the_steps_of_a_preset(preset, scale, scale_factors, base_change_sfs):
    conf = configure(preset, '--scale', scale)
    assert conf.scales == [pytest.approx(pair) for pair in scale_factors]
    assert conf.base_changes == [pytest.approx(pair) for pair in base_change_sfs]
    assert len(conf.back_projection_iters) == len(scale_factors)


def test_set_changes_any_field_with_its_type():
    settings = ['max_iters=7', 'learning_rate=1', 'output_flip=False', 'name=7', 'downscale_method=linear']
    settings += ['scale_factors=[1.5, [2, 3]]', 'back_projection_iters=[1, 2]', 'noise_std=1e-2', 'seed=3']
    conf = configure('X2_REAL_CONF', *(f'--set={setting}' for setting in settings))
    assert conf == configs.replace(
        get_config('X2_REAL_CONF'),
        save_results=True,
        value_range='auto',
        **{'max_iters': 7, 'learning_rate': 1, 'output_flip': False, 'name': '7', 'seed': 3},
        **{'downscale_method': 'linear', 'noise_std': 0.01},
        **{'scale_factors': [1.5, [2, 3]], 'back_projection_iters': [1, 2]},
    )


def test_scale_comes_before_set_and_options_after_both():
    conf = configure('--set', 'scale_factors=[4]', '--scale', '3', '--set', 'seed=1', '--seed', '2')
    assert (conf.scales, conf.seed) == ([(4, 4)], 2)


def test_what_the_user_decides_is_not_left_to_the_image():
    everything = ['kernel', 'noise_std', 'back_projection_iters', 'output_flip', 'augment_allow_rotation']
    assert configure('AUTO').from_image == everything
    assert configure('AUTO', '--set', 'noise_std=0.01', '--kernel', 'a.mat').from_image == everything[2:]
    assert configure('AUTO', '--kernel', 'estimate').from_image == [*everything[1:], 'kernel']
    assert configure('X2_REAL_CONF', '--kernel', 'estimate').from_image == ['kernel']
    assert configure('X2_REAL_CONF').from_image == []
    assert configure('AUTO', '--set', 'from_image=["kernel"]').from_image == ['kernel']


def test_input_and_output_are_fields_too():
    conf = configure('X2_REAL_CONF', '--input', 'a.png', '--output', 'b')
    assert (conf.input_path, conf.result_path) == ('a.png', 'b')


def test_short_forms_and_words_between_options():
    conf = configure('X2_REAL_CONF', '-s', '3', 'a.png', '-o', 'b', '-i', 'c.png', 'd.png', '--seed', '1')
    assert conf == configure(
        *(
            'X2_REAL_CONF',
            '--scale',
            '3',
            '--output',
            'b',
            '--input',
            'c.png',
            'd.png',
            'a.png',
            '--seed',
            '1',
        )
    )
    assert (conf.scales, conf.result_path, conf.seed) == ([(3, 3)], 'b', 1)
    assert conf.input_path == 'c.png d.png a.png'


def test_an_output_is_a_file_or_a_folder_of_its_own(tmp_path):
    folder = configure('AUTO', '-o', 'out')
    assert (folder.result_path, folder.result_file, folder.create_results_dir) == ('out', None, False)
    file = configure('AUTO', 'a.png', '-o', 'out/big.tif')
    assert (file.result_path, file.result_file) == ('out', 'out/big.tif') and not file.is_recorded
    assert configure('AUTO', '-o', 'out', '--set', 'create_results_dir=True').create_results_dir
    assert configure('AUTO').create_results_dir


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('auto', 'auto'),
        ('full', 'full'),
        ('0:4095', [0, 4095]),
        ('-1024:3071', [-1024, 3071]),
        ('-1e3:-.5', [-1000, -0.5]),
        ('1e-3:2.5E4', [0.001, 25000]),
    ],
)
def test_value_ranges(text, value):
    assert configure('AUTO', 'a.tif', '--range', text).value_range == value


def test_by_default_the_range_is_the_datas_own():
    assert configure('AUTO').value_range == 'auto' and get_config('AUTO').value_range == 'full'
    assert configure('AUTO', '--set', 'value_range=full').value_range == 'full'
    assert configure('AUTO', '--set', 'value_range=[0, 4095]').value_range == [0, 4095]


def test_pages_formats_and_large_pictures():
    conf = configure('AUTO', '--pages', 'all', '--ext', 'tif', '--large')
    assert (conf.pages, conf.result_format, conf.large) == ('all', 'tif', True)
    assert [configure('AUTO', '--pages', text).pages for text in ('first', 'each', '3')] == [
        'first',
        'each',
        3,
    ]
    assert (configure('AUTO').result_format, configure('AUTO').large) == ('auto', False)


@pytest.mark.parametrize(
    ('preset', 'scale', 'grid', 'crop_size', 'rounds'),
    [
        ('X2_FAST_IDEAL_CONF', '3', 'low', 84, 2),
        ('X2_FAST_IDEAL_CONF', '5', 'low', 80, 2),
        ('X2_FAST_IDEAL_CONF', '2.5', 'high', 84, 2),
        ('X2_FAST_IDEAL_CONF', '2x3', 'high', 84, 2),
        ('X2_FAST_IDEAL_CONF', '17', 'high', 84, 2),
        ('X2_FAST_IDEAL_CONF', '1x2', 'high', 84, 1),
        ('X2_FAST_IDEAL_CONF', '1', 'high', 84, 1),
        ('X4_FAST_IDEAL_CONF', '3', 'high', 64, 2),
    ],
)
def test_any_scale_with_any_preset(preset, scale, grid, crop_size, rounds):
    conf = configure(preset, '--scale', scale)
    assert (conf.network_grid, conf.crop_size, conf.rounds) == (grid, crop_size, rounds)


def test_what_is_set_about_the_grid_is_kept():
    assert configure('AUTO', '-s', '2.5', '--set', 'crop_size=40').crop_size == 40
    assert configure('AUTO', '--set', 'scale_factors=[1.5]').network_grid == 'high'
    for setting, words in (('network_grid=low', "'low' needs one whole"), ('rounds=2', 'rounds 2 needs')):
        with pytest.raises(ValueError, match=words):
            configure('AUTO', '-s', '1x2', '--set', setting)


def test_list_has_a_line_for_each_preset(capsys):
    assert run_ZSSR.main(['--list']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [list(item) for item in configs.PRESETS.items()]


@pytest.mark.parametrize(
    ('option', 'words'),
    [
        ('--version', [configs.__version__]),
        (
            '--help',
            ['CONFIG', 'GPU', '--input', '--output', '--kernel', '--ground-truth', '--scale', '--set'],
        ),
        ('--help', ['--seed', '--no-report', '--list', '--version', '-v', '-q', "'all'"]),
    ],
)
def test_version_and_help(capsys, option, words):
    with pytest.raises(SystemExit) as end:
        run_ZSSR.main([option])
    out = capsys.readouterr().out
    assert end.value.code == 0 and all(word in out for word in words)


# What a run does


@pytest.mark.parametrize('name', configs.PRESETS)
def test_every_preset_runs(tmp_path, run, name):
    # Tests train for three iterations.
    rounds = f'--set=rounds={min(get_config(name).rounds, 3)}'
    done = run(name, '--input', save_image(tmp_path / 'a.png'), '--set=plot_losses=False', rounds)
    wanted = [
        f'a_zssr_X{vertical:.2f}X{horizontal:.2f}.png' for vertical, horizontal in get_config(name).scales
    ]
    assert done.code == 0 and [file for file in done.files if '_zssr_' in file] == sorted(wanted)


def test_there_is_a_kernel_for_each_scale(tmp_path, run, gaussian):
    image, kernels = save_image(tmp_path / 'a.png'), [tmp_path / 'one.mat', tmp_path / 'two.mat']
    for path in kernels:
        scipy.io.savemat(path, {'Kernel': gaussian(5, 5)})
    steps = ['--set=scale_factors=[1.5,2]', '--set=back_projection_iters=[0,0]']
    done = run('--input', image, *steps, '--kernel', kernels[0], '--kernel', kernels[1])
    assert done.code == 0 and f'a.png: kernel {kernels[0]}, {kernels[1]}\n' in done.out


def test_a_kernel_found_by_its_name_is_named(tmp_path, run, gaussian):
    scipy.io.savemat(tmp_path / 'a_0.mat', {'Kernel': gaussian(5, 5)})
    assert f'kernel {tmp_path / "a_0.mat"}\n' in run('--input', save_image(tmp_path / 'a.png')).out


def test_without_a_kernel_the_interpolation_is_named(tmp_path, run):
    done = run('--input', save_image(tmp_path / 'a.png'), '--set=downscale_method=lanczos3')
    assert 'a.png: no kernel, lanczos3 interpolation\n' in done.out


def test_a_partial_set_of_kernels_is_warned_of_even_in_a_quiet_run(tmp_path, run, gaussian):
    scipy.io.savemat(tmp_path / 'a_0.mat', {'Kernel': gaussian(5, 5)})
    image = save_image(tmp_path / 'a.png')
    done = run('--input', image, '-q', '--set=scale_factors=[1.5,2]', '--set=back_projection_iters=[0,0]')
    assert (done.code, done.out) == (0, '')
    assert done.err == f'{image}: WARNING: of the kernels, a_1.mat is missing, so none is used\n'


def test_a_preset_for_known_kernels_warns_even_in_a_quiet_run(tmp_path, run):
    image = save_image(tmp_path / 'a.png')
    done = run('x2_fast_given_kernel_conf', '--input', image, '-q')
    assert (done.code, done.out) == (0, '') and done.err.startswith(f'{image}: WARNING: no kernel found')
    assert done.err.count('\n') == 1 and '--kernel estimate' in done.err and 'a_0.mat' in done.err
    other = {'output': tmp_path / 'others'}
    assert run('X2_FAST_GIVEN_KERNEL_CONF', '--input', image, '--kernel', 'estimate', **other).err == ''


def test_a_scale_that_needs_the_fine_grid_is_said(tmp_path, run):
    image = save_image(tmp_path / 'a.png')
    said = run('X2_FAST_IDEAL_CONF', image, '--scale', '1x2').out
    assert "for scale_factors [[1.0, 2.0]], network_grid 'high', which takes longer" in said
    assert 'rounds 1: more need factors that grow on both axes' in said
    assert 'network_grid' not in run('X2_FAST_IDEAL_CONF', image, '--scale', '3').out


def test_a_picture_alone_is_enlarged_and_its_preset_named(tmp_path, run):
    done = run(save_image(tmp_path / 'a.png'))
    assert (done.code, done.err) == (0, '') and done.out.startswith('preset AUTO: what the picture tells')
    assert 'a_zssr_X2.00X2.00.png' in done.files


def test_results_lie_directly_in_the_folder_asked_for(tmp_path, run):
    run(save_image(tmp_path / 'a.png'))
    there = {path.name for path in (tmp_path / 'results').iterdir()}
    assert there == {'a_zssr_X2.00X2.00.png', 'a_losses.png', 'run.json', 'report.html'}


def test_without_an_output_a_dated_folder_is_made(tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run('0', '--input', save_image(tmp_path / 'a.png'), output=None)
    (folder,) = (tmp_path / 'results').iterdir()
    assert folder.name.startswith('test_') and (folder / 'code' / 'ZSSR.py').is_file()
    assert done.out.splitlines()[-1] == f'results/{folder.name}/a_zssr_X2.00X2.00.png'


@pytest.mark.parametrize('name', ['big.png', 'big.tif'])
def test_a_result_file_is_all_that_is_written(tmp_path, run, name):
    output = tmp_path / 'new' / 'folder' / name
    done = run(save_image(tmp_path / 'a.png'), output=output)
    assert (done.code, done.err) == (0, '') and done.out.splitlines()[-1] == str(output)
    assert len(list(output.parent.iterdir())) == 1


def test_the_last_line_names_the_result_and_its_score(tmp_path, run):
    image = save_image(tmp_path / 'a.png')
    save_image(tmp_path / 'a_gt.png', shape=(40, 48, 3))
    last = run('0', image, '--no-report').out.splitlines()[-1]
    record = json.loads((tmp_path / 'results' / 'run.json').read_text())['images'][0]
    result, truth = (
        np.asarray(Image.open(tmp_path / name)) for name in ('results/a_zssr_X2.00X2.00.png', 'a_gt.png')
    )
    bicubic = np.clip(imresize(np.asarray(Image.open(image)) / 255, 2, kernel='cubic'), 0, 1)
    psnrs = [psnr(result, truth, border=2), psnr(bicubic, truth / 255, border=2)]
    assert [record['scales'][0]['psnr'], record['bicubic_psnr']] == pytest.approx(psnrs, rel=1e-6)
    path = tmp_path / 'results' / 'a_zssr_X2.00X2.00.png'
    assert last == f'{path}  PSNR {psnrs[0]:.2f} dB (bicubic {psnrs[1]:.2f} dB)'


def test_several_inputs_end_with_their_folder(tmp_path, run):
    for name in 'abc':
        save_image(tmp_path / f'{name}.png')
    (tmp_path / 'notes.txt').touch()
    done = run('0', tmp_path / '[ab].png', '--input', tmp_path / 'c.png', '--no-report')
    assert done.out.splitlines()[-1] == f'{tmp_path}/results/' and 'not read' not in done.out
    assert [name[0] for name in done.files if '_zssr_' in name] == ['a', 'b', 'c']
    assert run('0', tmp_path, '--no-report').out.count('not read: notes.txt\n') == 1


def test_a_failure_is_printed_once(tmp_path, run, monkeypatch):
    for name in 'ab':
        save_image(tmp_path / f'{name}.png')
    monkeypatch.setattr('running.workers.run_image', lambda *_: 1 / 0)
    done = run('0', tmp_path)
    assert done.code == 1 and done.err.splitlines() == [
        *(f'{tmp_path}/{name}.png: ZeroDivisionError: division by zero' for name in 'ab'),
        '2 of 2 images failed, see above',
    ]


def test_all_without_a_gpu_runs_one_image_after_the_other(tmp_path, run):
    for name in 'ba':
        save_image(tmp_path / f'{name}.png')
    done = run('0', 'all', '--input', tmp_path)
    assert done.code == 0 and 'there is no such GPU on this machine: running on the CPU\n' in done.out
    lines = [line for line in done.out.splitlines() if 'iteration' in line or 'no kernel' in line]
    assert [line.removeprefix(f'{number} of 2  ')[0] for number, line in zip('1122', lines, strict=True)] == [
        *'aabb'
    ]


def test_a_run_ends_with_its_report(tmp_path, run):
    image = save_image(tmp_path / 'a.png')
    save_image(tmp_path / 'a_gt.png', shape=(40, 48, 3))
    done = run('--input', image)
    (path,) = tmp_path.rglob('report.html')
    assert done.files == ['a_losses.png', 'a_zssr_X2.00X2.00.png', 'report.html', 'run.json']
    assert (done.code, done.err) == (0, '') and done.out.splitlines()[-2] == f'report: {path}'
    page = path.read_text()
    assert page.count('<section') == 1 and 'bicubic PSNR' in page and '<polyline' in page
    assert 'none, the default recipe' in page and 'width=4' in page and 'href="a_losses.png"' in page


def test_a_report_names_the_preset(tmp_path, run):
    done = run('X2_REAL_CONF', '--input', save_image(tmp_path / 'a.png'), '--seed', '4')
    (path,) = tmp_path.rglob('run.json')
    record, page = json.loads(path.read_text()), path.with_name('report.html').read_text()
    assert done.code == 0 and record['preset'] == 'X2_REAL_CONF'
    assert record['changes']['max_iters'] == 3 and 'noise_std' not in record['changes']
    assert 'X2_REAL_CONF' in page and 'max_iters=3' in page and '<dt>Seed</dt><dd>4</dd>' in page


@pytest.mark.parametrize('option', ['--no-report', '--set=save_results=False'])
def test_no_report_where_none_is_wanted(tmp_path, run, option):
    done = run('--input', save_image(tmp_path / 'a.png'), option)
    assert (done.code, done.err) == (0, '') and 'report:' not in done.out
    assert 'report.html' not in done.files
    assert ('results go to' in done.out) is bool(done.files) is (option == '--no-report')


def test_a_report_covers_the_images_that_are_there(tmp_path, run):
    (tmp_path / 'images').mkdir()
    save_image(tmp_path / 'images' / 'b.png')
    (tmp_path / 'images' / 'a.png').write_bytes(b'no image')
    done = run('--input', tmp_path / 'images')
    (path,) = tmp_path.rglob('report.html')
    assert done.code == 1 and f'report: {path}\n' in done.out and path.read_text().count('<section') == 1


def test_without_any_result_a_report_is_not_missed(tmp_path, run, monkeypatch):
    (tmp_path / 'images').mkdir()
    save_image(tmp_path / 'images' / 'a.png')
    monkeypatch.setattr('running.workers.run_image', lambda *_: 1 / 0)
    done = run('--input', tmp_path / 'images')
    assert done.code == 1 and 'report:' not in done.out and 'no report' not in done.err


def test_a_report_that_fails_does_not_fail_the_run(tmp_path, run, monkeypatch):
    def fail(folder):
        raise MemoryError('no\nmemory')

    monkeypatch.setattr('comparing.comparison.report_run', fail)
    done = run('--input', save_image(tmp_path / 'a.png'), '-q')
    folder = next(tmp_path.rglob('run.json')).parent
    assert (done.code, done.out) == (0, '')
    assert done.err == f'{folder}: no report (no memory)\n'


def test_names_are_shown_as_they_are(tmp_path, run):
    done = run('--input', save_image(tmp_path / 'a[red]:smile:.png'))
    assert 'a[red]:smile:.png: no kernel' in done.out and 'a[red]:smile: ×2  training  iteration' in done.out


def test_an_image_without_contrast_is_no_reason_to_fail(tmp_path, run):
    Image.new('RGB', (24, 20)).save(tmp_path / 'a.png')
    Image.new('RGB', (48, 40)).save(tmp_path / 'a_gt.png')
    done = run('--input', tmp_path / 'a.png', '--set=save_results=False')
    assert (done.code, done.err) == (0, '') and 'PSNR inf dB' in done.out


def test_a_result_replaces_nothing_that_is_read(tmp_path, run, gaussian):
    image = save_image(tmp_path / 'a.png')
    truth = save_image(tmp_path / 'a_gt.png', shape=(40, 48, 3))
    before = truth.read_bytes()
    done = run(image, output=truth)
    assert done.code == 2 and f'{truth}: results cannot be written there (it is the ground truth)' in done.err
    assert truth.read_bytes() == before


def test_an_empty_output_is_refused(tmp_path, run):
    assert run(save_image(tmp_path / 'a.png'), output='').code == 2


def test_npz_is_a_format_of_results(tmp_path, run):
    assert run(save_image(tmp_path / 'a.png'), '--ext', 'npz').code == 0
    (name,) = np.load(tmp_path / 'results' / 'a_zssr_X2.00X2.00.npz').files
    assert name == 'arr_0'


def test_what_the_command_line_does_by_itself_is_no_change(tmp_path, run):
    run(save_image(tmp_path / 'a.png'), '--no-report')
    changes = json.loads((tmp_path / 'results' / 'run.json').read_text())['changes']
    assert 'value_range' not in changes and changes['width'] == 4


def test_the_result_is_the_last_line_even_where_others_failed(tmp_path, run):
    (tmp_path / 'images').mkdir()
    save_image(tmp_path / 'images' / 'a.png')
    (tmp_path / 'images' / 'b.png').write_bytes(b'no image')
    done = run('-i', tmp_path / 'images')
    assert done.code == 1 and done.out.splitlines()[-1].startswith(str(tmp_path / 'results'))
