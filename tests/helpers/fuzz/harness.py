"""Cases of a kind, each read in a process of its own, with limits on time and memory."""

import collections
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np

SECONDS = 10  # that a case may take
BYTES = 2**31  # by which the memory of a case may grow
PATIENCE = 5  # seconds more, after which a process that does not end by itself is ended
REFUSALS = (ValueError, OSError)  # FileNotFoundError is one of the latter
# What else is here is no kind.
HELPERS = ('harness', 'damage')


def kinds():
    """The names of the kinds that there are, sorted."""
    found = sorted(path.stem for path in Path(__file__).parent.glob('[!_]*.py'))
    return [name for name in found if name not in HELPERS]


def run(kind, count, seed):
    """Read cases 0 to `count` of a kind; tell of every defect in a line, and of all counts in the last.

    Args:
        kind: module with `make(rng, folder)` and `read(case)`; the generator and an empty folder are all that
            a case is made of. `read` returns, or raises what the program refuses it with.
        count: how many.
        seed: of the generators, beside the number of the case.

    Returns:
        1 if there is a defect, else 0.
    """
    name, counts, start = kind.__name__.rpartition('.')[2], collections.Counter(), time.monotonic()
    slowest = 0
    for number in range(count):
        began = time.monotonic()
        verdict, text = judge(kind, seed, number)
        slowest = max(slowest, time.monotonic() - began)
        counts[verdict] += 1
        if verdict == 'defect':
            print(f'{name} --seed {seed} --only {number}: {text}', flush=True)
    seconds = time.monotonic() - start
    words = ', '.join(f'{counts[verdict]} {verdict}' for verdict in ('accepted', 'refused'))
    print(f'{name}: {words}, {counts["defect"]} defects, {seconds:.0f} s, the slowest {slowest:.1f} s')
    return int(counts['defect'] > 0)


def judge(kind, seed, number):
    """Read one case in a process of its own.

    Returns:
        (verdict, text): 'accepted', 'refused' or 'defect', and what is to be said of it.
    """
    with tempfile.TemporaryDirectory(prefix='fuzz-') as folder, tempfile.TemporaryFile() as told:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            _be_child(kind, seed, number, Path(folder), told, writing)
        os.close(writing)
        with open(reading, 'rb') as answers:
            # A pipe whose other end has gone is one that can be read from, too.
            ended = select.select([answers], [], [], SECONDS + PATIENCE)[0]
            if not ended:
                os.kill(child, signal.SIGKILL)
            answer = answers.read()
        status = os.waitpid(child, 0)[1]
        told.seek(0)
        said = told.read().decode(errors='replace')
    if os.WIFSIGNALED(status):
        sign = os.WTERMSIG(status)
        late = sign in (signal.SIGALRM, signal.SIGKILL)
        return 'defect', f'more than {SECONDS} s' if late else f'crashed: {signal.Signals(sign).name}'
    if not answer:
        return 'defect', f'ended with {os.WEXITSTATUS(status)}: {" ".join(said.split())}'
    verdict, text = json.loads(answer)
    if said and verdict != 'defect':
        return 'defect', f'{verdict}, and says: {" ".join(said.split())[:300]}'
    return verdict, text


def show(kind, seed, number, keep=None):
    """Read one case, in a process of its own, and print what it raises; returns 1 if that is a defect."""
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        kind.make(np.random.default_rng([seed, number]), keep)
    verdict, text = judge(kind, seed, number)
    print(f'{verdict}: {text}')
    return int(verdict == 'defect')


def _be_child(kind, seed, number, folder, told, answers):
    """Make a case, read it, write the verdict to the pipe `answers`, and end the process."""
    try:
        case = kind.make(np.random.default_rng([seed, number]), folder)
        for stream in (1, 2):
            os.dup2(told.fileno(), stream)
        signal.alarm(SECONDS)
        _limit_memory()
        verdict = _verdict(kind.read, case)
        sys.stdout.flush()
        sys.stderr.flush()
        signal.alarm(0)
        os.write(answers, json.dumps(verdict).encode())
        os._exit(0)
    except BaseException:  # nothing of the parent may go on in the child
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(70)


def _limit_memory():
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    limit = pages * resource.getpagesize() + BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # writing what a crash leaves takes seconds


def _verdict(read, case):
    try:
        read(case)
    except REFUSALS as error:
        message = str(error)
        if isinstance(error, UnicodeError) or len(message.splitlines()) != 1:
            return 'defect', f'no one line: {type(error).__name__} {message!r}'
        if any(isinstance(cause, MemoryError) for cause in _causes(error)):
            return 'defect', f'asks for more than {BYTES >> 30} GiB, then refuses: {message}'
        return 'refused', message
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f'{Path(last.filename).name}:{last.lineno}'
        return 'defect', f'{type(error).__name__} ({where}): {" ".join(str(error).split())[:300]}'
    return 'accepted', ''


def _causes(error):
    """An exception, and those that it was raised from or during."""
    while error:
        yield error
        error = error.__cause__ or error.__context__
