"""`imresize` as products with small matrices: TensorFlow ops, for batches, in training and on whole images.

Every resize is separable, or a sum of few separable ones: a numeric kernel is split into products of a column
and a row (its singular vectors). So one description, `Resize`, serves interpolation and blur alike.

In float64, on CPUs, the matrices of interpolation are sparse: their products add up tap by tap, as NumPy does
in `imresize`, and give its very bits. They decide where a result lies right between two float32 numbers, as
often happens to an image of 8 bits that is enlarged by 1.5: every third pixel's weights are sixteenths.
"""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from imresize import contributions, subsample_positions

# Side of the piece of an output image that is computed at once: memory depends on this, not on the image. The
# benchmarks' images still pass whole.
TILE = 640

# On GPUs, a product with a sparse matrix is added up in whatever order.
SPARSE = set() if tf.config.list_physical_devices('GPU') else {tf.float64}


class Resize(NamedTuple):
    """A sum of separable resizes, as matrices.

    Attributes:
        rows: float tensor (terms, h_out, h_in), or SparseTensor (h_out, h_in).
        columns: float tensor (terms, w_out, w_in), or SparseTensor (w_out, w_in).
    """

    rows: tf.Tensor | tf.SparseTensor
    columns: tf.Tensor | tf.SparseTensor


def resize_plan(in_shape, out_shape, scale, kernel, dtype=tf.float64):
    """Describe `imresize` of images of one size as a Resize.

    Args:
        in_shape, out_shape, scale: (vertical, horizontal) sizes and scales.
        kernel: method name, or aligned 2-D kernel (scales at most 1).
        dtype: of the matrices.
    """
    axes = _axes(in_shape, out_shape, scale, kernel, dtype)
    return Resize(*(_matrix(*axis, length, dtype) for axis, length in zip(axes, in_shape[:2], strict=True)))


def _axes(in_shape, out_shape, scale, kernel, dtype):
    """Which pixels each output pixel is made of, per axis: indices (n, taps), weights (terms, n, taps)."""
    numeric = not isinstance(kernel, str)
    # A method is one separable resize; it needs no taps.
    taps = separable_terms(kernel, dtype) if numeric else (None, None)
    axes = []
    for axis in (0, 1):
        length, out_length, factor = in_shape[axis], out_shape[axis], scale[axis]
        if numeric:
            axes.append(_blur_contributions(length, out_length, factor, taps[axis]))
        elif factor == 1:
            axes.append((np.arange(length)[:, None], np.ones((1, length, 1))))
        else:
            indices, weights = contributions(length, out_length, factor, kernel, scale[0] < 1)
            axes.append((indices, weights[None]))
    return axes


def _axis_part(axis, part, dtype):
    """The input range that a range of output pixels is made of, and the matrix from it."""
    indices, weights = axis
    indices, weights = indices[slice(*part)], weights[:, slice(*part)]
    first, last = int(indices.min()), int(indices.max()) + 1
    return (first, last), _matrix(indices - first, weights, last - first, dtype)


def _matrix(indices, weights, length, dtype):
    """The matrix of an axis of a Resize, from `length` pixels, of indices and weights as `_axes` has them."""
    shape = (*weights.shape[:2], length)
    # The terms of a kernel leave few zeros.
    if dtype in SPARSE and len(weights) == 1:
        output, tap = np.nonzero(weights[0])
        places = np.stack([output, indices[output, tap]], axis=1)
        return tf.SparseTensor(places, tf.constant(weights[0, output, tap], dtype), shape[1:])
    matrix = np.zeros(shape)
    for term, term_weights in zip(matrix, weights, strict=True):
        np.add.at(term, (np.arange(len(indices))[:, None], indices), term_weights)
    return tf.constant(matrix, dtype)


def separable_terms(kernel, dtype=tf.float64):
    """Write a kernel (kh, kw) as a sum of products of a column and a row.

    Returns:
        (columns, rows): arrays (terms, kh) and (terms, kw); kernel = Σ columns[t] ⊗ rows[t], to the precision
        of `dtype`, which decides how many terms are needed.
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


def apply_resize(images, resize):
    """Resize a batch (batch, H, W, C) of the plan's type to (batch, h, w, C), as `resize`, a Resize, says."""
    if isinstance(resize.rows, tf.SparseTensor):
        return _apply_sparse(images, resize)
    batch, height, width, channels = tf.unstack(tf.shape(images), num=4)
    terms, out_height, _ = tf.unstack(tf.shape(resize.rows), num=3)
    out_width = tf.shape(resize.columns)[1]
    # Channel by channel, so that rows and columns of an image are those of a matrix.
    planes = tf.reshape(tf.transpose(images, [0, 3, 1, 2]), [batch * channels, height, width])
    # The terms of an output row side by side: one product with the columns of all also adds them up.
    rows = tf.reshape(tf.transpose(resize.rows, [1, 0, 2]), [out_height * terms, height])
    shorter = tf.reshape(tf.matmul(rows, planes), [-1, terms * width])
    columns = tf.reshape(tf.transpose(resize.columns, [0, 2, 1]), [terms * width, out_width])
    resized = tf.reshape(tf.matmul(shorter, columns), [batch, channels, out_height, out_width])
    return tf.transpose(resized, [0, 2, 3, 1])


