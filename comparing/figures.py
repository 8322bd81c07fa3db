"""Every figure; the only user of matplotlib.

Each is returned as a matplotlib `Figure`, for `savefig`, made without pyplot, so that nothing global is
touched and no display is needed.
"""

import io
import itertools
import math
import warnings

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator
from PIL import Image

from comparing.curves import binned, log_limits, log_ticks
from comparing.strips import viewable
from files.storage import printable
from settings.scales import scale_text

CROP_COLOURS = ('#d1495b', '#1b6ca8')  # frames of the first and second crop
VIEW_SIDE = 1200  # pixels; larger views of whole images are scaled down, their crops are not

# A history of a training -> label and style of its line.
ERROR_CURVES = {
    'loss': ('training: crops made small, enlarged by the network', {'color': '0.5'}),
    'mse_rec': ('test: the image made small, enlarged by the network', {'color': 'tab:blue', 'marker': '.'}),
    'interp_rec_mse': ('test: the same, enlarged by interpolation', {'color': 'tab:blue', 'ls': ':'}),
    'mse': ('ground truth: the image enlarged by the network', {'color': 'tab:red', 'marker': '.'}),
    'interp_mse': ('ground truth: the image enlarged by interpolation', {'color': 'tab:red', 'ls': ':'}),
}

EXPLANATION = (
    'What was enlarged is compared with what it was before it was made small, or with the ground truth. '
    'Lower is better.\n'
    'Training: mean error of a crop, median of neighbouring steps. The others: root mean square error.'
)

LOSS_POINTS = 60  # crops are easy or hard; single steps would hide the course of the training

# A picture of the last training step -> what it is.
PAIR = {'son': 'crop made small (son)', 'output': 'enlarged by the network', 'father': 'crop (father)'}


def comparison_figure(panels, boxes, size):
    """Draw images beside each other with crops below, as papers do.

    Args:
        panels: list of (label, image, score), image a uint8 array (H, W, C), C 1 or 3, score a text below the
            label. A smaller image, such as the input, is enlarged without interpolation.
        boxes: list of one or two (top, left, side), the crops, in pixels of the results.
        size: (H, W) of the results.
    """
    figure, grid = _comparison_grid(len(panels), len(boxes), size)
    for column, (label, image, score) in enumerate(panels):
        axes = figure.add_subplot(grid[0, column])
        _show(axes, _thinned(image), (0, size[1], size[0], 0), 'antialiased')
        _label(axes, label, 16)
        _label(axes, score, 5)
        for place, (box, colour) in enumerate(zip(boxes, CROP_COLOURS, strict=False), 1):
            top, left, side = box
            axes.add_patch(Rectangle((left, top), side, side, fill=False, edgecolor=colour, linewidth=1))
            crop_axes = figure.add_subplot(grid[place, column])
            _show_crop(crop_axes, image, box, size)
            for spine in crop_axes.spines.values():
                spine.set(visible=True, color=colour, linewidth=1.5)
    return figure


def run_figure(title, scales, images):
    """Draw how a training went: errors, with the falls of the learning rate marked, and the last pair below.

    Errors are in grey levels: the mean of the training's, the root of the mean square of the others. The
    axis is logarithmic unless an error is exactly 0. A curve of less than two points is left out.

    Args:
        title: text above.
        scales: list of dicts, one per scale in order, as ZSSR's `records`: loss, mse_steps, mse_rec,
            interp_rec_mse, mse and interp_mse (or None), learning_rate_changes, iterations, sf.
        images: list of (label, float array (H, W, C) in [0, 1]) to show below; labels as in `PAIR` are put in
            plain words. Of channels other than 1 or 3, the mean is shown.
    """
    # At fixed places: matplotlib's own layouts would draw it all twice.
    figure = Figure(figsize=(9, 7.5))
    figure.suptitle(printable(title), parse_math=False)
    above, below = figure.subfigures(2, 1, height_ratios=(3, 2))
    axes = above.subplots(gridspec_kw={'left': 0.08, 'right': 0.985, 'bottom': 0.2, 'top': 0.74})
    _draw_trainings(axes, scales)
    above.supxlabel(EXPLANATION, y=0.01, fontsize='small', color='0.35')
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc='lower center', bbox_to_anchor=(0.5, 1), ncols=2, frameon=False, fontsize='small')
    if images:
        below.suptitle('The last training step', fontsize='medium')
    place = {'left': 0.02, 'right': 0.98, 'bottom': 0.02, 'top': 0.76}
    panels = below.subplots(1, len(images), squeeze=False, gridspec_kw=place)[0] if images else []
    for axes, (label, image) in zip(panels, images, strict=True):
        shown, note = viewable(image), ''
        if shown is not image:
            note = f', mean of {image.shape[2]} channels'
        axes.imshow(np.clip(shown.squeeze(), 0, 1), cmap='gray', vmin=0, vmax=1, interpolation='nearest')
        text = f'{PAIR.get(label, label)}\n{image.shape[0]}×{image.shape[1]} pixels{note}'
        axes.set_title(text, fontsize='small')
        axes.set_axis_off()
    return figure


def frontier_figure(points):
    """Draw what presets reach against the time they take.

    Args:
        points: list of (name, seconds, PSNR in dB), means over the same images.
    """
    figure = Figure(figsize=(6, 3.6), layout='constrained')
    axes = figure.add_subplot(xscale='log', xlabel='seconds per image', ylabel='PSNR (dB)')
    # Named below, as presets that do equally well would write over each other's names.
    for (name, seconds, decibels), marker in zip(points, itertools.cycle('osD^v<>P*X'), strict=False):
        axes.plot(seconds, decibels, marker, label=name)
    figure.legend(loc='outside lower center', ncols=2, fontsize=7)
    axes.margins(0.1)
    axes.xaxis.set_major_formatter('{x:g}')
    axes.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axes.xaxis.set_minor_formatter('{x:g}')
    axes.grid(alpha=0.3)
    return figure


