"""What a configuration may be: the rules for each field, and between fields."""

import math
from dataclasses import fields
from typing import get_args

from imresize import METHODS
from settings.scales import LARGEST_SCALE, as_pair, is_number, scale_name, told

# What NumPy's generator takes.
LARGEST_SEED = 2**32 - 1

# A cell of the network's coarse grid is no larger than the smallest image.
COARSEST_GRID = 16

# Beyond these nothing can be gained, but all memory, and days, be lost.
MOST_ITERATIONS = 10**6
RAREST_DISPLAY = 10**9  # iterations without a line
LARGEST_SIDE = 4096
DEEPEST = 256
LARGEST_AMOUNT = 1e12

# Ends of a range of values that are as far apart as this, and no farther from 0, can be computed with.
SMALLEST_RANGE, LARGEST_VALUE = 1e-30, 1e30

# A result's format -> the suffixes by which it is meant, the first of which results are given.
RESULT_SUFFIXES = {
    'png': ('.png',),
    'tif': ('.tif', '.tiff'),
    'jpg': ('.jpg', '.jpeg'),
    'webp': ('.webp',),
    'npy': ('.npy',),
    'npz': ('.npz',),
}
RESULT_FORMATS = ('auto', *RESULT_SUFFIXES)

# What an image can decide: its kernel, and these fields of Config.
FROM_IMAGE = ('kernel', 'noise_std', 'back_projection_iters', 'output_flip', 'augment_allow_rotation')


def problems(conf):
    """List what is wrong with a Config: texts, each naming a field and what it should be."""
    return field_problems(conf) or _inconsistencies(conf)


def field_problems(conf):
    """List likewise what is wrong with fields by themselves, whatever the others are."""
    return [f'{name} {rule}, not {told(getattr(conf, name))}' for name, rule in _broken_rules(conf)]


def _is_scales(value, least=1):
    try:
        pairs = [as_pair(sf) for sf in value]
    except (ValueError, TypeError):
        return False
    in_range = all(1 <= factor <= LARGEST_SCALE for pair in pairs for factor in pair)
    return isinstance(value, list | tuple) and len(pairs) >= least and in_range


def _is_range(value):
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(is_number(end) for end in value)
        and value[1] - value[0] >= SMALLEST_RANGE
        and max(map(abs, value)) <= LARGEST_VALUE
    )


def _is_counts(value):
    return isinstance(value, list | tuple) and all(
        has_type(n, int) and 0 <= n <= MOST_ITERATIONS for n in value
    )