def _apply_sparse(images, resize):
    batch, height, width, channels = tf.unstack(tf.shape(images), num=4)
    out_width = tf.shape(resize.columns)[0]
    # The axis that is resized comes first, as rows of one matrix.
    rows = tf.reshape(tf.transpose(images, [1, 2, 0, 3]), [height, -1])
    shorter = tf.sparse.sparse_dense_matmul(resize.rows, rows)
    columns = tf.transpose(tf.reshape(shorter, [-1, width, batch * channels]), [1, 0, 2])
    narrower = tf.sparse.sparse_dense_matmul(resize.columns, tf.reshape(columns, [width, -1]))
    return tf.transpose(tf.reshape(narrower, [out_width, -1, batch, channels]), [2, 1, 0, 3])


class ImageResize:
    """`imresize` of whole images of one size, piece by piece, so that no matrix is as large as an image.

    Attributes:
        notify: called with the number of pixels of every piece that is done.
    """

    def __init__(self, in_shape, out_shape, scale, kernel, dtype=tf.float64):
        """Plan every row and column of pieces; arguments as in `resize_plan`."""
        self.notify = lambda pixels: None
        self._rows, self._columns = (
            [
                (slice(*part), _axis_part(axis, part, dtype))
                for part in ((start, min(start + TILE, n)) for start in range(0, n, TILE))
            ]
            for axis, n in zip(_axes(in_shape, out_shape, scale, kernel, dtype), out_shape, strict=False)
        )

    def __call__(self, images, finish=lambda piece, place: tf.cast(piece, tf.float32)):
        """Resize a batch.

        Args:
            images: float tensor (batch, H, W, C).
            finish: what to make of every piece: function of a tensor of the matrices' type, not clipped, and
                of its place (slices) in the result. A whole result of that type may be too large.

        Returns:
            Tensor (batch, h, w, C), put together from what `finish` returns.
        """
        rows = []
        for y, row in self._rows:
            pieces = []
            for x, column in self._columns:
                piece = _resize_piece(images, row, column)
                pieces.append(finish(piece, (slice(None), y, x)))
                self.notify(math.prod(piece.shape[:3]))
            rows.append(tf.concat(pieces, 2))
        return tf.concat(rows, 1)


def shrink_all(images, shape, scale, notify):
    """Shrink images of one size bicubically, one by one, and let go of each: they may be large.

    Args:
        images: list of float32 arrays (H, W, C). Emptied.
        shape, scale: (vertical, horizontal) size of the results, and scales.
        notify: as in `ImageResize`.

    Returns:
        List of float32 arrays (h, w, C), clipped to [0, 1].
    """
    shrink, shrunk = ImageResize(images[0].shape, shape, scale, 'cubic'), []
    shrink.notify = notify
    while images:
        shrunk.append(np.clip(shrink(images.pop(0)[None])[0], 0, 1))
    return shrunk


def _resize_piece(images, row, column):
    ((top, bottom), rows), ((left, right), columns) = row, column
    return _compiled_resize(images[:, top:bottom, left:right], Resize(rows, columns))


@tf.function(reduce_retracing=True, autograph=False)
def _compiled_resize(images, resize):
    return apply_resize(tf.cast(images, resize.rows.dtype), resize)


def resize_region(images, scale, out_shape, kernel, region, dtype=tf.float64):
    """Resize a part of images, without the rest ever existing.

    Args:
        images: array (batch, H, W, C).
        scale, kernel: as in `resize_plan`.
        out_shape: (vertical, horizontal, …) size of the whole output.
        region: (top, bottom, left, right) in the output.
        dtype: in which it is computed.

    Returns:
        Tensor (batch, bottom − top, right − left, C) of that type, not clipped.
    """
    axes = _axes(images.shape[1:3], out_shape, scale, kernel, dtype)
    parts = (_axis_part(axis, part, dtype) for axis, part in zip(axes, (region[:2], region[2:]), strict=True))
    return _resize_piece(images, *parts)
