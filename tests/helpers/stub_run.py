"""run_ZSSR.py where an image takes no time, but for one called `wait`: a program, and what its processes do.

Nothing is trained; results, records, signals, processes and a cluster (`--preload` of its workers) are the
program's own.
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name('stub')))

import run_ZSSR
from files.jobs import digest_files, job_key
from files.run_record import image_record
from files.storage import atomic_file, atomic_write, sha256
from running import cluster, workers
from running.clock import Clock
from running.images import pairs_of_files

# The image `wait` is at work as long as there is this file.
HOLD = Path(os.environ.get('STUB_HOLD', '/'))


def run_image(files, conf, terminal, networks, original=None):
    """Copy the image as if that was the result; of `wait`, write half a file and wait."""
    folder, digests, original = Path(conf.result_path), digest_files(files), original or files
    if files.name == 'wait':
        with atomic_file(folder / 'half.txt') as half:
            half.touch()
            while HOLD.exists():
                time.sleep(0.05)
    result = folder / f'{files.name}_zssr_X2.00X2.00.png'
    atomic_write(result, files.input.read_bytes())
    print(f'{files.name} is done', flush=True)
    scale = {'sf': [2, 2], 'output': result.name, 'output_sha256': sha256(result), 'psnr': None}
    facts = {'key': job_key(files, digests, conf), 'kernel': 'none', 'notes': [], 'seconds': 0.0}
    read = {path: digests[copy] for path, copy in pairs_of_files(original, files)}
    return image_record(original, read, scales=[scale], **facts)


# In every process, as each imports the program that it was started by.
workers.run_image = cluster.run_image = run_image
workers.clock_for = lambda images, conf, terminal: Clock([1] * len(images))

if __name__ == '__main__':
    sys.exit(run_ZSSR.main())
