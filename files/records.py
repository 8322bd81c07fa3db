"""run.json, the record of a run, as it is read; `files.run_record` writes it.

{preset, changes, config, versions, started, finished, failures: [line, …],
 images: [{stem, input, input_sha256, …, scales: [{sf, kernel, iterations, loss, …, output}, …]}, …]}

The folder of a run may come from anywhere, so nothing in it is taken on trust. Every field that the program
uses is checked here, once: what decides which file belongs to which image, and what its values mean, is right
or refused; what is only shown is right or left out. Any field may be missing or null.
"""

import json
import math
import os
import re
import reprlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from files.names import LONGEST_NAME
from files.values import Values
from settings.scales import LARGEST_SCALE, is_number

RUN_JSON = 'run.json'
TIME = '%Y-%m-%dT%H:%M:%S%z'  # how the beginning and the end of a run are recorded

LONGEST_PATH = 4096  # bytes
LONGEST_TEXT = 2000  # characters of what is shown
LONGEST_LIST = 1000  # of marks and settings that are shown one by one
LARGEST_KERNEL = 256  # side of one that is shown
LARGEST_ERROR = 1e9  # of a training, where black to white is 1
MOST_DIGITS = 18  # of a whole number, what 64 bits hold; longer ones become floats, perhaps infinite
DTYPES = {np.dtype(code).name for code in np.typecodes['AllInteger'] + np.typecodes['Float']}


@dataclass(frozen=True)
class Units:
    """What a record tells of the values of an image and its result.

    Attributes:
        values: Values, or None where nothing is told.
        is_stretched: whether the result holds black to white in place of them.
        page: of the image that the result's first page belongs to, 'first' or from 1.
        is_stack: whether the result has several pages.
        pixels: of a page of the result; 0 where nothing is told.
    """

    values: Values | None = None
    is_stretched: bool = False
    page: int | str = 'first'
    is_stack: bool = False
    pixels: int = 0


def read_units(image):
    """The Units of an image's entry in run.json, whose fields may be missing."""
    told = image.get('values')
    if not told:
        return Units()
    values = Values(tuple(told['low']), tuple(told['high']), told['dtype'])
    pages, height, width, _ = told['shape']
    page = told['page'] if told['page'] > 1 or pages > 1 else 'first'
    return Units(values, told['stretched'], page, pages > 1, height * width)


@dataclass(frozen=True)
class Result:
    """A result file.

    Attributes:
        path: the file.
        scale: (vertical, horizontal) scale factor, or None where nothing tells it.
        run: what run.json records of the image, or an empty dict.
    """

    path: Path
    scale: tuple | None = None
    run: dict = field(default_factory=dict)


def read_run(folder):
    """Read and check the run.json of a run, a dict; fields may be missing.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is damaged, naming the field.
    """
    path = Path(folder) / RUN_JSON
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such file; give the folder of a finished run')
    try:
        record = _checked(_parsed(path), RUN)
        images = enumerate(record.get('images') or [])
        record['images'] = [checked_image(image, f'images[{number}].') for number, image in images]
    except (ValueError, RecursionError) as error:
        reason = 'nested too deep' if isinstance(error, RecursionError) else error
        raise ValueError(f'{path}: not a record of a run ({reason}); delete or restore it') from error
    return record


def checked_image(image, where=''):
    """The entry of an image as it may be used.

    Args:
        image: dict. Not changed.
        where: what comes before a field's name in an error message.

    Returns:
        A copy without what is only shown and not as it should be.

    Raises:
        ValueError: if what decides is not as it should be, naming the field.
    """
    image = _checked(image, IMAGE, where)
    scales = enumerate(image.get('scales') or [])
    image['scales'] = [_checked(scale, SCALE, f'{where}scales[{number}].') for number, scale in scales]
    return image


