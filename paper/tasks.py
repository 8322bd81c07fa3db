"""What a table of evaluate.py measures: its images, made where they are missing, and a task for every row."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import configs
from configs import Config
from files.image_files import load_inputs
from files.kernels import read_kernel
from files.storage import fingerprint
from imresize import imresize_matlab
from paper import image_sets, tables
from paper.degradations import degrade, draw_kernel, generator_for, shrink_by_kernel
from running.command_line import set_field

PAPER_SETS = ('Set5', 'Set14', 'BSD100', 'Urban100')

# Fields that do not change a result: names, files and display. The seed is a column of its own.
WITHOUT_EFFECT = {
    *('name', 'input_path', 'result_path', 'create_results_dir', 'create_code_copy', 'save_results'),
    *('display_every', 'display_test_results', 'plot_losses', 'random_crop', 'seed'),
}


@dataclass(frozen=True)
class Sample:
    """An image of a table with the files that belong to it.

    Attributes:
        item: image_sets.Item, its `lr` set.
        degradation: what was done to it, in words.
        kernel: file of the blur kernel it was made with, or None.
        draw_seed: of what was drawn to make it, or None.
    """

    item: image_sets.Item
    degradation: str
    kernel: Path | None = None
    draw_seed: int | None = None


@dataclass(frozen=True)
class Task:
    """A row to measure.

    Attributes:
        row: tables.Row with the scores still missing.
        sample: Sample.
        conf: Config, or None for bicubic and given results.
        kernel: kernel file for the sons, or None.
        result: file of a given result, or None.
    """

    row: tables.Row
    sample: Sample
    conf: Config | None = None
    kernel: Path | None = None
    result: Path | None = None


def configure(args, scale):
    """Make the configuration that the command line asks for, at one scale.

    Args:
        args: parsed arguments.
        scale: int.

    Returns:
        Config, validated; None where only bicubic is measured.

    Raises:
        ValueError: naming what does not fit.
    """
    if args.preset == tables.BICUBIC:
        if args.set or args.gradual:
            raise ValueError(f'--preset {args.preset} trains nothing; leave out --set and --gradual')
        return None
    conf = configs.get_config(args.preset)
    if args.gradual:
        _make_gradual(conf)
    if conf.scales[-1] != (scale, scale):
        conf = conf.at_scale(scale)
    for assignment in args.set:
        if (field := assignment.partition('=')[0]) in WITHOUT_EFFECT:
            raise ValueError(f'--set {assignment}: a table does not heed {field} here; use --seed, --output')
        set_field(conf, assignment)
    conf.seed, conf.save_results = args.seed, False
    conf.validate()
    if conf.scales[-1] != (scale, scale):
        raise ValueError(
            f'--set {" ".join(args.set)}: the last of scale_factors must be the ×{scale} of --scales'
        )
    return conf


def _make_gradual(conf):
    """Give a configuration, in place, the six steps of X2_GRADUAL_IDEAL_CONF."""
    gradual = configs.get_config('X2_GRADUAL_IDEAL_CONF')
    # A preset without back-projection (noisy images) does without it in every step.
    iterations = gradual.back_projection_iters if any(conf.back_projection_iters) else [0] * 6
    conf.scale_factors, conf.back_projection_iters = gradual.scale_factors, list(iterations)
    conf.base_change_sfs = []
    conf.rounds = 1  # the steps themselves bring finer sources
    conf.network_grid = 'high'  # the coarse grid of the fast presets needs one whole factor for all steps


def settings(conf):
    """What decides a result of a configuration, as text: its fields that are not the defaults.

    Only those, so that a field that is new to Config leaves the measured rows valid.

    Args:
        conf: Config.

    Returns:
        Text: FIELD=VALUE, sorted by field, or 'the defaults'.
    """
    default = Config()
    changed = {
        field.name: getattr(conf, field.name)
        for field in dataclasses.fields(conf)
        if field.name not in WITHOUT_EFFECT and getattr(conf, field.name) != getattr(default, field.name)
    }
    return (
        ' '.join(f'{name}={json.dumps(value)}' for name, value in sorted(changed.items())) or 'the defaults'
    )


def find_samples(args):
    """Find, and make where they are missing, the images of a table.

    Args:
        args: parsed arguments of one of the tables.

    Returns:
        (samples, notes): list of Sample, and the notes for `tables` that say how large the sets are.

    Raises:
        ValueError, FileNotFoundError: naming what is missing.
    """
    folders, scales = _set_folders(args), list(dict.fromkeys(args.scales))
    items = [item for folder in folders for scale in scales for item in image_sets.find_set(folder, scale)]
    sizes = {name: {item.name for item in items if item.set == name} for name in {i.set for i in items}}
    notes = {f'set {name}': f'{len(names)} images' for name, names in sizes.items()}
    chosen = image_sets.select(items, args.images, args.limit)
    _ignore_work(args.output)
    return [_sample(args, item) for item in chosen], notes


def _ignore_work(output):
    """Make git leave out what is in the folder work/, whatever the output folder is."""
    work = Path(output) / 'work'
    work.mkdir(parents=True, exist_ok=True)
    (work / '.gitignore').write_text('*\n')


def _distinct(option, folders):
    """Each folder once; two of one name are refused, as the name is all that a table knows of a folder."""
    found = {}
    for folder in folders:
        path = Path(folder).resolve()
        other = found.setdefault(path.name, folder)
        if Path(other).resolve() != path:
            raise ValueError(f'{option} {other} {folder}: two folders called {path.name}; rename one')
    return list(found.values())


def _set_folders(args):
    """The folders of the sets that the command line names."""
    if args.given is not None:
        if args.sets:
            raise ValueError(
                f'--sets {" ".join(args.sets)}: --given is one set already; leave one of the two out'
            )
        return [Path(args.given)]
    data = Path(args.data)
    if not data.is_dir():
        raise FileNotFoundError(f'{data}: no such folder; give the folder of the sets with --data')
    if args.sets:
        return _distinct('--sets', [data / name for name in args.sets])
    there = [data / name for name in PAPER_SETS if (data / name).is_dir()] if args.table == 'table1' else []
    return there or [data]


def _sample(args, item):
    """One image of a table, its low-resolution file made if the table needs another than what is given."""
    place = Path(args.output) / 'work' / 'lr' / f'{item.set}_x{item.scale}'
    if args.table == 'div2krk' or args.given is not None:
        return _given_sample(args, item)
    if args.table == 'table1':
        if item.lr is None:
            path, _, _ = image_sets.keep_lr(
                *(item, place, 'MATLAB bicubic, edge pixel repeated'),
                lambda hr: (imresize_matlab(hr, 1 / item.scale), None, 'bicubic'),
            )
            item = dataclasses.replace(item, lr=path)
        return Sample(item, 'bicubic')
    # A set's own LR_x2 is bicubic: not what these tables are about.
    recipe, make = RECIPES[args.table]
    rng = generator_for(args.draw_seed, item.name)
    path, kernel, degradation = image_sets.keep_lr(
        dataclasses.replace(item, lr=None),
        place.with_name(f'{place.name}_{args.table}_seed{args.draw_seed}'),
        f'{recipe}, seed {args.draw_seed}',
        lambda hr: make(hr, rng, item.scale),
    )
    return Sample(dataclasses.replace(item, lr=path), degradation, kernel, args.draw_seed)


def _given_sample(args, item):
    """One image of a benchmark that comes with its low-resolution files and kernels."""
    folder = Path(args.given or args.data)
    if item.lr is None:
        raise FileNotFoundError(
            f'{folder}: has no LR_x{item.scale}; give the whole benchmark, HR, LR and kernels'
        )
    kernel = None
    if 'true' in args.kernels and args.preset != tables.BICUBIC:
        places = folder / f'kernels_x{item.scale}', folder / 'kernels'
        kernel = image_sets.find_kernel(next((p for p in places if p.is_dir()), places[1]), item)
    return Sample(item, 'given', kernel)


def _blur(hr, rng, scale):
    kernel = draw_kernel(rng, scale)
    return shrink_by_kernel(hr, kernel, scale), kernel, 'random kernel'


def _degrade(hr, rng, scale):
    lr, degradation = degrade(hr, rng, scale)
    return lr, None, degradation


# Table -> (what is done, how: ground truth, generator and scale to LR, kernel or None, and a word for it).
RECIPES = {'table2': ('random Gaussian kernel', _blur), 'table3': ('one of three degradations', _degrade)}


def plan(args):
    """List the rows of a table: bicubic and given results first, since they take no time.

    Args:
        args: parsed arguments of one of the tables.

    Returns:
        (tasks, notes): list of Task, and the notes for `tables` on the sets and the configurations.

    Raises:
        ValueError, FileNotFoundError: for files that cannot be used, before anything is measured.
    """
    confs = {scale: configure(args, scale) for scale in args.scales}
    labels = {kernels: _label(kernels) for kernels in args.kernels}
    all_kernels = _distinct('--kernels', labels)
    samples, notes = find_samples(args)
    folders = sorted(Path(args.given).glob('published_*')) if args.given else []
    changes = ' '.join([*(['gradual'] if args.gradual else []), *args.set])
    quick, trained = [], {kernels: [] for kernels in all_kernels}
    for sample in samples:
        hr, lr = image_sets.read_pair(sample.item)
        quick.append(Task(_empty_row(args, sample, tables.BICUBIC, (hr, lr)), sample))
        for folder in folders:
            if (result := folder / f'{sample.item.name}.png').is_file():
                quick.append(_published_task(args, sample, result, (hr, lr)))
        if (conf := confs[sample.item.scale]) is None:
            continue
        config = fingerprint(settings(conf))
        notes[f'config {config}'] = ' '.join(filter(None, [args.preset, changes])) + ': ' + settings(conf)
        for kernels in all_kernels:
            kernel = _kernel(kernels, sample, conf)
            load_inputs(lr, conf, kernels=kernel and [kernel], full_depth=False)
            row = _empty_row(args, sample, args.preset, (hr, lr, kernel and read_kernel(kernel)))
            ours = {'changes': changes, 'kernels': labels[kernels], 'seed': args.seed, 'config': config}
            trained[kernels].append(Task(dataclasses.replace(row, **ours), sample, conf, kernel))
    return quick + [task for tasks in trained.values() for task in tasks], notes


def _published_task(args, sample, path, pair):
    """The task for a result that a benchmark comes with, in a folder published_NAME."""
    result, size = image_sets.read_8_bits(path), pair[0].shape
    if result.shape != size:
        raise ValueError(f'{path}: is {result.shape}, the ground truth {size} (H, W, C); move it away')
    preset = tables.PUBLISHED + path.parent.name.removeprefix('published_')
    return Task(_empty_row(args, sample, preset, (*pair, result)), sample, result=path)


def _label(kernels):
    """What the table calls one of --kernels."""
    if kernels in ('true', 'bicubic'):
        return kernels
    name = Path(kernels).resolve().name
    if name in ('true', 'bicubic'):
        raise ValueError(f'--kernels {kernels}: a folder may not be called {name}; rename it')
    return name


def _kernel(kernels, sample, conf):
    """Kernel file for one of --kernels, or None for bicubic."""
    if kernels == 'bicubic':
        return None
    if len(conf.scales) > 1:
        raise ValueError(
            f'--kernels {kernels}: a kernel belongs to one step, and this configuration has '
            f'{len(conf.scales)}; leave --gradual out, or give --kernels bicubic'
        )
    return sample.kernel if kernels == 'true' else image_sets.find_kernel(kernels, sample.item)


def _empty_row(args, sample, preset, arrays):
    """A row that says what is to be measured; its scores are not valid yet."""
    item = sample.item
    return tables.Row(
        *(args.table, item.set, item.scale, preset, '', '', None, sample.draw_seed, item.name),
        *(sample.degradation, *[float('nan')] * 4, None, None, ''),
        inputs=fingerprint(*arrays),
        machine='',
    )
