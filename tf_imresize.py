"""`imresize` as products with small matrices: TensorFlow ops, for batches, in training and on whole images.

Every resize is separable, or a sum of few separable ones: a numeric kernel is split into products of a column
and a row (its singular vectors). So one description, `Resize`, serves interpolation and blur alike.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from imresize import contributions, subsample_positions

# Side of the piece of an output image that is computed at once: memory depends on this, not on the image. The
# benchmarks' images still pass whole.
TILE = 640


class Resize(NamedTuple):
    """A sum of separable resizes, as matrices.

    Attributes:
        rows: float tensor (terms, h_out, h_in).
        columns: float tensor (terms, w_out, w_in).
    """

    rows: tf.Tensor
    columns: tf.Tensor


def resize_plan(in_shape, out_shape, scale, kernel, dtype=tf.float64):
    """Describe `imresize` of images of one size.

    Args:
        in_shape, out_shape: (vertical, horizontal) sizes.
        scale: (vertical, horizontal) scales.
        kernel: method name, or aligned 2-D kernel (scales at most 1).
        dtype: of the matrices.

    Returns:
        Resize.
    """
    (top, bottom, left, right), resize = resize_part(
        in_shape, out_shape, scale, kernel, (0, out_shape[0], 0, out_shape[1]), dtype
    )
    rows = tf.pad(resize.rows, [(0, 0), (0, 0), (top, in_shape[0] - bottom)])
    return Resize(rows, tf.pad(resize.columns, [(0, 0), (0, 0), (left, in_shape[1] - right)]))


def resize_part(in_shape, out_shape, scale, kernel, region, dtype=tf.float64):
    """Describe `imresize` of a part of the output, from the part of the input that it is made of.

    Args:
        in_shape, out_shape, scale, kernel, dtype: as in `resize_plan`.
        region: (top, bottom, left, right) in the output.

    Returns:
        (needed, resize): (top, bottom, left, right) in the input, and the Resize of that part.
    """
    numeric = not isinstance(kernel, str)
    # A method is one separable resize; it needs no taps.
    taps = separable_terms(kernel, dtype) if numeric else (None, None)
    needed, matrices = [], []
    for axis in (0, 1):
        start, stop = region[2 * axis : 2 * axis + 2]
        length, out_length, factor = in_shape[axis], out_shape[axis], scale[axis]
        if numeric:
            indices, weights = _blur_contributions(length, out_length, factor, taps[axis])
        elif factor == 1:
            indices, weights = np.arange(length)[:, None], np.ones((1, length, 1))
        else:
            indices, weights = contributions(length, out_length, factor, kernel, scale[0] < 1)
            weights = weights[None]
        first, matrix = _dense(indices[start:stop], weights[:, start:stop])
        needed += [first, first + matrix.shape[2]]
        matrices.append(tf.constant(matrix, dtype))
    return tuple(needed), Resize(*matrices)


def separable_terms(kernel, dtype=tf.float64):
    """Write a 2-D kernel as a sum of products of a column and a row.

    Args:
        kernel: array (kh, kw).
        dtype: TensorFlow type whose precision decides how many terms are needed.

    Returns:
        (columns, rows): arrays (terms, kh) and (terms, kw); kernel = Σ columns[t] ⊗ rows[t].
    """
    columns, strengths, rows = np.linalg.svd(np.asarray(kernel, np.float64))
    precision = np.finfo(tf.as_dtype(dtype).as_numpy_dtype).eps
    terms = max(1, int(np.sum(strengths > strengths[0] * precision)))
    return columns.T[:terms] * strengths[:terms, None], rows[:terms]


def _blur_contributions(length, out_length, factor, taps):
    """Which pixels lie under a kernel at the positions that are kept, and their weights in each term."""
    positions = subsample_positions(length, out_length, factor)
    window = positions[:, None] + np.arange(taps.shape[1]) - taps.shape[1] // 2
    reflected = np.concatenate([np.arange(length), np.arange(length)[::-1]])
    return reflected[window % (2 * length)], np.repeat(taps[:, None], out_length, axis=1)


def _dense(indices, weights):
    """Weights (terms, n, taps) of the pixels `indices` (n, taps), as matrices over the pixels in use."""
    first = int(indices.min())
    matrix = np.zeros((*weights.shape[:2], int(indices.max()) + 1 - first))
    for term, term_weights in zip(matrix, weights, strict=True):
        np.add.at(term, (np.arange(len(indices))[:, None], indices - first), term_weights)
    return first, matrix


def apply_resize(images, resize):
    """Resize a batch as planned.

    Args:
        images: float tensor (batch, H, W, C) of the plan's type.
        resize: Resize.

    Returns:
        Tensor (batch, h, w, C) of the same type.
    """
    batch, _, width, channels = tf.unstack(tf.shape(images), num=4)
    terms, out_height, height = tf.unstack(tf.shape(resize.rows), num=3)
    out_width = tf.shape(resize.columns)[1]
    # The axis that is multiplied comes first, so that either product is one plain product of matrices.
    stacked = tf.reshape(tf.transpose(images, [1, 0, 2, 3]), [height, -1])
    shorter = tf.matmul(tf.reshape(resize.rows, [terms * out_height, height]), stacked)
    shorter = tf.reshape(shorter, [terms, out_height, batch, width, channels])
    # All terms of a column of pixels under each other: the second product also sums over the terms.
    stacked = tf.reshape(tf.transpose(shorter, [0, 3, 2, 1, 4]), [terms * width, -1])
    columns = tf.reshape(tf.transpose(resize.columns, [1, 0, 2]), [out_width, terms * width])
    resized = tf.reshape(tf.matmul(columns, stacked), [out_width, batch, out_height, channels])
    return tf.transpose(resized, [1, 2, 0, 3])


class ImageResize:
    """`imresize` of whole images of one size, piece by piece, so that no matrix is as large as an image."""

    def __init__(self, in_shape, out_shape, scale, kernel, dtype=tf.float64):
        """Plan every piece.

        Args:
            in_shape, out_shape, scale, kernel, dtype: as in `resize_plan`.
        """
        tiles = [tuple(range(0, n, TILE)) for n in out_shape[:2]]
        self._pieces = [
            [
                resize_part(
                    in_shape,
                    out_shape,
                    scale,
                    kernel,
                    (y, min(y + TILE, out_shape[0]), x, min(x + TILE, out_shape[1])),
                    dtype,
                )
                for x in tiles[1]
            ]
            for y in tiles[0]
        ]

    def __call__(self, images):
        """Resize a batch.

        Args:
            images: float32 tensor (batch, H, W, C).

        Returns:
            Float32 tensor (batch, h, w, C), not clipped.
        """
        rows = [[tf.cast(_resize_piece(images, *piece), tf.float32) for piece in row] for row in self._pieces]
        return tf.concat([tf.concat(row, 2) for row in rows], 1)


def _resize_piece(images, needed, resize):
    top, bottom, left, right = needed
    return _compiled_resize(images[:, top:bottom, left:right], resize)


@tf.function(reduce_retracing=True)
def _compiled_resize(images, resize):
    return apply_resize(tf.cast(images, resize.rows.dtype), resize)


def resize_region(images, scale, out_shape, kernel, region, dtype=tf.float64):
    """Resize a part of images, without the rest ever existing.

    Args:
        images: array (batch, H, W, C).
        scale: (vertical, horizontal) scales.
        out_shape: (vertical, horizontal, …) size of the whole output.
        kernel: method name, or aligned 2-D kernel.
        region: (top, bottom, left, right) in the output.
        dtype: in which it is computed.

    Returns:
        Tensor (batch, bottom − top, right − left, C) of that type, not clipped.
    """
    needed, resize = resize_part(images.shape[1:3], out_shape, scale, kernel, region, dtype)
    return _resize_piece(tf.convert_to_tensor(images), needed, resize)
