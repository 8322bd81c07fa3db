"""workers.py: what is recorded of a run, and what survives when something fails."""

import json
import logging
import re
import signal
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import tensorflow as tf
from conftest import TINY as FIELDS
from helpers import tolerances
from helpers.command_line import PROJECT, TINY, finish, results, save_image, start

from blind.estimate import estimate_kernels, gaussian_kernel
from blind.gaussian import Covariance
from comparing.metrics import psnr, ssim
from configs import Config
from files import png
from files.image_files import ImageFiles
from files.kernels import preprocess_kernels
from files.pictures import read_image, write_png
from files.run_folder import make_results_folder
from files.storage import sha256
from imresize import imresize
from running.clock import duration_text
from running.devices import start_tensorflow
from running.inputs import check_images, find_files
from running.progress import Terminal
from running.workers import clock_for, run_images, usual_number

# What `all` does on a machine with two GPUs; here both turn out to be the CPU.
TWO_GPUS = (
    'import sys, run_ZSSR; from running import devices; devices.start_tensorflow = lambda *_: 2; '
    'sys.exit(run_ZSSR.main())'
)


@pytest.fixture
def conf(tmp_path):
    return Config(**{**FIELDS, 'save_results': True}, result_path=str(tmp_path / 'results'))


@pytest.fixture
def run(conf, shared_network, monkeypatch):
    """Run images one after the other on a network that is compiled already; returns failures and run.json."""
    monkeypatch.setattr('learning.network.Network', shared_network)

    def run(images, **options):
        conf.result_path = str(make_results_folder(conf))
        failures = run_images(images, conf, Terminal(quiet=True), **options).failures
        record = Path(conf.result_path) / 'run.json'
        return failures, json.loads(record.read_text()) if record.exists() else None

    return run


# What is recorded


def test_a_run_is_recorded(tmp_path, conf, run, gaussian):
    image, truth = save_image(tmp_path / 'a.png'), save_image(tmp_path / 'a_gt.png', shape=(40, 48, 3))
    kernel = tmp_path / 'a_0.mat'
    scipy.io.savemat(kernel, {'Kernel': gaussian(5, 5)})
    failures, record = run([find_files(image, conf)[0]])
    assert failures == record['failures'] == []
    assert record['config'] == json.loads(json.dumps(asdict(conf)))
    assert {'zssr', 'python', 'tensorflow', 'keras', 'numpy', 'scipy', 'pillow'} <= record['versions'].keys()
    assert record['started'] <= record['finished']
    (entry,) = record['images']
    assert (entry['stem'], entry['input'], entry['ground_truth']) == ('a', str(image), str(truth))
    assert entry['input_sha256'] == sha256(image) and entry['seed'] == 1 and entry['device']
    assert entry['kernels'] == [{'file': str(kernel), 'sha256': sha256(kernel)}]
    assert entry['kernel'] == f'kernel {kernel}'
    (scale,) = entry['scales']
    assert scale['sf'] == [2, 2] and scale['iterations'] == len(scale['loss']) == 3
    assert scale['learning_rate_changes'] == [] and len(scale['mse']) == len(scale['mse_rec']) == 2
    assert scale['seconds'].keys() == {'training', 'output'} and min(scale['seconds'].values()) > 0
    written = read_image(Path(conf.result_path) / scale['output']).pixels
    for measure, name in ((psnr, 'psnr'), (ssim, 'ssim')):  # from floats there, from 8 bits here
        assert scale[name] == pytest.approx(measure(written, read_image(truth).pixels, border=2), rel=1e-3)


def test_without_ground_truth_and_kernel_nothing_is_made_up(tmp_path, conf, run):
    conf.seed = None
    _, record = run([find_files(save_image(tmp_path / 'a.png'), conf)[0]])
    (entry,) = record['images']
    assert record['config']['seed'] is None and 0 <= entry['seed'] < 2**32
    assert (entry['ground_truth'], entry['kernels']) == (None, [])
    (scale,) = entry['scales']
    assert (scale['psnr'], scale['ssim'], scale['mse'], scale['kernel']) == (None, None, None, 'cubic')


def test_every_scale_and_image_is_recorded(tmp_path, conf, run):
    conf.scale_factors, conf.back_projection_iters = [1.5, [2, 1.5]], [0, 0]
    images = [find_files(save_image(tmp_path / f'{name}.png'), conf)[0] for name in 'ab']
    _, record = run(images)
    assert [entry['stem'] for entry in record['images']] == ['a', 'b']
    outputs = [scale['output'] for entry in record['images'] for scale in entry['scales']]
    assert outputs == [
        f'{name}_zssr_{factor}.png' for name in 'ab' for factor in ('X1.50X1.50', 'X2.00X1.50')
    ]
    for output in outputs:
        assert (Path(conf.result_path) / output).is_file()


