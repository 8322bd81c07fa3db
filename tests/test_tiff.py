"""tiff.py: stacks, channels, units and sizes of pixels go through a run, and are read back by tifffile."""

import subprocess
import sys

import numpy as np
import pytest
import tifffile
from helpers.command_line import PROJECT
from helpers.pictures import refusal, samples, save
from PIL import Image

from configs import Config
from files.pictures import read_image, read_images

pytestmark = pytest.mark.usefixtures('shared_networks')

FIELDS = {'width': 4, 'depth': 3, 'crop_size': 16, 'max_iters': 2, 'run_test_every': 2, 'seed': 1}


@pytest.fixture
def enlarge(tmp_path):
    """Run a tiny ZSSR on a file, and open what it writes with tifffile."""
    from ZSSR import ZSSR

    opened = []

    def run(path, scale=(2, 3), **fields):
        conf = Config(**FIELDS | {'output_flip': False, 'back_projection_iters': [0]} | fields)
        conf.scale_factors, conf.value_range = [scale], fields.get('value_range', 'auto')
        conf.save_results, conf.result_path = True, str(tmp_path / 'out')
        net = ZSSR(path, conf)
        net.run()
        opened.append(tifffile.TiffFile(tmp_path / 'out' / net.records[-1]['output']))
        return opened[-1]

    yield run
    for tif in opened:
        tif.close()


@pytest.fixture
def stack():
    """Five pages of two channels, (Z, C, Y, X), of 12 bits, each brighter than the one before."""
    y, x = np.mgrid[:20, :24]
    wave = np.sin(x / 3) * np.cos(y / 4)
    return np.stack([[wave * 90 + 300 * z + 100, wave * 40 + 50] for z in range(5)]).astype(np.uint16)


def resolution(tif):
    """(vertical, horizontal) pixels per unit, and the unit."""
    tags = tif.pages[0].tags
    across, down = (tags[tag].value[0] / tags[tag].value[1] for tag in (282, 283))
    return (down, across), int(tags[296].value)


@pytest.mark.parametrize('pages', ['all', 'each'])
def test_an_imagej_stack_stays_one(tmp_path, enlarge, stack, pages):
    metadata = {'axes': 'ZCYX', 'spacing': 2.5, 'unit': 'um', 'finterval': 0.5}
    tifffile.imwrite(tmp_path / 'a.tif', stack, imagej=True, resolution=(4, 5), metadata=metadata)
    tif = enlarge(tmp_path / 'a.tif', pages=pages)
    assert tif.is_imagej and tif.series[0].axes == 'ZCYX' and tif.series[0].shape == (5, 2, 40, 72)
    assert tif.series[0].dtype == np.uint16 and resolution(tif) == ((10, 12), 1)
    assert [tif.imagej_metadata[name] for name in ('unit', 'spacing', 'finterval')] == ['um', 2.5, 0.5]
    # Pages and channels are where they were.
    means = tif.series[0].asarray().mean(axis=(2, 3))
    np.testing.assert_allclose(means, stack.mean(axis=(2, 3)), atol=8)


def test_ome_keeps_its_channels_and_the_size_of_a_pixel(tmp_path, enlarge, stack):
    metadata = {'axes': 'CYX', 'PhysicalSizeX': 0.6, 'PhysicalSizeY': 0.4, 'PhysicalSizeXUnit': 'nm'}
    metadata |= {'Channel': {'Name': ['DAPI', 'GFP']}}
    tifffile.imwrite(tmp_path / 'a.ome.tif', stack[0], ome=True, metadata=metadata)
    tif = enlarge(tmp_path / 'a.ome.tif')
    assert tif.is_ome and tif.series[0].axes == 'CYX' and tif.series[0].shape == (2, 40, 72)
    xml = tif.ome_metadata
    assert all(f'{name}="0.2"' in xml for name in ('PhysicalSizeX', 'PhysicalSizeY'))
    assert 'PhysicalSizeXUnit="nm"' in xml and 'Name="DAPI"' in xml and 'Name="GFP"' in xml


