"""What evaluate.py is asked to measure, and the configuration that it trains with."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import configs
from configs import WITHOUT_EFFECT, Config, differences
from paper.tables import BICUBIC
from running.command_line import set_field


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """All that the command line asks for of one table."""

    table: str  # a name in published.TITLES
    data: Path | None = None  # folder of the sets, or of one
    given: Path | None = None  # in place of data: a set with HR/, LR_x2/, kernels/ as they are
    sets: tuple = ()  # folders in data; empty: data itself, or the paper's sets in it
    scales: tuple = (2,)
    draw_seed: int | None = None  # of kernels or degradations; None where none are drawn
    noise: float | None = None  # grey levels, added to the images of table2
    jpeg: int | None = None  # quality that they are compressed to
    kernels: tuple = ('bicubic',)  # 'true', 'bicubic', 'estimated', or folders of others' estimates
    preset: str  # or BICUBIC, which trains nothing
    gradual: bool = False  # in the six steps of X2_GRADUAL_IDEAL_CONF
    changes: tuple = ()  # texts FIELD=VALUE
    seed: int = 0  # of every training
    images: tuple = ()  # names; empty: all
    limit: int | None = None  # how many of each set, the first ones
    threads: int | None = None  # of the CPU; None: all cores
    workers: int | None = None  # processes that share the images; None: this one alone
    cluster: str | None = None  # a Dask scheduler's address or file, whose workers do
    output: Path = Path('results/measured')  # git ignores it; the project's own tables are in results/tables

    @property
    def csv(self):
        """The table's file."""
        return self.output / f'{self.table}.csv'

    @property
    def work(self):
        """Where low-resolution images, kernels and results are kept."""
        return self.output / 'work'

    @property
    def whole(self):
        """Folder of a benchmark that comes with low-resolution images and kernels, or None."""
        return self.data if self.table == 'div2krk' else self.given

    @property
    def damage(self):
        """What is done to the blurred images, in words."""
        noise = '' if self.noise is None else f'noise {self.noise:g}'
        return noise if self.jpeg is None else f'jpeg {self.jpeg}'

    @property
    def changed(self):
        """What is changed in the preset, in words."""
        return ' '.join(['gradual', *self.changes] if self.gradual else self.changes)


def configure(experiment, scale):
    """Make the configuration of an experiment at one scale (int); None where nothing is trained.

    Raises:
        ValueError: naming what does not fit.
    """
    if experiment.preset == BICUBIC:
        if experiment.changes or experiment.gradual:
            raise ValueError(f'--preset {BICUBIC} trains nothing; leave out --set and --gradual')
        return None
    conf = configs.get_config(experiment.preset)
    if experiment.gradual:
        conf = _in_six_steps(conf)
    if conf.scales[-1] != (scale, scale):
        conf = conf.at_scale(scale)
    for assignment in experiment.changes:
        if (name := assignment.partition('=')[0]) in WITHOUT_EFFECT:
            raise ValueError(f'--set {assignment}: a table does not heed {name} here; use --seed, --output')
        set_field(conf, assignment)
    conf.seed, conf.save_results = experiment.seed, False
    conf.validate()
    if conf.scales[-1] != (scale, scale):
        changes = ' '.join(experiment.changes)
        raise ValueError(f'--set {changes}: the last of scale_factors must be the ×{scale} of --scales')
    return conf


def batch_size(experiment):
    """Pairs of a training step of an experiment, at whatever scale."""
    conf = configure(experiment, experiment.scales[0])
    return conf.batch_size if conf else 1


def settings(conf):
    """What decides a result of a configuration, as text: its fields that are not the defaults.

    Only those, so that a field that is new to Config leaves the measured rows valid.
    """
    changed = sorted(differences(conf, Config()).items())
    return ' '.join(f'{name}={json.dumps(value)}' for name, value in changed) or 'the defaults'


def _in_six_steps(conf):
    """A configuration in the steps of X2_GRADUAL_IDEAL_CONF."""
    gradual = configs.get_config('X2_GRADUAL_IDEAL_CONF')
    return dataclasses.replace(
        conf,
        scale_factors=gradual.scale_factors,
        # A preset without back-projection (noisy images) does without it in every step.
        back_projection_iters=gradual.back_projection_iters if any(conf.back_projection_iters) else [0] * 6,
        base_change_sfs=[],
        rounds=1,  # the steps themselves bring finer sources
        network_grid='high',  # the coarse grid of the fast presets needs one whole factor for all steps
    )
