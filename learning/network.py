"""The image-specific network: the Keras model, its training loop, and its use on whole images in tiles."""

import os
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from learning import tf_imresize
from learning.optimizers import Adam, Muon
from learning.pairs import enlarge_sons, make_sons, warp

# Read when the first convolution runs: what oneDNN prepares for filter gradients is kept, not made anew in
# every step. That saves two percent of a step; peak memory stays the same.
os.environ.setdefault('TF_MKL_OPTIMIZE_PRIMITIVE_MEMUSE', '0')

# Fathers made at once have together about this many pixels; more of them take no less time each.
FATHER_PIXELS = 2**17

# Of float16's gradients: its start, its growth in each step without overflow (doubled in 1,000), its limit.
LOSS_SCALE, LOSS_SCALE_GROWTH, LOSS_SCALE_LIMIT = 2.0**12, 2.0**0.001, 2.0**24


class Design(NamedTuple):
    """What decides how a network is built; images with equal designs can share one.

    Attributes:
        filter_shapes: (height, width, channels in, channels out) of each convolution, as nested tuples.
        channels: of the images.
        learn_residual: whether the input is added to the output.
        precision: 'float32', 'bfloat16' or 'float16', of the convolutions.
        grid: 1, or the factor by which the convolutions' grid is coarser than the images'.
        jit_compile: compile the training step with XLA.
        optimizer: 'adam' or 'muon'.
        batch_size: pairs of a training step.
    """

    filter_shapes: tuple
    channels: int
    learn_residual: bool = True
    precision: str = 'float32'
    grid: int = 1
    jit_compile: bool = False
    optimizer: str = 'adam'
    batch_size: int = 1


def design_for(conf, channels):
    """The design that a configuration asks for.

    Args:
        conf: Config.
        channels: of the image.

    Returns:
        Design.
    """
    precision = fastest_precision() if conf.precision == 'auto' else conf.precision
    return Design(
        filter_shapes=conf.filter_shapes(channels),
        channels=channels,
        learn_residual=conf.learn_residual,
        precision=precision,
        grid=conf.grid,
        jit_compile=conf.jit_compile,
        optimizer=conf.optimizer,
        batch_size=conf.batch_size,
    )


def build_model(design):
    """Build the network: 3×3 convolutions without bias, ReLU between them, and the input added at the end.

    Args:
        design: Design.

    Returns:
        keras.Model from and to float32 (batch, H, W, C), H and W multiples of `design.grid`.

    Source: ZSSR paper, section 3.2.
    """
    policy = 'float32' if design.precision == 'float32' else f'mixed_{design.precision}'
    inputs = x = keras.Input((None, None, design.channels))
    if design.grid > 1:
        x = keras.layers.Lambda(lambda t: tf.nn.space_to_depth(t, design.grid), dtype='float32')(x)
    rectified = _rectifier(design.filter_shapes[0][3])
    for index, (height, width, _, filters) in enumerate(design.filter_shapes):
        if index > 0:
            x = keras.layers.Lambda(rectified, dtype=policy)(x)
        convolution = keras.layers.Conv2D(
            filters, (height, width), padding='same', use_bias=False, dtype=policy
        )
        x = convolution(x)
    # From here on in float32: the sum with the input must not lose what the network adds.
    if design.grid > 1:
        x = keras.layers.Lambda(lambda t: tf.nn.depth_to_space(t, design.grid), dtype='float32')(x)
    add = keras.layers.Add(dtype='float32')
    return keras.Model(inputs, add([inputs, x]) if design.learn_residual else add([x]))


def _rectifier(width):
    """Make a ReLU that TensorFlow computes together with the convolution before it.

    On CPUs it joins the two only across a bias, and leaves out a bias that it knows to be 0. This one it does
    not know: no bit of the result changes, and fast presets gain six percent.
    """
    zeros = tf.Variable(tf.zeros([width]), trainable=False)
    return lambda x: tf.nn.relu(tf.nn.bias_add(x, tf.cast(zeros, x.dtype)))


def fastest_precision():
    """The precision that this machine computes convolutions in fastest, by what its hardware has.

    Returns:
        'bfloat16' on CPUs with bf16 instructions and GPUs from compute capability 8, 'float16' on GPUs
        from 7, else 'float32'.
    """
    gpus = tf.config.list_physical_devices('GPU')
    if gpus:
        capability = tf.config.experimental.get_device_details(gpus[0]).get('compute_capability', (0, 0))
        return 'bfloat16' if capability >= (8, 0) else 'float16' if capability >= (7, 0) else 'float32'
    try:
        flags = Path('/proc/cpuinfo').read_text()
    except OSError:
        return 'float32'
    return 'bfloat16' if 'avx512_bf16' in flags or 'amx_bf16' in flags else 'float32'


