"""Sons: fathers as they would look had they been shrunk like the input, and enlarged back again.

TensorFlow ops that run inside the compiled training loop, in batches, since the many small steps of one pair
would take longer than its arithmetic. They compute in float64, as the original's NumPy code does, where the
network is float32.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from learning.resizing import Resize, apply_resize, resize_plan


class SonPlan(NamedTuple):
    """How sons of fathers are made at one scale.

    Attributes:
        down: Resize, father to son.
        up: Resize, son back to the father's size.
        rounded: bool tensor, whether sons are rounded to float32 before noise is added.
    """

    down: Resize
    up: Resize
    rounded: tf.Tensor

    @property
    def son_shape(self):
        """(vertical, horizontal) size of the sons."""
        return self.up.rows.shape[-1], self.up.columns.shape[-1]


def plan_sons(crop_size, sf, kernel, upscale_method, dtype=tf.float64):
    """Plan the way from fathers to their enlarged sons.

    Args:
        crop_size: side of the fathers.
        sf: (vertical, horizontal) relative scale factors.
        kernel: method name, or aligned 2-D kernel.
        upscale_method: method name.
        dtype: in which sons and their enlargements are computed.
    """
    shape = (crop_size, crop_size)
    down_scale = 1 / np.asarray(sf, dtype=np.float64)
    son_shape = tuple(int(n) for n in np.ceil(crop_size * down_scale))
    return SonPlan(
        resize_plan(shape, son_shape, down_scale, kernel, dtype),
        resize_plan(son_shape, shape, sf, upscale_method, dtype),
        # scipy's correlate answers in the image's own type.
        tf.constant(not isinstance(kernel, str)),
    )


def make_sons(fathers, noise, plan):
    """Shrink fathers and add noise.

    Args:
        fathers: float32 tensor (batch, crop, crop, C) in [0, 1].
        noise: tensor (batch, h, w, C), or (batch, 1, 1, 1), of the plan's type, as are the sons.
        plan: SonPlan.

    Source: ZSSR paper, sections 3.2 and 3.3.
    """
    dtype = plan.down.rows.dtype
    sons = apply_resize(tf.cast(fathers, dtype), plan.down)
    sons = tf.where(plan.rounded, tf.cast(tf.cast(sons, tf.float32), dtype), sons)
    return tf.clip_by_value(sons + noise, 0, 1)


def enlarge_sons(sons, plan):
    """Interpolate sons to their fathers' size, the network's input: float32, not clipped."""
    return tf.cast(apply_resize(sons, plan.up), tf.float32)
