"""The page of a comparison: one HTML file that needs nothing else, below 20 MB however many images it shows.

`Page` takes one image after the other and shares the bytes that are left among those still to come: pictures
are embedded without loss while that fits, then lossy, then scaled down, with the patches that differ most
always cut out at full size and without loss. The template, its style and its script are report_template.html.
"""

import base64
import io
import json
import math
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from comparing.strips import row_strips
from settings.scales import scale_text

TEMPLATE = Path(__file__).with_name('report_template.html')
BYTE_LIMIT = 20_000_000  # what mail servers and code reviews still take
PIXEL_LIMIT = 4_000_000  # larger pictures are shown scaled down
PEAKS = 3  # patches cut out per image
PATCH = 48  # side of a patch in pixels, also what the zoom shows at first; more where pictures are large
MARGIN = 56  # pixels that are cut out around a patch, so that the zoom can move a little at full size

# Attempts at showing an image, best first: (share of PIXEL_LIMIT, WebP quality or None: without loss, crops).
ATTEMPTS = [
    (1, None, PEAKS),
    (1, 90, PEAKS),
    (1 / 4, 85, PEAKS),
    (1 / 16, 80, 1),
    (1 / 64, 70, 1),
    (1 / 400, 60, 0),
]

# The colours of the difference map at 0, ¼, ½, ¾ and 1 of its scale: light is equal, on paper as well.
MAP_COLOURS = [(255, 255, 255), (253, 222, 160), (238, 146, 70), (184, 52, 46), (62, 12, 44)]


@dataclass(frozen=True)
class Peak:
    """A square patch in which two pictures differ most: top row, left column and side, in pixels."""

    top: int
    left: int
    side: int


def difference(a, b):
    """Absolute difference of two pictures, the largest of the channels.

    Args:
        a: uint8 array (H, W, C).
        b: uint8 array of the same shape.

    Returns:
        uint8 array (H, W), in grey levels.
    """
    gap = np.empty(a.shape[:2], np.uint8)
    for rows in row_strips(*gap.shape):
        gap[rows] = (np.maximum(a[rows], b[rows]) - np.minimum(a[rows], b[rows])).max(axis=2)
    return gap


