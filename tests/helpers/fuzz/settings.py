"""Command lines of all programs: hostile words, options and values, parsed and made into a configuration."""

import contextlib
import dataclasses
import io
import json

import compare
import configs
import estimate_kernel
import evaluate
import run_ZSSR
from files.storage import printable
from paper import experiment, published
from running.command_line import run_command, scale_note
from running.words import read_words
from settings.scales import parse_scale

FIELDS = [field.name for field in dataclasses.fields(configs.Config)]

NUMBERS = [
    *('0', '1', '-1', '2', '3', '0.5', '1.5', '100', '101', '-0.0', '1e-5', '5e-324', '1e308', '1e999'),
    *('-1e999', 'nan', 'inf', '-inf', 'Infinity', '1_000', '0x10', '0b1', '1j', '1e', '٣', '²', '½'),
    *('1,5', '+2', '٣.٥', '2147483647', '2147483648', '4294967295', '4294967296'),
    *('9223372036854775808', '1' + '0' * 400, '9' * 4300, '9' * 5000, '-' + '9' * 400),
    *('0x' + 'f' * 9000, '0' * 300 + '1', '1.' + '0' * 400 + '1'),
]
TEXTS = [
    *('', ' ', '\n', '\r', '\t', '\x1b[31mred\x1b[0m', '\x07', '\x7f', '\x9b', 'a\nb', 'a\r\nb'),
    *('\u2028', '\u202e', 'caf\udce9', '日本', '👩‍👩‍👧', '%s%d%n', '{}', '{0}', '$(x)', '`x`', '<b>'),
    *('[red]', '\\', '\\n', "'", '"', '\0', 'None', 'True', 'False', 'true', '...', 'x', 'auto'),
    *('full', 'first', 'all', 'each', 'estimate', 'low', '=', '==', 'a' * 300, 'b' * 100_000),
    *('../' * 50, '/', '.', '..', '~', '*', '?', '[', '-', '--', '#', "'\\d'", "b'x'", '1 is 2'),
    *('__import__("os")', 'lambda: 0', 'open("x")', '{[]}', '{[]: 1}', '{1: 2}', '(1,)', '()', '{}'),
    *('{1}', "f'{1}'", '--help', '-q', '-1e3', '--=--'),
]
NESTED = [
    *('[]', '[[]]', '[[[2]]]', '[2,', '[2, 3', '2]', '[nan]', '[1e999]', '[[2, 2], [2]]'),
    *('[[2, 2, 2]]', '[None]', '[' * 50 + ']' * 50, '[' * 150 + ']' * 150, '[' * 5000),
    *('(' * 5000 + ')' * 5000, '-' * 5000 + '1', '~' * 100_000, '1' + '+1' * 20_000),
    *('not ' * 5000 + '1', '[' + '2,' * 20_000 + ']', '[[1.5, 2], [2, 2]]', '[2, 2.001]'),
    *('{' * 90 + '}' * 90, '[True]', '["2"]', '[10, 10]', '[0]', '[-1]', '[0.5]'),
    *('[1' + '0' * 400 + ']', '[0, 255]', '[1e300, -1e300]', '[-1e308, 1e308]', '[0, 5e-324]'),
    *('[9007199254740992, 9007199254740993]', '["kernel"]'),
]
SCALES = [
    *('2', '3', '2x3', '1.5', '2×2', '2X2', 'x', '2x', 'x2', '2x2x2', '-2', '0x2', 'nanx2', '2xinf'),
    *NUMBERS,
]
RANGES = [
    *('auto', 'full', '0:255', '5:-5', ':', '::', '0:', ':1', 'nan:1', '0:inf', '-1e308:1e308', '0:1e-320'),
    '1:1',
]
OPTIONS = {
    '--scale': SCALES,
    '--range': RANGES,
    '--pages': ['first', 'all', 'each', *NUMBERS],
    '--seed': NUMBERS,
    '--threads': [*NUMBERS, '256', '3000'],
    '--kernel': ['estimate', 'k.mat'],
    '--ext': ['auto', 'tif', 'gif'],
    '--output': ['out', 'a.png', 'a.gif', 'a.tif'],
    '--input': ['a.png', 'scans/*.tif'],
}
COMMANDS = [*published.TITLES, 'kernels', 'score', 'show']


