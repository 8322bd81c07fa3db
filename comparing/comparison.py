"""Two folders of results side by side: what each scores, and where they differ.

Scores follow the benchmarks' protocol (metrics.py): 8 bits, luma, a border of `scale` pixels cropped. The
largest difference is that of any channel of any pixel, border included.
"""

import csv
import io
import math
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from comparing import report, strips
from comparing.folders import Pair, pair_folders
from files.names import parse_name
from files.pictures import read_image
from files.records import Result, existing, read_results
from files.storage import atomic_write

DEFAULT_SCALE = (2.0, 2.0)
SCORES = 'psnr_a', 'ssim_a', 'psnr_b', 'ssim_b', 'psnr_between'


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class Pictures:
    """The pictures of a pair: uint8 arrays (H, W, C), C 1 or 3, of one shape except for `input`."""

    a: np.ndarray
    b: np.ndarray
    truth: np.ndarray | None = None
    input: np.ndarray | None = None
    bicubic: np.ndarray | None = None


@dataclass(frozen=True)
class Row:
    """The scores of one image; those against the truth are None without one.

    Attributes:
        name: the image's.
        scale: (vertical, horizontal) scale factor, or None where nothing tells it.
        size: (height, width) of the results.
        border: (vertical, horizontal) pixels that were cropped before measuring.
        psnr_a: of the first result, in dB.
        ssim_a: of the first result.
        psnr_b: of the second result, in dB.
        ssim_b: of the second result.
        psnr_between: of one result against the other, in dB.
        largest: largest difference of the two, in grey levels of 255.
    """

    name: str
    scale: tuple | None
    size: tuple
    border: tuple
    psnr_a: float | None
    ssim_a: float | None
    psnr_b: float | None
    ssim_b: float | None
    psnr_between: float
    largest: int


@dataclass(frozen=True)
class Comparison:
    """What a comparison left: its page, its rows, its table in Markdown, and notes on what is missing."""

    path: Path
    rows: list
    table: str
    notes: list


def compare(a, b, output, *, gt=None, inputs=None, names=None, border=None, figures=True):
    """Compare two folders of results and write the report.

    Args:
        a: folder of results, with the original's names (`STEM_zssr_X2.00X2.00.png`) or plain ones. Of several
            scales of an image, the largest that both folders have is compared.
        b: the other folder.
        output: folder to write into; made if needed.
        gt: folder of ground truth (`NAME.png`, `NAME_gt.png`), or None: what a run.json names, if any.
        inputs: folder of low-resolution inputs, for the figures, or None: what a run.json names, if any.
        names: what to call the two, or None: the folders' names.
        border: pixels to crop before measuring, or None: the scale of each image, 2 where it is unknown.
        figures: also draw the figures for papers.

    Returns:
        A `Comparison`.

    Raises:
        FileNotFoundError: if a folder is missing.
        ValueError: if the folders have no image in common, or none that can be compared.
    """
    names = tuple(names or (Path(folder).resolve().name for folder in (a, b)))
    if names[0] == names[1]:
        raise ValueError(f'both folders would be called {names[0]}; tell them apart with --names')
    pairs, notes = pair_folders(a, b, gt=gt, inputs=inputs)
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    draw = partial(_write_figure, output / 'figures', names) if figures else None
    page, rows, notes = _fill_page(pairs, notes, names, border, draw)
    atomic_write(output / 'comparison.md', markdown_table(rows, names).encode())
    atomic_write(output / 'comparison.csv', csv_table(rows, names).encode())
    return _write_page(output, page, rows, notes)


def report_run(folder):
    """Write `report.html` into the folder of a run: its results against bicubic enlargement of their inputs.

    Only the images that are there are shown: those of a run that was stopped, or of which some failed. Of
    several scales of an image, the last is.

    Args:
        folder: folder of a run, with run.json and the results that it lists.

    Returns:
        A `Comparison`.

    Raises:
        FileNotFoundError: if run.json is missing.
        ValueError: if run.json is damaged, or lists no result that can be compared.
    """
    folder, notes, pairs = Path(folder), [], {}
    for output_name, (scale, run) in read_results(folder).items():
        # Not parsed: the results of img_SRF_2_LR and of img_SRF_2_HR are two images here.
        name = run.get('stem') or parse_name(Path(output_name).stem)[0]
        source = existing(run.get('input'))
        if source is None or scale is None:
            notes.append(f'{folder / output_name}: its input or scale is not known (any more); left out')
            continue
        result = Result(folder / output_name, name, scale, run)
        pairs[name] = Pair(name, None, result, existing(run.get('ground_truth')), source)
    if not pairs:
        raise ValueError('; '.join([f'{folder}: its run.json lists nothing to compare', *notes]))
    page, rows, notes = _fill_page(list(pairs.values()), notes, ('bicubic', 'ZSSR'))
    return _write_page(folder, page, rows, notes)


