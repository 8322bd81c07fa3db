"""How two results of an image score and differ, measured, averaged, and in words.

Scores follow the benchmarks' protocol (metrics.py): 8 bits, luma, a border of `scale` pixels cropped. The
largest difference is that of any channel of any pixel, border included.
"""

import math
from dataclasses import dataclass

from comparing import strips, writers
from comparing.metrics import scale_border, scores
from settings.scales import axes_text, scale_text

# Scores of which a mean is made where both are known, so that the two are means over the same images.
SCORES = ('psnr_a', 'psnr_b'), ('ssim_a', 'ssim_b'), ('psnr_between',)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is measured of two results of an image, a and b.

    Attributes:
        name: the image's.
        scale: (vertical, horizontal) scale factor, or None where nothing tells it.
        size: (height, width) of the results.
        border: (vertical, horizontal) pixels that were cropped before measuring.
        psnr_between: of one result against the other, in dB; None where it was not measured.
        largest: largest difference of the two, in grey levels of 255; None likewise.
        psnr_a, ssim_a, psnr_b, ssim_b: of each against the ground truth, PSNR in dB; None without one.
    """

    name: str
    scale: tuple | None = None
    size: tuple | None = None
    border: tuple | None = None
    psnr_between: float | None = None
    largest: int | None = None
    psnr_a: float | None = None
    ssim_a: float | None = None
    psnr_b: float | None = None
    ssim_b: float | None = None

    @property
    def gain(self):
        """How far b's PSNR is above a's, in dB; None without a ground truth."""
        return None if self.psnr_a is None else self.psnr_b - self.psnr_a


def measure(files, pictures, border=None):
    """Measure two results of an image.

    Args:
        files: `ImageFiles`.
        pictures: its `Pictures`.
        border: pixels to crop, or None: that of the tables, `scale_border`.

    Returns:
        A `Verdict`.

    Raises:
        ValueError: if the border leaves too little to measure.
    """
    border = scale_border(files.scale) if border is None else (border, border)
    a, b = pictures.results
    against_truth = {}
    if pictures.truth is not None:
        for which, result in zip('ab', pictures.results, strict=True):
            scored = scores(result, pictures.truth, border, files.name, strips.MEASURES)
            against_truth |= {f'{score}_{which}': value for score, value in scored.items()}
    return Verdict(
        name=files.name,
        scale=files.scale,
        size=a.shape[:2],
        border=border,
        psnr_between=scores(a, b, border, files.name, [strips.psnr])['psnr'],
        largest=int(strips.difference(a, b).max()),
        **against_truth,
    )


def recorded(files):
    """The `Verdict` that run.json holds of a run's result beside bicubic enlargement; None without scores.

    Args:
        files: `ImageFiles` of a run.
    """
    result = files.results[-1]
    scales = result.run.get('scales') or ()
    scored = next((scale for scale in scales if scale.get('output') == result.path.name), {})
    psnr, bicubic = scored.get('psnr'), result.run.get('bicubic_psnr')
    if psnr is None or bicubic is None:
        return None
    return Verdict(name=files.name, scale=files.scale, psnr_a=bicubic, psnr_b=psnr, ssim_b=scored.get('ssim'))


def mean(verdicts):
    """A `Verdict` called mean: scores averaged over the images that have them, the largest difference."""
    means = {}
    for scores_of in SCORES:
        known = [[getattr(verdict, key) for key in scores_of] for verdict in verdicts]
        known = [values for values in known if None not in values]
        if known:
            sums = map(sum, zip(*known, strict=True))
            means |= {key: total / len(known) for key, total in zip(scores_of, sums, strict=True)}
    largest = [verdict.largest for verdict in verdicts if verdict.largest is not None]
    return Verdict(name='mean', largest=max(largest, default=None), **means)


def score_heads(names):
    """The heads of `score_cells`, `names` being what the two results are called."""
    heads = [f'{name} {score}' for name in names for score in ('PSNR', 'SSIM')]
    return [*heads, f'{names[1]} − {names[0]}', 'PSNR between', 'largest difference']


def score_cells(verdict):
    """What is measured, as text; empty where there is no ground truth."""
    psnr_a, psnr_b, between = map(decibels, (verdict.psnr_a, verdict.psnr_b, verdict.psnr_between))
    ssim_a, ssim_b = ('' if ssim is None else f'{ssim:.4f}' for ssim in (verdict.ssim_a, verdict.ssim_b))
    largest = '' if verdict.largest is None else str(verdict.largest)
    return [psnr_a, ssim_a, psnr_b, ssim_b, decibels(verdict.gain, '+.2f'), between, largest]


def decibels(value, form='.2f'):
    """A PSNR or a gain as text; empty without one, ∞ for identical pictures."""
    if value is None or math.isnan(value):
        return ''
    return format(value, form).replace('inf', '∞').replace('-', '−')


def markdown(verdicts, names):
    """The table of a comparison in Markdown, with the means last if there are several images."""
    lines = [[v.name, scale_text(v.scale), *score_cells(v)] for v in verdicts]
    if len(lines) > 1:
        lines.append([writers.Bold('mean'), '', *score_cells(mean(verdicts))])
    return writers.markdown_table(['image', 'scale', *score_heads(names)], lines, left=['image', 'scale'])


def csv_text(verdicts, names):
    """The table of a comparison as CSV: full precision, no means, empty where there is no ground truth."""
    lines = []
    for v in verdicts:
        scored = v.psnr_a, v.ssim_a, v.psnr_b, v.ssim_b, v.gain, v.psnr_between, v.largest
        lines.append([v.name, axes_text(v.scale), axes_text(v.border), *scored])
    return writers.csv_text(['image', 'scale', 'border', *score_heads(names)], lines)
