"""Config, the settings of a run, and the presets that users call by name.

`get_config('X2_REAL_CONF')` returns a copy that may be changed freely:

    conf = get_config('X2_REAL_CONF')
    conf.max_iters = 1000
"""

import copy
from dataclasses import dataclass, field, fields, replace

from settings.nearest import did_you_mean
from settings.rules import FROM_IMAGE, problems
from settings.scales import as_pair, scaled_shape

__version__ = '1.0.0'


def aside(default):
    """A field that does not decide a result: files, display."""
    return field(default=default, metadata={'aside': True})


@dataclass
class Config:
    """Everything that decides a run; the names and defaults are the original's.

    Pairs are (vertical, horizontal). `validate()` names every inconsistent field.
    """

    # Scales
    scale_factors: list = field(default_factory=lambda: [[2.0, 2.0]])  # run one after the other (gradual SR)
    base_change_sfs: list = field(default_factory=list)  # after these, the output becomes the new input

    # Length of the training, per scale
    max_iters: int = 3000
    min_iters: int = 256  # 'plateau' only: iterations to wait after a change of the learning rate
    min_learning_rate: float = 9e-6  # 'plateau' only: below this, training stops

    # Network
    width: int = 64  # channels of a hidden layer
    depth: int = 8  # convolutions
    learn_residual: bool = True  # the network's output is added to its input
    init_variance: float = 0.1  # small, so that training starts close to interpolation
    network_grid: str = 'high'  # 'low': convolutions on the input's grid, a scale factor coarser
    precision: str = 'float32'  # of the convolutions: 'float32', 'bfloat16', 'float16' (GPU), 'auto'
    jit_compile: bool = False  # compile the training step with XLA (slower on a CPU)
    init_net_for_each_sf: bool = False  # else weights and optimiser carry over from scale to scale

    # Output
    output_flip: bool = True  # geometric self-ensemble
    round_flip: bool = True  # the same for what rounds leave as sources
    merge_views: str = 'median'  # of the ensemble's results: 'median' or 'mean'
    back_projection_iters: list = field(default_factory=lambda: [10])  # one entry per scale

    # Interpolation
    downscale_method: str = 'cubic'  # for sons, where no kernel is given
    upscale_method: str = 'cubic'  # for the network's input
    downscale_gt_method: str = 'cubic'  # for the ground truth of intermediate scales

    # Fathers and sons
    random_crop: bool = aside(True)  # kept for old scripts; nothing reads it, nor did the original
    crop_size: int = 128  # side of a father
    noise_std: float = 0.0  # of the Gaussian noise added to sons, where 1 is white
    augment_leave_as_is_probability: float = 0.05
    augment_no_interpolate_probability: float = 0.45  # only reflected and turned by right angles
    augment_min_scale: float = 0.5
    augment_scale_diff_sigma: float = 0.25  # of the difference between the two axes' scales
    augment_shear_sigma: float = 0.1
    augment_allow_rotation: bool = True

    # Steps
    optimizer: str = 'adam'  # 'muon': Muon for the hidden layers
    weight_decay: float = 0.0  # 'muon' only: share of a hidden filter that a step at rate 1 would take off
    batch_size: int = 1  # pairs of a step

    # Learning rate
    rate_policy: str = 'plateau'  # 'linear': falls to 0 in a round, whatever the quick tests say
    warm_up_iters: int = 0  # 'linear' only: iterations of a round in which the rate is damped
    rounds: int = 1  # 'linear' only: what the network makes of the input after one is a source of the next
    learning_rate: float = 0.001  # at the start of every scale
    learning_rate_change_ratio: float = 1.5  # 'plateau': so many slopes must reach its deviation
    learning_rate_policy_check_every: int = 60  # 'plateau'
    learning_rate_slope_range: int = 256  # 'plateau': iterations that the line is fitted to

    # Quick test and display
    run_test: bool = True
    run_test_every: int = 50
    display_every: int = aside(20)
    display_test_results: bool = aside(True)
    plot_losses: bool = aside(False)  # live figure

    # What the image itself decides (blind/choice.py): 'kernel', and fields of these
    from_image: list = field(default_factory=list)

    # Values and pages
    value_range: str | list | tuple = (
        'full'  # what black and white are: 'full' (the type's), 'auto', or [low, high]
    )
    pages: str | int = 'first'  # of a stack: 'first', one from 1, 'all' by one network, 'each' by its own

    # Files
    name: str = aside('test')  # prefix of the results folder, and file stem when an array is given
    input_path: str = aside('test_data/')
    result_path: str = aside('results/')
    result_file: str | None = aside(None)  # the last scale's result, in place of a name made from the input's
    result_format: str = aside('auto')  # 'png', 'tif', 'jpg', 'webp', 'npy'; 'auto': the input's if lossless
    large: bool = aside(False)  # read on beyond the limit against decompression bombs
    create_results_dir: bool = aside(True)
    create_code_copy: bool = aside(True)
    save_results: bool = aside(False)  # run_ZSSR.py sets it; from Python, nothing is written unasked

    # Reproducibility
    seed: int | None = None  # None: a fresh one, which is recorded

    def __setattr__(self, name, value):
        """Set a field; an AttributeError says that there is none of that name."""
        if name not in self.__dataclass_fields__:
            known = did_you_mean(name, self.__dataclass_fields__)
            raise AttributeError(f'Config has no field {name}{known}')
        super().__setattr__(name, value)

    @property
    def scales(self):
        """The scale factors as a list of (vertical, horizontal) floats."""
        return [as_pair(sf) for sf in self.scale_factors]

    @property
    def base_changes(self):
        """The scales after which the base changes, as a list of (vertical, horizontal) floats."""
        return [as_pair(sf) for sf in self.base_change_sfs]

    @property
    def filter_shape(self):
        """Shapes (height, width, channels in, channels out) of the filters of an RGB network."""
        return [list(shape) for shape in self.filter_shapes(3)]

    @property
    def is_recorded(self):
        """Whether a run leaves more than its results: run.json, report and figures."""
        return self.save_results and self.result_file is None

    def filter_shapes(self, channels):
        """Shapes (height, width, channels in, channels out) of the filters for images of `channels`."""
        outer = channels * self.grid**2
        hidden = [(3, 3, self.width, self.width)] * (self.depth - 2)
        return ((3, 3, outer, self.width), *hidden, (3, 3, self.width, outer))

    @property
    def grid(self):
        """By how much the convolutions' grid is coarser than the images'."""
        return int(self.scales[0][0]) if self.network_grid == 'low' else 1

    def output_shapes(self, input_shape):
        """(vertical, horizontal) sizes of the results, one per scale, for an input of `input_shape`."""
        return [scaled_shape(input_shape, scale) for scale in self.scales]

    def copy(self):
        """A copy that shares nothing with this one."""
        return copy.deepcopy(self)

    def at_scale(self, scale):
        """A copy at another factor, a number or (vertical, horizontal).

        The steps from 1 to the last factor s are stretched to end at `scale` S:
        1 + (step − 1)·(S − 1)/(s − 1), per axis. Crops stay multiples of a coarser grid.
        """
        target, last = as_pair(scale), self.scales[-1]

        def stretch(step):
            """One step, as far between 1 and the new end as it was to the old one."""
            return [
                1 + (n - 1) * (end - 1) / (old - 1) if old != 1 else end
                for n, end, old in zip(step, target, last, strict=True)
            ]

        stretched = [stretch(step) for step in self.scales]
        changes = [stretch(step) for step in self.base_changes]
        conf = replace(self.copy(), scale_factors=stretched, base_change_sfs=changes)
        if conf.grid > 1:
            conf.crop_size = max(conf.crop_size // conf.grid, 1) * conf.grid
        return conf

    def validate(self):
        """Raise a ValueError whose one line names every inconsistent field and what it should be."""
        found = problems(self)
        if found:
            raise ValueError('configuration: ' + '; '.join(found))


# Fields that do not change what a configuration is. The seed changes a result, but is told apart everywhere.
WITHOUT_EFFECT = {f.name for f in fields(Config) if f.metadata.get('aside')} | {'seed'}


def differences(conf, other):
    """The fields, but for `WITHOUT_EFFECT`, in which a Config differs from another: a dict of its values."""
    names = (f.name for f in fields(Config) if f.name not in WITHOUT_EFFECT)
    return {name: getattr(conf, name) for name in names if getattr(conf, name) != getattr(other, name)}


X2_ONE_JUMP_IDEAL_CONF = Config(input_path='test_data/ideal/')

# The same with a figure that follows the training.
X2_IDEAL_WITH_PLOT_CONF = Config(plot_losses=True, run_test_every=20)

# Six gradual steps: each result is a new source of fathers for the next (section 3.4).
X2_GRADUAL_IDEAL_CONF = Config(
    scale_factors=[[1.0, 1.5], [1.5, 1.0], [1.5, 1.5], [1.5, 2.0], [2.0, 1.5], [2.0, 2.0]],
    back_projection_iters=[6, 6, 8, 10, 10, 12],
    input_path='test_data/ideal/',
)

# Sons made with the image's own blur kernel (Table 2). No rotations: they would turn the blur as well.
X2_GIVEN_KERNEL_CONF = Config(
    output_flip=False,
    augment_allow_rotation=False,
    back_projection_iters=[2],
    input_path='test_data/given_kernel/',
)

# Old and noisy photographs: noise on the sons teaches the network to remove it (Table 3).
X2_REAL_CONF = Config(
    output_flip=False,
    back_projection_iters=[0],
    noise_std=0.0125,
    augment_allow_rotation=False,
    augment_scale_diff_sigma=0.0,
    augment_shear_sigma=0.0,
    augment_min_scale=0.75,
    input_path='test_data/real/',
)

X3_IDEAL_CONF = Config(scale_factors=[[3.0, 3.0]], input_path='test_data/ideal_x3/')

X4_IDEAL_CONF = Config(scale_factors=[[4.0, 4.0]], input_path='test_data/ideal_x4/')

# Twice ×2: the first result becomes the input of the second step.
X4_GRADUAL_IDEAL_CONF = Config(
    scale_factors=[[2.0, 2.0], [4.0, 4.0]],
    base_change_sfs=[[2.0, 2.0]],
    back_projection_iters=[10, 10],
    input_path='test_data/ideal_x4/',
)

# The fast recipe; docs/fast.md has what each change brings.
FAST = {
    'network_grid': 'low',
    'precision': 'auto',
    'optimizer': 'muon',
    'weight_decay': 3.0,
    'batch_size': 4,
    'rate_policy': 'linear',
    'learning_rate': 0.0015,
    'warm_up_iters': 20,
    'init_variance': 0.3,
    'crop_size': 84,
    'max_iters': 350,
    'rounds': 2,
    'augment_min_scale': 0.75,
    'round_flip': False,
    'merge_views': 'mean',
    'run_test_every': 175,
}

X2_FAST_IDEAL_CONF = replace(X2_ONE_JUMP_IDEAL_CONF.copy(), **FAST, back_projection_iters=[2])

X2_FAST_GIVEN_KERNEL_CONF = replace(X2_GIVEN_KERNEL_CONF.copy(), **FAST, back_projection_iters=[4])

X2_FAST_REAL_CONF = replace(X2_REAL_CONF.copy(), **FAST)

X3_FAST_IDEAL_CONF = replace(X3_IDEAL_CONF.copy(), **FAST, back_projection_iters=[2])

# Twice ×2: in one jump, a small image has too little to learn ×4 from.
X4_FAST_IDEAL_CONF = replace(
    X4_GRADUAL_IDEAL_CONF.copy(),
    **FAST | {'crop_size': 64, 'max_iters': 300, 'augment_min_scale': 1.0, 'run_test_every': 150},
    back_projection_iters=[2, 2],
)

# The original's quality in a sixtieth of its recipe's time; docs/fast.md.
QUICK = FAST | {'batch_size': 2, 'crop_size': 64, 'max_iters': 280, 'run_test_every': 140}

X2_QUICK_IDEAL_CONF = replace(X2_ONE_JUMP_IDEAL_CONF.copy(), **QUICK, back_projection_iters=[2])

X2_QUICK_GIVEN_KERNEL_CONF = replace(X2_GIVEN_KERNEL_CONF.copy(), **QUICK, back_projection_iters=[4])

X2_QUICK_REAL_CONF = replace(X2_REAL_CONF.copy(), **QUICK)

# The best image in at most the time of the original's recipe; docs/fast.md has what each change brings.
FINE = FAST | {
    'batch_size': 8,
    'learning_rate': 0.001,
    'init_variance': 0.5,
    'crop_size': 96,
    'max_iters': 1500,
    'rounds': 5,
    'augment_min_scale': 1.0,
    'round_flip': True,
    'run_test_every': 250,
}

X2_FINE_IDEAL_CONF = replace(X2_ONE_JUMP_IDEAL_CONF.copy(), **FINE, back_projection_iters=[2])

X3_FINE_IDEAL_CONF = replace(X3_IDEAL_CONF.copy(), **FINE, back_projection_iters=[2])

X4_FINE_IDEAL_CONF = replace(
    X4_GRADUAL_IDEAL_CONF.copy(), **FINE | {'crop_size': 64}, back_projection_iters=[2, 2]
)

# Degraded images whose blur is known to be bicubic (Table 3): the sons get noise of about 5 grey levels, and
# back-projection would put the input's noise back.
X2_NOISY_CONF = Config(noise_std=0.02, back_projection_iters=[0], input_path='test_data/real/')

# By this recipe, twice the noise (about 10 grey levels) does better.
X2_FAST_NOISY_CONF = replace(X2_NOISY_CONF.copy(), **FAST | {'noise_std': 0.04})

# Whatever the image is: what it tells of its blur, noise and compression decides the rest.
AUTO = replace(X2_FAST_IDEAL_CONF.copy(), from_image=list(FROM_IMAGE), input_path='test_data/real/')

# Name -> what `--list` says of it.
PRESETS = {
    'AUTO': '×2 for any image, which tells its own blur and noise, by the fast recipe',
    'X2_ONE_JUMP_IDEAL_CONF': '×2 in one jump, bicubic sons, ensemble, back-projection (the default recipe)',
    'X2_IDEAL_WITH_PLOT_CONF': '×2 in one jump with a live figure of the errors',
    'X2_GRADUAL_IDEAL_CONF': '×2 in six gradual steps; six times the work, better',
    'X2_GIVEN_KERNEL_CONF': '×2 with a known blur kernel (NAME_0.mat)',
    'X2_REAL_CONF': '×2 for real, noisy or compressed images, with a kernel if there is one',
    'X3_IDEAL_CONF': '×3 in one jump',
    'X4_IDEAL_CONF': '×4 in one jump',
    'X4_GRADUAL_IDEAL_CONF': '×4 as twice ×2',
    'X2_NOISY_CONF': '×2 for noisy images without a known kernel (noise of about 5 grey levels)',
    'X2_FAST_IDEAL_CONF': 'X2_ONE_JUMP_IDEAL_CONF by the fast recipe',
    'X2_FAST_GIVEN_KERNEL_CONF': 'X2_GIVEN_KERNEL_CONF by the fast recipe',
    'X2_FAST_REAL_CONF': 'X2_REAL_CONF by the fast recipe',
    'X2_FAST_NOISY_CONF': 'X2_NOISY_CONF by the fast recipe',
    'X3_FAST_IDEAL_CONF': 'X3_IDEAL_CONF by the fast recipe',
    'X4_FAST_IDEAL_CONF': '×4 as twice ×2 by the fast recipe',
    'X2_QUICK_IDEAL_CONF': 'X2_ONE_JUMP_IDEAL_CONF in a sixtieth of its time',
    'X2_QUICK_GIVEN_KERNEL_CONF': 'X2_GIVEN_KERNEL_CONF likewise',
    'X2_QUICK_REAL_CONF': 'X2_REAL_CONF likewise',
    'X2_FINE_IDEAL_CONF': '×2, the best image in at most the time of X2_ONE_JUMP_IDEAL_CONF',
    'X3_FINE_IDEAL_CONF': '×3 likewise',
    'X4_FINE_IDEAL_CONF': '×4 likewise, as twice ×2',
}


# These are for images whose blur kernel is known.
NEED_KERNEL = ('X2_GIVEN_KERNEL_CONF', 'X2_FAST_GIVEN_KERNEL_CONF', 'X2_QUICK_GIVEN_KERNEL_CONF')


def get_config(name=None):
    """A copy of the preset of this name, free to be changed; None, '' or '0': the default configuration.

    Args:
        name: of a preset, in whatever case.

    Raises:
        ValueError: for any other name; the message lists the names.

    Differs from the original: the name is looked up, never executed.
    """
    if name is None or str(name) in ('', '0'):
        return Config()
    if str(name).upper() not in PRESETS:
        known = f'choose one of {", ".join(PRESETS)} (or 0){did_you_mean(str(name), PRESETS)}'
        raise ValueError(f'unknown configuration {name!r}; {known}')
    return globals()[str(name).upper()].copy()
