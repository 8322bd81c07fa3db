"""configs.py: defaults and presets are the original's, and what does not fit is refused by name."""

import dataclasses

import pytest

import configs
from configs import Config, get_config
from running.command_line import set_field

DEFAULTS = {
    'scale_factors': [[2.0, 2.0]],
    'base_change_sfs': [],
    'max_iters': 3000,
    'min_iters': 256,
    'min_learning_rate': 9e-6,
    'width': 64,
    'depth': 8,
    'output_flip': True,
    'downscale_method': 'cubic',
    'upscale_method': 'cubic',
    'downscale_gt_method': 'cubic',
    'learn_residual': True,
    'init_variance': 0.1,
    'back_projection_iters': [10],
    'random_crop': True,
    'crop_size': 128,
    'noise_std': 0.0,
    'init_net_for_each_sf': False,
    'learning_rate': 0.001,
    'learning_rate_change_ratio': 1.5,
    'learning_rate_policy_check_every': 60,
    'learning_rate_slope_range': 256,
    'augment_leave_as_is_probability': 0.05,
    'augment_no_interpolate_probability': 0.45,
    'augment_min_scale': 0.5,
    'augment_scale_diff_sigma': 0.25,
    'augment_shear_sigma': 0.1,
    'augment_allow_rotation': True,
    'run_test': True,
    'run_test_every': 50,
    'display_every': 20,
    'display_test_results': True,
    'name': 'test',
    'plot_losses': False,
    'result_path': 'results/',
    'create_results_dir': True,
    'create_code_copy': True,
    'input_path': 'test_data/',
}

PRESETS = {
    'X2_ONE_JUMP_IDEAL_CONF': {},
    'X2_IDEAL_WITH_PLOT_CONF': {'plot_losses': True, 'run_test_every': 20},
    'X2_GRADUAL_IDEAL_CONF': {
        'scale_factors': [[1, 1.5], [1.5, 1], [1.5, 1.5], [1.5, 2], [2, 1.5], [2, 2]],
        'back_projection_iters': [6, 6, 8, 10, 10, 12],
    },
    'X2_GIVEN_KERNEL_CONF': {
        'output_flip': False,
        'augment_allow_rotation': False,
        'back_projection_iters': [2],
    },
    'X2_REAL_CONF': {
        'output_flip': False,
        'back_projection_iters': [0],
        'noise_std': 0.0125,
        'augment_allow_rotation': False,
        'augment_scale_diff_sigma': 0,
        'augment_shear_sigma': 0,
        'augment_min_scale': 0.75,
    },
    'X3_IDEAL_CONF': {'scale_factors': [[3, 3]]},
    'X4_IDEAL_CONF': {'scale_factors': [[4, 4]]},
    'X4_GRADUAL_IDEAL_CONF': {
        'scale_factors': [[2, 2], [4, 4]],
        'base_change_sfs': [[2, 2]],
        'back_projection_iters': [10, 10],
    },
    'X2_NOISY_CONF': {'noise_std': 0.02, 'back_projection_iters': [0]},
}

