"""Measured tables: a row per image in a CSV file that is whole at any moment, and the table in Markdown.

A row is found again by its key (which image, at which scale, by which program from which seed); it is valid
as long as the configuration and the inputs have the fingerprints that it records.
"""

import csv
import dataclasses
import io
import math
import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path

from comparing.writers import csv_text, markdown_table
from files.storage import atomic_write, fingerprint, one_line, printable
from paper import published
from settings.scales import LARGEST_SCALE

try:
    import fcntl
except ImportError:  # Windows: a table is to be measured by one process at a time
    fcntl = None

BICUBIC = 'bicubic'  # the program that every table has for comparison
WITH_KERNELS = ('table2', 'div2krk')  # of blurred images, which can be enlarged with one kernel or another
PUBLISHED = 'published '  # what the names of programs begin with whose results were given as files
NOTED = ('config', 'machine', 'set')  # the columns whose values are explained in notes

PROTOCOL = [
    'psnr (dB) and ssim: 8-bit images, luma of MATLAB rgb2ycbcr, a border of `scale` pixels cropped; SSIM',
    'with an 11x11 Gaussian window of sigma 1.5, valid area. Bicubic: MATLAB imresize of the 8-bit LR image',
    'in floating point, its luma rounded once. seconds: training and output. seed: of the training;',
    'draw_seed: of kernels and degradations. config, inputs: fingerprints; another one is measured anew.',
]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One image, measured or to be measured; its columns are those of the file.

    Where a column does not apply, text is empty and a number None. Scores are NaN until they are measured.
    """

    table: str  # a name in published.TITLES
    set: str
    scale: int
    preset: str  # its name, BICUBIC, or PUBLISHED + name
    changes: str = ''  # what --gradual and --set changed in the preset
    kernels: str = ''  # 'true', 'bicubic', or the name of the folder of kernels
    seed: int | None = None  # of the training
    draw_seed: int | None = None  # of what was drawn to make the low-resolution image
    image: str
    degradation: str  # what was done to make the low-resolution image, in words
    psnr: float = math.nan  # of the result, in dB
    ssim: float = math.nan
    bicubic_psnr: float = math.nan  # of bicubic enlargement of the same input
    bicubic_ssim: float = math.nan
    iterations: int | None = None  # of the training, in all steps
    seconds: float | None = None  # of training and output
    config: str = ''  # fingerprint; Notes have the configuration itself
    inputs: str  # fingerprint of the ground truth and of what was made from it
    machine: str = ''  # fingerprint; Notes have machine, precision and versions

    @property
    def line(self):
        """What the images of one line of the table have in common, besides the configuration."""
        seed, draw_seed = (-1 if seed is None else seed for seed in (self.seed, self.draw_seed))
        return self.table, self.set, self.scale, self.preset, self.changes, self.kernels, seed, draw_seed

    @property
    def key(self):
        """What identifies the row; also the order of rows in a file."""
        return *self.line, self.image

    def is_valid(self, config, inputs):
        """Whether it was measured with this configuration and these inputs."""
        return (self.config, self.inputs) == (config, inputs)

    def twin(self, rows):
        """This row with the scores of another that was measured from the same; None if there is none.

        An estimate that finds no blur makes the same sons as the bicubic kernel.
        """
        for row in rows:
            if row.is_valid(self.config, self.inputs) and replace(row, kernels=self.kernels).key == self.key:
                return replace(row, kernels=self.kernels)
        return None

    @property
    def program(self):
        """The program's name in `published`."""
        if self.preset == BICUBIC or self.preset.startswith(PUBLISHED):
            return self.preset
        return f'ZSSR {self.kernels if self.kernels in ("true", "bicubic") else "estimated"}'

    @property
    def summary(self):
        """The row in one line for people."""
        kernels = f', {self.kernels} kernel' if self.kernels else ''
        cost = '' if self.seconds is None else f', {self.iterations} iterations, {self.seconds:.0f} s'
        scores = f'{self.psnr:.2f} dB (bicubic {self.bicubic_psnr:.2f})'
        return f'{self.set} ×{self.scale} {self.image}: {self.preset}{kernels}: {scores}{cost}'


COLUMNS = {column.name: column.type for column in dataclasses.fields(Row)}