def results_of(record):
    """Which results a run has.

    Args:
        record: dict, of `read_run`.

    Returns:
        A dict from result file name to ((vertical, horizontal) scale or None, the entry of its image).
    """
    return {
        scale['output']: (scale.get('sf') and tuple(map(float, scale['sf'])), image)
        for image in record['images']
        for scale in image['scales']
        if scale.get('output')
    }


@dataclass(frozen=True, eq=False)
class Curves:
    """The recorded training of one scale: float arrays, empty where nothing is recorded.

    Attributes:
        loss: per iteration; NaN where it is missing, negative or absurd.
        steps: iterations of the quick tests.
        errors: mean squared error of the reconstruction at each of them, NaN likewise.
        drops: iterations at which the learning rate fell.
    """

    loss: np.ndarray
    steps: np.ndarray
    errors: np.ndarray
    drops: np.ndarray


def read_curves(image):
    """The curves of an image's record, a list of `Curves`, one per scale; fields may be missing."""
    curves = []
    for scale in image.get('scales') or []:
        names = 'loss', 'mse_steps', 'mse_rec', 'learning_rate_changes'
        # What is missing within a list becomes NaN.
        loss, steps, errors, drops = (np.array(scale.get(name) or [], np.float64) for name in names)
        known = min(len(steps), len(errors))
        steps, errors = steps[:known], errors[:known]
        within = (steps >= 0) & (steps < len(loss))
        drops = drops[(drops >= 0) & (drops < len(loss))]
        curves.append(Curves(_errors(loss), steps[within], _errors(errors[within]), drops))
    return curves


def _errors(values):
    return np.where((values >= 0) & (values <= LARGEST_ERROR), values, np.nan)


def _parsed(path):
    """The dict that a JSON file holds."""
    record = json.loads(path.read_text(encoding='utf-8'), object_pairs_hook=_named_once, parse_int=_number)
    if not isinstance(record, dict):
        raise ValueError(f'a {type(record).__name__}')
    return record


def _named_once(pairs):
    """A dict of pairs; a name that stands twice is refused, as other programs read the other value."""
    found = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f'{reprlib.repr(name)} stands twice in one place')
        found[name] = value
    return found


def _number(digits):
    return int(digits) if len(digits) <= MOST_DIGITS else float(digits)


def _checked(entry, rules, where=''):
    """A copy of a dict without what is only shown and not as it should be; what decides is refused then.

    Args:
        entry: dict. Not changed.
        rules: RUN, IMAGE or SCALE.
        where: what comes before a field's name in an error message.
    """
    kept = {}
    for name, value in entry.items():
        holds, rule = rules.get(name, (None, None))
        if value is None or holds is None or holds(value):
            kept[name] = value
        elif rule:
            raise ValueError(f'{where}{name} is {reprlib.repr(value)}, not {rule}')
    return kept


def _is_list_of_dicts(value):
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _is_dict(value):
    return isinstance(value, dict)


def _are_lines(value):
    return isinstance(value, list) and all(isinstance(line, str) for line in value)


def _is_text(value):
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def _are_texts(value):
    return isinstance(value, list) and len(value) <= LONGEST_LIST and all(map(_is_text, value))


def _is_path(value, longest=LONGEST_PATH):
    """Whether a value is text that a file system takes for a path."""
    try:
        return isinstance(value, str) and 0 < len(os.fsencode(value)) <= longest and '\0' not in value
    except UnicodeEncodeError:
        return False


def _is_file_name(value):
    """Whether a value names a file within a folder, and can lead to no other place."""
    return _is_path(value, LONGEST_NAME) and value != '..' and Path(value).name == value


def _is_checksum(value):
    return isinstance(value, str) and re.fullmatch('[0-9a-f]{64}', value) is not None


def _is_whole(value, least=0):
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_scale(value):
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(is_number(factor) and 1 <= factor <= LARGEST_SCALE for factor in value)
    )


