"""What all commands share: their parser, the way to a configuration, and how they end."""

import argparse
import ast
import sys
from dataclasses import fields

import configs
from files.storage import one_line
from settings.rules import has_type, type_name


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message):
        """Refuse the command line."""
        raise ValueError(f'{message} (--help lists the options)')


def whole_number(least, most=2**31 - 1):
    """A type for argparse: a function from text to an int from `least` to `most`."""

    def number(text):
        """Read such a number, or refuse it."""
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f'{text!r} is no whole number from {least} to {most}')
        return int(text)

    return number


def run_command(parser, action, argv=None, stopped='stopped'):
    """Run a command, and turn what a user can cause into one line and an exit code.

    Args:
        parser: Parser, whose `prog` the line begins with.
        action: function of the parsed arguments that returns an exit code, or None for 0.
        argv: arguments; None: those of the process.
        stopped: what to say after Ctrl-C.

    Returns:
        The action's code; 2 for unusable input; 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors='replace')
    try:
        return action(parser.parse_args(argv)) or 0
    except (ValueError, OSError) as error:
        print(f'{parser.prog}: {one_line(error)}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f'{parser.prog}: {stopped}', file=sys.stderr)
        return 130


def make_config(preset, assignments=(), scale=None, *, save_results=False, **changes):
    """Make the configuration that a command line asks for.

    Args:
        preset: its name; None or '0': the default.
        assignments: texts FIELD=VALUE.
        scale: (vertical, horizontal) scale factors to take the preset to; None: its own.
        save_results: whether results are written where no assignment says otherwise.
        **changes: fields and their values; None leaves a field as it is.

    Returns:
        Config, validated.

    Raises:
        ValueError: naming the option and the remedy.
    """
    conf = configs.get_config(preset)
    if scale is not None:
        conf = conf.at_scale(scale)
    conf.save_results = save_results
    for assignment in assignments:
        set_field(conf, assignment)
    for field, value in changes.items():
        if value is not None:
            setattr(conf, field, value)
    conf.validate()
    return conf


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
        raise ValueError(
            f'--set {assignment}: write FIELD=VALUE with FIELD one of {", ".join(sorted(kinds))}'
        )
    value = text
    if kinds[name] is not str:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = text
    if not has_type(value, kinds[name]):
        raise ValueError(f'--set {assignment}: {name} must be {type_name(kinds[name])}, not {text!r}')
    setattr(conf, name, value)
    conf.from_image = [left for left in conf.from_image if left != name]
