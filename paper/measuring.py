"""Measuring the rows of a table: bicubic, results that are given, and ZSSR's own."""

from dataclasses import replace

from comparing.metrics import scores
from comparing.scoring import score_bicubic
from files.names import result_name
from files.pictures import write_png
from files.run_folder import check_output
from paper import tables
from paper.image_sets import read_8_bits, read_hr_and_lr
from paper.tasks import plan
from running.devices import device, start_tensorflow, versions


def measure_table(experiment):
    """Measure what is missing of a table; every row is in its file as soon as it is measured.

    Yields:
        (row, number, count): each measured Row, and which of how many rows of the table it is.

    Raises:
        ValueError, FileNotFoundError: for anything that cannot be used, before anything is measured.
    """
    rows, _ = tables.read_table(experiment.csv)
    check_output(experiment.output)
    if experiment.threads is not None:
        # Before planning reads 16-bit images, since TensorFlow takes no number of threads once it works.
        start_tensorflow(threads=experiment.threads)
    tasks, notes = plan(experiment)
    measurer = Measurer(experiment.work, experiment.threads)
    for number, task in enumerate(tasks, 1):
        known = rows.get(task.row.key)
        if known is None or not known.is_valid(task.row.config, task.row.inputs):
            twin = task.row.twin(rows.values())
            row, machine = (twin, tables.Notes()) if twin else measurer.measure(task)
            rows[row.key] = row
            tables.add_row(experiment.csv, row, notes | machine)
            yield row, number, len(tasks)


class Measurer:
    """Measures one task after another, and keeps what is expensive to make: TensorFlow and the networks."""

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
        if not self.networks:
            start_tensorflow(threads=self.threads)
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
