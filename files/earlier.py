"""What a folder records of earlier runs in it: which images need not be done again."""

import json
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path

from configs import Config
from files.jobs import deciding, digest_files, job_key
from files.names import FIGURE, SUFFIXES, ZSSR_NAME, figure_name
from files.records import RUN_JSON, checked_image, read_run
from files.storage import printable, sha256

# What came after run.json was written; there only while a run lasts, or after it was killed.
JOURNAL = '.run.jsonl'


@dataclass
class Earlier:
    """The entries of run.json, and of the journal of a run that was killed.

    Attributes:
        folder: of the runs.
        images: brief entries by stem.
        texts: the whole entries, as JSON, by stem.
        failures: lines on images that failed.
        config: the configuration of them all, a dict; empty where nothing is recorded.
        preset: of which that was made, or None.
        replaced: names of the results and figures of another configuration, which are to be replaced.
    """

    folder: Path | None = None
    images: dict = field(default_factory=dict)
    texts: dict = field(default_factory=dict)
    failures: list = field(default_factory=list)
    config: dict = field(default_factory=dict)
    preset: str | None = None
    replaced: frozenset = frozenset()

    @classmethod
    def read(cls, folder):
        """Read what is recorded in a folder, if anything is.

        Raises:
            ValueError: if run.json is damaged.
        """
        earlier = cls(Path(folder))
        if (earlier.folder / RUN_JSON).is_file():
            record = read_run(folder)
            earlier.config, earlier.preset = record.get('config') or {}, record.get('preset')
            earlier.failures = record.get('failures') or []
            for image in record.get('images') or []:
                earlier._add(image)
        for line in _journal(earlier.folder / JOURNAL):
            if isinstance(line, str):
                earlier.failures.append(line)
            else:
                earlier._add(line)
        earlier.failures = list(dict.fromkeys(earlier.failures))
        return earlier

    def suited(self, conf, force):
        """What counts for a run of a configuration: of each image there is one result in a folder.

        Args:
            conf: Config.
            force: whether results of another configuration are to be replaced.

        Returns:
            This; or, where another is to be replaced, an Earlier that knows of nothing.

        Raises:
            ValueError: naming the folder, what differs, and the remedy.
        """
        wanted, recorded = deciding(conf), self._deciding()
        differing = [name for name in wanted if recorded.get(name, wanted[name]) != wanted[name]]
        if not self.images or not differing:
            return self
        if force:
            return Earlier(self.folder, replaced=self._made)
        named = ', '.join(f'{name} {recorded[name]!r}' for name in differing[:3])
        preset = '' if self.preset in (None, '0') else f'{self.preset}: '
        raise ValueError(
            f'{self.folder}: holds results of another configuration ({preset}{named}); '
            'choose another --output, or add --force to replace them'
        )

    def _deciding(self):
        """`deciding` of the configuration that is recorded, if one is; as it stands, if it cannot be used."""
        if not self.config:
            return {}
        # What a later version has added is at its default in what was recorded before.
        known = {field.name for field in fields(Config)}
        try:
            return deciding(Config(**{name: value for name, value in self.config.items() if name in known}))
        except (TypeError, ValueError, AttributeError):
            return self.config

    def made(self, path):
        """Whether a file is a result, or a figure, of an earlier run in the folder."""
        if self.folder is None or path.resolve().parent != self.folder.resolve():
            return False
        return path.name in self._made or self._is_unrecorded(path)

    def _is_unrecorded(self, path):
        """Whether a file is called like what a run that was killed leaves of an image beside it."""
        result = ZSSR_NAME.fullmatch(path.stem)
        stem = result['stem'] if result else path.stem.removesuffix(FIGURE)
        return stem != path.stem and any(path.with_name(stem + suffix).is_file() for suffix in SUFFIXES)

    @cached_property
    def _made(self):
        """The names of results and figures."""
        results = {scale['output'] for image in self.images.values() for scale in image['scales']}
        return self.replaced | results | set(map(figure_name, self.images))

    def split(self, images, conf):
        """Find out which images are done already: by the same job, with results that are as they were left.

        Args:
            images: list of ImageFiles.
            conf: Config.

        Returns:
            (left, done, taken): those that are not; brief entries of those that are; and those whose result
            would replace another image's, with a line each, a list of pairs.
        """
        left, done, taken = [], [], []
        for files in images:
            known = self.images.get(files.name)
            if known is None or not files.input.is_file():
                left.append(files)
            elif self._is_done(known, files, conf):
                done.append(known)
            elif known['input'] != str(files.input.resolve()):
                where = f'of {known["input"]} in {self.folder}'
                line = f'its result would replace that {where}; choose another --output, or add --force'
                taken.append((files, line))
            else:
                left.append(files)
        return left, done, taken

    def forget_failures(self, images):
        """Leave out what failed of images that are looked at again."""
        paths = (path for files in images for path in (files.input, files.input.resolve()))
        tried = tuple(f'{printable(str(path))}: ' for path in paths)
        self.failures = [line for line in self.failures if not line.startswith(tried)]

    def _add(self, image):
        """Take an entry; a later one of the same stem is the valid one, and what is not whole is none."""
        if image.get('stem') and image.get('input') and image.get('scales'):
            self.images[image['stem']] = brief(image)
            self.texts[image['stem']] = json.dumps(image)

    def _is_done(self, known, files, conf):
        """Whether an entry is that of the same job, and its results are there as they were written."""
        try:
            if known['key'] is None or known['key'] != job_key(files, digest_files(files), conf):
                return False
            results = [(scale['output'], scale['output_sha256']) for scale in known['scales']]
            written = [(self.folder / name, digest) for name, digest in results if name is not None]
            return bool(written) and all(sha256(path) == digest for path, digest in written)
        except (OSError, ValueError):  # what is wrong with a file is told when it is checked
            return False


def brief(image):
    """What a run keeps in memory of an image's entry: all but the course of its training."""
    names = 'stem', 'key', 'input', 'ground_truth', 'kernel', 'notes', 'bicubic_psnr', 'seconds'
    of_scale = 'sf', 'output', 'output_sha256', 'psnr'
    scales = [{name: scale.get(name) for name in of_scale} for scale in image.get('scales') or []]
    return {name: image.get(name) for name in names} | {'scales': scales}


def _journal(path):
    """Yield the lines of a journal; the last may be torn, and is not there then."""
    if not path.is_file():
        return
    with open(path, encoding='ascii', errors='replace') as lines:
        for line in lines:
            try:
                told = json.loads(line)
                if isinstance(told, dict | str):
                    yield checked_image(told) if isinstance(told, dict) else told
            except (ValueError, RecursionError):
                continue
