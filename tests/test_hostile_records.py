"""Folders of results from anywhere: what a record or a link names is not embedded, nor becomes HTML."""

import base64
import io
import json
import os
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from helpers.result_folders import add_image, change_record, make_folders, make_run, noisy, picture, save
from PIL import Image

import compare
from comparing import comparison, curves, facts, page
from comparing.verdicts import Verdict, mean
from files.storage import sha256


def shown(html):
    """The pictures that a page holds, uint8 arrays."""
    addresses = re.findall(r'data:image/webp;base64,([^"]+)', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert('RGB')) for data in addresses]


def holds(html, image):
    return any(one.shape == image.shape and (one == image).all() for one in shown(html))


@pytest.fixture
def secret(tmp_path):
    """A picture of the size of a result that lies elsewhere on the machine."""
    return save(tmp_path / 'home' / 'secret.png', picture(99))


# What a record names


@pytest.mark.parametrize('checksum', [None, '0' * 64, 'no checksum', 'of another'])
def test_an_input_outside_of_the_folder_needs_its_checksum(tmp_path, secret, checksum):
    folder = make_run(tmp_path)
    checksum = sha256(tmp_path / 'data' / 'bird.png') if checksum == 'of another' else checksum
    change_record(folder, input=str(secret), input_sha256=checksum)
    with pytest.raises(ValueError, match='left out: it lies outside of') as caught:
        compare.report_run(folder)
    assert f'{secret} left out: it lies outside of {folder} and has no matching checksum' in str(caught.value)
    assert 'give its folder with --inputs (inputs=)' in str(caught.value)


def test_a_ground_truth_outside_of_the_folder_needs_its_checksum(tmp_path, secret):
    folder = make_run(tmp_path)
    change_record(folder, ground_truth=str(secret))
    done = compare.report_run(folder)
    assert done.verdicts[0].psnr_b is None and not holds(done.path.read_text(), picture(99))
    (note,) = done.notes
    assert str(secret) in note and '--gt (gt=)' in note
    change_record(folder, ground_truth_sha256=sha256(secret))
    done = compare.report_run(folder)
    assert done.notes == [] and holds(done.path.read_text(), picture(99))


def test_what_lies_in_the_folder_of_the_run_needs_none(tmp_path):
    folder = make_run(tmp_path)
    for name in ('bird.png', 'bird_gt.png'):
        (tmp_path / 'data' / name).rename(folder / name)
    files = {'input': str(folder / 'bird.png'), 'ground_truth': str(folder / 'bird_gt.png')}
    change_record(folder, **files, input_sha256=None, ground_truth_sha256=None)
    done = compare.report_run(folder)
    assert done.notes == [] and done.verdicts[0].psnr_b > 0


def test_folders_that_are_given_need_none(tmp_path):
    folder = make_run(tmp_path)
    change_record(folder, input_sha256=None, ground_truth_sha256=None)
    done = compare.report_run(folder, gt=tmp_path / 'data', inputs=tmp_path / 'data')
    assert done.notes == [] and done.verdicts[0].psnr_b > done.verdicts[0].psnr_a


def test_of_two_runs_a_checksum_belongs_to_the_file_beside_it(tmp_path, secret):
    """One record names a secret, the other knows its checksum."""
    a = make_run(tmp_path / 'a')
    b = make_run(tmp_path / 'b')
    change_record(a, ground_truth=str(secret), ground_truth_sha256=None)
    change_record(b, ground_truth_sha256=sha256(secret))
    done = compare.compare(a, b, tmp_path / 'report', names=('a', 'b'), figures=False)
    assert done.verdicts[0].psnr_a is None and str(secret) in done.notes[0]
    assert not holds(done.path.read_text(), picture(99))


def test_what_gives_no_end_of_bytes_is_not_read(tmp_path):
    folder = make_run(tmp_path)
    os.mkfifo(tmp_path / 'pipe')
    for path in (tmp_path / 'pipe', '/dev/zero', '/proc/self/mem'):
        change_record(folder, ground_truth=str(path), ground_truth_sha256='0' * 64)
        assert compare.report_run(folder).verdicts[0].psnr_b is None


@pytest.mark.parametrize('high', [5e-324, 1e-40, 1e308])
def test_a_range_in_which_values_overflow_is_no_warning(tmp_path, high):
    folder, told = make_run(tmp_path), {'dtype': 'uint16', 'stretched': False, 'page': 1}
    values, source = (picture(4, *size) / 255 for size in ((60, 80), (30, 40)))
    told |= {'low': [0.0], 'high': [high], 'shape': [1, 60, 80, 3]}
    add_image(folder, 'x', (values, None, 16), (source, None, 16), values=told)
    assert [verdict.name for verdict in compare.report_run(folder).verdicts] == ['bird', 'x']


# Links


