"""configs.py: presets as people call them."""

import pytest

from configs import Config, get_config


@pytest.mark.parametrize('name', ['x2_fast_real_conf', 'X2_Fast_Real_Conf'])
def test_presets_are_found_in_any_case(name):
    assert get_config(name) == get_config('X2_FAST_REAL_CONF')


def test_a_misspelt_preset_names_the_nearest():
    with pytest.raises(ValueError, match=r'; did you mean X2_REAL_CONF\?$'):
        get_config('x2_real_cnf')


def test_a_result_file_is_all_that_a_run_leaves():
    assert not Config().is_recorded
    assert Config(save_results=True).is_recorded
    assert not Config(save_results=True, result_file='a.png').is_recorded
