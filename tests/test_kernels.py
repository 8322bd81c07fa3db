"""kernels.py: kernels are read as they are, refused by name, and aligned with their scales."""

import pickle

import numpy as np
import pytest
import scipy.io
from helpers.pictures import chunk, encoded, png_bytes, refusal, samples, write_hand_png
from PIL import Image
from scipy import ndimage

from configs import Config
from files.image_files import load_inputs
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
        (np.array([[1.0, 1e300]]), 'beyond 1e+100'),
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


# Kernels in other files than MATLAB's.

WHOLE = np.array([[1, 2, 1], [2, 5, 2], [0, 2, 1]])


def npy(path, kernel):
    np.save(path, kernel, allow_pickle=True)
    return path


def text(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize('dtype', ['<f8', '>f4', 'f2', 'u1', '<i8', '>u2'])
@pytest.mark.parametrize('order', ['C', 'F'])
def test_npy_kernels_of_every_number_type_sum_to_1(tmp_path, dtype, order):
    read = read_kernel(npy(tmp_path / 'a_0.npy', np.asarray(WHOLE, dtype, order=order)))
    assert read.dtype == np.float64
    np.testing.assert_array_equal(read, WHOLE / 16)


@pytest.mark.parametrize(
    'content',
    [
        '1 2 1\n2 5 2\n0 2 1',
        '1\t2 1\r\n  2 5 2  \r\n\r\n0 2 1\r\n',
        '# a kernel\n1,2, 1\n2 , 5,2 # middle\n0,2,1\n',
        '\ufeff1e0 +2. 1\n2 5 2\n0 .2e1 1\n',
        '2 4 2\n4 10 4\n0 4 2',
    ],
)
def test_text_kernels(tmp_path, content):
    np.testing.assert_array_equal(read_kernel(text(tmp_path / 'a_0.TXT', content)), WHOLE / 16)


def test_a_row_of_text_is_a_kernel_of_one_row(tmp_path):
    np.testing.assert_array_equal(read_kernel(text(tmp_path / 'a_0.txt', '1 2 1')), [[0.25, 0.5, 0.25]])


@pytest.mark.parametrize('name', ['a_0.npy', 'a_0.txt'])
def test_a_kernel_that_sums_to_1_keeps_its_numbers(tmp_path, gaussian, name):
    kernel = gaussian(5, 7) * (1 + 1e-9)
    np.save(tmp_path / 'a_0.npy', kernel)
    np.savetxt(tmp_path / 'a_0.txt', kernel, '%.17g')
    np.testing.assert_array_equal(read_kernel(tmp_path / name), kernel)


def deep_gray():
    return (WHOLE * 4001).astype(np.uint16)[:, :, None]


def pngs(folder):
    """PNGs of the same kernel, in every layout that can hold it."""
    gray = WHOLE.astype(np.uint8)
    colour = np.stack([gray] * 3, axis=2)
    opaque = np.full((3, 3, 1), 255, np.uint8)
    images = {
        'gray': gray[:, :, None],
        'gray with alpha': np.concatenate([gray[:, :, None], opaque], axis=2),
        'colour': colour,
        'colour with alpha': np.concatenate([colour, opaque], axis=2),
        '16 bits': deep_gray(),
    }
    paths = {name: write_hand_png(folder / f'{name}_0.png', image) for name, image in images.items()}
    paths['palette'] = folder / 'palette_0.png'
    indexed = Image.fromarray(255 - gray).convert('P')
    indexed.putpalette([255 - index // 3 for index in range(768)])
    indexed.save(paths['palette'])
    return paths


@pytest.mark.parametrize(
    'layout', ['gray', 'gray with alpha', 'colour', 'colour with alpha', '16 bits', 'palette']
)
def test_png_kernels_are_gray_values_that_sum_to_1(tmp_path, layout):
    np.testing.assert_allclose(read_kernel(pngs(tmp_path)[layout]), WHOLE / 16, rtol=1e-14)


def test_16_bits_are_not_cut_to_8(tmp_path):
    deep = np.full((3, 3, 1), 256, np.uint16)
    deep[1, 1] = 511
    read = read_kernel(write_hand_png(tmp_path / 'a_0.png', deep))
    np.testing.assert_allclose(read[1, 1] / read[0, 0], 511 / 256)


def refused_files(d):
    """Broken kernel files of every kind: path -> what the line must name, the remedy last."""
    (d / 'pickle.npy').write_bytes(pickle.dumps(WHOLE))
    np.savez(d / 'zip', WHOLE)
    (d / 'zip.npz').rename(d / 'zip.npy')
    whole = npy(d / 'whole.npy', WHOLE / 16).read_bytes()
    gray, alpha = WHOLE.astype(np.uint8)[:, :, None], np.full((3, 3, 1), 254, np.uint8)
    key = chunk(b'tRNS', b'\0\5')
    png = write_hand_png(d / 'whole.png', gray).read_bytes()
    header = {'descr': '<f8', 'fortran_order': False, 'shape': (10**7, 10**7)}
    with open(d / 'liar.npy', 'wb') as file:
        np.lib.format.write_array_header_1_0(file, header)
    for name in ('gigantic.npy', 'gigantic.txt', 'gigantic.png'):
        with open(d / name, 'wb') as file:
            file.truncate(2**24 + 1)
    save = 'numpy.save'
    return {
        d / 'pickle.npy': ('not a .npy file', 'pickles', save),
        d / 'zip.npy': ('not a .npy file', '.npz', save),
        npy(d / 'objects.npy', WHOLE.astype(object)): ('not a readable .npy file', save),
        npy(d / 'three.npy', np.ones((3, 3, 2))): ('the kernel has shape (3, 3, 2)', 'give a 2-D matrix'),
        npy(d / 'one.npy', np.ones(9)): ('the kernel has shape (9,)', 'give a 2-D matrix'),
        npy(d / 'none.npy', np.ones((0, 3))): ('shape (0, 3)', 'not empty'),
        npy(d / 'words.npy', np.array([['a']])): ('not numeric', 'give a 2-D matrix of numbers'),
        npy(d / 'record.npy', np.zeros(2, [('a', 'f4')])): ('not numeric', 'give a 2-D matrix of numbers'),
        npy(d / 'complex.npy', WHOLE * 1j): ('complex', 'give real numbers'),
        npy(d / 'nan.npy', WHOLE * np.nan): ('NaN', 'give finite numbers'),
        npy(d / 'zero.npy', np.zeros((3, 3))): ('sums to 0', 'a positive sum'),
        text(d / 'short.npy', whole[:-1]): ('not a readable .npy file', save),
        text(d / 'shorter.npy', whole[:30]): ('not a readable .npy file', save),
        d / 'liar.npy': ('not a readable .npy file', save),
        d / 'gigantic.npy': ('16 MiB is too large', 'crop'),
        text(d / 'words.txt', '1 2\none two\n'): ('line 2', "'one'", 'write numbers'),
        text(d / 'comma.txt', '0,5 0,25\n'): ("'5 0'", 'a decimal point'),
        text(d / 'semicolon.txt', '1;2\n'): ("'1;2'", 'write numbers'),
        text(d / 'blanks.txt', ' \n# nothing\n'): ('no numbers', 'write a row'),
        text(d / 'ragged.txt', '1 2 1\n\n1 2\n'): ('line 3 has 2', 'line 1 has 3', 'give every row'),
        text(d / 'zero.txt', '0 0\n0 0\n'): ('sums to 0', 'a positive sum'),
        text(d / 'infinite.txt', '1 inf\n'): ('infinite', 'give finite numbers'),
        text(d / 'binary.txt', whole): ('not a readable .txt file', 'plain text'),
        text(d / 'utf16.txt', '1 2'.encode('utf-16')): ('not a readable .txt file', 'UTF-8'),
        d / 'gigantic.txt': ('16 MiB is too large', 'crop'),
        text(d / 'text.png', 'no picture, really, not at all'): ('not a PNG', 'gray PNG'),
        text(d / 'short.png', png[:20]): ('not a PNG, or an incomplete one', 'gray PNG'),
        text(d / 'shorter.png', png[:-24]): ('not a readable .png file', 'gray PNG'),
        write_hand_png(d / 'coloured.png', samples(3)): ('channels differ', 'gray PNG'),
        write_hand_png(d / 'glass.png', np.concatenate([gray, alpha], 2)): ('transparent', 'without'),
        write_hand_png(d / 'key.png', gray, key): ('transparent', 'without'),
        write_hand_png(d / 'deep_key.png', deep_gray(), key): ('transparent', 'without'),
        write_hand_png(d / 'deep_rgb.png', np.tile(deep_gray(), 3)): ('a 16-bit PNG with colour', 'gray'),
        write_hand_png(d / 'black.png', gray * 0): ('sums to 0', 'a positive sum'),
        text(d / 'huge.png', png_bytes([b''] * 2000, 8, 0, 2000)): ('2000×2000 pixels', 'crop'),
        d / 'gigantic.png': ('16 MiB is too large', 'crop'),
        text(d / 'kernel.jpg', encoded('jpg', samples(3))): ('not called like a kernel', '.npy, .txt, .png'),
        text(d / 'kernel', '1 2 1'): ('not called like a kernel', '.npy, .txt, .png'),
    }


def test_refused_files_that_are_not_matlab(tmp_path):
    files = refused_files(tmp_path)
    for path, words in files.items():
        message = refusal(read_kernel, path)
        assert message.startswith(f'{path}: '), message
        assert [word for word in words if word not in message] == [], message
    for suffix in ('.npy', '.txt', '.png'):
        assert 'is an empty file' in refusal(read_kernel, text(tmp_path / f'empty{suffix}', ''))
        assert 'no such file' in refusal(read_kernel, tmp_path / f'no{suffix}', error=FileNotFoundError)


def test_a_kernel_of_any_file_is_checked_and_aligned(tmp_path, gaussian, image):
    kernel = gaussian(5, 5)
    aligned = preprocess_kernels([kernel], Config())[0]
    np.save(tmp_path / 'a_0.npy', kernel)
    np.testing.assert_array_equal(load_inputs(image, Config(), None, [tmp_path / 'a_0.npy'])[2][0], aligned)
    np.save(tmp_path / 'large_0.npy', np.ones((21, 3)))
    assert 'crop the kernel' in refusal(load_inputs, image, Config(), None, tmp_path / 'large_0.npy')
