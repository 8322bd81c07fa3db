"""imresize.py: resizing against a loop written from the definition, and what must hold for any image."""

from pathlib import Path

import numpy as np
import pytest
from helpers import tolerances
from PIL import Image
from scipy import ndimage

from imresize import METHODS, contributions, cubic, imresize, imresize_matlab, kernel_shift, linear

SHARED = Path(__file__).parents[2] / 'shared' / 'data'

SCALES = [0.5, 1 / 3, 0.25, 2 / 3, 1.5, 2.0, 3.0, 2.7]


def kernel_value(method, x):
    x = abs(x) if method != 'box' else x
    if method == 'cubic':
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0
    if method == 'linear':
        return max(0.0, 1 - x)
    if method == 'box':
        return float(-0.5 <= x < 0.5)
    lobes, eps = int(method[-1]), np.finfo(np.float32).eps
    above = np.sin(np.pi * x) * np.sin(np.pi * x / lobes) + eps
    return above / (np.pi**2 * x**2 / lobes + eps) if x < lobes else 0.0


def resize_row(row, scale, method, antialiasing=True):
    """One row, pixel by pixel: nothing before the first pixel, a mirror behind the last."""
    stretch = scale if antialiasing and scale < 1 else 1.0
    reach = METHODS[method][1] / stretch
    mirrored = np.concatenate([row, row[::-1]])
    out = []
    for i in range(1, int(np.ceil(len(row) * scale)) + 1):
        centre = i / scale + 0.5 * (1 - 1 / scale)
        pixels = [p for p in range(int(centre - reach) - 3, int(centre + reach) + 3) if p >= 0]
        weights = np.array([stretch * kernel_value(method, stretch * (centre - p - 1)) for p in pixels])
        out.append(sum(weights * mirrored[np.array(pixels) % len(mirrored)]) / weights.sum())
    return np.array(out)


def centre_of_mass(kernel):
    return np.array(ndimage.center_of_mass(kernel))


@pytest.mark.parametrize('scale', SCALES)
@pytest.mark.parametrize('method', METHODS)
def test_a_row_is_resized_as_defined(method, scale):
    row = np.random.RandomState(0).rand(13)
    expected = resize_row(row, scale, method)
    out = imresize(row[None], [1, scale], kernel=method, antialiasing=False)[0]
    if scale > 1:
        np.testing.assert_allclose(out, expected, atol=tolerances.FLOAT64)
    down = imresize(row[:, None], [scale, 1], kernel=method)[:, 0]
    np.testing.assert_allclose(down, expected, atol=tolerances.FLOAT64)


def test_vertical_scale_decides_about_antialiasing():
    im = np.random.RandomState(0).rand(12, 12)
    only_wide = imresize(im, [1, 0.5])
    np.testing.assert_allclose(
        only_wide, [resize_row(r, 0.5, 'cubic', False) for r in im], atol=tolerances.FLOAT64
    )
    both = imresize(im, [0.5, 0.5], antialiasing=False)
    rows = np.array([resize_row(r, 0.5, 'cubic', False) for r in im])
    np.testing.assert_allclose(
        both, np.transpose([resize_row(c, 0.5, 'cubic', False) for c in rows.T]), atol=tolerances.FLOAT64
    )


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('scale', SCALES)
def test_weights_sum_to_one(method, scale):
    _, weights = contributions(17, int(np.ceil(17 * scale)), scale, method, scale < 1)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=tolerances.FLOAT64)


@pytest.mark.parametrize('method', [*METHODS, None])
@pytest.mark.parametrize('scale', [0.5, [0.4, 0.7], 2, [1, 1.5], [3, 2.5]])
def test_a_constant_image_stays_constant(method, scale):
    out = imresize(np.full((11, 14, 3), 0.3), scale, kernel=method)
    np.testing.assert_allclose(out, 0.3, atol=tolerances.FLOAT64)