def test_a_link_out_of_the_folder_is_no_result(tmp_path, secret):
    folder = make_run(tmp_path)
    add_image(folder, 'other', picture(), picture(height=30, width=40))
    (folder / 'other_zssr_X2.00X2.00.png').unlink()
    (folder / 'other_zssr_X2.00X2.00.png').symlink_to(secret)
    done = compare.report_run(folder)
    assert [verdict.name for verdict in done.verdicts] == ['bird']
    assert 'is a link to a file outside of' in done.notes[0]
    assert not holds(done.path.read_text(), picture(99))


def test_an_input_that_is_a_link_out_of_the_folder_needs_its_checksum(tmp_path, secret):
    folder = make_run(tmp_path)
    (folder / 'truth.png').symlink_to(secret)
    change_record(folder, ground_truth=str(folder / 'truth.png'), ground_truth_sha256=None)
    assert compare.report_run(folder).verdicts[0].psnr_b is None


def test_of_compared_folders_links_lead_to_the_folders_that_are_given(tmp_path, secret):
    a, b, gt = make_folders(tmp_path)
    (a / 'bird_zssr_X2.00X2.00.png').unlink()
    (a / 'bird_zssr_X2.00X2.00.png').symlink_to(secret)
    (b / 'woman.png').rename(gt / 'other.png')
    (b / 'woman.png').symlink_to(gt / 'other.png')
    done = compare.compare(a, b, tmp_path / 'report', gt=gt, figures=False)
    assert [verdict.name for verdict in done.verdicts] == ['woman']
    assert len(done.notes) == 1 and 'bird' in done.notes[0] and 'copy it there' in done.notes[0]


def test_a_folder_may_be_a_link(tmp_path):
    folder = make_run(tmp_path / 'disk')
    (tmp_path / 'run').symlink_to(folder)
    assert compare.report_run(tmp_path / 'run').notes == []


def test_a_loop_of_links_is_no_file(tmp_path):
    folder = make_run(tmp_path)
    (folder / 'loop').symlink_to(folder / 'loop')
    change_record(folder, ground_truth=str(folder / 'loop'))
    assert compare.report_run(folder).verdicts[0].psnr_b is None


# HTML

INJECTIONS = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '" onfocus="alert(1)" autofocus="',
    'javascript:alert(1)',
    '</title><svg onload=alert(1)>',
    '{{sections}}{{count}}',
    '--><b>&lt;',
]
HANDLERS = re.compile('on[a-z]+')


