"""Helpers for tests of evaluate.py: make images, measure, read the rows, and see input refused."""

import numpy as np
from PIL import Image

import evaluate
from paper import tables

UNLIKE = ('seconds', 'machine')  # what two measurements of the same row may differ in


def run(*arguments, output):
    """Run a command and return the rows of its table."""
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


def save_noise(path, shape=(40, 48, 3), seed=0):
    """Write an 8-bit image of noise, and return its uint8 values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)
    Image.fromarray(values.squeeze()).save(path)
    return values