_SCALES = 'must be a list of numbers or [vertical, horizontal] pairs, each at least 1, at most 100'
_RULES = [
    (('scale_factors',), _is_scales, _SCALES),
    (('base_change_sfs',), lambda v: _is_scales(v, least=0), _SCALES),
    (('back_projection_iters',), _is_counts, f'must be a list of whole numbers, 0 to {MOST_ITERATIONS}'),
    (('depth',), lambda v: v >= 2, 'must be at least 2'),
    (('depth',), lambda v: v <= DEEPEST, f'must be at most {DEEPEST}'),
    (('crop_size',), lambda v: v >= 8, 'must be at least 8'),
    (
        ('width', 'crop_size', 'batch_size'),
        lambda v: v <= LARGEST_SIDE,
        f'must be at most {LARGEST_SIDE}',
    ),
    (
        (
            *('max_iters', 'min_iters', 'warm_up_iters', 'learning_rate_policy_check_every'),
            *('learning_rate_slope_range', 'run_test_every'),
        ),
        lambda v: v <= MOST_ITERATIONS,
        f'must be at most {MOST_ITERATIONS}',
    ),
    (('display_every',), lambda v: v <= RAREST_DISPLAY, f'must be at most {RAREST_DISPLAY}'),
    (
        (
            *('learning_rate', 'min_learning_rate', 'init_variance', 'learning_rate_change_ratio'),
            *('noise_std', 'augment_scale_diff_sigma', 'augment_shear_sigma', 'weight_decay'),
        ),
        lambda v: v <= LARGEST_AMOUNT,
        f'must be at most {LARGEST_AMOUNT:g}',
    ),
    (
        (
            'max_iters',
            'rounds',
            'width',
            'learning_rate_policy_check_every',
            'run_test_every',
            'display_every',
            'batch_size',
        ),
        lambda v: v >= 1,
        'must be at least 1',
    ),
    (
        ('learning_rate', 'init_variance', 'augment_min_scale', 'learning_rate_change_ratio'),
        lambda v: v > 0,
        'must be positive',
    ),
    (
        (
            *('min_iters', 'min_learning_rate', 'learning_rate_slope_range', 'noise_std', 'warm_up_iters'),
            *('augment_scale_diff_sigma', 'augment_shear_sigma', 'weight_decay'),
        ),
        lambda v: v >= 0,
        'must not be negative',
    ),
    (('augment_min_scale',), lambda v: v <= 1, 'must be at most 1'),
    (
        ('augment_leave_as_is_probability', 'augment_no_interpolate_probability'),
        lambda v: 0 <= v <= 1,
        'must be between 0 and 1',
    ),
    (
        ('downscale_method', 'upscale_method', 'downscale_gt_method'),
        lambda v: v in METHODS,
        f'must be one of {", ".join(METHODS)}',
    ),
    (
        ('from_image',),
        lambda v: all(name in FROM_IMAGE for name in v),
        f'must list some of {", ".join(FROM_IMAGE)}',
    ),
    (
        ('value_range',),
        lambda v: v in ('full', 'auto') or _is_range(v),
        "must be 'full', 'auto' or [low, high], low below high, both within ±1e30",
    ),
    (
        ('pages',),
        lambda v: v in ('first', 'all', 'each') or (has_type(v, int) and v >= 1),
        "must be 'first', 'all', 'each' or a number from 1",
    ),
    (
        ('result_format',),
        lambda v: v in RESULT_FORMATS,
        f'must be one of {", ".join(RESULT_FORMATS)}',
    ),
    (('merge_views',), lambda v: v in ('median', 'mean'), "must be 'median' or 'mean'"),
    (('network_grid',), lambda v: v in ('high', 'low'), "must be 'high' or 'low'"),
    (('rate_policy',), lambda v: v in ('plateau', 'linear'), "must be 'plateau' or 'linear'"),
    (('optimizer',), lambda v: v in ('adam', 'muon'), "must be 'adam' or 'muon'"),
    (
        ('precision',),
        lambda v: v in ('float32', 'bfloat16', 'float16', 'auto'),
        "must be 'float32', 'bfloat16', 'float16' or 'auto'",
    ),
    (('name',), lambda v: v and '/' not in v and '\\' not in v, 'must be a file name without slashes'),
    (('seed',), lambda v: v is None or 0 <= v <= LARGEST_SEED, 'must be between 0 and 4294967295'),
]


def _broken_rules(conf):
    """Yield (field, rule) for every field that is ill-typed, or breaks a rule of its own."""
    ill_typed = {f.name for f in fields(conf) if not has_type(getattr(conf, f.name), f.type)}
    for f in fields(conf):
        if f.name in ill_typed:
            yield f.name, f'must be {type_name(f.type)}'
    for names, holds, rule in _RULES:
        yield from (
            (name, rule) for name in names if name not in ill_typed and not holds(getattr(conf, name))
        )


