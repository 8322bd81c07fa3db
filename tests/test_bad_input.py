"""Bad input costs a user one line to read: no traceback, no half result, no wait for TensorFlow."""

import json
import signal
import time
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.io
import tifffile
from helpers.command_line import TINY, finish, results, save_image, start
from helpers.pictures import png_bytes, samples, tiff_with, write_hand_png
from PIL import Image

from configs import Config
from ZSSR import ZSSR

KERNEL = np.ones((3, 3)) / 9

# What is given on the command line, {d} being the folder of bad files -> what the one line must name.
COMMANDS = {
    'unknown_preset': ('X9_CONF', 'X9_CONF', 'choose one of AUTO, X2_ONE_JUMP_IDEAL_CONF'),
    'preset_that_is_code': ("open('{d}/executed','w')", 'unknown configuration', 'choose one of'),
    'unknown_field': ('--set widht=3', '--set widht=3', 'FIELD one of', 'width'),
    'field_without_value': ('--set width', '--set width', 'write FIELD=VALUE'),
    'ill_typed_number': ('--set max_iters=1e3', 'max_iters must be a whole number', "'1e3'"),
    'ill_typed_switch': ('--set output_flip=1', 'output_flip must be True or False'),
    'field_that_is_code': ("--set max_iters=len(open('{d}/executed','w').name)", 'max_iters must be a whole'),
    'unknown_option': ('--factor 3', '--factor', '--help'),
    'seed_that_is_no_number': ('--seed x', '--seed', "'x'", '--help'),
    'negative_seed': ('--seed -1', 'seed must be between 0 and'),
    'gpu_that_is_no_number': ('0 first', "GPU 'first'", "or 'all'"),
    'no_threads': ('--threads 0', "--threads: '0'", 'from 1'),
    'too_many_threads': ('--threads 3000000000', '3000000000', 'from 1'),
    'scale_below_1': ('--scale 0.5', '--scale 0.5', 'a factor from 1'),
    'scale_that_is_no_number': ('--scale two', '--scale two', '2x3'),
    'scale_factors_below_1': ('--set scale_factors=[[2,0.5]]', 'scale_factors', 'each at least 1'),
    'back_projection_iters_too_short': (
        '--set scale_factors=[1.5,2]',
        'back_projection_iters [10]',
        'an entry',
    ),
    'too_few_test_points': ('--set run_test_every=64', 'run_test_every 64', 'test more often'),
    'no_tests_for_the_policy': ('--set run_test=False', 'run_test False', 'needs at least 5'),
    'misspelt_field': ('--set max_iter=3', '--set max_iter=3', 'did you mean max_iters?'),
    'misspelt_option': ('--thread-count 3', '--thread-count', 'did you mean --threads?', '--help'),
    'misspelt_preset': ('X2_FAST_REAL_COMF', 'did you mean X2_FAST_REAL_CONF?'),
    'misspelt_preset_after_an_image': ('{d}/photo.png X2_REAL', "GPU 'X2_REAL'", 'mean X2_REAL_CONF?'),
    'misspelt_image': ('--input {d}/phto.png', '{d}/phto.png: no such file', 'mean {d}/photo.png?'),
    'misspelt_image_in_the_place_of_a_preset': ('{d}/phto.png', '{d}/phto.png: no such file', 'photo.png?'),
    'misspelt_folder': ('--input {d}/kernel/a.png', '{d}/kernel/a.png: no such', 'mean {d}/kernels?'),
    'misspelt_pattern': (
        '--input {d}/photo*.tif',
        '{d}/photo*.tif: no image is called like this',
        '{d}/photo',
    ),
    'one_of_several_is_missing': ('--input {d}/photo.png {d}/none', '{d}/none: no such file or folder'),
    'misspelt_ground_truth': (
        '--input {d}/photo.png --ground-truth {d}/grey.png',
        *('{d}/grey.png: no such file', 'did you mean {d}/gray.png?'),
    ),
    'misspelt_kernel': (
        '--input {d}/photo.png --kernel {d}/kernels/goood.mat',
        *('{d}/kernels/goood.mat: no such file', 'did you mean {d}/kernels/good.mat?'),
    ),
    'one_file_for_several': (
        '--input {d}/photo.png {d}/deep.png -o {d}/results/big.png',
        *('--output {d}/results/big.png: one file for several images', 'give a folder'),
    ),
    'a_result_that_is_the_input': (
        '--input {d}/photo.png -o {d}/photo.png',
        *('{d}/photo.png: results cannot be written there (it is the input itself)', '--output'),
    ),
    'a_result_that_cannot_be_written': (
        '{d}/photo.png -o {d}/a.gif',
        '{d}/a.gif: cannot write .gif',
        '.png,',
    ),
    'two_formats': ('{d}/photo.png -o {d}/a.png --ext tif', '--ext tif', '{d}/a.png'),
    'unknown_format': ('{d}/photo.png --ext gif', "'gif'", "'webp'"),
    'a_range_upside_down': ('{d}/photo.png --range 5:-5', '--range 5:-5', 'LO below HI'),
    'a_range_of_words': ('{d}/photo.png --range all', '--range all', 'auto, full, or LO:HI'),
    'a_page_0': ('{d}/photo.png --pages 0', 'pages must be', '0'),
    'two_presets': ('AUTO X2_REAL_CONF', 'AUTO and X2_REAL_CONF', 'give one'),
    'a_coarse_grid_for_a_broken_factor': (
        'AUTO {d}/photo.png -s 2.5 --set network_grid=low',
        *("network_grid 'low' needs one whole factor", '2.5'),
    ),
    'missing_input': ('--input {d}/none', '{d}/none: no such file or folder', '--input'),
    'empty_folder': ('--input {d}/empty', '{d}/empty: no image in this folder', 'put some there'),
    'folder_of_other_files': ('--input {d}/kernels', '{d}/kernels: no image in this folder', '.png, .jpg'),
    'empty_file': ('--input {d}/nothing.png', '{d}/nothing.png: is an empty file', 'copy or save it again'),
    'truncated_png': (
        '--input {d}/truncated.png',
        '{d}/truncated.png: damaged or incomplete',
        'save it again',
    ),
    'truncated_deep_png': ('--input {d}/truncated16.png', '{d}/truncated16.png: damaged', 'save it again'),
    'text_named_png': ('--input {d}/text.png', '{d}/text.png: not a PNG', 'save it as PNG'),
    'too_small': ('--input {d}/small.png', '{d}/small.png: height 15, width 40', 'give a larger image'),
    'over_the_bomb_limit': ('--input {d}/large.png', '{d}/large.png: 90250000 pixels', 'split it into parts'),
    'far_over_the_bomb_limit': (
        '--input {d}/huge.png',
        '{d}/huge.png: 400000000 pixels',
        'split it into parts',
    ),
    'nan_in_a_tiff': ('--input {d}/nan.tif', '{d}/nan.tif: has NaN values', 'give finite values'),
    'floats_up_to_255': (
        '--input {d}/floats.tif --range full',
        *('{d}/floats.tif: values from', 'divide by 255?'),
    ),
    'missing_ground_truth': (
        '--input {d}/photo.png --ground-truth {d}/none',
        '{d}/none: no such file',
        'check',
    ),
    'ground_truth_of_the_wrong_size': (
        '--input {d}/photo.png --ground-truth {d}/photo.png',
        *('{d}/photo.png: the ground truth has 20×24 pixels', '20×24, enlarged by', '40×48', 'leave it out'),
    ),
    'deep_image_with_ground_truth_of_the_wrong_size': (
        '--input {d}/deep.png --ground-truth {d}/deep.png',
        *('{d}/deep.png: the ground truth has 17×19 pixels', 'makes 34×38'),
    ),
    'ground_truth_in_gray': (
        '--input {d}/photo.png --ground-truth {d}/gray.png',
        *('{d}/gray.png: the ground truth has 1 channels and the input 3', 'both in colour'),
    ),
    'ground_truth_for_a_folder': (
        '--input {d} --ground-truth {d}/photo.png',
        *('--ground-truth {d}/photo.png', 'with --input'),
    ),
    'two_kernels_for_one_scale': (
        '--input {d}/photo.png --kernel {d}/kernels/good.mat --kernel {d}/kernels/good.mat',
        *('--kernel: 2 given for 1 scale_factors', 'one per scale'),
    ),
    'an_estimate_beside_a_kernel': (
        '--input {d}/photo.png --kernel estimate --kernel {d}/kernels/good.mat',
        *('--kernel estimate', 'give estimate once and alone'),
    ),
    'one_kernel_for_six_scales': (
        'X2_GRADUAL_IDEAL_CONF --input {d} --kernel {d}/kernels/good.mat',
        *('--kernel: 1 given for 6 scale_factors', 'one per scale'),
    ),
    'bad_kernel_for_a_folder': (
        '--input {d} --kernel {d}/kernels/zero.mat',
        '{d}/kernels/zero.mat',
        'sums to 0',
    ),
    'output_below_a_file': (
        '--input {d}/photo.png --output {d}/photo.png/results',
        *('{d}/photo.png/results: results cannot be written there', '--output'),
    ),
    'output_is_a_file': (
        '--input {d}/photo.png --output {d}/text',
        *('{d}/text: results cannot be written there', '--output'),
    ),
}

