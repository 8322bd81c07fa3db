"""Measured tables: a row per image in a CSV file that is whole at any moment, and the table in Markdown.

A row is found again by its key (which image, at which scale, by which program from which seed); it is valid
as long as the configuration and the inputs have the fingerprints that it records.
"""

import csv
import dataclasses
import io
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from files.storage import atomic_write
from paper import published

try:
    import fcntl
except ImportError:  # Windows: a table is to be measured by one process at a time
    fcntl = None

BICUBIC = 'bicubic'  # the program that every table has for comparison
PUBLISHED = 'published '  # what the names of programs begin with whose results were given as files

PROTOCOL = [
    'psnr (dB) and ssim: 8-bit images, luma of MATLAB rgb2ycbcr, a border of `scale` pixels cropped; SSIM',
    'with an 11x11 Gaussian window of sigma 1.5, valid area. Bicubic: MATLAB imresize of the 8-bit LR image',
    'in floating point, its luma rounded once. seconds: training and output. seed: of the training;',
    'draw_seed: of kernels and degradations. config, inputs: fingerprints; another one is measured anew.',
]


@dataclass(frozen=True)
class Row:
    """One image, measured. Text may be empty where a column does not apply, numbers None.

    Attributes:
        table: a name in `published.TITLES`.
        set: the set's name.
        scale: the scale factor.
        preset: the preset's name, or BICUBIC, or PUBLISHED + name.
        changes: what --gradual and --set changed in the preset.
        kernels: 'true', 'bicubic', or the name of the folder of kernels.
        seed: of the training.
        draw_seed: of what was drawn to make the low-resolution image.
        image: the image's name.
        degradation: what was done to make the low-resolution image, in words.
        psnr: of the result, in dB.
        ssim: of the result.
        bicubic_psnr: of bicubic enlargement of the same input.
        bicubic_ssim: of the same.
        iterations: of the training, in all steps.
        seconds: of training and output.
        config: fingerprint of the configuration.
        inputs: fingerprint of the ground truth and of what was made from it.
        machine: fingerprint of the note on machine, precision and versions.
    """

    table: str
    set: str
    scale: int
    preset: str
    changes: str
    kernels: str
    seed: int | None
    draw_seed: int | None
    image: str
    degradation: str
    psnr: float
    ssim: float
    bicubic_psnr: float
    bicubic_ssim: float
    iterations: int | None
    seconds: float | None
    config: str
    inputs: str
    machine: str

    @property
    def line(self):
        """What the images of one line of the table have in common, besides the configuration."""
        return (
            *(self.table, self.set, self.scale, self.preset, self.changes, self.kernels),
            *(-1 if seed is None else seed for seed in (self.seed, self.draw_seed)),
        )

    @property
    def key(self):
        """What identifies the row; also the order of rows in a file."""
        return *self.line, self.image

    def is_valid(self, config, inputs):
        """Whether it was measured with this configuration and these inputs."""
        return (self.config, self.inputs) == (config, inputs)

    @property
    def program(self):
        """The program's name in `published`."""
        if self.preset == BICUBIC or self.preset.startswith(PUBLISHED):
            return self.preset
        return f'ZSSR {self.kernels if self.kernels in ("true", "bicubic") else "estimated"}'


FIELDS = {field.name: field.type for field in dataclasses.fields(Row)}


