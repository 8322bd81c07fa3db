"""results.py and saving.py: results in the format, type and units wanted, or refused before a run."""

import numpy as np
import pytest
from helpers.pictures import refusal, samples, save
from PIL import Image

from files.metadata import Origin
from files.pictures import read_image
from files.results import result_format

COUNTS = np.random.RandomState(0).randint(90, 3981, (20, 24)).astype(np.uint16)


@pytest.fixture
def run(tmp_path, make_net):
    """Run a tiny ZSSR and give the path of what it wrote."""

    def run(source, **fields):
        net = make_net(source, **{'save_results': True, 'result_path': str(tmp_path / 'out')} | fields)
        net.run()
        return tmp_path / 'out' / net.records[-1]['output'], net

    return run


@pytest.mark.parametrize(
    ('origin', 'asked', 'file', 'kind'),
    [
        ('JPEG', 'auto', None, 'png'),
        ('TIFF', 'auto', None, 'tif'),
        ('NPY', 'auto', None, 'npy'),
        ('NPZ', 'auto', None, 'npz'),
        (None, 'auto', None, 'png'),
        ('TIFF', 'jpg', None, 'jpg'),
        ('PNG', 'auto', 'a.TIFF', 'tif'),
        ('PNG', 'npy', 'a.webp', 'webp'),
    ],
)
def test_the_format_of_a_result(origin, asked, file, kind):
    assert result_format(Origin(origin), asked, file) == kind


def test_a_file_of_no_known_format_is_refused():
    message = refusal(result_format, Origin(), 'auto', 'a.gif')
    assert 'a.gif: results cannot be written as .gif' in message and '.png, .tif' in message


@pytest.mark.parametrize(
    ('kind', 'name'), [('jpg', 'JPEG'), ('webp', 'WEBP'), ('png', 'PNG'), ('tif', 'TIFF')]
)
def test_every_format_of_pictures(tmp_path, run, kind, name):
    path, net = run(save(tmp_path / 'a.png', samples(3)), result_format=kind)
    assert path.name == f'a_zssr_X2.00X2.00.{kind}'
    with Image.open(path) as image:
        assert (image.format, image.size, image.mode) == (name, (38, 34), 'RGB')
        written = np.asarray(image) / 255
    np.testing.assert_allclose(written, net.final_sr, atol=0.5 if kind == 'jpg' else 0.51 / 255)


def test_a_result_file_of_ones_own(tmp_path, run):
    file = tmp_path / 'new' / 'big.tif'
    _, net = run(save(tmp_path / 'a.png', samples(3)), result_file=str(file))
    assert net.records[0]['output'] == str(file) and read_image(file).pixels.shape == (34, 38, 3)
    assert [path.name for path in file.parent.iterdir()] == ['big.tif']


@pytest.mark.parametrize('suffix', ['.npy', '.npz'])
@pytest.mark.parametrize('shape', [(20, 24), (20, 24, 1), (20, 24, 5), (3, 20, 24, 2)])
def test_arrays_in_and_out(tmp_path, run, suffix, shape):
    given = np.random.RandomState(0).uniform(-3, 2000, shape).astype(np.float32)
    path = tmp_path / f'a{suffix}'
    np.save(path, given) if suffix == '.npy' else np.savez(path, volume=given)
    written, _ = run(path, value_range='auto', pages='all')
    back = np.load(written, allow_pickle=False)
    back = back if suffix == '.npy' else back['volume']
    height = len(shape) == 4
    assert back.dtype == np.float32 and back.shape == tuple(
        2 * n if axis in (height, height + 1) else n for axis, n in enumerate(shape)
    )
    assert abs(back.mean() - given.mean()) < 20


def test_arrays_with_pickles_or_several_are_refused(tmp_path):
    np.save(tmp_path / 'a.npy', np.array([{}], object), allow_pickle=True)
    assert f'{tmp_path}/a.npy: no array without pickles' in refusal(read_image, tmp_path / 'a.npy')
    np.savez(tmp_path / 'b.npz', one=np.zeros((20, 20)), two=np.zeros((20, 20)))
    assert 'holds one, two, and one array is wanted' in refusal(read_image, tmp_path / 'b.npz')
    (tmp_path / 'c.npy').write_bytes((tmp_path / 'a.npy').read_bytes()[:40])
    assert 'numpy.save' in refusal(read_image, tmp_path / 'c.npy')


def test_counts_as_png_keep_their_units(tmp_path, run):
    written, _ = run(COUNTS, value_range='auto')
    picture = read_image(written)
    assert picture.values.dtype == 'uint16'
    assert abs(picture.pixels.mean() * 65535 - COUNTS.mean()) < 50 and picture.pixels.max() * 65535 < 4500


def test_floats_as_png_are_black_to_white_of_16_bits(run):
    written, net = run(COUNTS * 10.0, value_range='auto')
    assert net.saving.values()['stretched'] and read_image(written).pixels.max() > 0.95
    assert read_image(written).values.dtype == 'uint16'


@pytest.mark.parametrize(
    ('source', 'fields', 'words'),
    [
        (np.zeros((20, 20, 5)), {'result_format': 'png'}, ['5 channels', 'tif or npy']),
        (np.zeros((2, 20, 20, 1)), {'result_format': 'webp'}, ['2 pages', 'tif or npy']),
        (np.zeros((20, 20, 4)), {'result_format': 'jpg'}, ['no transparency', 'png']),
        (np.zeros((16, 40000)), {'result_format': 'jpg'}, ['80000 pixels', 'tif or npy']),
        (np.zeros((20, 20)), {'result_file': 'a.bmp'}, ['a.bmp', '.png']),
    ],
)
def test_what_a_format_does_not_hold_is_refused_before_the_run(make_net, source, fields, words):
    message = refusal(make_net, source, save_results=True, share=False, **fields)
    assert all(word in message for word in words)


def test_a_second_array_does_not_replace_the_first(run):
    names = [run(COUNTS / 5000)[0].name for _ in range(3)]
    assert names == [f'test_zssr_X2.00X2.00{number}.png' for number in ('', '_2', '_3')]


def test_nothing_is_written_unasked(tmp_path, monkeypatch, make_net):
    monkeypatch.chdir(tmp_path)
    make_net(COUNTS / 5000, save_results=False).run()
    assert not list(tmp_path.iterdir())
