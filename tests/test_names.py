"""names.py: what files are called, however long or strange the image's own name is."""

import os

import pytest

from files.names import (
    figure_name,
    free_path,
    ground_truth_names,
    kernel_names,
    parse_name,
    result_name,
    short_stem,
)

LONG = ('a' * 236, 'b' * 251, 'é' * 120, '日本語' * 28, '👩' * 62, 'caf\udce9' * 60, 'a' * 100_000)


@pytest.mark.parametrize('stem', ['photo', 'a' * 220, 'é' * 110, 'caf\udce9', ' ', '$x$ <b>|`*'])
def test_a_name_that_fits_is_kept(stem):
    assert short_stem(stem) == stem
    assert result_name(stem, (2, 1.5), 'tif') == f'{stem}_zssr_X2.00X1.50.tif'
    assert figure_name(stem) == f'{stem}_losses.png'


@pytest.mark.parametrize('stem', LONG)
def test_a_longer_one_is_shortened_within_no_character_and_can_be_written(tmp_path, stem):
    short = short_stem(stem)
    kept, hashed = short.split('~')
    assert stem.startswith(kept) and int(hashed, 16)
    assert 216 <= len(os.fsencode(short)) <= 220 and short_stem(short) == short
    for name in (result_name(stem, (100, 100), 'webp'), figure_name(stem)):
        assert name.startswith(short)
        (tmp_path / name).write_bytes(b'x')
        free_path(tmp_path / name).write_bytes(b'x')
    assert len(list(tmp_path.iterdir())) == 4


def test_the_shortened_name_is_the_same_everywhere():
    assert short_stem('a' * 236) == 'a' * 203 + '~3bdba7b1d544a8c6'


def test_distinct_names_stay_distinct():
    stems = [f'{"a" * 230}{number}' for number in range(500)] + [
        f'{number}{"a" * 230}' for number in range(500)
    ]
    assert len({short_stem(stem) for stem in stems}) == len(stems)


def test_results_of_a_long_name_and_its_truth_are_found_by_one_name():
    stem = 'c' * 240
    assert parse_name(result_name(stem, (2, 2)).removesuffix('.png')) == (short_stem(stem), (2, 2))
    assert parse_name(stem)[0] == short_stem(stem)


def test_what_lies_beside_an_image_is_looked_for_under_its_whole_name_where_a_file_can_have_it(tmp_path):
    assert kernel_names('a' * 249, 1) == [f'{"a" * 249}_0.mat']
    assert kernel_names('a' * 250, 1) == [f'{short_stem("a" * 250)}_0.mat']
    path = tmp_path / f'{"a" * 251}.png'
    names = ground_truth_names(path)
    assert names[0] == f'{short_stem(path.stem)}_gt.png'
    assert not any((tmp_path / name).is_file() for name in names)  # no OSError