def figure_bytes(figure, kind='png', dpi=100):
    """A figure as the bytes of a file, PNG, PDF or SVG."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # a name in a script that the font lacks
        figure.savefig(file, format=kind, dpi=dpi)
    return file.getvalue()


class LiveWindow:
    """A window that shows a figure while it changes; nothing where there is no screen."""

    def __init__(self):
        """Open the window, if there is a screen."""
        import matplotlib.pyplot as plt

        self._axes = None
        if plt.get_backend().lower() != 'agg':
            plt.ion()
            self._axes = plt.figure('ZSSR', figsize=(9, 7.5)).add_axes((0, 0, 1, 1))

    def show(self, png):
        """Show a figure, the bytes of a PNG file."""
        if self._axes is not None:
            self._axes.clear()
            self._axes.set_axis_off()
            self._axes.imshow(Image.open(io.BytesIO(png)))
            self._axes.figure.canvas.draw()
            self._axes.figure.canvas.flush_events()


def _comparison_grid(columns, crops, size):
    """A figure and its grid: a row of views of images of `size`, and below as many rows of square crops."""
    width, head, gap = 7.2, 0.42, 0.04  # inches
    cell = width / columns
    heights = [cell * size[0] / size[1], *[cell] * crops]
    figure = Figure(figsize=(width, head + sum(heights) + gap * len(heights)))
    grid = figure.add_gridspec(
        len(heights),
        columns,
        height_ratios=heights,
        left=0.004,
        right=0.996,
        bottom=0.01,
        top=1 - head / figure.get_figheight(),
        wspace=0.03,
        hspace=0.015 * cell * len(heights) / sum(heights),
    )
    return figure, grid


def _label(axes, text, height):
    """Write a line above axes, `height` points up."""
    place = {'xycoords': 'axes fraction', 'textcoords': 'offset points', 'ha': 'center', 'va': 'baseline'}
    # Names of files and folders may hold a $, which is no formula.
    axes.annotate(printable(text), (0.5, 1), (0, height), fontsize=8, parse_math=False, **place)


def _thinned(image):
    """An image scaled down so that its longer side does not exceed `VIEW_SIDE`, for a small view."""
    step = math.ceil(max(image.shape[:2]) / VIEW_SIDE)
    return image if step == 1 else np.asarray(Image.fromarray(image.squeeze()).reduce(step))


def _show_crop(axes, image, box, size):
    """Show a (top, left, side) box, in pixels of results of `size`, of an image that may be smaller."""
    top, left, side = box
    fine = np.divide(image.shape[:2], size)
    first = np.floor(fine * (top, left)).astype(int)
    last = np.ceil(fine * (top + side, left + side)).astype(int)
    # Only the crop is handed over: matplotlib resamples all that it gets.
    (bottom, right), (upper, start) = last / fine, first / fine
    _show(axes, image[first[0] : last[0], first[1] : last[1]], (start, right, bottom, upper), 'nearest')
    axes.set(xlim=(left, left + side), ylim=(top + side, top))


def _show(axes, image, extent, interpolation):
    """Show an image on axes, `extent` (left, right, bottom, top) in pixels of the results."""
    pixels = image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image
    axes.imshow(pixels, cmap='gray', vmin=0, vmax=255, interpolation=interpolation, extent=extent)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_trainings(axes, scales):
    """Draw the error curves of all scales, one after the other, on axes with units."""
    first, drawn = 0, []
    for scale in scales:
        for name, (label, style) in ERROR_CURVES.items():
            steps, errors = _curve(scale, name)
            if len(errors) > 1:
                axes.plot(steps + first, errors, **style, label=_once(axes, label))
                drawn.append(errors)
        for iteration in scale['learning_rate_changes']:
            label = _once(axes, 'learning rate divided by 10')
            axes.axvline(first + iteration, color='0.4', ls='--', lw=1, label=label)
        if len(scales) > 1:
            _mark_scale(axes, scale_text(scale['sf']), first)
        first += scale['iterations']
    axes.set(xlabel='training step (iteration)', ylabel='error, grey levels of 255', xlim=(0, max(first, 1)))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    if not drawn:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, 'too few steps for a curve', transform=axes.transAxes, ha='center')
        return
    errors = np.concatenate(drawn)
    if errors.min() > 0:
        low, high = log_limits(errors)
        axes.set(yscale='log', ylim=(low, high))
        axes.yaxis.set(major_locator=FixedLocator(log_ticks(low, high)), minor_locator=NullLocator())
        axes.yaxis.set_major_formatter('{x:g}')
    else:
        axes.set_ylim(0, max(1, 1.1 * errors.max()))


def _curve(scale, name):
    """One history of a scale as iterations and errors in grey levels; empty where there is none."""
    values = np.array(scale[name] or [], np.float64)
    if name == 'loss':
        return binned(np.arange(len(values)), 255 * values, min(LOSS_POINTS, max(2, len(values) // 5)))
    return np.array(scale['mse_steps'][: len(values)]), 255 * np.sqrt(values)


def _once(axes, label):
    """A label, or None if the legend has it already."""
    return None if label in axes.get_legend_handles_labels()[1] else label


def _mark_scale(axes, text, first):
    """Say at the foot of the axes which scale begins at iteration `first`."""
    if first:
        axes.axvline(first, color='black', lw=1.5)
    foot = {'xycoords': ('data', 'axes fraction'), 'textcoords': 'offset points'}
    axes.annotate(text, (first, 0), xytext=(3, 4), **foot)
