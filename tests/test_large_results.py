"""strips.py: large images are trained on in part, and enlarged strip by strip without a seam."""

import numpy as np
import pytest
import tifffile
from helpers.networks import TINY_CONF, random_filters
from helpers.pictures import samples
from PIL import Image

from configs import Config
from files.pictures import read_image
from learning import strips
from learning.network import design_for
from learning.output import Enlarger


@pytest.fixture
def small_strips(monkeypatch):
    """Strips of a few rows for images of any size."""
    monkeypatch.setattr(strips, 'WHOLE_PIXELS', 0)
    monkeypatch.setattr(strips, 'STRIP_PIXELS', 2000)


def enlarge(net, lr, sf, **options):
    given = {'kernel': 'cubic', 'method': 'cubic', 'flip': False, 'iterations': 0, **options}
    shape = tuple(int(np.ceil(n * factor)) for n, factor in zip(lr.shape[:2], sf, strict=True))
    enlarger = Enlarger(net, np.array(sf), **given)
    made, strips_of = [], enlarger.strips
    enlarger.strips = lambda *asked: (made.append(strip) or strip for strip in strips_of(*asked))
    return enlarger.whole(lr, shape), len(made)


@pytest.mark.parametrize(
    'options',
    [
        {},
        {'flip': True},
        {'iterations': 2},
        {'iterations': 1, 'flip': True, 'kernel': np.outer([1, 2, 4, 2, 1, 0, 0], [0, 1, 5, 2, 1]) / 90},
    ],
)
@pytest.mark.parametrize('sf', [(2.0, 2.0), (1.5, 2.0), (3.0, 3.0)])
def test_strips_have_no_seams(net, monkeypatch, sf, options):
    lr = np.random.RandomState(0).rand(302, 20, 3).astype(np.float32)
    whole, count = enlarge(net, lr, sf, **options)
    assert count == 1
    monkeypatch.setattr(strips, 'WHOLE_PIXELS', 0)
    monkeypatch.setattr(strips, 'STRIP_PIXELS', 3000)
    pieces, count = enlarge(net, lr, sf, **options)
    assert count > 2
    np.testing.assert_allclose(pieces, whole, rtol=0, atol=2e-6)


def test_strips_have_no_seams_on_the_coarse_grid(shared_network, monkeypatch):
    conf = TINY_CONF.copy()
    conf.network_grid = 'low'
    net = shared_network(design_for(conf, 3))
    net.reset([0.3 * filters for filters in random_filters(0, conf)])
    lr = np.random.RandomState(0).rand(302, 20, 3).astype(np.float32)
    whole, _ = enlarge(net, lr, (2.0, 2.0), flip=True)
    monkeypatch.setattr(strips, 'WHOLE_PIXELS', 0)
    monkeypatch.setattr(strips, 'STRIP_PIXELS', 3000)
    pieces, count = enlarge(net, lr, (2.0, 2.0), flip=True)
    assert count > 2
    np.testing.assert_allclose(pieces, whole, rtol=0, atol=2e-6)


def test_a_factor_of_which_no_rows_become_whole_ones_is_enlarged_in_one_piece():
    assert len(strips.plan_strips((5000, 4000), (15708, 8000), (np.pi, 2.0), 1, 10)) == 1
    assert len(strips.plan_strips((5001, 4000), (7502, 8000), (1.5, 2.0), 8, 10)) == 1
    assert len(strips.plan_strips((5000, 4000), (10000, 8000), (2.0, 2.0), 8, 10)) > 1


def test_strips_cover_the_result_once():
    plan = strips.plan_strips((5001, 4000), (10002, 8000), (2.0, 2.0), 8, 40)
    ends = [0, *(strip.sr.stop for strip in plan)]
    assert ends[-1] == 10002 and [strip.sr.start for strip in plan] == ends[:-1]
    for strip in plan:
        assert strip.kept.stop - strip.kept.start == strip.sr.stop - strip.sr.start
        assert 2 * strip.lr.start + strip.kept.start == strip.sr.start
        assert strip.lr.start == 0 or strip.kept.start >= 80
        assert strip.lr.stop == 5001 or strip.height - strip.kept.stop >= 80


def test_the_middle_of_a_large_image():
    image = np.arange(40 * 80).reshape(40, 80, 1)
    assert strips.middle(image) is image
    part = strips.middle(image, 800)
    assert part.shape == (20, 40, 1) and part[0, 0, 0] == 10 * 80 + 20 and np.shares_memory(part, image)


@pytest.mark.parametrize('suffix', ['png', 'tif'])
def test_a_streamed_result_is_the_same_file(tmp_path, monkeypatch, make_net, suffix):
    values = np.concatenate([samples(3, shape=(90, 30))] * 2)
    values = np.dstack([values, values[:, :, 0]])  # with an alpha channel
    path = tmp_path / f'a.{suffix}'
    if suffix == 'png':
        Image.fromarray(values).save(path)
    else:
        tifffile.imwrite(path, values, photometric='rgb', extrasamples=['unassalpha'])
    written = []
    for folder, streamed in (('whole', 2**27), ('streamed', 0)):
        monkeypatch.setattr('files.saving.STREAMED_PIXELS', streamed)
        if streamed == 0:
            monkeypatch.setattr(strips, 'WHOLE_PIXELS', 0)
            monkeypatch.setattr(strips, 'STRIP_PIXELS', 3000)
        net = make_net(path, save_results=True, result_path=str(tmp_path / folder))
        assert (net.run() is None) is (streamed == 0)
        written.append(read_image(tmp_path / folder / net.records[0]['output']))
    np.testing.assert_allclose(written[1].pixels, written[0].pixels, atol=1.01 / 255)
    assert (written[1].pixels != written[0].pixels).mean() < 0.001
    np.testing.assert_array_equal(written[1].alpha, written[0].alpha)


def test_of_a_large_image_the_middle_is_trained_on(make_net, monkeypatch):
    monkeypatch.setattr(strips, 'TRAINING_PIXELS', 20 * 30)
    picture = np.random.RandomState(0).rand(40, 60, 3).astype(np.float32)
    net = make_net(picture, ground_truth=np.random.RandomState(1).rand(80, 120, 3))
    assert net.input.shape == (20, 30, 3) and net.output_shape == (40, 60)
    np.testing.assert_array_equal(net.input, picture[10:30, 15:45])
    assert net.run().shape == (80, 120, 3)
    # The truth is that of the whole image: it measures the result, but no quick test of a part.
    assert net.mse is None and net.records[0]['psnr'] > 0


@pytest.mark.parametrize('changes', [{'scale_factors': [1.5, 2]}, {'base_change_sfs': [2]}])
def test_a_streamed_run_leaves_no_earlier_result_in_its_place(tmp_path, monkeypatch, make_net, changes):
    monkeypatch.setattr('files.saving.STREAMED_PIXELS', 0)
    net = make_net(save_results=True, result_path=str(tmp_path), **changes)
    assert net.run() is None and net.final_sr is None
    assert len(net.records) == len(net.conf.scales)
    assert read_image(tmp_path / net.records[-1]['output']).pixels.shape == (40, 48, 3)


def test_views_of_what_cannot_be_cut_into_strips_are_counted():
    conf = Config(scale_factors=[[1.5, 1.5]], output_flip=True)
    even, odd = (strips.bytes_per_sample(conf, (height, 6667), False) for height in (6000, 6001))
    assert odd - even == pytest.approx(7 * 4 * 2.25, rel=0.01)