@pytest.mark.parametrize('pages', ['first', 4])
def test_one_page_of_a_stack(tmp_path, enlarge, stack, pages):
    tifffile.imwrite(tmp_path / 'a.tif', stack, imagej=True, metadata={'axes': 'ZCYX'})
    number = 0 if pages == 'first' else 3
    picture = read_image(tmp_path / 'a.tif', value_range='auto', pages=pages)
    assert picture.origin.pages == 5 and picture.pixels.shape == (20, 24, 2)
    np.testing.assert_array_equal(picture.values.from_unit(picture.pixels), np.moveaxis(stack[number], 0, 2))
    written = enlarge(tmp_path / 'a.tif', pages=pages).series[0]
    assert (written.axes, written.shape) == ('CYX', (2, 40, 72))


def test_a_page_that_is_not_there(tmp_path, stack):
    tifffile.imwrite(tmp_path / 'a.tif', stack[:, 0])
    message = refusal(read_images, tmp_path / 'a.tif', pages=6)
    assert f'{tmp_path}/a.tif: has 5 pages' in message and 'no page 6' in message


def test_all_pages_share_a_range(tmp_path, stack):
    tifffile.imwrite(tmp_path / 'a.tif', stack[:, 0])
    pictures = read_images(tmp_path / 'a.tif', value_range='auto', pages='all')
    assert len(pictures) == 5 and len({picture.values for picture in pictures}) == 1
    assert pictures[0].pixels.max() < 0.2 and pictures[4].pixels.max() == 1


def test_pages_behind_one_header(tmp_path):
    """ImageJ writes a large stack as one page followed by bare pixels."""
    values = samples(1, 16, shape=(3 * 20, 24)).reshape(3, 20, 24)
    tifffile.imwrite(tmp_path / 'a.tif', values, imagej=True, contiguous=True, metadata={'axes': 'ZYX'})
    (tif,) = [tifffile.TiffFile(tmp_path / 'a.tif')]
    tif.close()
    for number in (1, 3):
        picture = read_image(tmp_path / 'a.tif', pages=number)
        np.testing.assert_array_equal(picture.values.from_unit(picture.pixels)[:, :, 0], values[number - 1])


@pytest.mark.parametrize('channels', [1, 7])
def test_floats_of_any_range_come_back_in_their_units(tmp_path, enlarge, channels):
    y, x = np.mgrid[:20, :24]
    bands = [0.5 + 0.5 * np.sin(x / 3 + band) * np.cos(y / 4) for band in range(channels)]
    values = (2597 + (61549 - 2597) * np.stack(bands, 2)).astype(np.float32)
    tifffile.imwrite(
        tmp_path / 'a.tif',
        values.squeeze(),
        photometric='minisblack',
        planarconfig='contig' if channels > 1 else None,
        resolution=(100, 200),
        resolutionunit='CENTIMETER',
    )
    tif = enlarge(tmp_path / 'a.tif')
    written = np.atleast_3d(tif.asarray())
    assert written.dtype == np.float32 and written.shape == (40, 72, channels)
    assert resolution(tif) == ((400, 300), 3)
    np.testing.assert_allclose(written.mean(axis=(0, 1)), values.mean(axis=(0, 1)), rtol=0.02)
    assert written.min() < 4000 and written.max() > 60000


@pytest.mark.parametrize('dtype', ['int16', 'uint32', 'int8', 'float64', 'uint8', 'uint16'])
def test_types_come_back(tmp_path, enlarge, dtype):
    least = 0 if dtype[0] == 'u' else -100
    values = np.random.RandomState(0).uniform(least, 100, (20, 24)).astype(dtype)
    tifffile.imwrite(tmp_path / 'a.tif', values)
    written = enlarge(tmp_path / 'a.tif').asarray()
    assert written.dtype == dtype and abs(float(written.mean()) - values.mean()) < 3


def test_rgb_with_alpha(tmp_path, enlarge):
    values = samples(4, 16)
    tifffile.imwrite(tmp_path / 'a.tif', values, photometric='rgb', extrasamples=['unassalpha'])
    tif = enlarge(tmp_path / 'a.tif', scale=(2, 2))
    page = tif.pages[0]
    assert (page.photometric.name, [extra.name for extra in page.extrasamples]) == ('RGB', ['UNASSALPHA'])
    assert tif.asarray().shape == (34, 38, 4) and tif.asarray().dtype == np.uint16


