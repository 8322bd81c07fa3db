"""Make the project's test images and blur kernels from photographs that ship with scikit-image.

    pip install scikit-image
    python -m tests.helpers.make_test_data

Writes test_data/ and kernels/ of the repository, to the last pixel the same each time; nothing is downloaded.
The kernel that an image tells itself changes when the networks of blind/ are trained anew.
Every source is in the public domain or CC0; test_data/README.md says which and why.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io
from scipy import ndimage

from blind.estimate import estimate_kernel
from files.pictures import read_image, write_png
from files.storage import atomic_write
from imresize import imresize

REPOSITORY = Path(__file__).resolve().parents[2]

KERNEL_SIZE = 11


@dataclass(frozen=True)
class Recipe:
    """How one test image is made.

    Attributes:
        source: file in scikit-image's data folder.
        crop: (top, left, height, width), in pixels of the source.
        factor: what the crop is shrunk by to make the input, with the crop as ground truth; 1: the crop is
            the input, and there is no ground truth.
        sigmas: standard deviations of the Gaussian kernel along its two axes, in pixels of the enlarged
            image, or None: no kernel, shrunk by bicubic interpolation.
        angle: of the kernel's first axis against the vertical, in degrees.
        own_blur: the kernel is the one that the image tells itself.
    """

    source: str
    crop: tuple
    factor: int = 2
    sigmas: tuple | None = None
    angle: float = 0.0
    own_blur: bool = False


# File stem -> Recipe. Stems differ between folders, because kernels/ is one folder for all of them.
RECIPES = {
    'astronaut': Recipe('astronaut.png', (0, 68, 200, 256)),
    'ideal/bricks': Recipe('brick.png', (120, 120, 264, 312)),
    'ideal/cat': Recipe('chelsea.png', (12, 24, 252, 300)),
    'ideal/lattice_towers': Recipe('rocket.jpg', (120, 0, 264, 216)),
    'ideal_x3/photographer': Recipe('camera.png', (24, 72, 384, 384), factor=3),
    'ideal_x4/brick_wall': Recipe('brick.png', (0, 0, 480, 480), factor=4),
    'given_kernel/coffee_blurred': Recipe('coffee.png', (120, 216, 264, 312), sigmas=(0.7, 1.5), angle=30),
    'real/microaneurysms': Recipe('microaneurysms.png', (0, 0, 102, 102), factor=1, own_blur=True),
}


def make_all(root=REPOSITORY):
    """Write every image and kernel.

    Args:
        root: folder to write test_data/ and kernels/ in.

    Raises:
        ImportError: without scikit-image, whose wheel holds the photographs.
    """
    for stem, recipe in RECIPES.items():
        make_one(Path(root), stem, recipe)


def make_one(root, stem, recipe):
    """Write one input, its ground truth if it has one, and its kernel if it has one.

    Args:
        root: Path of the folder with test_data/ and kernels/.
        stem: file name below test_data/, without suffix.
        recipe: Recipe.
    """
    path = root / 'test_data' / f'{stem}.png'
    path.parent.mkdir(parents=True, exist_ok=True)
    photograph = read_crop(recipe.source, recipe.crop)
    kernel = None if recipe.sigmas is None else gaussian_kernel(KERNEL_SIZE, recipe.sigmas, recipe.angle)
    if recipe.own_blur:
        kernel = estimate_kernel(photograph).kernel
    if kernel is not None:
        (root / 'kernels').mkdir(exist_ok=True)
        write_kernel(root / 'kernels' / f'{path.stem}_0.mat', kernel)
    if recipe.factor == 1:
        write_png(path, photograph)
        return
    write_png(path.with_name(f'{path.stem}_gt.png'), photograph)
    write_png(path, shrink(photograph, recipe.factor, kernel))


def read_crop(source, crop):
    """Part of one of scikit-image's photographs.

    Args:
        source: file name in its data folder.
        crop: (top, left, height, width).

    Returns:
        Float64 array (height, width, C) in [0, 1], C 1 (gray) or 3 (RGB).
    """
    import skimage

    top, left, height, width = crop
    pixels = read_image(Path(skimage.data_dir) / source).pixels
    return pixels[top : top + height, left : left + width].astype(np.float64)


def shrink(im, factor, kernel=None):
    """Shrink an image by bicubic interpolation, or blur it and keep every `factor`-th pixel.

    Args:
        im: float array (H, W, C), H and W multiples of `factor`.
        factor: whole number.
        kernel: 2-D array (`gaussian_kernel`), or None for bicubic.

    Returns:
        Float array (H / factor, W / factor, C).
    """
    if kernel is None:
        return imresize(im, 1 / factor)
    return ndimage.correlate(im, kernel[:, :, np.newaxis], mode='reflect')[::factor, ::factor]


def gaussian_kernel(size, sigmas, angle=0.0):
    """Gaussian blur kernel that is aligned for ×2, as the kernels published with ZSSR are.

    The first pixel of each 2 × 2 block is kept, so the centre lies half a pixel after the middle of the grid,
    at the centre of the block.

    Args:
        size: side of the grid, odd.
        sigmas: standard deviations along the two axes, in pixels.
        angle: of the first axis against the vertical, in degrees.

    Returns:
        Float64 array (size, size) that sums to 1.
    """
    turn = np.deg2rad(angle)
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    rows, columns = np.mgrid[:size, :size] - size / 2
    along = np.stack([rows, columns], axis=-1) @ axes / np.array(sigmas)
    kernel = np.exp(-0.5 * np.sum(along**2, axis=-1))
    return kernel / kernel.sum()


def write_kernel(path, kernel):
    """Write a kernel as MATLAB file with the variable `Kernel`, byte for byte the same each time.

    Args:
        path: the file to write.
        kernel: 2-D array.
    """
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {'Kernel': kernel})
    # The first 116 bytes are free text, in which scipy writes platform and time.
    atomic_write(path, b'MATLAB 5.0 MAT-file'.ljust(116) + buffer.getvalue()[116:])


if __name__ == '__main__':
    make_all()
