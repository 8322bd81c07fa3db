"""Which file belongs to which image: names of results, ground truth and inputs, and what run.json records.

Pages hold the pictures themselves, and a run.json, or a link within a folder, may name any file of the
machine. So a result lies in its folder, and what a record names is read only where it lies in a folder that
the user gave, or where the record knows its bytes.
"""

import os
from dataclasses import replace
from pathlib import Path

from files.image_files import ImageFiles
from files.names import GROUND_TRUTH, SRF_NAME, ZSSR_NAME, image_files, is_ground_truth, parse_name
from files.records import RUN_JSON, Result, read_run, results_of
from files.storage import one_line, sha256

NOTES = 10  # that an error message has room for


def common_images(a, b, *, gt=None, inputs=None):
    """Find the images of which two folders have results.

    Args:
        a: folder of results.
        b: the other folder.
        gt: folder of ground truth, or None: the files that a run.json names, where they exist.
        inputs: folder of low-resolution inputs, or None: likewise.

    Returns:
        A list of `ImageFiles` with the results of both folders, sorted by name (of several scales, the
        largest that both have), and a list of notes on what was left out, each one line.

    Raises:
        FileNotFoundError: if a folder is missing.
        ValueError: if a folder holds no images, or the two have none in common.
    """
    first, second = find_results(a), find_results(b)
    companions = Companions(inputs, gt, folders=(a, b))
    images, notes = [], []
    for found, other, folder in ((first, second, b), (second, first, a)):
        notes += [f'{found[name][-1].path}: no result for it in {folder}' for name in found.keys() - other]
    for name in sorted(first.keys() & second):
        one, two = _same_scale(first[name], second[name])
        if one is None:
            notes.append(f'{name}: {a} and {b} have no scale in common')
            continue
        unclear = [ambiguity(one, first[name]), ambiguity(two, second[name])]
        if unclear := [*filter(None, unclear), *filter(None, map(companions.stray, (one, two)))]:
            notes += unclear
            continue
        scale = one.scale or two.scale
        source, truth, remarks = companions.find(name, scale, (one.run, two.run))
        notes += remarks
        images.append(ImageFiles(name, source, truth, results=(one, two), scale=scale))
    if not images:
        raise ValueError(_why_none(a, b, first, second, notes))
    return images, sorted(notes)


def images_of_run(folder, record):
    """List the results of a run, each beside None for bicubic enlargement of its input.

    Args:
        folder: of the run.
        record: dict, its run.json, of `read_run`.

    Returns:
        A list of `ImageFiles` (of several scales of an image, the last), their inputs not looked for yet.
    """
    images = {}
    for output, (scale, run) in results_of(record).items():
        result = Result(Path(folder) / output, scale, run)
        # Not parsed: the results of img_SRF_2_LR and of img_SRF_2_HR are two images here.
        name = run.get('stem') or parse_name(result.path.stem)[0]
        images[name] = ImageFiles(name, results=(None, result), scale=scale)
    return list(images.values())


def with_companions(images, folder, *, gt=None, inputs=None):
    """Find the inputs and the ground truths of images of a run.

    Args:
        images: list of `ImageFiles`, of `images_of_run`.
        folder: of the run.
        gt: folder of ground truth, or None: the files that run.json names.
        inputs: folder of low-resolution inputs, or None: likewise.

    Returns:
        Those `ImageFiles` whose input may be read, and a list of notes on what was left out, each one line.

    Raises:
        FileNotFoundError: if a folder is missing.
        ValueError: if there is none of them.
    """
    found, notes, companions = [], [], Companions(inputs, gt, folders=(folder,))
    for files in images:
        result = files.results[-1]
        if stray := companions.stray(result):
            notes.append(stray)
            continue
        source, truth, remarks = companions.find(parse_name(files.name)[0], files.scale, (result.run,))
        notes += remarks
        if source is None or files.scale is None:
            notes.append(f'{result.path}: its input or scale is not known (any more); left out')
            continue
        found.append(replace(files, input=source, ground_truth=truth))
    if not found:
        raise ValueError(in_one_line(f'{folder}: its run.json lists nothing to compare', notes))
    return found, notes


def in_one_line(outcome, notes):
    """What came of it and why, for an error message; notes of thousands of images are cut short."""
    rest = [f'and {len(notes) - NOTES} notes more'] if len(notes) > NOTES else []
    return '; '.join(map(one_line, [outcome, *notes[:NOTES], *rest]))


