"""Which file belongs to which image: names of results, ground truth and inputs, and what run.json records."""

from dataclasses import dataclass
from pathlib import Path

from files.names import SRF_NAME, ZSSR_NAME, image_files, parse_name
from files.records import Result, existing, read_results


@dataclass(frozen=True)
class Pair:
    """What belongs to one image; `a` is None where bicubic enlargement of `input` takes its place."""

    name: str
    a: Result | None
    b: Result
    truth: Path | None = None
    input: Path | None = None

    @property
    def scale(self):
        """(vertical, horizontal) scale factor, or None where neither name nor record tells it."""
        return (self.a and self.a.scale) or self.b.scale

    @property
    def runs(self):
        """What run.json records of the image in either folder, a pair of dicts."""
        return (self.a.run if self.a else {}), self.b.run


def find_results(folder):
    """Find the results in a folder, and what its run.json (if any) records of them.

    Args:
        folder: an existing folder; its subfolders, and files that end in `_gt`, do not count.

    Returns:
        A dict from image name to a list of `Result`, in order of increasing scale.

    Raises:
        FileNotFoundError: if the folder is missing.
        ValueError: if it holds no images, or its run.json is damaged.
    """
    folder, found = Path(folder), {}
    records = read_results(folder) if (folder / 'run.json').is_file() else {}
    for path in image_files(folder):
        if path.stem.endswith('_gt'):
            continue
        name, scale = parse_name(path.stem)
        recorded_scale, run = records.get(path.name, (None, {}))
        # With a record, pictures that it does not list (figures, say) are no results.
        if run or not records:
            found.setdefault(name, []).append(Result(path, name, recorded_scale or scale, run))
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

    Raises:
        FileNotFoundError: if the folder is missing.
    """
    ranked = []
    for path in image_files(folder):
        is_truth, stem = path.stem.endswith('_gt'), path.stem.removesuffix('_gt')
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
    """Choose the file of an image that belongs to a result.

    Args:
        images: as `find_images` returns them.
        name: of the image.
        scale: (vertical, horizontal) scale of the result, or None where nothing tells it.

    Returns:
        The file of that scale, else the one whose name tells no scale, else the only one there is; None if
        there is none, or several that are all of other scales.
    """
    files = images.get(name, {})
    for wanted in (scale, None):
        if wanted in files:
            return files[wanted]
    return next(iter(files.values())) if len(files) == 1 else None


def ambiguity(result, results):
    """Say which other files are results of the same image at the same scale.

    Args:
        result: a `Result`.
        results: list of `Result`, all those of its image in its folder.

    Returns:
        One line, or None if there is no other.
    """
    twins = [other.path.name for other in results if other.scale == result.scale]
    if len(twins) == 1:
        return None
    return f'{result.path.parent}: {", ".join(twins)} are of one image and scale; keep one; left out'


def pair_folders(a, b, *, gt=None, inputs=None):
    """Find the images that two folders of results have in common.

    Args:
        a: folder of results.
        b: the other folder.
        gt: folder of ground truth, or None: the files that a run.json names, where they exist.
        inputs: folder of low-resolution inputs, or None: likewise.

    Returns:
        A list of `Pair`, sorted by name (of several scales, the largest that both have), and a list of notes
        on what was left out, each one line.

    Raises:
        FileNotFoundError: if a folder is missing.
        ValueError: if a folder holds no images, or the two have none in common.
    """
    first, second = find_results(a), find_results(b)
    truths = None if gt is None else find_images(gt, 'HR')
    sources = None if inputs is None else find_images(inputs, 'LR')
    pairs, notes = [], []
    for found, other, folder in ((first, second, b), (second, first, a)):
        notes += [f'{found[name][-1].path}: no result for it in {folder}' for name in found.keys() - other]
    for name in sorted(first.keys() & second):
        one, two = _same_scale(first[name], second[name])
        if one is None:
            notes.append(f'{name}: {a} and {b} have no scale in common')
            continue
        unclear = [ambiguity(one, first[name]), ambiguity(two, second[name])]
        if any(unclear):
            notes += filter(None, unclear)
            continue
        run, scale = {**two.run, **one.run}, one.scale or two.scale
        truth = existing(run.get('ground_truth')) if truths is None else image_at(truths, name, scale)
        if truth is None and gt is not None:
            notes.append(f'{name}: no ground truth in {gt}')
        source = existing(run.get('input')) if sources is None else image_at(sources, name, scale)
        pairs.append(Pair(name, one, two, truth, source))
    if not pairs and first.keys() & second:
        raise ValueError('; '.join(['no pair of results can be compared', *sorted(notes)]))
    if not pairs:
        one, two = (', '.join(sorted(found)[:3]) for found in (first, second))
        raise ValueError(f'{a} ({one}, …) and {b} ({two}, …) have no image in common; rename one to match')
    return pairs, sorted(notes)


def _same_scale(first, second):
    """The largest scale that two lists of results share; a name without one goes with any."""
    for one in reversed(first):
        for two in reversed(second):
            if one.scale is None or two.scale is None or one.scale == two.scale:
                return one, two
    return None, None
