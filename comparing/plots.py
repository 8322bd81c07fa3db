"""Every figure; the only user of matplotlib.

Figures are made as objects, without pyplot, so that nothing global is touched and no display is needed.
"""

import io
import itertools
import math
from html import escape

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator
from PIL import Image

CROP_COLOURS = ('#d1495b', '#1b6ca8')  # frames of the first and second crop
VIEW_SIDE = 1200  # pixels; larger views of whole images are scaled down, their crops are not
CURVE_POINTS = 240  # what a curve on a page is thinned to


def comparison_figure(panels, boxes, size):
    """Draw images beside each other with crops below, as papers do.

    Args:
        panels: list of (label, image, score), image a uint8 array (H, W, C), C 1 or 3, score a text below the
            label. A smaller image, such as the input, is enlarged without interpolation.
        boxes: list of one or two (top, left, side), the crops, in pixels of the results.
        size: (H, W) of the results.

    Returns:
        A matplotlib `Figure`, 7.2 inches wide, for `savefig`.
    """
    figure, grid = _comparison_grid(len(panels), len(boxes), size)
    for column, (label, image, score) in enumerate(panels):
        axes = figure.add_subplot(grid[0, column])
        _show(axes, _thinned(image), (0, size[1], size[0], 0), 'antialiased')
        _label(axes, label, 16)
        _label(axes, score, 5)
        for row, ((top, left, side), colour) in enumerate(zip(boxes, CROP_COLOURS, strict=False), 1):
            axes.add_patch(Rectangle((left, top), side, side, fill=False, edgecolor=colour, linewidth=1))
            crop_axes = figure.add_subplot(grid[row, column])
            _show_crop(crop_axes, image, (top, left, side), size)
            for spine in crop_axes.spines.values():
                spine.set(visible=True, color=colour, linewidth=1.5)
    return figure


def loss_curves_svg(runs):
    """Draw the training of one image as an SVG element for a page: loss and quick tests, logarithmic.

    Args:
        runs: two of (name, record), record a dict, what run.json holds of the image; fields may be missing.
            The first takes the page's colour `a`, the second `b`.

    Returns:
        Text of an <svg> and its caption, empty if no run recorded its loss.
    """
    curves, drops, ends = [], [], []
    for key, (_, record) in zip('ab', runs, strict=True):
        start = 0
        for scale in record.get('scales') or []:
            loss = _numbers(scale.get('loss'))
            steps, errors = _numbers(scale.get('mse_steps')), _numbers(scale.get('mse_rec'))
            steps, errors = (values[: min(len(steps), len(errors))] for values in (steps, errors))
            curves.append((f'{key} loss', *_binned(start + np.arange(len(loss)), 255 * loss)))
            curves.append((f'{key} test', *_binned(start + steps, 255 * np.sqrt(errors))))
            drops += [(key, start + at) for at in _numbers(scale.get('learning_rate_changes'))]
            start += len(loss)
            ends.append(start)
    curves = [curve for curve in curves if len(curve[1]) > 1]
    if not curves:
        return ''
    return _svg(curves, drops, max(ends)) + _svg_caption(runs)


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


