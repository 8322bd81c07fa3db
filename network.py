"""The image-specific network: the Keras model, its training loop, and its use on whole images in tiles."""

import keras
import numpy as np
import tensorflow as tf

from pairs import enlarge_region, enlarge_son, make_son, warp

# Side of the piece of an enlarged image that goes through the network at once: memory depends on this, not
# on the image. The benchmarks' images still pass whole.
TILE = 640

ADAM = {'beta1': 0.9, 'beta2': 0.999, 'epsilon': 1e-8}


def build_model(filter_shapes, learn_residual=True):
    """Build the network: 3×3 convolutions without bias, ReLU between them, plus the input.

    Args:
        filter_shapes: (height, width, channels in, channels out) of each convolution.
        learn_residual: whether the input is added to the output.

    Returns:
        keras.Model from and to float32 (batch, H, W, C).

    Source: ZSSR paper, section 3.2.
    """
    inputs = x = keras.Input((None, None, filter_shapes[0][2]))
    for index, (height, width, _, filters) in enumerate(filter_shapes):
        last = index == len(filter_shapes) - 1
        x = keras.layers.Conv2D(
            filters, (height, width), padding='same', use_bias=False, activation=None if last else 'relu'
        )(x)
    return keras.Model(inputs, keras.layers.Add()([inputs, x]) if learn_residual else x)


