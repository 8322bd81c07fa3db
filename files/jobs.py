"""A job is an image, its kernels and a configuration: what it is known by, wherever it is done."""

import dataclasses
import hashlib
import json
from dataclasses import asdict

from configs import WITHOUT_EFFECT, __version__
from files.storage import check_file, sha256


def digest_files(files):
    """The SHA-256 of an image's files, a dict by path; errors as `check_file`."""
    paths = [path for path in (files.input, files.ground_truth, *(files.kernels or ())) if path is not None]
    for path in paths:
        check_file(path)
    return {path: sha256(path) for path in paths}


def check_unchanged(digests):
    """Refuse files that are not what they were when `digest_files` looked at them.

    Raises:
        ValueError: naming the file.
        FileNotFoundError: if it is gone.
    """
    for path, digest in digests.items():
        if sha256(path) != digest:
            raise ValueError(f'{path}: was changed while it was read; start again once it is complete')


def job_key(files, digests, conf):
    """What a result is known by: the hash of input, truth, kernels, configuration and version.

    Args:
        files: ImageFiles.
        digests: of `digest_files`.
        conf: Config.

    Returns:
        64 hexadecimal digits.
    """
    kernels = None if files.kernels is None else [digests[kernel] for kernel in files.kernels]
    truth = None if files.ground_truth is None else digests[files.ground_truth]
    known = [__version__, digests[files.input], truth, kernels, deciding(conf)]
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def deciding(conf):
    """The fields of a Config that decide a result and its file, a dict as JSON has it.

    What means the same is the same: 2, 2.0 and [2, 2] of a scale, fields in any order that an image decides.
    """
    fields = {name: value for name, value in asdict(conf).items() if name not in WITHOUT_EFFECT}
    fields |= {'seed': conf.seed, 'result_format': conf.result_format}
    fields |= {'scale_factors': conf.scales, 'base_change_sfs': conf.base_changes}
    fields |= {'from_image': sorted(conf.from_image)}
    kinds = {field.name: field.type for field in dataclasses.fields(conf)}
    numbers = {name: float(value) for name, value in fields.items() if kinds[name] is float}
    return json.loads(json.dumps(fields | numbers))