def make(rng, folder):
    """A program's name and its command line, a list of texts: options, values and words in any order."""
    program = _one(rng, ['run_ZSSR'] * 5 + ['evaluate'] * 2 + ['compare', 'estimate_kernel'])
    parts = [_part(rng) for _ in range(rng.integers(6))]
    words = {
        'run_ZSSR': lambda: [
            [_one(rng, [*configs.PRESETS, '0', 'x2_real_conf', 'X2_REAL_COMF', _value(rng)])]
        ],
        'evaluate': lambda: [[_one(rng, COMMANDS), '--data', 'data', *_changes(rng)]],
        'compare': lambda: [['a', 'b', '--border', _one(rng, NUMBERS)]],
        'estimate_kernel': lambda: [['a.png', '--scale', _one(rng, SCALES)]],
    }[program]()
    if program != 'run_ZSSR' and rng.random() < 0.7:
        parts = parts[:1] if rng.random() < 0.2 else []
    if program == 'run_ZSSR' and rng.random() < 0.3:
        words = []
    return [program, *(text for part in [*words, *parts] for text in part)]


def read(case):
    """Parse a command line, and make and judge its configuration, as the program does.

    Raises:
        ValueError: with the line by which the program refuses it.
    """
    program, *arguments = case
    out, err = io.StringIO(), io.StringIO()
    parser, action = PROGRAMS[program]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = run_command(parser(), action, arguments)
        except SystemExit as end:  # --help, --version
            code = end.code
    said = err.getvalue()
    assert code in (0, 2) and bool(said) == (code == 2), f'code {code}, and says {said!r}'
    if code == 2:
        line = said.removesuffix('\n')
        assert said == f'{line}\n' and len(line.splitlines()) == 1 and line == printable(line), repr(said)
        assert len(line) < 5000, f'{len(line)} characters'
        raise ValueError(line)


def _run(args):
    """All that run_ZSSR.py does with its command line before it looks for images."""
    if args.list:
        return
    conf, words = run_ZSSR.configure(args), read_words(args.words, args.input)
    conf.validate()
    json.dumps(dataclasses.asdict(conf))
    conf.output_shapes((20, 24, 3)), conf.filter_shapes(3), scale_note(words.preset, conf)


def _evaluate(args):
    """Likewise of evaluate.py, for its tables."""
    if args.command in ('score', 'show'):
        return
    vars(args).pop('figure', None)
    asked = evaluate.read_experiment(args)
    for scale in asked.scales:
        conf = experiment.configure(asked, scale)
        if conf:
            experiment.settings(conf)


PROGRAMS = {
    'run_ZSSR': (run_ZSSR.build_parser, _run),
    'evaluate': (evaluate.build_parser, _evaluate),
    'compare': (compare.build_parser, lambda args: None),
    'estimate_kernel': (estimate_kernel.build_parser, lambda args: parse_scale(args.scale) and None),
}


def _one(rng, things):
    return things[rng.integers(len(things))]


def _value(rng):
    """A value that a field or an option may or may not take."""
    value = _one(rng, _one(rng, [NUMBERS, TEXTS, NESTED]))
    if rng.random() < 0.1:
        value = f'{value}{_one(rng, TEXTS)}'
    return value


def _part(rng):
    """An option with its value, an assignment, or a word."""
    chance = rng.random()
    if chance < 0.5:
        return _changes(rng)
    if chance < 0.8:
        option = _one(rng, list(OPTIONS))
        value = _one(rng, OPTIONS[option]) if rng.random() < 0.7 else _value(rng)
        name = _misspelt(rng, option) if rng.random() < 0.1 else option
        return [f'{name}={value}'] if rng.random() < 0.5 else [name, value]
    return [_one(rng, ['--large', '-q', '--list', '--help', '--version', '--no-report', '-v', _value(rng)])]


def _changes(rng):
    """--set FIELD=VALUE, the field perhaps misspelt."""
    field = _one(rng, FIELDS)
    if rng.random() < 0.15:
        field = _misspelt(rng, field) if rng.random() < 0.7 else _value(rng)
    sign = '=' if rng.random() < 0.97 else _one(rng, ['', ' = ', ':', '=='])
    return ['--set', f'{field}{sign}{_value(rng)}']


def _misspelt(rng, name):
    """A name with a character left out, doubled, or replaced by a strange one."""
    place = rng.integers(len(name))
    return (
        name[:place]
        + _one(rng, ['', name[place] * 2, name[place].upper(), 'é', '\n', '\udce9'])
        + name[place + 1 :]
    )
