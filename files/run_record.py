"""run.json, the record of a run, as it is written; `files.records` reads it."""

import json
import math
import time
from dataclasses import asdict
from pathlib import Path

from configs import differences, get_config
from files.records import RUN_JSON
from files.storage import atomic_write, sha256


class RunRecord:
    """The record of a run, which is written anew after every image.

    Attributes:
        images: their entries, of those that are done.
        failures: a line for each other.
    """

    def __init__(self, conf, versions, failures=(), preset=None):
        """Begin the record of a run.

        Args:
            conf: Config.
            versions: dict from name to version, of what decides a result.
            failures: a line for each image that is not even tried.
            preset: name of the preset that `conf` was made of; None: the default configuration.
        """
        self.failures = list(failures)
        changes = differences(conf.copy(), get_config(preset))
        if conf.value_range == 'auto':
            changes.pop('value_range', None)  # which is what the command line does by itself
        self._path = Path(conf.result_path) / RUN_JSON if conf.is_recorded else None
        self.images = []
        self._head = {
            'preset': preset,
            'changes': changes,
            'config': asdict(conf),
            'versions': versions,
            'started': _now(),
        }

    def add(self, image=None, failure=None):
        """Add an image that is done (`image_record`), or a line on one that failed, and write the file."""
        self.images += [image] if image else []
        self.failures += [failure] if failure else []
        record = {**self._head, 'images': self.images, 'failures': self.failures, 'finished': _now()}
        if self._path:
            atomic_write(self._path, json.dumps(record, indent=1).encode())


def image_record(files, kernel_note, **facts):
    """What run.json keeps of an image: a dict.

    Args:
        files: ImageFiles.
        kernel_note: which kernels are used, and what was chosen, in words.
        **facts: bicubic_psnr, where there is a truth; found (of `choice.Choice`), seed, scales (list of
            `scale_record`), values (`Saving.values`), precision, device.
    """
    truth = files.ground_truth
    return {
        'stem': files.name,
        'input': str(files.input.resolve()),
        'input_sha256': sha256(files.input),
        'ground_truth': None if truth is None else str(truth.resolve()),
        'ground_truth_sha256': None if truth is None else sha256(truth),
        'kernel': kernel_note,
        'kernels': [{'file': str(kernel), 'sha256': sha256(kernel)} for kernel in files.kernels or ()],
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
