"""The compiled training loop: from what is drawn for some iterations to trained filters, all in one graph."""

import os
from functools import partial

import tensorflow as tf

from learning.fathers import warp
from learning.filters import Filters
from learning.lanes import divided, lanes_for
from learning.optimizers import Adam, Muon
from learning.sons import enlarge_sons, make_sons

# Read when the first convolution runs: what oneDNN prepares for filter gradients is kept, not made anew in
# every step. That saves two percent of a step; peak memory stays the same.
os.environ.setdefault('TF_MKL_OPTIMIZE_PRIMITIVE_MEMUSE', '0')

# Fathers made at once have together about this many pixels; more of them take no less time each.
FATHER_PIXELS = 2**20 if tf.config.list_physical_devices('GPU') else 2**17

# AutoGraph makes loops of the graph out of Python's, and to find them rewrites the source of all that is
# called, which takes longer than tracing it. Only one function here has such loops.
no_autograph = tf.autograph.experimental.do_not_convert

# Of float16's gradients: its start, its growth in each step without overflow (doubled in 1,000), its limit.
LOSS_SCALE, LOSS_SCALE_GROWTH, LOSS_SCALE_LIMIT = 2.0**12, 2.0**0.001, 2.0**24


class TrainingLoop:
    """Trains a model's filters, many iterations a call, without coming back to Python in between.

    The host draws what describes the pairs of some iterations (a few numbers each); pixels never leave the
    graph. A call, `_train`, goes like this:

    1. The model's filters are handed to their owner, laid out as the optimiser moves them.
    2. The iterations are cut into portions of as many pairs as are made fastest together. For each portion,
       the fathers are warped out of the sources, the sons made of them, and enlarged again.
    3. For each iteration of the portion, one batch of pairs goes through a step (`_step`), in lanes if there
       are any: the loss at the filters that convolutions see, its gradient, the optimiser.
    4. The filters go back into the model. The last pair is returned as well, to be looked at.

    The graph fixes no size: not the image's, not the crop's, not the number of iterations. It is traced once,
    and in float32 once more where some sons are made by a kernel and others by a method.
    """

    def __init__(self, model, design):
        """Prepare.

        Args:
            model: keras.Model as `build_model` makes it.
            design: its Design.
        """
        self._model, self._design = model, design
        self._lanes = lanes_for(design.batch_size)
        muon = design.optimizer == 'muon'
        self._filters = Filters(design.filter_shapes, design.precision, for_muon=muon)
        self._optimizer = Muon(self._filters, design.weight_decay) if muon else Adam(self._filters)
        # Loss gradients are about 1e-5, which float16 can hardly tell from 0.
        self._loss_scale = tf.Variable(LOSS_SCALE) if design.precision == 'float16' else 1.0
        self._compiled_loop = tf.function(self._train)
        self._compiled_step = tf.function(self._step, jit_compile=design.jit_compile, autograph=False)
        self._compiled_single_step = tf.function(self._single_step, reduce_retracing=True, autograph=False)

    def reset(self):
        """Forget all gradients seen, and what was rounded off the filters."""
        self._optimizer.reset()
        self._filters.forget()
        if self._design.precision == 'float16':
            self._loss_scale.assign(LOSS_SCALE)

    def run(self, packed, plan, draws, rates):
        """Train for some iterations; arguments and results as `Network.train`."""
        indices, inverses, noise = draws
        arguments = (
            packed,
            plan,
            tf.constant(indices, tf.int32),
            tf.constant(inverses, tf.float64),
            tf.constant(noise, plan.down.rows.dtype),
            tf.constant(rates, tf.float32),
        )
        loop = self._compiled_loop.get_concrete_function(*tf.nest.map_structure(_of_any_size, arguments))
        return [result.numpy() for result in loop(*arguments)]

    def step(self, enlarged, fathers, rate):
        """Train once; arguments and results as `Network.step`."""
        arguments = (tf.constant(each, tf.float32) for each in (enlarged, fathers, rate))
        return [result.numpy() for result in self._compiled_single_step(*arguments)]

    def _train(self, packed, plan, indices, inverses, noise, rates):
        """The whole loop, as the class tells it."""
        channels, batch_size = self._design.channels, self._design.batch_size
        crop_size = tf.shape(plan.up.rows)[-2]
        # STEP 1: filters from the model to their owner.
        self._load_filters()
        iterations = tf.size(rates)
        portion_size = tf.maximum(1, FATHER_PIXELS // crop_size**2 // batch_size)
        packed = packed._replace(pixels=tf.ensure_shape(packed.pixels, [None, channels]))
        losses = tf.TensorArray(tf.float32, iterations)
        father = output = tf.zeros([crop_size, crop_size, channels])
        son = tf.zeros([0, 0, channels], noise.dtype)
        for first in tf.range(0, iterations, portion_size):
            tf.autograph.experimental.set_loop_options(shape_invariants=self._any_size(father, output, son))
            # STEP 2: the pairs of a portion.
            portion = tf.range(first, tf.minimum(first + portion_size, iterations))
            drawn = tf.range(first * batch_size, (portion[-1] + 1) * batch_size)
            draws = [tf.gather(each, drawn) for each in (indices, inverses, noise)]
            fathers, sons, enlarged = self._make_pairs(packed, plan, draws, crop_size)
            # In batches, one of which is gathered in one op where a slice needs five.
            shape = [-1, batch_size, crop_size, crop_size, channels]
            pairs = [tf.reshape(images, shape) for images in (enlarged, fathers)]
            # STEP 3: a step for each batch.
            for i in portion:
                tf.autograph.experimental.set_loop_options(shape_invariants=self._any_size(output))
                batch = [tf.gather(images, i - first) for images in pairs]
                loss, output = self._compiled_step(*batch, tf.gather(rates, i))
                losses = losses.write(i, loss)
            father, son = fathers[-1], tf.ensure_shape(sons[-1], [None, None, channels])
        # STEP 4: filters back into the model.
        self._store_filters()
        return losses.stack(), father, tf.cast(son, tf.float32), output

    @no_autograph
    def _make_pairs(self, packed, plan, draws, crop_size):
        """Fathers, sons, and sons enlarged."""
        indices, inverses, noise = draws
        fathers = warp(packed, indices, inverses, crop_size)
        sons = make_sons(fathers, noise, plan)
        return fathers, sons, enlarge_sons(sons, plan)

    @no_autograph
    def _any_size(self, *images):
        """What a compiled loop is told of images whose size it must not fix."""
        return [(image, tf.TensorShape([None, None, self._design.channels])) for image in images]

    def _single_step(self, enlarged, fathers, rate):
        """One step on the model's own filters, for one pair or a batch."""
        if enlarged.shape.rank == 3:
            enlarged, fathers = enlarged[None], fathers[None]
        self._load_filters()
        result = self._compiled_step(enlarged, fathers, rate)
        self._store_filters()
        return result

    def _step(self, enlarged, fathers, rate):
        """Move the filters once: mean absolute difference to the fathers, and its gradient."""
        seen = self._filters.seen
        lanes = [divided(images, self._lanes) for images in (enlarged, fathers)]
        slope = self._loss_scale / tf.cast(tf.size(fathers), tf.float32)
        losses, gradients, outputs = zip(*map(partial(self._pass, seen, slope), *lanes), strict=True)
        gradients = [tf.add_n(parts) for parts in zip(*gradients, strict=True)]
        self._filters.settle()
        if self._design.precision == 'float16':
            self._apply_if_finite(gradients, rate)
        else:
            self._optimizer.apply(gradients, rate)
        return tf.add_n(losses) / len(losses), outputs[-1][-1]

    def _pass(self, seen, slope, enlarged, fathers):
        """The loss of a lane's pairs, what they add to the gradient, and the network's outputs."""
        with tf.GradientTape() as tape:
            tape.watch(seen)
            outputs = self._model.stateless_call(seen, [], enlarged)[0]
        errors = outputs - fathers
        # Written out: the many small ops of tf.reduce_mean's own gradient would cost a narrow network more.
        gradients = tape.gradient(outputs, seen, tf.sign(errors) * slope)
        return tf.reduce_mean(tf.abs(errors)), gradients, outputs

    def _apply_if_finite(self, gradients, rate):
        """Undo the loss scale and apply; where it made gradients overflow, skip the step and lower it."""
        gradients = [gradient / self._loss_scale for gradient in gradients]
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
        tf.cond(finite, lambda: self._optimizer.apply(gradients, rate), lambda: None)
        growth = tf.where(finite, LOSS_SCALE_GROWTH, 0.5)
        self._loss_scale.assign(tf.clip_by_value(self._loss_scale * growth, 1.0, LOSS_SCALE_LIMIT))

    @no_autograph
    def _load_filters(self):
        self._filters.load([weight.value for weight in self._model.trainable_weights])

    @no_autograph
    def _store_filters(self):
        for weight, filters in zip(self._model.trainable_weights, self._filters.exact, strict=True):
            weight.assign(filters)


def _of_any_size(tensor):
    """What a compiled loop is told of a tensor or SparseTensor: all but its size."""
    spec = tf.SparseTensorSpec if isinstance(tensor, tf.SparseTensor) else tf.TensorSpec
    return spec([None] * tensor.shape.rank, tensor.dtype)
