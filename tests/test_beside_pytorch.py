"""beside_pytorch.py: that both are asked in turn, and what it says where there is no PyTorch."""

import beside_pytorch
import pytest


@pytest.fixture
def step_at_once(monkeypatch):
    """A training step that takes no time."""
    monkeypatch.setattr(beside_pytorch, 'default_step', lambda precision: lambda: None)


def test_pytorch_is_asked_in_turn(step_at_once, tmp_path, monkeypatch):
    python, rows = tmp_path / 'python', []
    monkeypatch.setattr(beside_pytorch, 'print_table', rows.extend)
    python.write_text('#!/bin/sh\necho warm\nwhile read steps; do echo 0.25; done\n')
    python.chmod(0o755)
    assert beside_pytorch.main([str(python)]) == 0
    names = ['ours', 'PyTorch, eager', 'PyTorch, compiled']
    assert [(row['precision'], row['step']) for row in rows] == [
        (precision, name) for precision in ('float32', 'bfloat16') for name in names
    ]
    for ours, *others in (rows[:3], rows[3:]):
        assert ours['ours_to_it'] == 1
        assert all(row['step_ms'] == 250 and 0 < row['ours_to_it'] < 0.01 for row in others)


@pytest.mark.parametrize(('script', 'problem'), [(None, 'no program'), ('exit 1', 'PyTorch did not run')])
def test_a_python_without_pytorch_is_refused_in_one_line(step_at_once, tmp_path, capfd, script, problem):
    python = tmp_path / 'python'
    if script:
        python.write_text(f'#!/bin/sh\n{script}\n')
        python.chmod(0o755)
    assert beside_pytorch.main([str(python)]) == 2
    message = capfd.readouterr().err
    assert str(python) in message and problem in message and message.count('\n') == 1
