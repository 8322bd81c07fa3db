"""values.py: what black and white are in an image's own units, and the way back to them."""

import numpy as np
import pytest
from helpers.pictures import refusal, samples

from files.pictures import from_array
from files.values import Values, choose_values


def choose(samples, asked='auto'):
    return choose_values([np.atleast_3d(samples)], asked, 'a.tif')


@pytest.fixture
def counts():
    """Counts of a 12-bit camera, from 90 to 3980."""
    values = np.random.RandomState(0).randint(90, 3981, (60, 70))
    values.flat[:2] = 90, 3980
    return values.astype(np.uint16)


def test_8_bits_have_the_range_of_their_type():
    assert choose(np.full((20, 20), 7, np.uint8)) == Values((0.0,), (255.0,), 'uint8')


@pytest.mark.parametrize('top', [65535, 33000])
def test_a_photograph_of_16_bits_has_the_range_of_its_type(top):
    assert choose(np.linspace(0, top, 400).reshape(20, 20).astype(np.uint16)).high == (65535.0,)


def test_12_bits_in_16_have_the_range_of_the_data(counts):
    values = choose(counts)
    assert (values.low, values.high, values.dtype) == ((90.0,), (3980.0,), 'uint16')
    assert values.note() == 'uint16 values 90 to 3980 are taken for black to white'


def test_a_hot_pixel_does_not_decide(counts):
    quiet = choose(counts)
    counts[30, 30], counts[40, 40] = 65535, 0
    hot = choose(counts)
    assert hot.high[0] < 2 * quiet.high[0]


def test_a_hot_pixel_comes_back_as_it_was(counts):
    counts[30, 30] = 65535
    picture = from_array(counts, value_range='auto')
    assert picture.pixels.max() == 1 and picture.beyond[30, 30] > 5
    assert np.count_nonzero(picture.beyond) == 1
    np.testing.assert_array_equal(picture.values.from_unit(picture.pixels + picture.beyond)[:, :, 0], counts)


@pytest.mark.parametrize(
    'dtype', ['int8', 'int16', 'int32', 'int64', 'uint32', 'float16', 'float32', 'float64']
)
def test_any_numbers_come_back_in_their_type_and_units(dtype):
    least, most = (-40, 40) if dtype == 'int8' else (-1000, 3000)
    least = 0 if dtype == 'uint32' else least
    given = np.random.RandomState(1).uniform(least, most, (30, 40)).astype(dtype)
    picture = from_array(given, value_range='auto')
    assert picture.pixels.dtype == np.float32 and (picture.pixels.min(), picture.pixels.max()) == (0, 1)
    back = picture.values.from_unit(picture.pixels)
    assert back.dtype == given.dtype
    np.testing.assert_allclose(back[:, :, 0], given, rtol=2e-3 if dtype == 'float16' else 0, atol=0.001)


def test_floats_in_0_to_1_are_a_picture_where_they_span_half_of_it():
    ramp = np.linspace(0, 1, 400).reshape(20, 20)
    assert choose(ramp).is_whole and choose(ramp * 0.6).is_whole
    assert choose(ramp * 0.1).high == (pytest.approx(0.1),)
    assert choose(ramp * 2).high == (2.0,)


def test_gray_and_rgb_have_one_range_and_other_channels_one_each():
    ramp = np.linspace(0, 1, 400).reshape(20, 20, 1)
    rgb = np.concatenate([ramp, 10 * ramp, 1000 * ramp], 2)
    assert choose(rgb) == Values((0.0,), (1000.0,), 'float64')
    bands = choose_values([np.concatenate([rgb, -ramp], 2)], 'auto', 'a.tif', has_colours=False)
    assert (bands.low, bands.high) == ((0.0, 0.0, 0.0, -1.0), (1.0, 10.0, 1000.0, 0.0))


def test_a_range_that_is_given_is_taken():
    given = np.arange(400.0).reshape(20, 20)
    picture = from_array(given, value_range=[100, 300])
    assert picture.values == Values((100.0,), (300.0,), 'float64')
    assert picture.pixels[5, 0, 0] == 0 and picture.pixels[19, 19, 0] == 1
    assert picture.beyond[19, 19, 0] == pytest.approx(99 / 200) and picture.beyond[0, 0, 0] == -0.5


def test_the_full_range_of_whole_numbers():
    assert choose(np.zeros((20, 20), np.int16), 'full') == Values((-32768.0,), (32767.0,), 'int16')
    message = refusal(choose, np.zeros((20, 20), np.int64), 'full')
    assert 'a.tif: type int64' in message and "'auto'" in message


def test_an_image_of_one_value_has_a_range():
    picture = from_array(np.full((20, 20), 5000.0), value_range='auto')
    assert not picture.pixels.any() and picture.values.from_unit(picture.pixels).max() == 5000


def test_whole_numbers_are_rounded_half_up_and_clipped_to_their_type():
    values = Values((-10.0,), (10.0,), 'int8')
    pixels = np.array([0.5, 0.525, 0.524, 9.0, -9.0]).reshape(1, 5, 1)
    assert values.from_unit(pixels).ravel().tolist() == [0, 1, 0, 127, -128]


@pytest.mark.parametrize('asked', ['auto', 'full', [0, 9]])
def test_no_numbers_are_named_with_the_way_out(asked):
    values = np.zeros((20, 20))
    values[3, 4:6] = np.nan
    message = refusal(choose, values, asked)
    assert 'a.tif: has NaN values' in message and '2 of 400' in message and 'nan_to_num' in message
    values[3, 4:6] = np.inf
    assert 'infinite values' in refusal(choose, values, asked)


def test_another_pictures_values_serve_where_units_are_the_same(counts):
    values = choose(counts)
    assert choose(counts // 2, values) == values
    assert choose(samples(1), values) == Values()


@pytest.mark.parametrize('mark', [-9999.0, -3.4e38, 65535.0])
def test_a_value_far_from_all_others_is_taken_for_a_mark_and_named(mark):
    values = np.random.RandomState(0).uniform(100, 900, (50, 60))
    values[:5] = mark
    message = refusal(choose, values)
    assert f'a.tif: 10.0 % of its values are {mark:g}' in message and '--range LO:HI' in message
    assert choose(values, [0, 1000]).high == (1000.0,)
    values[:5] = 0  # a dark margin
    assert choose(values).low == (0.0,)


def test_three_channels_of_counts_are_no_colours():
    dim = np.random.RandomState(0).uniform(0, 500, (40, 50, 1))
    picture = from_array(np.concatenate([120 * dim, dim, dim], 2), value_range='auto')
    assert picture.values.high[1] < 501 < 50_000 < picture.values.high[0]
    bright = from_array(np.concatenate([120 * dim, dim, dim], 2).astype(np.uint16), value_range='auto')
    assert bright.values.high == (65535.0,) or len(bright.values.high) == 1  # RGB of 16 bits is


@pytest.mark.parametrize('value', [1e20, -1e20, 0.0, 2.0**62])
def test_a_large_single_value_has_a_range_too(value):
    picture = from_array(np.full((20, 20), value), value_range='auto')
    assert np.isfinite(picture.pixels).all()
    assert picture.values.from_unit(picture.pixels)[0, 0, 0] == pytest.approx(value)


def test_the_largest_whole_numbers_of_64_bits_do_not_overflow():
    given = np.full((20, 20), np.iinfo(np.int64).max)
    given[0] = 0
    picture = from_array(given, value_range='auto')
    assert picture.values.from_unit(picture.pixels + 0.1).max() > 2**62
