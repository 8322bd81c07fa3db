"""Fathers: random pieces of the input and of earlier results, warped as OpenCV warps, to the last bit.

TensorFlow ops that run inside the compiled training loop (all but `invert_affine`), in batches, since the
many small steps of one father would take longer than its arithmetic. The story of a batch:

1. Each pixel of a father asks the inverse matrix where it comes from. OpenCV knows such positions to 1/32
   pixel (`_position`), which leaves a whole pixel and one of 32 × 32 fractions.
2. Half of all fathers are only moved and turned by right angles: all their fractions are 0, and the pixels
   are fetched as they are (`_pixels`). The others are interpolated from 4 × 4 taps (`_interpolate`).
3. Every source lies in a frame of black, one pixel wide; whatever is outside is clipped to that frame, so
   that no tap needs a question of its own.
4. Floats do not add up alike in every order. OpenCV sums by rows where all sixteen taps are inside the source
   and one after the other where some are not; so does `_interpolate`.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

# The warp knows source positions to 1/32 pixel.
FRACTION_BITS = 5
POSITIONS = 2**FRACTION_BITS

# Of positions and indices: TensorFlow computes int32 on the host even where there is a GPU.
INDEX = tf.int64 if tf.config.list_physical_devices('GPU') else tf.int32


class Sources:
    """The images that fathers are cut from.

    Attributes:
        sizes: (height, width) at each scale, in pixels.
        scales: relative to the first, a number each: of unequal factors, the smaller.
        pages: of a stack, how many images there are at each scale.
        packed: PackedSources of all.
    """

    def __init__(self, images, scales, pages=1):
        """Pack them.

        Args:
            images: list of arrays (H, W, C) in [0, 1], `pages` of a size at every scale.
            scales: (vertical, horizontal) scales, relative to the first.
            pages: of a stack.
        """
        self.sizes = [im.shape[:2] for im in images[::pages]]
        self.scales = [min(scale) for scale in scales]
        self.pages = pages
        self.packed = pack_sources(images)


class PackedSources(NamedTuple):
    """Images in one buffer, so that a compiled loop can choose among any number of them.

    Attributes:
        pixels: float32 tensor (N, C); every image lies row by row in a frame of black, one pixel wide.
        table: INDEX tensor (images, 3): offset of the frame's first pixel, height and width of the image.
    """

    pixels: tf.Tensor
    table: tf.Tensor


def pack_sources(images):
    """Lay out a list of arrays (H, W, C) in [0, 1] as `PackedSources`."""
    framed = [(im.shape[0] + 2, im.shape[1] + 2, im.shape[2]) for im in images]
    ends = np.cumsum([height * width for height, width, _ in framed]).tolist()
    starts = [0, *ends[:-1]]
    # Written where they belong at once: large images leave no room for copies.
    pixels = np.zeros((ends[-1], images[0].shape[2]), np.float32)
    for im, shape, start, end in zip(images, framed, starts, ends, strict=True):
        pixels[start:end].reshape(shape)[1:-1, 1:-1] = im
    table = [(start, *im.shape[:2]) for start, im in zip(starts, images, strict=True)]
    return PackedSources(tf.constant(pixels), tf.constant(table, INDEX))


def invert_affine(matrices):
    """Invert affine matrices (..., 3, 3) on columns (x, y, 1) to (..., 2, 3), without their last rows.

    By their cofactors; LU would differ from OpenCV in the last bits.
    """
    a, b, x, c, d, y = (matrices[..., i, j] for i in range(2) for j in range(3))
    scale = 1.0 / (a * d - b * c)
    inverses = np.array([[d, -b, b * y - d * x], [-c, a, c * x - a * y]])
    return scale[..., None, None] * np.moveaxis(inverses, (0, 1), (-2, -1))


def cubic_table():
    """Keys' cubic (a = −0.75) at every 1/32 pixel, in OpenCV's float32: (32, 4), from before to after."""
    a, one = np.float32(-0.75), np.float32(1)
    x = np.arange(POSITIONS, dtype=np.float32) / np.float32(POSITIONS)
    outer, rest = x + one, one - x
    before = ((a * outer - 5 * a) * outer + 8 * a) * outer - 4 * a
    left = ((a + 2) * x - (a + 3)) * x * x + one
    right = ((a + 2) * rest - (a + 3)) * rest * rest + one
    return np.stack([before, left, right, one - before - left - right], axis=1).astype(np.float32)


def cubic_weights():
    """Weights of the sixteen taps: (4, 1024, 4), rows of taps; positions, x running faster; taps of a row."""
    table = cubic_table()
    return (table.T[:, :, None, None] * table).reshape(4, POSITIONS**2, 4)


CUBIC_WEIGHTS = cubic_weights()


def warp(sources, indices, inverses, crop_size):
    """Cut fathers out of the sources.

    Args:
        sources: PackedSources.
        indices: int32 tensor (batch,), which source each is cut from.
        inverses: float64 tensor (batch, 2, 3), each maps the father's (x, y, 1) to the source's (x, y).
        crop_size: int tensor, side of the fathers.

    Returns:
        Float32 tensor (batch, crop_size, crop_size, C) in [0, 1], black outside the source.

    Source: OpenCV 3 and 4, warpPerspective with INTER_CUBIC.
    """
    side = tf.cast(tf.range(crop_size), tf.float64)
    x, x_fraction = _position(inverses[:, 0], side)
    y, y_fraction = _position(inverses[:, 1], side)
    frames = tf.gather(sources.table, indices)[:, None, None]
    between_pixels = tf.reduce_any(x_fraction + y_fraction > 0, axis=(1, 2))
    whole, mixed = tf.where(~between_pixels)[:, 0], tf.where(between_pixels)[:, 0]
    # On whole pixels the other fifteen weights are exactly 0: half of all fathers are only moved and turned.
    moved = _pixels(sources, *(tf.gather(t, whole) for t in (frames, x, y)))
    mixed_fathers = _interpolate(
        sources, *(tf.gather(t, mixed) for t in (frames, x, y, x_fraction, y_fraction))
    )
    places = [tf.cast(places, tf.int32) for places in (whole, mixed)]
    return tf.clip_by_value(tf.dynamic_stitch(places, [moved, mixed_fathers]), 0, 1)


def _position(coefficients, side):
    """Whole pixel and 1/32 fraction of one source coordinate, for every father pixel: (batch, crop, crop)."""
    along_x, along_y, start = (coefficients[:, i, None, None] for i in range(3))
    exact = (along_x * side + along_y * side[:, None]) + start
    # Far-away positions would overflow; they are black wherever they lie outside.
    position = tf.cast(tf.round(tf.clip_by_value(exact, -1e6, 1e6) * POSITIONS), INDEX)
    # Bits instead of a division, which is slow for integers; both round down.
    return tf.bitwise.right_shift(position, FRACTION_BITS), tf.bitwise.bitwise_and(position, POSITIONS - 1)


def _pixels(sources, frames, x, y):
    """The sources' pixels at whole positions, from the black frame where they lie outside."""
    offset, height, width = tf.unstack(frames, num=3, axis=-1)
    rows = (tf.clip_by_value(y, -1, height) + 1) * (width + 2) + offset
    columns = tf.clip_by_value(x, -1, width) + 1
    # What `gather` does too, in two thirds of its time.
    return tf.gather_nd(sources.pixels, (rows + columns)[..., None])


