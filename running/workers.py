"""From files to results: one image after another, or one process per GPU, with a record of what was done."""

import signal
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import active_children, get_context
from pathlib import Path

import numpy as np

from blind.choice import choose
from comparing.loading import LARGEST
from comparing.metrics import psnr, scale_border
from files.run_record import RunRecord, finite, image_record
from files.storage import one_line
from imresize import imresize
from running.clock import Clock, duration_text, forecast
from running.devices import device, start_tensorflow, versions
from running.inputs import failure_line, kernel_note
from running.progress import FigureFile, Terminal


def run_images(images, conf, terminal, *, preset=None, devices=(), rejected=(), threads=None, verbose=False):
    """Enlarge images, keep going when one fails, and record everything.

    Args:
        images: list of ImageFiles, checked.
        conf: Config, whose result_path is the folder of this run.
        terminal: Terminal.
        preset: name of the preset that `conf` was made of, for the record; None: the default configuration.
        devices: CUDA device indices for one process each; with none, the images run one after the other in
            this process.
        rejected: a line for each image that was set aside, for the record.
        threads, verbose: for the processes, as in `start_tensorflow`; verbose also prints tracebacks.

    Returns:
        RunRecord: the entries of the images that are done, and a line for each that failed, those rejected
        included.
    """
    record = RunRecord(conf, versions(), rejected, preset)
    # Processes of their own know nothing of each other's work.
    terminal.clock = Clock([0] * len(images)) if devices else clock_for(images, conf, terminal)
    if devices:
        outcomes = _outcomes_of_processes(images, devices, (conf, terminal.quiet), (threads, verbose))
    else:
        outcomes = _outcomes(images, conf, terminal)
    for files, outcome in outcomes:
        if devices:
            terminal.clock.next_image()
            terminal.say(f'{terminal.clock.number} of {len(images)} images: {files.name} has ended')
        if not isinstance(outcome, Exception):
            record.add(image=outcome)
            continue
        terminal.warn(failure_line(files, outcome))
        if verbose:
            terminal.warn(''.join(traceback.format_exception(outcome)))
        record.add(failure=failure_line(files, outcome))
    return record


# Images that are looked at for a forecast, where they decide their settings; others are taken to be alike.
LOOKED_AT = 5


def clock_for(images, conf, terminal):
    """The Clock of a run in this process; tells `terminal` how long it will take, by a short measurement."""
    from learning.network import design_for
    from learning.work import Work

    if not all(files.size for files in images):
        return Clock([0] * len(images))
    works, chosen, at_most = [], conf, conf.rate_policy == 'plateau'
    for number, files in enumerate(images):
        precision = design_for(conf, files.channels).precision
        if conf.from_image and number < LOOKED_AT:
            chosen = choose(files.input, conf, files.kernels).conf
        works.append(
            Work(
                chosen,
                (*files.size, files.channels),
                pages=files.pages,
                has_truth=files.ground_truth is not None,
                precision=precision,
            )
        )
    amounts = [work.ahead for work in works]
    # The largest results are left out of the report.
    shown = [work for work in works if work.pixels <= LARGEST] if conf.is_recorded else []
    afterwards = sum(work.report for work in shown)
    if terminal.quiet:
        return Clock(amounts, afterwards)
    seconds = forecast(sum(amounts) + afterwards, precision)
    count = f'{len(images)} images: ' if len(images) > 1 else ''
    terminal.say(f'{count}this will take {"at most " if at_most else ""}{duration_text(seconds)}')
    return Clock(amounts, afterwards, seconds=seconds, at_most=at_most)


def write_report(folder, terminal):
    """Write a run's report.html, beside bicubic enlargement; at worst, tell `terminal` why it is missing."""
    try:
        from comparing.comparison import report_run

        with terminal.doing('writing the report', timed=True):
            done = report_run(folder)
    except Exception as error:  # a report must not fail a run of hours, whatever is wrong with it
        terminal.warn(f'{folder}: no report ({one_line(error)})')
    else:
        terminal.say(f'report: {done.path}')


def _outcomes(images, conf, terminal):
    """Yield (files, record or exception), one image after the other."""
    networks = {}
    for files in images:
        terminal.clock.next_image()
        try:
            outcome = run_image(files, conf, terminal, networks)
        except Exception as error:  # whatever stops one image must not lose the others of a long run
            outcome = error
        yield files, outcome


def _outcomes_of_processes(images, devices, call, start):
    """Yield (files, record or exception) from one process per GPU, each taking the next image."""
    context = get_context('spawn')
    free = context.Queue()
    for index in devices:
        free.put(index)
    with ProcessPoolExecutor(len(devices), context, _start_process, (free, *start)) as pool:
        futures = {pool.submit(_run_in_process, files, *call): files for files in images}
        try:
            for future in as_completed(futures):
                yield futures[future], future.exception() or future.result()
        except BaseException:  # Ctrl-C: without this, all images would still be finished
            for process in active_children():
                process.terminate()
            raise


def _start_process(free, threads, verbose):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    start_tensorflow(free.get(), threads, verbose)


def _run_in_process(files, conf, quiet):
    # Live lines of several processes would overwrite each other.
    return run_image(files, conf, Terminal(quiet, plain=True), _process_networks())


@cache
def _process_networks():
    """The networks of this process: a pool's process has no other place that lasts from image to image."""
    return {}


def run_image(files, conf, terminal, networks):
    """Enlarge one image.

    Args:
        files: ImageFiles.
        conf: Config, whose result_path is the folder of this run.
        terminal: Terminal.
        networks: dict of the networks of earlier images by channels; used again, and added to.

    Returns:
        The image's entry in run.json.
    """
    from ZSSR import ZSSR

    conf, kernels, note, found = _settings_for(files, conf, terminal)
    terminal.say(f'{files.input.name}: {note}')
    figure = FigureFile(Path(conf.result_path) / f'{files.name}_losses.png')

    def follow(net):
        """Show where the training stands, in words and as a figure."""
        terminal.follow(net)
        if conf.plot_losses:
            figure.follow(net)

    with terminal.doing(f'reading {files.input.name}'):
        net = ZSSR(
            files.input,
            conf,
            files.ground_truth,
            kernels,
            network=networks.get(files.channels),
            progress=follow,
        )
    for line in notes_on(net):
        terminal.say(f'{files.input.name}: {line}')
    with terminal.image():
        net.run()
    with terminal.doing(f'measuring and drawing {files.input.name}'):
        bicubic = {'bicubic_psnr': bicubic_psnr(net)} if files.ground_truth else {}
        if conf.is_recorded or conf.plot_losses:
            figure.update(net)
    networks[files.channels] = net.network
    return image_record(
        files,
        note,
        **finite(bicubic),
        found=found,
        seed=net.conf.seed,
        scales=net.records,
        values=net.saving and net.saving.values(),
        precision=net.network.design.precision,
        device=device(),
    )


def _settings_for(files, conf, terminal):
    """(conf, kernels, note, found) of an image, which decides what `conf.from_image` leaves to it."""
    if not conf.from_image:
        return conf, files.kernels, kernel_note(files, conf), None
    with terminal.doing(f'looking at {files.input.name}'):
        choice = choose(files.input, conf, files.kernels)
    return choice.conf, choice.kernels, choice.note, choice.found


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
