"""How well images tell their own blur: estimated kernels against true ones, and what they are worth in dB."""

import time
from dataclasses import dataclass, replace

import numpy as np

from blind.estimate import estimate_kernel
from blind.gaussian import Covariance
from comparing.writers import Bold, markdown_table
from files.kernels import read_kernel
from imresize import kernel_shift
from paper import tables
from paper.image_sets import read_hr_and_lr
from paper.low_resolution import with_lr
from paper.tables import BICUBIC
from paper.tasks import find_images

KINDS = (BICUBIC, 'estimated', 'true')


@dataclass(frozen=True, kw_only=True)
class KernelRow:
    """An image, its kernel, and what the estimate was."""

    set: str
    scale: int
    image: str
    kernels: tuple  # the true one and the estimated one, or None in its place; arrays (h, w) of sum 1
    true: Covariance  # of the kernel, in pixels² of the result
    estimated: Covariance | None  # None where nothing could be measured
    answer: str  # the estimate in words
    kernel_error: float  # of 2: sum of the absolute differences; 2 where there is no estimated kernel
    seconds: float  # of the estimate
    psnr: dict  # kind of kernel -> dB of the result; of those that were measured


def table_of(folder):
    """Which table the images of a folder belong to, by the kernels that it comes with.

    Returns:
        (table, fields): its name, and the fields of Experiment that say where its images are from.
    """
    if any(folder.glob('kernels_x*')):
        return 'div2krk', {'data': folder, 'draw_seed': None}
    if (folder / 'kernels').is_dir():
        return 'table2', {'given': folder}
    return 'table2', {'data': folder}


def kernel_rows(experiment):
    """Estimate the kernels of the images of an experiment anew, and find their PSNR in its table.

    Args:
        experiment: Experiment of table2 or div2krk, with 'true' among its kernels.

    Returns:
        List of KernelRow.
    """
    measured, _ = tables.read_table(experiment.csv)
    images, _ = find_images(experiment)
    with_kernels = replace(experiment, preset='')  # so that they are found even where nothing is trained
    return [_kernel_row(with_lr(with_kernels, found)[0], experiment, measured.values()) for found in images]


def markdown(rows):
    """The rows in Markdown, and below them each set's root mean square errors and shares."""
    heads = ['set', '×', 'image', 'true yy, xx, xy', 'estimated', 'kernel error', *KINDS, 'share', 's']
    lines = [_cells(row) for row in rows]
    for place in dict.fromkeys((row.set, row.scale) for row in rows):
        lines.append(_summary([row for row in rows if (row.set, row.scale) == place]))
    return markdown_table(heads, lines, left=('set', 'image', 'estimated'))


def share(rows):
    """How much of the way from the bicubic to the true kernel the estimates go, of summed dB; or None."""
    whole = [row.psnr for row in rows if set(KINDS) <= row.psnr.keys()]
    gap = sum(psnr['true'] - psnr[BICUBIC] for psnr in whole)
    return sum(psnr['estimated'] - psnr[BICUBIC] for psnr in whole) / gap if gap else None


def kernel_difference(first, second, sf):
    """The sum of the absolute differences of two kernels of sum 1, laid upon each other as sons are made."""
    laid = laid_upon_each_other([first, second], sf)
    return float(np.abs(laid[0] - laid[1]).sum())


def laid_upon_each_other(kernels, sf):
    """Kernels of any sizes as array (n, h, w), each of sum 1 and where it is when sons are made."""
    shifted = [kernel_shift(kernel / kernel.sum(), sf) for kernel in kernels]
    sides = np.max([kernel.shape for kernel in shifted], axis=0) + 1
    laid = np.zeros((len(kernels), *sides))
    for canvas, kernel in zip(laid, shifted, strict=True):
        top, left = (side // 2 - n // 2 for side, n in zip(sides, kernel.shape, strict=True))
        canvas[top : top + kernel.shape[0], left : left + kernel.shape[1]] = kernel
    return laid


def _cells(row):
    """The cells of an image's line."""
    decibels = [f'{row.psnr[kind]:.2f}' if kind in row.psnr else '–' for kind in KINDS]
    return [
        *(row.set, row.scale, row.image, _numbers(row.true)),
        _numbers(row.estimated) if row.kernel_error < 2 else row.answer,
        f'{row.kernel_error:.2f}',
        *(*decibels, _percent(share([row])), f'{row.seconds:.2f}'),
    ]


def _summary(rows):
    """The cells of the line below a set: root mean square errors of the covariance, means, and the share."""
    known = [row for row in rows if row.kernel_error < 2]
    errors = [
        (
            each.estimated.mean - each.true.mean,
            each.estimated.difference - each.true.difference,
            each.estimated.xy - each.true.xy,
        )
        for each in known
    ]
    rms = ', '.join(f'{error:.2f}' for error in np.sqrt(np.mean(np.square(errors), axis=0))) if known else '–'
    whole = [row for row in rows if set(KINDS) <= row.psnr.keys()]
    decibels = [f'{np.mean([row.psnr[kind] for row in whole]):.2f}' if whole else '–' for kind in KINDS]
    return [
        *(
            rows[0].set,
            rows[0].scale,
            Bold(f'{len(rows)} images'),
            f'rms of mean, difference, xy of {len(known)}',
        ),
        *(rms, f'{np.mean([row.kernel_error for row in rows]):.2f}', *decibels, _percent(share(rows))),
        f'{np.mean([row.seconds for row in rows]):.2f}',
    ]


def _numbers(covariance):
    return ', '.join(f'{value:.2f}' for value in (covariance.yy, covariance.xx, covariance.xy))


def _percent(part):
    return '–' if part is None else f'{100 * part:.0f} %'


def _kernel_row(files, experiment, measured):
    """The row of one image."""
    _, lr = read_hr_and_lr(files)
    started = time.perf_counter()
    estimate = estimate_kernel(lr, files.scale)
    seconds = time.perf_counter() - started
    true, kernel = read_kernel(files.kernels[0]), estimate.kernel
    of_image = [
        row
        for row in measured
        if (row.set, row.scale, row.image) == (files.set, files.scale[0], files.name)
        and (row.preset, row.changes, row.seed) == (experiment.preset, experiment.changed, experiment.seed)
        and row.draw_seed == experiment.draw_seed
    ]
    return KernelRow(
        set=files.set,
        scale=files.scale[0],
        image=files.name,
        kernels=(true / true.sum(), kernel),
        true=Covariance.of_kernel(true),
        estimated=estimate.covariance,
        answer=estimate.note,
        kernel_error=2.0 if kernel is None else kernel_difference(kernel, true, files.scale),
        seconds=seconds,
        psnr={row.kernels: row.psnr for row in of_image if row.kernels in KINDS},
    )
