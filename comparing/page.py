"""The page of a comparison: one HTML file that needs nothing else, below 20 MB however many images it shows.

`Page` takes one image after the other and shares the bytes that are left among those still to come: pictures
are embedded without loss while that fits, then lossy, then scaled down, with the patches that differ most
always cut out at full size and without loss. The template, its style and its script are page.html.
"""

import json
import math
import re
from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np

from comparing.curves import curves_svg
from comparing.difference_map import MAP_COLOURS, PEAKS, Peak, map_top, painted, peaks, shrunk
from comparing.embedding import address
from comparing.strips import difference, viewable
from comparing.verdicts import decibels, score_cells, score_heads
from settings.scales import scale_text

TEMPLATE = Path(__file__).with_name('page.html')
BYTE_LIMIT = 20_000_000  # what mail servers and code reviews still take
PIXEL_LIMIT = 4_000_000  # larger pictures are shown scaled down
COLUMN_ORDER = 0, 2, 4, 1, 3, 5, 6, 7  # of score cells and scale: a phone has room for three
NOTES = 200  # that are shown
MARGIN = 56  # pixels that are cut out around a patch, so that the zoom can move a little at full size


class Attempt(NamedTuple):
    """A way to show an image: share of PIXEL_LIMIT, WebP quality or None for without loss, most crops."""

    share: float
    quality: int | None
    crops: int


ATTEMPTS = [  # best first
    Attempt(1, None, PEAKS),
    Attempt(1, 90, PEAKS),
    Attempt(1 / 4, 85, PEAKS),
    Attempt(1 / 16, 80, 1),
    Attempt(1 / 64, 70, 1),
    Attempt(1 / 400, 60, 0),
]


