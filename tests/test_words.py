"""words.py: preset, GPU and inputs told apart."""

import pytest
from helpers.command_line import PROJECT, save_image

from running.words import Words, read_words


@pytest.mark.parametrize(
    ('words', 'places', 'expected'),
    [
        ([], [], Words()),
        (['0'], [], Words('0')),
        (['0', '1'], [], Words('0', '1')),
        (['x2_real_conf', 'all'], [], Words('X2_REAL_CONF', 'all')),
        (['AUTO', 'a.png', 'b.tif'], [], Words('AUTO', None, ('a.png', 'b.tif'))),
        (['a.png', 'AUTO', '0'], [], Words('AUTO', '0', ('a.png',))),
        ([], ['a.png', 'X2_REAL_CONF', '0'], Words('X2_REAL_CONF', '0', ('a.png',))),
        (['X2_REAL_CONF'], ['a.png', '0'], Words('X2_REAL_CONF', '0', ('a.png',))),
        ([], ['a.png'], Words(places=('a.png',))),
        (['X9'], [], Words('X9')),
    ],
)
def test_words_are_told_apart(words, places, expected):
    assert read_words(words, places) == expected


@pytest.mark.parametrize(
    'word', ['photo.jpg', 'PHOTO.JPG', 'scans/*.tif', 'test_data/real', str(PROJECT / 'x')]
)
def test_an_image_in_the_place_of_a_preset_takes_auto_and_says_why(word):
    read = read_words([word, '0'])
    assert (read.preset, read.gpu, read.places) == ('AUTO', '0', (word,))
    assert read.note.startswith('preset AUTO: what the picture tells of its blur and noise decides')


def test_a_folder_that_is_there_is_an_input_whatever_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'scans').mkdir()
    save_image(tmp_path / 'photo.png').rename(tmp_path / 'photo')
    assert read_words(['scans', 'photo']).places == ('scans', 'photo')


@pytest.mark.parametrize(
    ('words', 'said'), [(['AUTO', 'first'], "GPU 'first'"), (['AUTO', '0', '1'], '0 and 1')]
)
def test_words_that_are_neither_are_refused(words, said):
    with pytest.raises(ValueError, match=said):
        read_words(words)