class Network:
    """A model with its optimiser and compiled loops; lives longer than the image it is trained on.

    Attributes:
        design: Design.
        model: keras.Model; `model.get_weights()` are the filters in order.
        halo: how many pixels around a place decide its output, not counting the rest of a grid cell.
    """

    def __init__(self, design):
        """Build the model and its optimiser.

        Args:
            design: Design.
        """
        self.design = design
        self.model = build_model(design)
        self.channels = design.channels
        self.halo = design.grid * sum(shape[0] // 2 for shape in design.filter_shapes)
        shapes = design.filter_shapes
        self._optimizer = Muon(shapes) if design.optimizer == 'muon' else Adam(shapes, design.precision)
        # Loss gradients are about 1e-5, which float16 can hardly tell from 0.
        self._loss_scale = tf.Variable(LOSS_SCALE) if design.precision == 'float16' else 1.0
        self._loop = None
        self._forward = tf.function(
            self._clipped_output,
            input_signature=[tf.TensorSpec([None, None, None, self.channels], tf.float32)],
        )
        self._step = tf.function(self._train_step, jit_compile=design.jit_compile)
        self._single_step = tf.function(self._load_and_step, reduce_retracing=True)

    @property
    def pair_dtype(self):
        """The type in which sons and enlargements are computed: float64, as in the original, for float32."""
        return tf.float64 if self.design.precision == 'float32' else tf.float32

    def reset(self, filters):
        """Start afresh from given filters, with an optimiser that has seen nothing.

        Args:
            filters: list of arrays of the design's shapes, in order.
        """
        self.model.set_weights(filters)
        self._optimizer.reset()
        if self.design.precision == 'float16':
            self._loss_scale.assign(LOSS_SCALE)

    def train(self, sources, recipe, draws, rates):
        """Train for some iterations without coming back to Python.

        Args:
            sources: pairs.Sources, the images to cut fathers from.
            recipe: pairs.Recipe, how sons are made.
            draws: of each pair the index of the source (n,), the inverse warp (n, 2, 3), and the noise
                (n, h, w, C), or (n, 1, 1, 1) zeros; n is iterations times `design.batch_size`.
            rates: learning rate of each iteration.

        Returns:
            (losses, father, son, output): float32 arrays (iterations,), and of the last iteration the
            father and the network's output (crop, crop, C) and the son (h, w, C).
        """
        indices, inverses, noise = draws
        arguments = (
            sources,
            recipe,
            tf.constant(indices, tf.int32),
            tf.constant(inverses, tf.float64),
            tf.constant(noise, self.pair_dtype),
            tf.constant(rates, tf.float32),
        )
        if self._loop is None:
            # Traced once, with no size fixed.
            specs = tf.nest.map_structure(lambda t: tf.TensorSpec([None] * t.shape.rank, t.dtype), arguments)
            self._loop = tf.function(self._train_steps).get_concrete_function(*specs)
        return [result.numpy() for result in self._loop(*arguments)]

    def step(self, enlarged, father, rate):
        """Train once, on one pair or on a batch.

        Args:
            enlarged: array (H, W, C), the interpolated son, or (batch, H, W, C); H and W multiples of
                `design.grid`.
            father: array of the same shape.
            rate: learning rate.

        Returns:
            (loss, output): float32 number, and array (H, W, C), of the last pair, not clipped.
        """
        pair = (tf.constant(image, tf.float32) for image in (enlarged, father))
        return [result.numpy() for result in self._single_step(*pair, tf.constant(rate, tf.float32))]

    def super_resolve(self, lr, sf, output_shape, method, region=None):
        """Interpolate images and pass them through the network, tile by tile.

        Each tile is computed with a margin as wide as the network sees, so no seam is left.

        Args:
            lr: array or tensor (batch, h, w, C) in [0, 1].
            sf: (vertical, horizontal) scale factors.
            output_shape: (vertical, horizontal, …) size of the enlarged images.
            method: interpolation method's name.
            region: (top, bottom, left, right) in the enlarged images; None: all of them.

        Returns:
            Float32 tensor (batch, bottom − top, right − left, C), clipped to [0, 1]; of more than one tile, a
            NumPy array.
        """
        top, bottom, left, right = region or (0, output_shape[0], 0, output_shape[1])
        size = tf_imresize.TILE
        if bottom - top <= size and right - left <= size:
            return self._tile(lr, sf, output_shape, method, (top, bottom, left, right))
        # Put together where nothing needs a second copy of it all.
        sr = np.empty((lr.shape[0], bottom - top, right - left, self.channels), np.float32)
        for y in range(top, bottom, size):
            for x in range(left, right, size):
                tile = (y, min(y + size, bottom), x, min(x + size, right))
                sr[:, y - top : tile[1] - top, x - left : tile[3] - left] = self._tile(
                    lr, sf, output_shape, method, tile
                )
        return sr

    def _tile(self, lr, sf, output_shape, method, tile):
        y, y_end, x, x_end = tile
        grid = self.design.grid
        # Whole cells of the grid, counted from the image's own corner as without tiles.
        around = (
            max(y - self.halo, 0) // grid * grid,
            min(-(-(y_end + self.halo) // grid) * grid, output_shape[0]),
            max(x - self.halo, 0) // grid * grid,
            min(-(-(x_end + self.halo) // grid) * grid, output_shape[1]),
        )
        enlarged = tf_imresize.resize_region(lr, sf, output_shape, method, around, self.pair_dtype)
        output = self._forward(tf.cast(enlarged, tf.float32))
        return output[:, y - around[0] : y_end - around[0], x - around[2] : x_end - around[2]]

    def _clipped_output(self, enlarged):
        """The network's output for a batch of any size, clipped to [0, 1]."""
        height, width = tf.shape(enlarged)[1], tf.shape(enlarged)[2]
        missing = [[0, 0], [0, -height % self.design.grid], [0, -width % self.design.grid], [0, 0]]
        output = self.model(tf.pad(enlarged, missing, 'SYMMETRIC'))
        return tf.clip_by_value(output[:, :height, :width], 0, 1)

    def _train_steps(self, sources, recipe, indices, inverses, noise, rates):
        """Make a block of pairs, train on one batch of them after the other, and so on."""
        iterations = tf.size(rates)
        crop_size = tf.shape(recipe.up.rows)[1]
        batch_size = self.design.batch_size
        block_size = tf.maximum(1, FATHER_PIXELS // crop_size**2 // batch_size)
        self._load_filters()
        sources = sources._replace(pixels=tf.ensure_shape(sources.pixels, [None, self.channels]))
        losses = tf.TensorArray(tf.float32, iterations)
        father = output = tf.zeros([crop_size, crop_size, self.channels])
        son = tf.zeros([0, 0, self.channels], self.pair_dtype)
        for first in tf.range(0, iterations, block_size):
            tf.autograph.experimental.set_loop_options(shape_invariants=self._any_size(father, output, son))
            block = tf.range(first, tf.minimum(first + block_size, iterations))
            drawn = tf.range(first * batch_size, (block[-1] + 1) * batch_size)
            fathers = warp(sources, tf.gather(indices, drawn), tf.gather(inverses, drawn), crop_size)
            sons = make_sons(fathers, tf.gather(noise, drawn), recipe)
            # In batches, one of which is gathered in one op where a slice needs five.
            shape = [-1, batch_size, crop_size, crop_size, self.channels]
            pairs = [tf.reshape(images, shape) for images in (enlarge_sons(sons, recipe), fathers)]
            for i in block:
                tf.autograph.experimental.set_loop_options(shape_invariants=self._any_size(output))
                batch = [tf.gather(images, i - first) for images in pairs]
                loss, output = self._step(*batch, tf.gather(rates, i))
                losses = losses.write(i, loss)
            father, son = fathers[-1], tf.ensure_shape(sons[-1], [None, None, self.channels])
        self._store_filters()
        return losses.stack(), father, tf.cast(son, tf.float32), output

    def _any_size(self, *images):
        """What a compiled loop is told of images whose size it must not fix."""
        return [(image, tf.TensorShape([None, None, self.channels])) for image in images]

    def _load_and_step(self, enlarged, father, rate):
        """One step on the model's own filters, for one pair or a batch."""
        if enlarged.shape.rank == 3:
            enlarged, father = enlarged[None], father[None]
        self._load_filters()
        result = self._step(enlarged, father, rate)
        self._store_filters()
        return result

    def _load_filters(self):
        """Hand the model's filters to the optimiser."""
        self._optimizer.load([weight.value for weight in self.model.trainable_weights])

    def _store_filters(self):
        """Copy the trained filters back into the model."""
        for weight, filters in zip(self.model.trainable_weights, self._optimizer.filters, strict=True):
            weight.assign(filters)

    def _train_step(self, enlarged, fathers, rate):
        """One step of the optimiser's filters: mean absolute difference to the fathers, and its gradient."""
        filters = self._optimizer.round_filters()
        with tf.GradientTape() as tape:
            tape.watch(filters)
            outputs = self.model.stateless_call(filters, [], enlarged)[0]
        errors = outputs - fathers
        # Written out: the many small ops of tf.reduce_mean's own gradient would cost a narrow network more.
        slope = tf.sign(errors) * (self._loss_scale / tf.cast(tf.size(errors), tf.float32))
        gradients = tape.gradient(outputs, filters, slope)
        if self.design.precision == 'float16':
            self._apply_if_finite(gradients, rate)
        else:
            self._optimizer.apply(gradients, rate)
        return tf.reduce_mean(tf.abs(errors)), outputs[-1]

    def _apply_if_finite(self, gradients, rate):
        """Undo the loss scale and apply; where it made gradients overflow, skip the step and lower it."""
        gradients = [gradient / self._loss_scale for gradient in gradients]
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
        tf.cond(finite, lambda: self._optimizer.apply(gradients, rate), lambda: None)
        growth = tf.where(finite, LOSS_SCALE_GROWTH, 0.5)
        self._loss_scale.assign(tf.clip_by_value(self._loss_scale * growth, 1.0, LOSS_SCALE_LIMIT))
