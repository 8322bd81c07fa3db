"""nearest.py: the word or file that was meant."""

import pytest

from settings.nearest import did_you_mean, did_you_mean_file


def test_the_nearest_word_is_suggested_whatever_its_case():
    assert did_you_mean('MAX_ITER', ['min_iters', 'max_iters']) == '; did you mean max_iters?'
    assert did_you_mean('xyz', ['min_iters', 'max_iters']) == ''


@pytest.mark.parametrize(
    ('wrong', 'meant'),
    [
        ('phto.jpg', 'photo.jpg'),
        ('photo.png', 'photo.jpg'),
        ('Photo.TIF', 'photo.tif'),
        ('scan/a.png', 'scans'),
        ('b.jpg', None),
        ('hidden.png', None),
    ],
)
def test_the_nearest_file_is_suggested(tmp_path, wrong, meant):
    (tmp_path / 'scans').mkdir()
    for name in ('photo.jpg', 'photo.tif', 'a.jpg', '.hidden.png'):
        (tmp_path / name).touch()
    expected = f'; did you mean {tmp_path / meant}?' if meant else ''
    assert did_you_mean_file(tmp_path / wrong) == expected
