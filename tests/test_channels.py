"""Images that are neither gray nor RGB: compared over all channels, shown as their mean."""

import numpy as np
import pytest
from helpers.result_folders import picture, save

import compare
from comparing import loading, metrics, scoring
from files.pictures import Picture
from imresize import imresize_matlab


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Make folders a, b and gt of an image, whose files have channels as given."""
    held = {}

    def make(a, b, gt):
        for seed, (name, channels) in enumerate({'a': a, 'b': b, 'gt': gt}.items()):
            path = save(tmp_path / name / 'x.png', picture())
            noise = np.random.RandomState(seed).randint(0, 9, (60, 80, channels))
            held[path] = (picture(1, channels=channels) // 2 + noise).astype(np.float32) / 255
        options = {'gt': tmp_path / 'gt', 'border': 2}
        return compare.compare(tmp_path / 'a', tmp_path / 'b', tmp_path / 'out', **options), held

    monkeypatch.setattr(loading, 'read_image', lambda path, **options: Picture(held[path]))
    return make


@pytest.mark.parametrize('channels', [2, 5, 7])
def test_folders_are_compared_with_their_figures(folders, tmp_path, channels):
    done, held = folders(channels, channels, channels)
    a, b, truth = held.values()
    (verdict,) = done.verdicts
    assert verdict.psnr_a == pytest.approx(metrics.psnr(a, truth, border=2))
    assert verdict.ssim_b == pytest.approx(metrics.ssim(b, truth, border=2))
    assert (tmp_path / 'out' / 'figures' / 'x.png').is_file()
    assert f'{channels} channels: shown as their mean' in done.path.read_text()


def test_results_of_other_channels_are_refused(folders):
    with pytest.raises(ValueError, match=r'x: .*a/x\.png is of 7 channels and .*b/x\.png of 3 channels'):
        folders(7, 3, 7)


def test_gray_and_rgb_still_go_together(folders):
    done, held = folders(1, 3, 3)
    gray, _, truth = held.values()
    assert done.notes == []
    assert done.verdicts[0].psnr_a == pytest.approx(metrics.psnr(np.repeat(gray, 3, axis=2), truth, border=2))


@pytest.mark.parametrize('channels', [1, 2, 3, 7])
def test_scores_of_bicubic_enlargement(channels):
    lr = np.random.RandomState(0).randint(0, 256, (20, 24, channels)).astype(np.uint8)
    enlarged = np.clip(imresize_matlab(lr.astype(np.float64), 2), 0, 255)
    hr = np.clip(enlarged + 5, 0, 255).astype(np.uint8)
    found = scoring.score_bicubic(lr, hr)
    # Of RGB, only the luma is rounded; of others, each channel.
    expected = metrics.psnr(enlarged / 255, hr, border=2)
    assert found['psnr'] == pytest.approx(expected, abs=0.2 if channels == 3 else 1e-12)