class Page:
    """A page that grows image by image and never beyond `BYTE_LIMIT` bytes."""

    def __init__(self, names, count, listed):
        """Leave room.

        Args:
            names: what the two results are called.
            count: of images that will be shown.
            listed: of images that will be in the table.
        """
        self._names = names
        self._escaped = dict(zip('ab', map(escape, names), strict=True))
        self._sections, self._numbers = [], {}  # the HTML of images; name -> number of its section
        self._reduced, self._omitted = 0, 0
        self._coming = count
        self._frame, self._fragment = _template()
        # Scores, notes and headings take a few hundred bytes per image; leave them room.
        self._left = BYTE_LIMIT - len(self._frame) - 50_000 - 1200 * count - 300 * listed

    def skip(self):
        """Count an image that could not be compared."""
        self._coming -= 1

    def add(self, verdict, pictures, records, facts=()):
        """Show an image in the best way that leaves the others their share.

        Args:
            verdict: `Verdict` on it.
            pictures: its `Pictures`.
            records: what run.json holds of it for either result, dicts, perhaps empty.
            facts: what else is to be told of it: pairs of a name and HTML.
        """
        share = self._left / max(1, self._coming)
        self._coming -= 1
        shown = dict(zip('ab', map(viewable, pictures.results), strict=True))
        if pictures.truth is not None:
            shown['truth'] = viewable(pictures.truth)
        gap = difference(*pictures.results)
        common = {
            'curves': _figure(curves_svg(self._names, records)),
            'about': _list(facts),
            'channels': _channels(pictures.results[0]),
        }
        for attempt in ATTEMPTS:
            exact = attempt.quality is None
            if exact and gap.size > PIXEL_LIMIT:
                continue  # scaled down, it is not exact anyway
            # Trying takes seconds: photographs take a byte for 4 pixels without loss, for 40 with, or more.
            least = min(gap.size, attempt.share * PIXEL_LIMIT) * len(shown) / (4 if exact else 40)
            if least > share and attempt is not ATTEMPTS[-1]:
                continue
            section = self._section(verdict, shown, gap, attempt, common, pictures.icc)
            if len(section) <= share:
                self._reduced += not exact
                self._left -= len(section)
                self._sections.append(section)
                self._numbers[verdict.name] = len(self._sections)
                return
        self._omitted += 1

    def html(self, verdicts, means, notes, facts=()):
        """The text of the finished page.

        Args:
            verdicts: list of `Verdict`, of all images.
            means: the `Verdict` of their means.
            notes: what was left out, one line each.
            facts: what is to be told of the whole: pairs of a name and HTML.
        """
        notes = [*self._remarks(), *notes]
        if len(notes) > NOTES:
            notes = [*notes[:NOTES], f'and {len(notes) - NOTES} notes more']
        listed = ''.join(f'<li>{escape(note)}</li>' for note in notes)
        values = {
            'count': f'{len(verdicts)} image{"s" if len(verdicts) > 1 else ""}',
            'border': _border_text(verdicts),
            'ramp': ', '.join(f'rgb{colour}' for colour in MAP_COLOURS),
            'summary': self._summary(means),
            'about_all': _list(facts),
            'table': self._table(verdicts, means),
            'notes': f'<ul class="notes">{listed}</ul>' if notes else '',
            'sections': ''.join(self._sections),
        }
        return _fill(self._frame, self._escaped | values)

    def _section(self, verdict, shown, gap, attempt, common, icc):
        """The HTML of one image, its pictures encoded as `attempt` says; `common`: the rest."""
        factor = min(1, math.sqrt(attempt.share * PIXEL_LIMIT / gap.size), 8192 / max(gap.shape))
        patches, top = peaks(gap), map_top(gap)
        cut = [] if factor == 1 and attempt.quality is None else patches[: attempt.crops]
        detail = {
            'size': [verdict.size[1], verdict.size[0]],
            'peaks': [[peak.left, peak.top, peak.side] for peak in patches],
            'crops': [_crop(peak, shown, gap, top, icc) for peak in cut],
        }
        addresses = {key: address(image, factor, attempt.quality, icc) for key, image in shown.items()}
        names = [*self._names, 'ground truth'][: len(shown)]
        truth = '<img class="source truth" alt="" hidden src="{}">'
        values = {
            'id': len(self._sections) + 1,
            'name': escape(verdict.name),
            'facts': escape(_facts(verdict, factor, attempt.quality) + common['channels']),
            'shape': ' class="tall"' if verdict.size[0] >= 2 * verdict.size[1] else '',
            'scores': self._scores(verdict),
            'width': verdict.size[1],
            'height': verdict.size[0],
            'picture_a': addresses['a'],
            'picture_b': addresses['b'],
            'picture_map': address(painted(shrunk(gap, factor), top)),
            'truth': truth.format(addresses['truth']) if 'truth' in shown else '',
            'tiles': ''.join(map(_tile, [*shown, 'map'], [*names, 'difference'])),
            'top': f'{top}' if top >= gap.max() else f'{top} and more',
            'largest': verdict.largest,
            'jumps': _jumps(patches, gap),
            'detail': json.dumps(detail).replace('<', r'\u003c'),
        }
        return _fill(self._fragment, self._escaped | common | values)

    def _scores(self, verdict):
        """The scores of one image as a description list."""
        psnr_a, ssim_a, psnr_b, ssim_b, gain, between, largest = score_cells(verdict)
        entries = [('between', 'between the two', f'{between} dB, largest difference {largest}')]
        if verdict.psnr_a is not None:
            entries = [
                ('a', self._escaped['a'], f'{psnr_a} dB · {ssim_a}'),
                ('b', self._escaped['b'], f'{psnr_b} dB · {ssim_b} <small>{gain} dB</small>'),
                *entries,
            ]
        return ''.join(f'<div class="{c}"><dt>{name}</dt><dd>{text}</dd></div>' for c, name, text in entries)

    def _table(self, verdicts, means):
        """The table of scores, each image's name a link to its section where it has one; no empty columns."""
        lines = [[*score_cells(verdict), scale_text(verdict.scale)] for verdict in (*verdicts, means)]
        heads = [*score_heads(self._names), 'scale']
        shown = [column for column in COLUMN_ORDER if any(line[column] for line in lines)]
        heads, *lines = ([line[column] for column in shown] for line in (heads, *lines))
        head = ''.join(f'<th scope="col">{escape(h)}</th>' for h in ('image', *heads))
        body = ''
        for verdict, line in zip(verdicts, lines, strict=False):
            number, name = self._numbers.get(verdict.name), escape(verdict.name)
            body += _table_line(f'<a href="#image-{number}">{name}</a>' if number else name, line)
        foot = f'<tfoot>{_table_line("mean", lines[-1])}</tfoot>' if len(verdicts) > 1 else ''
        return f'<thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}'

    def _summary(self, means):
        """The outcome in one sentence."""
        a, b = self._escaped.values()
        if means.gain is None:
            return f'No ground truth; {a} and {b} are compared with each other only.'
        if not math.isfinite(means.gain) or abs(means.gain) < 0.005:
            return f'{b} and {a} score alike: {decibels(means.psnr_b)} dB on average.'
        place = 'above' if means.gain > 0 else 'below'
        return f'{b} scores {abs(means.gain):.2f} dB {place} {a} on average.'

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


