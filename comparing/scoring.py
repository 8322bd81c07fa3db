"""Scores of a result against ground truth, of bicubic enlargement, and of a folder of results."""

import csv
import io
from dataclasses import replace

import numpy as np

from comparing import comparison, metrics
from comparing.folders import Pair, ambiguity, find_images, find_results, image_at
from imresize import imresize_matlab

COLUMNS = ('image', 'scale', 'border', 'psnr', 'ssim')
UNKNOWN = '?'


def scores(sr, hr, scale, name='result'):
    """PSNR and SSIM of a result by the tables' protocol.

    Args:
        sr: uint8 array (H, W, C), or float in [0, 1].
        hr: ground truth of the same shape.
        scale: int, the border that is cropped.
        name: what error messages call the result.

    Returns:
        {'psnr': dB, 'ssim': number}.

    Raises:
        ValueError: if the two differ in shape, or too little is left to measure.
    """
    try:
        return {measure.__name__: measure(sr, hr, border=scale) for measure in (metrics.psnr, metrics.ssim)}
    except ValueError as error:
        raise ValueError(f'{name}: {error}') from error


def score_bicubic(lr, hr, name='bicubic'):
    """PSNR and SSIM of bicubic enlargement, as the tables' bicubic rows have them.

    The published rows were interpolated in floating point, and rounding the enlarged image to 8 bits after
    each dimension lowers SSIM at ×2 by 0.0003. So nothing is rounded here but, once, its luma.

    Args:
        lr: uint8 array (h, w, C).
        hr: uint8 array (H, W, C), H and W the same whole multiple of h and w.
        name: what error messages call the image.

    Returns:
        {'psnr': dB, 'ssim': number}.

    Raises:
        ValueError: as `scores`.
    """
    scale = hr.shape[0] // lr.shape[0]
    enlarged = np.clip(imresize_matlab(lr.astype(np.float64), scale), 0, 255)
    luma = enlarged[:, :, 0]
    if enlarged.shape[2] == 3:
        luma = 16 + enlarged @ metrics.LUMA_WEIGHTS / 255_000
    return scores(luma / 255, metrics.rgb_to_luma(hr), scale, name)


def score_folder(folder, gt, scale=None):
    """Score every result in a folder that has a ground truth.

    Args:
        folder: folder of results, named as `folders.find_results` knows them.
        gt: folder of ground truth: NAME.png, NAME_gt.png, or NAME_SRF_2_HR.png beside other files.
        scale: which scale's results, and the border to crop; None: the largest by their names or run.json.

    Returns:
        (rows, notes): a dict per image with the keys COLUMNS, and a line for each that could not be scored.

    Raises:
        FileNotFoundError: if a folder is missing.
        ValueError: if nothing can be scored, saying why.
    """
    if scale is not None and not 1 <= scale <= 100:
        raise ValueError(f'--scale {scale:g}: give a factor from 1 to 100')
    found, rows, notes = find_results(folder), [], []
    truths = find_images(gt, 'HR')
    for name in sorted(found):
        results = [r for r in found[name] if scale is None or r.scale in (None, (scale, scale))]
        if name not in truths or not results:
            lacking = f'ground truth in {gt}' if name not in truths else f'result at ×{scale:g}'
            notes.append(f'{name}: no {lacking}; left out')
            continue
        if unclear := ambiguity(results[-1], results):
            notes.append(unclear)
            continue
        result = results[-1] if scale is None else replace(results[-1], scale=(scale, scale))
        truth = image_at(truths, name, result.scale)
        if truth is None:
            notes.append(f'{name}: {gt} has ground truth of several scales, none known to be its; left out')
            continue
        try:
            row, remarks = _score_result(result, truth)
        except ValueError as error:
            notes.append(str(error))
            continue
        notes += remarks
        rows += row
    unknown = sum(row['scale'] == UNKNOWN for row in rows)
    if unknown:
        notes.append(f'nothing tells the scale of {unknown} results: a border of 2 is cropped (see --scale)')
    if not rows:
        raise ValueError('; '.join([f'{folder}: nothing to score', *notes]))
    return rows, notes


def markdown(rows):
    """The scores in Markdown, with their means.

    Args:
        rows: as `score_folder` returns them.

    Returns:
        Text.
    """
    lines = [COLUMNS, ('---', *['--:'] * (len(COLUMNS) - 1))]
    for row in rows:
        name = row['image'].replace('|', r'\|')
        lines.append((name, row['scale'], row['border'], f'{row["psnr"]:.2f}', f'{row["ssim"]:.4f}'))
    psnr, ssim = (sum(row[name] for row in rows) / len(rows) for name in ('psnr', 'ssim'))
    lines.append((f'**mean of {len(rows)}**', '', '', f'{psnr:.2f}', f'{ssim:.4f}'))
    return ''.join('| ' + ' | '.join(line) + ' |\n' for line in lines)


def csv_text(rows):
    """The scores as CSV, in full precision and without means.

    Args:
        rows: as `score_folder` returns them.

    Returns:
        Text.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator='\n')
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _score_result(result, truth):
    """A list with the row of one result, empty if it cannot be measured, and notes."""
    # comparison.py can bring a result and a ground truth together; here both its results are this one.
    pair = Pair(result.name, result, result, truth)
    pictures, notes = comparison.load(pair)
    if pictures.truth is None:
        return [], list(dict.fromkeys(notes))
    measured = comparison.measure(pair, pictures)
    scale, border = (
        'x'.join(f'{factor:g}' for factor in both) for both in (result.scale or (), measured.border)
    )
    scores_ = {'psnr': measured.psnr_a, 'ssim': measured.ssim_a}
    row = {'image': result.name, 'scale': scale or UNKNOWN, 'border': border, **scores_}
    return [row], list(dict.fromkeys(notes))
