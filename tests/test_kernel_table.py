"""kernel_table.py: estimates beside true kernels, and the share of the dB between."""

import numpy as np
import pytest
from helpers.command_line import TINY, save_image
from helpers.evaluation import rows_of
from PIL import Image
from test_estimate import photograph

import evaluate
from blind.estimate import estimate_kernel, gaussian_kernel
from blind.gaussian import Covariance
from files.kernels import read_kernel, write_kernel
from paper import kernel_table
from paper.degradations import shrink_by_kernel
from paper.kernel_table import KernelRow, kernel_difference, markdown, share

pytestmark = pytest.mark.usefixtures('shared_networks')


def row(psnr, image='a'):
    """A row whose blur is found but for a tenth."""
    found = {'true': Covariance(2.0, 1.0, 0.5), 'estimated': Covariance(2.2, 1.0, 0.5)}
    text = {'set': 'S', 'scale': 2, 'image': image, 'answer': 'a blur'}
    kernels = tuple(gaussian_kernel(covariance, (2, 2)) for covariance in found.values())
    return KernelRow(**text, **found, kernels=kernels, kernel_error=0.1, seconds=0.5, psnr=psnr)


def test_the_share_is_of_summed_decibels():
    rows = [
        row({'bicubic': 20, 'estimated': 23, 'true': 24}),
        row({'bicubic': 30, 'estimated': 30, 'true': 32}),
    ]
    assert share(rows) == pytest.approx(3 / 6)
    assert share([row({'bicubic': 20, 'true': 24})]) is None
    assert share([row({'bicubic': 20, 'estimated': 20, 'true': 20})]) is None


def test_a_line_for_every_image_and_one_for_the_set():
    text = markdown([row({'bicubic': 20, 'estimated': 23, 'true': 24}), row({}, 'b')])
    first, second, last = text.splitlines()[2:]
    assert '2.00, 1.00, 0.50' in first and '75 %' in first and '23.00' in first
    assert '–' in second and '%' not in second
    # Errors of the mean variance, of half the difference and of the covariance, over all images.
    assert '**2 images**' in last and '0.10, 0.10, 0.00' in last and '75 %' in last


@pytest.mark.parametrize('sf', [(2, 2), (4, 4), (3, 2)])
def test_kernels_differ_by_what_is_not_in_the_same_place(sf):
    kernel = gaussian_kernel(Covariance(2.0, 1.0, 0.3), sf)
    assert kernel_difference(kernel, 3 * kernel, sf) == pytest.approx(0, abs=1e-9)
    framed = np.pad(kernel, 2)
    assert kernel_difference(kernel, framed, sf) == pytest.approx(0, abs=0.01)
    # Where in its array a kernel lies does not matter, as `kernel_shift` moves it.
    assert kernel_difference(kernel, np.roll(framed, 1, axis=0), sf) == pytest.approx(0, abs=0.03)
    other = gaussian_kernel(Covariance(4.0, 0.5, 0.0), sf)
    assert 0.3 < kernel_difference(kernel, other, sf) < 2


def test_the_command_measures_with_three_kernels_and_prints_each_image(tmp_path, capsys):
    data, out = tmp_path / 'six', tmp_path / 'out'
    for folder in ('HR', 'LR_x2', 'kernels'):
        (data / folder).mkdir(parents=True)
    hr = np.rint(photograph()[:200, :280] * 255).astype(np.uint8)
    kernel = gaussian_kernel(Covariance(2.5, 1.6, 0.5), (2, 2))
    Image.fromarray(hr).save(data / 'HR' / 'a.png')
    Image.fromarray(shrink_by_kernel(hr, kernel)).save(data / 'LR_x2' / 'a.png')
    write_kernel(data / 'kernels' / 'a_0.mat', kernel)
    arguments = ['kernels', '--data', str(data), '--output', str(out)]
    figure = tmp_path / 'new' / 'kernels.png'
    assert evaluate.main([*arguments, '--preset', 'bicubic', '--figure', str(figure)]) == 0
    with Image.open(figure) as drawn:
        assert drawn.size[0] > 50
    assert '2.5' in capsys.readouterr().out
    assert evaluate.main([*arguments, '--preset', 'X2_GIVEN_KERNEL_CONF', *TINY]) == 0
    rows = {each.kernels: each for each in rows_of(out, 'table2')}
    assert sorted(rows) == ['', 'bicubic', 'estimated', 'true']
    printed = capsys.readouterr().out
    estimate = estimate_kernel(data / 'LR_x2' / 'a.png')
    error = kernel_difference(estimate.kernel, read_kernel(data / 'kernels' / 'a_0.mat'), (2, 2))
    for text in (f'{rows["estimated"].psnr:.2f}', f'{error:.2f}', '2.50, 1.60, 0.50', '**1 images**'):
        assert text in printed


def test_where_an_image_tells_no_blur_its_row_is_that_of_the_bicubic_kernel(data, tmp_path, monkeypatch):
    save_image(data / 'Set5' / 'HR' / 'small.png', 0, (40, 48, 3))
    arguments = [
        'table2',
        '--data',
        str(data / 'Set5'),
        '--images',
        'small',
        *TINY,
        '--output',
        str(tmp_path),
    ]
    assert evaluate.main([*arguments, '--kernels', 'bicubic']) == 0
    monkeypatch.setattr('paper.measuring.Measurer.measure', None)
    assert evaluate.main([*arguments, '--kernels', 'estimated']) == 0
    found = {each.kernels: each for each in rows_of(tmp_path, 'table2')}
    assert found['estimated'].psnr == found['bicubic'].psnr


@pytest.mark.parametrize(
    ('folder', 'table'), [('kernels_x2', 'div2krk'), ('kernels', 'table2'), ('HR', 'table2')]
)
def test_the_kernels_that_a_folder_has_say_which_table_it_is_of(tmp_path, folder, table):
    (tmp_path / folder).mkdir()
    name, fields = kernel_table.table_of(tmp_path)
    assert name == table and ('given' in fields) == (folder == 'kernels')