def _interpolate(sources, frames, x, y, x_fraction, y_fraction):
    """Sixteen taps around every position, added up in OpenCV's order: by rows, at borders one by one."""
    taps = _weighted_taps(sources, frames, x, y, x_fraction, y_fraction)
    # Gray images' too are added in order where a vector of the processor holds more than four numbers.
    fathers = sum(tf.reduce_sum(row, axis=-2) for row in taps)
    # One after the other where some of them, but not all, are inside the source.
    height, width = frames[..., 1], frames[..., 2]
    inside = (x >= 1) & (x < width - 2) & (y >= 1) & (y < height - 2)
    touching = (x >= -2) & (x <= width) & (y >= -2) & (y <= height)
    edge = tf.where(touching & ~inside)
    positions = (tf.gather_nd(t, edge) for t in (x, y, x_fraction, y_fraction))
    taps = _weighted_taps(sources, tf.gather(frames[:, 0, 0], edge[:, 0]), *positions)
    one_by_one = sum(row[..., i, :] for row in taps for i in range(4))
    return tf.tensor_scatter_nd_update(fathers, edge, one_by_one)


def _weighted_taps(sources, frames, x, y, x_fraction, y_fraction):
    """Yield the pixels around every position times their weights: four rows (..., 4, C)."""
    fraction = (y_fraction * POSITIONS + x_fraction)[..., None]
    columns = x[..., None] + tf.range(-1, 3, dtype=x.dtype)
    for i, table in enumerate(CUBIC_WEIGHTS):
        # For each channel, as a product with one weight for all would take twice as long.
        weights = tf.repeat(table[..., None], tf.shape(sources.pixels)[-1], axis=-1)
        row = _pixels(sources, frames[..., None, :], columns, (y + (i - 1))[..., None])
        yield row * tf.gather_nd(weights, fraction)


def warp_image(image, matrix, crop_size):
    """Cut a father, float32 (crop_size, crop_size, C), out of an image by a matrix (3, 3) to it."""
    inverses = tf.constant(invert_affine(matrix)[None], tf.float64)
    fathers = _compiled_warp(pack_sources([image]), tf.constant([0]), inverses, tf.constant(crop_size))
    return fathers[0].numpy()


_compiled_warp = tf.function(warp, reduce_retracing=True, autograph=False)
