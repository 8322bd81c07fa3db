"""Every figure; the only user of matplotlib.

Each is returned as a matplotlib `Figure`, for `savefig`, made without pyplot, so that nothing global is
touched and no display is needed.
"""

import io
import itertools
import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator
from PIL import Image

CROP_COLOURS = ('#d1495b', '#1b6ca8')  # frames of the first and second crop
VIEW_SIDE = 1200  # pixels; larger views of whole images are scaled down, their crops are not

# A history of a training -> label, colour and style of its line.
ERROR_CURVES = {
    'mse_rec': ('reconstruction of the input', 'tab:blue', '-'),
    'interp_rec_mse': ('the same by interpolation', 'tab:blue', ':'),
    'mse': ('true error', 'tab:red', '-'),
    'interp_mse': ('true error of interpolation', 'tab:red', ':'),
}


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
    """Draw how a training went: errors on a log scale with the rate changes marked, and the last pair below.

    Args:
        title: text above.
        scales: list of dicts, one per scale in order, as ZSSR's `records`: mse_steps, mse_rec,
            interp_rec_mse, mse and interp_mse (or None), learning_rate_changes, iterations, sf.
        images: list of (label, float array (H, W, C) in [0, 1]) to show below.
    """
    figure = Figure(figsize=(9, 7.5), layout='constrained')
    figure.suptitle(title, parse_math=False)
    curves, pictures = figure.subfigures(2, 1, height_ratios=(3, 2))
    axes = curves.subplots()
    first = 0
    for scale in scales:
        _draw_errors(axes, scale, first)
        first += scale['iterations']
    # A black image is reconstructed without any error, which a log scale cannot show.
    positive = any(e > 0 for scale in scales for name in ERROR_CURVES for e in scale[name] or ())
    axes.set(
        yscale='log' if positive else 'linear', xlabel='iteration', ylabel='mean squared error, 1 is white'
    )
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc='lower center', bbox_to_anchor=(0.5, 1), ncols=3, frameon=False, fontsize='small')
    panels = pictures.subplots(1, len(images), squeeze=False)[0] if images else []
    for axes, (label, image) in zip(panels, images, strict=True):
        axes.imshow(np.clip(image.squeeze(), 0, 1), cmap='gray', vmin=0, vmax=1, interpolation='nearest')
        axes.set_title(f'{label}, {image.shape[0]}×{image.shape[1]}', fontsize='medium')
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


def png_bytes(figure):
    """A figure as the bytes of a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format='png', dpi=100)
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
    axes.annotate(text, (0.5, 1), (0, height), fontsize=8, parse_math=False, **place)


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


def _draw_errors(axes, scale, first):
    """Draw one scale's error curves from iteration `first` on, and where its learning rate fell."""
    labelled = first == 0
    for name, (label, colour, style) in ERROR_CURVES.items():
        if scale[name]:
            steps = np.add(scale['mse_steps'], first)
            axes.plot(steps, scale[name], style, color=colour, marker='.', label=label if labelled else None)
    for index, iteration in enumerate(scale['learning_rate_changes']):
        label = 'learning rate divided by 10' if labelled and index == 0 else None
        axes.axvline(first + iteration, color='0.4', linestyle='--', linewidth=1, label=label)
    if first:
        axes.axvline(first, color='black', linewidth=1.5)
    text = f'×{scale["sf"][0]:g}×{scale["sf"][1]:g}'
    axes.annotate(
        text, (first, 0), xycoords=('data', 'axes fraction'), xytext=(3, 4), textcoords='offset points'
    )
