"""notebooks/first_steps.ipynb runs as it is, is clean in the repository, and shows what it promises."""

import ast
import importlib.util
import re
import sys

import nbformat
import pytest
from helpers.command_line import PROJECT
from nbclient import NotebookClient

NOTEBOOK = PROJECT / 'notebooks' / 'first_steps.ipynb'
# What whoever has a notebook has, and requirements.txt brings; all else it imports has to be the project's.
PACKAGES = {'IPython', 'matplotlib', 'numpy'}


@pytest.fixture(scope='module')
def outputs(tmp_path_factory):
    """The outputs of the notebook's cells, one list for all of them, after each has run without an error."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    before = sorted(NOTEBOOK.parent.iterdir())
    with pytest.MonkeyPatch.context() as patch:
        # No display, and nothing of the user's own.
        patch.delenv('DISPLAY', raising=False)
        patch.delenv('MPLBACKEND', raising=False)
        patch.setenv('IPYTHONDIR', str(tmp_path_factory.mktemp('ipython')))
        place = {'metadata': {'path': str(NOTEBOOK.parent)}}
        NotebookClient(notebook, timeout=120, kernel_name='python3', resources=place).execute()
    assert sorted(NOTEBOOK.parent.iterdir()) == before
    return [output for cell in notebook.cells for output in cell.get('outputs', [])]


def said(outputs):
    return ''.join(output.text for output in outputs if output.output_type == 'stream')


def test_the_repository_holds_it_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.cell_type == 'markdown' or (cell.outputs, cell.execution_count) == ([], None)


def test_it_imports_what_there_is():
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    code = '\n'.join(cell.source for cell in cells if cell.cell_type == 'code')
    tree = ast.parse(re.sub('^%.*', '', code, flags=re.MULTILINE))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [getattr(node, 'module', None) or node.names[0].name for node in imports]
    rooms = {path.stem for path in PROJECT.glob('*.py')} | {
        path.parent.name for path in PROJECT.glob('*/*.py')
    }
    assert {name.partition('.')[0] for name in names} <= {*PACKAGES, *rooms, *sys.stdlib_module_names}
    assert all(importlib.util.find_spec(name) for name in names)


def test_it_says_nothing_but_its_own(outputs):
    """No warnings, no messages of TensorFlow, no results that a forgotten semicolon shows."""
    assert not [output for output in outputs if output.output_type == 'stream' and output.name != 'stdout']
    assert not [output for output in outputs if output.output_type in ('execute_result', 'error')]
    lines = said(outputs).splitlines()
    assert len(lines) == 6 and not [line for line in lines if 'WARNING' in line]


def test_its_results_are_better_than_bicubic(outputs):
    decibels = re.findall(r'(.+): bicubic (\S+) dB, ZSSR (\S+) dB', said(outputs))
    assert [title for title, _, _ in decibels] == ['clean image', 'known kernel']
    for (_, bicubic, zssr), gain in zip(decibels, (0.5, 2), strict=True):
        assert float(zssr) > float(bicubic) + gain
    (errors,) = re.findall(r'measured values: bicubic is off by (\S+) counts, ZSSR by (\S+)', said(outputs))
    assert float(errors[1]) < 0.9 * float(errors[0])


def test_measured_values_stay_what_they_are(outputs):
    found = re.findall(r'\((\d+), (\d+)\), uint16, from (\d+) to (\d+)', said(outputs))
    given, got = ([int(number) for number in numbers] for numbers in found)
    assert (given[:2], got[:2]) == ([80, 80], [160, 160])
    assert abs(got[2] - given[2]) < 100 and abs(got[3] - given[3]) < 500


def test_it_draws_every_figure_and_its_bars_end_full(outputs):
    shown = [output.data for output in outputs if output.output_type == 'display_data']
    assert sum('image/png' in data for data in shown) == 5
    bars = [data['text/html'] for data in shown if 'progress' in data.get('text/html', '')]
    assert len(bars) == 3 and all("max='100' value='100'" in bar for bar in bars)