class Companions:
    """The inputs and the ground truths of results: where they are, and which files may be read."""

    def __init__(self, inputs, gt, folders):
        """Look into the folders that the user gave.

        Args:
            inputs: folder of inputs, or None: the files that a record names.
            gt: folder of ground truth, or None: likewise.
            folders: of the results; what a record names and lies in one of them may be read.
        """
        self._given = {
            'input': inputs and find_images(inputs, 'LR'),
            'ground_truth': gt and find_images(gt, 'HR'),
        }
        self._gt = gt
        self._folders = [folder for folder in (*folders, inputs, gt) if folder is not None]
        self._places = [os.path.realpath(folder) for folder in self._folders]

    def find(self, name, scale, runs):
        """The files of an image.

        Args:
            name: of the image, as `find_images` has it.
            scale: (vertical, horizontal) scale factor, or None.
            runs: what run.json records of it, dicts, perhaps empty; the first that names a file decides.

        Returns:
            (input, ground truth, notes): paths or None; notes say, in a line each, what is left out.
        """
        notes, found = [], []
        for role, images in self._given.items():
            if images is None:
                run = next((run for run in runs if run.get(role)), {})
                path, note = self._recorded(role, run)
            else:
                path = image_at(images, name, scale)
                is_missed = path is None and role == 'ground_truth'
                note = f'{name}: no ground truth in {self._gt}' if is_missed else None
            found.append(path)
            notes += [f'{name}: {note}'] if note else []
        return *found, notes

    def stray(self, result):
        """One line on a result that is a link out of the folders; None if it is none."""
        if self._is_within(result.path):
            return None
        return f'{result.path}: is a link to a file outside of {self._named()}; copy it there; left out'

    def _recorded(self, role, run):
        """(path, note) of a file that a record names; None where it names none or that is gone."""
        path = run.get(role)
        if not path or not os.path.isfile(path):
            return None, None
        if self._is_within(path) or _has_checksum(path, run.get(f'{role}_sha256')):
            return Path(path), None
        option = {'input': '--inputs (inputs=)', 'ground_truth': '--gt (gt=)'}[role]
        words = f'it lies outside of {self._named()} and has no matching checksum'
        return None, f'{path} left out: {words}; give its folder with {option}'

    def _is_within(self, path):
        place = Path(os.path.realpath(path))
        return any(place.is_relative_to(folder) for folder in self._places)

    def _named(self):
        return ' and '.join(map(str, self._folders))


def _has_checksum(path, recorded):
    """Whether a file's bytes are those that were recorded; what has no size, as in /proc, has none."""
    try:
        return recorded is not None and os.path.getsize(path) > 0 and sha256(path) == recorded
    except OSError:
        return False


def find_results(folder):
    """Find the results in a folder, and what its run.json (if any) records of them.

    Args:
        folder: an existing folder; its subfolders, and files that end in `_gt`, do not count.

    Returns:
        A dict from image name to a list of `Result`, in order of increasing scale.

    Raises:
        FileNotFoundError, ValueError: the folder is missing, holds no images, or its run.json is damaged.
    """
    folder, found = Path(folder), {}
    records = results_of(read_run(folder)) if (folder / RUN_JSON).is_file() else {}
    for path in image_files(folder):
        if is_ground_truth(path):
            continue
        name, scale = parse_name(path.stem)
        recorded_scale, run = records.get(path.name, (None, {}))
        # With a record, pictures that it does not list (figures, say) are no results.
        if run or not records:
            found.setdefault(name, []).append(Result(path, recorded_scale or scale, run))
    if not found:
        raise ValueError(f'{folder}: holds no results; give the folder in which the images themselves lie')
    for results in found.values():
        results.sort(key=lambda result: (result.scale or (0, 0), result.path.name))
    return found


def find_images(folder, role):
    """Find ground truth or inputs.

    Of the benchmarks' own names, only those of the role count (`NAME_SRF_2_HR.png`, not
    `NAME_SRF_2_bicubic.png`). Ground truth may be called `NAME_gt.png`, which goes before `NAME.png`.

    Args:
        folder: an existing folder.
        role: 'HR' for ground truth, 'LR' for inputs.

    Returns:
        A dict from image name to a dict from (vertical, horizontal) scale, or None where the name does not
        tell it, to path; see `image_at`.
    """
    ranked = []
    for path in image_files(folder):
        is_truth, stem = is_ground_truth(path), path.stem.removesuffix(GROUND_TRUTH)
        match = SRF_NAME.fullmatch(stem)
        other_role = match and not is_truth and stem.rpartition('_')[2] != role
        if other_role or (is_truth and role != 'HR'):
            continue
        name, scale = parse_name(stem)
        # Results that lie there as well count only for an image that has no other file.
        is_plain = ZSSR_NAME.fullmatch(stem) is None
        ranked.append(((is_truth, is_plain), path, name, scale if is_plain else None))
    found = {}
    for (_, is_plain), path, name, scale in reversed(sorted(ranked, key=lambda entry: entry[0])):
        if is_plain or name not in found:
            found.setdefault(name, {}).setdefault(scale, path)
    return found


def image_at(images, name, scale):
    """Choose among `find_images` the file of an image that belongs to a result of a scale, perhaps None.

    It is the file of that scale, else the one whose name tells no scale, else the only one there is; None if
    there is none, or several that are all of other scales.
    """
    files = images.get(name, {})
    for wanted in (scale, None):
        if wanted in files:
            return files[wanted]
    return next(iter(files.values())) if len(files) == 1 else None


def ambiguity(result, results):
    """One line that names those of an image's results that are of the same scale; None if only one is."""
    twins = [other.path.name for other in results if other.scale == result.scale]
    if len(twins) == 1:
        return None
    return f'{result.path.parent}: {", ".join(twins)} are of one image and scale; keep one; left out'


def _same_scale(first, second):
    """The largest scale that two lists of results share; a name without one goes with any."""
    for one in reversed(first):
        for two in reversed(second):
            if one.scale is None or two.scale is None or one.scale == two.scale:
                return one, two
    return None, None


def _why_none(a, b, first, second, notes):
    """Say why two folders leave nothing to compare."""
    if first.keys() & second:
        return in_one_line('no results can be compared', sorted(notes))
    one, two = (', '.join(sorted(found)[:3]) for found in (first, second))
    return f'{a} ({one}, …) and {b} ({two}, …) have no image in common; rename one to match'