# Kernel files that are not MATLAB's: how they begin, and what the line must name after the file.
OTHER_KERNELS = {
    'pickle.npy': (b'\x80\x04', 'not a .npy file', 'numpy.save'),
    'words.txt': (b'1 2\none two\n', "line 2: 'one' is no number", 'write numbers'),
    'ragged.txt': (b'1 2 1\n1 2\n', 'line 2 has 2 numbers and line 1 has 3', 'give every row'),
    'broken.png': (b'\x89PNG\r\n', 'not a PNG, or an incomplete one', 'gray PNG'),
    'photo.jpg': (b'\xff\xd8\xff', 'not called like a kernel', 'give a .mat, .npy, .txt, .png file'),
    'nothing.npy': (b'', 'is an empty file'),
}

# .mat files and what the line must name after the file.
KERNELS = {
    'missing': (None, 'no such file'),
    'without': ({'K': KERNEL}, 'has no variable Kernel, it holds K', 'save the matrix under that name'),
    'three': ({'Kernel': np.ones((3, 3, 2))}, 'Kernel has shape (3, 3, 2)', 'give a 2-D matrix'),
    'complex': ({'Kernel': KERNEL * 1j}, 'Kernel is complex', 'give real numbers'),
    'empty': ({'Kernel': np.zeros((0, 3))}, 'not empty'),
    'zero': ({'Kernel': np.zeros((3, 3))}, 'Kernel sums to 0', 'a positive sum'),
    'nan': ({'Kernel': KERNEL * [1, np.nan, 1]}, 'Kernel has NaN', 'give finite numbers'),
    'text': ({'Kernel': 'Gaussian'}, 'Kernel is not numeric', 'give a 2-D matrix of numbers'),
    'truncated': ({'Kernel': KERNEL}, 'not a readable .mat file', "'-v7'"),
    'large': ({'Kernel': np.ones((21, 3))}, '21×3 is larger than the image, 20×24', 'crop the kernel'),
}


