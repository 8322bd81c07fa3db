"""rules.py: what a configuration may be."""

import pytest

from configs import Config
from settings.rules import policy_points

ROUNDS = {'rounds': 2, 'rate_policy': 'linear', 'back_projection_iters': [1, 1]}
INCONSISTENT = [
    (
        {'network_grid': 'low', 'scale_factors': [17], 'crop_size': 34},
        'can be 16 times coarser at most, not 17',
    ),
    ({'from_image': ['seed']}, r"from_image must list some of kernel, .*, not \['seed'\]"),
    ({'from_image': [[]]}, 'from_image must list some of'),
    ({'scale_factors': []}, 'scale_factors must be a list'),
    ({'scale_factors': 2}, 'scale_factors must be a list'),
    ({'scale_factors': [[0.5, 2]]}, 'scale_factors must be a list.* at least 1, at most 100'),
    ({'scale_factors': [[1, 2, 3]]}, 'scale_factors must be a list'),
    ({'scale_factors': [float('nan')]}, 'scale_factors must be a list'),
    ({'base_change_sfs': ['2']}, 'base_change_sfs must be a list'),
    ({'base_change_sfs': [[3, 3]]}, 'base_change_sfs .*3.* is not among scale_factors'),
    ({'back_projection_iters': [-1]}, 'back_projection_iters must be a list of whole numbers'),
    ({'back_projection_iters': [1.5]}, 'back_projection_iters must be a list of whole numbers'),
    ({'back_projection_iters': []}, 'back_projection_iters .* needs an entry for each'),
    ({'scale_factors': [1.5, 2]}, r'back_projection_iters \[10\] needs an entry for each of the 2'),
    ({'depth': 1}, 'depth must be at least 2'),
    ({'crop_size': 7}, 'crop_size must be at least 8'),
    ({'width': 0}, 'width must be at least 1'),
    ({'max_iters': 0}, 'max_iters must be at least 1'),
    ({'max_iters': 1.5}, 'max_iters must be a whole number'),
    ({'max_iters': True}, 'max_iters must be a whole number'),
    ({'run_test_every': 0}, 'run_test_every must be at least 1'),
    ({'display_every': 0}, 'display_every must be at least 1'),
    ({'learning_rate_policy_check_every': 0}, 'learning_rate_policy_check_every must be at least 1'),
    ({'learning_rate': 0}, 'learning_rate must be positive'),
    ({'learning_rate': float('inf')}, 'learning_rate must be a number'),
    ({'learning_rate_change_ratio': -1.5}, 'learning_rate_change_ratio must be positive'),
    ({'init_variance': 0}, 'init_variance must be positive'),
    ({'augment_min_scale': 0}, 'augment_min_scale must be positive'),
    ({'augment_min_scale': 1.1}, 'augment_min_scale must be at most 1'),
    ({'min_iters': -1}, 'min_iters must not be negative'),
    ({'min_learning_rate': -1e-6}, 'min_learning_rate must not be negative'),
    ({'learning_rate_slope_range': -1}, 'learning_rate_slope_range must not be negative'),
    ({'noise_std': -0.1}, 'noise_std must not be negative'),
    ({'noise_std': '0.1'}, 'noise_std must be a number'),
    ({'augment_scale_diff_sigma': -1}, 'augment_scale_diff_sigma must not be negative'),
    ({'augment_shear_sigma': -1}, 'augment_shear_sigma must not be negative'),
    ({'augment_leave_as_is_probability': 1.1}, 'augment_leave_as_is_probability must be between 0 and 1'),
    ({'augment_no_interpolate_probability': -0.1}, 'augment_no_interpolate_probability must be between'),
    ({'augment_leave_as_is_probability': 0.6}, 'augment_leave_as_is_probability and .* add to over 1'),
    ({'downscale_method': 'bicubic'}, "downscale_method must be one of cubic,.*'bicubic'"),
    ({'upscale_method': 'nearest'}, 'upscale_method must be one of'),
    ({'downscale_gt_method': None}, 'downscale_gt_method must be text'),
    ({'output_flip': 1}, 'output_flip must be True or False'),
    ({'name': 'a/b'}, 'name must be a file name without slashes'),
    ({'name': ''}, 'name must be a file name'),
    ({'seed': -1}, 'seed must be between 0 and'),
    ({'seed': 2**32}, 'seed must be between 0 and'),
    ({'run_test': False}, 'run_test .*False.* 0 quick tests'),
    ({'run_test_every': 64}, 'run_test_every 64.* 4 quick tests'),
    ({'learning_rate_slope_range': 249}, 'learning_rate_slope_range 249.* 4 quick tests'),
    ({'scale_factors': [[1e308, 2]]}, 'scale_factors must be a list.* at least 1, at most 100'),
    ({'scale_factors': [2, 2.001], 'back_projection_iters': [0, 0]}, 'results of one name'),
    ({'precision': 'double'}, 'precision must be'),
    ({'optimizer': 'sgd'}, "optimizer must be 'adam' or 'muon'"),
    ({'rounds': 0}, 'rounds must be at least 1'),
    ({'rounds': 2}, "rounds 2 needs rate_policy 'linear', not 'plateau'"),
    ({'rounds': 5, 'max_iters': 4, 'rate_policy': 'linear'}, 'rounds 5 must not be more than max_iters 4'),
    (ROUNDS | {'scale_factors': [[1, 2]]}, 'rounds 2 needs scale_factors that grow'),
    (ROUNDS | {'scale_factors': [[1.5, 2], 2]}, 'rounds 2 needs scale_factors that grow'),
    ({'batch_size': 0}, 'batch_size must be at least 1'),
    ({'optimizer': 'muon', 'depth': 2}, "optimizer 'muon' is for hidden layers"),
    ({'network_grid': 'mid'}, 'network_grid must be'),
    ({'weight_decay': -0.1}, 'weight_decay must not be negative'),
    ({'weight_decay': 0.1}, "weight_decay 0.1 needs optimizer 'muon', not 'adam'"),
    ({'merge_views': 'max'}, "merge_views must be 'median' or 'mean'"),
    ({'rate_policy': 'cosine'}, 'rate_policy must be'),
    ({'network_grid': 'low', 'scale_factors': [1.5]}, "network_grid 'low' needs one whole factor"),
    ({'network_grid': 'low', 'scale_factors': [[2, 3]]}, "network_grid 'low' needs one whole factor"),
    ({'network_grid': 'low', 'crop_size': 63}, 'crop_size that is a multiple of 2'),
    ({'min_iters': 100, 'learning_rate_policy_check_every': 10}, 'min_iters'),
]


