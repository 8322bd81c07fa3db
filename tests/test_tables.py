"""tables.py and published.py: rows survive the file, and the table says what was measured, and what not."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.command_line import PROJECT
from helpers.pictures import refusal

from paper import published, tables

ROW = tables.Row(
    table='table1',
    set='Set5',
    scale=2,
    preset='X2_ONE_JUMP_IDEAL_CONF',
    kernels='bicubic',
    seed=0,
    image='bird',
    degradation='bicubic',
    psnr=41.5,
    ssim=0.98,
    bicubic_psnr=36.8,
    bicubic_ssim=0.97,
    iterations=1980,
    seconds=78.25,
    config='aaaa',
    inputs='bbbb',
    machine='cccc',
)
NOTES = tables.Notes(
    {
        ('config', 'aaaa'): 'X2_ONE_JUMP_IDEAL_CONF: the defaults',
        ('machine', 'cccc'): 'CPU, 2 cores',
        ('set', 'Mine'): '7 images',
    }
)


def row(**changes):
    return dataclasses.replace(ROW, **changes)


def as_dict(*rows):
    return {each.key: each for each in rows}


def lines_of(rows, table='table1', notes=NOTES):
    lines = [line.strip('| ').split(' | ') for line in tables.markdown(table, rows, notes).splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]


def test_rows_and_notes_survive_the_file(tmp_path):
    rows = as_dict(
        row(),
        row(preset='bicubic', seed=None, kernels='', iterations=None, seconds=None, config='', machine=''),
        row(image='line\u2028 and page\x0c', set='Mine: new'),
        row(image='two\nlines', changes='a\nb'),
        row(image='\rreturned\r\n', set='My\r\nsets\x1b'),
        row(image='caf\udce9', set='caf\udce9'),
        row(image='a, "quoted" name', psnr=float('inf'), draw_seed=3, changes='max_iters=5 width=4'),
    )
    path = tmp_path / 'table1.csv'
    given = NOTES | tables.Notes({('set', 'Mine: new'): '3 images', ('config', 'aaaa'): 'preset: fields'})
    given.add_set('My\r\nsets\x1b', 4)
    given.add_set('caf\udce9', 5)
    tables.write_table(path, rows, given)
    read, notes = tables.read_table(path)
    assert read == rows
    del given.texts['set', 'Mine']  # no row is of it
    assert notes == given
    assert (notes.set_size('My\r\nsets\x1b'), notes.set_size('caf\udce9')) == (4, 5)
    first = path.read_bytes()
    tables.write_table(path, dict(reversed(read.items())), notes)
    assert path.read_bytes() == first


def test_lines_may_end_as_on_windows(tmp_path):
    path = tmp_path / 'table1.csv'
    tables.write_table(path, as_dict(row()), NOTES)
    before = tables.read_table(path)
    path.write_bytes(path.read_bytes().replace(b'\n', b'\r\n'))
    assert tables.read_table(path) == before


def test_notes_are_composed_and_read_in_one_place():
    notes = tables.Notes()
    config = notes.add_config('PRESET width=4', 'width=4')
    machine = notes.add_machine('CPU: 2 cores')
    notes.add_set('Mine: new', 3)
    lines = notes.lines([row(config=config, machine=machine, set='Mine: new')])
    assert lines == [
        f'config {config}: PRESET width=4: width=4',
        f'machine {machine}: CPU: 2 cores',
        'set Mine: new: 3 images',
    ]
    assert tables.Notes.parse(['seeds 0', *lines, 'settings: none']) == notes
    assert (notes.set_size('Mine: new'), notes.set_size('Other')) == (3, 0)
    assert notes.lines([row()]) == []


@pytest.mark.parametrize(
    'path', tables.find_tables(PROJECT / 'results' / 'tables'), ids=lambda path: path.stem
)
def test_tables_so_far_are_written_as_they_were_read(tmp_path, path):
    tables.write_table(tmp_path / path.name, *tables.read_table(path))
    before, after = (file.read_bytes().split(b'\n') for file in (path, tmp_path / path.name))
    dropped = [line for line in before if line not in after]
    assert [line for line in before if line not in dropped] == after
    # A note goes with the last row that it was about.
    assert all(line.startswith(b'# machine ') for line in dropped)


def test_the_header_says_how_it_was_measured(tmp_path):
    path = tmp_path / 'table1.csv'
    tables.write_table(path, as_dict(row(), row(image='woman', seed=2)), NOTES)
    comments = [line for line in path.read_text().splitlines() if line.startswith('#')]
    assert comments == path.read_text().splitlines()[: len(comments)]
    text = '\n'.join(comments)
    for words in (
        'Table 1',
        'rgb2ycbcr',
        'border',
        'X2_ONE_JUMP_IDEAL_CONF: the defaults',
        '2 cores',
        'seeds 0 2',
    ):
        assert words in text


def test_adding_a_row_keeps_the_others_and_replaces_its_own(tmp_path):
    path = tmp_path / 'table1.csv'
    tables.add_row(path, row(), NOTES)
    tables.add_row(path, row(image='woman', config='dddd'), tables.Notes({('config', 'dddd'): 'another'}))
    tables.add_row(path, row(psnr=42.0), tables.Notes())
    read, notes = tables.read_table(path)
    assert sorted((each.image, each.psnr) for each in read.values()) == [('bird', 42.0), ('woman', 41.5)]
    assert notes.texts['config', 'dddd'] == 'another'
    assert notes.texts['machine', 'cccc'] == 'CPU, 2 cores'


def test_two_runs_that_add_to_one_table_lose_no_row(tmp_path):
    path = tmp_path / 'table1.csv'
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: tables.add_row(path, row(image=str(number)), NOTES), range(40)))
    assert len(tables.read_table(path)[0]) == 40


def test_a_killed_write_leaves_the_table_whole(tmp_path, monkeypatch):
    path = tmp_path / 'table1.csv'
    tables.add_row(path, row(), NOTES)
    before = path.read_bytes()

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr('os.replace', killed)
    with pytest.raises(KeyboardInterrupt):
        tables.add_row(path, row(image='woman'), NOTES)
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [path, tmp_path / 'work']


def test_a_row_is_valid_for_its_own_configuration_and_inputs():
    assert row().is_valid('aaaa', 'bbbb')
    assert not row().is_valid('aaab', 'bbbb')
    assert not row().is_valid('aaaa', 'bbbc')


def test_no_file_is_an_empty_table(tmp_path):
    assert tables.read_table(tmp_path / 'none.csv') == ({}, tables.Notes())


@pytest.mark.parametrize(
    ('damage', 'words'),
    [
        (lambda text: text.replace('41.5', 'good'), ['line 11', "'good'", 'delete']),
        (lambda text: text.replace('table1,Set5', 'table9,Set5'), ['line 11', 'table9', 'table1, table2']),
        (lambda text: text[: text.rindex(',cccc')], ['line 11', 'too few cells']),
        (lambda text: text.replace('psnr,ssim', 'psnr,sim', 1), ['columns', 'move it away']),
        (lambda text: '', ['columns']),
        (lambda text: text.replace('bird', 'b' * 200_000), ['line 11', 'field larger']),
        (lambda text: text.rstrip('\n') + ',more\n', ['line 11', 'too many cells']),
        (lambda text: text + text.splitlines()[-1] + '\n', ['line 12', 'second row']),
        (lambda text: text.replace('41.5', 'nan'), ['line 11', 'psnr nan']),
        (lambda text: text.replace('41.5', '-inf'), ['line 11', 'psnr -inf']),
        (lambda text: text.replace('0.98', '1e999'), ['line 11', 'ssim inf', 'from -1 to 1']),
        (lambda text: text.replace('78.25', 'inf'), ['line 11', 'seconds inf', 'finite']),
        (lambda text: text.replace('1980', '9' * 5000), ['line 11', 'whole number']),
        (lambda text: text.replace('1980', '9' * 30), ['line 11', 'iterations', '64 bits']),
        (lambda text: text.replace('Set5,2,', 'Set5,0,'), ['line 11', 'scale 0', 'from 1 to 100']),
        (lambda text: text.replace('Set5,2,', 'Set5,,'), ['line 11', "'' is no whole number"]),
        (lambda text: text.replace('bird', 'b\0d'), ['line 11', 'NUL']),
        (lambda text: text.replace('bird', 'b\rd'), ['line 11', 'too few cells']),
        (lambda text: text.replace('bird', '"bird'), ['line 11', 'too few cells']),
    ],
)
def test_damaged_tables_are_refused_and_the_line_named(tmp_path, damage, words):
    path = tmp_path / 'table1.csv'
    tables.write_table(path, as_dict(row()), NOTES)
    path.write_bytes(damage(path.read_text()).encode())
    message = refusal(tables.read_table, path)
    for word in [str(path), *words]:
        assert word in message


@pytest.mark.parametrize('size', ['many images', '', '1e9 images', '9' * 5000 + ' images', '-1 images'])
def test_a_size_of_a_set_that_is_none_is_not_known(tmp_path, size):
    path = tmp_path / 'table1.csv'
    tables.write_table(path, as_dict(row(set='Mine')), NOTES)
    path.write_text(path.read_text().replace('7 images', size))
    rows, notes = tables.read_table(path)
    assert notes.set_size('Mine') == 0
    assert lines_of(rows.values(), notes=notes)[0]['images'] == '1 of 1'


def test_what_is_no_text_is_refused(tmp_path):
    path = tmp_path / 'table1.csv'
    path.write_bytes(b'\xff\xfe\0')
    assert 'UTF-8' in refusal(tables.read_table, path)


def test_published_and_measured_stand_side_by_side():
    rows = [row(psnr=37.0, ssim=0.95), row(image='woman', psnr=38.0, ssim=0.96, seconds=21.75)]
    rows += [row(preset='bicubic', kernels='', seed=None, seconds=None, config='', psnr=33.656, ssim=0.9295)]
    bicubic, ours, *others = lines_of(rows)
    assert bicubic['published'] == '33.66/.9299 (quoted)'
    assert bicubic['measured'] == '33.66/.9295'
    assert (bicubic['images'], bicubic['s/image']) == ('1 of 5', '–')
    assert ours['program'] == 'ZSSR, X2_ONE_JUMP_IDEAL_CONF'
    assert ours['published'] == '37.37/.9570 (seen)'
    assert (ours['measured'], ours['images'], ours['s/image']) == ('37.50/.9550', '2 of 5', '50')
    assert ours['bicubic, same images'] == '36.80/.9700'
    assert ours['VDSR'] == '37.53/.9587 (quoted)'
    assert {line['measured'] for line in others} == {'not measured'}
    assert ('Set14', '3') in {(line['set'], line['×']) for line in others}


def test_what_is_not_measured_is_said_not_estimated():
    for table in filter(published.FIGURES.get, published.TITLES):
        lines = lines_of([], table)
        assert lines
        for line in lines:
            assert line['measured'] == 'not measured'
            assert line['images'].startswith('0 of ')
            assert line['published'].endswith(('(seen)', '(quoted)'))


def test_kernels_choose_the_published_figure():
    given = {'table': 'table2', 'set': 'BSD100', 'draw_seed': 0, 'preset': 'X2_GIVEN_KERNEL_CONF'}
    rows = [row(**given, kernels=kernels) for kernels in ('true', 'bicubic', 'mine')]
    found = {line['program']: line['published'] for line in lines_of(rows, 'table2')}
    assert found == {
        'ZSSR, X2_GIVEN_KERNEL_CONF, true kernel': '29.68/.8414 (quoted)',
        'ZSSR, X2_GIVEN_KERNEL_CONF, bicubic kernel': '–',
        'ZSSR, X2_GIVEN_KERNEL_CONF, mine kernel': '28.81/.8306 (quoted)',
    }


def test_a_set_of_ones_own_has_the_size_of_its_folder():
    line = lines_of([row(set='Mine')])[0]
    assert (line['images'], line['published']) == ('1 of 7', '–')
    assert lines_of([row(set='Unknown')], notes=tables.Notes())[0]['images'] == '1 of 1'


def test_sets_of_ones_own_come_before_the_benchmarks():
    rows = [
        row(set=name, scale=scale) for name, scale in (('Set5', 7), ('Zoo', 2), ('Set5', 2), ('Alpha', 3))
    ]
    lines = lines_of(rows)
    first, second, *others, last = [(line['set'], line['×']) for line in lines]
    assert (first, second, last) == (('Alpha', '3'), ('Zoo', '2'), ('Set5', '7'))
    assert list(dict.fromkeys(others)) == [(name, str(scale)) for name, scale in published.FIGURES['table1']]


def test_lines_differ_by_seed_changes_and_configuration():
    rows = [row(), row(seed=4), row(changes='gradual'), row(image='woman', config='dddd')]
    names = [line['program'] for line in lines_of(rows) if line['measured'] != 'not measured']
    base = 'ZSSR, X2_ONE_JUMP_IDEAL_CONF'
    assert sorted(names) == sorted(
        [f'{base} [aaaa]', f'{base} [dddd]', f'{base}, seed 4', f'{base} (gradual)']
    )


def test_published_results_are_lines_of_their_own():
    given = {'table': 'table2', 'set': 'Six', 'seed': None, 'config': '', 'kernels': '', 'seconds': None}
    lines = lines_of([row(**given, preset='published ZSSR')], 'table2')
    assert lines[0]['program'] == 'published ZSSR'
