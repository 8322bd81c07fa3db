"""From the network's outputs to the result: geometric self-ensemble and back-projection, in TensorFlow."""

import math
from functools import partial

import numpy as np
import tensorflow as tf

from learning.resizing import ImageResize, resize_region
from learning.strips import margin_of, plan_strips

TURNED, UPRIGHT = range(8), range(0, 8, 2)

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
        # Of a whole view, a copy would be too large.
        views = [batch[i, y : y + STRIP] for batch in images for i in range(batch.shape[0])]
        strips.append(_median(views))
        notify(math.prod(strips[-1].shape[:2]))
    return tf.concat(strips, 0)[None]


def mean(images, notify=lambda pixels: None):
    """Pixelwise mean, as `median`."""
    if len(images) == 1 and images[0].shape[0] == 1:
        return images[0]
    notify(math.prod(images[0].shape[1:3]))
    number = sum(batch.shape[0] for batch in images)
    return tf.add_n([tf.reduce_sum(batch, 0, keepdims=True) for batch in images]) / number


@tf.function(reduce_retracing=True, autograph=False)
def _median(views):
    """Let the largest values rise, one after the other, until those in the middle have their place.

    Minima and maxima of strips: sorting each pixel's few values takes thrice as long, on a GPU six times.
    """
    views, middle = list(views), (len(views) - 1) // 2
    for top in range(len(views) - 1, middle - 1, -1):
        for i in range(top):
            views[i], views[i + 1] = tf.minimum(views[i], views[i + 1]), tf.maximum(views[i], views[i + 1])
    return (views[middle] + views[len(views) // 2]) / 2


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
        # scipy's correlate answers in the image's own type.
        self._error_dtype = dtype if isinstance(kernel, str) else tf.float32
        self.down = ImageResize(output_shape, lr.shape[1:3], 1 / sf, kernel, dtype)
        self.up = ImageResize(lr.shape[1:3], output_shape, sf, upscale_method, dtype)
        if notify:
            self.down.notify = self.up.notify = notify

    def __call__(self, sr, iterations):
        """Do what `utils.back_projection` does for one image, several times for a batch.

        As there, what is added is float64 where resizes are, and the sum float32.

        Args:
            sr: float32 tensor (batch, H, W, C) in [0, 1].
            iterations: how often.

        Returns:
            Float32 tensor (batch, H, W, C) in [0, 1].

        Source: Irani and Peleg (1991); ZSSR paper, section 3.1.
        """
        for _ in range(iterations):
            sr = self.up(self.down(sr, self._error), partial(_added, sr))
        return sr

    def _error(self, again_lr, place):
        """What a piece of the input has and the result, shrunk again, has not."""
        return tf.cast(self.lr[place], self._error_dtype) - tf.cast(again_lr, self._error_dtype)


def _added(sr, error, place):
    """A piece of a result, clipped, with its error added."""
    return tf.cast(tf.clip_by_value(tf.cast(sr[place], error.dtype) + error, 0, 1), sr.dtype)


class Enlarger:
    """Enlarges images with a trained network: ensemble, back-projection; large ones by strips."""

    def __init__(self, network, sf, *, kernel, method, flip, iterations, merge='median', work=None):
        """Serve one scale.

        Args:
            network: Network.
            sf: (vertical, horizontal) scale factors.
            kernel: how inputs were shrunk: method name, or aligned 2-D kernel.
            method: interpolation method's name, of the network's input.
            flip: whether there are views but the image's own.
            iterations: of back-projection.
            merge: 'median' or 'mean' of the views' results.
            work: Work, which counts what is done, or None.
        """
        self._network, self._sf, self._kernel, self._method = network, sf, kernel, method
        # Turned by a right angle, an image would need the two factors exchanged.
        self._views = range(1) if not flip else TURNED if sf[0] == sf[1] else UPRIGHT
        self._iterations = iterations
        self._merge = mean if merge == 'mean' else median
        self._notify = (work.resized, work.merged) if work else (None, lambda pixels: None)

    @classmethod
    def of(cls, net, flip=None):
        """What enlarges images at the current scale of a ZSSR; `flip` None: as its Config has it."""
        return cls(
            net.network,
            net.sf,
            kernel=net.kernel,
            method=net.conf.upscale_method,
            flip=net.conf.output_flip if flip is None else flip,
            iterations=net.conf.back_projection_iters[net.sf_ind],
            merge=net.conf.merge_views,
            work=net.work,
        )

    def whole(self, lr, shape):
        """Enlarge an image.

        Args:
            lr: array (h, w, C) in [0, 1].
            shape: (vertical, horizontal) size of its result.

        Returns:
            Float32 array (H, W, C) in [0, 1].

        Source: ZSSR paper, section 3.2.
        """
        sr = None
        for rows, pixels in self.strips(lr, shape):
            if len(pixels) == shape[0]:
                return pixels
            sr = np.empty((*shape, lr.shape[2]), np.float32) if sr is None else sr
            sr[rows] = pixels
        return sr

    def strips(self, lr, shape):
        """Enlarge an image from the top, and yield (slice of the result's rows, float32 array of them).

        All of it at once, but of large images; arguments as for `whole`.
        """
        margin = margin_of(self._sf[0], self._network.halo, 2 * self._iterations, self._kernel)
        for strip in plan_strips(lr.shape, shape, self._sf, len(self._views), margin):
            part = lr[strip.lr][None].astype(np.float32)
            yield strip.sr, self._enlarge(part, (strip.height, shape[1]))[strip.kept]

    def through_network(self, lr, shape, region=None):
        """The network's output for an image alone, without views and back-projection.

        Args:
            lr: array (h, w, C) in [0, 1].
            shape: (vertical, horizontal, …) size of the result.
            region: (top, bottom, left, right) in it; None: all of it.

        Returns:
            Float32 array (bottom − top, right − left, C), clipped to [0, 1].
        """
        return np.asarray(self._super_resolve(lr[None], shape, region))[0]

    def interpolated(self, lr, shape, region):
        """Interpolation's, float64 and not clipped; arguments as for `through_network`."""
        return resize_region(lr[None], self._sf, shape, self._method, region)[0].numpy()

    def _super_resolve(self, images, shape, region=None):
        return self._network.super_resolve(images, self._sf, shape, self._method, region)

    def _enlarge(self, lr, shape):
        """Ensemble, back-projection and merging of an image (1, h, w, C): float32 array of `shape`."""
        resized, merged = self._notify
        back_project = BackProjection(
            lr,
            shape,
            self._sf,
            kernel=self._kernel,
            upscale_method=self._method,
            dtype=self._network.pair_dtype,
            notify=resized,
        )
        outputs = [
            back_project(batch, self._iterations)
            for batch in super_resolve_views(self._super_resolve, lr, shape, self._views)
        ]
        return np.asarray(back_project(self._merge(outputs, merged), self._iterations))[0]
