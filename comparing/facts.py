"""What run.json tells of a run and of its images, as pairs of a name and HTML for the report."""

import os
from datetime import datetime
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np

from comparing.embedding import address
from files.names import figure_name
from files.records import RUN_JSON, TIME


def run_facts(run, folder, images):
    """What a whole run has in common: preset, settings, seed, time, machine, record.

    Args:
        run: what run.json holds, a dict; fields may be missing.
        folder: of the run, where the report will lie.
        images: what it holds of the images that the report shows, dicts.

    Returns:
        A list of (name, HTML), without what is not recorded.
    """
    facts = []
    if 'preset' in run:
        facts.append(('Preset', escape(_preset(run['preset']))))
    if run.get('changes') is not None:
        changes = ', '.join(f'{name}={value!r}' for name, value in run['changes'].items())
        facts.append(('Changed', f'<code>{escape(changes)}</code>' if changes else 'nothing'))
    if (seed := _common(images, 'seed')) is not None:
        facts.append(('Seed', str(seed)))
    if took := _wall_time(run):
        facts.append(('Duration', took))
    if device := _common(images, 'device'):
        facts.append(('Machine', escape(device)))
    return [*facts, ('Record', _link(folder, RUN_JSON))]


def image_facts(image, folder, images):
    """What is particular to an image: kernel, seed, time, files.

    Args:
        image: what run.json holds of it, a dict; fields may be missing.
        folder: of the run, where the report will lie.
        images: what it holds of all images that the report shows.

    Returns:
        A list of (name, HTML), without what is not recorded.
    """
    facts, scales = [], image.get('scales') or []
    if image.get('kernel'):
        drawn = ''.join(map(_kernel_picture, scales))
        facts.append(('Kernel', escape(image['kernel']) + drawn))
    if image.get('seed') is not None and _common(images, 'seed') is None:
        facts.append(('Seed', str(image['seed'])))
    seconds = [scale['seconds'] for scale in scales if scale.get('seconds')]
    if seconds:
        parts = (f'{name} {duration(sum(s[name] for s in seconds))}' for name in ('training', 'output'))
        facts.append(('Duration', ', '.join(parts)))
    results = [scale['output'] for scale in scales if scale.get('output')]
    links = [_link(folder, name) for name in (*results, figure_name(str(image.get('stem'))))]
    return [*facts, ('Files', ', '.join(filter(None, links)))]


def duration(seconds):
    """Seconds as people say them: 4.2 s, 37 s, 3 min 5 s, 2 h 10 min."""
    if seconds < 9.95:
        return f'{seconds:.1f} s'
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f'{hours} h {minutes} min'
    return f'{minutes} min {rest} s' if minutes else f'{rest} s'


def _preset(name):
    """A preset's name; the default configuration has none."""
    return name if name not in (None, '', '0') else 'none, the default recipe'


def _common(images, name):
    """The value that all images have of a field, or None."""
    values = {image.get(name) for image in images}
    return values.pop() if len(values) == 1 else None


def _wall_time(run):
    """How long a run took, and when it ended; empty where that is not recorded."""
    ends = [run.get(name) for name in ('started', 'finished')]
    if None in ends:
        return ''
    started, finished = (datetime.strptime(end, TIME) for end in ends)
    if finished < started:
        return ''
    return f'{duration((finished - started).total_seconds())}, until {finished:%Y-%m-%d %H:%M}'


def _kernel_picture(scale):
    """The kernel of a scale as a picture, its largest weight white; empty for interpolation."""
    kernel = scale.get('kernel')
    if not isinstance(kernel, list):
        return ''
    weights = np.clip(np.array(kernel, np.float64), 0, None)
    pixels = np.round(255 * weights / max(weights.max(), 1e-12)).astype(np.uint8)
    size = '×'.join(map(str, pixels.shape))
    return f'<img class="kernel" src="{address(pixels[:, :, np.newaxis])}" alt="kernel, {size}">'


def _link(folder, name):
    """A link that holds wherever the folder is moved; empty if there is no such file."""
    if not os.path.isfile(Path(folder) / name):
        return ''
    return f'<a href="{quote(os.fsencode(name))}">{escape(name)}</a>'
