"""Father → son → enlarged son, as TensorFlow ops that run inside the compiled training loop.

Pairs are made in batches, since the many small steps of one would take longer than its arithmetic. The warp
that makes fathers repeats OpenCV's cubic `warpPerspective` to the last bit; sons and their enlargements are
computed in float64, as the original's NumPy code does, where the network is float32.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_imresize import Resize, apply_resize, resize_plan

# The warp knows source positions to 1/32 pixel.
FRACTION_BITS = 5
POSITIONS = 2**FRACTION_BITS

# Of positions and indices: TensorFlow computes int32 on the host even where there is a GPU.
INDEX = tf.int64 if tf.config.list_physical_devices('GPU') else tf.int32


class Sources(NamedTuple):
    """The images that fathers are cut from, in one buffer, so that a loop can choose among any number.

    Every image lies row by row in a frame of black: a pixel to the left and right, four rows above and below.
    Kept are not its pixels but columns of four, since a gather takes as long for one as for the other.

    Attributes:
        columns: float32 tensor (N, 4·C): every pixel with the three below it.
        table: INDEX tensor (images, 3): index of the image's first column, its height and width.
    """

    columns: tf.Tensor
    table: tf.Tensor


def pack_sources(images):
    """Lay images out as `Sources`.

    Args:
        images: list of arrays (H, W, C) in [0, 1].

    Returns:
        Sources.
    """
    framed = [(im.shape[0] + 8, im.shape[1] + 2) for im in images]
    ends = np.cumsum([height * width for height, width in framed]).tolist()
    starts = [0, *ends[:-1]]
    # Written where they belong at once: large images leave no room for copies.
    columns = np.zeros((ends[-1], 4, images[0].shape[2]), np.float32)
    for im, frame, start, end in zip(images, framed, starts, ends, strict=True):
        for place in range(4):
            rows = columns[start:end, place].reshape(*frame, -1)
            rows[4 - place : 4 - place + im.shape[0], 1:-1] = im
    origins = [start + 4 * frame[1] + 1 for start, frame in zip(starts, framed, strict=True)]
    table = [(origin, *im.shape[:2]) for origin, im in zip(origins, images, strict=True)]
    return Sources(tf.constant(columns.reshape(ends[-1], -1)), tf.constant(table, INDEX))


def invert_affine(matrices):
    """Invert affine matrices by their cofactors; LU would differ from OpenCV in the last bits.

    Args:
        matrices: float array (..., 3, 3) on columns (x, y, 1).

    Returns:
        Float array (..., 2, 3): the inverses without their last rows.
    """
    a, b, x, c, d, y = (matrices[..., i, j] for i in range(2) for j in range(3))
    scale = 1.0 / (a * d - b * c)
    inverses = np.array([[d, -b, b * y - d * x], [-c, a, c * x - a * y]])
    return scale[..., None, None] * np.moveaxis(inverses, (0, 1), (-2, -1))


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


def cubic_weights():
    """Tabulate the weights of all sixteen taps at every 1/32 pixel of both axes.

    Returns:
        Float32 array (1024, 16): positions, x running faster; taps, column by column.
    """
    table = cubic_table()
    return (table[:, None, None, :] * table[:, :, None]).reshape(POSITIONS**2, 16)


CUBIC_WEIGHTS = cubic_weights()


def warp(sources, indices, inverses, crop_size):
    """Cut fathers out of the sources.

    Args:
        sources: Sources.
        indices: int32 tensor (batch,), which source each is cut from.
        inverses: float64 tensor (batch, 2, 3), each maps the father's (x, y, 1) to the source's (x, y).
        crop_size: int tensor, side of the fathers.

    Returns:
        Float32 tensor (batch, crop_size, crop_size, C) in [0, 1], black outside the source.

    Source: OpenCV 3 and 4, warpPerspective with INTER_CUBIC.
    """
    # Half of all fathers are only moved and turned: on whole pixels, fifteen of the weights are exactly 0.
    off_whole = tf.reduce_sum(tf.abs(inverses - tf.round(inverses)), axis=(1, 2))
    is_mixed = off_whole * tf.cast(crop_size * POSITIONS, tf.float64) >= 0.5
    parts = []
    for cut, places in ((_move, tf.where(~is_mixed)[:, 0]), (_interpolate, tf.where(is_mixed)[:, 0])):
        frames = tf.gather(sources.table, tf.gather(indices, places))[:, None, None]
        x, y = _positions(tf.gather(inverses, places), crop_size)
        parts.append((tf.cast(places, tf.int32), cut(sources.columns, frames, x, y)))
    places, fathers = zip(*parts, strict=True)
    return tf.clip_by_value(tf.dynamic_stitch(places, fathers), 0, 1)


def _positions(inverses, crop_size):
    """Where in the source every father pixel lies: x and y in 1/32 pixels, INDEX (batch, crop, crop) each."""
    side = tf.cast(tf.range(crop_size), tf.float64)
    # Both axes in one go: (x or y, batch, 1, 1) each.
    along_x, along_y, start = tf.unstack(tf.transpose(inverses, [2, 1, 0])[..., None, None], num=3)
    exact = (along_x * side + along_y * side[:, None]) + start
    # Far-away positions would overflow; they are black wherever they lie outside.
    return tf.unstack(tf.cast(tf.round(tf.clip_by_value(exact, -1e6, 1e6) * POSITIONS), INDEX), num=2)


def _whole(position):
    """The pixel before a position, by bits: integer division is slow."""
    return tf.bitwise.right_shift(position, FRACTION_BITS)


def _fraction(position):
    return tf.bitwise.bitwise_and(position, POSITIONS - 1)


def _columns_at(frames, x, y):
    """Indices of the columns that start at pixels (x, y); outside of the image those in its black frame."""
    origin, height, width = tf.unstack(frames, num=3, axis=-1)
    return origin + tf.clip_by_value(y, -4, height) * (width + 2) + tf.clip_by_value(x, -1, width)


def _move(columns, frames, x, y):
    """Fathers on whole pixels of their sources: (batch, crop, crop, C)."""
    return tf.gather(columns, _columns_at(frames, _whole(x), _whole(y)))[..., : columns.shape[1] // 4]


def _interpolate(columns, frames, x, y):
    """The sum of sixteen weighted taps around every position: (batch, crop, crop, C)."""
    channels = columns.shape[1] // 4
    fractions = _fraction(y) * POSITIONS + _fraction(x)
    weights = tf.gather(tf.constant(np.repeat(-CUBIC_WEIGHTS, channels, axis=1)), fractions)
    x, y = _whole(x), _whole(y)
    four = tf.range(-1, 3, dtype=INDEX)
    pixels = tf.gather(columns, _columns_at(frames[..., None, :], x[..., None] + four, y[..., None] - 1))
    products = tf.reshape(pixels, [-1, 16 * channels]) * tf.reshape(weights, [-1, 16 * channels])
    # Taps first, so that what is added are long rows of numbers: (columns, rows, C, batch, crop, crop).
    taps = tf.reshape(tf.transpose(products), tf.concat([[4, 4, channels], tf.shape(x)], 0))
    height, width = frames[..., 1], frames[..., 2]
    inside = (x >= 1) & (x < width - 2) & (y >= 1) & (y < height - 2)
    return tf.transpose(_added_up(taps, inside), [1, 2, 3, 0])


def _added_up(negatives, inside):
    """Add up taps in OpenCV's order: row sum by row sum where all are inside the source, else one by one.

    The taps (4 columns, 4 rows, …) come negated and are subtracted: TensorFlow changes the order of sums, but
    not of differences.
    """
    columns = tf.unstack(negatives, num=4)
    rows = tf.unstack(0 - columns[0] - columns[1] - columns[2] - columns[3], num=4)
    total = rows[0]
    for row, taps in zip(rows[1:], list(zip(*map(tf.unstack, columns), strict=True))[1:], strict=True):
        one_by_one = total - taps[0] - taps[1] - taps[2] - taps[3]
        total = tf.where(inside, total + row, one_by_one)
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
    inverses = tf.constant(invert_affine(matrix)[None], tf.float64)
    return warp(pack_sources([image]), tf.constant([0]), inverses, crop_size)[0].numpy()


class Recipe(NamedTuple):
    """How sons of fathers are made at one scale.

    Attributes:
        down: Resize, father to son.
        up: Resize, son back to the father's size.
        rounded: bool tensor, whether sons are rounded to float32 before noise is added.
    """

    down: Resize
    up: Resize
    rounded: tf.Tensor


def make_recipe(crop_size, sf, kernel, upscale_method, dtype=tf.float64):
    """Plan the way from fathers to their enlarged sons.

    Args:
        crop_size: side of the fathers.
        sf: (vertical, horizontal) relative scale factors.
        kernel: method name, or aligned 2-D kernel.
        upscale_method: method name.
        dtype: in which sons and their enlargements are computed.

    Returns:
        Recipe.
    """
    shape = (crop_size, crop_size)
    down_scale = 1 / np.asarray(sf, dtype=np.float64)
    son_shape = tuple(int(n) for n in np.ceil(crop_size * down_scale))
    return Recipe(
        resize_plan(shape, son_shape, down_scale, kernel, dtype),
        resize_plan(son_shape, shape, sf, upscale_method, dtype),
        # scipy's correlate answers in the image's own type.
        tf.constant(not isinstance(kernel, str)),
    )


def make_sons(fathers, noise, recipe):
    """Shrink fathers and add noise.

    Args:
        fathers: float32 tensor (batch, crop, crop, C) in [0, 1].
        noise: tensor (batch, h, w, C) of the recipe's type, or (batch, 1, 1, 1).
        recipe: Recipe.

    Returns:
        Tensor (batch, h, w, C) of the recipe's type, in [0, 1].

    Source: ZSSR paper, sections 3.2 and 3.3.
    """
    dtype = recipe.down.rows.dtype
    sons = apply_resize(tf.cast(fathers, dtype), recipe.down)
    sons = tf.where(recipe.rounded, tf.cast(tf.cast(sons, tf.float32), dtype), sons)
    return tf.clip_by_value(sons + noise, 0, 1)


def enlarge_sons(sons, recipe):
    """Interpolate sons to their fathers' size: the network's input.

    Args:
        sons: tensor (batch, h, w, C) of the recipe's type, in [0, 1].
        recipe: Recipe.

    Returns:
        Float32 tensor (batch, crop, crop, C), not clipped.
    """
    return tf.cast(apply_resize(sons, recipe.up), tf.float32)
