"""records.py: what run.json cannot say."""

from files.records import finite


def test_json_knows_no_infinity():
    assert finite({'psnr': float('inf'), 'ssim': 1.0}) == {'psnr': None, 'ssim': 1.0}