def read_table(path):
    """Read a CSV file of rows.

    Args:
        path: the file; it may be missing.

    Returns:
        (rows, notes): a dict from key to Row, and one from what a comment line explains to its text.

    Raises:
        ValueError: if it is not such a file, naming the line.
    """
    path = Path(path)
    if not path.is_file():
        return {}, {}
    try:
        lines = path.read_text(encoding='utf-8').split('\n')  # splitlines() also splits inside names
    except UnicodeDecodeError as error:
        raise ValueError(f'{path}: is not a table of evaluate.py (not UTF-8 text); move it away') from error
    comments = list(takewhile(lambda line: line.startswith('#'), lines))
    notes = dict(_split_note(line[2:]) for line in comments if _is_note(line[2:]))
    start = len(comments)
    reader = csv.DictReader(io.StringIO('\n'.join(lines[start:])))
    try:
        columns = reader.fieldnames
    except csv.Error:
        columns = None
    if columns != list(FIELDS):
        raise ValueError(f'{path}: is not a table of evaluate.py (its columns are others); move it away')
    rows = {}
    while True:
        try:
            cells = next(reader, None)
            if cells is None:
                return rows, notes
            row = Row(**{name: _value(cells[name], kind) for name, kind in FIELDS.items()})
            if row.table not in published.TITLES:
                raise ValueError(f'{row.table!r} is none of {", ".join(published.TITLES)}')
        except (ValueError, TypeError, AttributeError, csv.Error) as error:
            # The reader has not counted a line that it cannot take apart.
            line = start + reader.line_num + isinstance(error, csv.Error)
            raise ValueError(f'{path}, line {line}: {error}; correct or delete it') from error
        rows[row.key] = row


def write_table(path, rows, notes):
    """Write a CSV file of rows, whole or not at all.

    Args:
        path: the file to write or replace.
        rows: dict from key to Row; at least one.
        notes: dict from 'config X', 'machine X' or 'set X' to a text; those of no row are dropped.
    """
    ordered = [rows[key] for key in sorted(rows)]
    table = ordered[0].table
    used = {f'{kind} {getattr(row, kind)}' for row in ordered for kind in ('config', 'machine', 'set')}
    seeds, draw_seeds = (
        ' '.join(map(str, sorted({value for row in ordered if (value := getattr(row, name)) is not None})))
        for name in ('seed', 'draw_seed')
    )
    header = [published.TITLES.get(table, table), *PROTOCOL]
    header += [f'presets {" ".join(sorted({row.preset for row in ordered}))}']
    header += [f'seeds {seeds or "none"}; draw seeds {draw_seeds or "none"}']
    header += [f'{key}: {notes[key]}' for key in sorted(notes) if key in used]
    text = io.StringIO()
    text.writelines('# ' + line.replace('\n', ' ') + '\n' for line in header)
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(FIELDS)
    writer.writerows([getattr(row, name) for name in FIELDS] for row in ordered)
    atomic_write(path, text.getvalue().encode())


def add_row(path, row, notes):
    """Add a row to a CSV file, or replace the one of the same key; what else is in the file stays.

    Args:
        path: the file, in an existing folder; the folder work/ beside it is made if needed.
        row: Row.
        notes: as for `write_table`, added to those of the file.
    """
    # Read again every time, since another run may be adding rows to the same table.
    with _alone(path):
        rows, known = read_table(path)
        write_table(path, rows | {row.key: row}, known | notes)


def markdown(table, rows, notes):
    """The table in Markdown: one line per set, scale and program, beside the published figures.

    Args:
        table: a name in `published.TITLES`.
        rows: iterable of Row.
        notes: as `read_table` gives them, for the number of images in a set that is not one of the paper's.

    Returns:
        Text. A line that has no rows says "not measured"; one with fewer images than its set says how many.
    """
    rows, others = list(rows), published.OTHERS[table]
    heads = ['set', '×', 'program', 'images', 'published', 'measured', 'bicubic, same images', 's/image']
    lines = [[*heads, *others], ['---', '--:', '---', *['--:'] * (len(heads) - 3 + len(others))]]
    for set_name, scale in _places(table, rows):
        here = [row for row in rows if (row.set, row.scale) == (set_name, scale)]
        known = published.FIGURES[table].get((set_name, scale), {})
        cells = [known.get(other, '–') for other in others]
        size = published.SET_SIZES.get(set_name) or int(notes.get(f'set {set_name}', '0').split()[0])
        groups = _groups(here)
        names = [_program_name(group[0]) for group in groups]
        for name, group in zip(names, groups, strict=True):
            # A preset that has changed since some of its rows were measured.
            mark = f' [{group[0].config}]' if names.count(name) > 1 else ''
            lines.append([set_name, scale, name + mark, *_measured_cells(group, size), *cells])
        missing = [p for p in known if p not in others and p not in {row.program for row in here}]
        for program in missing:
            empty = [_missing_name(program), f'0 of {size}', known[program], 'not measured', '–', '–']
            lines.append([set_name, scale, *empty, *cells])
    return ''.join(
        '| ' + ' | '.join(str(cell).replace('|', r'\|') for cell in line) + ' |\n' for line in lines
    )


