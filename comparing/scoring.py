"""Scores of bicubic enlargement, and of a folder of any program's results."""

import numpy as np

from comparing import strips, writers
from comparing.folders import ambiguity, find_images, find_results, image_at, in_one_line
from comparing.loading import load
from comparing.metrics import LUMA_WEIGHTS, rgb_to_luma, scale_border, scores
from files.image_files import ImageFiles
from imresize import imresize_matlab
from settings.scales import axes_text

COLUMNS = ('image', 'scale', 'border', 'psnr', 'ssim')
UNKNOWN = '?'


def score_bicubic(lr, hr, name='bicubic'):
    """PSNR and SSIM of bicubic enlargement, as the tables' bicubic rows have them.

    The published rows were interpolated in floating point, and rounding the enlarged image to 8 bits after
    each dimension lowers SSIM at ×2 by 0.0003. So nothing is rounded here but, once, its luma; all channels
    where there are not 1 or 3.

    Args:
        lr: uint8 array (h, w, C).
        hr: uint8 array (H, W, C), H and W the same whole multiple of h and w.
        name: what error messages call the image.

    Returns, Raises: as `metrics.scores`.
    """
    scale = hr.shape[0] // lr.shape[0]
    enlarged = np.clip(imresize_matlab(lr.astype(np.float64), scale), 0, 255)
    if enlarged.shape[2] == 3:
        enlarged, hr = 16 + enlarged @ LUMA_WEIGHTS / 255_000, rgb_to_luma(hr)
    return scores(enlarged / 255, hr, scale, name)


def score_folder(folder, gt, scale=None):
    """Score every result in a folder that has a ground truth.

    Args:
        folder: folder of results, named as `folders.find_results` knows them.
        gt: folder of ground truth: NAME.png, NAME_gt.png, or NAME_SRF_2_HR.png beside other files.
        scale: which scale's results, and the border to crop; None: the largest by their names or run.json.

    Returns:
        (scored, notes): a dict per image with the keys COLUMNS, and a line for each that could not be scored.

    Raises:
        FileNotFoundError, ValueError: a folder is missing, or nothing can be scored, and why.
    """
    if scale is not None and not 1 <= scale <= 100:
        raise ValueError(f'--scale {scale:g}: give a factor from 1 to 100')
    found, truths, scored, notes = find_results(folder), find_images(gt, 'HR'), [], []
    for name in sorted(found):
        try:
            files = _choose(name, found[name], truths, gt, scale)
            pictures, remarks = load(files)
            if pictures.truth is not None:
                scored.append(_score(files, pictures))
            notes += remarks
        except (ValueError, OSError) as error:
            notes.append(str(error))
    unknown = sum(of_image['scale'] == UNKNOWN for of_image in scored)
    if unknown:
        notes.append(f'nothing tells the scale of {unknown} results: a border of 2 is cropped (see --scale)')
    if not scored:
        raise ValueError(in_one_line(f'{folder}: nothing to score', notes))
    return scored, notes


def markdown(scored):
    """The scores of `score_folder` in Markdown, with their means."""
    means = (sum(of_image[score] for of_image in scored) / len(scored) for score in ('psnr', 'ssim'))
    lines = [
        *(of_image.values() for of_image in scored),
        (writers.Bold(f'mean of {len(scored)}'), '', '', *means),
    ]
    cells = [(*named, f'{psnr:.2f}', f'{ssim:.4f}') for *named, psnr, ssim in lines]
    return writers.markdown_table(COLUMNS, cells, left=['image'])


def csv_text(scored):
    """The scores of `score_folder` as CSV, in full precision and without means."""
    return writers.csv_text(COLUMNS, [of_image.values() for of_image in scored])


def _choose(name, results, truths, gt, scale):
    """`ImageFiles` of the result to score and its ground truth; a ValueError says why there is none."""
    if name not in truths:
        raise ValueError(f'{name}: no ground truth in {gt}; left out')
    if scale is not None:
        results = [result for result in results if result.scale in (None, (scale, scale))]
    if not results:
        raise ValueError(f'{name}: no result at ×{scale:g}; left out')
    result = results[-1]
    if unclear := ambiguity(result, results):
        raise ValueError(unclear)
    factors = result.scale if scale is None else (scale, scale)
    truth = image_at(truths, name, factors)
    if truth is None:
        raise ValueError(f'{name}: {gt} has ground truth of several scales, none known to be its; left out')
    return ImageFiles(name, ground_truth=truth, results=(result,), scale=factors)


def _score(files, pictures):
    """The scores of one result, under the names of COLUMNS and in their order."""
    border = scale_border(files.scale)
    named = {'image': files.name, 'scale': axes_text(files.scale) or UNKNOWN, 'border': axes_text(border)}
    return named | scores(pictures.results[0], pictures.truth, border, files.name, strips.MEASURES)
