"""Two folders of results side by side, or a run's beside bicubic enlargement: from folders to pages."""

from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from comparing import strips
from comparing.difference_map import peaks
from comparing.facts import image_facts, run_facts
from comparing.folders import common_images, images_of_run, in_one_line, with_companions
from comparing.loading import alike, comparable, load
from comparing.page import Page
from comparing.verdicts import csv_text, markdown, mean, measure, recorded
from files.records import read_run
from files.storage import atomic_write

# Images of a run that its report shows: reading, measuring and drawing one takes a tenth of a second or more.
SHOWN = 100
# Of them, those of the lowest PSNR that run.json records.
WORST = 10


@dataclass(frozen=True)
class Comparison:
    """What a comparison left: its page, a `Verdict` per image, their table, and notes on what is missing."""

    path: Path
    verdicts: list
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
    images, notes = common_images(a, b, gt=gt, inputs=inputs)
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    draw = partial(_write_figure, output / 'figures', names) if figures else None
    done = _write_page(output, images, notes, names, border=border, each=draw)
    atomic_write(output / 'comparison.md', done.table.encode())
    rows = csv_text(done.verdicts, names)
    atomic_write(output / 'comparison.csv', rows.encode(errors='surrogateescape'))
    return done


def report_run(folder, *, gt=None, inputs=None):
    """Write `report.html` into the folder of a run: its results against bicubic enlargement of their inputs.

    It tells what run.json records of the run, and links its files.
    Only the images that are there are shown, be the run stopped, or some of them failed. Of several scales of
    an image, the last is. Of more than `SHOWN` images, the table has all whose scores are recorded.

    Args:
        folder: of the run.
        gt: folder of ground truth, or None: the files that run.json names.
        inputs: folder of low-resolution inputs, or None: likewise.

    Returns:
        A `Comparison`.

    Raises:
        FileNotFoundError: if run.json is missing.
        ValueError: if run.json is damaged, or lists no result that can be compared.
    """
    folder = Path(folder)
    run = read_run(folder)
    images = images_of_run(folder, run)
    chosen = _shown(images)
    found, notes = with_companions(chosen, folder, gt=gt, inputs=inputs)
    if len(chosen) < len(images):
        which = f'the first, and the {WORST} of the lowest PSNR, if run.json records it'
        rest = 'the table has the others, too, if their scores are recorded; means are over images with both'
        notes.insert(0, f'{len(chosen)} of {len(images)} images are shown: {which}; {rest}')
    shown = {files.name: files for files in found}
    left_out = {files.name for files in chosen} - shown.keys()
    images = [shown.get(files.name, files) for files in images if files.name not in left_out]
    listed = {files.name for files in images} - shown.keys()
    return _write_page(folder, images, notes, ('bicubic', 'ZSSR'), run=run, listed=listed)


def _shown(images):
    """The images of a run that are shown, in their order: the first ones, and those of the lowest PSNR."""
    if len(images) <= SHOWN:
        return images
    scored = [(verdict.psnr_b, number) for number, files in enumerate(images) if (verdict := recorded(files))]
    worst = [number for _, number in sorted(scored)[:WORST]]
    others = (number for number in range(len(images)) if number not in worst)
    return [images[number] for number in sorted([*worst, *islice(others, SHOWN - len(worst))])]


def _write_page(folder, images, notes, names, *, border=None, each=None, run=None, listed=frozenset()):
    """Load, measure and show images one by one, so that memory holds one of them, and write `report.html`.

    For each, `each` is called with its verdict and pictures. With `run`, the run.json of `folder`, the page
    tells what that records. Images whose names are `listed` are in its table only, with what is recorded. A
    ValueError says that none can be compared.
    """
    records = [files.results[-1].run for files in images]
    page, verdicts, notes = Page(names, len(images) - len(listed), len(images)), [], [*notes]
    for files in images:
        if files.name in listed:
            verdicts += filter(None, [recorded(files)])
            continue
        try:
            pictures, remarks = load(files)
            verdict = measure(files, pictures, border)
        except (ValueError, OSError) as error:
            notes.append(str(error))
            page.skip()
            continue
        verdicts.append(verdict)
        notes += remarks
        about = () if run is None else image_facts(files.results[-1].run, folder, records)
        page.add(verdict, pictures, [result.run if result else {} for result in files.results], about)
        if each:
            each(verdict, pictures)
        del pictures  # before the next ones are read
    if not verdicts:
        raise ValueError(in_one_line('no results can be compared', notes))
    path = folder / 'report.html'
    about = () if run is None else run_facts(run, folder, records)
    atomic_write(path, page.html(verdicts, mean(verdicts), notes, about).encode(errors='replace'))
    return Comparison(path, verdicts, markdown(verdicts, names), notes)


def _write_figure(folder, names, verdict, pictures):
    """Write the figure for papers of one image, as PNG and PDF."""
    from comparing.figures import comparison_figure, figure_bytes  # loads matplotlib

    a, b = pictures.results
    candidates = [('input', pictures.input, None)]
    if 'bicubic' not in names:
        candidates.append(('bicubic', pictures.bicubic, _bicubic_psnr(pictures, verdict.border)))
    candidates += [(names[0], a, verdict.psnr_a), (names[1], b, verdict.psnr_b)]
    candidates.append(('ground truth', pictures.truth, None))
    panels = [
        (name, strips.viewable(image), '' if score is None else f'{score:.2f} dB')
        for name, image, score in candidates
        if image is not None
    ]
    figure = comparison_figure(panels, peaks(strips.difference(a, b), count=2), verdict.size)
    folder.mkdir(exist_ok=True)
    for kind in ('png', 'pdf'):
        atomic_write(folder / f'{verdict.name}.{kind}', figure_bytes(figure, kind, dpi=200))


def _bicubic_psnr(pictures, border):
    """PSNR of bicubic enlargement, None where it or a ground truth of its channels is missing."""
    bicubic, truth = pictures.bicubic, pictures.truth
    if bicubic is None or truth is None or not comparable(bicubic, truth):
        return None
    return strips.psnr(*alike(bicubic, truth), border)