PORTS_OWN = {
    'seed': None,
    'precision': 'float32',
    'network_grid': 'high',
    'rate_policy': 'plateau',
    'warm_up_iters': 0,
    'jit_compile': False,
    'optimizer': 'adam',
    'weight_decay': 0.0,
    'merge_views': 'median',
    'round_flip': True,
    'batch_size': 1,
    'rounds': 1,
    'from_image': [],
    'value_range': 'full',
    'pages': 'first',
    'result_file': None,
    'result_format': 'auto',
    'large': False,
    # The original writes from Python, too; here nothing is written unasked, and the command line asks.
    'save_results': False,
}

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
FAST_PRESETS = {
    'X2_FAST_IDEAL_CONF': ('X2_ONE_JUMP_IDEAL_CONF', {'back_projection_iters': [2]}),
    'X2_FAST_GIVEN_KERNEL_CONF': ('X2_GIVEN_KERNEL_CONF', {'back_projection_iters': [4]}),
    'X2_FAST_REAL_CONF': ('X2_REAL_CONF', {}),
    'X2_FAST_NOISY_CONF': ('X2_NOISY_CONF', {'noise_std': 0.04}),
    'X3_FAST_IDEAL_CONF': ('X3_IDEAL_CONF', {'back_projection_iters': [2]}),
    'X4_FAST_IDEAL_CONF': (
        'X4_GRADUAL_IDEAL_CONF',
        {
            'back_projection_iters': [2, 2],
            'crop_size': 64,
            'max_iters': 300,
            'augment_min_scale': 1.0,
            'run_test_every': 150,
        },
    ),
}
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
FINE_CHANGES = ('back_projection_iters', 'crop_size')
FINE_PRESETS = {
    name.replace('FAST', 'FINE'): (original, {key: changes[key] for key in changes if key in FINE_CHANGES})
    for name, (original, changes) in FAST_PRESETS.items()
    if 'FAST_IDEAL' in name
}
QUICK = FAST | {'batch_size': 2, 'crop_size': 64, 'max_iters': 280, 'run_test_every': 140}
QUICK_PRESETS = {
    name.replace('FAST', 'QUICK'): FAST_PRESETS[name] for name in FAST_PRESETS if name.startswith('X2')
}
del QUICK_PRESETS['X2_QUICK_NOISY_CONF']
QUICKER = [(QUICK, QUICK_PRESETS), (FAST, FAST_PRESETS), (FINE, FINE_PRESETS)]
for name, recipe, slow, own in [(n, recipe, *p) for recipe, presets in QUICKER for n, p in presets.items()]:
    fields, defaults = PRESETS[slow] | recipe | own, DEFAULTS | PORTS_OWN
    PRESETS[name] = {field: value for field, value in fields.items() if value != defaults.get(field)}

DECIDED = ['kernel', 'noise_std', 'back_projection_iters', 'output_flip', 'augment_allow_rotation']
PRESETS['AUTO'] = PRESETS['X2_FAST_IDEAL_CONF'] | {'from_image': DECIDED}


def differences(conf):
    default = dataclasses.asdict(Config())
    return {name: value for name, value in dataclasses.asdict(conf).items() if value != default[name]}


def test_defaults_are_the_originals():
    values = dataclasses.asdict(Config())
    own = {name: values.pop(name) for name in PORTS_OWN}
    assert values == DEFAULTS
    assert own == PORTS_OWN


def test_types_of_defaults_are_the_declared_ones():
    Config().validate()
    for name, value in DEFAULTS.items():
        assert type(getattr(Config(), name)) is type(value), name


@pytest.mark.parametrize('name', PRESETS)
def test_presets_differ_from_the_default_as_the_table_says(name):
    conf = get_config(name)
    conf.validate()
    assert conf.input_path.startswith('test_data/')
    conf.input_path = Config().input_path
    assert differences(conf) == PRESETS[name]


def test_every_preset_is_listed_and_described():
    assert set(configs.PRESETS) == set(PRESETS)
    assert all(configs.PRESETS.values())


@pytest.mark.parametrize('name', [None, '', '0', 0])
def test_no_name_is_the_default(name):
    assert get_config(name) == Config()


@pytest.mark.parametrize(
    'name', ["__import__('os')", 'Config()', 'Config', 'PRESETS', 'x2_real_cnf', 'X2_REAL_CONF ', '1']
)
def test_other_names_are_refused_with_a_list(name):
    with pytest.raises(ValueError, match=r'unknown configuration.*X2_ONE_JUMP_IDEAL_CONF, .*X4_GRADUAL'):
        get_config(name)


def test_presets_are_copied():
    conf = get_config('X2_GRADUAL_IDEAL_CONF')
    conf.scale_factors[0][0] = 9
    conf.back_projection_iters.append(9)
    conf.max_iters = 9
    assert differences(get_config('X2_GRADUAL_IDEAL_CONF')).keys() == {
        'scale_factors',
        'back_projection_iters',
        'input_path',
    }
    assert get_config('X2_GRADUAL_IDEAL_CONF').scale_factors[0] == [1, 1.5]


def test_configurations_share_no_lists():
    one = Config()
    one.scale_factors[0][0], two = 3.0, one.copy()
    two.scale_factors[0][0] = 4.0
    assert (Config().scales, one.scales, two.scales) == ([(2, 2)], [(3, 2)], [(4, 2)])


def test_filter_shapes_follow_width_and_depth():
    conf = Config()
    conf.width, conf.depth = 5, 4
    assert conf.filter_shape == [[3, 3, 3, 5], [3, 3, 5, 5], [3, 3, 5, 5], [3, 3, 5, 3]]
    assert conf.filter_shapes(1) == ((3, 3, 1, 5), (3, 3, 5, 5), (3, 3, 5, 5), (3, 3, 5, 1))
    conf.network_grid = 'low'
    assert conf.filter_shapes(1) == ((3, 3, 4, 5), (3, 3, 5, 5), (3, 3, 5, 5), (3, 3, 5, 4))
    conf.depth, conf.network_grid = 2, 'high'
    assert conf.filter_shape == [[3, 3, 3, 5], [3, 3, 5, 3]]


