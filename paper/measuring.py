"""Measuring the rows of a table: bicubic, results that are given, and ZSSR's own."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from comparing.metrics import scores
from comparing.scoring import score_bicubic
from files.names import result_name
from files.parcel import Parcel
from files.pictures import write_png
from files.run_folder import check_output
from files.storage import atomic_write, one_line
from paper import tables
from paper.experiment import batch_size
from paper.image_sets import read_8_bits, read_hr_and_lr
from paper.tasks import plan
from running.cluster import Cluster
from running.devices import device, start_tensorflow, versions
from running.processes import outcomes_of_processes

# So many images that could not be measured are named.
NAMED_FAILURES = 5


def measure_table(experiment, tell=lambda line: None):
    """Measure what is missing of a table; every row is in its file as soon as it is measured.

    Args:
        experiment: Experiment.
        tell: called with each line that a user ought to know.

    Yields:
        (row, number, count): each measured Row, and which of how many rows of the table it is.

    Raises:
        ValueError, FileNotFoundError: for anything that cannot be used, before anything is measured.
    """
    rows, _ = tables.read_table(experiment.csv)
    check_output(experiment.output)
    if experiment.threads is not None:
        # Before planning reads 16-bit images, since TensorFlow takes no number of threads once it works.
        start_tensorflow(threads=experiment.threads, batch_size=batch_size(experiment))
    tasks, notes = plan(experiment)

    def missing():
        """Yield (number, task, twin or None) of each row that is not there, when its turn comes."""
        for number, task in enumerate(tasks, 1):
            known = rows.get(task.row.key)
            if known is None or not known.is_valid(task.row.config, task.row.inputs):
                yield number, task, task.row.twin(rows.values())

    is_shared = experiment.workers or experiment.cluster
    outcomes = _elsewhere(experiment, tasks, missing(), tell) if is_shared else _here(experiment, missing())
    for number, row, machine in outcomes:
        rows[row.key] = row
        tables.add_row(experiment.csv, row, notes | machine)
        yield row, number, len(tasks)


def _here(experiment, missing):
    """Yield (number, Row, Notes) of one task after the other, measured in this process."""
    measurer = Measurer(experiment.work, experiment.threads)
    for number, task, twin in missing:
        if twin is None and task.conf is not None and not measurer.networks:
            start_tensorflow(threads=experiment.threads, batch_size=batch_size(experiment))
        row, machine = (twin, tables.Notes()) if twin else measurer.measure(task)
        yield number, row, machine


def _elsewhere(experiment, tasks, missing, tell):
    """Yield the same from several processes or a cluster; what takes no time is measured here."""
    measurer = Measurer(experiment.work)
    numbers, quick = [], []

    def trained():
        """The tasks that are trained on, as they are taken."""
        for number, task, twin in missing:
            if twin is None and task.conf is not None:
                numbers.append(number)
                yield task
            else:
                quick.append((number, *((twin, tables.Notes()) if twin else measurer.measure(task))))

    if experiment.cluster:
        outcomes = _outcomes_of_cluster(experiment, trained(), tell)
    else:
        calls = ((task, experiment.work, experiment.threads) for task in trained())
        places = [None] * experiment.workers
        start = {'threads': experiment.threads, 'batch_size': batch_size(experiment)}
        outcomes = outcomes_of_processes(measure_in_process, calls, places, **start)
    failures = []
    for index, outcome in outcomes:
        number = numbers[index]
        if isinstance(outcome, Exception):
            failures.append(f'{tasks[number - 1].row.image}: {one_line(outcome)}')
        else:
            yield number, *outcome
        while quick:
            yield quick.pop(0)
    yield from quick
    if failures:
        raise ValueError(f'{"; ".join(failures[:NAMED_FAILURES])}; start again to go on')


def _outcomes_of_cluster(experiment, tasks, tell):
    """Yield (index, (Row, Notes) or exception) of tasks that the workers of a cluster measure."""

    def pack(task):
        """The arguments of `measure_parcel`."""
        kernels = tuple(kernel for kernel in task.kernels or () if isinstance(kernel, Path))
        return task, Parcel.pack(replace(task.files, kernels=kernels)), experiment.threads

    cluster = Cluster(experiment.cluster, threads=experiment.threads)
    for line in cluster.notices:
        tell(line)
    for index, outcome in cluster.outcomes(measure_parcel, pack, tasks):
        if not isinstance(outcome, Exception):
            *outcome, results = outcome
            for name, content in results.items():
                path = experiment.work / name
                path.parent.mkdir(parents=True, exist_ok=True)
                atomic_write(path, content)
        yield index, outcome


@cache
def _process_measurer(threads):
    """The Measurer of this process, where nothing else lasts from task to task."""
    return Measurer(None, threads)


def measure_in_process(task, work, threads):
    """Measure a task in a process of its own, which has started TensorFlow; as `Measurer.measure`."""
    measurer = _process_measurer(threads)
    measurer.work = work
    return measurer.measure(task)


def measure_parcel(task, parcel, threads):
    """Measure a task on a worker of a cluster.

    Args:
        task: Task.
        parcel: Parcel of its files and kernels.
        threads: CPU threads of the worker, or None.

    Returns:
        (row, notes, results): as `Measurer.measure`; the bytes of what was written, by path in `work`.
    """
    with TemporaryDirectory(prefix='zssr-') as folder:
        work = Path(folder) / 'work'
        files = parcel.unpack(folder)
        copies = iter(files.kernels or ())
        kernels = [next(copies) if isinstance(kernel, Path) else kernel for kernel in task.kernels or ()]
        task = replace(task, files=files, kernels=kernels or None)
        row, notes = measure_in_process(task, work, threads)
        written = (path for path in work.rglob('*') if path.is_file())
        return row, notes, {str(path.relative_to(work)): path.read_bytes() for path in written}


class Measurer:
    """Measures one task after another, and keeps what is expensive to make: the networks."""

    def __init__(self, work, threads=None):
        """Results go into folders of `work`; nothing is loaded before the first image that is trained on."""
        self.work = work
        self.threads = threads
        self.networks = {}

    def measure(self, task):
        """Measure one task; returns its Row, and Notes on the machine."""
        hr, lr = read_hr_and_lr(task.files)
        bicubic = score_bicubic(lr, hr, str(task.files.ground_truth))
        found = bicubic | {f'bicubic_{name}': value for name, value in bicubic.items()}
        if task.result is not None:
            found |= scores(read_8_bits(task.result), hr, task.row.scale, str(task.result))
        if task.conf is not None:
            found |= self._super_resolve(task, lr, hr)
        notes = tables.Notes()
        if found.get('machine'):
            found['machine'] = notes.add_machine(found['machine'])
        rounded = {
            name: round(value, 5) if isinstance(value, float) else value for name, value in found.items()
        }
        return replace(task.row, **rounded), notes

    def _super_resolve(self, task, lr, hr):
        """Train on the image, keep the result as PNG, and return the columns of the row, machine in words."""
        from ZSSR import ZSSR

        channels = lr.shape[2]
        net = ZSSR(lr, task.conf, kernels=task.kernels, network=self.networks.get(channels))
        self.networks[channels] = net.network
        sr = net.run()
        row = task.row
        drawn = '' if row.draw_seed is None else f'-draw{row.draw_seed}'
        run = f'{row.preset}-{row.kernels}-seed{row.seed}{drawn}-{row.config}'
        folder = self.work / 'sr' / row.table / f'{row.set}_x{row.scale}' / run
        folder.mkdir(parents=True, exist_ok=True)
        write_png(folder / result_name(row.image, task.conf.scales[-1]), sr)
        return scores(sr, hr, row.scale) | {
            'iterations': sum(record['iterations'] for record in net.records),
            'seconds': sum(sum(record['seconds'].values()) for record in net.records),
            'machine': _machine(net.network.design.precision, self.threads),
        }


def _machine(precision, threads):
    """What an image is trained on and in, in words."""
    listed = ', '.join(f'{name} {number}' for name, number in versions().items())
    limit = f'; {threads} threads' if threads else ''
    return f'{device()}{limit}; {precision}; {listed}'
