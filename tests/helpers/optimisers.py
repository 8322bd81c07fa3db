"""Adam and Muon with filters of small, equal shapes."""

import numpy as np
import pytest

from learning.filters import Filters
from learning.optimizers import Adam, Muon

SHAPES = ((3, 3, 2, 4), (3, 3, 4, 4), (3, 3, 4, 4), (3, 3, 4, 2))
BOTH = pytest.mark.parametrize('kind', [Adam, Muon])


def random_filters(seed, scale=0.1):
    rng = np.random.RandomState(seed)
    return [(scale * rng.randn(*shape)).astype(np.float32) for shape in SHAPES]


def make(kind, precision='float32'):
    """An optimiser and the filters that it moves."""
    filters = Filters(SHAPES, precision, for_muon=kind is Muon)
    return kind(filters), filters
