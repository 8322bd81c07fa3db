"""writers.py: tables as Markdown and CSV."""

import csv

from comparing import writers


def test_markdown_escapes_bars_and_aligns_columns():
    text = writers.markdown_table(['a|b', 'n', 'c'], [['x|y', 1, None], ['z', 2.5, '']], left=['a|b', 'c'])
    assert text.splitlines() == [
        r'| a\|b | n | c |',
        '| --- | --: | --- |',
        r'| x\|y | 1 | None |',
        '| z | 2.5 |  |',
    ]
    assert text.endswith('\n')


def test_markdown_without_alignment():
    assert writers.markdown_table(['a', 'b'], []) == '| a | b |\n|---|---|\n'


def test_csv_comes_back_whole():
    rows = [['a, "quoted" name', 1 / 3, None], ['two\nlines', float('inf'), 'µ']]
    text = writers.csv_text({'name': str, 'number': float, 'none': str}, iter(rows))
    assert text.startswith('name,number,none\n')
    assert '\r' not in text
    read = list(csv.reader(text.splitlines(keepends=True)))[1:]
    assert read == [['a, "quoted" name', repr(1 / 3), ''], ['two\nlines', 'inf', 'µ']]
