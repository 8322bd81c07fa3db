"""run.json, the record of a run, as it is read; `files.run_record` writes it.

{preset, changes, config, versions, started, finished, failures: [line, …],
 images: [{stem, input, input_sha256, …, scales: [{sf, kernel, iterations, loss, …, output}, …]}, …]}
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from files.values import Values

RUN_JSON = 'run.json'


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
    """Read the run.json of a run, a dict; fields may be missing.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is damaged.
    """
    path = Path(folder) / RUN_JSON
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such file; give the folder of a finished run')
    try:
        record = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise _damaged(path, error) from error
    if not isinstance(record, dict):
        raise _damaged(path, f'a {type(record).__name__}')
    return record


def read_results(folder):
    """Read which results the run.json of a run lists.

    Args:
        folder: folder of a run.

    Returns:
        A dict from result file name to ((vertical, horizontal) scale or None, the record of its image).

    Raises:
        FileNotFoundError: if there is no run.json.
        ValueError: if it is damaged.
    """
    record, found = read_run(folder), {}
    try:
        for image in record.get('images') or []:
            for scale in image.get('scales') or []:
                if scale.get('output'):
                    factor = tuple(float(s) for s in scale.get('sf') or ())
                    found[Path(scale['output']).name] = (factor if len(factor) == 2 else None, image)
        return found
    except (ValueError, TypeError, AttributeError) as error:
        raise _damaged(Path(folder) / RUN_JSON, error) from error


@dataclass(frozen=True, eq=False)
class Curves:
    """The recorded training of one scale: float arrays, empty where nothing is recorded.

    Attributes:
        loss: per iteration.
        steps: iterations of the quick tests.
        errors: mean squared error of the reconstruction at each of them.
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
        curves.append(Curves(loss, steps[:known], errors[:known], drops))
    return curves


def existing(path):
    """A path that a record names, or None if it names none or the file is gone."""
    return Path(path) if path and Path(path).is_file() else None


def _damaged(path, reason):
    return ValueError(f'{path}: not a record of a run ({reason}); delete or restore it')