def load(pair):
    """Read the pictures of a pair and bring them to one size and number of channels.

    Where truth and results differ by less than the scale factor, the larger is cropped at the bottom and
    right: so much is lost or added where a size is no multiple of the scale.

    Args:
        pair: a `Pair`.

    Returns:
        `Pictures`, and a list of notes, each one line.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file cannot be read, or the two results differ in size.
    """
    notes = []
    b = _read(pair.b.path, notes)
    # Reading takes most memory, so all is read before the enlargement is made.
    a = _read(pair.a.path, notes) if pair.a else None
    truth = _read(pair.truth, notes) if pair.truth else None
    source = _read(pair.input, notes) if pair.input else None
    bicubic = None if source is None else strips.enlarge(source, pair.scale, b.shape[:2])
    a = bicubic if a is None else a
    if a.shape[:2] != b.shape[:2]:
        raise ValueError(f'{pair.name}: {pair.a.path} is {_size(a)} and {pair.b.path} {_size(b)}; left out')
    if truth is not None:
        sizes = f'{pair.truth}: is {_size(truth)}, the results {_size(b)}'
        excess = np.abs(np.subtract(truth.shape[:2], b.shape[:2]))
        if (excess >= (pair.scale or DEFAULT_SCALE)).any():
            notes.append(f'{sizes}; not measured against it')
            truth = None
        elif excess.any():
            notes.append(f'{sizes}; cropped to the smaller')
    return Pictures(*_alike([a, b, truth]), source, bicubic), notes


def measure(pair, pictures, border=None):
    """Score the two results of a pair.

    Args:
        pair: a `Pair`.
        pictures: its `Pictures`.
        border: pixels to crop, or None: the scale factor, rounded up; 2 where it is unknown.

    Returns:
        A `Row`.

    Raises:
        ValueError: if the border leaves less than 11×11 pixels.
    """
    crop = tuple(math.ceil(s) for s in pair.scale or DEFAULT_SCALE) if border is None else (border, border)
    a, b, truth = pictures.a, pictures.b, pictures.truth
    scores = [None] * 4
    try:
        if truth is not None:
            scores = [score(image, truth, crop) for image in (a, b) for score in (strips.psnr, strips.ssim)]
        between = strips.psnr(a, b, crop)
    except ValueError as error:
        raise ValueError(f'{pair.name}: {error}') from error
    largest = int(report.difference(a, b).max())
    return Row(pair.name, pair.scale, a.shape[:2], crop, *scores, between, largest)


def mean_row(rows):
    """Average scores, each over the images that have it; of `largest`, the largest.

    Args:
        rows: list of `Row`, not empty.

    Returns:
        A `Row` called mean.
    """
    known = [[getattr(row, key) for row in rows if getattr(row, key) is not None] for key in SCORES]
    means = [sum(values) / len(values) if values else None for values in known]
    return Row('mean', None, (0, 0), (0, 0), *means, max(row.largest for row in rows))


def markdown_table(rows, names):
    """The table of a comparison in Markdown, with a row of means if there are several images.

    Args:
        rows: list of `Row`.
        names: what the two results are called.

    Returns:
        Text.
    """
    heads = ['image', 'scale', *report.score_heads(names)]
    cells = [[row.name, report.scale_text(row.scale), *report.score_cells(row)] for row in rows]
    if len(rows) > 1:
        cells.append(['**mean**', '', *report.score_cells(mean_row(rows))])
    lines = [[str(cell).replace('|', r'\|') for cell in line] for line in [heads, *cells]]
    lines.insert(1, ['---', '---', *['--:'] * (len(heads) - 2)])
    return ''.join('| ' + ' | '.join(line) + ' |\n' for line in lines)


