"""writers.py: tables as Markdown and CSV."""

import csv
import io
import re
from html import unescape

import pytest
from markdown_it import MarkdownIt

from comparing import writers

HOSTILE = [
    '<script>alert(1)</script>',
    'a | b',
    '`code`',
    '*bold* and **bolder**',
    '_a_ b__c__ X2_REAL_CONF _',
    r'back\slash \| \*',
    '[link](http://x) ![](y) [a][b] [c]: d [aaaa]',
    '&lt; &amp;&#38; & AT&T',
    '~~struck~~ a~1',
    '# head',
    '> said',
    '- item',
    '1. item',
    '<!-- comment',
    '$x$',
]


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


@pytest.mark.parametrize('name', HOSTILE)
def test_names_are_text_whatever_markdown_they_look_like(name):
    text = writers.markdown_table([name, 'n'], [[name, 1], [writers.Bold(name), 2]], left=[name])
    html = MarkdownIt('commonmark').enable(['table', 'strikethrough']).render(text)
    cells = re.findall(r'<t[hd][^>]*>(.*?)</t[hd]>', html)
    assert [unescape(cell) for cell in cells[::2]] == [name, name, f'<strong>{name}</strong>']


def test_a_cell_is_one_line():
    text = writers.markdown_table(['a'], [['x\ny\r\x1b[31m'], ['caf\udce9']])
    assert text.splitlines()[2:] == [r'| x\\ny\\r\\x1b[31m |', '| caf� |']


def test_csv_keeps_every_name():
    names = [*HOSTILE, 'a\rb', '\r', '\n', '\r\n', 'x\r\ny', 'caf\udce9', '\x1b', '"', ',', ' ', '日本']
    file = writers.csv_text(['name', 'n'], [[name, 1] for name in names]).encode(errors='surrogateescape')
    read = list(csv.reader(io.StringIO(file.decode(errors='surrogateescape'), newline='')))
    assert read == [['name', 'n'], *([name, '1'] for name in names)]


def test_csv_comes_back_whole():
    rows = [['a, "quoted" name', 1 / 3, None], ['two\nlines', float('inf'), 'µ']]
    text = writers.csv_text({'name': str, 'number': float, 'none': str}, iter(rows))
    assert text.startswith('name,number,none\n')
    assert '\r' not in text
    read = list(csv.reader(text.splitlines(keepends=True)))[1:]
    assert read == [['a, "quoted" name', repr(1 / 3), ''], ['two\nlines', 'inf', 'µ']]