@dataclass
class Notes:
    """What the comment lines above the columns explain: values of the columns in NOTED."""

    texts: dict = field(default_factory=dict)  # (column, value) -> text

    @classmethod
    def parse(cls, lines):
        """Read them from comment lines, of which the others are passed over."""
        notes = cls()
        for line in lines:
            column, _, rest = line.partition(' ')
            if column in NOTED and ': ' in rest:
                # A set's name may hold ': ', its text does not.
                value, text = rest.rsplit(': ', 1) if column == 'set' else rest.split(': ', 1)
                if column != 'set' or re.fullmatch(r'\d{1,9} images', text, re.ASCII):
                    notes.texts[column, value] = text
        return notes

    def lines(self, rows):
        """The notes on these rows, a sorted list of lines."""
        used = {(column, printable(getattr(row, column))) for row in rows for column in NOTED}
        return [f'{" ".join(key)}: {self.texts[key]}' for key in sorted(used & self.texts.keys())]

    def __or__(self, other):
        """These and the other's, which win."""
        return Notes(self.texts | other.texts)

    def add_config(self, program, settings):
        """Note which settings a program is trained with, in words; returns their fingerprint."""
        config = fingerprint(settings)
        self.texts['config', config] = f'{program}: {settings}'
        return config

    def add_machine(self, words):
        """Note what images are trained on, in words; returns their fingerprint."""
        machine = fingerprint(words)
        self.texts['machine', machine] = words
        return machine

    def add_set(self, name, size):
        """Note how many images a set has."""
        self.texts['set', printable(name)] = f'{size} images'

    def set_size(self, name):
        """How many images a set has, 0 if it is not known."""
        return int(self.texts.get(('set', printable(name)), '0').split()[0])


def read_table(path):
    """Read a CSV file of rows, which may be missing.

    Returns:
        (rows, notes): a dict from key to Row, and Notes.

    Raises:
        ValueError: if it is not such a file, naming the line.
    """
    path = Path(path)
    if not path.is_file():
        return {}, Notes()
    head, reader = _open_table(path)
    rows = {}
    while True:
        try:
            cells = next(reader, None)
            if cells is None:
                return rows, Notes.parse(line.removeprefix('# ') for line in head)
            row = _row(cells)
            if row.key in rows:
                raise ValueError('is a second row of the same image and program')
        except (ValueError, csv.Error) as error:
            # The reader has not counted a line that it cannot take apart.
            line = len(head) + reader.line_num + isinstance(error, csv.Error)
            raise ValueError(f'{path}, line {line}: {one_line(error)}; correct or delete it') from error
        rows[row.key] = row


def write_table(path, rows, notes):
    """Write a CSV file, whole or not at all, of a dict from key to Row, not empty, and the Notes on those."""
    ordered = [rows[key] for key in sorted(rows)]
    seeds, draw_seeds = (
        ' '.join(map(str, sorted({value for row in ordered if (value := getattr(row, name)) is not None})))
        for name in ('seed', 'draw_seed')
    )
    head = [
        published.TITLES[ordered[0].table],
        *PROTOCOL,
        f'presets {" ".join(sorted({row.preset for row in ordered}))}',
        f'seeds {seeds or "none"}; draw seeds {draw_seeds or "none"}',
        *notes.lines(ordered),
    ]
    comments = ''.join(f'# {printable(line)}\n' for line in head)
    cells = ([getattr(row, name) for name in COLUMNS] for row in ordered)
    atomic_write(path, (comments + csv_text(COLUMNS, cells)).encode(errors='surrogateescape'))


def add_row(path, row, notes):
    """Add a row and its Notes to a CSV file, or replace the row of the same key; what else is there stays."""
    # Read again every time, since another run may be adding rows to the same table.
    with _alone(path):
        rows, known = read_table(path)
        write_table(path, rows | {row.key: row}, known | notes)


def find_tables(path):
    """The CSV files of tables in a folder, called TABLE.csv there; a file is one itself.

    Raises:
        FileNotFoundError: if there is none.
    """
    path = Path(path)
    files = [path / f'{table}.csv' for table in published.TITLES] if path.is_dir() else [path]
    files = [file for file in files if file.is_file()]
    if not files:
        raise FileNotFoundError(f'{path}: no table there; give a CSV file of evaluate.py, or their folder')
    return files


def markdown(table, rows, notes):
    """The table in Markdown: one line per set, scale and program, beside the published figures.

    A user's own sets come first, then what is published, then the benchmarks' sets at other scales.
    A line that has no rows says "not measured"; one with fewer images than its set says how many. The size of
    a set that is not one of the paper's is known from the notes.
    """
    rows, others = list(rows), published.OTHERS[table]
    heads = ['set', '×', 'program', 'images', 'published', 'measured', 'bicubic, same images', 's/image']
    lines = []
    for set_name, scale in _places(table, rows):
        here = [row for row in rows if (row.set, row.scale) == (set_name, scale)]
        known = published.FIGURES[table].get((set_name, scale), {})
        cells = [known.get(other, '–') for other in others]
        size = published.SET_SIZES.get(set_name) or notes.set_size(set_name)
        groups = _groups(here)
        names = [_program_name(group[0]) for group in groups]
        for name, group in zip(names, groups, strict=True):
            # A preset that has changed since some of its rows were measured.
            mark = f' [{group[0].config}]' if names.count(name) > 1 else ''
            lines.append([set_name, scale, name + mark, *_measured_cells(group, size), *cells])
        programs = {row.program for row in here}.union(others)
        for program in (program for program in known if program not in programs):
            empty = [_missing_name(program), f'0 of {size}', known[program], 'not measured', '–', '–']
            lines.append([set_name, scale, *empty, *cells])
    return markdown_table([*heads, *others], lines, left=('set', 'program'))


