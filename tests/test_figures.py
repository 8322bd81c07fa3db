"""The figure of a run: what it shows, and where."""

import io

import numpy as np
import pytest
from PIL import Image

from comparing import figures

IMAGES = [
    ('son', np.full((4, 5, 3), 0.5)),
    ('output', np.full((8, 10, 3), 1.5)),
    ('father', np.ones((8, 10, 1))),
]


def scale(**changes):
    history = {'mse_steps': [0, 10], 'mse_rec': [0.02, 0.01], 'interp_rec_mse': [0.03, 0.03]}
    truth = {'mse': None, 'interp_mse': None}
    return {'sf': [2.0, 2.0], 'iterations': 20, 'learning_rate_changes': [15], **history, **truth, **changes}


def error_axes(scales):
    return figures.run_figure('title', scales, IMAGES).subfigs[0].axes[0]


def test_errors_lie_on_a_log_scale_with_the_rate_changes_marked():
    axes = error_axes([scale()])
    assert axes.get_yscale() == 'log'
    reconstruction, interpolation, change = axes.get_lines()
    np.testing.assert_array_equal(reconstruction.get_xydata(), [(0, 0.02), (10, 0.01)])
    np.testing.assert_array_equal(interpolation.get_ydata(), [0.03, 0.03])
    assert set(change.get_xdata()) == {15}


def test_true_errors_are_drawn_where_there_is_a_ground_truth():
    labels = [
        line.get_label() for line in error_axes([scale(mse=[0.5, 0.4], interp_mse=[0.6, 0.6])]).get_lines()
    ]
    assert 'true error' in labels
    assert 'true error of interpolation' in labels


def test_a_later_scale_follows_the_earlier_one():
    lines = error_axes([scale(), scale(learning_rate_changes=[])]).get_lines()
    np.testing.assert_array_equal(lines[3].get_xdata(), [20, 30])


def test_errors_of_exactly_zero_are_shown_on_a_linear_scale():
    assert error_axes([scale(mse_rec=[0.0, 0.0], interp_rec_mse=[0.0, 0.0])]).get_yscale() == 'linear'


def test_son_output_and_father_are_shown_with_their_sizes():
    below = figures.run_figure('title', [scale()], IMAGES).subfigs[1].axes
    assert [axes.get_title() for axes in below] == ['son, 4×5', 'output, 8×10', 'father, 8×10']
    assert below[1].get_images()[0].get_array().max() == 1


@pytest.mark.parametrize('title', ['plain', 'odd $name_[x].png'])
def test_a_figure_becomes_a_png_whatever_its_title(title):
    png = figures.png_bytes(figures.run_figure(title, [scale()], IMAGES))
    assert Image.open(io.BytesIO(png)).size == (900, 750)


def test_without_a_screen_the_live_window_does_nothing(monkeypatch):
    monkeypatch.setenv('MPLBACKEND', 'agg')
    import matplotlib.pyplot as plt

    plt.switch_backend('agg')
    figures.LiveWindow().show(b'no picture at all')
    assert plt.get_fignums() == []