class Network:
    """A model with its optimiser and compiled loops; lives longer than the image it is trained on.

    Attributes:
        model: keras.Model; `model.get_weights()` are the filters in order.
        halo: how many pixels around a place decide its output.
    """

    def __init__(self, filter_shapes, learn_residual=True):
        """Build the model and its optimiser.

        Args:
            filter_shapes: (height, width, channels in, channels out) of each convolution.
            learn_residual: whether the input is added to the output.
        """
        self._design = (filter_shapes, learn_residual)
        self.model = build_model(filter_shapes, learn_residual)
        self.channels = filter_shapes[0][2]
        self.halo = sum(shape[0] // 2 for shape in filter_shapes)
        self._variables = [weight.value for weight in self.model.trainable_weights]
        self._moments = [[tf.Variable(tf.zeros_like(v)) for v in self._variables] for _ in range(2)]
        self._powers = [tf.Variable(ADAM[beta]) for beta in ('beta1', 'beta2')]
        self._loops = {}
        self._forward = tf.function(
            lambda x: tf.clip_by_value(self.model(x), 0, 1),
            input_signature=[tf.TensorSpec([1, None, None, self.channels], tf.float32)],
        )
        self._single_step = tf.function(self._step, reduce_retracing=True)

    def fits(self, filter_shapes, learn_residual=True):
        """Whether another image that wants this design can use this network."""
        return self._design == (filter_shapes, learn_residual)

    def reset(self, filters):
        """Start afresh from given filters, with an optimiser that has seen nothing."""
        self.model.set_weights(filters)
        for variable in self._moments[0] + self._moments[1]:
            variable.assign(tf.zeros_like(variable))
        for power, beta in zip(self._powers, ('beta1', 'beta2'), strict=True):
            power.assign(ADAM[beta])

    def train(self, sources, recipe, draws, rates):
        """Train for some iterations without coming back to Python.

        Args:
            sources: pairs.Sources, the images to cut fathers from.
            recipe: pairs.Recipe, how sons are made.
            draws: (index of the source, inverse warp (2, 3), noise (h, w, C)) of each iteration.
            rates: learning rate of each iteration.

        Returns:
            (losses, father, son, output): float32 arrays (iterations,), and of the last iteration the
            father and the network's output (crop, crop, C) and the son (h, w, C).
        """
        indices, inverses, noise = zip(*draws, strict=True)
        arguments = (
            sources,
            recipe,
            tf.constant(indices, tf.int32),
            tf.constant(np.stack(inverses)),
            tf.constant(np.stack(noise), tf.float64),
            tf.constant(rates, tf.float32),
        )
        return [result.numpy() for result in self._compiled_loop(arguments)(*arguments)]

    def step(self, enlarged, father, rate):
        """Train once on one pair.

        Args:
            enlarged: array (H, W, C), the interpolated son.
            father: array (H, W, C).
            rate: learning rate.

        Returns:
            (loss, output): float32 number, and array (H, W, C), not clipped.
        """
        pair = (tf.constant(image, tf.float32) for image in (enlarged, father))
        return [result.numpy() for result in self._single_step(*pair, tf.constant(rate, tf.float32))]

    def super_resolve(self, lr, sf, output_shape, method, region=None):
        """Interpolate an image and pass it through the network, tile by tile.

        Each tile is computed with a margin as wide as the network sees, so no seam is left.

        Args:
            lr: array (h, w, C) in [0, 1].
            sf: (vertical, horizontal) scale factors.
            output_shape: (vertical, horizontal, …) size of the enlarged image.
            method: interpolation method's name.
            region: (top, bottom, left, right) in the enlarged image; None: all of it.

        Returns:
            Float32 array (bottom − top, right − left, C), clipped to [0, 1].
        """
        top, bottom, left, right = region or (0, output_shape[0], 0, output_shape[1])
        sr = np.empty((bottom - top, right - left, self.channels), np.float32)
        for y in range(top, bottom, TILE):
            for x in range(left, right, TILE):
                tile = (y, min(y + TILE, bottom), x, min(x + TILE, right))
                sr[y - top : tile[1] - top, x - left : tile[3] - left] = self._tile(
                    lr, sf, output_shape, method, tile
                )
        return sr

    def _tile(self, lr, sf, output_shape, method, tile):
        y, y_end, x, x_end = tile
        around = (
            max(y - self.halo, 0),
            min(y_end + self.halo, output_shape[0]),
            max(x - self.halo, 0),
            min(x_end + self.halo, output_shape[1]),
        )
        enlarged = tf.cast(enlarge_region(lr, sf, output_shape, method, around), tf.float32)
        output = self._forward(enlarged[None])[0]
        return output[y - around[0] : y_end - around[0], x - around[2] : x_end - around[2]].numpy()

    def _compiled_loop(self, arguments):
        """The training loop, traced once for each way of making sons and no sizes fixed."""
        kind = type(arguments[1].down)
        if kind not in self._loops:
            specs = tf.nest.map_structure(lambda t: tf.TensorSpec([None] * t.shape.rank, t.dtype), arguments)
            self._loops[kind] = tf.function(self._loop).get_concrete_function(*specs)
        return self._loops[kind]

    def _loop(self, sources, recipe, indices, inverses, noise, rates):
        iterations = tf.size(rates)
        crop_size = tf.shape(recipe.up.rows)[0]
        sources = sources._replace(pixels=tf.ensure_shape(sources.pixels, [None, self.channels]))
        image_shape = [None, None, self.channels]
        losses = tf.TensorArray(tf.float32, iterations)
        father = output = tf.zeros([crop_size, crop_size, self.channels])
        son = tf.zeros([0, 0, self.channels], tf.float64)
        for i in tf.range(iterations):
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[(image, tf.TensorShape(image_shape)) for image in (father, output, son)]
            )
            father = warp(sources, indices[i], inverses[i], crop_size)
            son = tf.ensure_shape(make_son(father, noise[i], recipe), image_shape)
            enlarged = tf.ensure_shape(enlarge_son(son, recipe), image_shape)
            loss, output = self._step(enlarged, father, rates[i])
            losses = losses.write(i, loss)
        return losses.stack(), father, tf.cast(son, tf.float32), output

    def _step(self, enlarged, father, rate):
        with tf.GradientTape() as tape:
            output = self.model(enlarged[None])[0]
            loss = tf.reduce_mean(tf.abs(output - father))
        gradients = tape.gradient(loss, self._variables)
        self._apply_adam(gradients, rate)
        return loss, output

    def _apply_adam(self, gradients, rate):
        """One Adam step by TensorFlow's fused kernel (Keras' own rounds 1 − β₂ differently)."""
        powers = [power.read_value() for power in self._powers]
        for variable, first, second, gradient in zip(self._variables, *self._moments, gradients, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=powers[0],
                beta2_power=powers[1],
                lr=rate,
                grad=gradient,
                **ADAM,
            )
        for power, beta in zip(self._powers, ('beta1', 'beta2'), strict=True):
            power.assign(power * ADAM[beta])
