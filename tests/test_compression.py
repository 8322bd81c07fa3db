"""compression.py: the quality of a JPEG, by its file, by its pixels, and of a part of it."""

import numpy as np
import pytest
from helpers.command_line import PROJECT
from PIL import Image

from blind.compression import jpeg_quality
from blind.examples import compressed
from files.decoding import quantization_steps
from files.pictures import read_image


@pytest.fixture(scope='module')
def photo():
    """A photograph that was never compressed, uint8."""
    pixels = read_image(PROJECT / 'test_data' / 'ideal_x3' / 'photographer_gt.png').pixels
    return np.rint(pixels * 255).astype(np.uint8)


@pytest.mark.parametrize('quality', [20, 45, 72, 90])
def test_the_pixels_tell_the_quality(photo, quality):
    assert jpeg_quality(None, compressed(photo, quality) / np.float32(255)) == quality


def test_a_part_of_a_jpeg_tells_it_as_well(photo):
    assert jpeg_quality(None, compressed(photo, 45)[3:, 5:] / np.float32(255)) == 45


@pytest.mark.parametrize('quality', [1, 30, 85, 100])
def test_a_file_tells_its_quality_by_its_own_steps(photo, tmp_path, quality):
    Image.fromarray(photo[:, :, 0]).save(tmp_path / 'a.jpg', quality=quality)
    assert jpeg_quality(tmp_path / 'a.jpg', None) == quality


def test_what_was_never_compressed_has_no_quality(photo, tmp_path):
    assert jpeg_quality(None, photo / np.float32(255)) is None
    Image.fromarray(photo[:, :, 0]).save(tmp_path / 'a.png')
    assert quantization_steps(tmp_path / 'a.png') is None
    assert jpeg_quality(tmp_path / 'a.png', photo / np.float32(255)) is None


@pytest.mark.parametrize('shape', [(16, 16, 1), (17, 40, 3), (100, 100, 3)])
def test_flat_small_and_noisy_images_have_no_quality(shape):
    assert jpeg_quality(None, np.full(shape, 0.5, np.float32)) is None
    assert jpeg_quality(None, np.random.RandomState(0).rand(*shape).astype(np.float32)) is None