def mean(rows, psnr='psnr', ssim='ssim'):
    """Mean PSNR and SSIM as the papers print them, such as '37.37/.9570'."""
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


def _open_table(path):
    """The comment lines of a file, and a csv.DictReader of the rows below, its columns checked."""
    # splitlines(), and text that is read as such, would also split inside names.
    lines = path.read_bytes().decode(errors='surrogateescape').split('\n')
    head = [line.rstrip('\r') for line in takewhile(lambda line: line.startswith('#'), lines)]
    reader = csv.DictReader(io.StringIO('\n'.join(lines[len(head) :]), newline=''))
    try:
        columns = reader.fieldnames
    except csv.Error:
        columns = None
    if columns != list(COLUMNS):
        reason = 'its columns are others, or it is no UTF-8 text'
        raise ValueError(f'{path}: is not a table of evaluate.py ({reason}); move it away')
    return head, reader


def _row(cells):
    """The Row of a line's cells, a dict from column to text; a ValueError says what is wrong."""
    if None in cells or None in cells.values():
        raise ValueError(f'has too {"many" if None in cells else "few"} cells')
    row = Row(**{name: _value(cells[name], kind) for name, kind in COLUMNS.items()})
    if row.table not in published.TITLES:
        raise ValueError(f'{row.table[:99]!r} is none of {", ".join(published.TITLES)}')
    for columns, holds, rule in RULES:
        for name in columns:
            value = getattr(row, name)
            if value is not None and not holds(value):
                raise ValueError(f'{name} {value} {rule}')
    return row


def _value(cell, kind):
    """A cell of the file as the type of its column."""
    if kind is str:
        if '\0' in cell:
            raise ValueError('has a NUL character')
        return cell
    if not cell and kind in (int | None, float | None):
        return None
    try:
        return int(cell) if kind in (int, int | None) else float(cell)
    except ValueError:
        what = 'whole number' if kind in (int, int | None) else 'number'
        raise ValueError(f'{cell[:99]!r} is no {what}') from None


# Columns -> whether a value of theirs can be used, and what it must be.
RULES = [
    (('scale',), lambda v: 1 <= v <= LARGEST_SCALE, f'must be from 1 to {LARGEST_SCALE}'),
    (('psnr', 'bicubic_psnr'), lambda v: v >= 0, 'must be 0 or more, inf for equal images'),
    (('ssim', 'bicubic_ssim'), lambda v: -1 <= v <= 1, 'must be from -1 to 1'),
    (
        ('seed', 'draw_seed', 'iterations'),
        lambda v: 0 <= v < 2**63,
        'must not be negative, nor beyond 64 bits',
    ),
    (('seconds',), lambda v: 0 <= v < math.inf, 'must be finite and not negative'),
]


def _places(table, rows):
    """(set, scale) of every block of lines: a user's own sets, then the published ones in their order."""
    known = dict.fromkeys(published.FIGURES[table])
    benchmarks = published.SET_SIZES.keys() | {name for name, _ in known}
    others = sorted({(row.set, row.scale) for row in rows} - known.keys())
    own = [place for place in others if place[0] not in benchmarks]
    return list(dict.fromkeys([*own, *known, *others]))


def _groups(rows):
    """Rows that make one line each: bicubic first, then the published results, then ours."""
    groups = {}
    for row in sorted(rows, key=lambda row: row.key):
        groups.setdefault((*row.line, row.config), []).append(row)
    return sorted(groups.values(), key=lambda group: (group[0].program != BICUBIC, group[0].seed is not None))


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
    if row.program != row.preset and row.table in WITH_KERNELS:
        name += f', {row.kernels} kernel'
    name += f', seed {row.seed}' if row.seed else ''
    return name + (f', draw seed {row.draw_seed}' if row.draw_seed else '')


def _missing_name(program):
    """A published program that was not measured, in words."""
    name, _, kernels = program.partition(' ')
    return f'{name}, {kernels} kernel' if kernels else name
