"""Lanes: parts of a batch, or of an image, that pass the network at the same time.

An operation that threads share ends when the last of them is done, and only then the next begins. Those of a
fast preset's step are so short that two threads are little faster than one. In lanes, each thread has pairs
of its own, and all meet once a step, where their gradients are added up. `start_tensorflow` opens them.
"""

import itertools
import math

import tensorflow as tf


def lanes_for(batch_size):
    """How many lanes a batch is divided among, of size 0 any: 1 if TensorFlow was started without."""
    threads = tf.config.threading
    of_an_operation = threads.get_intra_op_parallelism_threads()
    if not of_an_operation:
        return 1
    return math.gcd(batch_size, max(1, threads.get_inter_op_parallelism_threads() // of_an_operation))


def divided(batch, lanes):
    """Divide a batch, a tensor (pairs, …), among lanes: a list, of one if its pairs cannot be divided."""
    return tf.split(batch, math.gcd(batch.shape[0] or 1, lanes))


def in_bands(function, images, lanes, *, halo, grid):
    """Call a function of images for bands of their rows, a lane each.

    Args:
        function: of tensors (batch, H, W, C), answers with one of the same size.
        images: tensor (batch, H, W, C), H a multiple of `grid`.
        lanes: how many bands.
        halo: how many rows above and below a row decide what becomes of it, a multiple of `grid`.
        grid: bands begin at multiples of it.

    Returns:
        Tensor (batch, H, W, C).
    """
    if lanes == 1:
        return function(images)
    height, bands = tf.shape(images)[1], []
    cuts = [height // grid * lane // lanes * grid for lane in range(lanes + 1)]
    for top, bottom in itertools.pairwise(cuts):
        first = tf.maximum(top - halo, 0)
        band = function(images[:, first : bottom + halo])
        bands.append(band[:, top - first : bottom - first])
    return tf.concat(bands, 1)