def peaks(gap, count=PEAKS, side=None):
    """Find the patches in which two pictures differ most, by mean square; they do not overlap.

    Args:
        gap: uint8 array (H, W), the `difference`.
        count: the most patches wanted.
        side: their side in pixels, smaller where the picture is; None: 48, or 1/32 of a large picture's side.

    Returns:
        A list of `Peak`, the largest difference first; at least one, in the middle if there is no difference.
    """
    height, width = gap.shape
    side = min(side or max(PATCH, min(height, width) // 32), height, width)
    means = gap.astype(np.float32)
    np.square(means, out=means)
    ndimage.uniform_filter(means, side, output=means, mode='constant')
    # The filter's window is centred; its corner is wanted, and windows that lie within the picture.
    means = means[side // 2 :, side // 2 :][: height - side + 1, : width - side + 1]
    found = []
    while len(found) < count:
        top, left = (int(i) for i in np.unravel_index(np.argmax(means), means.shape))
        if means[top, left] <= 1e-3:
            break
        found.append(Peak(top, left, side))
        means[max(0, top - side + 1) : top + side, max(0, left - side + 1) : left + side] = 0
    return found or [Peak((height - side) // 2, (width - side) // 2, side)]


def score_heads(names):
    """Name the columns of `score_cells`.

    Args:
        names: what the two results are called.

    Returns:
        A list of texts.
    """
    heads = [f'{name} {score}' for name in names for score in ('PSNR', 'SSIM')]
    return [*heads, f'{names[1]} − {names[0]}', 'PSNR between', 'largest difference']


def score_cells(row):
    """Write the scores of a row as text; see `score_heads`.

    Args:
        row: `compare.Row`.

    Returns:
        A list of texts, empty ones where there is no truth.
    """
    gain = '' if row.psnr_a is None else _decibels(row.psnr_b - row.psnr_a, '+.2f')
    scores = [_decibels(row.psnr_a), _ssim(row.ssim_a), _decibels(row.psnr_b), _ssim(row.ssim_b)]
    return [*scores, gain, _decibels(row.psnr_between), str(row.largest)]


class Page:
    """A report that grows image by image and never beyond `BYTE_LIMIT` bytes.

    Args:
        names: what the two results are called.
        count: how many images will come.
    """

    def __init__(self, names, count):
        self.names = names
        self._sections, self._numbers = [], {}  # the HTML of images; name -> number of its section
        self._reduced, self._omitted = 0, 0
        self._coming = count
        self._frame, self._fragment = _template()
        # Scores, notes and headings take a few hundred bytes per image; leave them room.
        self._left = BYTE_LIMIT - len(self._frame) - 50_000 - 1500 * count

    def skip(self):
        """Count an image that could not be compared."""
        self._coming -= 1

    def add(self, row, pictures, runs):
        """Show an image in the best way that leaves the others their share.

        Args:
            row: its scores (`compare.Row`).
            pictures: its pictures (`compare.Pictures`).
            runs: what run.json records of it in either folder, a pair of dicts, perhaps empty.
        """
        from comparing import plots  # loads matplotlib

        share = self._left / max(1, self._coming)
        self._coming -= 1
        curves = plots.loss_curves_svg(list(zip(self.names, runs, strict=True)))
        shown = {'a': pictures.a, 'b': pictures.b, 'truth': pictures.truth}
        shown = {key: image for key, image in shown.items() if image is not None}
        gap = difference(pictures.a, pictures.b)
        for attempt in ATTEMPTS:
            share_of_limit, quality, _ = attempt
            if quality is None and gap.size > PIXEL_LIMIT:
                continue  # scaled down, it is not exact anyway
            # Trying takes seconds: photographs take a byte for 4 pixels without loss, for 40 with, or more.
            least = min(gap.size, share_of_limit * PIXEL_LIMIT) * len(shown) / (4 if quality is None else 40)
            if least > share and attempt is not ATTEMPTS[-1]:
                continue
            section = self._section(row, shown, gap, attempt, curves)
            if len(section) <= share:
                self._reduced += quality is not None
                self._left -= len(section)
                self._sections.append(section)
                self._numbers[row.name] = len(self._sections)
                return
        self._omitted += 1

    def html(self, rows, means, notes):
        """The finished page.

        Args:
            rows: the scores of all images.
            means: the row of their means.
            notes: what was left out, one line each.

        Returns:
            The text of the HTML file.
        """
        notes = [*notes, *self._remarks()]
        listed = ''.join(f'<li>{escape(note)}</li>' for note in notes)
        values = {
            'a': escape(self.names[0]),
            'b': escape(self.names[1]),
            'count': f'{len(rows)} image{"s" if len(rows) > 1 else ""}',
            'border': _border_text(rows),
            'ramp': ', '.join(f'rgb{colour}' for colour in MAP_COLOURS),
            'summary': self._summary(means),
            'table': self._table(rows, means),
            'notes': f'<ul class="notes">{listed}</ul>' if notes else '',
            'sections': ''.join(self._sections),
        }
        return _fill(self._frame, values)

    def _section(self, row, shown, gap, attempt, curves):
        """The HTML of one image, its pictures encoded as `attempt` says."""
        share, quality, crops = attempt
        factor = min(1, math.sqrt(share * PIXEL_LIMIT / gap.size), 8192 / max(gap.shape))
        top = _map_top(gap)
        patches = peaks(gap)
        exact = factor == 1 and quality is None
        cut = [] if exact else [_crop(peak, gap.shape) for peak in patches[:crops]]
        detail = {
            'size': [row.size[1], row.size[0]],
            'peaks': [[peak.left, peak.top, peak.side] for peak in patches],
            'crops': [{'at': [c.left, c.top, c.side], **_encode_crop(c, shown, gap, top)} for c in cut],
        }
        names = dict(zip(('a', 'b', 'truth'), (*self.names, 'ground truth'), strict=True))
        pictures = {key: _picture(image, factor, quality) for key, image in shown.items()}
        values = {
            'id': len(self._sections) + 1,
            'name': escape(row.name),
            'a': escape(self.names[0]),
            'b': escape(self.names[1]),
            'facts': escape(self._facts(row, factor, quality)),
            'scores': self._scores(row),
            'width': row.size[1],
            'height': row.size[0],
            'picture_a': pictures['a'],
            'picture_b': pictures['b'],
            'picture_map': _picture(_painted(_shrink_map(gap, factor), top), 1, None),
            'truth': f'<img class="source truth" alt="" hidden src="{pictures["truth"]}">'
            if 'truth' in shown
            else '',
            'tiles': ''.join(_tile(key, names[key]) for key in shown) + _tile('map', 'difference'),
            'top': f'{top}' if top >= gap.max() else f'{top} and more',
            'largest': row.largest,
            'jumps': _jumps(patches, gap),
            'curves': curves and f'<figure class="curves">{curves}</figure>',
            'detail': json.dumps(detail).replace('<', r'\u003c'),
        }
        return _fill(self._fragment, values)

    def _facts(self, row, factor, quality):
        """Scale, size and border of an image, and how it is shown."""
        facts = [scale_text(row.scale), f'{row.size[1]} × {row.size[0]} pixels']
        if factor < 1:
            facts.append(f'shown at {100 * factor:.0f} %, crops at full size')
        elif quality is not None:
            facts.append('shown with slight compression, crops without')
        return ' · '.join(fact for fact in facts if fact)

    def _scores(self, row):
        """The scores of one image as a description list."""
        cells = score_cells(row)
        items = [('between', 'between the two', f'{cells[5]} dB, largest difference {cells[6]}')]
        if row.psnr_a is not None:
            items = [
                ('a', self.names[0], f'{cells[0]} dB · {cells[1]}'),
                ('b', self.names[1], f'{cells[2]} dB · {cells[3]} <small>{cells[4]} dB</small>'),
                *items,
            ]
        return ''.join(
            f'<div class="{c}"><dt>{escape(name)}</dt><dd>{text}</dd></div>' for c, name, text in items
        )

    def _table(self, rows, means):
        """The table of scores, each image's name a link to its section where it has one; no empty columns."""
        cells = [[scale_text(row.scale), *score_cells(row)] for row in (*rows, means)]
        heads = ['', *score_heads(self.names)]
        shown = [column for column in range(len(heads)) if any(line[column] for line in cells)]
        heads, *cells = ([line[column] for column in shown] for line in (heads, *cells))
        head = ''.join(f'<th scope="col">{escape(h)}</th>' for h in ('image', *heads))
        body = ''
        for row, line in zip(rows, cells, strict=False):
            number, name = self._numbers.get(row.name), escape(row.name)
            body += _table_row(f'<a href="#image-{number}">{name}</a>' if number else name, line)
        foot = f'<tfoot>{_table_row("mean", cells[-1])}</tfoot>' if len(rows) > 1 else ''
        return f'<thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}'

    def _summary(self, means):
        """The outcome in one sentence."""
        a, b = (escape(name) for name in self.names)
        if means.psnr_a is None:
            return f'No ground truth; {a} and {b} are compared with each other only.'
        gain = means.psnr_b - means.psnr_a
        if not math.isfinite(gain) or abs(gain) < 0.005:
            return f'{b} and {a} score alike: {_decibels(means.psnr_b)} dB on average.'
        return f'{b} scores {abs(gain):.2f} dB {"above" if gain > 0 else "below"} {a} on average.'

    def _remarks(self):
        """What the limit on bytes cost."""
        limit = f'to keep this file below {BYTE_LIMIT / 1e6:.0f} MB'
        remarks = []
        if self._reduced:
            shown = '1 image is' if self._reduced == 1 else f'{self._reduced} images are'
            remarks.append(f'{shown} shown scaled down or compressed, {limit}')
        if self._omitted:
            remarks.append(f'{self._omitted} images are in the table only, {limit}; compare fewer at a time')
        return remarks


def _template():
    """The page without its images, and the fragment that each image fills."""
    text = TEMPLATE.read_text(encoding='utf-8')
    before, rest = text.split('<!-- for each image -->\n')
    fragment, after = rest.split('<!-- end -->\n')
    return before + '{{sections}}' + after, fragment


def _fill(template, values):
    """Put values, which are HTML already, in the place of {{their names}}."""
    return re.sub(r'\{\{(\w+)\}\}', lambda match: str(values[match[1]]), template)


def _decibels(value, form='.2f'):
    """A PSNR or a gain as text; empty without one, ∞ for identical pictures."""
    if value is None or math.isnan(value):
        return ''
    return format(value, form).replace('inf', '∞').replace('-', '−')


def _border_text(rows):
    """How many pixels were cropped, if it is the same for all."""
    borders = {row.border for row in rows}
    numbers = dict.fromkeys(borders.pop()) if len(borders) == 1 else ()
    return ' by ' + ' and '.join(map(str, numbers)) + ' pixels' if numbers else ' by the scale factor'


def _ssim(value):
    """An SSIM as text; empty without one."""
    return '' if value is None else f'{value:.4f}'


def _table_row(head, cells):
    """A row of the table; `head` is HTML, the cells are text."""
    return (
        f'<tr><th scope="row">{head}</th>' + ''.join(f'<td>{escape(cell)}</td>' for cell in cells) + '</tr>'
    )


def _tile(key, name):
    """One view of the zoom."""
    canvas = f'<canvas data-source="{key}"></canvas>'
    return f'<figure class="{key}">{canvas}<figcaption>{escape(name)}</figcaption></figure>'


def _jumps(patches, gap):
    """Buttons that move the zoom to the patches that differ most."""
    buttons = []
    for number, peak in enumerate(patches, 1):
        largest = gap[peak.top : peak.top + peak.side, peak.left : peak.left + peak.side].max()
        title = f'Patch {number}, where they differ by up to {largest} grey levels'
        buttons.append(f'<button type="button" aria-label="{title}" title="{title}">{number}</button>')
    return ''.join(buttons)


def _map_top(gap):
    """Upper end of the map's scale: one stray pixel in 500 may exceed it, lest it make all others white."""
    return max(4, math.ceil(np.percentile(gap, 99.8)))


def _painted(gap, top):
    """A difference map (H, W) in colours, uint8 (H, W, 3), from 0 to `top` grey levels."""
    steps = np.linspace(0, top, len(MAP_COLOURS))
    table = [np.interp(np.arange(256), steps, channel) for channel in np.transpose(MAP_COLOURS)]
    return np.stack(table, axis=1).round().astype(np.uint8)[gap]


def _shrink_map(gap, factor):
    """A difference map at no more than `factor` of its size: the largest of each block, so none is lost."""
    block = math.ceil(1 / factor)
    if block == 1:
        return gap
    height, width = (-(-side // block) for side in gap.shape)
    padded = np.pad(gap, ((0, height * block - gap.shape[0]), (0, width * block - gap.shape[1])))
    return padded.reshape(height, block, width, block).max(axis=(1, 3))


def _crop(peak, shape):
    """The surroundings of a patch that are cut out: a square with a margin, or what there is."""
    side = min(peak.side + 2 * MARGIN, *shape)
    corner = [start + peak.side // 2 - side // 2 for start in (peak.top, peak.left)]
    return Peak(*(int(np.clip(start, 0, n - side)) for start, n in zip(corner, shape, strict=True)), side)


def _encode_crop(crop, shown, gap, top):
    """Cut-outs of all pictures and the map at full size, without loss, by source."""
    rows, columns = slice(crop.top, crop.top + crop.side), slice(crop.left, crop.left + crop.side)
    cut = {key: image[rows, columns] for key, image in shown.items()}
    cut['map'] = _painted(gap[rows, columns], top)
    return {key: _picture(image, 1, None) for key, image in cut.items()}


def _picture(image, factor, quality):
    """A picture (H, W, C) scaled by `factor` as a data: address; WebP, without loss if `quality` is None."""
    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    if factor < 1:
        size = [max(1, round(side * factor)) for side in picture.size]
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    data = io.BytesIO()
    # For lossless files quality is effort; 30 takes a third of the time of 80 and adds 1 % of bytes.
    picture.convert('RGB').save(data, 'WEBP', lossless=quality is None, quality=quality or 30, method=2)
    return 'data:image/webp;base64,' + base64.b64encode(data.getvalue()).decode()
