"""image_sets.py: benchmark folders of every layout, and what is missing named."""

import numpy as np
import pytest
from helpers.evaluation import save_noise
from helpers.pictures import refusal

from files.image_files import ImageFiles
from files.kernels import read_kernel, write_kernel
from files.storage import fingerprint
from paper import image_sets


def places(images, root):
    return [
        (
            files.name,
            str(files.ground_truth.relative_to(root)),
            files.input and str(files.input.relative_to(root)),
        )
        for files in images
    ]


def test_ground_truth_in_a_folder_of_its_own(tmp_path):
    save_noise(tmp_path / 'HR' / 'b.png')
    save_noise(tmp_path / 'HR' / 'a.bmp')
    save_noise(tmp_path / 'HR' / '.hidden.png')
    (tmp_path / 'HR' / 'Thumbs.db').write_text('')
    assert places(image_sets.find_set(tmp_path, 2), tmp_path) == [
        ('a', 'HR/a.bmp', None),
        ('b', 'HR/b.png', None),
    ]


def test_low_resolution_files_belong_to_their_scale(tmp_path):
    save_noise(tmp_path / 'HR' / 'a.png')
    save_noise(tmp_path / 'LR_x2' / 'a.png', (20, 24, 3))
    assert places(image_sets.find_set(tmp_path, 2), tmp_path) == [('a', 'HR/a.png', 'LR_x2/a.png')]
    assert places(image_sets.find_set(tmp_path, 3), tmp_path) == [('a', 'HR/a.png', None)]


def test_a_folder_of_nothing_but_ground_truth(tmp_path):
    save_noise(tmp_path / 'a.png')
    (files,) = image_sets.find_set(tmp_path, 4)
    assert files == ImageFiles(
        'a', ground_truth=tmp_path / 'a.png', scale=(4, 4), set=tmp_path.resolve().name
    )


@pytest.mark.parametrize('place', ['image_SRF_2', '.'])
def test_the_benchmarks_own_layout(tmp_path, place):
    for role in ('HR', 'LR', 'bicubic', 'SRCNN'):
        save_noise(tmp_path / place / f'img_001_SRF_2_{role}.png')
    save_noise(tmp_path / place / 'img_001_SRF_4_HR.png')
    (files,) = image_sets.find_set(tmp_path, 2)
    assert (files.name, files.ground_truth.name, files.input.name) == (
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
        save_noise(tmp_path / 'set' / name)
    message = refusal(image_sets.find_set, tmp_path / 'set', 2, error=error)
    for word in ['set', *words]:
        assert word in message


def images(*places):
    return [ImageFiles(place.split()[1], scale=(2, 2), set=place.split()[0]) for place in places]


def test_selection():
    four = images('A x', 'A y', 'B x', 'B z')
    assert image_sets.select(four) == four
    assert image_sets.select(four, ['x']) == images('A x', 'B x')
    assert image_sets.select(four, limit=1) == images('A x', 'B x')
    assert image_sets.select(four, ['y', 'z'], 1) == images('A y', 'B z')
    message = refusal(image_sets.select, four, ['x', 'w'])
    assert '--images w' in message
    assert 'x, y, z' in message


def test_ground_truth_is_cropped_and_low_resolution_must_fit(tmp_path):
    hr = save_noise(tmp_path / 'HR' / 'a.png', (41, 49, 3))
    lr = save_noise(tmp_path / 'LR_x2' / 'a.png', (20, 24, 3))
    (files,) = image_sets.find_set(tmp_path, 2)
    truth, source = image_sets.read_hr_and_lr(files)
    np.testing.assert_array_equal(truth, hr[:40, :48])
    np.testing.assert_array_equal(source, lr)
    for shape in [(20, 25, 3), (20, 24)]:
        save_noise(tmp_path / 'LR_x2' / 'a.png', shape)
        message = refusal(image_sets.read_hr_and_lr, files)
        assert 'LR_x2/a.png' in message
        assert '20×24×3' in message


def test_gray_stays_gray_and_transparency_is_dropped(tmp_path):
    gray, rgba = save_noise(tmp_path / 'gray.png', (20, 20)), save_noise(tmp_path / 'rgba.png', (20, 20, 4))
    np.testing.assert_array_equal(image_sets.read_8_bits(tmp_path / 'gray.png')[:, :, 0], gray)
    np.testing.assert_array_equal(image_sets.read_8_bits(tmp_path / 'rgba.png'), rgba[:, :, :3])


@pytest.mark.parametrize('name', ['im_12_0.mat', 'im_12.mat', 'kernel_12.mat'])
def test_kernels_are_found_by_name_or_number(tmp_path, name):
    write_kernel(tmp_path / name, np.eye(3))
    found = image_sets.find_kernel(tmp_path, *images('A im_12'))
    assert found == tmp_path / name
    np.testing.assert_array_equal(read_kernel(found), np.eye(3))


def test_missing_kernels_are_named(tmp_path):
    message = refusal(image_sets.find_kernel, tmp_path, *images('A im_12'), error=FileNotFoundError)
    assert 'A im_12' in message
    assert 'kernel_12.mat' in message
    message = refusal(image_sets.find_kernel, tmp_path / 'none', *images('A x'), error=FileNotFoundError)
    assert 'none' in message


def test_fingerprints_change_with_values_shapes_and_types():
    array = np.arange(6, dtype=np.uint8)
    others = [array + 1, array.reshape(2, 3), array.astype(np.int16)]
    prints = [fingerprint(each) for each in [array, *others]]
    assert len(set(prints)) == 4
    assert fingerprint(array, None) == prints[0] == fingerprint(array.copy())