def header_only_png(path, side):
    """A PNG that says how large it is and breaks off: decoding it would need all of that."""
    path.write_bytes(png_bytes([b''] * side, 8, 2, side))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A folder with every kind of bad file, and a TensorFlow that ends whoever imports it."""
    d = tmp_path_factory.mktemp('bad')
    for name in ('empty', 'kernels', 'packages'):
        (d / name).mkdir()
    (d / 'packages' / 'tensorflow.py').write_text("raise SystemExit('TensorFlow was imported')")
    save_image(d / 'photo.png')
    save_image(d / 'gray.png', shape=(40, 48, 1))
    save_image(d / 'small.png', shape=(15, 40, 3))
    write_hand_png(d / 'deep.png', samples(3, 16))
    for name, source in (('truncated', 'photo'), ('truncated16', 'deep')):
        data = (d / f'{source}.png').read_bytes()
        (d / f'{name}.png').write_bytes(data[: len(data) // 2])
    for name in ('text.png', 'text'):
        (d / name).write_text('not a picture, really\n')
    (d / 'nothing.png').touch()
    header_only_png(d / 'large.png', 9500)
    header_only_png(d / 'huge.png', 20000)
    tifffile.imwrite(d / 'nan.tif', np.full((20, 20, 3), np.nan, np.float32), photometric='rgb')
    tifffile.imwrite(d / 'floats.tif', np.full((20, 20, 3), 255, np.float32), photometric='rgb')
    for name, (variables, *_) in {**KERNELS, 'good': ({'Kernel': KERNEL},)}.items():
        if variables is not None:
            scipy.io.savemat(d / 'kernels' / f'{name}.mat', variables)
    path = d / 'kernels' / 'truncated.mat'
    path.write_bytes(path.read_bytes()[:-9])
    return d


def check_refusal(folder, output, arguments, words):
    """A command line is refused in one line with these words, and nothing else happens."""
    if not {'--output', '-o'} & set(arguments):
        arguments = [*arguments, '--output', output]
    code, out, err = finish(start(*arguments, python_path=folder / 'packages'))
    assert (code, out) == (2, ''), err
    assert err.startswith('run_ZSSR.py: ') and err.count('\n') == 1 and err.endswith('\n')
    for word in words:
        assert word.format(d=folder) in err
    assert not output.exists() and not (folder / 'executed').exists()


@pytest.mark.parametrize('case', COMMANDS)
def test_one_line_and_exit_code_2(folder, tmp_path, case):
    command, *words = COMMANDS[case]
    check_refusal(folder, tmp_path / 'results', command.format(d=folder).split(), words)


@pytest.mark.parametrize('name', KERNELS)
def test_kernels_are_refused_in_one_line(folder, tmp_path, name):
    path = folder / 'kernels' / f'{name}.mat'
    arguments = ['--input', folder / 'photo.png', '--kernel', path]
    check_refusal(folder, tmp_path / 'results', arguments, [str(path), *KERNELS[name][1:]])


@pytest.mark.parametrize('name', OTHER_KERNELS)
def test_kernels_that_are_not_matlab_are_refused_in_one_line(folder, tmp_path, name):
    (tmp_path / name).write_bytes(OTHER_KERNELS[name][0])
    arguments = ['--input', folder / 'photo.png', '--kernel', tmp_path / name]
    check_refusal(folder, tmp_path / 'results', arguments, [f'{tmp_path / name}: ', *OTHER_KERNELS[name][1:]])


def test_a_kernel_found_by_its_name_is_refused_likewise(folder, tmp_path):
    path = save_image(tmp_path / 'photo.png')
    (tmp_path / 'photo_0.mat').write_bytes((folder / 'kernels' / 'zero.mat').read_bytes())
    words = [str(path), str(tmp_path / 'photo_0.mat'), 'sums to 0']
    check_refusal(folder, tmp_path / 'results', ['--input', path], words)


@pytest.mark.parametrize('option', ['--help', '--list', '--version'])
def test_answers_that_need_no_network_load_none(folder, option):
    code, out, err = finish(start(option, python_path=folder / 'packages'))
    assert (code, err) == (0, '') and out


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        ({'input_img': np.full((20, 20, 3), np.nan)}, 'input: has NaN values; give finite values'),
        ({'ground_truth': np.full((40, 40, 3), np.nan)}, 'ground truth: has NaN values; give finite'),
        ({'ground_truth': np.zeros((40, 44, 3))}, 'ground truth: .*40×44.*20×20.*40×40'),
        ({'kernels': [KERNEL * np.nan]}, 'kernel has NaN or infinite entries; give finite numbers'),
        ({'kernels': [KERNEL * 1j]}, 'kernel is complex; give real numbers'),
        ({'kernels': [KERNEL] * 2}, '2 kernels .* 1 scale_factors; give one per scale'),
        ({'kernels': [np.ones((3, 21))]}, 'kernel: .*3×21 is larger than the image, 20×20'),
        ({'conf': Config(scale_factors=[0.5])}, 'scale_factors must be .* at least 1'),
    ],
)
def test_arrays_are_refused_likewise(arguments, words):
    with pytest.raises(ValueError, match=words):
        ZSSR(**{'input_img': np.zeros((20, 20, 3)), 'conf': Config(), **arguments})


def test_importing_zssr_loads_nothing_that_only_training_or_drawing_needs():
    slow = "{'tensorflow', 'keras', 'matplotlib', 'scipy', 'sklearn', 'pandas'}"
    code = f'import sys, ZSSR; sys.exit(str({slow} & {{*sys.modules}}))'
    assert finish(start(program=('-c', code))) == (1, '', 'set()\n')


FROM_PYTHON = """
import sys
from configs import Config
from ZSSR import ZSSR
try:
    ZSSR({image!r}, Config(scale_factors={scale}), **{rest!r}).run()
