"""estimate_kernel.py, the command: what it writes, what it says, and what it refuses."""

import numpy as np
import pytest
from helpers.command_line import PROJECT, finish, save_image, start

import estimate_kernel
from blind import estimate
from blind.gaussian import Covariance
from files.kernels import read_kernel
from files.pictures import read_image, write_png
from imresize import imresize
from running.inputs import find_inputs


@pytest.fixture
def photo(tmp_path):
    """A photograph blurred by a Gaussian and shrunk, as a file."""
    truth = read_image(PROJECT / 'test_data' / 'ideal_x3' / 'photographer_gt.png').pixels
    kernel = estimate.gaussian_kernel(Covariance(2.5, 1.6, 0.5), (2, 2))
    write_png(tmp_path / 'photo.png', imresize(truth, 0.5, kernel=kernel))
    return tmp_path / 'photo.png'


def test_kernel_and_picture_are_written(photo, tmp_path, capsys):
    assert estimate_kernel.main([str(photo), '-o', str(tmp_path / 'out')]) == 0
    out, err = capsys.readouterr()
    assert err == '' and out.count('\n') == 1
    assert out.startswith(f'{photo}: blur ') and out.endswith(f'{tmp_path}/out/photo_0.mat\n')
    np.testing.assert_array_equal(
        read_kernel(tmp_path / 'out' / 'photo_0.mat'), estimate.estimate_kernel(photo).kernel
    )
    assert '<svg' in (tmp_path / 'out' / 'photo_0.svg').read_text()
    assert estimate_kernel.main([str(photo), '-o', str(tmp_path / 'out')]) == 0
    assert capsys.readouterr().out.endswith('photo_0.mat, replaced\n')
    assert find_inputs(tmp_path / 'out' / '..')[0] == [tmp_path / 'out' / '..' / 'photo.png']


def test_another_scale_is_another_kernel(photo, tmp_path):
    assert estimate_kernel.main([str(photo), '--scale', '3x2', '-o', str(tmp_path / 'out')]) == 0
    np.testing.assert_array_equal(
        read_kernel(tmp_path / 'out' / 'photo_0.mat'), estimate.estimate_kernel(photo, (3, 2)).kernel
    )


def test_where_bicubic_is_the_answer_no_kernel_is_written(tmp_path, capsys):
    truth = PROJECT / 'test_data' / 'ideal_x3' / 'photographer.png'
    arguments = [str(truth), '-o', str(tmp_path)]
    assert estimate_kernel.main(arguments) == 0
    assert 'no blur beyond bicubic shrinking' in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ['photographer_0.svg']
    (tmp_path / 'photographer_0.mat').touch()
    assert estimate_kernel.main(arguments) == 0
    assert 'photographer_0.mat is of another time, remove it' in capsys.readouterr().out


def test_of_a_folder_every_image_is_looked_at(photo, tmp_path, capsys):
    save_image(tmp_path / 'small.png')
    (tmp_path / 'broken.png').write_bytes(b'none')
    assert estimate_kernel.main([str(tmp_path), '-o', str(tmp_path / 'out')]) == 1
    out, err = capsys.readouterr()
    assert 'pixels are too few' in out and f'{photo}: blur' in out
    assert err.startswith('estimate_kernel.py: ') and 'broken.png' in err and err.count('\n') == 1


def test_of_two_images_of_one_name_the_second_is_refused(photo, tmp_path, capsys):
    (tmp_path / 'two').mkdir()
    twin = save_image(tmp_path / 'two' / 'photo.png')
    assert estimate_kernel.main([str(photo), str(twin), '-o', str(tmp_path)]) == 1
    assert f'{twin}: its kernel would replace that of {photo}' in capsys.readouterr().err


def test_a_broken_image_does_not_stand_for_its_name(photo, tmp_path, capsys):
    (tmp_path / 'one').mkdir()
    (tmp_path / 'one' / 'photo.png').write_bytes(b'none')
    arguments = [str(tmp_path / 'one' / 'photo.png'), str(photo), '-o', str(tmp_path)]
    assert estimate_kernel.main(arguments) == 1
    out, err = capsys.readouterr()
    assert out.startswith(f'{photo}: blur ') and err.count('\n') == 1


@pytest.mark.parametrize('arguments', [['none.png'], ['broken.png'], ['broken.png', '--scale', '0'], []])
def test_what_cannot_be_used_is_refused_in_a_line(tmp_path, capsys, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'broken.png').write_bytes(b'none')
    assert estimate_kernel.main([*arguments, '-o', 'out']) == 2
    out, err = capsys.readouterr()
    assert out == '' and err.startswith('estimate_kernel.py: ') and err.count('\n') == 1
    assert '--input' not in err


def test_tensorflow_is_not_needed(photo, tmp_path):
    code = (
        'import sys, estimate_kernel; '
        f"code = estimate_kernel.main([{str(photo)!r}, '-o', {str(tmp_path)!r}]); "
        "sys.exit(code or 'tensorflow' in sys.modules)"
    )
    code, _, err = finish(start(program=('-c', code)))
    assert (code, err) == (0, '')
