"""image_sets.py: benchmark folders of every layout, images made once, and what is missing named."""

import json

import numpy as np
import pytest
from helpers.pictures import refusal
from PIL import Image

from files.kernels import read_kernel, write_kernel
from files.storage import fingerprint
from paper import image_sets


def save(path, shape=(40, 48, 3), seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)
    Image.fromarray(values.squeeze()).save(path)
    return values


def files(items, root):
    return [
        (item.name, str(item.hr.relative_to(root)), item.lr and str(item.lr.relative_to(root)))
        for item in items
    ]


def test_ground_truth_in_a_folder_of_its_own(tmp_path):
    save(tmp_path / 'HR' / 'b.png')
    save(tmp_path / 'HR' / 'a.bmp')
    save(tmp_path / 'HR' / '.hidden.png')
    (tmp_path / 'HR' / 'Thumbs.db').write_text('')
    assert files(image_sets.find_set(tmp_path, 2), tmp_path) == [
        ('a', 'HR/a.bmp', None),
        ('b', 'HR/b.png', None),
    ]


def test_low_resolution_files_belong_to_their_scale(tmp_path):
    save(tmp_path / 'HR' / 'a.png')
    save(tmp_path / 'LR_x2' / 'a.png', (20, 24, 3))
    assert files(image_sets.find_set(tmp_path, 2), tmp_path) == [('a', 'HR/a.png', 'LR_x2/a.png')]
    assert files(image_sets.find_set(tmp_path, 3), tmp_path) == [('a', 'HR/a.png', None)]


def test_a_folder_of_nothing_but_ground_truth(tmp_path):
    save(tmp_path / 'a.png')
    (item,) = image_sets.find_set(tmp_path, 4)
    assert item == image_sets.Item(tmp_path.name, 'a', 4, tmp_path / 'a.png')


@pytest.mark.parametrize('place', ['image_SRF_2', '.'])
def test_the_benchmarks_own_layout(tmp_path, place):
    for role in ('HR', 'LR', 'bicubic', 'SRCNN'):
        save(tmp_path / place / f'img_001_SRF_2_{role}.png')
    save(tmp_path / place / 'img_001_SRF_4_HR.png')
    (item,) = image_sets.find_set(tmp_path, 2)
    assert (item.name, item.hr.name, item.lr.name) == (
        'img_001',
        'img_001_SRF_2_HR.png',
        'img_001_SRF_2_LR.png',
    )


@pytest.mark.parametrize(
    ('made', 'error', 'words'),
    [
        (None, FileNotFoundError, ['no such folder', '--data']),
        ([], ValueError, ['no ground truth', '×2']),
        (['a_SRF_3_HR.png'], ValueError, ['no ground truth', '×2']),
        (['HR/a.png', 'HR/a.jpg'], ValueError, ['same name']),
        (['HR/a.png', 'HR/b.png', 'LR_x2/a.png'], ValueError, ['LR_x2', 'no image for b']),
    ],
)
def test_unusable_sets_are_refused(tmp_path, made, error, words):
    if made is not None:
        (tmp_path / 'set').mkdir()
    for name in made or []:
        save(tmp_path / 'set' / name)
    message = refusal(image_sets.find_set, tmp_path / 'set', 2, error=error)
    for word in ['set', *words]:
        assert word in message


def items(*names):
    return [image_sets.Item(*name.split(), 2, None) for name in names]


def test_selection():
    four = items('A x', 'A y', 'B x', 'B z')
    assert image_sets.select(four) == four
    assert image_sets.select(four, ['x']) == items('A x', 'B x')
    assert image_sets.select(four, limit=1) == items('A x', 'B x')
    assert image_sets.select(four, ['y', 'z'], 1) == items('A y', 'B z')
    message = refusal(image_sets.select, four, ['x', 'w'])
    assert '--images w' in message
    assert 'x, y, z' in message


def test_pairs_are_cropped_and_must_fit(tmp_path):
    hr = save(tmp_path / 'HR' / 'a.png', (41, 49, 3))
    lr = save(tmp_path / 'LR_x2' / 'a.png', (20, 24, 3))
    (item,) = image_sets.find_set(tmp_path, 2)
    truth, source = image_sets.read_pair(item)
    np.testing.assert_array_equal(truth, hr[:40, :48])
    np.testing.assert_array_equal(source, lr)
    for shape in [(20, 25, 3), (20, 24)]:
        save(tmp_path / 'LR_x2' / 'a.png', shape)
        message = refusal(image_sets.read_pair, item)
        assert 'LR_x2/a.png' in message
        assert '20×24×3' in message


