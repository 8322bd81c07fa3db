"""How filters move: Adam for all of them as in the original, or Muon for the hidden layers."""

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
    """Adam for the filters that lie flat."""

    def __init__(self, filters):
        """Make the variables for `filters`, a Filters."""
        self._filters = filters
        self._moments = [tf.Variable(tf.zeros_like(filters.flat)) for _ in range(2)]
        self._powers = [tf.Variable(ADAM[beta]) for beta in ('beta1', 'beta2')]

    def reset(self):
        """Forget all gradients seen."""
        for moments in self._moments:
            moments.assign(tf.zeros_like(moments))
        for power, beta in zip(self._powers, ('beta1', 'beta2'), strict=True):
            power.assign(ADAM[beta])

    def apply(self, gradients, rate):
        """One step by TensorFlow's fused kernel (Keras' own rounds 1 − β₂ differently).

        Args:
            gradients: tensors of the filters' shapes.
            rate: learning rate.
        """
        flat, _ = self._filters.laid_out(gradients)
        self._move_flat(flat, rate)

    def _move_flat(self, gradient, rate):
        powers = [power.read_value() for power in self._powers]
        tf.raw_ops.ResourceApplyAdam(
            var=self._filters.flat.handle,
            m=self._moments[0].handle,
            v=self._moments[1].handle,
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=rate,
            grad=gradient,
            **ADAM,
        )
        for power, value, beta in zip(self._powers, powers, ('beta1', 'beta2'), strict=True):
            power.assign(value * ADAM[beta])


class Muon(Adam):
    """Muon for the hidden layers, whose filters are matrices of one shape, and Adam for the outer two.

    Every step moves a matrix by the same amount in all its directions, in those of small gradients too, so
    that the few hundred steps of one image are enough.

    Source: Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024); the step's size as
    in Liu et al., Muon is scalable for LLM training (2025). Keras' own takes the layers one by one, and works
    on the long matrices where `orthogonal` works on short ones.
    """

    def __init__(self, filters, weight_decay=0.0):
        """Make the variables.

        Args:
            filters: Filters whose hidden layers are matrices.
            weight_decay: share of a matrix that a step at rate 1 would take off.
        """
        super().__init__(filters)
        self._weight_decay = weight_decay
        self._momentum = tf.Variable(tf.zeros_like(filters.matrices))

    def reset(self):
        """Forget all gradients seen."""
        super().reset()
        self._momentum.assign(tf.zeros_like(self._momentum))

    def apply(self, gradients, rate):
        """One step; arguments as `Adam.apply`."""
        flat, gradient = self._filters.laid_out(gradients)
        self._move_flat(flat, rate)
        # What is kept is the momentum as the next step counts it.
        momentum = self._momentum.assign(MOMENTUM * (self._momentum + gradient))
        size = rate * MUON_STRENGTH * math.sqrt(max(gradient.shape[1:]))
        step = orthogonal(gradient + momentum, size)
        if self._weight_decay:
            step += rate * self._weight_decay * self._filters.matrices
        self._filters.matrices.assign_sub(step)


def orthogonal(matrices, size=1.0):
    """Bring the singular values of matrices near one size, and leave their directions as they are.

    All steps multiply from the right by polynomials of MᵀM. Those are small, so that the matrices themselves
    are passed through twice only.

    Args:
        matrices: tensor (n, rows, columns), columns ≤ rows.
        size: number.

    Returns:
        Tensor (n, rows, columns): singular values of about 0.7 to 1.2 times `size`, those of nearly 0 less.
    """
    square = tf.matmul(matrices, matrices, transpose_a=True)
    # Its trace is the sum of the squares of a matrix: at its root, no singular value is above 1.
    energy = tf.linalg.trace(square)[:, None, None] + 1e-30
    square /= energy
    factor = step = _newton_schulz(square)
    for _ in range(NEWTON_SCHULZ_STEPS - 1):
        square = tf.matmul(step, tf.matmul(square, step))
        step = _newton_schulz(square)
        factor = tf.matmul(factor, step)
    return tf.matmul(matrices, factor * (size / tf.sqrt(energy)))


def _newton_schulz(square):
    """What a step multiplies by, a polynomial of the square."""
    a, b, c = NEWTON_SCHULZ
    identity = tf.eye(square.shape[-1])
    return a * identity + tf.matmul(square, b * identity + c * square)
