"""Whole images through the network, tile by tile."""

import numpy as np
import tensorflow as tf

from learning import resizing


class Tiles:
    """Super-resolves images of any size with the memory of a tile, not of 64 channels times the image.

    What a pixel becomes depends on the pixels around it: the network sees one more on every side with each
    3×3 convolution. So each tile is interpolated and computed with that margin, the halo, and cropped, and no
    seam is left. On the coarse grid margins grow to whole cells, counted from the image's own corner, as they
    lie without tiles.
    """

    def __init__(self, forward, design, dtype):
        """Serve a network.

        Args:
            forward: function from a float32 batch (batch, H, W, C), interpolated, to the network's output.
            design: Design of the network.
            dtype: in which images are interpolated.
        """
        self._forward, self._design, self._dtype = forward, design, dtype
        self.halo = design.grid * sum(shape[0] // 2 for shape in design.filter_shapes)

    def __call__(self, lr, sf, output_shape, method, region=None):
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
            return self._one(lr, sf, output_shape, method, (top, bottom, left, right))
        # Put together where nothing needs a second copy of it all.
        sr = np.empty((lr.shape[0], bottom - top, right - left, self._design.channels), np.float32)
        for y in range(top, bottom, size):
            for x in range(left, right, size):
                tile = (y, min(y + size, bottom), x, min(x + size, right))
                sr[:, y - top : tile[1] - top, x - left : tile[3] - left] = self._one(
                    lr, sf, output_shape, method, tile
                )
        return sr

    def _one(self, lr, sf, output_shape, method, tile):
        y, y_end, x, x_end = tile
        grid = self._design.grid
        # Whole cells of the grid, counted from the image's own corner as without tiles.
        around = (
            max(y - self.halo, 0) // grid * grid,
            min(-(-(y_end + self.halo) // grid) * grid, output_shape[0]),
            max(x - self.halo, 0) // grid * grid,
            min(-(-(x_end + self.halo) // grid) * grid, output_shape[1]),
        )
        enlarged = resizing.resize_region(lr, sf, output_shape, method, around, self._dtype)
        output = self._forward(tf.cast(enlarged, tf.float32))
        return output[:, y - around[0] : y_end - around[0], x - around[2] : x_end - around[2]]