@pytest.mark.parametrize('point', [False, True])
def test_places_of_a_satellites_image(tmp_path, enlarge, point):
    """A pixel's corner (or, by its keys, its centre) stays where it was on the ground."""
    keys = (1, 1, 0, 1, 1025, 0, 1, 2 if point else 1)
    tags = [
        (33550, 'd', 3, (30.0, 30.0, 0.0), True),
        (33922, 'd', 6, (0.0, 0.0, 0.0, 5000.0, 9000.0, 0.0), True),
        (34735, 'H', 8, keys, True),
        (34737, 's', None, 'WGS 84|', True),
    ]
    tifffile.imwrite(tmp_path / 'a.tif', samples(1, 16)[:, :, 0], extratags=tags)
    written = enlarge(tmp_path / 'a.tif').pages[0].tags
    found = {tag: written[tag].value for tag in (33550, 33922, 34735, 34737)}
    assert found[33550] == (10.0, 15.0, 0.0)
    column, row = found[33922][:2]
    # Where the old pixel's centre is, half a pixel in, counted in new ones.
    assert (column, row) == ((1.0, 0.5) if point else (0.0, 0.0))
    assert found[34735] == keys and found[34737].startswith('WGS 84')


def test_missing_values_are_named(tmp_path):
    values = samples(1, 16)[:, :, 0]
    values[2, 3:6] = 9
    tifffile.imwrite(tmp_path / 'a.tif', values, extratags=[(42113, 's', None, '9', True)])
    message = refusal(read_image, tmp_path / 'a.tif')
    assert f'{(values == 9).sum()} pixels are marked as missing (9' in message and 'fill' in message


def test_lzw_with_and_without_imagecodecs(tmp_path):
    values = samples(3, 16)
    pytest.importorskip('imagecodecs')
    tifffile.imwrite(tmp_path / 'a.tif', values, photometric='rgb', compression='lzw')
    picture = read_image(tmp_path / 'a.tif')
    np.testing.assert_array_equal(picture.values.from_unit(picture.pixels), values)
    save(tmp_path / 'b.tif', samples(3), compression='tiff_lzw')
    without = f"""
import sys
sys.modules['imagecodecs'] = None
from files.pictures import read_image
print(*read_image({str(tmp_path / 'b.tif')!r}).pixels.shape)
read_image({str(tmp_path / 'a.tif')!r})
"""
    done = subprocess.run([sys.executable, '-c', without], cwd=PROJECT, capture_output=True, text=True)
    # Pillow has a decoder of its own for 8 bits.
    assert done.stdout == '17 19 3\n'
    message = done.stderr.splitlines()[-1]
    assert 'the file is whole' in message and 'LZW' in message and 'pip install imagecodecs' in message
    assert 'damaged' not in message


def test_without_tifffile_pillow_writes_what_it_can(tmp_path, monkeypatch, make_net):
    monkeypatch.setitem(sys.modules, 'tifffile', None)
    save(tmp_path / 'a.tif', samples(3), dpi=(300, 300))
    net = make_net(tmp_path / 'a.tif', save_results=True, result_path=str(tmp_path / 'out'))
    net.run()
    with Image.open(tmp_path / 'out' / net.records[0]['output']) as image:
        assert (image.format, image.mode, image.size) == ('TIFF', 'RGB', (38, 34))
        assert image.info['dpi'] == (600, 600)
    message = refusal(make_net, np.ones((20, 20, 3), np.uint16), save_results=True, result_format='tif')
    assert 'pip install tifffile' in message


def test_texts_of_other_letters_are_kept(tmp_path, enlarge):
    tags = [(33432, 's', None, '© 2020 Müller'.encode(), True)]
    tifffile.imwrite(tmp_path / 'a.tif', samples(1, 16)[:, :, 0], extratags=tags)
    written = enlarge(tmp_path / 'a.tif').pages[0].tags[33432].value
    assert (written if isinstance(written, str) else written.decode()) == '© 2020 Müller'


def test_imagejs_micrometres(tmp_path, enlarge, stack):
    metadata = {'axes': 'ZYX', 'unit': '\\u00B5m', 'Labels': list('abcde')}
    tifffile.imwrite(tmp_path / 'a.tif', stack[:, 0], imagej=True, metadata=metadata)
    tif = enlarge(tmp_path / 'a.tif', pages='all')
    assert tif.imagej_metadata['unit'] in ('\\u00B5m', 'µm') and len(tif.imagej_metadata['Labels']) == 5
    assert 'Labels' not in enlarge(tmp_path / 'a.tif', pages=2).imagej_metadata


