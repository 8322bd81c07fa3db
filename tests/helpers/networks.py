"""A tiny network: its configuration, filters, and its forward pass written out."""

import numpy as np
from scipy import ndimage

from configs import Config

TINY_CONF = Config(width=4, depth=3)


def random_filters(seed, conf=TINY_CONF):
    rng = np.random.RandomState(seed)
    return [(rng.randn(*shape) * 0.15).astype(np.float32) for shape in conf.filter_shape]


def forward(image, filters, learn_residual=True):
    """The network written out: sums of correlated channels, negative ones cut off, plus the input."""
    x = image.astype(np.float64)
    for index, weights in enumerate(filters):
        x = np.stack(
            [
                sum(
                    ndimage.correlate(x[..., i], weights[..., i, o].astype(float), mode='constant')
                    for i in range(weights.shape[2])
                )
                for o in range(weights.shape[3])
            ],
            axis=2,
        )
        if index < len(filters) - 1:
            x = np.maximum(x, 0)
    return x + image * learn_residual
