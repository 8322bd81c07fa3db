"""What all commands share: their parser, the way to a configuration, and how they end."""

import argparse
import ast
import logging
import math
import re
import signal
import sys
import threading
import warnings
from contextlib import contextmanager
from dataclasses import fields

import configs
from files.storage import one_line
from running.streams import lasting_streams
from settings.nearest import did_you_mean
from settings.rules import coarse_grid_problem, field_problems, has_type, scales_grow, type_name
from settings.scales import told

# Of a whole number; Python refuses to read thousands of them.
MOST_DIGITS = 20

# Characters of a field's value; a list of all that can be told apart is shorter.
LONGEST_LITERAL = 10_000


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, and name what was meant.

    Attributes:
        intermixed: whether words may stand between and after options.
    """

    intermixed = False

    def __init__(self, *args, **kwargs):
        """As argparse, but -1e3 and -5:3 are values as -1 is."""
        super().__init__(*args, **kwargs)
        self._negative_number_matcher = re.compile(r'-\.?\d')

    def parse_args(self, args=None, namespace=None):
        """Parse; of an unknown option, suggest the nearest."""
        parse = self.parse_known_intermixed_args if self.intermixed else self.parse_known_args
        namespace, unknown = parse(args, namespace)
        if unknown:
            meant = did_you_mean(unknown[0].partition('=')[0], self._options())
            self.error(f'unrecognized arguments: {" ".join(unknown)}{meant}')
        return namespace

    def _get_values(self, action, arg_strings):
        """As argparse, which takes the value of --option=-- for the end of the options, and gives a list."""
        if action.option_strings and arg_strings == ['--']:
            self.error(f'argument {"/".join(action.option_strings)}: -- is no value')
        return super()._get_values(action, arg_strings)

    def _options(self):
        """The names of all options, those of subcommands too."""
        options = []
        for action in self._actions:
            options += action.option_strings
            if isinstance(action, argparse._SubParsersAction):
                options += [name for parser in action.choices.values() for name in parser._options()]
        return options

    def error(self, message):
        """Refuse the command line."""
        raise ValueError(f'{message} (--help lists the options)')


def whole_number(least, most=2**31 - 1):
    """A type for argparse: a function from text to an int from `least` to `most`."""

    def number(text):
        """Read such a number, or refuse it."""
        if not text.isdecimal() or len(text) > MOST_DIGITS or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f'{told(text)} is no whole number from {least} to {most}')
        return int(text)

    return number


def run_command(parser, action, argv=None, stopped='stopped'):
    """Run a command, and turn what a user can cause into one line and an exit code.

    That something cannot be shown, as no one reads it or the disk is full, is no error.

    Args:
        parser: Parser, whose `prog` the line begins with.
        action: function of the parsed arguments that returns an exit code, or None for 0.
        argv: arguments; None: those of the process.
        stopped: what to say after Ctrl-C.

    Returns:
        The action's code; 2 for unusable input; 130 after Ctrl-C, 143 after SIGTERM.
    """
    # It tells of its fonts and its cache, which no one asked for.
    logging.getLogger('matplotlib').setLevel(logging.ERROR)
    with lasting_streams(parser.prog):
        try:
            with _told_to_end():
                return action(parser.parse_args(argv)) or 0
        except (ValueError, OSError) as error:
            print(f'{parser.prog}: {one_line(error)}', file=sys.stderr)
            return 2
        except KeyboardInterrupt as stop:
            print(f'{parser.prog}: {stopped}', file=sys.stderr)
            return 143 if isinstance(stop, Terminated) else 130


class Terminated(KeyboardInterrupt):
    """SIGTERM, as by `kill` or the end of a batch job: everything ends as after Ctrl-C."""


@contextmanager
def _told_to_end():
    """End in order when the process is told to, while the context lasts."""

    def end(number, frame):
        """Break off whatever is at work."""
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def make_config(preset, assignments=(), scale=None, *, defaults=None, **changes):
    """Make the configuration that a command line asks for.

    Args:
        preset: its name; None or '0': the default.
        assignments: texts FIELD=VALUE.
        scale: (vertical, horizontal) scale factors to take the preset to; None: its own.
        defaults: fields and their values where no assignment says otherwise; None: the preset's.
        **changes: fields and their values; None leaves a field as it is.

    Returns:
        Config, validated. Where no coarse grid, and no rounds, suit the scale, it does without
        (`scale_note`), unless an assignment insists.

    Raises:
        ValueError: naming the option and the remedy.
    """
    conf = configs.get_config(preset)
    if scale is not None:
        conf = conf.at_scale(scale)
    for field, value in (defaults or {}).items():
        setattr(conf, field, value)
    for assignment in assignments:
        set_field(conf, assignment)
    for field, value in changes.items():
        if value is not None:
            setattr(conf, field, value)
    _suit_scale(conf, configs.get_config(preset), assignments)
    conf.validate()
    return conf


def _suit_scale(conf, preset, assignments):
    """Take the fine grid, and one round, where the scale needs it and no assignment insists on others."""
    if field_problems(conf):
        return
    insisted = {assignment.partition('=')[0] for assignment in assignments}
    if conf.network_grid == 'low' and coarse_grid_problem(conf) and 'network_grid' not in insisted:
        conf.network_grid = 'high'
        if 'crop_size' not in insisted:
            conf.crop_size = preset.crop_size
    if conf.rounds > 1 and not scales_grow(conf) and 'rounds' not in insisted:
        conf.rounds = 1


def scale_note(preset, conf):
    """Say what a preset's configuration does without because of its scale.

    Args:
        preset: its name, or None.
        conf: Config, what `make_config` made of it.

    Returns:
        A line, or None.
    """
    own, changes = configs.get_config(preset), []
    if coarse_grid_problem(conf) and (own.network_grid, conf.network_grid) == ('low', 'high'):
        changes.append("network_grid 'high', which takes longer: 'low' needs one whole factor up to 16")
    if not scales_grow(conf) and own.rounds > conf.rounds:
        changes.append(f'rounds {conf.rounds}: more need factors that grow on both axes')
    return f'for scale_factors {conf.scale_factors}, {"; ".join(changes)}' if changes else None


def pages_of(text):
    """Read which pages from the command line: a number, else the text, which `validate` judges."""
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else text


def range_of(text):
    """Read a value range from the command line: 'auto', 'full' or LO:HI as [low, high]."""
    if text in ('auto', 'full'):
        return text
    try:
        low, high = map(float, text.split(':'))
    except ValueError:
        low = high = 0.0
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f'--range {text}: give auto, full, or LO:HI with LO below HI, such as 0:4095')
    return [low, high]


def set_field(conf, assignment):
    """Set one field of a configuration from the command line's `FIELD=VALUE`; no image decides it any more.

    Args:
        conf: Config. Changed in place.
        assignment: text; the value is read as a Python literal and never executed.

    Raises:
        ValueError: if there is no such field, or the value has another type.
    """
    name, equals, text = assignment.partition('=')
    kinds = {f.name: f.type for f in fields(configs.Config)}
    if not equals or name not in kinds:
        near = did_you_mean(name, kinds) if name not in kinds else ''
        known = ', '.join(sorted(kinds))
        raise ValueError(f'--set {assignment}: write FIELD=VALUE{near} (FIELD one of {known})')
    value = text if kinds[name] is str else _literal(text)
    if not has_type(value, kinds[name]):
        raise ValueError(f'--set {assignment}: {name} must be {type_name(kinds[name])}, not {told(text)}')
    setattr(conf, name, value)
    conf.from_image = [left for left in conf.from_image if left != name]


def _literal(text):
    """What a text is as a Python literal; the text itself if it is none, or too long for any value."""
    if len(text) > LONGEST_LITERAL:
        return text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of text that Python would read as something odd
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
