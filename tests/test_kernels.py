"""kernels.py: kernels are read as they are, refused by name, and aligned with their scales."""

import numpy as np
import pytest
import scipy.io
from helpers.pictures import encoded, refusal, samples
from scipy import ndimage

from configs import Config
from files.kernels import check_kernel, read_kernel
from imresize import kernel_shift
from utils import (
    preprocess_kernels,
)


@pytest.mark.parametrize('shape', [(8, 8), (9, 9), (8, 9), (12, 11)])
@pytest.mark.parametrize('sf', [2.0, 3.0, 4.0])
def test_aligned_kernels_sample_the_middle_of_each_block(gaussian, shape, sf):
    kernel = preprocess_kernels([gaussian(*shape)], Config(scale_factors=[[sf, sf]]))[0]
    middle = np.array(ndimage.center_of_mass(kernel)) - np.array(kernel.shape) // 2
    np.testing.assert_allclose(middle, (sf - 1) / 2, atol=5e-3)


def test_odd_kernels_are_only_shifted(gaussian):
    kernel = gaussian(9, 7)
    aligned = preprocess_kernels([kernel], Config(scale_factors=[[2, 3]]))[0]
    np.testing.assert_array_equal(aligned, kernel_shift(kernel, (2, 3)))


def test_even_sides_get_zeros_at_the_end(gaussian):
    kernel = gaussian(8, 9)
    padded = np.vstack([kernel, np.zeros((1, 9))])
    np.testing.assert_array_equal(preprocess_kernels([kernel], Config())[0], kernel_shift(padded, (2, 2)))


def test_kernels_belong_to_scales_relative_to_their_base(gaussian):
    kernels = [gaussian(9, 9, sigma) for sigma in (0.8, 1.0, 1.2)]
    conf = Config(scale_factors=[[1.5, 1.5], 3, [4, 6]], base_change_sfs=[3])
    aligned = preprocess_kernels(kernels, conf)
    for kernel, out, sf in zip(kernels, aligned, [(1.5, 1.5), (3, 3), (4 / 3, 2)], strict=True):
        np.testing.assert_array_equal(out, kernel_shift(kernel, sf))


def test_without_kernels_every_scale_has_the_method():
    conf = Config(scale_factors=[1.5, 2], downscale_method='lanczos2')
    assert preprocess_kernels(None, conf) == ['lanczos2', 'lanczos2']


def mat(path, **variables):
    scipy.io.savemat(path, variables)
    return path


@pytest.mark.parametrize('dtype', [np.float64, np.float32, np.uint8])
@pytest.mark.parametrize('version', ['4', '5'])
def test_read_kernel_as_it_is(tmp_path, dtype, version):
    kernel = np.arange(12).reshape(3, 4).astype(dtype)
    scipy.io.savemat(tmp_path / 'a_0.mat', {'other': 1.0, 'Kernel': kernel}, format=version)
    read = read_kernel(str(tmp_path / 'a_0.mat'))
    assert read.dtype == np.float64
    np.testing.assert_array_equal(read, kernel)


@pytest.mark.parametrize(
    ('kernel', 'word'),
    [
        (np.ones((3, 3, 2)), '(3, 3, 2)'),
        (np.ones((3, 3)) * 1j, 'complex'),
        (np.ones((0, 3)), 'empty'),
        (np.zeros((3, 3)), 'sums to 0'),
        (np.array([[1.0, -1.0]]), 'sums to 0'),
        (np.array([[1.0, np.nan]]), 'NaN'),
        (np.array([[1.0, np.inf]]), 'infinite'),
        ('text', 'not numeric'),
        (np.array([[1, 'a']], object), 'not numeric'),
        ({'field': 1.0}, 'not numeric'),
    ],
)
def test_refused_kernels(tmp_path, kernel, word):
    path = mat(tmp_path / 'a_0.mat', Kernel=kernel)
    message = refusal(read_kernel, path)
    assert str(path) in message and 'give' in message and word in message
    message = refusal(check_kernel, kernel, 'kernels[0]')
    assert message.startswith('kernels[0] ')


def test_check_kernel_copies():
    kernel = np.ones((3, 3))
    checked = check_kernel(kernel)
    assert not np.shares_memory(checked, kernel)
    np.testing.assert_array_equal(checked, kernel)
    assert 'rectangular' in refusal(check_kernel, [[1, 2], [3]])


def test_refused_kernel_files(tmp_path):
    path = tmp_path / 'a_0.mat'
    assert str(path) in refusal(read_kernel, path, error=FileNotFoundError)
    assert str(tmp_path) in refusal(read_kernel, tmp_path)
    path.touch()
    assert str(path) in refusal(read_kernel, path)
    message = refusal(read_kernel, mat(path, K=1.0, psf=2.0))
    assert str(path) in message and 'K, psf' in message and 'save' in message
    for header in (b'MATLAB 7.3 MAT-file'.ljust(512) + b'\x89HDF\r\n\x1a\n', b'\x89HDF\r\n\x1a\n'):
        path.write_bytes(header)
        message = refusal(read_kernel, path)
        assert str(path) in message and '-v7' in message
    for text in (b'1', b'not a .mat file at all\n' * 50, bytes(200), encoded('png', samples(3))):
        path.write_bytes(text)
        assert str(path) in refusal(read_kernel, path)


@pytest.mark.parametrize('compress', [True, False])
def test_truncated_kernel_files(tmp_path, compress):
    path = tmp_path / 'a_0.mat'
    scipy.io.savemat(path, {'Kernel': np.random.RandomState(0).rand(9, 9)}, do_compression=compress)
    data = path.read_bytes()
    for keep in (1, 100, 130, 150, 190, len(data) // 2, len(data) - 9):
        path.write_bytes(data[:keep])
        assert str(path) in refusal(read_kernel, path)


@pytest.mark.parametrize('number', [0, 1, 3])
def test_there_must_be_a_kernel_for_each_scale(gaussian, number):
    with pytest.raises(ValueError, match=f'{number} kernels were given for 2 scale_factors'):
        preprocess_kernels([gaussian(5, 5)] * number, Config(scale_factors=[1.5, 2]))