def _inconsistencies(conf):
    """List what is wrong between fields that are each right by themselves."""
    problems = []
    if len(conf.back_projection_iters) < len(conf.scale_factors):
        problems.append(
            f'back_projection_iters {conf.back_projection_iters} needs an entry for each of the '
            f'{len(conf.scale_factors)} scale_factors'
        )
    for sf in conf.base_changes:
        if sf not in conf.scales:
            problems.append(f'base_change_sfs {list(sf)} is not among scale_factors {conf.scale_factors}')
    if conf.augment_leave_as_is_probability + conf.augment_no_interpolate_probability > 1:
        problems.append(
            'augment_leave_as_is_probability and augment_no_interpolate_probability add to over 1'
        )
    if conf.optimizer == 'muon' and conf.depth < 3:
        problems.append(
            f"optimizer 'muon' is for hidden layers and needs a depth of at least 3, not {conf.depth}"
        )
    if conf.weight_decay and conf.optimizer != 'muon':
        problems.append(f"weight_decay {conf.weight_decay} needs optimizer 'muon', not {conf.optimizer!r}")
    if conf.rounds > 1:
        problems += _round_problems(conf)
    if conf.network_grid == 'low':
        problems += _grid_problems(conf)
    names = [scale_name(scale) for scale in conf.scales]
    if len(set(names)) < len(names):
        problems.append(
            f'scale_factors {conf.scale_factors} would write results of one name, {", ".join(names)}'
        )
    points = policy_points(conf)
    if points is not None and points <= 4:
        problems.append(
            f'with run_test {conf.run_test}, run_test_every {conf.run_test_every} and '
            f'learning_rate_slope_range {conf.learning_rate_slope_range} the learning-rate policy would see '
            f'{points} quick tests and needs at least 5; test more often, or widen the range or min_iters'
        )
    return problems


def policy_points(conf):
    """Quick tests that a line is fitted to when the learning-rate policy looks first; None if never."""
    if conf.rate_policy != 'plateau':
        return None
    every = conf.learning_rate_policy_check_every
    first_check = math.ceil((conf.min_iters + 2) / every) * every - 1
    if first_check >= conf.max_iters:
        return None
    if not conf.run_test:
        return 0
    done = first_check // conf.run_test_every + 1
    return min(done, conf.learning_rate_slope_range // conf.run_test_every)


def _round_problems(conf):
    """List what rounds cannot do: they are parts of a schedule, and each leaves a finer source."""
    problems = []
    if conf.rate_policy != 'linear':
        problems.append(f"rounds {conf.rounds} needs rate_policy 'linear', not {conf.rate_policy!r}")
    if conf.rounds > conf.max_iters:
        problems.append(f'rounds {conf.rounds} must not be more than max_iters {conf.max_iters}')
    if not scales_grow(conf):
        problems.append(
            f'rounds {conf.rounds} needs scale_factors that grow on both axes, not {conf.scale_factors}; '
            'set rounds=1'
        )
    return problems


def scales_grow(conf):
    """Whether every scale is larger than the one before on both axes, as rounds need it."""
    steps = zip([(1.0, 1.0), *conf.scales], conf.scales, strict=False)
    return all(after > before for step in steps for before, after in zip(*step, strict=True))


def _grid_problems(conf):
    """List what the coarse grid cannot do: factors that do not suit it, and crops that do not."""
    if problem := coarse_grid_problem(conf):
        return [problem]
    if conf.crop_size % conf.grid:
        needed = f'a crop_size that is a multiple of {conf.grid}, not {conf.crop_size}'
        return [f"network_grid 'low' needs {needed}"]
    return []


def coarse_grid_problem(conf):
    """Say why no coarse grid suits the scale factors, or None: it is one whole number of pixels for all."""
    base = (1.0, 1.0)
    steps = set()
    for scale in conf.scales:
        steps.update(sf / b for sf, b in zip(scale, base, strict=True))
        base = scale if scale in conf.base_changes else base
    if len(steps) > 1 or min(steps) % 1 or min(steps) < 2:
        return (
            f"network_grid 'low' needs one whole factor for all scales and axes, not {conf.scale_factors}; "
            "set network_grid='high', or take a preset without QUICK, FAST or FINE"
        )
    if max(steps) > COARSEST_GRID:
        return (
            f"network_grid 'low' can be {COARSEST_GRID} times coarser at most, not {max(steps):g}; "
            "set network_grid='high', or enlarge in several steps"
        )
    return None


def has_type(value, kind):
    """Whether a value is of a field's type; whole numbers count as numbers, booleans as neither."""
    if kind is float:
        return is_number(value)
    if kind is list:
        return isinstance(value, list | tuple)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def type_name(kind):
    """A field's type in words."""
    names = {
        int: 'a whole number',
        float: 'a number',
        bool: 'True or False',
        str: 'text',
        list: 'a list',
        tuple: 'a pair',
    }
    names[type(None)] = 'None'
    return ' or '.join(names[part] for part in get_args(kind) or (kind,))