def _border_text(verdicts):
    """How many pixels were cropped, if it is the same for all."""
    borders = {verdict.border for verdict in verdicts if verdict.border}
    numbers = dict.fromkeys(borders.pop()) if len(borders) == 1 else ()
    return ' by ' + ' and '.join(map(str, numbers)) + ' pixels' if numbers else ' by the scale factor'


def _facts(verdict, factor, quality):
    """Scale and size of an image, and how it is shown."""
    facts = [scale_text(verdict.scale), f'{verdict.size[1]} × {verdict.size[0]} pixels']
    if factor < 1:
        facts.append(f'shown at {100 * factor:.0f} %, crops at full size')
    elif quality is not None:
        facts.append('shown with slight compression, crops without')
    return ' · '.join(filter(None, facts))


def _channels(image):
    """What is to be told of an image of channels that no screen shows."""
    count = image.shape[2]
    return '' if count in (1, 3) else f' · {count} channels: shown as their mean, in gray; scores are of all'


def _list(facts):
    """Facts as a description list, nothing if there are none."""
    entries = ''.join(f'<div><dt>{escape(name)}</dt><dd>{html}</dd></div>' for name, html in facts)
    return entries and f'<dl class="about">{entries}</dl>'


def _figure(curves):
    return curves and f'<figure class="curves">{curves}</figure>'


def _table_line(head, cells):
    """A line of the table; `head` is HTML, the cells are text."""
    return f'<tr><th scope="row">{head}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'


def _tile(key, name):
    """One view of the zoom."""
    canvas = f'<canvas data-source="{key}"></canvas>'
    return f'<figure class="{key}">{canvas}<figcaption>{escape(name)}</figcaption></figure>'


def _jumps(patches, gap):
    """Buttons that move the zoom to the patches that differ most."""
    buttons = []
    for number, peak in enumerate(patches, 1):
        title = f'Patch {number}, where they differ by up to {peak.of(gap).max()} grey levels'
        buttons.append(f'<button type="button" aria-label="{title}" title="{title}">{number}</button>')
    return ''.join(buttons)


def _crop(peak, shown, gap, top, icc):
    """A patch with a margin cut out of all pictures and the map, at full size and without loss."""
    side = min(peak.side + 2 * MARGIN, *gap.shape)
    corner = [start + peak.side // 2 - side // 2 for start in (peak.top, peak.left)]
    area = Peak(*(int(np.clip(start, 0, n - side)) for start, n in zip(corner, gap.shape, strict=True)), side)
    cut = {key: address(area.of(image), icc=icc) for key, image in shown.items()}
    return {'at': [area.left, area.top, side], **cut, 'map': address(painted(area.of(gap), top))}
