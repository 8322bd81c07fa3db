"""Training the estimating networks, on examples whose blur is known."""

import io
from functools import cache

import numpy as np

from blind.estimator import LAYERS, SIGNS, mirrored, respond
from blind.gaussian import SIDE

BATCH = 16  # images of a step
PATCHES = 150  # of each image
LEARNING_RATE = 2e-3
WARM_UP = 100  # steps
WEIGHT_DECAY = 0.01
KNEE = 0.3  # where the loss turns from squares to differences
DECISION = 0.5  # weight of the loss of "is it blurred", beside that of the blur

# Pictures to be enlarged have other contrasts and are softer or harder than those trained on. So amplitudes
# are scaled at random, and their logarithms tilted along the logarithm of the frequency.
GAIN, TILT = 0.2, 0.15  # standard deviations


def train(examples, steps, rng, progress=lambda step, loss: None):
    """Train the network.

    Args:
        examples: list of Example.
        steps: int, how many batches.
        rng: numpy.random.RandomState.
        progress: called with the step and its loss.

    Returns:
        Dict of float32 arrays, as `estimator.respond` takes them, and the `mean` that patches are centred by.
    """
    import keras
    import tensorflow as tf

    mean = _mean_patch(examples)
    variables = {name: keras.Variable(value) for name, value in _first_weights(rng).items()}
    optimizer = keras.optimizers.AdamW(LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    trained = list(variables.values())
    optimizer.build(trained)

    @tf.function
    def step(patches, facts, truths):
        """Train on one batch; returns its loss."""
        with tf.GradientTape() as tape:
            values = {name: variable.value for name, variable in variables.items()}
            loss = _loss(tf, respond(tf.experimental.numpy, values, patches, facts), truths)
        optimizer.apply_gradients(
            zip(tape.gradient(loss, [each.value for each in trained]), trained, strict=True)
        )
        return loss

    for number in range(steps):
        falling = 0.5 * (1 + np.cos(np.pi * number / steps))
        optimizer.learning_rate = LEARNING_RATE * min(1, (number + 1) / WARM_UP) * falling
        progress(number, float(step(*_draw_batch(examples, mean, rng))))
    return {'mean': mean} | {name: variable.numpy() for name, variable in variables.items()}


def weights_bytes(networks):
    """The contents of a file of several networks' weights, which half the precision is enough for."""
    file = io.BytesIO()
    stacked = {name: np.stack([weights[name] for weights in networks]) for name in networks[0]}
    np.savez_compressed(file, **{name: values.astype(np.float16) for name, values in stacked.items()})
    return file.getvalue()


def _first_weights(rng):
    """Random filters by He's rule, and answers that are the weighted fit's."""
    weights = {}
    for number, (inputs, outputs) in enumerate(LAYERS):
        scale = np.sqrt(2 / inputs) if number < len(LAYERS) - 1 else 0.05
        weights[f'filter_{number}'] = (scale * rng.standard_normal((inputs, outputs))).astype(np.float32)
        weights[f'bias_{number}'] = np.zeros(outputs, np.float32)
    weights['skip'] = np.zeros((7, 4), np.float32)
    weights['skip'][3:6, :3] = 0.5 * np.eye(3)
    return weights


def _mean_patch(examples):
    """The mean of all patches, float32 (144,), the same for mirrored ones."""
    mean = np.mean([example.patches.mean(axis=0, dtype=np.float32) for example in examples], axis=0)
    return mirrored(mean[None], np.zeros(7))[0].mean(axis=(0, 1)).astype(np.float32)


def _draw_batch(examples, mean, rng):
    """Draw images, patches of each, and a mirror: arrays of patches, facts and truths."""
    batch = []
    for index in rng.randint(len(examples), size=BATCH):
        example, mirror = examples[index], rng.randint(len(SIGNS))
        chosen = example.patches[rng.randint(len(example.patches), size=PATCHES)].astype(np.float32)
        altered = (
            chosen - mean + GAIN * rng.standard_normal() + TILT * rng.standard_normal() * _log_frequency()
        )
        patches, facts = mirrored(altered, example.facts)
        batch.append((patches[mirror], facts[mirror], example.truth * np.append(SIGNS[mirror], 1)))
    return [np.array(column, np.float32) for column in zip(*batch, strict=True)]


@cache
def _log_frequency():
    """The logarithm of the frequency of a patch's entries: (144,), 0 at four periods to a patch."""
    v, u = np.meshgrid(np.fft.fftfreq(SIDE, 1 / SIDE), np.arange(SIDE // 2 + 1), indexing='ij')
    return np.log(np.maximum(np.hypot(v, u), 1) / 4).ravel()


def _loss(tf, answers, truths):
    """Differences of the blur, relative to its width, and the decision's cross-entropy."""
    truth, bicubic = truths[:, :3], truths[:, 3]
    differences = tf.abs(answers[:, :3] - truth) / tf.sqrt(0.5 + truth[:, :1] / 2)
    huber = tf.where(differences < KNEE, differences**2 / (2 * KNEE), differences - KNEE / 2)
    blur = tf.reduce_mean(tf.reduce_sum(huber, axis=1) * (1 - bicubic))
    decision = tf.nn.sigmoid_cross_entropy_with_logits(bicubic, answers[:, 3])
    return blur + DECISION * tf.reduce_mean(decision)
