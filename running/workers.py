"""From files to results: here, in processes of their own or on a cluster, with a record of what was done."""

import contextlib
import errno
import math
from pathlib import Path

from blind.choice import choose
from comparing.loading import LARGEST
from comparing.summary import Line, write_summary
from files.memory import is_shortage
from files.records import RUN_JSON
from files.run_record import RunRecord
from files.storage import one_line, printable
from running.clock import Clock, duration_text, forecast
from running.cluster import outcomes_of_images
from running.devices import cores, versions
from running.images import process_networks, run_image
from running.inputs import failure_line
from running.processes import outcomes_of_processes
from running.progress import Terminal

# Images that are looked at for a forecast, where they decide their settings; others are taken to be alike.
LOOKED_AT = 5

# From so many images on, two processes on a CPU are quicker than one (docs/cluster.md); of images with more
# pixels than this, two at a time may need too much memory.
SHARED_FROM, SHARED_PIXELS = 4, 2**22

# What no later image is spared either.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def run_images(
    images,
    conf,
    terminal,
    *,
    preset=None,
    devices=(),
    cluster=None,
    rejected=(),
    earlier=None,
    threads=None,
    verbose=False,
):
    """Enlarge images, keep going when one fails, and record everything.

    Args:
        images: list of ImageFiles, checked.
        conf: Config, whose result_path is the folder of this run.
        terminal: Terminal.
        preset: name of the preset that `conf` was made of, for the record; None: the default configuration.
        devices: for a process each, the CUDA device index that it sees, or None for what there is; without
            any, the images run one after the other in this process.
        cluster: Cluster that they run on instead, or None.
        rejected: a line for each image that was set aside, for the record.
        earlier: Earlier, what is recorded in the folder already, or None.
        threads, verbose: for the processes, as in `start_tensorflow`; verbose also prints tracebacks.

    Returns:
        RunRecord: the entries of the images that are done, and a line for each that failed, those rejected
        included.

    Raises:
        OSError: if there is no room for results any more. What is done by then is recorded.
    """
    record = RunRecord(conf, versions(), rejected, preset, earlier)
    is_alone = not (devices or cluster)
    # What others do is told of when an image has ended, each counted as one.
    terminal.clock = clock_for(images, conf, terminal) if is_alone and images else Clock([1] * len(images))
    if cluster:
        outcomes = outcomes_of_images(cluster, images, conf)
    elif devices:
        calls = ((files, conf) for files in images)
        start = {'threads': threads, 'verbose': verbose, 'batch_size': conf.batch_size}
        outcomes = outcomes_of_processes(run_in_process, calls, devices, **start)
    else:
        outcomes = _outcomes(images, conf, terminal)
    try:
        _follow(outcomes, images, conf, record, terminal, verbose=verbose, several=not is_alone)
    finally:
        outcomes.close()
        record.close()
        if record.trouble:
            terminal.warn(f'{record.trouble}; make room there and start again to go on')
        elif conf.is_recorded:
            _summarise(images, conf, record, terminal)
    return record


def _summarise(images, conf, record, terminal):
    """Write what became of every image of the folder's runs; not of one alone, which the record tells."""
    ours = {image['stem'] for image in record.images}
    names = {printable(str(files.input)): str(files.input) for files in images}
    failures = [_name_and_reason(line, names) for line in record.all_failures]
    failed = {name for name, _ in failures}
    # What is known of these from earlier holds no more.
    tried = {files.name for files in images}
    refused = {str(Path(name).resolve()) for name in failed}
    skipped = [
        image
        for stem, image in record.earlier.items()
        if stem not in tried and image['input'] not in refused and image['scales']
    ]
    lines = [Line.of(image, 'done') for image in record.images]
    lines += [Line.of(image, 'skipped') for image in skipped]
    lines += [Line(name, 'failed', reason) for name, reason in failures]
    lines += [
        Line(str(files.input), 'left')
        for files in images
        if files.name not in ours and str(files.input) not in failed
    ]
    if len(lines) > 1:
        try:
            write_summary(conf.result_path, lines)
        except (OSError, ValueError) as error:
            terminal.warn(f'{conf.result_path}: no summary ({one_line(error)})')


