"""What there is to measure of a table: its images, and a task for every row."""

from dataclasses import dataclass, replace
from pathlib import Path

from blind.choice import choose
from configs import Config
from files.image_files import ImageFiles, load_inputs
from files.kernels import read_kernel
from files.storage import fingerprint
from paper.experiment import configure, settings
from paper.image_sets import find_kernel, find_set, read_8_bits, read_hr_and_lr, select
from paper.low_resolution import with_lr
from paper.tables import BICUBIC, PUBLISHED, WITH_KERNELS, Notes, Row

PAPER_SETS = ('Set5', 'Set14', 'BSD100', 'Urban100')


@dataclass(frozen=True)
class Task:
    """A row still to be measured."""

    row: Row  # without its scores
    files: ImageFiles
    conf: Config | None = None  # of the training; None for bicubic and given results
    kernels: list | None = None  # of the sons, for `ZSSR(kernels=…)`
    result: Path | None = None  # file of a given result


def plan(experiment):
    """List the tasks of an experiment: bicubic and given results first, since they take no time.

    Returns:
        (tasks, notes): list of Task, and the Notes on the sets and the configurations.

    Raises:
        ValueError, FileNotFoundError: for files that cannot be used, before anything is measured.
    """
    confs = {scale: configure(experiment, scale) for scale in experiment.scales}
    if experiment.table not in WITH_KERNELS and any(conf and conf.from_image for conf in confs.values()):
        experiment = replace(experiment, kernels=('estimated',))
    if experiment.damage and (experiment.whole or experiment.table != 'table2'):
        raise ValueError(f'{experiment.damage}: only images that are blurred here by drawn kernels get that')
    labels = _kernel_labels(experiment)
    images, notes = find_images(experiment)
    program = ' '.join(filter(None, [experiment.preset, experiment.changed]))
    quick, trained = [], {kernels: [] for kernels in labels}
    for found in images:
        files, degradation = with_lr(experiment, found)
        pictures = read_hr_and_lr(files)
        row = _bicubic_row(experiment, files, degradation, pictures)
        quick += [Task(row, files), *_published_tasks(experiment, row, files, pictures)]
        if conf := confs[row.scale]:
            ours = replace(
                row,
                preset=experiment.preset,
                changes=experiment.changed,
                seed=experiment.seed,
                config=notes.add_config(program, settings(conf)),
            )
            for kernels, label in labels.items():
                task = Task(replace(ours, kernels=label), files, conf)
                trained[kernels].append(_with_kernels(task, kernels, pictures))
    return quick + [task for tasks in trained.values() for task in tasks], notes


def find_images(experiment):
    """Find the images of an experiment, a list of ImageFiles; and Notes that say how large their sets are."""
    folders, scales = _set_folders(experiment), dict.fromkeys(experiment.scales)
    images = [files for folder in folders for scale in scales for files in find_set(folder, scale)]
    if experiment.damage:
        images = [replace(files, set=f'{files.set}, {experiment.damage}') for files in images]
    notes = Notes()
    for name in {files.set for files in images}:
        notes.add_set(name, len({files.name for files in images if files.set == name}))
    chosen = select(images, experiment.images, experiment.limit)
    experiment.work.mkdir(parents=True, exist_ok=True)
    (experiment.work / '.gitignore').write_text('*\n')  # whatever the output folder is
    return chosen, notes


def _set_folders(experiment):
    """The folders of the sets that are asked for."""
    data, sets = experiment.data, experiment.sets
    if experiment.given:
        if sets:
            raise ValueError(f'--sets {" ".join(sets)}: --given is one set already; leave one of the two out')
        return [experiment.given]
    if not data.is_dir():
        raise FileNotFoundError(f'{data}: no such folder; give the folder of the sets with --data')
    if sets:
        return _distinct('--sets', [data / name for name in sets])
    there = [data / name for name in PAPER_SETS if (data / name).is_dir()]
    return there if there and experiment.table == 'table1' else [data]


def _distinct(option, folders):
    """Each folder once; two of one name are refused, as the name is all that a table knows of a folder."""
    found = {}
    for folder in folders:
        path = Path(folder).resolve()
        other = found.setdefault(path.name, folder)
        if Path(other).resolve() != path:
            raise ValueError(f'{option} {other} {folder}: two folders called {path.name}; rename one')
    return list(found.values())


def _kernel_labels(experiment):
    """A dict from each of --kernels to what the table calls it."""
    labels, words = {}, ('true', 'bicubic', 'estimated')
    for kernels in experiment.kernels:
        labels[kernels] = kernels if kernels in words else Path(kernels).resolve().name
        if labels[kernels] in words and labels[kernels] != kernels:
            raise ValueError(f'--kernels {kernels}: a folder may not be called {labels[kernels]}; rename it')
    return {kernels: labels[kernels] for kernels in _distinct('--kernels', labels)}


def _bicubic_row(experiment, files, degradation, pictures):
    """The row that every image has; those of other programs are this one with some columns changed."""
    return Row(
        table=experiment.table,
        set=files.set,
        scale=files.scale[0],
        preset=BICUBIC,
        draw_seed=experiment.draw_seed,
        image=files.name,
        degradation=degradation,
        inputs=fingerprint(*pictures),
    )


def _published_tasks(experiment, bicubic, files, pictures):
    """A task for each result that a benchmark comes with, in folders published_NAME."""
    tasks = []
    for folder in sorted(experiment.given.glob('published_*')) if experiment.given else ():
        path = folder / f'{files.name}.png'
        if not path.is_file():
            continue
        result, size = read_8_bits(path), pictures[0].shape
        if result.shape != size:
            raise ValueError(f'{path}: is {result.shape}, the ground truth {size} (H, W, C); move it away')
        preset = PUBLISHED + folder.name.removeprefix('published_')
        row = replace(bicubic, preset=preset, inputs=fingerprint(*pictures, result))
        tasks.append(Task(row, files, result=path))
    return tasks


def _with_kernels(task, kernels, pictures):
    """A task with the kernels of one of --kernels, and with what its image decides by itself.

    Both are part of what its row is measured from.
    """
    files, conf, (_, lr) = task.files, replace(task.conf.copy(), from_image=[]), pictures
    decides = [name for name in task.conf.from_image if name != 'kernel']
    if kernels in ('bicubic', 'estimated'):
        files = replace(files, kernels=None)
    elif len(conf.scales) > 1:
        raise ValueError(
            f'--kernels {kernels}: a kernel belongs to one step, and this configuration has '
            f'{len(conf.scales)}; leave --gradual out, or give --kernels bicubic'
        )
    elif kernels != 'true':
        files = replace(files, kernels=(find_kernel(kernels, files),))
    load_inputs(lr, conf, kernels=files.kernels)
    used, decided = files.kernels, conf
    if kernels == 'estimated':
        decides.append('kernel')
    if decides:
        choice = choose(files.input, replace(conf, from_image=decides), used)
        used, decided = choice.kernels, replace(choice.conf, from_image=[])
    arrays = [read_kernel(kernel) if isinstance(kernel, Path) else kernel for kernel in used or ()]
    changed = None if settings(decided) == settings(conf) else settings(decided)
    inputs = fingerprint(*pictures, *arrays, changed)
    return replace(task, conf=decided, kernels=used, row=replace(task.row, inputs=inputs))
