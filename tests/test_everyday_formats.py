"""Whatever goes in comes out: with all filters 0, a run is the interpolation, whose values are known."""

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from helpers.pictures import LAYOUTS, samples, save, write_hand_png
from PIL import Image, ImageOps

from configs import Config
from imresize import imresize
from learning.network import design_for
from ZSSR import ZSSR

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # PNG's number for each number of channels
ALPHA = {2: ['unassalpha'], 4: ['unassalpha']}  # TIFF's word for the last of them


@pytest.fixture
def enlarge(tmp_path, monkeypatch, shared_network):
    """Run ZSSR on a file or array without training, and give the PNG that it writes."""
    monkeypatch.setattr(ZSSR, 'train', lambda net: None)

    def run(source, channels, sf=(2, 2)):
        conf = Config(width=4, depth=3, output_flip=False, back_projection_iters=[0], scale_factors=[sf])
        conf.result_path, conf.save_results = str(tmp_path / 'results'), True
        conf.result_format = 'png'
        net = ZSSR(source, conf, network=shared_network(design_for(conf, 1 if channels < 3 else 3)))
        net.model.set_weights([0 * filters for filters in net.model.get_weights()])
        net.run()
        return tmp_path / 'results' / net.records[0]['output']

    return run


def check(path, values, bits=8, sf=(2, 2)):
    """A PNG has the channels and depth of these samples (H, W, C), and their enlargement as values."""
    head = path.read_bytes()[24:26]
    assert tuple(head) == (bits, COLOUR_TYPES[values.shape[2]])
    written = tf.io.decode_png(path.read_bytes(), dtype=tf.uint8 if bits == 8 else tf.uint16).numpy()
    exact = np.clip(imresize(values / (2**bits - 1), sf), 0, 1) * (2**bits - 1)
    assert written.shape == exact.shape
    np.testing.assert_allclose(written, exact, rtol=0, atol=0.51)  # rounded, and float32


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('layout', LAYOUTS)
def test_png(tmp_path, enlarge, layout, bits):
    values = samples(LAYOUTS[layout], bits)
    check(enlarge(write_hand_png(tmp_path / 'a.png', values), LAYOUTS[layout]), values, bits)


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('layout', LAYOUTS)
def test_tiff(tmp_path, enlarge, layout, bits):
    channels = LAYOUTS[layout]
    values, kind = samples(channels, bits), 'minisblack' if channels < 3 else 'rgb'
    options = {'photometric': kind, 'extrasamples': ALPHA.get(channels), 'planarconfig': 'contig'}
    written, options = (values, options) if channels > 1 else (values[:, :, 0], {})
    tifffile.imwrite(tmp_path / 'a.tif', written, **options)
    check(enlarge(tmp_path / 'a.tif', channels), values, bits)


@pytest.mark.parametrize(('extension', 'channels'), [('bmp', 1), ('bmp', 3), ('webp', 3), ('webp', 4)])
def test_bmp_and_webp(tmp_path, enlarge, extension, channels):
    values = samples(channels)
    options = {'lossless': True, 'exact': True} if extension == 'webp' else {}
    check(enlarge(save(tmp_path / f'a.{extension}', values, **options), channels), values)


@pytest.mark.parametrize('mode', ['L', 'RGB', 'CMYK'])
def test_jpeg(tmp_path, enlarge, mode):
    Image.fromarray(samples(3)).convert(mode).save(tmp_path / 'a.jpg')
    with Image.open(tmp_path / 'a.jpg') as image:
        values = np.atleast_3d(np.asarray(image.convert('L' if mode == 'L' else 'RGB')))
    check(enlarge(tmp_path / 'a.jpg', values.shape[2]), values)


@pytest.mark.parametrize('alpha', [False, True])
def test_palette(tmp_path, enlarge, alpha):
    indices, colours = (
        samples(1)[:, :, 0] % 3,
        np.array([(10, 20, 30, 0), (250, 1, 99, 128), (7, 7, 200, 255)]),
    )
    image = Image.fromarray(indices).copy()
    image.putpalette(colours[:, :3].astype(np.uint8).tobytes())
    image.save(tmp_path / 'a.png', **({'transparency': bytes([0, 128, 255])} if alpha else {}))
    values = colours[indices][:, :, : 4 if alpha else 3]
    check(enlarge(tmp_path / 'a.png', values.shape[2]), values)


def test_black_and_white(tmp_path, enlarge):
    values = samples(1) % 2 * 255
    Image.fromarray(values[:, :, 0]).convert('1').save(tmp_path / 'a.png')
    check(enlarge(tmp_path / 'a.png', 1), values)


@pytest.mark.parametrize('extension', ['png', 'jpg', 'tif', 'webp'])
@pytest.mark.parametrize('orientation', [3, 6])
def test_exif_orientation_is_applied(tmp_path, enlarge, extension, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / f'a.{extension}', samples(3), exif=exif)
    with Image.open(path) as image:
        values = np.asarray(ImageOps.exif_transpose(image))
    assert values.shape[:2] == ((17, 19) if orientation == 3 else (19, 17))
    check(enlarge(path, 3), values)


@pytest.mark.parametrize('dtype', ['uint8', 'uint16', 'float16', 'float32', 'float64'])
@pytest.mark.parametrize('channels', [None, 1, 2, 3, 4])
def test_arrays(enlarge, dtype, channels):
    bits = 16 if dtype == 'uint16' else 8
    values = samples(channels or 1, bits)
    array = values.astype(dtype) if 'uint' in dtype else (values / 255).astype(dtype)
    if dtype == 'float16':
        values = array.astype(np.float64) * 255  # what is left of them
    check(enlarge(array if channels else array[:, :, 0], channels or 1), values, bits)


@pytest.mark.parametrize(('sf', 'channels'), [((1.5, 2), 4), ((3, 3), 2), ((1, 1), 3)])
def test_other_factors(tmp_path, enlarge, sf, channels):
    values = samples(channels)
    check(enlarge(save(tmp_path / 'a.png', values), channels, sf), values, sf=sf)


def test_the_smallest_image(tmp_path, enlarge):
    values = samples(3, shape=(16, 16))
    check(enlarge(save(tmp_path / 'a.png', values), 3), values)