@pytest.fixture(scope='module')
def blurred(tmp_path_factory):
    """A photograph blurred by a Gaussian and shrunk, as a file."""
    photograph = read_image(PROJECT / 'test_data' / 'ideal_x3' / 'photographer_gt.png').pixels
    kernel = gaussian_kernel(Covariance(2.5, 1.6, 0.5), (2, 2))
    path = tmp_path_factory.mktemp('blurred') / 'a.png'
    write_png(path, imresize(photograph, 0.5, kernel=kernel))
    return path


def test_kernels_are_estimated_where_that_is_asked_for(blurred, conf, run):
    conf.scale_factors, conf.back_projection_iters = [1.5, 2], [0, 0]
    conf.from_image = ['kernel']
    _, record = run([find_files(blurred, conf)[0]])
    (entry,) = record['images']
    text = r'blur .* px at \d+° \(confidence [01]\.\d\d\): estimated kernel; noise_std 0\.002'
    assert re.fullmatch(text, entry['kernel']) and entry['kernels'] == []
    assert len(entry['found']['covariance']) == 3 and entry['found']['confidence'] > 0.6
    assert entry['found']['chosen'] == {'noise_std': 0.002}
    estimates = estimate_kernels(read_image(blurred).pixels, [(1.5, 1.5), (2.0, 2.0)])
    for scale, estimate in zip(entry['scales'], estimates, strict=True):
        (aligned,) = preprocess_kernels([estimate.kernel], Config(scale_factors=[scale['sf']]))
        np.testing.assert_allclose(scale['kernel'], aligned, atol=tolerances.FLOAT64)


def test_after_a_base_change_nothing_is_blurred_any_more(blurred, conf, run):
    conf.scale_factors, conf.base_change_sfs, conf.back_projection_iters = [2, 4], [2], [0, 0]
    conf.from_image = ['kernel']
    _, record = run([find_files(blurred, conf)[0]])
    first, second = record['images'][0]['scales']
    assert isinstance(first['kernel'], list) and second['kernel'] == 'cubic'


def test_where_there_is_no_blur_no_kernel_is_estimated(tmp_path, conf, run):
    conf.from_image = ['kernel']
    _, record = run([find_files(save_image(tmp_path / 'a.png'), conf)[0]])
    (entry,) = record['images']
    assert entry['kernel'] == '20×24 pixels are too few to tell a blur (confidence 0.00): cubic kernel'
    assert entry['found'] == {'covariance': None, 'confidence': 0.0, 'chosen': {}}
    assert entry['scales'][0]['kernel'] == 'cubic'


def test_what_an_image_decides_is_trained_with_and_recorded(blurred, conf, run):
    noisy = (
        read_image(blurred).pixels + np.random.RandomState(0).randn(*read_image(blurred).pixels.shape) / 25
    )
    path = blurred.parent / 'noisy.png'
    write_png(path, np.clip(noisy, 0, 1))
    conf.from_image, conf.back_projection_iters = ['noise_std', 'back_projection_iters'], [7]
    _, record = run([find_files(path, conf)[0]])
    (entry,) = record['images']
    chosen = entry['found']['chosen']
    assert sorted(chosen) == ['back_projection_iters', 'noise_std']
    assert 0.02 < chosen['noise_std'] < 0.06 and chosen['back_projection_iters'] == [0]
    assert entry['scales'][0]['kernel'] == 'cubic' and conf.back_projection_iters == [7]
    assert re.search(r'noise \d+\.\d of 255: cubic kernel; noise_std 0\.\d+', entry['kernel'])


def test_nothing_is_written_if_nothing_is_to_be_saved(tmp_path, conf, run):
    conf.save_results = False
    failures, record = run([find_files(save_image(tmp_path / 'a.png'), conf)[0]])
    assert (failures, record, results(conf.result_path)) == ([], None, [])


def test_two_runs_in_one_second_have_their_own_folders(tmp_path, conf):
    folders = [make_results_folder(conf) for _ in range(4)]
    assert len(set(folders)) == 4
    assert all((folder / 'code' / 'ZSSR.py').is_file() and not results(folder) for folder in folders)


# What survives


def test_an_image_that_fails_in_the_middle_does_not_lose_the_others(tmp_path, conf, run, capsys):
    images = [find_files(save_image(tmp_path / f'{name}.png'), conf)[0] for name in 'abc']
    images[1].input.unlink()
    failures, record = run(images, rejected=['d.png: rejected before'])
    assert (
        failures
        == record['failures']
        == ['d.png: rejected before', f'{tmp_path}/b.png: no such file; check the path']
    )
    assert [entry['stem'] for entry in record['images']] == ['a', 'c']
    assert capsys.readouterr().err == f'{tmp_path}/b.png: no such file; check the path\n'


