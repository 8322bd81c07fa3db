"""Tables as text: the one place where Markdown and CSV are written."""

import csv
import re
from types import SimpleNamespace

from files.storage import printable

# What Markdown, or the HTML within, would take for more than text: a name may hold anything. An underscore
# within a word is none of it, nor are brackets that are no link.
SIGNS = re.compile(r'[\\`*~$<|]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[:])')


class Bold(str):
    """The text of a cell that is printed in bold."""


def markdown_table(heads, rows, left=None):
    """A table in Markdown.

    Args:
        heads: of the columns.
        rows: iterable of lists of cells, as many as heads; what they hold is text, whatever Markdown or HTML
            it looks like.
        left: the heads of the columns that are aligned left, the others being aligned right; None: no
            alignment is asked for.

    Returns:
        Text, a line per row.
    """
    rule = '|---' * len(heads) + '|\n'
    if left is not None:
        rule = '| ' + ' | '.join('---' if head in left else '--:' for head in heads) + ' |\n'
    return _line(heads) + rule + ''.join(map(_line, rows))


def csv_text(heads, rows):
    """A table as CSV: numbers in full precision, empty cells for None.

    Encoded with `surrogateescape`, names that are not UTF-8 keep their bytes.
    """
    lines = []
    # By the writer's own rule, cells are quoted that hold a character of the end of a line.
    writer = csv.writer(SimpleNamespace(write=lines.append), lineterminator='\r\n')
    writer.writerow(heads)
    writer.writerows(rows)
    return ''.join(line.removesuffix('\r\n') + '\n' for line in lines)


def _line(cells):
    return '| ' + ' | '.join(map(_cell, cells)) + ' |\n'


def _cell(cell):
    text = SIGNS.sub(r'\\\g<0>', printable(str(cell)))
    return f'**{text}**' if isinstance(cell, Bold) else text
