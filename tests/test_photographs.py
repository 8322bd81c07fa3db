"""Photographs as they are: every format, colour profile, EXIF and resolution, from file to result."""

import io
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.command_line import PROJECT
from helpers.pictures import refusal, samples, save, write_hand_png
from PIL import Image, ImageCms

from files.pictures import read_image, read_images

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()


def display_p3():
    """A profile that is not sRGB: its primaries exchanged, which any reader of it would see."""
    profile = bytearray(SRGB)
    red, green = profile.find(b'rXYZ'), profile.find(b'gXYZ')
    profile[red : red + 4], profile[green : green + 4] = b'gXYZ', b'rXYZ'
    return bytes(profile)


def smooth(shape=(24, 32)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    planes = [128 + 100 * np.sin(x / 6 + phase) * np.cos(y / 7) for phase in range(3)]
    return np.stack(planes, 2).astype(np.uint8)


@pytest.fixture
def enlarge(tmp_path, make_net):
    """Run a tiny ZSSR on a file; open what it writes with Pillow."""

    def run(path, **fields):
        net = make_net(path, save_results=True, result_path=str(tmp_path / 'out'), **fields)
        net.run()
        written = tmp_path / 'out' / net.records[-1]['output']
        with Image.open(written) as image:
            image.load()
        return SimpleNamespace(path=written, image=image)

    return run


def photograph(path, **options):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, 'Camera & Co'
    exif.get_ifd(0x8769)[0x9003] = '2020:02:03 04:05:06'
    exif.get_ifd(0x8769)[0xA002], exif.get_ifd(0x8769)[0xA003] = 32, 24
    exif.get_ifd(0x8825)[1] = 'N'
    Image.fromarray(smooth()).save(path, exif=exif, icc_profile=display_p3(), dpi=(300, 200), **options)
    return path


@pytest.mark.parametrize('kind', ['png', 'jpg', 'webp'])
def test_profile_exif_and_resolution_are_kept(tmp_path, enlarge, kind):
    done = enlarge(photograph(tmp_path / 'a.jpg', quality=95), result_format=kind)
    image, exif = done.image, done.image.getexif()
    # Upright: 24 × 32 on its side is 32 × 24.
    assert image.size == (48, 64) and done.path.suffix == f'.{kind}'
    assert image.info['icc_profile'] == display_p3()
    if kind != 'webp':  # which knows no resolution
        assert [round(n) for n in image.info['dpi']] == [200, 300]
    assert (exif[0x0112], exif[0x010F]) == (1, 'Camera & Co')
    details = exif.get_ifd(0x8769)
    assert details[0x9003] == '2020:02:03 04:05:06' and (details[0xA002], details[0xA003]) == (48, 64)
    assert exif.get_ifd(0x8825)[1] == 'N'


def test_the_colours_of_a_wide_profile_stay(tmp_path, enlarge):
    """Whoever looks at input and result through their profiles sees the same colours."""
    path = photograph(tmp_path / 'a.jpg', quality=100, subsampling=0)
    seen = []
    for image in (Image.open(path), enlarge(path).image):
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info['icc_profile']))
        seen.append(np.asarray(ImageCms.profileToProfile(image, profile, ImageCms.createProfile('sRGB'))))
    np.testing.assert_allclose(seen[0].mean(axis=(0, 1)), seen[1].mean(axis=(0, 1)), atol=1.5)


def test_metadata_of_16_bits(tmp_path, enlarge):
    from helpers.pictures import chunk

    path = write_hand_png(tmp_path / 'a.png', samples(3, 16), chunk(b'pHYs', b'\0\0\x2e\x23\0\0\x2e\x23\1'))
    done = enlarge(path)
    assert done.path.read_bytes()[24] == 16 and round(done.image.info['dpi'][0]) == 300


def test_damaged_metadata_are_no_reason_to_fail(tmp_path, enlarge):
    save(tmp_path / 'a.jpg', smooth(), exif=b'Exif\0\0II*\0broken', icc_profile=b'no profile')
    assert enlarge(tmp_path / 'a.jpg').image.size == (64, 48)


def test_cmyk_goes_through_its_profile(tmp_path):
    """Without one, it is converted by the book; the profile of another kind of image is not handed on."""
    cmyk = Image.fromarray(smooth()).convert('CMYK')
    cmyk.save(tmp_path / 'a.jpg', quality=100)
    cmyk.save(tmp_path / 'b.jpg', quality=100, icc_profile=SRGB[:16] + b'CMYK' + SRGB[20:])
    for name in ('a.jpg', 'b.jpg'):
        picture = read_image(tmp_path / name)
        assert picture.pixels.shape == (24, 32, 3) and picture.origin.icc is None
        np.testing.assert_allclose(picture.pixels, smooth() / 255, atol=0.1)


