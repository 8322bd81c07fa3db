"""Tables as text: the one place where Markdown and CSV are written."""

import csv
import io


def markdown_table(heads, rows, left=None):
    """A table in Markdown.

    Args:
        heads: of the columns.
        rows: iterable of lists of cells, as many as heads.
        left: the heads of the columns that are aligned left, the others being aligned right; None: no
            alignment is asked for.

    Returns:
        Text, a line per row.
    """
    rule = '|---' * len(heads) + '|\n'
    if left is not None:
        rule = _line('---' if head in left else '--:' for head in heads)
    return _line(heads) + rule + ''.join(map(_line, rows))


def csv_text(heads, rows):
    """A table as CSV: numbers in full precision, empty cells for None."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(heads)
    writer.writerows(rows)
    return text.getvalue()


def _line(cells):
    return '| ' + ' | '.join(str(cell).replace('|', r'\|') for cell in cells) + ' |\n'