def mean(rows, psnr='psnr', ssim='ssim'):
    """Mean PSNR and SSIM as the papers print them, such as '37.37/.9570'.

    Args:
        rows: list of Row, not empty.
        psnr, ssim: which two columns.

    Returns:
        Text.
    """
    decibels, similarity = (sum(getattr(row, name) for row in rows) / len(rows) for name in (psnr, ssim))
    return f'{decibels:.2f}/{f"{similarity:.4f}".removeprefix("0")}'


@contextmanager
def _alone(path):
    """Wait until no other run is changing a table, and keep others waiting while the context lasts."""
    # A file of its own, since the table itself is replaced; the lock ends with the process, however it ends.
    path = Path(path)
    lock = path.parent / 'work' / f'{path.stem}.lock'
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, 'w') as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_note(comment):
    return ': ' in comment and comment.startswith(('config ', 'machine ', 'set '))


def _split_note(comment):
    """What a note explains, and its text. A set's name may hold ': ', its text does not."""
    return comment.rsplit(': ', 1) if comment.startswith('set ') else comment.split(': ', 1)


def _value(cell, kind):
    """A cell of the file as the type of its column."""
    if kind is str:
        if cell is None:
            raise ValueError('has too few cells')
        return cell
    if not cell and kind in (int | None, float | None):
        return None
    return int(cell) if kind in (int, int | None) else float(cell)


def _places(table, rows):
    """(set, scale) of every block of lines: the published ones in their order, then the others."""
    known = dict.fromkeys(published.FIGURES[table])
    return list(known | dict.fromkeys(sorted({(row.set, row.scale) for row in rows} - known.keys())))


def _groups(rows):
    """Rows that make one line each: bicubic first, then the published results, then ours."""
    groups = {}
    for row in sorted(rows, key=lambda row: row.key):
        groups.setdefault((*row.line, row.config), []).append(row)
    rank = {BICUBIC: 0}
    return sorted(
        groups.values(), key=lambda group: rank.get(group[0].program, 1 + (group[0].seed is not None))
    )


def _measured_cells(group, size):
    """The cells of a line, from the number of images to the seconds."""
    first = group[0]
    figure = published.figure(first.table, first.set, first.scale, first.program) or '–'
    seconds = [row.seconds for row in group if row.seconds is not None]
    time = f'{sum(seconds) / len(seconds):.0f}' if seconds else '–'
    counted = f'{len(group)} of {max(size, len(group))}'
    bicubic = '–' if first.preset == BICUBIC else mean(group, 'bicubic_psnr', 'bicubic_ssim')
    return [counted, figure, mean(group), bicubic, time]


def _program_name(row):
    """What a line calls the program of its rows; seeds are mentioned where they are not the default, 0."""
    name = row.preset if row.program == row.preset else f'ZSSR, {row.preset}'
    name += f' ({row.changes})' if row.changes else ''
    if row.program != row.preset and row.table in ('table2', 'div2krk'):
        name += f', {row.kernels} kernel'
    name += f', seed {row.seed}' if row.seed else ''
    return name + (f', draw seed {row.draw_seed}' if row.draw_seed else '')


def _missing_name(program):
    """A published program that was not measured, in words."""
    name, _, kernels = program.partition(' ')
    return f'{name}, {kernels} kernel' if kernels else name
