"""Helpers for tests of evaluate.py: measure, read the rows, and see input refused."""

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