def test_nothing_is_mirrored_at_the_near_edge_but_at_the_far_one():
    row = np.array([[1.0, 0, 0, 0, 0, 0, 0, 5.0]])
    out = imresize(row, [1, 2], kernel='cubic')[0]
    near = [cubic(0.75 - p - 1) for p in range(3)]
    assert out[0] == pytest.approx(near[0] / sum(near), abs=tolerances.FLOAT64)
    far = [cubic(8.25 - p - 1) for p in range(6, 10)]
    assert out[-1] == pytest.approx(5 * (far[1] + far[2]) / sum(far), abs=tolerances.FLOAT64)


def test_taps_before_the_first_pixel_weigh_nothing():
    indices, weights = contributions(6, 12, 2.0, 'linear')
    assert set(indices[0][weights[0] != 0]) == {0}
    assert linear(0.75) > 0


@pytest.mark.parametrize(
    ('scale', 'pixels'),
    [
        (2.0, [j // 2 for j in range(32)]),
        (3.0, [j // 3 for j in range(48)]),
        (1.5, [(2 * j + 1) // 3 for j in range(24)]),
        (2.7, [min(int((j + 0.5) / 2.7), 15) for j in range(44)]),
    ],
)
def test_box_enlarges_by_repeating_the_nearest_pixel(scale, pixels):
    im = np.random.RandomState(0).rand(16, 16, 3)
    np.testing.assert_array_equal(imresize(im, [1, scale], kernel='box'), im[:, pixels])
    np.testing.assert_array_equal(imresize(im, [scale, 1], kernel='box'), im[pixels])


def test_scale_and_size_may_be_given_together():
    son = imresize(np.random.RandomState(0).rand(9, 9), 0.5)
    assert son.shape == (5, 5)
    np.testing.assert_array_equal(imresize(son, 2, (9, 9)), imresize(son, 2)[:9, :9])


def test_missing_axes_are_kept():
    im = np.random.RandomState(0).rand(8, 6, 3)
    assert imresize(im, [2]).shape == (16, 6, 3)
    assert imresize(im, output_shape=(5,)).shape == (5, 6, 3)
    np.testing.assert_allclose(
        imresize(im, output_shape=(16, 9)), imresize(im, [2, 1.5]), atol=tolerances.FLOAT64
    )


def test_an_axis_of_scale_one_is_left_alone():
    im = np.random.RandomState(0).rand(8, 6, 3)
    np.testing.assert_array_equal(imresize(im, 1), im)


@pytest.mark.parametrize('scale', [0.5, 2, [1, 1]])
@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
def test_named_methods_answer_in_float64_and_leave_their_argument(scale, dtype):
    im = np.arange(64, dtype=dtype).reshape(8, 8)
    before = im.copy()
    out = imresize(im, scale)
    out += 1
    assert out.dtype == np.float64
    np.testing.assert_array_equal(im, before)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('channels', [(), (1,), (2,), (3,), (4,)])
def test_numeric_kernels_keep_the_type_and_work_on_any_channels(gaussian, dtype, channels):
    im = np.random.RandomState(0).rand(10, 13, *channels).astype(dtype)
    kernel, before = gaussian(5, 7), im.copy()
    out = imresize(im, 0.5, kernel=kernel)
    assert out.dtype == dtype
    assert out.shape == (5, 7, *channels)
    np.testing.assert_array_equal(im, before)
    planes = im.reshape(10, 13, -1)
    rows, columns = np.rint(np.linspace(0, 8, 5)).astype(int), np.rint(np.linspace(0, 11, 7)).astype(int)
    for channel in range(planes.shape[2]):
        blurred = ndimage.correlate(planes[..., channel], kernel)[rows][:, columns]
        np.testing.assert_array_equal(out.reshape(5, 7, -1)[..., channel], blurred)


def test_kernels_are_correlated_not_convolved():
    im = np.zeros((8, 8))
    im[4, 4] = 1
    kernel = np.zeros((3, 3))
    kernel[1, 2] = 1  # looks one pixel to the right
    assert imresize(im, 1, kernel=kernel)[4, 3] == 1


def test_kernel_shift_flag_aligns_the_kernel(gaussian):
    im, kernel = np.random.RandomState(0).rand(16, 18, 3), gaussian(7, 7)
    flagged = imresize(im, [0.5, 1 / 3], kernel=kernel, kernel_shift_flag=True)
    np.testing.assert_array_equal(flagged, imresize(im, [0.5, 1 / 3], kernel=kernel_shift(kernel, (2, 3))))
    assert not np.allclose(flagged, imresize(im, [0.5, 1 / 3], kernel=kernel))


@pytest.mark.parametrize('method', ['Cubic', 'nearest', ''])
def test_unknown_methods_are_named_and_the_known_listed(method):
    with pytest.raises(ValueError, match=f"{method}'.*cubic, lanczos2, lanczos3, box, linear"):
        imresize(np.zeros((4, 4)), 2, kernel=method)


def test_scale_or_size_is_needed():
    with pytest.raises(ValueError, match='scale_factor or output_shape'):
        imresize(np.zeros((4, 4)))


@pytest.mark.parametrize('scale', [0, -1, [2, 0], np.nan, np.inf])
def test_scales_must_be_positive(scale):
    with pytest.raises(ValueError, match='positive'):
        imresize(np.zeros((4, 4)), scale)


@pytest.mark.parametrize('sf', [(2, 2), (3, 3), (4, 4), (1.5, 2), (1, 2.5)])
@pytest.mark.parametrize('shape', [(13, 13), (15, 13), (12, 14)])
def test_kernel_shift_puts_the_centre_of_mass_where_it_belongs(gaussian, sf, shape):
    kernel = np.roll(gaussian(*shape), 1, axis=0)
    before = kernel.copy()
    shifted = kernel_shift(kernel, sf)
    padding = (np.array(shifted.shape) - shape) // 2
    wanted = np.array(shape) // 2 + 0.5 * (np.array(sf) - np.array(shape) % 2)
    np.testing.assert_allclose(centre_of_mass(shifted) - padding, wanted, atol=1e-3)
    np.testing.assert_array_equal(kernel, before)
    assert padding[0] == np.ceil(np.abs(wanted - centre_of_mass(kernel)).max()) + 1


def test_kernel_shift_keeps_the_sum(gaussian):
    assert kernel_shift(gaussian(13, 13), (3, 3)).sum() == pytest.approx(1, abs=1e-3)


def matlab_row(row, scale, border):
    """One row of 8 bits, pixel by pixel, by MATLAB's definition."""
    stretch = min(scale, 1.0)
    before, behind = {'repeat': ('edge', 'edge'), 'mirror': ('symmetric', 'symmetric')}[border]
    reach = int(np.ceil(4 / stretch)) + 2
    padded = np.pad(np.pad(row.astype(float), (reach, 0), before), (0, reach), behind)
    out = []
    for i in range(1, int(np.ceil(len(row) * scale)) + 1):
        centre = i / scale + 0.5 * (1 - 1 / scale)
        weights = [kernel_value('cubic', stretch * (centre - p - 1)) for p in range(-reach, len(row) + reach)]
        out.append(np.dot(weights, padded) / np.sum(weights))
    return np.clip(np.floor(np.array(out) + 0.5), 0, 255)


@pytest.mark.parametrize('border', ['repeat', 'mirror'])
@pytest.mark.parametrize('scale', [0.5, 1 / 3, 0.25, 2, 3, 4])
def test_8_bits_are_rounded_after_rows_and_again_after_columns(scale, border):
    image = np.random.RandomState(0).randint(0, 256, (13, 11)).astype(np.uint8)
    rows = np.transpose([matlab_row(column, scale, border) for column in image.T])
    expected = np.array([matlab_row(row, scale, border) for row in rows])
    out = imresize_matlab(image, scale, border)
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out, expected)


def test_borders_by_hand():
    # Keys' cubic at half scale: weights -3 -9 29 111 111 29 -9 -3 of 256 around the centre.
    row = np.array([[100, 0, 0, 0, 0, 0, 0, 0]], np.uint8)
    image = np.repeat(row, 8, axis=0)
    # Repeated: 100 * (-3 - 9 + 29 + 111) / 256 = 50; mirrored, only the pixel and its twin count: 54.7.
    assert imresize_matlab(image, 0.5, 'repeat')[1, 0] == 50
    assert imresize_matlab(image, 0.5, 'mirror')[1, 0] == 55


def test_halves_are_rounded_up_and_overshoot_is_clipped():
    image = np.tile(np.array([[1, 0], [0, 1]], np.uint8), (8, 8))
    half = imresize_matlab(image, 0.5)
    assert (half[2:-2, 2:-2] == 1).all()  # 0.5 after the rows is 1, and stays so
    edge = np.repeat(np.array([[0] * 8 + [255] * 8], np.uint8), 16, axis=0)
    enlarged = imresize_matlab(edge, 2)
    assert enlarged.min() == 0
    assert enlarged.max() == 255
    assert imresize_matlab(edge.astype(float), 2).max() > 255


def test_floats_are_resized_as_8_bits_but_not_rounded():
    image = np.random.RandomState(0).randint(0, 256, (16, 18, 3)).astype(np.uint8)
    before = image.copy()
    floats = imresize_matlab(image / 255, 0.5)
    assert floats.dtype == np.float64
    assert np.abs(floats * 255 - imresize_matlab(image, 0.5)).max() <= 1.2  # rounded twice
    np.testing.assert_array_equal(image, before)


def test_far_from_edges_matlab_is_what_imresize_does():
    image = np.random.RandomState(0).rand(24, 24)
    np.testing.assert_allclose(
        imresize_matlab(image, 0.5)[2:-2, 2:-2], imresize(image, 0.5)[2:-2, 2:-2], atol=tolerances.FLOAT64
    )


@pytest.mark.parametrize(
    ('image', 'options', 'words'),
    [
        (np.zeros((8, 8), np.uint16), {}, 'uint16.*uint8 or float'),
        (np.zeros(8, np.uint8), {}, r'\(8,\)'),
        (np.zeros((8, 8)), {'border': 'wrap'}, "'wrap'.*'repeat' or 'mirror'"),
    ],
)
def test_what_matlab_does_not_resize_is_refused(image, options, words):
    with pytest.raises(ValueError, match=words):
        imresize_matlab(image, 0.5, **options)


@pytest.mark.parametrize(
    ('file', 'folder', 'scale', 'border'),
    [
        ('Set5/HR/butterfly.png', 'LR_x2', 2, 'repeat'),
        ('Set5/HR/butterfly.png', 'LR_x2_symmetric', 2, 'mirror'),
        ('Set5/HR/bird.png', 'LR_x3', 3, 'repeat'),
        ('Set5/HR/woman.png', 'LR_x4', 4, 'repeat'),
        ('Set14/HR/bridge.png', 'LR_x3', 3, 'repeat'),
        ('Set14/HR/comic.png', 'LR_x3', 3, 'repeat'),
        ('BSD100/HR/img_001.png', 'LR_x2', 2, 'repeat'),
    ],
)
def test_benchmark_files_are_reproduced_without_a_wrong_pixel(file, folder, scale, border):
    path = SHARED / file
    if not path.is_file():
        pytest.skip(f'no benchmark image {path}')
    with Image.open(path) as image:
        hr = np.asarray(image)
    with Image.open(path.parents[1] / folder / path.name) as image:
        lr = np.asarray(image)
    hr = hr[: hr.shape[0] // scale * scale, : hr.shape[1] // scale * scale]
    np.testing.assert_array_equal(imresize_matlab(hr, 1 / scale, border), lr)