@pytest.mark.parametrize('kind', ['avif', 'jp2', 'ppm', 'pgm', 'heic'])
def test_formats(tmp_path, kind):
    values = smooth()
    path = tmp_path / f'a.{kind}'
    if kind == 'heic':
        pytest.importorskip('pillow_heif').register_heif_opener()
    image = Image.fromarray(values).convert('L') if kind == 'pgm' else Image.fromarray(values)
    image.save(path, **({'quality': 100} if kind in ('avif', 'heic') else {}))
    pixels = read_image(path).pixels
    assert pixels.shape == (24, 32, 1 if kind == 'pgm' else 3)
    expected = np.asarray(image).reshape(pixels.shape) / 255
    np.testing.assert_allclose(pixels, expected, atol=0.05 if kind in ('avif', 'heic') else 0.005)


def test_heic_without_its_package_is_whole(tmp_path):
    path = tmp_path / 'a.heic'
    path.write_bytes(b'\0\0\0\x18ftypheic' + bytes(100))
    code = f"""
import sys
sys.modules['pillow_heif'] = None
from files.pictures import read_image
read_image({str(path)!r})
"""
    done = subprocess.run([sys.executable, '-c', code], cwd=PROJECT, capture_output=True, text=True)
    message = done.stderr.splitlines()[-1]
    assert f'{path}: the file is whole' in message and 'pip install pillow-heif' in message


def test_16_bits_of_pgm_are_kept_and_of_ppm_are_not_cut_in_silence(tmp_path):
    values = samples(1, 16)
    header = b'P5 # by hand\n19 17\n65535\n'
    (tmp_path / 'a.pgm').write_bytes(header + values.astype('>u2').tobytes())
    np.testing.assert_array_equal(read_image(tmp_path / 'a.pgm').pixels, values / np.float32(65535))
    (tmp_path / 'a.ppm').write_bytes(b'P6\n19 17\n65535\n' + samples(3, 16).astype('>u2').tobytes())
    assert 'save it as 16-bit PNG' in refusal(read_image, tmp_path / 'a.ppm')


def test_frames_of_an_animation_are_pages(tmp_path):
    frames = [Image.fromarray(np.full((20, 24), value, np.uint8)) for value in (10, 200, 90)]
    frames[0].save(tmp_path / 'a.gif', save_all=True, append_images=frames[1:])
    (first,) = read_images(tmp_path / 'a.gif')
    assert first.origin.pages == 3
    means = [picture.pixels.mean() * 255 for picture in read_images(tmp_path / 'a.gif', pages='all')]
    np.testing.assert_allclose(means, [10, 200, 90], atol=1)


def test_the_limit_against_bombs_is_lifted_by_large_alone(tmp_path, monkeypatch):
    save(tmp_path / 'a.png', samples(3))
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)
    assert '--large' in refusal(read_image, tmp_path / 'a.png')
    assert read_image(tmp_path / 'a.png', large=True).pixels.shape == (17, 19, 3)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_what_does_not_fit_the_memory_is_refused_with_what_would(tmp_path, monkeypatch):
    save(tmp_path / 'a.png', samples(3))
    monkeypatch.setattr('files.memory.available_memory', lambda: 2**30 + 3000)
    message = refusal(read_image, tmp_path / 'a.png')
    assert f'{tmp_path}/a.png: needs about 1.1 GB' in message and 'megapixels would fit' in message
    monkeypatch.setattr('files.memory.available_memory', lambda: None)
    assert read_image(tmp_path / 'a.png').pixels.shape == (17, 19, 3)


def test_names_of_200_characters(tmp_path, enlarge):
    path = save(tmp_path / f'{"ä" * 100}.png', samples(3))  # 200 bytes, and as many are left for the suffix
    assert enlarge(path).path.name.startswith('ä' * 100 + '_zssr')


def test_the_report_shows_pictures_in_their_own_colours(tmp_path, run):
    import base64
    import re

    run(photograph(tmp_path / 'a.jpg', quality=95))
    page = (tmp_path / 'results' / 'report.html').read_text()
    shown = re.findall(r'class="source (?:a|b over)" src="data:image/webp;base64,([^"]+)"', page)
    assert len(shown) == 2
    for data in shown:
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            assert image.info['icc_profile'] == display_p3()


def test_resolutions_that_no_file_holds_are_left_out(tmp_path, enlarge):
    exif = Image.Exif()
    exif[282] = exif[283] = 4294967295.0
    exif[296] = 2
    Image.fromarray(smooth()).save(tmp_path / 'a.jpg', exif=exif)
    assert enlarge(tmp_path / 'a.jpg').image.size == (64, 48)


def test_exif_too_long_for_a_jpeg_is_left_out(tmp_path, enlarge):
    exif = Image.Exif()
    exif[0x010E] = 'x' * 70_000
    Image.fromarray(smooth()).save(tmp_path / 'a.png', exif=exif)
    assert enlarge(tmp_path / 'a.png', result_format='jpg').image.size == (64, 48)


def test_colours_of_16_bits_in_jpeg_2000_are_not_cut_in_silence(tmp_path):
    imagecodecs = pytest.importorskip('imagecodecs')
    (tmp_path / 'a.jp2').write_bytes(imagecodecs.jpeg2k_encode(samples(3, 16, shape=(40, 48))))
    assert 'more than 8 bits' in refusal(read_image, tmp_path / 'a.jp2')
