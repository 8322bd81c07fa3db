"""cluster.py: images on the workers of a real Dask scheduler on this machine, of which some are lost."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.command_line import PROJECT, TINY, finish, save_image, start

from configs import __version__
from files.image_files import ImageFiles
from files.parcel import Parcel
from running import cluster
from running.devices import start_tensorflow, threads

distributed = pytest.importorskip('distributed', reason='needs requirements-cluster.txt')

HELPERS = PROJECT / 'tests' / 'helpers'
PATIENCE = 120  # seconds, on a machine that has much else to do


class Dask:
    """A scheduler and its workers on this machine, in a folder with all that they write."""

    def __init__(self, folder):
        """Start a scheduler at a free port."""
        folder.mkdir()
        self.folder, self.file = folder, folder / 'scheduler.json'
        self._processes = []
        options = '--host', '127.0.0.1', '--port', '0', '--no-dashboard', '--scheduler-file', self.file
        self.scheduler = self._start('scheduler', *options)
        end = time.monotonic() + PATIENCE
        while not self.file.exists():
            assert self.scheduler.poll() is None and time.monotonic() < end, self.said()
            time.sleep(0.05)

    def worker(self, *preload, **env):
        """Start a worker, with variables of its environment; it finds the program by PYTHONPATH."""
        options = ['--host', '127.0.0.1', '--nthreads', '1', '--no-dashboard', '--scheduler-file', self.file]
        for file in preload:
            options += ['--preload', file]
        return self._start('worker', *options, '--local-directory', self.folder, **env)

    def said(self):
        """What all of them wrote."""
        return (self.folder / 'log').read_text()

    def stop(self):
        """Kill all, those included that workers have started."""
        for process in self._processes:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            process.wait()

    def _start(self, *arguments, **env):
        with open(self.folder / 'log', 'a') as log:
            process = subprocess.Popen(
                [sys.executable, '-m', 'dask', *map(str, arguments)],
                cwd=self.folder,
                env={name: os.environ[name] for name in os.environ if name != 'PYTHONPATH'} | env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(process)
        return process


@pytest.fixture
def dask(tmp_path):
    made = Dask(tmp_path / 'dask')
    yield made
    made.stop()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / 'images'
    folder.mkdir()
    for seed, name in enumerate('ab'):
        save_image(folder / f'{name}.png', seed)
    return folder


def entries(folder):
    """The images of run.json by stem, but for what takes time and where it was done."""
    images = json.loads((folder / 'run.json').read_text())['images']
    for image in images:
        for scale in image['scales']:
            del scale['seconds']
    return {image['stem']: {k: image[k] for k in image if k not in ('seconds', 'device')} for image in images}


def test_a_cluster_gives_the_same_although_a_worker_is_killed(folder, tmp_path, dask, run):
    for _ in range(2):
        env = {'PYTHONPATH': str(PROJECT), 'MARKER': str(tmp_path / 'marker')}
        dask.worker(HELPERS / 'killed_once.py', **env, TF_CPP_MIN_LOG_LEVEL='3')
    save_image(folder / 'killed.png', 3)
    save_image(folder / 'a_gt.png', shape=(40, 48, 3))
    (folder / 'b_0.txt').write_text('0 1 0\n1 2 1\n0 1 0\n')
    quick = '0', '-i', folder, '--seed', '1', '--no-report', '--set=back_projection_iters=[0]'
    process = start(*quick, *TINY, '-o', tmp_path / 'shared', '--cluster', dask.file)
    code, out, err = finish(process)
    assert (code, err) == (0, ''), dask.said()
    assert (tmp_path / 'marker').exists() and '3 of 3  ' in out
    assert run(*quick).code == 0
    serial, shared = tmp_path / 'results', tmp_path / 'shared'
    assert entries(shared) == entries(serial) and entries(serial).keys() == {'a', 'b', 'killed'}
    written = {path.name: path.read_bytes() for path in serial.glob('*_zssr_*')}
    assert written == {path.name: path.read_bytes() for path in shared.glob('*_zssr_*')} and len(written) == 3
    assert not list(tmp_path.rglob('.*.tmp'))
    done = run(*quick, '--cluster', dask.file, output=shared)
    assert done.code == 0 and '3 of 3 images are done already' in done.out


def test_workers_that_come_late_and_a_scheduler_that_is_lost(folder, tmp_path, dask, monkeypatch):
    hold, results = tmp_path / 'hold', tmp_path / 'results'
    hold.touch()
    monkeypatch.setenv('STUB_HOLD', str(hold))
    save_image(folder / 'wait.png', 3)
    arguments = '0', '-i', folder, '--no-report', '-o', results
    program = {'program': [HELPERS / 'stub_run.py'], 'python_path': PROJECT, 'start_new_session': True}
    process = start(*arguments, '--cluster', dask.file, **program)
    assert process.stdout.readline() == f'results go to {results}\n'
    waiting = 'no worker is there yet: waiting for them\n'
    assert process.stdout.readline() == waiting
    for _ in range(2):
        dask.worker(
            HELPERS / 'stub_run.py', PYTHONPATH=os.pathsep.join(map(str, (HELPERS / 'stub', PROJECT)))
        )
    while not process.stdout.readline().startswith('2 of 3  '):
        assert process.poll() is None
    dask.scheduler.kill()
    code, _, err = finish(process)
    line = 'the scheduler was lost; what is done is recorded, and the same command goes on'
    assert (code, err) == (2, f'run_ZSSR.py: --cluster {dask.file}: {line}\n')
    assert entries_of_stub(results) == ['a', 'b'] and not list(results.glob('.*'))
    hold.unlink()
    code, out, err = finish(start(*arguments, **program))
    assert (code, err) == (0, '') and 'wait is done\n' in out
    assert 'a is done\n' not in out and entries_of_stub(results) == ['a', 'b', 'wait']


def entries_of_stub(folder):
    return sorted(image['stem'] for image in json.loads((folder / 'run.json').read_text())['images'])


def test_a_worker_that_does_not_find_the_program_is_told_of(folder, tmp_path, dask):
    dask.worker()
    code, _, err = finish(start('0', '-i', folder, '-o', tmp_path / 'results', '--cluster', dask.file))
    # Whether the worker is there by then is a matter of luck.
    err = err.removeprefix('no worker is there yet: waiting for them\n')
    assert code == 2 and err.count('\n') == 1 and 'a worker cannot import the program' in err
    assert 'start workers with PYTHONPATH=' in err


@pytest.mark.parametrize('content', ['{}', 'no JSON', '{"address": "nowhere"}', '{"address": 7}'])
def test_a_file_that_is_none_of_a_scheduler_is_refused_in_a_line(folder, tmp_path, run, content):
    file = tmp_path / 'scheduler.json'
    file.write_text(content)
    done = run('0', '-i', folder, '--cluster', file)
    assert done.code == 2 and done.err.count('\n') == 1 and f'--cluster {file}: no scheduler' in done.err


# What a worker does


def test_a_worker_of_another_version_or_of_other_threads_refuses():
    with pytest.raises(cluster.UnfitWorkerError, match=f'has version {__version__} of the program, not 0'):
        cluster._call(len, ([],), '0', None)
    start_tensorflow()
    assert cluster._call(len, ([],), __version__, threads()) == 0
    with pytest.raises(cluster.UnfitWorkerError, match='start it anew'):
        cluster._call(len, ([],), __version__, threads() + 1)


def test_a_parcel_is_the_files_as_they_were(tmp_path):
    (tmp_path / 'in').mkdir()
    paths = [tmp_path / 'in' / name for name in ('a.png', 'a_gt.png', 'a_0.mat', 'a_1.mat')]
    for path in paths:
        path.write_bytes(path.name.encode())
    files = ImageFiles('a', paths[0], paths[1], tuple(paths[2:]), channels=3)
    parcel = Parcel.pack(files)
    for path in paths:
        path.unlink()
    copies = parcel.unpack(tmp_path / 'out')
    found = [copies.input, copies.ground_truth, *copies.kernels]
    assert [(path.name, path.read_bytes()) for path in found] == [(p.name, p.name.encode()) for p in paths]
    assert copies.channels == 3 and Parcel.pack(ImageFiles('a', found[0])).contents.keys() == {found[0]}


def test_a_failure_on_a_worker_names_the_file_here(tmp_path, monkeypatch):
    image = save_image(tmp_path / 'a.png')
    seen = []

    def fail(files, *_, **__):
        seen.append(files.input)
        raise OSError(28, 'No space left on device', str(files.input))

    monkeypatch.setattr(cluster, 'run_image', fail)
    conf = SimpleNamespace(copy=lambda: None)
    monkeypatch.setattr(cluster, 'replace', lambda *_, **__: conf)
    with pytest.raises(ValueError, match='No space left') as failure:
        cluster.run_parcel(Parcel.pack(ImageFiles('a', image)), conf)
    # Not an OSError either: here, there may be room.
    assert str(image) in str(failure.value) and str(seen[0]) not in str(failure.value)
    assert not Path(seen[0]).exists()


def test_a_job_that_kills_its_workers_is_its_own_failure():
    lost = distributed.scheduler.KilledWorker('job', 'worker', 3)
    future = SimpleNamespace(status='error', exception=lambda: lost)
    outcome = cluster.Cluster._outcome(SimpleNamespace(), future)
    assert isinstance(outcome, ValueError) and 'its worker died' in str(outcome)