def test_a_result_is_written_whole_or_not_at_all(tmp_path, conf, run, monkeypatch):
    images = [find_files(save_image(tmp_path / f'{name}.png'), conf)[0] for name in 'ab']
    filtered, calls = png._filtered, []

    def fail_once(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise OSError('disk full')
        return filtered(*arguments)

    monkeypatch.setattr(png, '_filtered', fail_once)
    failures, _ = run(images)
    assert failures == [f'{tmp_path}/a.png: disk full']
    kept = [path.name for path in results(conf.result_path)]
    assert 'b_zssr_X2.00X2.00.png' in kept and 'run.json' in kept
    assert not [name for name in kept if name.startswith(('a', '.'))]


def test_tensorflow_does_not_speak_of_retracing():
    start_tensorflow()
    assert not tf.get_logger().isEnabledFor(logging.WARNING)


# Several processes


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('images')
    for name in 'abc':
        save_image(folder / f'{name}.png')
    return folder


def test_one_process_per_device(folder, tmp_path, conf, capfd):
    images = [find_files(folder / f'{name}.png', conf)[0] for name in 'abc']
    images.insert(1, find_files(folder / 'none.png', conf)[0])
    conf.result_path = str(make_results_folder(conf))
    failures = run_images(images, conf, Terminal(quiet=True), devices=['-1', '-1']).failures
    record = json.loads((Path(conf.result_path) / 'run.json').read_text())
    assert failures == record['failures'] == [f'{folder}/none.png: no such file; check the path']
    assert sorted(entry['stem'] for entry in record['images']) == ['a', 'b', 'c']
    enlarged = [path for path in results(conf.result_path) if '_zssr_' in path.name]
    assert len(enlarged) == 3
    assert capfd.readouterr() == ('', failures[0] + '\n')


def test_ctrl_c_ends_all_processes(folder, tmp_path):
    """Only the parent is told, as by `kill -INT`; from a terminal, its processes are told as well."""
    endless = ['--set=max_iters=100000', '--set=min_iters=100000']
    arguments = ['0', 'all', '--input', folder, '--output', tmp_path, *TINY, *endless]
    process = start(*arguments, program=('-c', TWO_GPUS), start_new_session=True)
    said = [process.stdout.readline() for _ in range(3)]
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)  # which waits until all that hold the pipes have ended
    assert (code, err) == (130, 'run_ZSSR.py: stopped; finished images are kept\n'), [*said, out]


def test_each_end_of_several_processes_is_told(folder, tmp_path, conf, capfd):
    images = [find_files(folder / f'{name}.png', conf)[0] for name in 'ab']
    conf.result_path = str(make_results_folder(conf))
    run_images(images, conf, Terminal(), devices=['-1', '-1'])
    said = capfd.readouterr().out
    for number in (1, 2):
        line = (
            rf'^{number} of 2  [ab]\.png: no kernel, cubic interpolation  [\d:]+ elapsed, about [\d:]+ left$'
        )
        assert re.search(line, said, re.M)


# What is told before


def test_before_it_starts_a_run_tells_how_long_it_will_take(tmp_path, conf, capsys, monkeypatch):
    monkeypatch.setattr('running.workers.forecast', lambda amount, precision: amount / 1e6)
    images = [find_files(save_image(tmp_path / f'{name}.png'), conf)[0] for name in 'ab']
    images, _, _ = check_images(images, conf)
    conf.rate_policy, conf.max_iters = 'linear', 20
    clock = clock_for(images, conf, Terminal())
    (line,) = capsys.readouterr().out.splitlines()
    assert line == f'2 images: this will take {duration_text(clock.remaining)}' and clock.remaining > 60
    conf.rate_policy = 'plateau'
    clock_for(images[:1], conf, Terminal())
    assert capsys.readouterr().out.startswith('this will take at most about ')
    clock_for(images, conf, Terminal(quiet=True))
    assert capsys.readouterr().out == ''


def test_many_small_images_are_shared_by_two_processes(conf, monkeypatch):
    monkeypatch.setattr('running.workers.cores', lambda: 2)
    small, large = ImageFiles('a', size=(240, 160)), ImageFiles('b', size=(3000, 4000))
    assert usual_number([small] * 3, conf) == 1 and usual_number([small] * 4, conf) == 2
    assert usual_number([small] * 4 + [large], conf) == 1
    conf.plot_losses = True
    assert usual_number([small] * 4, conf) == 1