def _is_values(told):
    """Whether a value is what `Saving.values` tells, or an empty dict."""
    if told == {}:
        return True
    if not isinstance(told, dict):
        return False
    low, high, shape = told.get('low'), told.get('high'), told.get('shape')
    return (
        all(isinstance(ends, list) and ends and all(map(is_number, ends)) for ends in (low, high))
        and len(low) == len(high)
        and all(start < end and math.isfinite(end - start) for start, end in zip(low, high, strict=True))
        and (isinstance(shape, list) and len(shape) == 4 and all(_is_whole(side, 1) for side in shape))
        and _is_whole(told.get('page'), 1)
        and isinstance(told.get('dtype'), str)
        and told['dtype'] in DTYPES
        and isinstance(told.get('stretched'), bool)
    )


def _is_time(value):
    try:
        return _is_text(value) and bool(datetime.strptime(value, TIME))
    except ValueError:
        return False


def _are_settings(value):
    if not isinstance(value, dict) or len(value) > LONGEST_LIST:
        return False
    return all(map(_is_setting, value.values())) and len(str(value)) <= LONGEST_TEXT


def _is_setting(value, depth=2):
    """Whether a value is one of a field of Config: lists of pairs at most."""
    if not isinstance(value, list):
        return not isinstance(value, dict)
    return depth > 0 and len(value) <= LONGEST_LIST and all(_is_setting(part, depth - 1) for part in value)


def _are_numbers(value):
    """Whether a value is a list of numbers, some of which may be missing or not finite."""
    kinds = {type(part) for part in value} if isinstance(value, list) else {str}
    return kinds <= {int, float, type(None)}


def _are_marks(value):
    return _are_numbers(value) and len(value) <= LONGEST_LIST


def _is_kernel(value):
    """Whether a value is the name of an interpolation, or a matrix of weights."""
    if not isinstance(value, list):
        return _is_text(value)
    sides = {len(row) if isinstance(row, list) else 0 for row in value}
    return (
        1 <= len(value) <= LARGEST_KERNEL
        and len(sides) == 1
        and 1 <= max(sides) <= LARGEST_KERNEL
        and all(is_number(weight) and abs(weight) <= LARGEST_ERROR for row in value for weight in row)
    )


def _are_seconds(value):
    names = 'training', 'output'
    known = [value.get(name) for name in names] if isinstance(value, dict) else [None]
    return all(is_number(seconds) and 0 <= seconds <= LARGEST_ERROR for seconds in known)


# Field -> (whether a value can be used, what one that decides should be; None: it is only shown).
RUN = {
    'images': (_is_list_of_dicts, 'a list of objects'),
    'preset': (_is_text, None),
    'changes': (_are_settings, None),
    'config': (_is_dict, None),
    'failures': (_are_lines, None),
    'started': (_is_time, None),
    'finished': (_is_time, None),
}
IMAGE = {
    'stem': (_is_file_name, 'the name of a file without its folder'),
    'input': (_is_path, 'the path of a file'),
    'ground_truth': (_is_path, 'the path of a file'),
    'scales': (_is_list_of_dicts, 'a list of objects'),
    'values': (_is_values, 'low, high, dtype, stretched, shape and page of an image'),
    'input_sha256': (_is_checksum, None),
    'ground_truth_sha256': (_is_checksum, None),
    'key': (_is_checksum, None),
    'kernel': (_is_text, None),
    'notes': (_are_texts, None),
    'seed': (_is_whole, None),
    'device': (_is_text, None),
    'seconds': (is_number, None),
    'bicubic_psnr': (is_number, None),
}
SCALE = {
    'sf': (_is_scale, f'two numbers from 1 to {LARGEST_SCALE}'),
    'output': (_is_file_name, 'the name of a file in this folder'),
    'output_sha256': (_is_checksum, None),
    'kernel': (_is_kernel, None),
    'seconds': (_are_seconds, None),
    'loss': (_are_numbers, None),
    'mse_steps': (_are_numbers, None),
    'mse_rec': (_are_numbers, None),
    'learning_rate_changes': (_are_marks, None),
    'psnr': (is_number, None),
    'ssim': (is_number, None),
}
