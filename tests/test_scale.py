"""Very many jobs: what a cluster keeps of them, whom it tells, and the command that measures it."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
from helpers import scale

from running.cluster import Cluster

HEADS = '| jobs | seconds | load | scheduler MiB | scheduler ms a job | client MiB |'


@pytest.fixture(scope='module')
def scheduler():
    """The address of a Dask scheduler."""
    command = [sys.executable, '-m', 'distributed.cli.dask_scheduler', '--host', '127.0.0.1', '--port', '0']
    command += ['--dashboard-address', '127.0.0.1:0']
    process = subprocess.Popen(command, stderr=subprocess.PIPE, encoding='utf-8')
    try:
        yield next(line.split()[-1] for line in process.stderr if 'Scheduler at:' in line)
    finally:
        process.kill()
        process.communicate()


def test_large_images_draw_no_advice_and_are_not_kept(scheduler):
    """Warnings are errors here; without a worker, the job waits."""
    cluster = Cluster(scheduler)
    cluster._submit(len, (bytes(11_000_000),)).cancel()
    assert cluster._client.scheduler_comm.recent_message_log.maxlen == 0
    cluster._client.close()


@pytest.mark.parametrize(
    ('address', 'is_told'),
    [
        ('tcp://127.0.0.1:8786', False),
        ('tcp://[::1]:8786', False),
        ('tls://192.0.2.2:8786', False),
        ('tcp://192.0.2.2:8786', True),
    ],
)
def test_a_connection_that_others_can_read_is_told_of(address, is_told):
    cluster = object.__new__(Cluster)
    cluster._client = SimpleNamespace(scheduler=SimpleNamespace(address=address))
    assert (cluster.warning is not None) == is_told
    assert not is_told or cluster.warning.startswith(f'{address}: images travel unencrypted')


def test_encryption_that_is_asked_for_is_not_done_without():
    import dask

    with (
        dask.config.set({'distributed.comm.require-encryption': True}),
        pytest.raises(ValueError, match=r'--cluster tcp://127.0.0.1:1: .*require encryption, as in tls://'),
    ):
        Cluster('tcp://127.0.0.1:1')


def test_jobs_that_sleep_are_measured(capsys):
    assert scale.main(['cluster', '--jobs', '20', '--workers', '2', '--sleep', '0']) == 0
    table = capsys.readouterr().out.splitlines()
    assert sum(line.startswith(HEADS) for line in table) == 1
    assert [line.split()[1] for line in table if line.startswith('| ')][1:] == [
        str(n) for n in range(2, 21, 2)
    ]


def test_the_record_of_many_images_is_measured(capsys):
    assert scale.main(['record', '--images', '5']) == 0
    row = capsys.readouterr().out.splitlines()[-1].split('|')
    assert row[1].strip() == '5' and 6000 < int(row[3]) < 9000
