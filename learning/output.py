"""From the network's outputs to the result: geometric self-ensemble and back-projection, in TensorFlow."""

import math

import tensorflow as tf

from learning.resizing import ImageResize

# Views of up to this many output pixels together go through the network at once.
VIEW_PIXELS = 2**20

# Rows whose median is computed at once: it needs several copies of them.
STRIP = 64


def turn(images, view):
    """Show images (batch, H, W, C) from view 0 to 7: turned by `view` right angles, from 4 mirrored."""
    images = _rotate(images, view)
    return images if view < 4 else tf.image.flip_left_right(images)


def turn_back(images, view):
    """Undo `turn`."""
    images = images if view < 4 else tf.image.flip_left_right(images)
    return _rotate(images, -view)


def _rotate(images, turns):
    # Large images are not copied for nothing.
    return tf.image.rot90(images, turns % 4) if turns % 4 else images


def super_resolve_views(super_resolve, lr, output_shape, views):
    """Super-resolve an image from several views, and turn the results back.

    Args:
        super_resolve: function of a batch and the (vertical, horizontal) size of its results.
        lr: array (1, h, w, C) in [0, 1].
        output_shape: (vertical, horizontal) size of the results.
        views: list of numbers from 0 to 7.

    Yields:
        Tensors (batch, H, W, C) in [0, 1], together a result for each view: as many at once as memory
        allows.

    Source: ZSSR paper, section 3.2 (geometric self-ensemble).
    """
    batch_size = max(1, VIEW_PIXELS // (output_shape[0] * output_shape[1]))
    # Lying views have another size than standing ones.
    for odd, shape in ((0, output_shape), (1, output_shape[::-1])):
        views_of_a_size = [view for view in views if view % 2 == odd]
        for first in range(0, len(views_of_a_size), batch_size):
            group = views_of_a_size[first : first + batch_size]
            turned = super_resolve(tf.concat([turn(lr, view) for view in group], 0), shape)
            parts = tf.split(turned, len(group)) if len(group) > 1 else [turned]
            del turned  # a copy of it all
            backs = [turn_back(*pair) for pair in zip(parts, group, strict=True)]
            yield tf.concat(backs, 0) if len(backs) > 1 else backs[0]


def median(images, notify=lambda pixels: None):
    """Pixelwise median (1, H, W, C) of tensors (batch, H, W, C); of an even number, the middle two's mean.

    `notify` is called with the number of pixels of every strip that is done.
    """
    if len(images) == 1 and images[0].shape[0] == 1:
        return images[0]
    strips = []
    for y in range(0, images[0].shape[1], STRIP):
        strips.append(_median([image[:, y : y + STRIP] for image in images]))
        notify(math.prod(strips[-1].shape[:2]))
    return tf.concat(strips, 0)[None]


@tf.function(reduce_retracing=True)
def _median(images):
    values = tf.sort(tf.transpose(tf.concat(images, 0), [1, 2, 3, 0]))
    count = tf.shape(values)[-1]
    return (values[..., (count - 1) // 2] + values[..., count // 2]) / 2


class BackProjection:
    """Moves results towards consistency with their input; plans the resizes once for all of them."""

    def __init__(self, lr, output_shape, sf, kernel, upscale_method, dtype=tf.float64, notify=None):
        """Plan the resizes.

        Args:
            lr: float32 array (1, h, w, C) in [0, 1], the input.
            output_shape: (vertical, horizontal) size of the results.
            sf: (vertical, horizontal) scale factors.
            kernel: how the input was shrunk: method name, or aligned 2-D kernel.
            upscale_method: method name.
            dtype: in which resizes are computed.
            notify: called with the number of pixels of every piece that has been resized; None: nothing is.
        """
        self.lr = lr
        self.down = ImageResize(output_shape, lr.shape[1:3], 1 / sf, kernel, dtype)
        self.up = ImageResize(lr.shape[1:3], output_shape, sf, upscale_method, dtype)
        if notify:
            self.down.notify = self.up.notify = notify

    def __call__(self, sr, iterations):
        """Do what `utils.back_projection` does for one image, several times for a batch.

        Args:
            sr: float32 tensor (batch, H, W, C) in [0, 1].
            iterations: how often.

        Returns:
            Float32 tensor (batch, H, W, C) in [0, 1].

        Source: Irani and Peleg (1991); ZSSR paper, section 3.1.
        """
        for _ in range(iterations):
            sr = tf.clip_by_value(sr + self.up(self.lr - self.down(sr)), 0, 1)
        return sr