def _svg(curves, drops, end):
    """The element itself: axes, curves (class, x, y) and marks where the learning rate fell."""
    width, height, left, bottom, top = 720, 250, 46, 36, 12
    values = np.concatenate([y for _, _, y in curves])
    low, high = math.log10(values.min()), math.log10(values.max())
    low, high = low - 0.05, max(high + 0.05, low + 0.3)

    def across(x):
        """Pixels from the left."""
        return left + (width - left - 12) * x / end

    def down(y):
        """Pixels from the top."""
        return top + (height - top - bottom) * (high - np.log10(y)) / (high - low)

    parts = []
    for tick in _log_ticks(10**low, 10**high):
        y = f'{down(tick):.1f}'
        parts.append(f'<path class="grid" d="M{left} {y}H{width - 12}"/>')
        parts.append(f'<text class="y" x="{left - 6}" y="{y}" dy=".32em">{tick:g}</text>')
    for tick in _round_ticks(end):
        parts.append(f'<text class="x" x="{across(tick):.1f}" y="{height - bottom + 9}">{tick:g}</text>')
    for key, at in drops:
        base = height - bottom
        parts.append(f'<path class="drop {key}" d="M{across(at):.1f} {base}v-9"/>')
    for kind, x, y in curves:
        points = ' '.join(f'{across(i):.1f},{down(j):.1f}' for i, j in zip(x, y, strict=True))
        parts.append(f'<polyline class="{kind}" points="{points}"/>')
    base = f'<path class="axis" d="M{left} {height - bottom}H{width - 12}"/>'
    label = 'Training loss and reconstruction error over iterations'
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}">{"".join(parts)}{base}</svg>'


def _svg_caption(runs):
    """What the lines mean; a run without a record is not named."""
    keys = [
        f'<span class="key {key}">{escape(name)}</span>'
        for key, (name, record) in zip('ab', runs, strict=True)
        if record.get('scales')
    ]
    text = 'Training in grey levels over iterations: mean absolute loss (faint), RMS error of the quick tests'
    return f'<figcaption>{" ".join(keys)} {text} (strong); ticks: the learning rate fell.</figcaption>'


def _numbers(values):
    """A recorded list as floats; what is missing becomes empty, None within it NaN."""
    return np.array(values or [], dtype=np.float64)


def _binned(x, y):
    """Medians of at most `CURVE_POINTS` bins of a curve, without what a logarithm cannot show."""
    with np.errstate(invalid='ignore'):
        keep = np.isfinite(y) & (y > 0)
    x, y = x[keep], y[keep]
    if len(y) == 0:
        return x, y
    bins = np.array_split(np.arange(len(y)), min(len(y), CURVE_POINTS))
    return np.array([x[b].mean() for b in bins]), np.array([np.median(y[b]) for b in bins])


def _log_ticks(low, high):
    """Values 1, 2 and 5 times powers of ten between two positive numbers."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [m * 10**p for p in powers for m in (1, 2, 5) if low <= m * 10**p <= high]


def _round_ticks(end):
    """From three to seven round numbers from 0 to `end`."""
    step = next(m * 10**p for p in range(12) for m in (1, 2, 5) if end / (m * 10**p) <= 6)
    return range(0, int(end) + 1, step)


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


def run_figure(title, scales, images):
    """Draw how a training went: errors on a log scale with the rate changes marked, and the last pair below.

    Args:
        title: text above.
        scales: list of dicts, one per scale in order, as ZSSR's `records`: mse_steps, mse_rec,
            interp_rec_mse, mse and interp_mse (or None), learning_rate_changes, iterations, sf.
        images: list of (label, float array (H, W, C) in [0, 1]) to show below.

    Returns:
        A matplotlib `Figure`.
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


ERROR_CURVES = {
    'mse_rec': ('reconstruction of the input', 'tab:blue', '-'),
    'interp_rec_mse': ('the same by interpolation', 'tab:blue', ':'),
    'mse': ('true error', 'tab:red', '-'),
    'interp_mse': ('true error of interpolation', 'tab:red', ':'),
}


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


def frontier_figure(points):
    """Draw what presets reach against the time they take.

    Args:
        points: list of (name, seconds, PSNR in dB), means over the same images.

    Returns:
        A matplotlib `Figure`, 6 inches wide, for `savefig`.
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
    """Render a figure.

    Args:
        figure: matplotlib Figure.

    Returns:
        The bytes of a PNG file.
    """
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
        """Show a figure.

        Args:
            png: bytes of a PNG file.
        """
        if self._axes is not None:
            self._axes.clear()
            self._axes.set_axis_off()
            self._axes.imshow(Image.open(io.BytesIO(png)))
            self._axes.figure.canvas.draw()
            self._axes.figure.canvas.flush_events()