except (ValueError, FileNotFoundError) as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize(
    ('image', 'scale', 'rest', 'words'),
    [
        ('missing.png', 2, {}, 'missing.png: no such file'),
        ('text.png', 2, {}, 'text.png: not a'),
        ('truncated16.png', 2, {}, 'truncated16.png: damaged'),
        ('small.png', 2, {}, 'too small'),
        ('photo.png', 0.5, {}, 'scale_factors must'),
        ('photo.png', 2, {'ground_truth': '{d}/photo.png'}, 'the ground truth has 20×24'),
        ('photo.png', 2, {'kernels': '{d}/kernels/zero.mat'}, 'Kernel sums to 0'),
        # The whole one is not refused, and does need it.
        ('photo.png', 2, {}, 'TensorFlow was imported'),
    ],
)
def test_from_python_a_refusal_does_not_wait_for_tensorflow(folder, image, scale, rest, words):
    rest = {name: path.format(d=folder) for name, path in rest.items()}
    code = FROM_PYTHON.format(image=str(folder / image), scale=[scale], rest=rest)
    code, out, err = finish(start(python_path=folder / 'packages', program=('-c', code)))
    assert (code, out) == (1, '') and words in err and err.count('\n') == 1


@pytest.fixture(scope='module')
def folder_run(folder, tmp_path_factory):
    """A run on a folder of good images among bad ones."""
    inputs, output = tmp_path_factory.mktemp('inputs'), tmp_path_factory.mktemp('results')
    bad = ['letters', 'small', 'text', 'truncated', 'z_twin']
    for name in ('a_good', 'm_good', 'wrong_size', 'z_good', 'z_twin'):
        save_image(inputs / f'{name}.png')
    save_image(inputs / 'wrong_size_gt.png')
    Image.open(inputs / 'z_twin.png').save(inputs / 'z_twin.bmp')
    for name in ('small', 'text', 'truncated'):
        (inputs / f'{name}.png').write_bytes((folder / f'{name}.png').read_bytes())
    # Pillow compares the bits of a pixel, which are no number here.
    Image.new('CMYK', (24, 20)).save(inputs / 'letters.png', 'TIFF')
    (inputs / 'letters.png').write_bytes(tiff_with((inputs / 'letters.png').read_bytes(), 258, 2, 2))
    code, out, err = finish(start(*TINY, '--input', inputs, '--output', output))
    return SimpleNamespace(code=code, out=out, err=err, inputs=inputs, output=output, bad=bad)