def test_gray_stays_gray_and_transparency_is_dropped(tmp_path):
    gray, rgba = save(tmp_path / 'gray.png', (20, 20)), save(tmp_path / 'rgba.png', (20, 20, 4))
    np.testing.assert_array_equal(image_sets.read_8_bits(tmp_path / 'gray.png')[:, :, 0], gray)
    np.testing.assert_array_equal(image_sets.read_8_bits(tmp_path / 'rgba.png'), rgba[:, :, :3])


@pytest.mark.parametrize('name', ['im_12_0.mat', 'im_12.mat', 'kernel_12.mat'])
def test_kernels_are_found_by_name_or_number(tmp_path, name):
    write_kernel(tmp_path / name, np.eye(3))
    found = image_sets.find_kernel(tmp_path, *items('A im_12'))
    assert found == tmp_path / name
    np.testing.assert_array_equal(read_kernel(found), np.eye(3))


def test_missing_kernels_are_named(tmp_path):
    message = refusal(image_sets.find_kernel, tmp_path, *items('A im_12'), error=FileNotFoundError)
    assert 'A im_12' in message
    assert 'kernel_12.mat' in message
    message = refusal(image_sets.find_kernel, tmp_path / 'none', *items('A x'), error=FileNotFoundError)
    assert 'none' in message


class Maker:
    """Makes low-resolution images and counts them."""

    def __init__(self, kernel=None):
        self.calls = 0
        self.kernel = kernel

    def __call__(self, hr):
        self.calls += 1
        return hr[::2, ::2], self.kernel, 'halved'


def test_low_resolution_images_are_made_once(tmp_path):
    hr = save(tmp_path / 'HR' / 'a.png')
    (item,), make, kept = image_sets.find_set(tmp_path, 2), Maker(np.eye(3)), tmp_path / 'kept' / 'lr'
    for _ in range(2):
        path, kernel, degradation = image_sets.keep_lr(item, kept, 'half', make)
        assert degradation == 'halved'
        np.testing.assert_array_equal(image_sets.read_8_bits(path), hr[::2, ::2])
        np.testing.assert_array_equal(read_kernel(kernel), np.eye(3))
    assert make.calls == 1


@pytest.mark.parametrize('change', ['truth', 'recipe', 'image', 'kernel', 'record', 'damaged'])
def test_they_are_made_anew_when_anything_about_them_changes(tmp_path, change):
    save(tmp_path / 'HR' / 'a.png')
    (item,), make, kept = image_sets.find_set(tmp_path, 2), Maker(np.eye(3)), tmp_path / 'lr'
    path, kernel, _ = image_sets.keep_lr(item, kept, 'half', make)
    if change == 'truth':
        save(item.hr, seed=1)
    elif change == 'damaged':
        (kept / 'a.json').write_text(json.dumps([]))
    elif change != 'recipe':
        {'image': path, 'kernel': kernel, 'record': kept / 'a.json'}[change].unlink()
    image_sets.keep_lr(item, kept, 'third' if change == 'recipe' else 'half', make)
    assert make.calls == 2


def test_a_stopped_change_is_not_taken_for_the_image_before(tmp_path, monkeypatch):
    save(tmp_path / 'HR' / 'a.png')
    (item,), make, kept = image_sets.find_set(tmp_path, 2), Maker(np.eye(3)), tmp_path / 'lr'
    image_sets.keep_lr(item, kept, 'half', make)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(image_sets, 'write_kernel', killed)
        image_sets.keep_lr(item, kept, 'third', make)
    image_sets.keep_lr(item, kept, 'half', make)
    assert make.calls == 3


def test_fingerprints_change_with_values_shapes_and_types():
    array = np.arange(6, dtype=np.uint8)
    others = [array + 1, array.reshape(2, 3), array.astype(np.int16)]
    prints = [fingerprint(each) for each in [array, *others]]
    assert len(set(prints)) == 4
    assert fingerprint(array, None) == prints[0] == fingerprint(array.copy())
