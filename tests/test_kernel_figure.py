"""kernel_figure.py: true kernels above estimated ones."""

from dataclasses import replace

import numpy as np
from test_kernel_table import row

from paper.kernel_figure import kernels_figure


def test_the_figure_has_the_true_kernel_above_the_estimated_one():
    blind = replace(row({}, 'b'), kernels=(row({}).kernels[0], None))
    panels = kernels_figure([row({}), blind]).axes
    assert [len(panel.images) for panel in panels] == [1, 1, 1, 0]
    assert [panel.get_title() for panel in panels] == ['a', 'b', '', '']
    true, estimated = (np.asarray(panel.images[0].get_array()) for panel in (panels[0], panels[2]))
    assert true.shape == estimated.shape and true.max() > estimated.max()  # 2.0 against 2.2
    assert panels[0].images[0].get_clim() == panels[2].images[0].get_clim()
