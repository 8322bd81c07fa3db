"""Father → son → enlarged son, as TensorFlow ops that run inside the compiled training loop.

The warp that makes fathers repeats OpenCV's cubic `warpPerspective` to the last bit; sons and their
enlargements are computed in float64, as the original's NumPy code does.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from imresize import contributions, subsample_positions

# The warp knows source positions to 1/32 pixel.
POSITIONS = 32


class Sources(NamedTuple):
    """The images that fathers are cut from, in one buffer, so that a loop can choose among any number.

    Attributes:
        pixels: float32 tensor (N, C); every image lies row by row in a frame of black, one pixel wide.
        table: int32 tensor (images, 3): offset of the frame's first pixel, height and width of the image.
    """

    pixels: tf.Tensor
    table: tf.Tensor


def pack_sources(images):
    """Lay images out as `Sources`.

    Args:
        images: list of arrays (H, W, C) in [0, 1].

    Returns:
        Sources.
    """
    framed = [np.pad(im.astype(np.float32), ((1, 1), (1, 1), (0, 0))) for im in images]
    flat = [im.reshape(-1, im.shape[2]) for im in framed]
    offsets = np.cumsum([0] + [len(im) for im in flat[:-1]])
    table = [(offset, *im.shape[:2]) for offset, im in zip(offsets, images, strict=True)]
    return Sources(tf.constant(np.concatenate(flat)), tf.constant(table, tf.int32))


def invert_affine(matrix):
    """Invert an affine matrix by its cofactors; LU would differ from OpenCV in the last bits.

    Args:
        matrix: float array (3, 3) on columns (x, y, 1).

    Returns:
        Float array (2, 3): the inverse without its last row.
    """
    (a, b, x), (c, d, y) = matrix[:2]
    scale = 1.0 / (a * d - b * c)
    return scale * np.array([[d, -b, b * y - d * x], [-c, a, c * x - a * y]])


def cubic_table():
    """Tabulate Keys' cubic (a = −0.75) at every 1/32 pixel, in float32 as OpenCV does.

    Returns:
        Float32 array (32, 4): the weights of the taps before, left, right and after.
    """
    a, one = np.float32(-0.75), np.float32(1)
    x = np.arange(POSITIONS, dtype=np.float32) / np.float32(POSITIONS)
    outer, rest = x + one, one - x
    before = ((a * outer - 5 * a) * outer + 8 * a) * outer - 4 * a
    left = ((a + 2) * x - (a + 3)) * x * x + one
    right = ((a + 2) * rest - (a + 3)) * rest * rest + one
    return np.stack([before, left, right, one - before - left - right], axis=1).astype(np.float32)


CUBIC_TABLE = cubic_table()


def warp(sources, source, inverse, crop_size):
    """Cut a father out of a source.

    Args:
        sources: Sources.
        source: int tensor, index of the image.
        inverse: float64 tensor (2, 3), maps the father's (x, y, 1) to the source's (x, y).
        crop_size: int tensor, side of the father.

    Returns:
        Float32 tensor (crop_size, crop_size, C) in [0, 1], black outside the source.

    Source: OpenCV 3 and 4, warpPerspective with INTER_CUBIC.
    """
    offset, height, width = tf.unstack(sources.table[source], num=3)
    side = tf.cast(tf.range(crop_size), tf.float64)
    x, x_fraction = _position(inverse[0], side)
    y, y_fraction = _position(inverse[1], side)
    columns = [tf.clip_by_value(x + tap, -1, width) + 1 for tap in range(-1, 3)]
    rows = [(tf.clip_by_value(y + tap, -1, height) + 1) * (width + 2) + offset for tap in range(-1, 3)]
    between_pixels = tf.reduce_any(x_fraction + y_fraction > 0)

    def interpolated():
        table = tf.constant(CUBIC_TABLE)
        x_weights, y_weights = tf.gather(table, x_fraction), tf.gather(table, y_fraction)
        terms = [
            [
                tf.gather(sources.pixels, rows[i] + columns[j])
                * (y_weights[..., i] * x_weights[..., j])[..., None]
                for j in range(4)
            ]
            for i in range(4)
        ]
        inside = (x >= 1) & (x < width - 2) & (y >= 1) & (y < height - 2)
        return tf.cond(
            tf.reduce_all(inside),
            lambda: _sum_by_rows(terms),
            lambda: tf.where(inside[..., None], _sum_by_rows(terms), _sum_in_raster_order(terms)),
        )

    # On whole pixels the other fifteen weights are exactly 0: half of all fathers are only moved and turned.
    father = tf.cond(between_pixels, interpolated, lambda: tf.gather(sources.pixels, rows[1] + columns[1]))
    return tf.clip_by_value(father, 0, 1)


def _position(coefficients, side):
    """Whole pixel and 1/32 fraction of one source coordinate, for every father pixel: int32 (crop, crop)."""
    exact = (coefficients[0] * side[None, :] + coefficients[1] * side[:, None]) + coefficients[2]
    # Far-away positions would overflow; they are black wherever they lie outside.
    position = tf.cast(tf.round(tf.clip_by_value(exact, -1e6, 1e6) * POSITIONS), tf.int32)
    whole = tf.math.floordiv(position, POSITIONS)
    return whole, position - whole * POSITIONS


def _sum_by_rows(terms):
    rows = [((row[0] + row[1]) + row[2]) + row[3] for row in terms]
    return ((rows[0] + rows[1]) + rows[2]) + rows[3]


def _sum_in_raster_order(terms):
    total, *rest = [term for row in terms for term in row]
    for term in rest:
        total = total + term
    return total


def warp_image(image, matrix, crop_size):
    """Warp one image by a matrix that maps it to the father.

    Args:
        image: array (H, W, C) in [0, 1].
        matrix: float array (3, 3) on columns (x, y, 1).
        crop_size: side of the father, in pixels.

    Returns:
        Float32 array (crop_size, crop_size, C) in [0, 1].
    """
    inverse = tf.constant(invert_affine(matrix), tf.float64)
    return _compiled_warp(pack_sources([image]), tf.constant(0), inverse, tf.constant(crop_size)).numpy()


_compiled_warp = tf.function(warp, reduce_retracing=True)


class Resize(NamedTuple):
    """A separable resize of a crop, as two matrices.

    Attributes:
        rows: float64 tensor (h_out, h_in).
        columns: float64 tensor (w_out, w_in).
    """

    rows: tf.Tensor
    columns: tf.Tensor


class Blur(NamedTuple):
    """Blur by a numeric kernel and subsample, as windows of pixels.

    Attributes:
        kernel: float64 tensor (kh, kw).
        rows: int32 tensor (h_out, kh), the input rows under the kernel for each output row.
        columns: int32 tensor (w_out, kw), likewise.
    """

    kernel: tf.Tensor
    rows: tf.Tensor
    columns: tf.Tensor


def resize_plan(in_shape, out_shape, scale, method):
    """Describe `imresize` of a crop as two matrices.

    Args:
        in_shape, out_shape: (vertical, horizontal) sizes.
        scale: (vertical, horizontal) scales.
        method: interpolation method's name.

    Returns:
        Resize.
    """
    matrices = []
    for length, out_length, factor in zip(in_shape[:2], out_shape[:2], scale, strict=True):
        first, matrix = axis_matrix(length, (0, out_length, out_length), factor, method, scale[0] < 1)
        unused = (first, length - first - matrix.shape[1])
        matrices.append(tf.constant(np.pad(matrix, [(0, 0), unused])))
    return Resize(*matrices)


def axis_matrix(length, out_range, factor, method, antialiasing):
    """Resizing a part of one axis as a matrix.

    Args:
        length: pixels of the input.
        out_range: (start, stop, out_length): the output pixels that are wanted, and how many there are.
        factor: scale.
        method: interpolation method's name.
        antialiasing: as in `contributions`.

    Returns:
        (first, matrix): first input pixel that is needed, and a float64 array (stop − start, pixels needed).
    """
    start, stop, out_length = out_range
    if factor == 1:
        return start, np.eye(stop - start)
    indices, weights = contributions(length, out_length, factor, method, antialiasing)
    indices, weights = indices[start:stop], weights[start:stop]
    first = indices.min()
    matrix = np.zeros((stop - start, indices.max() + 1 - first))
    np.add.at(matrix, (np.arange(stop - start)[:, None], indices - first), weights)
    return int(first), matrix


def enlarge_region(lr, sf, output_shape, method, region):
    """Interpolate a part of an image, without the rest ever existing.

    Args:
        lr: array (h, w, C) in [0, 1].
        sf: (vertical, horizontal) scale factors.
        output_shape: (vertical, horizontal) size of the whole enlarged image.
        method: interpolation method's name.
        region: (top, bottom, left, right) in the enlarged image.

    Returns:
        Float64 tensor (bottom − top, right − left, C), not clipped.
    """
    (top, rows), (left, columns) = (
        axis_matrix(
            lr.shape[axis], (*region[2 * axis : 2 * axis + 2], output_shape[axis]), sf[axis], method, False
        )
        for axis in (0, 1)
    )
    needed = lr[top : top + rows.shape[1], left : left + columns.shape[1]]
    return _compiled_resize(tf.constant(needed, tf.float64), Resize(tf.constant(rows), tf.constant(columns)))


def blur_plan(in_shape, out_shape, scale, kernel):
    """Describe `imresize` of a crop with a numeric kernel.

    Args:
        in_shape, out_shape: (vertical, horizontal) sizes.
        scale: (vertical, horizontal) scales, at most 1.
        kernel: 2-D array, aligned.

    Returns:
        Blur.
    """
    windows = []
    for length, out_length, factor, taps in zip(
        in_shape[:2], out_shape[:2], scale, kernel.shape, strict=True
    ):
        positions = subsample_positions(length, out_length, factor)
        window = positions[:, None] + np.arange(taps) - taps // 2
        reflected = np.concatenate([np.arange(length), np.arange(length)[::-1]])
        windows.append(tf.constant(reflected[window % (2 * length)], tf.int32))
    return Blur(tf.constant(kernel, tf.float64), *windows)


def apply_plan(image, plan):
    """Resize a crop as planned.

    Args:
        image: float64 tensor (H, W, C).
        plan: Resize or Blur.

    Returns:
        Float64 tensor (h, w, C).
    """
    if isinstance(plan, Resize):
        return _multiply_axes(image, plan.rows, plan.columns)
    height, channels = tf.shape(image)[0], tf.shape(image)[2]
    out_height, taps = tf.unstack(tf.shape(plan.rows))
    out_width = tf.shape(plan.columns)[0]
    # Along the columns first, for every row of the kernel: (kh, H, w, C), then as rows of one long matrix.
    windows = tf.transpose(tf.gather(image, plan.columns, axis=1), [0, 1, 3, 2])
    by_kernel_row = tf.transpose(tf.tensordot(windows, plan.kernel, [[3], [1]]), [3, 0, 1, 2])
    stacked = tf.reshape(by_kernel_row, [taps * height, out_width * channels])
    # Then an output row is the sum of the image rows under the kernel, each through its own kernel row.
    blurred = tf.reduce_sum(tf.gather(stacked, plan.rows + height * tf.range(taps)), axis=1)
    return tf.reshape(blurred, [out_height, out_width, channels])


def _multiply_axes(image, rows, columns):
    """Multiply (H, W, C) by `rows` from the left along H, and by `columns` along W, as two plain products."""
    return _multiply_first_axis(_multiply_first_axis(image, rows), columns)


def _multiply_first_axis(image, matrix):
    """Multiply (H, W, C) by `matrix` along H; return (W, H', C), so that twice restores the order of axes."""
    height, width, channels = tf.unstack(tf.shape(image))
    product = tf.matmul(matrix, tf.reshape(image, [height, width * channels]))
    return tf.transpose(tf.reshape(product, [-1, width, channels]), [1, 0, 2])


_compiled_resize = tf.function(apply_plan, reduce_retracing=True)


class Recipe(NamedTuple):
    """How sons of fathers are made at one scale.

    Attributes:
        down: Resize or Blur, father to son.
        up: Resize, son back to the father's size.
    """

    down: tuple
    up: Resize


def make_recipe(crop_size, sf, kernel, upscale_method):
    """Plan the way from a father to its enlarged son.

    Args:
        crop_size: side of the father.
        sf: (vertical, horizontal) relative scale factors.
        kernel: method name, or aligned 2-D kernel.
        upscale_method: method name.

    Returns:
        Recipe.
    """
    shape = (crop_size, crop_size)
    down_scale = 1 / np.asarray(sf, dtype=np.float64)
    son_shape = tuple(int(n) for n in np.ceil(crop_size * down_scale))
    plan = resize_plan if isinstance(kernel, str) else blur_plan
    return Recipe(
        plan(shape, son_shape, down_scale, kernel), resize_plan(son_shape, shape, sf, upscale_method)
    )


def make_son(father, noise, recipe):
    """Shrink a father and add noise.

    Args:
        father: float32 tensor (crop, crop, C) in [0, 1].
        noise: float64 tensor (h, w, C), or (1, 1, 1) of zero.
        recipe: Recipe.

    Returns:
        Float64 tensor (h, w, C) in [0, 1].

    Source: ZSSR paper, sections 3.2 and 3.3.
    """
    son = apply_plan(tf.cast(father, tf.float64), recipe.down)
    if isinstance(recipe.down, Blur):
        # scipy's correlate answers in the image's own type.
        son = tf.cast(tf.cast(son, tf.float32), tf.float64)
    return tf.clip_by_value(son + noise, 0, 1)


def enlarge_son(son, recipe):
    """Interpolate a son to its father's size: the network's input.

    Args:
        son: float64 tensor (h, w, C) in [0, 1].
        recipe: Recipe.

    Returns:
        Float32 tensor (crop, crop, C), not clipped.
    """
    return tf.cast(apply_plan(son, recipe.up), tf.float32)
