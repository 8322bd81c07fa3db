"""compare.report_run: what the report of a run holds, whatever the run left."""

import io
import re
import tracemalloc
from base64 import b64decode
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

import numpy as np
import pytest
from helpers.result_folders import add_image, change_record, make_run, picture, save
from helpers.tolerances import EIGHT_BITS
from PIL import Image

import compare
from comparing import facts, loading, metrics, page
from files import rounding
from files.pictures import Picture
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
        assert sum(f'{name}_zssr' in note.partition(':')[0] for note in done.notes) == 1
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


HEAD = {
    'preset': 'X2_FAST_IDEAL_CONF',
    'changes': {'max_iters': 60, 'optimizer': 'adam', 'scale_factors': [[3.0, 3.0]]},
    'started': '2026-01-02T03:04:05+0000',
    'finished': '2026-01-02T04:14:35+0000',
}


def told(html):
    """The facts of a report, a list with a dict for the run and one for each image; tags taken out."""
    lists = re.findall(r'<dl class="about">(.*?)</dl>', html, flags=re.DOTALL)
    pairs = (re.findall(r'<dt>(.*?)</dt><dd>(.*?)</dd>', each) for each in lists)
    return [{name: unescape(re.sub(r'<[^>]*>', '', text)) for name, text in each} for each in pairs]


def test_what_is_recorded_is_told(tmp_path):
    folder = make_run(tmp_path)
    change_record(folder, HEAD, kernel='kernel a<b_0.mat', seed=7, device='CPU')
    run, image = told(compare.report_run(folder).path.read_text())
    assert run == {
        'Preset': 'X2_FAST_IDEAL_CONF',
        'Changed': "max_iters=60, optimizer='adam', scale_factors=[[3.0, 3.0]]",
        'Seed': '7',
        'Duration': '1 h 10 min, until 2026-01-02 04:14',
        'Machine': 'CPU',
        'Record': 'run.json',
    }
    assert image == {'Kernel': 'kernel a<b_0.mat', 'Files': 'bird_zssr_X2.00X2.00.png'}


@pytest.mark.parametrize('name', [None, '0'])
def test_the_default_recipe_is_no_preset(tmp_path, name):
    folder = make_run(tmp_path)
    change_record(folder, {'preset': name, 'changes': {}})
    run, _ = told(compare.report_run(folder).path.read_text())
    assert run['Preset'] == 'none, the default recipe' and run['Changed'] == 'nothing'


def test_older_records_tell_less(tmp_path):
    run, image = told(compare.report_run(make_run(tmp_path)).path.read_text())
    assert run == {'Record': 'run.json'} and image.keys() == {'Files'}


def test_seeds_of_their_own_are_told_of_each_image(tmp_path):
    folder = make_run(tmp_path, seed=7)
    add_image(folder, 'other', picture(), picture(height=30, width=40), seed=8)
    run, bird, other = told(compare.report_run(folder).path.read_text())
    assert 'Seed' not in run and (bird['Seed'], other['Seed']) == ('7', '8')


def test_seconds_of_all_scales_are_told(tmp_path):
    seconds = {'training': 61.2, 'output': 1.26}
    scales = [{'sf': [s, s], 'seconds': seconds, 'output': f'bird_zssr_X{s}.00X{s}.00.png'} for s in (1, 2)]
    folder = make_run(tmp_path, scales=scales, ground_truth=None)
    _, image = told(compare.report_run(folder).path.read_text())
    assert image['Duration'] == 'training 2 min 2 s, output 2.5 s'
    assert image['Files'] == 'bird_zssr_X2.00X2.00.png'


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [
        (0, '0.0 s'),
        (9.94, '9.9 s'),
        (9.96, '10 s'),
        (59.6, '1 min 0 s'),
        (3599.6, '1 h 0 min'),
        (7800, '2 h 10 min'),
    ],
)
def test_durations(seconds, text):
    assert facts.duration(seconds) == text


def test_links_hold_where_the_folder_is_moved(tmp_path):
    folder = make_run(tmp_path)
    add_image(folder, 'a #1 ü%', picture(), picture(height=30, width=40))
    save(folder / 'a #1 ü%_losses.png', picture())
    path = compare.report_run(folder).path
    moved = path.parent.rename(tmp_path / 'elsewhere') / path.name
    links = re.findall(r'<a href="([^#"][^"]*)"', moved.read_text())
    names = {'run.json', 'bird_zssr_X2.00X2.00.png', 'a #1 ü%_zssr_X2.00X2.00.png', 'a #1 ü%_losses.png'}
    assert len(links) == len(names)
    base = moved.as_uri()
    assert {Path(url2pathname(urlsplit(urljoin(base, link)).path)) for link in links} == {
        moved.parent / name for name in names
    }