@pytest.mark.parametrize(('changes', 'message'), INCONSISTENT)
def test_what_does_not_fit_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        Config(**changes).validate()


def test_all_wrong_fields_are_named_at_once():
    with pytest.raises(ValueError, match=r'depth must be at least 2, not 1; .*noise_std must not'):
        Config(depth=1, noise_std=-1.0).validate()


@pytest.mark.parametrize(
    'changes',
    [
        {'learning_rate_slope_range': 250},
        {'run_test_every': 51},
        {'run_test': False, 'max_iters': 299},
        {'max_iters': 1},
        {'crop_size': 8, 'depth': 2, 'width': 1},
        {'augment_leave_as_is_probability': 0.55},
        {'noise_std': 1, 'seed': 0},
    ],
)
def test_what_just_fits_is_accepted(changes):
    Config(**changes).validate()


@pytest.mark.parametrize(
    ('changes', 'points'),
    [
        ({}, 5),
        ({'max_iters': 299}, None),
        ({'max_iters': 300}, 5),
        ({'run_test': False}, 0),
        ({'learning_rate_slope_range': 600}, 6),
        ({'min_iters': 298, 'learning_rate_slope_range': 600}, 6),
        ({'min_iters': 299, 'learning_rate_slope_range': 600}, 8),
    ],
)
def test_points_that_the_policy_will_see(changes, points):
    assert policy_points(Config(**changes)) == points


@pytest.mark.parametrize(
    ('field', 'values'),
    [
        ('value_range', ['full ', [1], [2, 1], [0, True], [0, float('nan')], 7]),
        ('pages', ['last', 0, -1, True, 1.5]),
        ('result_format', ['gif', '', '.png']),
        ('result_file', [7]),
    ],
)
def test_fields_of_files_and_values_are_checked(field, values):
    for value in values:
        conf = Config()
        setattr(conf, field, value)
        with pytest.raises(ValueError, match=field):
            conf.validate()


def test_usable_fields_of_files_and_values_pass():
    for field, values in {'value_range': ['auto', [0, 4095], (-1.5, 2)], 'pages': ['each', 3]}.items():
        for value in values:
            conf = Config()
            setattr(conf, field, value)
            conf.validate()
