"""low_resolution.py: low-resolution images are made once, and anew when anything about them changes."""

import json

import numpy as np
import pytest
from helpers.evaluation import run, save_noise

from files.kernels import read_kernel
from files.storage import fingerprint
from paper import low_resolution
from paper.image_sets import find_set, read_8_bits
from paper.low_resolution import keep_lr


class Maker:
    """Makes low-resolution images and counts them."""

    def __init__(self, kernel=None):
        self.calls = 0
        self.kernel = kernel

    def __call__(self, hr):
        self.calls += 1
        return hr[::2, ::2], self.kernel, 'halved'


def test_low_resolution_images_are_made_once(tmp_path):
    hr = save_noise(tmp_path / 'HR' / 'a.png')
    (files,), make, kept = find_set(tmp_path, 2), Maker(np.eye(3)), tmp_path / 'kept' / 'lr'
    for _ in range(2):
        made, degradation = keep_lr(files, kept, 'half', make)
        assert degradation == 'halved'
        np.testing.assert_array_equal(read_8_bits(made.input), hr[::2, ::2])
        np.testing.assert_array_equal(read_kernel(*made.kernels), np.eye(3))
    assert make.calls == 1


def test_the_record_is_as_it_always_was(tmp_path):
    hr = save_noise(tmp_path / 'HR' / 'a.png')
    (files,), kept = find_set(tmp_path, 2), tmp_path / 'lr'
    keep_lr(files, kept, 'half', Maker())
    assert json.loads((kept / 'a.json').read_text()) == {
        'source': {'hr': fingerprint(hr), 'recipe': 'half'},
        'kernel': False,
        'degradation': 'halved',
    }


@pytest.mark.parametrize('change', ['truth', 'made_by', 'image', 'kernel', 'record', 'damaged'])
def test_they_are_made_anew_when_anything_about_them_changes(tmp_path, change):
    save_noise(tmp_path / 'HR' / 'a.png')
    (files,), make, kept = find_set(tmp_path, 2), Maker(np.eye(3)), tmp_path / 'lr'
    made, _ = keep_lr(files, kept, 'half', make)
    if change == 'truth':
        save_noise(files.ground_truth, seed=1)
    elif change == 'damaged':
        (kept / 'a.json').write_text(json.dumps([]))
    elif change != 'made_by':
        {'image': made.input, 'kernel': made.kernels[0], 'record': kept / 'a.json'}[change].unlink()
    keep_lr(files, kept, 'third' if change == 'made_by' else 'half', make)
    assert make.calls == 2


def test_a_stopped_change_is_not_taken_for_the_image_before(tmp_path, monkeypatch):
    save_noise(tmp_path / 'HR' / 'a.png')
    (files,), make, kept = find_set(tmp_path, 2), Maker(np.eye(3)), tmp_path / 'lr'
    keep_lr(files, kept, 'half', make)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(low_resolution, 'write_kernel', killed)
        keep_lr(files, kept, 'third', make)
    keep_lr(files, kept, 'half', make)
    assert make.calls == 3


def test_a_row_says_that_its_kernel_was_estimated(data, tmp_path, no_training):
    arguments = ['table2', '--data', data / 'Set5', '--images', 'a', '--kernels', 'estimated']
    (row,) = [row for row in run(*arguments, output=tmp_path) if row.preset != 'bicubic']
    assert (row.kernels, row.program) == ('estimated', 'ZSSR estimated')


@pytest.mark.parametrize(
    'changes', [{'kernel': 'yes'}, {'degradation': ['halved']}, {'kernel': None}, 'deep']
)
def test_a_record_that_is_none_vouches_for_nothing(tmp_path, changes):
    save_noise(tmp_path / 'HR' / 'a.png')
    (files,), make, kept = find_set(tmp_path, 2), Maker(), tmp_path / 'lr'
    keep_lr(files, kept, 'half', make)
    record = kept / 'a.json'
    whole = json.loads(record.read_text())
    record.write_text('[' * 100_000 if changes == 'deep' else json.dumps(whole | changes))
    keep_lr(files, kept, 'half', make)
    assert make.calls == 2 and json.loads(record.read_text()) == whole
