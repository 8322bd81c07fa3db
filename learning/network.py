"""The image-specific network: one that is trained on pairs, and enlarges whole images in tiles."""

import numpy as np
import tensorflow as tf

from learning import resizing
from learning.loop import TrainingLoop
from learning.model import build_model


class Network:
    """A model with its optimiser and compiled loop; lives longer than the image it is trained on.

    Whole images pass through it in tiles, so that memory depends on the tile and not on 64 channels times the
    image. What a pixel becomes depends on the pixels around it, `halo` on every side; so each tile is
    computed with that margin and cropped, and no seam is left. On the coarse grid, margins grow to whole
    cells, counted from the image's own corner, as they lie without tiles.

    Attributes:
        design: Design.
        model: keras.Model; `model.get_weights()` are the filters in order.
        channels: of the images.
        halo: how many pixels around a place decide its output, not counting the rest of a grid cell.
    """

    def __init__(self, design):
        """Build the model, its optimiser and its loop as `design`, a Design, has them."""
        self.design = design
        self.model = build_model(design)
        self.channels = design.channels
        self.halo = design.grid * sum(shape[0] // 2 for shape in design.filter_shapes)
        self._loop = TrainingLoop(self.model, design)
        self._forward = tf.function(
            self._clipped_output,
            input_signature=[tf.TensorSpec([None, None, None, self.channels], tf.float32)],
        )

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
        self._loop.reset()

    def train(self, sources, plan, draws, rates):
        """Train for some iterations without coming back to Python.

        Args:
            sources: fathers.PackedSources, the images to cut fathers from.
            plan: sons.SonPlan, how sons are made.
            draws: of each pair the index of the source (n,), the inverse warp (n, 2, 3), and the noise
                (n, h, w, C), or (n, 1, 1, 1) zeros; n is iterations times `design.batch_size`.
            rates: learning rate of each iteration.

        Returns:
            (losses, father, son, output): float32 arrays (iterations,), and of the last iteration the
            father and the network's output (crop, crop, C) and the son (h, w, C).
        """
        return self._loop.run(sources, plan, draws, rates, self.pair_dtype)

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
        """Interpolate images and pass them through the network, tile by tile.

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
        size = resizing.TILE
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
        enlarged = resizing.resize_region(lr, sf, output_shape, method, around, self.pair_dtype)
        output = self._forward(tf.cast(enlarged, tf.float32))
        return output[:, y - around[0] : y_end - around[0], x - around[2] : x_end - around[2]]

    def _clipped_output(self, enlarged):
        """The network's output for a batch of any size, clipped to [0, 1]."""
        height, width = tf.shape(enlarged)[1], tf.shape(enlarged)[2]
        missing = [[0, 0], [0, -height % self.design.grid], [0, -width % self.design.grid], [0, 0]]
        output = self.model(tf.pad(enlarged, missing, 'SYMMETRIC'))
        return tf.clip_by_value(output[:, :height, :width], 0, 1)
