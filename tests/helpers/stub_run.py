"""run_ZSSR.py where an image takes no time, but for one called `wait`: a program, and what its processes do.

Nothing is trained; results, records, signals and processes are the program's own.
"""

import sys
import time
from pathlib import Path

STUB = Path(__file__).with_name('stub')
sys.path.insert(0, str(STUB))

import run_ZSSR  # noqa: E402
from files.jobs import digest_files, job_key  # noqa: E402
from files.run_record import image_record  # noqa: E402
from files.storage import atomic_file, atomic_write, sha256  # noqa: E402
from running import workers  # noqa: E402
from running.clock import Clock  # noqa: E402


def run_image(files, conf, terminal, networks):
    """Copy the image as if it was the result; of `wait`, write a half file and wait for the end."""
    folder, digests = Path(conf.result_path), digest_files(files)
    if files.name == 'wait':
        with atomic_file(folder / 'half.png') as half:
            half.touch()
            time.sleep(600)
    result = folder / f'{files.name}_zssr_X2.00X2.00.png'
    atomic_write(result, files.input.read_bytes())
    print(f'{files.name} is done', flush=True)
    scale = {'sf': [2, 2], 'output': result.name, 'output_sha256': sha256(result), 'psnr': None}
    facts = {'key': job_key(files, digests, conf), 'kernel': 'none', 'notes': [], 'seconds': 0.0}
    return image_record(files, digests, scales=[scale], **facts)


# In every process, as each imports the program that it was started by.
workers.run_image = run_image
workers.clock_for = lambda images, conf, terminal: Clock([1] * len(images))

if __name__ == '__main__':
    sys.exit(run_ZSSR.main())
