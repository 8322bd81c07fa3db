"""A run that is killed at random moments, and started again."""

import json
import random
import time
from pathlib import Path

from helpers.command_line import TINY, finish, save_image, start

# Each image takes long enough that a kill is as likely to come while it trains as while it is written.
SETTINGS = [
    *TINY,
    '--set=max_iters=400',
    '--set=rate_policy=linear',
    '--set=run_test_every=100',
    '--seed',
    '0',
]

# Seconds in which processes have to end that have lost their parent.
GRACE = 20


def measure(folder, images, times, workers, seed):
    """Kill a folder run again and again, let it end each time, and compare with an undisturbed one.

    Args:
        folder: an empty one.
        images: how many.
        times: how often it is killed.
        workers: processes, 1 for the run's own.
        seed: of the moments at which it is killed.

    Returns:
        List of lines on what is not as promised.
    """
    (folder / 'in').mkdir()
    for number in range(images):
        save_image(folder / 'in' / f'{number:03}.png', number)
    shared = ['-j', workers]
    arguments = ['0', '-i', folder / 'in', '--no-report', *shared, *SETTINGS]
    started = time.monotonic()
    problems = ended(arguments, folder / 'undisturbed')
    whole = time.monotonic() - started
    moments, done = random.Random(seed), 0
    for number in range(times):
        # Half of the kills go on where the last left off; the other half begin anew.
        out = folder / f'killed_{number // 2}'
        moment = moments.uniform(0, whole)
        process = start(*arguments, '-o', out, start_new_session=True)
        time.sleep(moment)
        children = below(process.pid)
        process.kill()
        finish(process)
        left = outlived(children)
        known = entries(out)
        problems += [f'{out}: after {moment:.1f} s, process {pid} remains' for pid in left]
        print(f'killed after {moment:6.1f} s of {whole:.1f}: {len(known)} of {images} recorded', flush=True)
        done += len(known)
        if number % 2 or number == times - 1:
            problems += ended(arguments, out)
            problems += compared(folder / 'undisturbed', out, images)
    print(f'{times} kills, {done / max(times, 1):.1f} images recorded at each, on average')
    return problems


def ended(arguments, out):
    """Run to the end; returns lines on what went wrong."""
    code, _, err = finish(start(*arguments, '-o', out, start_new_session=True))
    return [] if (code, err) == (0, '') else [f'{out}: exit code {code}: {err}']


def compared(undisturbed, out, images):
    """Lines on what differs from an undisturbed run, is missing in run.json, or is left over."""
    problems = []
    results = {path.name: path.read_bytes() for path in undisturbed.glob('*_zssr_*')}
    found = {path.name: path.read_bytes() for path in out.glob('*_zssr_*')}
    if len(results) != images or found != results:
        differing = [name for name in results.keys() | found if results.get(name) != found.get(name)]
        problems.append(f'{out}: other results: {differing}')
    if entries(out) != entries(undisturbed):
        problems.append(f'{out}: run.json has {sorted(entries(out))}')
    hidden = [path.name for path in out.glob('.*')]
    return [*problems, f'{out}: left over: {hidden}'] if hidden else problems


def entries(out):
    """What run.json has of the images: checksums of results by stem."""
    if not (out / 'run.json').exists():
        return {}
    images = json.loads((out / 'run.json').read_text())['images']
    return {image['stem']: [scale['output_sha256'] for scale in image['scales']] for image in images}


def below(process):
    """All processes that a process has started, and those that these have."""
    try:
        children = Path(f'/proc/{process}/task/{process}/children').read_text().split()
    except OSError:
        return []
    return [*children, *(pid for child in children for pid in below(child))]


def outlived(processes):
    """Those that are still there after a while."""
    end = time.monotonic() + GRACE
    while (left := [pid for pid in processes if Path(f'/proc/{pid}').exists()]) and time.monotonic() < end:
        time.sleep(0.1)
    return left