def test_in_a_folder_the_other_images_still_run(folder_run):
    assert folder_run.code == 1
    enlarged = [path.name for path in results(folder_run.output) if '_zssr_' in path.name]
    good = ('a_good', 'm_good', 'wrong_size', 'z_good', 'z_twin')
    assert enlarged == [f'{name}_zssr_X2.00X2.00.png' for name in good]


def test_in_a_folder_each_failure_is_named_once(folder_run):
    assert 'Traceback' not in folder_run.err + folder_run.out
    _, *listed, last = folder_run.err.splitlines()
    for name, line in zip(folder_run.bad, listed, strict=True):
        assert line.startswith(f'{folder_run.inputs / name}.png: ')
        assert folder_run.err.count(line) == 1 and line not in folder_run.out
    assert last == '5 of 10 images failed, see above'


def test_in_a_folder_a_neighbour_that_is_no_ground_truth_is_not_used(folder_run):
    image, truth = (folder_run.inputs / f'wrong_size{end}.png' for end in ('', '_gt'))
    (line,) = [line for line in folder_run.err.splitlines() if 'WARNING' in line]
    assert line.startswith(f'{image}: WARNING: not measured: {truth}: the ground truth has 20×24 pixels')
    entries = json.loads((folder_run.output / 'run.json').read_text())['images']
    assert {entry['stem']: entry['ground_truth'] for entry in entries}['wrong_size'] is None


def test_ctrl_c_keeps_finished_images(tmp_path):
    for index in range(2):
        save_image(tmp_path / f'{index}.png', index)
    arguments = [*TINY, '--set=max_iters=800', '--set=run_test_every=50', '--set=min_iters=9999']
    process = start(*arguments, '--input', tmp_path, '--output', tmp_path / 'results', start_new_session=True)
    while process.poll() is None and not list(tmp_path.glob('results/run.json')):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert (code, err) == (130, 'run_ZSSR.py: stopped; finished images are kept\n'), out
    kept = [path.name for path in results(tmp_path / 'results')]
    assert '0_zssr_X2.00X2.00.png' in kept and 'run.json' in kept
    assert '1_zssr_X2.00X2.00.png' not in kept and not [name for name in kept if name.endswith('.tmp')]