def test_three_planes_of_channels_have_a_range_each(tmp_path, stack):
    values = np.stack([stack[0, 0] * 10, stack[0, 1], stack[0, 1]])
    tifffile.imwrite(tmp_path / 'a.ome.tif', values, ome=True, metadata={'axes': 'CYX'})
    assert len(read_image(tmp_path / 'a.ome.tif', value_range='auto').values.high) == 3


def test_pages_of_other_sizes_are_counted_and_can_be_chosen(tmp_path):
    with tifffile.TiffWriter(tmp_path / 'a.tif') as writer:
        for width in (30, 40, 50):
            writer.write(samples(1, 16, shape=(20, width))[:, :, 0])
    assert read_image(tmp_path / 'a.tif').origin.pages == 3
    assert read_image(tmp_path / 'a.tif', pages=3).pixels.shape == (20, 50, 1)
    assert 'has 3 pages' in refusal(read_image, tmp_path / 'a.tif', pages=4)


def test_a_preview_is_no_picture(tmp_path):
    with tifffile.TiffWriter(tmp_path / 'a.tif') as writer:
        writer.write(samples(1, 16, shape=(20, 20))[:, :, 0], subfiletype=1)
        writer.write(samples(1, 16, shape=(40, 60))[:, :, 0])
    picture = read_image(tmp_path / 'a.tif')
    assert picture.pixels.shape == (40, 60, 1) and picture.origin.pages == 1


def test_complex_numbers_and_broken_ome(tmp_path):
    tifffile.imwrite(tmp_path / 'a.tif', np.zeros((20, 20), np.complex64))
    assert 'values of type complex64 are not supported' in refusal(read_image, tmp_path / 'a.tif')
    tifffile.imwrite(tmp_path / 'b.ome.tif', samples(1, 16)[:, :, 0], ome=True)
    data = (tmp_path / 'b.ome.tif').read_bytes()
    (tmp_path / 'b.ome.tif').write_bytes(data.replace(b'<Pixels', b'<Pixel<'))
    assert read_image(tmp_path / 'b.ome.tif').pixels.shape == (17, 19, 1)


def test_colours_with_another_channel_stay_colours(tmp_path, enlarge):
    tifffile.imwrite(tmp_path / 'a.tif', samples(4, 16), photometric='rgb', extrasamples=['unspecified'])
    page = enlarge(tmp_path / 'a.tif', scale=(2, 2)).pages[0]
    assert (page.photometric.name, page.shape) == ('RGB', (34, 38, 4))
    assert [extra.name for extra in page.extrasamples] == ['UNSPECIFIED']


def test_inches_go_on_to_a_png(tmp_path, enlarge):
    tifffile.imwrite(tmp_path / 'a.tif', samples(1, 16)[:, :, 0], resolution=(300, 150), resolutionunit=2)
    assert read_image(tmp_path / 'a.tif').origin.dpi == (150, 300)


@pytest.mark.parametrize('pages', ['all', 'each'])
def test_a_stack_with_a_ground_truth_is_measured_by_its_first_page(tmp_path, stack, pages):
    from ZSSR import ZSSR

    conf = Config(**FIELDS | {'output_flip': False, 'back_projection_iters': [0], 'value_range': 'auto'})
    conf.pages = pages
    truth = np.random.RandomState(0).uniform(100, 1600, (5, 40, 48)).astype(np.uint16)
    told = []
    net = ZSSR(stack[:, 0, ..., None], conf, truth[..., None], progress=lambda net: told.append(net.stem))
    assert net.run().shape == (5, 40, 48, 1) and net.records[-1]['psnr'] > 0
    assert ('test 2/5' in told) is (pages == 'each')


def test_a_stack_that_was_cut_off_is_no_smaller_stack(tmp_path, stack):
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, stack, imagej=True, metadata={'axes': 'ZCYX'})
    assert len(read_images(path, pages='all')) == 5
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert 'damaged or incomplete' in refusal(read_image, path)
