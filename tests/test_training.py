"""training.py and its command: the network learns what it is shown, and is written as it is read."""

import numpy as np
import pytest

from blind import training
from blind.estimator import respond
from blind.examples import Example
from files.pictures import write_png
from running import train_estimator


def made(count, rng):
    """Examples whose patches say the mean variance, and whether there is a blur, in their contrast."""
    found = []
    for number in range(count):
        blurred = number % 2
        mean = 2 * blurred * rng.rand()
        patches = rng.standard_normal((40, 144)) * 0.1 - 3 * blurred + mean
        truth = (mean, 0, 0, 1 - blurred)
        found.append(Example(patches.astype(np.float16), np.zeros(7, np.float32), np.float32(truth)))
    return found


def test_it_learns_to_tell_blurred_from_bicubic():
    rng, losses = np.random.RandomState(0), []
    examples = made(40, rng)
    weights = training.train(examples, 150, rng, lambda step, loss: losses.append(loss))
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])
    answers = [
        respond(np, weights, each.patches[None].astype(np.float32) - weights['mean'], each.facts[None])[0]
        for each in made(20, rng)
    ]
    assert np.mean([(answer[3] > 0) != number % 2 for number, answer in enumerate(answers)]) > 0.9


def test_the_same_seed_learns_the_same():
    first, again = (
        training.train(made(4, np.random.RandomState(1)), 3, np.random.RandomState(2)) for _ in range(2)
    )
    for name, values in first.items():
        np.testing.assert_allclose(values, again[name], atol=1e-5)


def test_the_command_writes_what_is_read(tmp_path, capsys):
    rng = np.random.RandomState(0)
    for name in 'ab':
        write_png(tmp_path / f'{name}.png', rng.rand(300, 320, 3))
    output = tmp_path / 'n.npz'
    arguments = ['--pictures', str(tmp_path), '--examples', '3', '--steps', '2', '-o', str(output)]
    assert train_estimator.main(arguments) == 0
    assert 'trained on 2 pictures' in capsys.readouterr().out
    with np.load(output) as file:
        assert file['filter_0'].shape == (2, 144, 64) and file['mean'].shape == (2, 144)


@pytest.mark.parametrize('arguments', [['--pictures', 'none'], ['--examples', '0'], ['--seed', '-1']])
def test_what_cannot_be_used_is_refused_in_a_line(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train_estimator.main([*arguments, '-o', str(tmp_path / 'n.npz')]) == 2
    out, err = capsys.readouterr()
    assert out == '' and err.startswith('train_estimator: ') and err.count('\n') == 1


def test_without_the_packages_that_bring_the_pictures_it_says_what_to_install(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(train_estimator, 'PICTURES', {'no_such_package/data': ['a.png']})
    assert train_estimator.main(['-o', str(tmp_path / 'n.npz')]) == 2
    assert 'no_such_package is missing: pip install -r' in capsys.readouterr().err


def test_the_packages_bring_all_pictures():
    paths = train_estimator._pictures_of_packages()
    assert len(paths) == 17 and all(path.is_file() for path in paths)