def _name_and_reason(line, names):
    """Take a line on a failure apart; of a name with a colon, one must know it.

    Args:
        line: text.
        names: dict from printed names to the names themselves.
    """
    start = 0
    while (end := line.find(': ', start)) >= 0:
        if line[:end] in names:
            return names[line[:end]], line[end + 2 :]
        start = end + 2
    return line.partition(': ')[::2]


def _follow(outcomes, images, conf, record, terminal, *, verbose, several):
    """Take what becomes of each image; of `several` at a time, also tell."""
    told = None
    while (ended := _next(outcomes, terminal, several)) is not None:
        number, outcome = ended
        files = images[number]
        failure = failure_line(files, outcome) if isinstance(outcome, Exception) else None
        if several:
            terminal.clock.ended(number)
        if failure is None:
            record.add(image=outcome)
            if several:
                terminal.say(_ended_line(files, outcome, terminal.clock))
        else:
            terminal.warn(failure)
            if verbose:
                terminal.trace(outcome)
            record.add(failure=failure)
        if record.trouble and record.trouble != told:
            terminal.warn(f'{record.trouble}; the results themselves are written')
        told = record.trouble
        if failure and isinstance(outcome, OSError) and outcome.errno in NO_ROOM:
            reason = f'no room for results ({outcome.strerror})'
            raise OSError(f'{conf.result_path}: {reason}; make room there and start again to go on')


def _ended_line(files, entry, clock):
    """What is to be told of an image that was enlarged beside others, in a line."""
    told = [entry['kernel'], *entry['notes']]
    if entry['ground_truth']:
        psnr = entry['scales'][-1]['psnr']
        told.append(f'PSNR {math.inf if psnr is None else psnr:.2f} dB')
    return f'{clock.number} of {clock.count}  {files.input.name}: {"; ".join(told)}  {clock.text()}'


def _next(outcomes, terminal, several):
    """The next (number of an image, its entry or exception); None: there is none."""
    if not several:
        return next(outcomes, None)
    with terminal.doing('enlarging', timed=True):
        return next(outcomes, None)


def usual_number(images, conf):
    """How many processes share images, a list of ImageFiles, on a CPU where the user does not say."""
    are_small = all(files.size and math.prod(files.size) * files.pages <= SHARED_PIXELS for files in images)
    is_shared = len(images) >= SHARED_FROM and are_small and cores() > 1
    return 2 if is_shared and not conf.plot_losses else 1


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
            with contextlib.suppress(Exception):  # which is told when the image's turn comes
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
    """Write a run's report.html, beside bicubic enlargement; at worst, tell `terminal` why it is missing.

    One that is newer than run.json tells of all that there is.
    """
    report, told = Path(folder) / 'report.html', Path(folder) / RUN_JSON
    if report.exists() and told.exists() and report.stat().st_mtime_ns >= told.stat().st_mtime_ns:
        return
    try:
        from comparing.comparison import report_run

        with terminal.doing('writing the report', timed=True):
            done = report_run(folder)
    except Exception as error:  # a report must not fail a run of hours, whatever is wrong with it
        terminal.warn(f'{folder}: no report ({one_line(error)})')
    else:
        terminal.say(f'report: {done.path}')


def _outcomes(images, conf, terminal):
    """Yield (number, entry or exception) of one image after the other, in this process."""
    networks = {}
    for number, files in enumerate(images):
        terminal.clock.next_image()
        try:
            outcome = run_image(files, conf, terminal, networks)
        except Exception as error:  # whatever stops one image must not lose the others of a long run
            outcome = error
            if is_shortage(error):
                networks.clear()
        yield number, outcome


def run_in_process(files, conf):
    """Enlarge an image in a process of its own, which is still: lines of several would mix."""
    return run_image(files, conf, Terminal(quiet=True), process_networks())