class Reader(HTMLParser):
    """Collects the elements and attributes of a page."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    @property
    def elements(self):
        """How often each element is there, with the names of its attributes."""
        return sorted((tag, *sorted(attrs)) for tag, attrs in self.found)


def hostile_run(root, texts):
    """A run of two images all of whose texts, a name among them, are from `texts`, in turn."""
    folder, texts = make_run(root), iter(texts * 9)
    stem, device = next(texts).replace('/', '∕'), next(texts)
    add_image(folder, stem, picture(), picture(height=30, width=40), kernel=next(texts), device=device)
    save(folder / f'{stem}_losses.png', picture())
    scales = json.loads((folder / 'run.json').read_text())['images'][1]['scales']
    scales[0]['kernel'] = next(texts)
    head = {'preset': next(texts), 'changes': {next(texts): next(texts)}}
    change_record(folder, head, number=1, scales=scales)
    change_record(folder, device=device, kernel=next(texts))
    return folder


@pytest.mark.parametrize('first', range(len(INJECTIONS)))
def test_no_field_of_a_record_becomes_html(tmp_path, first):
    plain = Reader(compare.report_run(hostile_run(tmp_path / 'plain', ['word'])).path.read_text())
    texts = INJECTIONS[first:] + INJECTIONS[:first]
    html = compare.report_run(hostile_run(tmp_path / 'hostile', texts)).path.read_text()
    reader = Reader(html)
    assert reader.elements == plain.elements
    for _, attributes in reader.found:
        assert not any(map(HANDLERS.fullmatch, attributes))
        address = attributes.get('href') or attributes.get('src') or '#'
        assert not re.match(r'\s*[a-z]+:(?!image/webp;base64,)|//', address) or address == 'data:,'


def test_no_name_of_a_file_or_folder_becomes_html(tmp_path):
    names = [name.replace('/', '∕') for name in INJECTIONS]
    a, b, gt = make_folders(tmp_path / 'hostile', names)
    plain = make_folders(tmp_path / 'plain', [f'name{number}' for number in range(len(names))])
    pages = []
    for number, folders in enumerate([plain, (a, b, gt)]):
        output, called = tmp_path / f'report{number}', [('a', 'b'), names[:2]][number]
        done = compare.compare(*folders[:2], output, gt=folders[2], names=called, figures=False)
        pages.append(Reader(done.path.read_text()))
    assert pages[0].elements == pages[1].elements


def test_a_link_to_a_file_called_like_an_address_is_to_the_file(tmp_path):
    (tmp_path / 'javascript:alert(1)_losses.png').touch()
    told = dict(facts.image_facts({'stem': 'javascript:alert(1)'}, tmp_path, [{}]))
    assert 'href="javascript%3Aalert%281%29_losses.png"' in told['Files']


def test_names_that_are_not_utf8_are_linked(tmp_path):
    folder = make_run(tmp_path)
    stem = os.fsdecode(b'caf\xe9')
    add_image(folder, stem, picture(), picture(height=30, width=40))
    html = compare.report_run(folder).path.read_text()
    assert 'href="caf%E9_zssr_X2.00X2.00.png"' in html


def test_tests_of_a_training_without_losses_are_not_drawn():
    scale = {'loss': [], 'mse_steps': [0, 0], 'mse_rec': [0.5, 0.25]}
    assert curves.curves_svg(('a', 'b'), ({}, {'scales': [scale]})) == ''


def test_a_run_that_ended_before_it_began_has_no_duration(tmp_path):
    ends = {'started': '2026-01-02T04:14:35+0000', 'finished': '2026-01-02T03:04:05+0000'}
    assert 'Duration' not in dict(facts.run_facts(ends, tmp_path, []))


# Many images


@pytest.fixture
def many(tmp_path, monkeypatch):
    """A run of nine images with recorded scores, of which four are shown, one of them the worst."""
    monkeypatch.setattr(comparison, 'SHOWN', 4)
    monkeypatch.setattr(comparison, 'WORST', 1)
    folder = make_run(tmp_path)
    record = json.loads((folder / 'run.json').read_text())
    for number in range(8):
        stem, psnr = f'image{number}', 20.0 if number == 6 else 30.0
        add_image(folder, stem, noisy(picture(number), 1), picture(number, 30, 40), bicubic_psnr=psnr - 1)
    record = json.loads((folder / 'run.json').read_text())
    for number, image in enumerate(record['images'][1:]):
        image['scales'][0] |= {'psnr': 20.0 if number == 6 else 30.0, 'ssim': 0.875}
    del record['images'][8]['bicubic_psnr']
    (folder / 'run.json').write_text(json.dumps(record))
    return folder


HEADS = 'image[0-9]', '<a href=[^<]*</a>'  # of lines of the table, without and with a link


def test_of_many_images_the_first_and_the_worst_are_shown_and_all_are_listed(many, monkeypatch):
    read, real = [], comparison.load
    monkeypatch.setattr(comparison, 'load', lambda files: read.append(files.name) or real(files))
    done = compare.report_run(many)
    assert read == ['bird', 'image0', 'image1', 'image6']
    html = done.path.read_text()
    assert re.findall('<h2>(.*?)</h2>', html) == read
    assert [verdict.name for verdict in done.verdicts] == ['bird', *(f'image{n}' for n in range(7))]
    assert '4 of 9 images are shown: the first, and the 1 of the lowest PSNR' in html
    listed, linked = (re.findall(f'<th scope="row">{head}</th>(.*?)</tr>', html) for head in HEADS)
    assert (len(listed), len(linked)) == (4, 4)
    assert re.findall('<td>(.*?)</td>', listed[0]) == ['29.00', '30.00', '+1.00', '', '0.8750', '', '', '×2']


def test_means_are_of_images_that_have_both_scores():
    verdicts = [
        Verdict(name='a', psnr_a=20.0, psnr_b=22.0, ssim_a=0.5, ssim_b=0.75, psnr_between=30.0, largest=7),
        Verdict(name='b', psnr_a=30.0, psnr_b=34.0, ssim_b=0.25),
        Verdict(name='c', psnr_b=90.0),
    ]
    found = mean(verdicts)
    assert (found.psnr_a, found.psnr_b, found.gain) == (25.0, 28.0, 3.0)
    assert (found.ssim_a, found.ssim_b, found.psnr_between, found.largest) == (0.5, 0.75, 30.0, 7)


def test_notes_are_cut_short(tmp_path, monkeypatch):
    monkeypatch.setattr(page, 'NOTES', 2)
    folder = make_run(tmp_path)
    for number in range(5):
        add_image(folder, f'image{number}', None, picture(height=30, width=40))
    done = compare.report_run(folder)
    assert len(done.notes) == 5
    assert done.path.read_text().count('<li>') == 3 and 'and 3 notes more' in done.path.read_text()
    (folder / 'bird_zssr_X2.00X2.00.png').unlink()
    for number in range(5, 20):
        add_image(folder, f'image{number}', None, picture(height=30, width=40))
    with pytest.raises(ValueError, match=r'and 11 notes more$'):
        compare.report_run(folder)
