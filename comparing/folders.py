"""Which file belongs to which image: names of results, ground truth and inputs, and what run.json records."""

from pathlib import Path

from files.image_files import ImageFiles
from files.names import GROUND_TRUTH, SRF_NAME, ZSSR_NAME, image_files, is_ground_truth, parse_name
from files.records import RUN_JSON, Result, existing, read_results


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
    truths = None if gt is None else find_images(gt, 'HR')
    sources = None if inputs is None else find_images(inputs, 'LR')
    images, notes = [], []
    for found, other, folder in ((first, second, b), (second, first, a)):
        notes += [f'{found[name][-1].path}: no result for it in {folder}' for name in found.keys() - other]
    for name in sorted(first.keys() & second):
        one, two = _same_scale(first[name], second[name])
        if one is None:
            notes.append(f'{name}: {a} and {b} have no scale in common')
            continue
        if unclear := list(filter(None, [ambiguity(one, first[name]), ambiguity(two, second[name])])):
            notes += unclear
            continue
        run, scale = two.run | one.run, one.scale or two.scale
        truth = _chosen_or_recorded(truths, name, scale, run.get('ground_truth'))
        if truth is None and gt is not None:
            notes.append(f'{name}: no ground truth in {gt}')
        source = _chosen_or_recorded(sources, name, scale, run.get('input'))
        images.append(ImageFiles(name, source, truth, results=(one, two), scale=scale))
    if not images:
        raise ValueError(_why_none(a, b, first, second, notes))
    return images, sorted(notes)


def images_of_run(folder):
    """Find the images of a run: its results, each beside None for bicubic enlargement of its input.

    Returns:
        A list of `ImageFiles` (of several scales of an image, the last), and a list of notes on what was left
        out, each one line.

    Raises:
        FileNotFoundError: if run.json is missing.
        ValueError: if run.json is damaged, or lists no result whose input is still there.
    """
    images, notes = {}, []
    for output, (scale, run) in read_results(folder).items():
        path, source = folder / output, existing(run.get('input'))
        if source is None or scale is None:
            notes.append(f'{path}: its input or scale is not known (any more); left out')
            continue
        # Not parsed: the results of img_SRF_2_LR and of img_SRF_2_HR are two images here.
        name = run.get('stem') or parse_name(path.stem)[0]
        results = None, Result(path, scale, run)
        images[name] = ImageFiles(
            name, source, existing(run.get('ground_truth')), results=results, scale=scale
        )
    if not images:
        raise ValueError('; '.join([f'{folder}: its run.json lists nothing to compare', *notes]))
    return list(images.values()), notes


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
    records = read_results(folder) if (folder / RUN_JSON).is_file() else {}
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


def _chosen_or_recorded(images, name, scale, recorded):
    """The file of an image among `find_images`, or, where no folder was given, the one recorded."""
    return existing(recorded) if images is None else image_at(images, name, scale)


def _why_none(a, b, first, second, notes):
    """Say why two folders leave nothing to compare."""
    if first.keys() & second:
        return '; '.join(['no results can be compared', *sorted(notes)])
    one, two = (', '.join(sorted(found)[:3]) for found in (first, second))
    return f'{a} ({one}, …) and {b} ({two}, …) have no image in common; rename one to match'
