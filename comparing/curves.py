"""How a training went, as an SVG element for a page."""

import math
from html import escape

import numpy as np

from files.records import read_curves

POINTS = 240  # what a curve is thinned to

# Times powers of ten, the ticks of a logarithmic axis; of the first that gives three.
TICKS = (1,), (1, 2, 5), (1, 2, 3, 5), (1, 1.5, 2, 3, 4, 6, 8), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)


def curves_svg(names, records):
    """Draw the trainings behind two results of an image: loss and quick tests, logarithmic.

    Args:
        names: what the two results are called. The first takes the page's colour `a`, the second `b`.
        records: what run.json holds of the image for each, a dict; fields may be missing.

    Returns:
        Text of an <svg> and its caption, empty if no loss is recorded.
    """
    trainings = dict(zip('ab', map(read_curves, records), strict=True))
    lines, drops, ends = [], [], []
    for key, scales in trainings.items():
        start = 0
        for scale in scales:
            iterations = len(scale.loss)
            lines.append((f'{key} loss', *_positive(start + np.arange(iterations), 255 * scale.loss)))
            lines.append((f'{key} test', *_positive(start + scale.steps, 255 * np.sqrt(scale.errors))))
            drops += [(key, start + at) for at in scale.drops]
            start += iterations
            ends.append(start)
    lines = [line for line in lines if len(line[1]) > 1]
    if not lines:
        return ''
    named = {key: name for key, name in zip('ab', names, strict=True) if trainings[key]}
    tested = any('test' in kind for kind, *_ in lines)
    return _svg(lines, drops, max(ends)) + _caption(named, tested, bool(drops))


def _svg(lines, drops, end):
    """The element itself: axes, lines (class, x, y) and marks where the learning rate fell."""
    width, height = 720, 300
    left, right, top, base = 46, width - 12, 36, height - 66
    values = np.concatenate([y for _, _, y in lines])
    low, high = np.log10(log_limits(values))

    def across(x):
        """Pixels from the left."""
        return left + (right - left) * x / end

    def down(y):
        """Pixels from the top."""
        return top + (base - top) * (high - np.log10(y)) / (high - low)

    parts = []
    for tick in log_ticks(10**low, 10**high):
        y = f'{down(tick):.1f}'
        parts.append(f'<path class="grid" d="M{left} {y}H{right}"/>')
        parts.append(f'<text class="y" x="{left - 6}" y="{y}" dy=".32em">{tick:g}</text>')
    for tick in _round_ticks(end):
        parts.append(f'<text class="x" x="{across(tick):.1f}" y="{base + 9}">{tick:g}</text>')
    for key, at in drops:
        parts.append(f'<path class="drop {key}" d="M{across(at):.1f} {base}v-9"/>')
    for kind, x, y in lines:
        points = ' '.join(f'{across(i):.1f},{down(j):.1f}' for i, j in zip(x, y, strict=True))
        parts.append(f'<polyline class="{kind}" points="{points}"/>')
    parts.append(f'<path class="axis" d="M{left} {base}H{right}"/>')
    parts.append('<text class="unit" y="2">error, grey levels of 255</text>')
    parts.append(f'<text class="unit end" x="{right}" y="{base + 38}">training steps (iterations)</text>')
    label = 'Training loss and error of the quick tests over iterations'
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _caption(named, tested, dropped):
    """What the lines mean, and which colour is whose; of what is drawn alone."""
    keys = ' '.join(f'<span class="key {key}">{escape(name)}</span>' for key, name in named.items())
    text = 'How the training went. Faint: crops of the image, made small and enlarged again, mean error.'
    if tested:
        text += (
            ' Strong: the same with the whole image, root mean square error, which is the larger of the two.'
        )
    if dropped:
        text += ' Ticks: the learning rate fell.'
    return f'<figcaption>{keys} {text}</figcaption>'


def binned(x, y, count=POINTS):
    """Thin a curve to medians of at most `count` bins; points that are not finite are left out.

    Args:
        x, y: float arrays of one length.
        count: at least 1.

    Returns:
        Two arrays of one length, which is 0 if no point is finite.
    """
    keep = np.isfinite(y)
    x, y = x[keep], y[keep]
    if len(y) == 0:
        return x, y
    bins = np.array_split(np.arange(len(y)), min(len(y), count))
    return np.array([x[b].mean() for b in bins]), np.array([np.median(y[b]) for b in bins])


def log_limits(values):
    """Where a logarithmic axis of these positive values begins and ends, more than a factor of two apart."""
    low, high = math.log10(np.min(values)), math.log10(np.max(values))
    return 10 ** (low - 0.05), 10 ** max(high + 0.05, low + 0.29)


def log_ticks(low, high):
    """Round values between two positive numbers; between `log_limits`, three or more."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in TICKS:
        ticks = [m * 10.0**p for p in powers for m in factors if low <= m * 10.0**p <= high]
        if len(ticks) >= 3:
            break
    return ticks


def _positive(x, y):
    """`binned` without what a logarithm cannot show."""
    with np.errstate(invalid='ignore'):
        keep = y > 0
    return binned(x[keep], y[keep])


def _round_ticks(end):
    """From three to seven round numbers from 0 to `end`."""
    step = next(m * 10**p for p in range(12) for m in (1, 2, 5) if end / (m * 10**p) <= 6)
    return range(0, int(end) + 1, step)
