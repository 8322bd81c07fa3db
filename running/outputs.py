"""Where results go, and the line that ends a run."""

import math
from pathlib import Path

from files.names import LONGEST_STEM, SUFFIXES, short_stem
from settings.rules import RESULT_SUFFIXES

# Result file's suffix -> its format.
FORMATS = {suffix: kind for kind, suffixes in RESULT_SUFFIXES.items() for suffix in suffixes}


def output_fields(output, result_format=None):
    """The fields of Config that put results where the command line's --output says.

    Args:
        output: a folder, or a result file (by its suffix), there already or not.
        result_format: asked for besides, or None.

    Returns:
        Dict of fields.

    Raises:
        ValueError: if it is called like an image that cannot be written, or that is of another format.
    """
    if not output.strip():
        raise ValueError('--output: is empty; give a folder, or the name of a result')
    path = Path(output)
    suffix = path.suffix.lower()
    # Results lie directly in a folder that was asked for.
    fields = {'result_path': str(output), 'create_results_dir': False}
    if path.is_dir() or suffix not in {*FORMATS, *SUFFIXES}:
        return fields
    if suffix not in FORMATS:
        raise ValueError(f'--output {output}: cannot write {suffix}; give {", ".join(FORMATS)}')
    if result_format not in (None, 'auto', FORMATS[suffix]):
        raise ValueError(f'--ext {result_format}: --output {output} is of another format; leave one out')
    return {**fields, 'result_path': str(path.parent), 'result_file': str(output)}


def check_result_file(conf, images):
    """Refuse a result file that several results would be written to, or that a run reads.

    Args:
        conf: Config.
        images: list of ImageFiles.

    Raises:
        ValueError: naming the file and the remedy.
    """
    if conf.result_file is None:
        return
    if len(images) > 1:
        raise ValueError(f'--output {conf.result_file}: one file for several images; give a folder')
    (files,), result = images, Path(conf.result_file).resolve()
    read = {files.input: 'the input itself', files.ground_truth: 'the ground truth'}
    read |= dict.fromkeys(files.kernels or (), 'a kernel')
    for path, what in read.items():
        if path is not None and path.resolve() == result:
            reason = f'results cannot be written there (it is {what})'
            raise ValueError(f'{conf.result_file}: {reason}; choose another --output')


def name_note(conf, images):
    """Say which results are not called quite like their images, in a line.

    Args:
        conf: Config.
        images: list of ImageFiles.

    Returns:
        Text; None if all are.
    """
    shortened = [name for files in images if (name := short_stem(files.name)) != files.name]
    if not shortened or not conf.is_recorded:
        return None
    count = f'{len(shortened)} name{"s" * (len(shortened) > 1)}'
    return f'{count} of results shortened to {LONGEST_STEM} bytes, with a hash at the end: {shortened[0]}…'


def last_line(conf, images, several):
    """Say where the results lie and how good they are, in a line.

    Args:
        conf: Config, whose result_path is the folder of the run.
        images: their entries in run.json.
        several: whether to name the folder, and not the one file.

    Returns:
        Text; None where nothing is written and nothing is measured.
    """
    parts = []
    if conf.save_results:
        place = Path(conf.result_path)
        if not several:
            place = Path(conf.result_file or place / images[-1]['scales'][-1]['output'])
        parts.append(f'{place}/' if several else str(place))
    measured = [image for image in images if image['ground_truth'] is not None]
    if measured:
        result = _mean([image['scales'][-1]['psnr'] for image in measured])
        bicubic = _mean([image['bicubic_psnr'] for image in measured])
        mean = f', mean of {len(measured)}' if several else ''
        parts.append(f'PSNR {result:.2f} dB (bicubic {bicubic:.2f} dB{mean})')
    return '  '.join(parts) or None


def _mean(decibels):
    """The mean of PSNR, of which None is infinite, as run.json has it."""
    return sum(math.inf if value is None else value for value in decibels) / len(decibels)
