"""The architecture: what lies at the top, and that rooms use only those below them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
TACH = Path(sys.executable).with_name('tach')
ROOMS = sorted(path.parent.name for path in PROJECT.glob('*/__init__.py'))
COMMANDS = ['benchmark', 'compare', 'estimate_kernel', 'evaluate', 'run_ZSSR']
ORIGINALS = ['ZSSR', 'configs', 'imresize', 'run_ZSSR', 'utils']

needs_tach = pytest.mark.skipif(not TACH.exists(), reason='tach is not installed (requirements-dev.txt)')


def check(folder):
    """Whether tach accepts the imports of a project."""
    done = subprocess.run(
        [TACH, 'check'], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert 'Traceback' not in done.stderr and 'panicked' not in done.stderr, done.stderr
    return done.returncode == 0


@pytest.fixture
def copy(tmp_path):
    """The project's code, to plant imports in."""
    for room in ('.', *ROOMS):
        (tmp_path / room).mkdir(exist_ok=True)
        for source in (PROJECT / room).glob('*.py'):
            shutil.copy(source, tmp_path / room)
    shutil.copy(PROJECT / 'tach.toml', tmp_path)
    return tmp_path


def test_the_top_holds_the_originals_files_and_the_commands():
    assert sorted(path.stem for path in PROJECT.glob('*.py')) == sorted({*ORIGINALS, *COMMANDS})


def test_every_room_and_file_has_its_layer():
    lines = re.findall(r'^paths? = (.*)$', (PROJECT / 'tach.toml').read_text(), re.MULTILINE)
    listed = re.findall(r'"(\w+)"', ' '.join(lines))
    assert sorted(listed) == sorted({*ORIGINALS, *COMMANDS, *ROOMS})


def test_a_room_has_more_than_one_file_and_none_outgrows_450_lines():
    for room in ROOMS:
        assert len(list((PROJECT / room).glob('[!_]*.py'))) > 1, room
    for path in (*PROJECT.glob('*.py'), *PROJECT.glob('*/*.py')):
        assert len(path.read_text().splitlines()) <= 450, path


@needs_tach
def test_imports_point_down():
    assert check(PROJECT)


@needs_tach
@pytest.mark.parametrize(
    ('place', 'planted'),
    [
        ('files/names.py', 'import running.inputs'),
        ('learning/pairs.py', 'def late():\n    from ZSSR import ZSSR'),
        ('learning/history.py', 'import utils'),
        ('comparing/metrics.py', 'from compare import main'),
        ('running/inputs.py', 'import paper.tasks'),
        ('imresize.py', 'import configs'),
    ],
)
def test_an_import_that_points_up_is_found(copy, place, planted):
    assert check(copy)
    with open(copy / place, 'a') as file:
        file.write(f'\n\n{planted}\n')
    assert not check(copy)