def test_numbers_count_for_both_axes():
    conf = Config(scale_factors=[1.5, 2, (2, 3)], base_change_sfs=[2], back_projection_iters=[1, 1, 1])
    conf.validate()
    assert conf.scales == [(1.5, 1.5), (2, 2), (2, 3)]
    assert conf.base_changes == [(2, 2)]


@pytest.mark.parametrize(
    ('assignment', 'value'),
    [
        ('max_iters=100', 100),
        ('noise_std=1', 1),
        ('noise_std=1e-2', 0.01),
        ('output_flip=False', False),
        ('scale_factors=[[1.5, 1.5], 2]', [[1.5, 1.5], 2]),
        ('seed=None', None),
        ('seed=7', 7),
        ('name=5', '5'),
        ('name=a=b', 'a=b'),
        ('upscale_method=linear', 'linear'),
    ],
)
def test_fields_are_set_from_text(assignment, value):
    conf = Config(seed=1)
    set_field(conf, assignment)
    stored = getattr(conf, assignment.split('=')[0])
    assert stored == value
    assert type(stored) is type(value)


@pytest.mark.parametrize(
    ('assignment', 'message'),
    [
        ('max_iters=1e3', "max_iters must be a whole number, not '1e3'"),
        ('max_iters=True', 'max_iters must be a whole number'),
        ('output_flip=1', 'output_flip must be True or False'),
        ('output_flip=false', 'output_flip must be True or False'),
        ('noise_std=1e999', 'noise_std must be a number'),
        ('noise_std=__import__("os")', 'noise_std must be a number'),
        ('scale_factors=2', 'scale_factors must be a list'),
        ('seed=x', 'seed must be a whole number or None'),
        ('max_iter=5', 'FIELD one of .*max_iters'),
        ('filter_shape=[]', 'FIELD=VALUE'),
        ('copy=1', 'FIELD=VALUE'),
    ],
)
def test_other_text_is_refused(assignment, message):
    conf = Config()
    with pytest.raises(ValueError, match=message):
        set_field(conf, assignment)
    assert conf == Config()


def test_gradual_steps_are_stretched_to_another_scale():
    conf = get_config('X2_GRADUAL_IDEAL_CONF').at_scale(4)
    assert conf.scale_factors == [[1, 2.5], [2.5, 1], [2.5, 2.5], [2.5, 4], [4, 2.5], [4, 4]]
    conf.validate()
    narrow = get_config('X2_GRADUAL_IDEAL_CONF').at_scale((2, 3))
    assert narrow.scale_factors[0] == [1, 2]
    assert narrow.scale_factors[-1] == [2, 3]


def test_base_changes_are_stretched_with_the_steps():
    conf = get_config('X4_GRADUAL_IDEAL_CONF').at_scale(3)
    conf.validate()
    assert conf.scales == [pytest.approx((5 / 3, 5 / 3)), (3, 3)]
    assert conf.base_changes == conf.scales[:1]


def test_at_another_scale_crops_stay_multiples_of_the_coarse_grid():
    conf = get_config('X2_FAST_IDEAL_CONF')
    conf.crop_size = 100
    assert [conf.at_scale(scale).crop_size for scale in (2, 3, 1.5)] == [100, 99, 100]


@pytest.mark.parametrize('name', PRESETS)
def test_a_presets_own_scale_changes_nothing(name):
    conf = get_config(name)
    assert conf.at_scale(conf.scale_factors[-1]) == conf


def test_at_scale_works_on_a_copy_and_from_a_factor_of_one():
    conf = Config(scale_factors=[[1.0, 2.0]])
    assert conf.at_scale(3).scale_factors == [[3, 3]]
    assert conf.scale_factors == [[1, 2]]


def test_an_unknown_attribute_is_refused_and_the_nearest_is_named():
    with pytest.raises(AttributeError, match=r'no field maxiters; did you mean max_iters\?'):
        Config().maxiters = 5
    with pytest.raises(AttributeError, match=r'no field qqqq$'):
        Config().qqqq = 5
