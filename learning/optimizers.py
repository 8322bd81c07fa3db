"""How filters move: Adam for all of them as in the original, or Muon for the hidden layers.

Each optimiser holds the filters that it trains in one variable, so that one call updates them all.
"""

import math

import tensorflow as tf

ADAM = {'beta1': 0.9, 'beta2': 0.999, 'epsilon': 1e-8}

MOMENTUM = 0.95

# Five steps of x ← ax + bx³ + cx⁵ bring every x from about 0.002 to 1 near 1, the small ones quickly.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5

# The update's root mean square, as a share of the learning rate.
MUON_STRENGTH = 0.8


class Adam:
    """Filters in a row, and Adam for them."""

    def __init__(self, shapes, precision='float32'):
        """Make the variables.

        Args:
            shapes: of the filters, in order.
            precision: 'float32', 'bfloat16' or 'float16', to which convolutions round the filters.
        """
        self.shapes = shapes
        self._precision = precision
        self._sizes = [math.prod(shape) for shape in shapes]
        # A length that is a multiple of 16 is updated without waiting for other threads.
        row = tf.zeros([-(-sum(self._sizes) // 16) * 16])
        self._row, self._rounded_off, *self._moments = (tf.Variable(row) for _ in range(4))
        self._powers = [tf.Variable(ADAM[beta]) for beta in ('beta1', 'beta2')]

    def reset(self):
        """Forget all gradients seen, and what was rounded off."""
        for variable in (self._rounded_off, *self._moments):
            variable.assign(tf.zeros_like(variable))
        for power, beta in zip(self._powers, ('beta1', 'beta2'), strict=True):
            power.assign(ADAM[beta])

    def load(self, filters):
        """Take filters over, as tensors of their shapes."""
        self._row.assign(self._in_a_row(filters))

    @property
    def filters(self):
        """The filters as they are now, as tensors of their shapes."""
        return self._in_shapes(self._row)

    def round_filters(self):
        """The filters as the next step's convolutions see them; to be called once in every step.

        What is rounded off is added before the next rounding, so that over some steps nothing is lost: late
        steps are smaller than bfloat16 can tell. Source: error feedback, as in Seide et al., 1-bit stochastic
        gradient descent (2014), who do it with gradients.
        """
        if self._precision == 'float32':
            return self.filters
        exact = self._row + self._rounded_off
        rounded = tf.cast(tf.cast(exact, self._precision), tf.float32)
        self._rounded_off.assign(exact - rounded)
        return self._in_shapes(rounded)

    def apply(self, gradients, rate):
        """One step by TensorFlow's fused kernel (Keras' own rounds 1 − β₂ differently).

        Args:
            gradients: tensors of the filters' shapes.
            rate: learning rate.
        """
        powers = [power.read_value() for power in self._powers]
        tf.raw_ops.ResourceApplyAdam(
            var=self._row.handle,
            m=self._moments[0].handle,
            v=self._moments[1].handle,
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=rate,
            grad=self._in_a_row(gradients),
            **ADAM,
        )
        for power, value, beta in zip(self._powers, powers, ('beta1', 'beta2'), strict=True):
            power.assign(value * ADAM[beta])

    def _in_shapes(self, row):
        """The inverse of `_in_a_row`."""
        rows = tf.split(row, [*self._sizes, self._row.shape[0] - sum(self._sizes)])[:-1]
        return [tf.reshape(each, shape) for each, shape in zip(rows, self.shapes, strict=True)]

    def _in_a_row(self, filters):
        """Filters, or their gradients, as one row of the variable's length."""
        unused = tf.zeros([self._row.shape[0] - sum(self._sizes)])
        return tf.concat([*(tf.reshape(each, [-1]) for each in filters), unused], 0)


class Muon:
    """Muon for the hidden layers, whose filters are matrices of one shape, and Adam for the outer two.

    Every step moves a matrix by the same amount in all its directions, in those of small gradients too, so
    that the few hundred steps of one image are enough.

    Source: Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024); the step's size as
    in Liu et al., Muon is scalable for LLM training (2025). Keras' own takes the layers one by one, and works
    on the long matrices where `orthogonal` works on short ones.
    """

    def __init__(self, shapes):
        """Make the variables.

        Args:
            shapes: of the filters, in order; all but the first and the last the same.
        """
        self.shapes = shapes
        self._outer = Adam([shapes[0], shapes[-1]])
        *window, channels_in, channels_out = shapes[1]
        matrices = tf.zeros([len(shapes) - 2, math.prod(window) * channels_in, channels_out])
        self._matrices, self._momentum = tf.Variable(matrices), tf.Variable(matrices)

    def reset(self):
        """Forget all gradients seen."""
        self._outer.reset()
        self._momentum.assign(tf.zeros_like(self._momentum))

    def load(self, filters):
        """Take filters over, as tensors of their shapes."""
        first, *hidden, last = filters
        self._outer.load([first, last])
        self._matrices.assign(self._as_matrices(hidden))

    @property
    def filters(self):
        """The filters as they are now, as tensors of their shapes."""
        first, last = self._outer.filters
        hidden = [tf.reshape(matrix, self.shapes[1]) for matrix in tf.unstack(self._matrices)]
        return [first, *hidden, last]

    def round_filters(self):
        """The filters; convolutions round them. Adam's way with it does not make the fast presets better."""
        return self.filters

    def apply(self, gradients, rate):
        """One step.

        Args:
            gradients: tensors of the filters' shapes.
            rate: learning rate.
        """
        first, *hidden, last = gradients
        self._outer.apply([first, last], rate)
        gradient = self._as_matrices(hidden)
        momentum = self._momentum.assign(MOMENTUM * self._momentum + gradient)
        direction = orthogonal(gradient + MOMENTUM * momentum)
        size = MUON_STRENGTH * math.sqrt(max(direction.shape[1:]))
        self._matrices.assign_sub(rate * size * direction)

    def _as_matrices(self, filters):
        return tf.reshape(tf.stack(filters), self._matrices.shape)


def orthogonal(matrices):
    """Bring the singular values of matrices near 1, and leave their directions as they are.

    Args:
        matrices: tensor (n, rows, columns), columns ≤ rows.

    Returns:
        Tensor (n, rows, columns): singular values between about 0.7 and 1.2, those of nearly 0 less.
    """
    a, b, c = NEWTON_SCHULZ
    matrices /= tf.norm(matrices, axis=(1, 2), keepdims=True) + 1e-20
    # All steps multiply from the right by polynomials of MᵀM, and those are small.
    square = tf.matmul(matrices, matrices, transpose_a=True)
    identity = factor = tf.eye(square.shape[-1], batch_shape=square.shape[:1])
    for _ in range(NEWTON_SCHULZ_STEPS):
        step = a * identity + b * square + c * tf.matmul(square, square)
        factor = tf.matmul(factor, step)
        square = tf.matmul(step, tf.matmul(square, step))
    return tf.matmul(matrices, factor)
