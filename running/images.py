"""One image, from its files to its results and its entry in run.json, in whatever process."""

import time
from functools import cache
from pathlib import Path

import numpy as np

from blind.choice import choose
from comparing.metrics import psnr, scale_border
from files.jobs import check_unchanged, digest_files, job_key
from files.names import figure_name
from files.run_record import finite, image_record
from files.storage import sha256
from imresize import imresize
from running.devices import device, threads
from running.inputs import kernel_note
from running.progress import FigureFile


@cache
def process_networks():
    """The networks of this process, where nothing else lasts from image to image."""
    return {}


def run_image(files, conf, terminal, networks, original=None):
    """Enlarge one image.

    Args:
        files: ImageFiles.
        conf: Config, whose result_path is the folder of this run.
        terminal: Terminal.
        networks: dict of the networks of earlier images by channels; used again, and added to.
        original: ImageFiles that `files` are copies of, which are recorded in their place; None: no copies.

    Returns:
        The image's entry in run.json.

    Raises:
        ValueError, OSError: for files that cannot be used, or that were changed while they were read.
    """
    started, asked, original = time.perf_counter(), conf, original or files
    digests = digest_files(files)
    conf, kernels, note, found = _settings_for(files, conf, terminal, original)
    terminal.say(f'{files.input.name}: {note}')
    figure = FigureFile(Path(conf.result_path) / figure_name(files.name), terminal.warn)
    net = _read(files, conf, kernels, terminal, figure, networks.get(files.channels))
    # What was hashed is what was read; whatever becomes of the files from here on.
    check_unchanged(digests)
    notes = notes_on(net)
    for line in notes:
        terminal.say(f'{files.input.name}: {line}')
    with terminal.image():
        net.run()
    with terminal.doing(f'measuring and drawing {files.input.name}'):
        bicubic = {'bicubic_psnr': bicubic_psnr(net)} if files.ground_truth else {}
        if conf.is_recorded or conf.plot_losses:
            figure.update(net)
    networks[files.channels] = net.network
    return image_record(
        original,
        {path: digests[copy] for path, copy in pairs_of_files(original, files)},
        key=job_key(files, digests, asked),
        kernel=note,
        notes=notes,
        **finite(bicubic),
        found=found,
        seconds=round(time.perf_counter() - started, 3),
        **_facts(net, conf),
    )


def _read(files, conf, kernels, terminal, figure, network):
    """The ZSSR of an image, which tells `terminal`, and `figure` if it is to be shown, where it stands."""
    from ZSSR import ZSSR

    def follow(net):
        """Show where the training stands, in words and as a figure."""
        terminal.follow(net)
        if conf.plot_losses:
            figure.follow(net)

    with terminal.doing(f'reading {files.input.name}'):
        return ZSSR(files.input, conf, files.ground_truth, kernels, network=network, progress=follow)


def _facts(net, conf):
    """What run.json keeps of a ZSSR that has run, and of the machine, a dict."""
    from learning.lanes import lanes_for

    return {
        'seed': net.conf.seed,
        'scales': _with_digests(net.records, conf),
        'values': net.saving and net.saving.values(),
        'precision': net.network.design.precision,
        'device': device(),
        'threads': threads(),
        'lanes': lanes_for(net.conf.batch_size),
    }


def notes_on(net):
    """What a user ought to know of how an image is read, in lines: its pages, its units, its size."""
    lines, first, conf = [], net.pictures[0], net.conf
    pages, done = first.origin.pages, len(net.pictures)
    if pages > done:
        which = conf.pages if isinstance(conf.pages, int) else 'the first'
        lines.append(f'has {pages} pages, of which {which} is enlarged (--pages all enlarges all)')
    elif done > 1:
        lines.append(f'{done} pages, by {"a network each" if conf.pages == "each" else "one network"}')
    if first.values.note():
        lines.append(first.values.note())
    if net.saving and net.saving.values()['stretched']:
        lines.append(
            'its units do not fit the format: the result holds black to white (--ext tif keeps units)'
        )
    if net.input is not net.bases[0]:
        height, width = net.input.shape[:2]
        lines.append(f'is trained on its middle, {height}×{width} pixels')
    return lines


def bicubic_psnr(net):
    """PSNR of bicubic enlargement beside the ground truth of a ZSSR, by the tables' protocol."""
    scale = net.conf.scales[-1]
    enlarged = imresize(net.pictures[0].pixels, scale, net.gt.shape, 'cubic')
    return psnr(np.clip(enlarged, 0, 1), np.clip(net.gt, 0, 1), border=scale_border(scale))


def _settings_for(files, conf, terminal, original):
    """(conf, kernels, note, found) of an image, which decides what `conf.from_image` leaves to it."""
    if not conf.from_image:
        return conf, files.kernels, kernel_note(original, conf), None
    with terminal.doing(f'looking at {files.input.name}'):
        choice = choose(files.input, conf, files.kernels)
    return choice.conf, choice.kernels, choice.note, choice.found


def pairs_of_files(original, files):
    """The files of an image, each beside the copy that is read."""
    pairs = [(original.input, files.input), (original.ground_truth, files.ground_truth)]
    pairs += zip(original.kernels or (), files.kernels or (), strict=True)
    return [pair for pair in pairs if pair[0] is not None]


def _with_digests(scales, conf):
    """The records of scales, with the SHA-256 of each result that was written."""
    folder = Path(conf.result_path if conf.result_file is None else '')
    return [
        scale | {'output_sha256': sha256(folder / scale['output'])} if scale['output'] else scale
        for scale in scales
    ]
