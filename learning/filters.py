"""The network's filters while it is trained, laid out as their optimiser moves them: one owner."""

import math

import tensorflow as tf


class Filters:
    """All filters, end to end in one variable that one call updates; for Muon, hidden ones as matrices.

    Adam's filters at half precision: late steps are smaller than such a number can tell, and would be lost
    one by one where convolutions round the filters. So they are rounded here, and what rounding takes from a
    filter is added before the next rounding. The training step asks for the filters that are `seen`, computes
    its gradient there, and then tells the owner to `settle`. Muon's are not rounded here but by the
    convolutions alone, since feedback does not make the fast presets better.
    Source: error feedback, as in Seide et al., 1-bit stochastic gradient descent (2014), who do it with
    gradients.

    Attributes:
        shapes: of the filters, in order.
        flat: variable of the filters that Adam moves; its length is a multiple of 16, so that threads need
            not wait for each other.
        matrices: variable (layers, inputs, outputs) of the filters that Muon moves, or None.
    """

    def __init__(self, shapes, precision='float32', for_muon=False):
        """Make the variables.

        Args:
            shapes: of the filters, in order; for Muon, all but the first and the last the same.
            precision: 'float32', 'bfloat16' or 'float16', of the convolutions.
            for_muon: keep the hidden layers' filters as matrices, and round none.
        """
        self.shapes = shapes
        self._flat_shapes = [shapes[0], shapes[-1]] if for_muon else shapes
        self._sizes = [math.prod(shape) for shape in self._flat_shapes]
        self._unused = -sum(self._sizes) % 16
        self.flat = tf.Variable(tf.zeros([sum(self._sizes) + self._unused]))
        self.matrices = self._rounded_off = None
        if for_muon:
            *window, channels_in, channels_out = shapes[1]
            stack = len(shapes) - 2, math.prod(window) * channels_in, channels_out
            self.matrices = tf.Variable(tf.zeros(stack))
        elif precision != 'float32':
            self._precision = precision
            self._rounded_off = tf.Variable(tf.zeros_like(self.flat))

    def load(self, filters):
        """Take filters over, as tensors of their shapes."""
        flat, matrices = self.laid_out(filters)
        self.flat.assign(flat)
        if self.matrices is not None:
            self.matrices.assign(matrices)

    @property
    def exact(self):
        """The filters as tensors of their shapes."""
        return self._in_shapes(self.flat)

    @property
    def seen(self):
        """The filters as the next step's convolutions see them, as float32 tensors of their shapes."""
        return self._in_shapes(self._rounded)

    def settle(self):
        """Keep what rounding takes from the filters that are `seen` now; once a step, before they move."""
        if self._rounded_off is not None:
            self._rounded_off.assign(self.flat + self._rounded_off - self._rounded)

    def forget(self):
        """Forget what was rounded off."""
        if self._rounded_off is not None:
            self._rounded_off.assign(tf.zeros_like(self._rounded_off))

    def laid_out(self, tensors):
        """Lay filters, or their gradients, out as the variables are: (flat, matrices or None)."""
        outer, matrices = tensors, None
        if self.matrices is not None:
            first, *hidden, last = tensors
            outer, matrices = [first, last], tf.reshape(tf.stack(hidden), self.matrices.shape)
        unused = tf.zeros([self._unused])
        return tf.concat([*(tf.reshape(each, [-1]) for each in outer), unused], 0), matrices

    @property
    def _rounded(self):
        if self._rounded_off is None:
            return self.flat
        return tf.cast(tf.cast(self.flat + self._rounded_off, self._precision), tf.float32)

    def _in_shapes(self, flat):
        """The filters that lie flat, and the matrices, as tensors of their shapes."""
        parts = tf.split(flat, [*self._sizes, self._unused])[:-1]
        filters = [tf.reshape(each, shape) for each, shape in zip(parts, self._flat_shapes, strict=True)]
        if self.matrices is None:
            return filters
        hidden = [tf.reshape(matrix, self.shapes[1]) for matrix in tf.unstack(self.matrices)]
        return [filters[0], *hidden, filters[1]]