def test_an_estimated_kernel_is_shown(tmp_path):
    kernel = [[0, 0.25, 0], [0.25, 0.5, -0.25], [0, 0.25, 0]]
    scale = {'sf': [2.0, 2.0], 'output': 'bird_zssr_X2.00X2.00.png', 'kernel': kernel}
    folder = make_run(tmp_path, kernel='blur of 1.2 pixels: estimated kernel', scales=[scale])
    html = compare.report_run(folder).path.read_text()
    assert told(html)[1]['Kernel'] == 'blur of 1.2 pixels: estimated kernel'
    (address,) = re.findall(
        r'<img class="kernel" src="data:image/webp;base64,([^"]*)" alt="kernel, 3×3">', html
    )
    shown = np.asarray(Image.open(io.BytesIO(b64decode(address))).convert('L'))
    np.testing.assert_allclose(shown, [[0, 128, 0], [128, 255, 0], [0, 128, 0]], atol=1)
    change_record(folder, scales=[scale | {'kernel': 'cubic'}])
    assert '<img class="kernel"' not in compare.report_run(folder).path.read_text()


@pytest.fixture
def of_channels(tmp_path, monkeypatch):
    """Make a run whose files, .npy beside their names, have any number of channels."""
    real = loading.read_image

    def read(path, **options):
        raw = path.with_suffix('.npy')
        return Picture(np.load(raw)) if raw.exists() else real(path, **options)

    def make(channels, truth_channels=None):
        folder = make_run(tmp_path)
        data = tmp_path / 'data'
        for path, count, size in (
            (folder / 'bird_zssr_X2.00X2.00.png', channels, (60, 80)),
            (data / 'bird.png', channels, (30, 40)),
            (data / 'bird_gt.png', truth_channels or channels, (60, 80)),
        ):
            image = picture(count, *size, count).astype(np.float32) / 255
            np.save(path.with_suffix('.npy'), image)
        return folder

    monkeypatch.setattr(loading, 'read_image', read)
    return make


@pytest.mark.parametrize('channels', [2, 5, 7])
def test_other_channels_than_gray_and_rgb_are_shown_as_their_mean(of_channels, channels):
    folder = of_channels(channels)
    done = compare.report_run(folder)
    html = done.path.read_text()
    assert f'{channels} channels: shown as their mean, in gray; scores are of all' in html
    images = [
        np.load(path) for path in (folder / 'bird_zssr_X2.00X2.00.npy', folder.parent / 'data/bird_gt.npy')
    ]
    assert done.verdicts[0].psnr_b == pytest.approx(metrics.psnr(*images, border=2))
    (address,) = re.findall(r'<img class="source b over" src="data:image/webp;base64,([^"]*)"', html)
    shown = np.asarray(Image.open(io.BytesIO(b64decode(address))).convert('RGB'))
    mean = 255 * images[0].mean(axis=2, keepdims=True)
    assert np.abs(shown - mean).max() <= 0.5 + 1e-3


def test_gray_and_rgb_are_not_said_to_be_means(tmp_path):
    assert 'channels: shown' not in compare.report_run(make_run(tmp_path)).path.read_text()


def test_a_ground_truth_of_other_channels_is_not_measured_against(of_channels):
    done = compare.report_run(of_channels(7, truth_channels=3))
    assert done.verdicts[0].psnr_b is None
    assert 'has 3 channels, the results 7; not measured against it' in done.notes[0]


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
        compare.report_run(folder, gt=tmp_path / 'data', inputs=tmp_path / 'data')
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24 * large.shape[0] * large.shape[1]


@pytest.mark.parametrize('text', ['{', '[]', '{"images": [3]}', '{"images": [{"scales": [{"output": 3}]}]}'])
def test_a_damaged_record_is_named(tmp_path, text):
    (tmp_path / 'run.json').write_text(text)
    with pytest.raises(ValueError, match=r'run\.json'):
        compare.report_run(tmp_path)
