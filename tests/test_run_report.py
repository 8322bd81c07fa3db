"""compare.report_run: what the report of a run holds, whatever the run left."""

import tracemalloc

import numpy as np
import pytest
from helpers.result_folders import add_image, make_run, picture, save
from helpers.tolerances import EIGHT_BITS
from PIL import Image

import compare
from comparing import metrics, page
from files import rounding
from imresize import imresize


def test_report_of_a_run(tmp_path):
    folder = make_run(tmp_path)
    before = set(folder.iterdir())
    done = compare.report_run(folder)
    assert set(folder.iterdir()) - before == {done.path} == {folder / 'report.html'}
    (verdict,) = done.verdicts
    assert verdict.psnr_b > verdict.psnr_a and verdict.scale == (2, 2) and done.notes == []
    html = done.path.read_text()
    assert html.count('<polyline') == 2 and html.count('class="drop b"') == 2
    assert 'bicubic and ZSSR' in html and 'bicubic PSNR' in html


def test_bicubic_is_that_of_the_input(tmp_path):
    folder = make_run(tmp_path)
    (verdict,) = compare.report_run(folder).verdicts
    source, truth = (np.asarray(Image.open(tmp_path / 'data' / f'bird{end}.png')) for end in ('', '_gt'))
    bicubic = np.clip(imresize(source, 2, kernel='cubic') / 255, 0, 1)
    assert verdict.psnr_a == metrics.psnr(bicubic, truth, border=2)


def test_a_run_with_little_recorded(tmp_path):
    scales = [{'sf': [2, 2], 'output': 'bird_zssr_X2.00X2.00.png', 'loss': [None, 0.1, 0.1]}]
    folder = make_run(tmp_path, ground_truth=None, scales=scales)
    done = compare.report_run(folder)
    assert done.verdicts[0].psnr_a is None
    assert 'bicubic PSNR' not in done.path.read_text()
    (tmp_path / 'data' / 'bird.png').unlink()
    with pytest.raises(ValueError, match=r'nothing to compare.*its input or scale'):
        compare.report_run(folder)


def test_only_what_is_there_is_reported(tmp_path):
    folder = make_run(tmp_path)
    add_image(folder, 'gone', None, picture())
    add_image(folder, 'moved', picture(), None)
    add_image(folder, 'cut', picture(), picture(height=30, width=40))
    (folder / 'cut_zssr_X2.00X2.00.png').write_bytes(b'half')
    done = compare.report_run(folder)
    assert [verdict.name for verdict in done.verdicts] == ['bird']
    assert len(done.notes) == 3
    for name in ('gone', 'moved', 'cut'):
        assert sum(f'{name}_zssr' in note for note in done.notes) == 1
    assert done.path.read_text().count('<section') == 1


def test_names_that_differ_only_in_what_looks_like_a_scale_are_two_images(tmp_path):
    folder = make_run(tmp_path)
    for stem in ('img_001_SRF_2_LR', 'img_001_SRF_2_HR', 'bird_zssr_X2.00X2.00'):
        add_image(folder, stem, picture(), picture(height=30, width=40))
    assert [verdict.name for verdict in compare.report_run(folder).verdicts] == [
        *('bird', 'img_001_SRF_2_LR', 'img_001_SRF_2_HR', 'bird_zssr_X2.00X2.00')
    ]


def test_of_several_scales_the_last_is_reported(tmp_path):
    scales = [{'sf': [sf, sf], 'output': f'bird_zssr_X{sf:.2f}X{sf:.2f}.png'} for sf in (1.5, 2.0)]
    folder = make_run(tmp_path, scales=scales)
    save(folder / 'bird_zssr_X1.50X1.50.png', picture(height=45, width=60))
    (verdict,) = compare.report_run(folder).verdicts
    assert (verdict.scale, verdict.size) == ((2, 2), (60, 80))


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('channels', [1, 3])
@pytest.mark.parametrize('opaque', [None, True, False])
def test_every_kind_of_result(tmp_path, bits, channels, opaque):
    folder = make_run(tmp_path)
    values, source = (picture(4, *size, channels) / 255 for size in ((60, 80), (30, 40)))
    alphas = [None, None]
    if opaque is not None:
        alphas = [np.full(image.shape[:2], 1.0 if opaque else 0.5) for image in (values, source)]
    add_image(folder, 'x', (values, alphas[0], bits), (source, alphas[1], bits))
    done = compare.report_run(folder)
    bicubic = np.clip(imresize(source, 2, kernel='cubic'), 0, 1)
    assert [verdict.name for verdict in done.verdicts] == ['bird', 'x']
    assert done.verdicts[1].psnr_between == pytest.approx(
        metrics.psnr(values, bicubic, border=2), abs=EIGHT_BITS
    )
    transparent = sum('transparent' in note for note in done.notes)
    assert transparent == len(done.notes) == (2 if opaque is False else 0)


def test_a_run_of_many_and_large_images_stays_below_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(page, 'BYTE_LIMIT', 200_000)
    monkeypatch.setattr(page, 'PIXEL_LIMIT', 100 * 100)
    folder = make_run(tmp_path)
    rng = np.random.RandomState(0)
    for index in range(5):
        side = 300 if index == 3 else 80
        source = rng.randint(0, 256, (side, side, 3)).astype(np.uint8)
        add_image(folder, f'image{index}', np.repeat(np.repeat(source, 2, axis=0), 2, axis=1), source)
    html = compare.report_run(folder).path.read_text()
    assert len(html.encode()) < 200_000 and html.count('<section') == 6
    assert 'shown at' in html


def test_memory_of_a_large_picture_is_a_few_copies_of_8_bits(tmp_path, monkeypatch):
    """Above the float32 copy that reading makes; 48 megapixels took 0.9 GB in all, 19 bytes each."""
    monkeypatch.setattr(rounding, 'STRIP_PIXELS', 20_000)
    monkeypatch.setattr(page, 'PIXEL_LIMIT', 100_000)
    folder = make_run(tmp_path)
    compare.report_run(folder)  # what is loaded for the first time is none of the picture's
    large = np.tile(picture(5), (20, 20, 1))  # 2 megapixels
    (tmp_path / 'data' / 'bird_gt.png').unlink()
    save(tmp_path / 'data' / 'bird.png', large[::2, ::2])
    for path in (folder / 'bird_zssr_X2.00X2.00.png', tmp_path / 'data' / 'bird_gt.png'):
        save(path, large)
    tracemalloc.start()
    try:
        compare.report_run(folder)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24 * large.shape[0] * large.shape[1]


@pytest.mark.parametrize('text', ['{', '[]', '{"images": [3]}', '{"images": [{"scales": [{"output": 3}]}]}'])
def test_a_damaged_record_is_named(tmp_path, text):
    (tmp_path / 'run.json').write_text(text)
    with pytest.raises(ValueError, match=r'run\.json'):
        compare.report_run(tmp_path)
