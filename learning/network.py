"""The image-specific network: how it is built, trained on pairs, and handed from image to image."""

import math
from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow as tf

from learning.lanes import in_bands, lanes_for
from learning.loop import FATHER_PIXELS, TrainingLoop
from learning.tiles import Tiles

# Multiply-adds of training after which the caller is told: about two seconds on two cores, or on a slow GPU.
PIECE = 2**38 if tf.config.list_physical_devices('GPU') else 2**37


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
        weight_decay: of Muon.
        batch_size: pairs of a training step.
    """

    filter_shapes: tuple
    channels: int
    learn_residual: bool = True
    precision: str = 'float32'
    grid: int = 1
    jit_compile: bool = False
    optimizer: str = 'adam'
    weight_decay: float = 0.0
    batch_size: int = 1


def design_for(conf, channels):
    """The Design that a Config asks for, for images of `channels`."""
    precision = fastest_precision() if conf.precision == 'auto' else conf.precision
    return Design(
        filter_shapes=conf.filter_shapes(channels),
        channels=channels,
        learn_residual=conf.learn_residual,
        precision=precision,
        grid=conf.grid,
        jit_compile=conf.jit_compile,
        optimizer=conf.optimizer,
        weight_decay=conf.weight_decay,
        batch_size=conf.batch_size,
    )


def build_model(design):
    """Build the network: 3×3 convolutions without bias, ReLU between them, and the input added at the end.

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
    """A model with its optimiser and compiled loop; lives longer than the image it is trained on.

    Attributes:
        design: Design.
        model: keras.Model; `model.get_weights()` are the filters in order.
        notify: called with the number of pixels of every batch that has passed the network to be enlarged.
    """

    def __init__(self, design):
        """Build the model, its optimiser and its loop as `design`, a Design, has them."""
        self.design = design
        self.notify = lambda pixels: None
        self.model = build_model(design)
        self._loop = TrainingLoop(self.model, design)
        self._lanes = lanes_for(design.batch_size)
        self._forward = tf.function(
            self._clipped_output,
            input_signature=[tf.TensorSpec([None, None, None, design.channels], tf.float32)],
            autograph=False,
        )
        self._tiles = Tiles(self._forward_and_notify, design, self.pair_dtype)

    @property
    def halo(self):
        """How many pixels around it, on every side, decide what becomes of one."""
        return self._tiles.halo

    @property
    def pair_dtype(self):
        """The type in which sons and enlargements are computed: float64, as in the original, for float32."""
        return tf.float64 if self.design.precision == 'float32' else tf.float32

    def reset(self, filters):
        """Start afresh from filters, a list of arrays, with an optimiser that has seen nothing."""
        self.model.set_weights(filters)
        self._loop.reset()

    def pieces(self, rates, crop_size):
        """Cut learning rates into lists to `train` with one after the other, as if it were one.

        A piece is short enough to be waited for, and made of whole portions of the loop.
        """
        pixels = self.design.batch_size * crop_size**2
        filters = sum(map(math.prod, self.design.filter_shapes)) / self.design.grid**2
        portion = max(1, FATHER_PIXELS // pixels)
        size = max(1, int(PIECE / (3 * pixels * filters)) // portion) * portion
        return [rates[start : start + size] for start in range(0, len(rates), size)]

    def train(self, packed, plan, draws, rates):
        """Train for some iterations without coming back to Python.

        Args:
            packed: fathers.PackedSources, the images to cut fathers from.
            plan: sons.SonPlan, how sons are made.
            draws: pairs.Draws, of iterations times `design.batch_size` pairs.
            rates: learning rate of each iteration.

        Returns:
            (losses, father, son, output): float32 arrays (iterations,), and of the last iteration the
            father and the network's output (crop, crop, C) and the son (h, w, C).
        """
        return self._loop.run(packed, plan, draws, rates)

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
        return self._loop.step(enlarged, father, rate)

    def super_resolve(self, lr, sf, output_shape, method, region=None):
        """Interpolate images and pass them through the network; arguments and result as `Tiles`."""
        return self._tiles(lr, sf, output_shape, method, region)

    def _forward_and_notify(self, enlarged):
        output = self._forward(enlarged)
        self.notify(math.prod(enlarged.shape[:3]))
        return output

    def _clipped_output(self, enlarged):
        """The network's output for a batch of any size, clipped to [0, 1]."""
        height, width = tf.shape(enlarged)[1], tf.shape(enlarged)[2]
        missing = [[0, 0], [0, -height % self.design.grid], [0, -width % self.design.grid], [0, 0]]
        images, grid = tf.pad(enlarged, missing, 'SYMMETRIC'), self.design.grid
        output = in_bands(self.model, images, self._lanes, halo=self.halo, grid=grid)
        return tf.clip_by_value(output[:, :height, :width], 0, 1)
