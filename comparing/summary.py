"""What became of every image of a run, as a table (summary.csv) and as a page (summary.html)."""

import math
import re
from collections import Counter
from dataclasses import astuple, dataclass, fields
from html import escape
from pathlib import Path
from urllib.parse import quote

from comparing.writers import csv_text
from files.storage import atomic_write, one_line

TEMPLATE = Path(__file__).with_name('summary.html')

# In this order on the page.
STATES = 'failed', 'left', 'done', 'skipped'


@dataclass(frozen=True)
class Line:
    """An image and what became of it.

    Attributes:
        image: its file.
        status: 'done' by this run, 'skipped' since it was done before, 'failed', or 'left' by a stopped run.
        reason: why it failed.
        seconds: that it took, or None.
        psnr: of its result in dB, math.inf included, or None where it is not known.
        bicubic_psnr: of bicubic enlargement, likewise.
        output: name of its result.
    """

    image: str
    status: str
    reason: str = ''
    seconds: float | None = None
    psnr: float | None = None
    bicubic_psnr: float | None = None
    output: str | None = None

    @classmethod
    def of(cls, image, status):
        """The line of a brief entry of run.json (`files.earlier.brief`)."""
        scale, is_measured = image['scales'][-1], image['ground_truth'] is not None
        scores = scale['psnr'], image['bicubic_psnr']
        # Infinity is None in JSON, and so is what was not measured.
        psnr, bicubic = (math.inf if is_measured and score is None else score for score in scores)
        return cls(str(image['input']), status, '', image['seconds'], psnr, bicubic, scale['output'])


def write_summary(folder, lines):
    """Write summary.csv and summary.html into the folder of a run.

    Args:
        folder: of the run.
        lines: list of Line.
    """
    lines = sorted(lines, key=lambda line: line.image)
    heads = [column.name for column in fields(Line)]
    table = csv_text(heads, map(astuple, lines))
    atomic_write(Path(folder) / 'summary.csv', table.encode(errors='surrogateescape'))
    lines.sort(key=lambda line: STATES.index(line.status))
    counts = Counter(line.status for line in lines)
    told = ', '.join(f'{counts[state]} {state}' for state in STATES if counts[state])
    filled = {
        'title': escape(f'{Path(folder).resolve().name}: {len(lines)} images'),
        'counts': f'{told}. How each was made: <a href="run.json">run.json</a>.',
        'heads': ''.join(f'<th>{head}</th>' for head in ('image', 'status', 'reason', 's', 'dB', 'bicubic')),
        'rows': '\n'.join(map(_row, lines)),
    }
    page = TEMPLATE.read_text(encoding='utf-8')
    page = re.sub(r'\{\{(\w+)\}\}', lambda place: filled[place[1]], page)
    atomic_write(Path(folder) / 'summary.html', page.encode(errors='replace'))


def _row(line):
    """A row of the page."""
    name = escape(one_line(line.image))
    if line.output:
        name = f'<a href="{quote(line.output, errors="surrogateescape")}">{name}</a>'
    numbers = (line.seconds, '.1f'), (line.psnr, '.2f'), (line.bicubic_psnr, '.2f')
    cells = [name, line.status, escape(one_line(line.reason)) if line.reason else '']
    cells += ['' if value is None else format(value, form) for value, form in numbers]
    return f'<tr class="{line.status}">' + ''.join(f'<td>{cell}</td>' for cell in cells) + '</tr>'
