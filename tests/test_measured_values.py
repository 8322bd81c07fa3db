"""Measured values through the command line: what is said of them, how they are shown, what comes back."""

import json

import numpy as np
import pytest
import tifffile
from helpers.command_line import save_image
from helpers.pictures import samples

import compare
from comparing import comparison


def counts(pages=1, shape=(40, 48)):
    """Counts of a 12-bit camera, uint16 (pages, H, W)."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    wave = np.sin(x / 5) * np.cos(y / 4)
    return np.stack([wave * 1500 + 2000 + 100 * page for page in range(pages)]).astype(np.uint16)


@pytest.fixture
def tiff(tmp_path):
    def write(values, name='a.tif'):
        tifffile.imwrite(tmp_path / name, values, photometric='minisblack')
        return tmp_path / name

    return write


def report(tmp_path):
    return (tmp_path / 'results' / 'report.html').read_text()


def test_the_range_is_said_and_undone_and_the_report_shows_it_stretched(tmp_path, run, tiff):
    done = run('X2_FAST_REAL_CONF', '-i', tiff(counts()[0]), '--seed', 0)
    said = 'uint16 values 504 to 3499 are taken for black to white'
    assert done.code == 0 and f'a.tif: {said}\n' in done.out
    written = tifffile.imread(tmp_path / 'results' / 'a_zssr_X2.00X2.00.tif')
    assert written.dtype == np.uint16 and abs(written.mean() - counts().mean()) < 150
    assert said in report(tmp_path)
    run_json = json.loads((tmp_path / 'results' / 'run.json').read_text())
    told = run_json['images'][0]['values']
    assert (told['low'], told['high'], told['dtype']) == ([504.0], [3499.0], 'uint16')


def test_a_stretched_report_uses_all_its_gray_levels(tmp_path, run, tiff, monkeypatch):
    shown, original = [], comparison.measure

    def watch(files, pictures, border):
        shown.extend([pictures.input, *pictures.results])
        return original(files, pictures, border)

    monkeypatch.setattr(comparison, 'measure', watch)
    run('X2_FAST_REAL_CONF', '-i', tiff(counts()[0]), '--seed', 0)
    assert all(int(image.max()) - int(image.min()) > 200 for image in shown) and len(shown) == 3


@pytest.mark.parametrize('option', ['auto', 'full', '0:4095', '-1e3:1e4'])
def test_the_range_is_the_users_to_choose(run, tiff, option):
    done = run('X2_FAST_REAL_CONF', '-i', tiff(counts()[0]), '--range', option)
    said = {'full': '', '0:4095': '0 to 4095', '-1e3:1e4': '-1000 to 10000'}.get(option, '504 to 3499')
    assert done.code == 0 and said in done.out and ('taken for' in done.out) is (option != 'full')


def test_a_ground_truth_in_the_same_units_is_measured_by_the_same_range(tmp_path, run, tiff):
    tiff(counts(shape=(80, 96))[0], 'a_gt.tif')
    done = run('X2_FAST_REAL_CONF', '-i', tiff(counts()[0]), '--seed', 0)
    assert 'PSNR' in done.out.splitlines()[-1] and 'bicubic' in done.out.splitlines()[-1]


def test_of_a_stack_it_is_said_how_many_there_are(tmp_path, run, tiff):
    path = tiff(counts(5))
    assert 'a.tif: has 5 pages, of which the first is enlarged (--pages all' in run('-i', path).out
    # --force, since a folder holds the results of one configuration.
    assert 'has 5 pages, of which 3 is enlarged' in run('-i', path, '--pages', '3', '--force').out
    assert 'a.tif: 5 pages, by one network\n' in run('-i', path, '--pages', 'all', '--force').out
    assert tifffile.imread(tmp_path / 'results' / 'a_zssr_X2.00X2.00.tif').shape == (5, 80, 96)
    assert 'a.tif: 5 pages, by a network each\n' in run('-i', path, '--pages', 'each', '--force').out
    assert tifffile.imread(tmp_path / 'results' / 'a_zssr_X2.00X2.00.tif').shape == (5, 80, 96)
    assert '<section' in report(tmp_path)


def test_seven_channels_are_shown_as_their_mean(tmp_path, run):
    np.save(tmp_path / 'a.npy', np.random.RandomState(0).uniform(-3, 900, (40, 48, 7)).astype(np.float32))
    done = run('AUTO', '-i', tmp_path / 'a.npy')
    assert done.code == 0, done.err
    back = np.load(tmp_path / 'results' / 'a_zssr_X2.00X2.00.npy')
    assert back.shape == (80, 96, 7) and back.dtype == np.float32
    assert '7 channels' in report(tmp_path)


def test_units_that_a_format_does_not_hold(tmp_path, run, tiff):
    done = run('-i', tiff(counts()[0] * np.float32(1.5)), '--ext', 'png')
    assert 'its units do not fit the format' in done.out and '<section' in report(tmp_path)


def test_folders_of_floats_are_compared_stretched(tmp_path):
    for folder, shift in (('one', 0), ('two', 9)):
        (tmp_path / folder).mkdir()
        tifffile.imwrite(tmp_path / folder / 'a.tif', counts()[0].astype(np.float32) + shift)
    code = compare.main(
        [str(tmp_path / 'one'), str(tmp_path / 'two'), '--output', str(tmp_path / 'out'), '--no-figures']
    )
    assert code == 0 and 'are taken for black to white' in (tmp_path / 'out' / 'report.html').read_text()


def test_a_photograph_of_8_bits_is_said_nothing_of(tmp_path, run):
    assert 'taken for' not in run('-i', save_image(tmp_path / 'a.png')).out
    deep = tmp_path / 'b.tif'
    tifffile.imwrite(deep, samples(3, 16, shape=(40, 48)), photometric='rgb')
    assert 'taken for' not in run('-i', deep).out