def csv_table(rows, names):
    """The table of a comparison as CSV: full precision, no means, empty where there is no truth.

    Args:
        rows: list of `Row`.
        names: what the two results are called.

    Returns:
        Text.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(['image', 'scale', 'border', *report.score_heads(names)])
    for row in rows:
        scale, border = ('x'.join(f'{s:g}' for s in pair or ()) for pair in (row.scale, row.border))
        gain = None if row.psnr_a is None else row.psnr_b - row.psnr_a
        scores = row.psnr_a, row.ssim_a, row.psnr_b, row.ssim_b, gain, row.psnr_between, row.largest
        writer.writerow([row.name, scale, border, *scores])
    return text.getvalue()


def _fill_page(pairs, notes, names, border=None, each=None):
    """Load, measure and show the pairs one by one, so that memory holds one of them.

    Args:
        pairs: list of `Pair`.
        notes: what is missing so far. Not changed.
        names: what the two results are called.
        border: as for `measure`.
        each: called with the row and the pictures of each image, or None.

    Returns:
        The page, a list of `Row`, and the notes with those of the pairs.

    Raises:
        ValueError: if no pair can be compared.
    """
    page, rows, notes = report.Page(names, len(pairs)), [], list(notes)
    for pair in pairs:
        try:
            pictures, remarks = load(pair)
            row = measure(pair, pictures, border)
        except (ValueError, FileNotFoundError) as error:
            notes.append(str(error))
            page.skip()
            continue
        rows.append(row)
        notes += remarks
        page.add(row, pictures, pair.runs)
        if each:
            each(row, pictures)
        del pictures  # before the next ones are read
    if not rows:
        raise ValueError('; '.join(['no pair of results can be compared', *notes]))
    return page, rows, notes


def _write_page(folder, page, rows, notes):
    """Write `report.html`; returns the `Comparison`."""
    path = folder / 'report.html'
    atomic_write(path, page.html(rows, mean_row(rows), notes).encode())
    return Comparison(path, rows, markdown_table(rows, page.names), notes)


def _write_figure(folder, names, row, pictures):
    """Write the figure for papers of one image, as PNG and PDF."""
    from comparing import plots  # loads matplotlib

    candidates = [('input', pictures.input, None)]
    if 'bicubic' not in names:
        candidates.append(('bicubic', pictures.bicubic, _psnr(pictures.bicubic, pictures.truth, row.border)))
    candidates += [(names[0], pictures.a, row.psnr_a), (names[1], pictures.b, row.psnr_b)]
    candidates.append(('ground truth', pictures.truth, None))
    panels = [
        (name, image, '' if score is None else f'{score:.2f} dB')
        for name, image, score in candidates
        if image is not None
    ]
    found = report.peaks(report.difference(pictures.a, pictures.b), count=2)
    figure = plots.comparison_figure(panels, [(peak.top, peak.left, peak.side) for peak in found], row.size)
    folder.mkdir(exist_ok=True)
    for kind in ('png', 'pdf'):
        data = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # a name in a script that the font lacks
            figure.savefig(data, format=kind, dpi=200)
        atomic_write(folder / f'{row.name}.{kind}', data.getvalue())


def _psnr(image, truth, border):
    """PSNR of a further picture, None where it or the truth is missing."""
    if image is None or truth is None:
        return None
    return strips.psnr(*_alike([image, truth]), border)


def _read(path, notes):
    """An image file as uint8 (H, W, C); the alpha that the original adds everywhere is dropped."""
    picture = read_image(path)
    if picture.alpha is not None and picture.alpha.min() < 1:
        notes.append(f'{path}: is partly transparent; compared without its transparency')
    return strips.to_integers(picture.pixels)


def _alike(images):
    """Crop images to the smallest height and width, and bring gray and RGB together; None stays None."""
    present = [image for image in images if image is not None]
    height, width = (min(image.shape[axis] for image in present) for axis in (0, 1))
    present = [image[:height, :width] for image in present]
    if len({image.shape[2] for image in present}) > 1:
        # Gray is measured as it is: where another program wrote it as RGB, that is undone.
        gray = all((image == image[:, :, :1]).all() for image in present)
        present = [image[:, :, :1] if gray else np.repeat(image, 3, axis=2)[:, :, -3:] for image in present]
    fitted = iter(present)
    return [None if image is None else next(fitted) for image in images]


def _size(image):
    """Height and width of an image, in words."""
    return f'{image.shape[0]}×{image.shape[1]} pixels'
