"""outputs.py: where results go, and the line that ends a run."""

import pytest

from configs import Config
from running.outputs import last_line, output_fields


@pytest.mark.parametrize('suffix', ['png', 'tif', 'tiff', 'jpg', 'jpeg', 'webp', 'npy', 'PNG'])
def test_a_name_with_a_suffix_is_the_result_itself(tmp_path, suffix):
    path = tmp_path / 'new' / f'big.{suffix}'
    fields = output_fields(str(path))
    assert (fields['result_file'], fields['result_path']) == (str(path), str(path.parent))
    assert fields['create_results_dir'] is False


@pytest.mark.parametrize('name', ['enlarged', 'scans.v2', 'there.png'])
def test_other_names_and_folders_are_folders(tmp_path, name):
    (tmp_path / 'there.png').mkdir()
    path = str(tmp_path / name)
    assert output_fields(path) == {'result_path': path, 'create_results_dir': False}


def entry(psnr=None, bicubic=None, truth='a_gt.png'):
    return {
        'scales': [{'output': 'a_zssr_X2.00X2.00.png', 'psnr': psnr}],
        'ground_truth': truth,
        'bicubic_psnr': bicubic,
    }


@pytest.mark.parametrize(
    ('conf', 'images', 'several', 'line'),
    [
        ({'save_results': True}, [entry(truth=None)], False, 'out/a_zssr_X2.00X2.00.png'),
        ({'save_results': True}, [entry(truth=None)] * 2, True, 'out/'),
        (
            {'save_results': True},
            [entry(31.2, 29.256)],
            False,
            'out/a_zssr_X2.00X2.00.png  PSNR 31.20 dB (bicubic 29.26 dB)',
        ),
        (
            {'save_results': True},
            [entry(30, 28), entry(truth=None), entry(31, 29)],
            True,
            'out/  PSNR 30.50 dB (bicubic 28.50 dB, mean of 2)',
        ),
        ({'save_results': True, 'result_file': 'out/big.tif'}, [entry(truth=None)], False, 'out/big.tif'),
        ({}, [entry(None, 29.0)], False, 'PSNR inf dB (bicubic 29.00 dB)'),
        ({}, [entry(truth=None)], False, None),
    ],
)
def test_the_last_line(conf, images, several, line):
    assert last_line(Config(result_path='out', **conf), images, several) == line
