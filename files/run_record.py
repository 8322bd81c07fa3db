"""run.json, the record of a run, as it is written; `files.records` reads it."""

import contextlib
import json
import math
import os
import time
from dataclasses import asdict
from pathlib import Path

from configs import differences, get_config
from files.earlier import JOURNAL, Earlier, brief
from files.records import RUN_JSON
from files.storage import atomic_write, one_line

# run.json is written anew after an image, but not so often that this would be what takes the time.
SHARE_OF_TIME = 1 / 20


class RunRecord:
    """The record of a run: what is done in its folder, by this run and by those before it.

    run.json, which all else reads, is written with the first image, now and then, and at the end. In between,
    an image is added to the journal beside it, a line whose cost does not grow with the run. Whatever kills
    the program, the next run begins with both.

    Attributes:
        images: brief entries (`files.earlier.brief`) of the images that this run has done.
        failures: a line for each that it could not.
        earlier: brief entries of what earlier runs have done in the folder, by stem.
        trouble: why the record is not on the disk as it stands, in a line; None: it is.
    """

    def __init__(self, conf, versions, failures=(), preset=None, earlier=None):
        """Begin the record of a run.

        Args:
            conf: Config.
            versions: dict from name to version, of what decides a result.
            failures: a line for each image that is not even tried.
            preset: name of the preset that `conf` was made of; None: the default configuration.
            earlier: Earlier, what is recorded in the folder already; None: nothing.
        """
        self.images, self.failures, self.trouble = [], list(failures), None
        changes = differences(conf.copy(), get_config(preset))
        if conf.value_range == 'auto':
            changes.pop('value_range', None)  # which is what the command line does by itself
        self._folder = Path(conf.result_path) if conf.is_recorded else None
        earlier = earlier or Earlier()
        self.earlier = earlier.images
        self._texts, self._earlier_failures = dict(earlier.texts), earlier.failures
        self._written, self._cost = -math.inf, 0.0
        self._head = {
            'preset': preset,
            'changes': changes,
            'config': asdict(conf),
            'versions': versions,
            'started': _now(),
        }

    def add(self, image=None, failure=None):
        """Add an image that is done (`image_record`), or a line on one that failed."""
        if image:
            self.images.append(brief(image))
            self._texts[image['stem']] = text = json.dumps(image)
        else:
            self.failures.append(failure)
            text = json.dumps(failure)
        if self._folder is not None:
            self._keep(text)

    def _keep(self, text):
        """Bring what was added to the disk."""
        # A journal says nothing of the configuration: that is in the run.json which comes before it.
        is_first = self._written == -math.inf
        if not is_first:
            self._try(self._append, text)
        if time.monotonic() - self._written > self._cost / SHARE_OF_TIME:
            self._try(self._write)
        if is_first and self.trouble:
            with contextlib.suppress(OSError):
                self._append(text)

    @property
    def all_failures(self):
        """The lines on all images of the folder that failed, those of earlier runs included."""
        return [*self._earlier_failures, *self.failures]

    def close(self):
        """Write run.json as it stands in the end."""
        if self._folder is None:
            return
        # The journal of a run that was killed may hold the last that was missing.
        if self.images or self.failures or (self._folder / JOURNAL).exists():
            self._try(self._write)

    def _try(self, write, *arguments):
        """Write something, if that can be: a record that cannot be written is no reason to stop working."""
        try:
            # A folder that was deleted meanwhile is made again, for what is still to come.
            self._folder.mkdir(parents=True, exist_ok=True)
            write(*arguments)
            self.trouble = None
        except (OSError, ValueError) as error:
            reason = getattr(error, 'strerror', None) or one_line(error)
            self.trouble = f'{self._folder / RUN_JSON}: cannot be written ({reason})'

    def _append(self, text):
        """Add a line to the journal, and see that it is on the disk."""
        with open(self._folder / JOURNAL, 'a', encoding='ascii') as journal:
            # The line before may have been torn: this one is no part of it.
            journal.write(f'\n{text}')
            journal.flush()
            os.fsync(journal.fileno())

    def _write(self):
        """Write run.json: the head, a line per image, and how it went; nothing is left for the journal."""
        started = time.monotonic()
        parts = [
            json.dumps(self._head, indent=1)[:-2],
            ' "images": [\n' + ',\n'.join(self._texts.values()) + '\n ]',
            f' "failures": {json.dumps(self.all_failures)}',
            f' "finished": {json.dumps(_now())}\n}}\n',
        ]
        atomic_write(self._folder / RUN_JSON, ',\n'.join(parts).encode())
        (self._folder / JOURNAL).unlink(missing_ok=True)
        self._written = time.monotonic()
        self._cost = self._written - started


def image_record(files, digests, **facts):
    """What run.json keeps of an image: a dict.

    Args:
        files: ImageFiles.
        digests: SHA-256 of what was read of each of its files, by path.
        **facts: key (`files.jobs.job_key`), kernel (which kernels are used, and what was chosen, in words),
            bicubic_psnr, where there is a truth; found (of `choice.Choice`), seed, scales (list of
            `scale_record`), values (`Saving.values`), precision, device, threads, seconds, notes (lines).
    """
    truth = files.ground_truth
    return {
        'stem': files.name,
        'input': str(files.input.resolve()),
        'input_sha256': digests[files.input],
        'ground_truth': None if truth is None else str(truth.resolve()),
        'ground_truth_sha256': None if truth is None else digests[truth],
        'kernels': [{'file': str(kernel), 'sha256': digests[kernel]} for kernel in files.kernels or ()],
        **facts,
    }


def scale_record(scale, kernel, learning_rate_changes, histories):
    """What run.json keeps of the training of a scale, to which psnr, ssim, seconds and output are added.

    Args:
        scale: (vertical, horizontal) scale factors.
        kernel: method name, or 2-D array.
        learning_rate_changes: iterations at which the rate fell.
        histories: dict of loss, mse_steps, mse, mse_rec, interp_mse and interp_rec_mse: lists, or None.
    """
    return {
        'sf': list(scale),
        'kernel': kernel if isinstance(kernel, str) else kernel.tolist(),
        'iterations': len(histories['loss']),
        'learning_rate_changes': learning_rate_changes,
        **histories,
        'loss': [loss if math.isfinite(loss) else None for loss in histories['loss']],
    }


def finite(scores):
    """Scores as run.json keeps them: None for infinity, which JSON does not know."""
    return {name: value if math.isfinite(value) else None for name, value in scores.items()}


def _now():
    return time.strftime('%Y-%m-%dT%H:%M:%S%z')
