"""A disk that fills up, a folder that is deleted, a terminal that is closed, and names of all kinds."""

import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager

from helpers.command_line import TINY, finish, save_image, start

SETTINGS = ['--no-report', '--seed', '0', *TINY]

# Of 50 files: what shells, terminals, tables, pages and file systems take for something else.
NAMES = [
    *('-', '--help', '-i', '--output=x', '~', '*', '?', '[ab]', '{{rows}}', '%s%n', '$HOME', '`id`', '$(id)'),
    *("'", '"', "';--", '<script>', '&amp;', '|', ';', '#', '\\', 'C:\\a', 'a: b', ': ', ',', '=1+1', '@a'),
    *(' ', ' a ', '\t', '\n', 'a\nb', '\r', '\x1b[31m', '\x07', '\u202egnp', '\u2028', '\u00e9', 'e\u0301'),
    *(
        '漢字',
        '😀',
        'a' * 200,
        'a.b.c',
        'a..',
        'CON',
        'a_zssr_X2.00X2.00',
        'a_SRF_2_HR',
        'caf\udce9',
        '\udcff\udcfe',
    ),
]


def measure(folder):
    """Run into each of these.

    Args:
        folder: an empty one.

    Returns:
        List of lines on what is not as promised.
    """
    assert len(set(NAMES)) == 50
    (folder / 'in').mkdir()
    for number in range(6):
        save_image(folder / 'in' / f'{number}.png', number, (60, 64, 3))
    problems = []
    for trial in (_full_disk, _deleted_folder, _closed_streams, _hostile_names):
        found = trial(folder)
        print(f'{trial.__doc__} {"; ".join(found) or "as promised"}', flush=True)
        problems += found
    return problems


def _full_disk(folder):
    """A disk that fills up:"""
    if os.geteuid() != 0:
        return print('skipped, as only root can mount one') or []
    problems = []
    for kind in ('png', 'tif', 'jpg', 'webp', 'npy', 'npz'):
        disk = folder / f'disk_{kind}'
        disk.mkdir()
        with _mounted(disk, '200k'):
            (disk / 'ballast').write_bytes(bytes(80 << 10))
            out = disk / 'out'
            arguments = ['0', '-i', folder / 'in', '--ext', kind, '-o', out, *SETTINGS]
            code, _, err = finish(start(*arguments))
            # Small results can all find room where run.json does not: then no image failed.
            expected = 1 if len(list(out.glob('*_zssr_*'))) == 6 else 2
            if code != expected:
                problems.append(f'{kind}: exit code {code}, not {expected}, where there is no room: {err}')
            if str(out) not in err.splitlines()[-1] or 'start again' not in err:
                problems.append(f'{kind}: says {err}')
            done = _done(out)
            problems += [f'{kind}: {name}' for name in _not_as_recorded(out)]
            (disk / 'ballast').unlink()
            subprocess.run(['mount', '-o', 'remount,size=8m', disk], check=True)
            code, said, err = finish(start(*arguments))
            again = f'{len(done)} of 6 images are done already' in said or not done
            if (code, len(_done(out)), again) != (0, 6, True):
                problems.append(f'{kind}: started again: {code}, {sorted(_done(out))} {said} {err}')
            problems += [f'{kind}: {name}' for name in _not_as_recorded(out)]
        print(f'{kind}: {len(done)} of 6 before there was no more room', flush=True)
    return problems


def _deleted_folder(folder):
    """A folder of results that is deleted in the middle:"""
    out, problems = folder / 'deleted', []
    for shared in ([], ['-j', 2]):
        arguments = ['0', '-i', folder / 'in', '-o', out, *shared, *SETTINGS]
        process = start(*arguments)
        while not list(out.glob('*_zssr_*')) and process.poll() is None:
            time.sleep(0.01)
        shutil.rmtree(out, ignore_errors=True)
        code, _, err = finish(process)
        there = len(list(out.glob('*_zssr_*')))
        if code not in (0, 1) or len(_done(out)) < 5 or there < 3:
            problems.append(f'{shared}: {code}, {there} results, {len(_done(out))} recorded, {err}')
        code, _, err = finish(start(*arguments))
        problems += [f'{shared}: started again: {code} {err}'] if code else []
        problems += [f'{shared}: {name}' for name in _not_as_recorded(out)]
        shutil.rmtree(out)
    return problems


def _closed_streams(folder):
    """Outputs that are closed or full:"""
    problems = []
    ways = {'closed': '>&-', 'all closed': '>&- 2>&- <&-', 'full': '>/dev/full', 'gone': '| true'}
    for way, redirected in ways.items():
        out = folder / f'out_{way}'
        script = f'exec "$@" {redirected}' if '|' not in redirected else f'"$@" {redirected}'
        process = start('0', '-i', folder / 'in', '-o', out, *SETTINGS)
        command = list(map(str, process.args))
        process.kill()
        finish(process)
        shutil.rmtree(out, ignore_errors=True)
        done = subprocess.run(
            ['bash', '-c', script, 'bash', *command], cwd=folder, capture_output=True, text=True, timeout=600
        )
        if done.returncode or 'Traceback' in done.stderr or len(_done(out)) != 6:
            problems.append(f'{way}: {done.returncode}, {len(_done(out))} of 6: {done.stderr[-400:]}')
    return problems


def _hostile_names(folder):
    """Names of all kinds:"""
    (folder / 'names').mkdir()
    for number, name in enumerate(NAMES):
        save_image(folder / 'names' / f'{name}.png', number)
    out = folder / 'named'
    arguments = ['0', '-i', folder / 'names', '-o', out, *SETTINGS]
    code, _, err = finish(start(*arguments))
    problems = [] if (code, err) == (0, '') else [f'{code}, {err[-2000:]}']
    if _done(out) != set(NAMES):
        problems.append(f'not done: {sorted(set(NAMES) - _done(out))}')
    code, said, err = finish(start(*arguments))
    if code or '50 of 50 images are done already' not in said:
        problems.append(f'started again: {code} {said[-400:]} {err[-400:]}')
    return [*problems, *_not_as_recorded(out)]


@contextmanager
def _mounted(folder, size):
    """A small disk in memory, at a folder."""
    subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', folder], check=True)
    try:
        yield
    finally:
        subprocess.run(['umount', folder], check=True)


def _images(out):
    """The entries of run.json, and of the journal where that is all there was room for."""
    record, journal = out / 'run.json', out / '.run.jsonl'
    images = json.loads(record.read_text())['images'] if record.exists() else []
    lines = journal.read_text().split('\n') if journal.exists() else []
    return images + [json.loads(line) for line in lines if line.startswith('{') and line.endswith('}')]


def _done(out):
    """The stems of the images that are recorded."""
    return {image['stem'] for image in _images(out)}


def _not_as_recorded(out):
    """Lines on results that are not as run.json has them, and on leftovers."""
    from files.storage import sha256

    problems = [f'left over: {path.name}' for path in out.glob('.*.tmp')]
    for image in _images(out):
        for scale in image['scales']:
            path = out / scale['output']
            if not path.exists() or sha256(path) != scale['output_sha256']:
                problems.append(f'{path.name}: not as recorded')
    return problems
