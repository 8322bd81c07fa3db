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
    """A scale's record, whose errors are 12 and 6 grey levels, 18 by interpolation, the loss 3."""
    history = {'mse_steps': [0, 10], 'mse_rec': grey(12, 6), 'interp_rec_mse': grey(18, 18)}
    truth = {'mse': None, 'interp_mse': None}
    loss = {'loss': [3 / 255] * 20, 'iterations': 20, 'learning_rate_changes': [15]}
    return {'sf': [2.0, 2.0], **loss, **history, **truth, **changes}


def grey(*levels):
    """Mean squared errors, where 1 is white, of these root mean square errors in grey levels."""
    return [(level / 255) ** 2 for level in levels]


def error_axes(scales):
    axes = figures.run_figure('title', scales, IMAGES).subfigs[0].axes[0]
    axes.figure.canvas.draw()  # ticks and limits are settled only then
    return axes


def labels(axes):
    return axes.get_legend_handles_labels()[1]


def test_errors_in_grey_levels_lie_on_a_log_scale_with_the_rate_changes_marked():
    axes = error_axes([scale()])
    assert axes.get_yscale() == 'log'
    loss, test, interpolation, change = axes.get_lines()
    np.testing.assert_allclose(loss.get_ydata(), 3)
    np.testing.assert_allclose(test.get_xydata(), [(0, 12), (10, 6)])
    np.testing.assert_allclose(interpolation.get_ydata(), [18, 18])
    assert set(change.get_xdata()) == {15}
    assert axes.get_ylabel() == 'error, grey levels of 255'
    assert axes.get_xlabel() == 'training step (iteration)'
    assert len([text for text in axes.get_yticklabels() if text.get_text()]) >= 3


def test_the_course_of_the_training_is_shown_by_medians():
    loss = np.linspace(20, 10, 3000) / 255
    loss[::50] = 1
    x, y = error_axes([scale(loss=[*loss[:-1], None], iterations=3000)]).get_lines()[0].get_data()
    assert 2 < len(y) <= 60 and (np.diff(y) < 0).all()
    np.testing.assert_allclose(
        np.interp(x, np.arange(3000), 255 * np.linspace(20, 10, 3000) / 255), y, rtol=0.02
    )


def test_words_say_what_is_compared():
    axes = error_axes([scale(mse=grey(9, 7), interp_mse=grey(9, 9))])
    assert labels(axes) == [
        'training: crops made small, enlarged by the network',
        'test: the image made small, enlarged by the network',
        'test: the same, enlarged by interpolation',
        'ground truth: the image enlarged by the network',
        'ground truth: the image enlarged by interpolation',
        'learning rate divided by 10',
    ]
    assert not any(label.startswith('ground truth') for label in labels(error_axes([scale()])))
    above = figures.run_figure('title', [scale()], IMAGES).subfigs[0]
    assert 'Lower is better' in above.get_supxlabel() and 'root mean square' in above.get_supxlabel()


def test_a_later_scale_follows_the_earlier_one():
    axes = error_axes([scale(), scale(sf=[3.0, 1.5], learning_rate_changes=[])])
    first, second = [line for line in axes.get_lines() if line.get_color() == 'tab:blue'][::2]
    np.testing.assert_array_equal([*first.get_xdata(), *second.get_xdata()], [0, 10, 20, 30])
    assert len(labels(axes)) == len(set(labels(axes)))
    assert [text.get_text() for text in axes.texts] == ['×2', '×3×1.5']
    assert [text.get_text() for text in error_axes([scale()]).texts] == []


def test_a_single_quick_test_is_no_lonely_dot():
    once = {'mse_steps': [0], 'mse_rec': grey(12), 'interp_rec_mse': grey(18)}
    assert labels(error_axes([scale(**once)])) == [
        'training: crops made small, enlarged by the network',
        'learning rate divided by 10',
    ]
    axes = error_axes([scale(**once, loss=[0.1], iterations=1, learning_rate_changes=[])])
    assert [text.get_text() for text in axes.texts] == ['too few steps for a curve']
    assert not axes.get_lines() and not axes.get_legend()


@pytest.mark.parametrize(
    'changes',
    [
        {},
        {'mse_rec': [0.0, 0.0], 'interp_rec_mse': [0.0, 0.0]},
        {'loss': [0.0] * 20, 'mse_rec': [0.0, 0.0], 'interp_rec_mse': [0.0, 0.0]},
        {'mse_rec': grey(300, 1e-6)},
    ],
)
def test_no_axis_has_negative_errors(changes):
    axes = error_axes([scale(**changes)])
    low, high = axes.get_ylim()
    assert 0 <= low < high and all(tick >= 0 for tick in axes.get_yticks())
    assert axes.get_yscale() == ('linear' if 0.0 in changes.get('mse_rec', ()) else 'log')


def test_the_last_pair_is_shown_in_words_with_its_sizes():
    below = figures.run_figure('title', [scale()], IMAGES).subfigs[1].axes
    assert [axes.get_title() for axes in below] == [
        'crop made small (son)\n4×5 pixels',
        'enlarged by the network\n8×10 pixels',
        'crop (father)\n8×10 pixels',
    ]
    assert below[1].get_images()[0].get_array().max() == 1


@pytest.mark.parametrize('channels', [1, 2, 3, 5, 7])
def test_the_last_pair_may_have_any_number_of_channels(channels):
    image = np.random.RandomState(0).rand(8, 10, channels)
    figure = figures.run_figure('title', [scale()], [('son', image)])
    figures.figure_bytes(figure)
    (axes,) = figure.subfigs[1].axes
    shown = axes.get_images()[0].get_array()
    if channels in (1, 3):
        np.testing.assert_array_equal(shown, image.squeeze())
    else:
        np.testing.assert_allclose(shown, image.mean(axis=2))
    assert axes.get_title().endswith(f'mean of {channels} channels') == (channels not in (1, 3))


@pytest.mark.parametrize('title', ['plain', 'odd $name_[x].png', '日本.png'])  # the font lacks the last
def test_a_figure_becomes_a_png_whatever_its_title(title):
    png = figures.figure_bytes(figures.run_figure(title, [scale()], IMAGES))
    assert Image.open(io.BytesIO(png)).size == (900, 750)


def test_without_a_screen_the_live_window_does_nothing(monkeypatch):
    monkeypatch.setenv('MPLBACKEND', 'agg')
    import matplotlib.pyplot as plt

    plt.switch_backend('agg')
    figures.LiveWindow().show(b'no picture at all')
    assert plt.get_fignums() == []
