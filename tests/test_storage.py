"""storage.py: files appear whole or not at all."""

import errno
import hashlib
import os

import pytest
from helpers.pictures import refusal

from files.storage import (
    atomic_file,
    atomic_write,
    fingerprint,
    one_line,
    printable,
    remove_leftovers,
    sha256,
)


def test_atomic_write(tmp_path):
    path = tmp_path / ('long' * 60 + '.json')
    atomic_write(path, b'one')
    atomic_write(path, b'two')
    assert path.read_bytes() == b'two'
    assert list(tmp_path.iterdir()) == [path]
    message = refusal(atomic_write, tmp_path / 'none' / 'a', b'', error=FileNotFoundError)
    assert str(tmp_path / 'none') in message and 'create it' in message
    assert str(tmp_path) in refusal(atomic_write, tmp_path, b'')


def test_sha256(tmp_path):
    (tmp_path / 'a').write_bytes(b'abc' * 700_000)
    assert sha256(tmp_path / 'a') == hashlib.sha256(b'abc' * 700_000).hexdigest()


def test_a_file_is_on_the_disk_before_it_takes_its_name_and_then_the_name_is(tmp_path, monkeypatch):
    path, steps, fsync, replace = tmp_path / 'a', [], os.fsync, os.replace

    def synced(place):
        steps.append(os.readlink(f'/proc/self/fd/{place}'))
        fsync(place)

    monkeypatch.setattr(os, 'fsync', synced)
    monkeypatch.setattr(os, 'replace', lambda old, new: (steps.append('rename'), replace(old, new)))
    atomic_write(path, b'whole')
    temporary, *then = steps
    assert temporary.endswith('.tmp') and then == ['rename', str(tmp_path)]
    assert path.read_bytes() == b'whole'


@pytest.mark.parametrize('code', [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_that_cannot_sync_is_done_without(tmp_path, monkeypatch, code):
    def fail(place):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, 'fsync', fail)
    atomic_write(tmp_path / 'a', b'whole')
    assert (tmp_path / 'a').read_bytes() == b'whole'


def test_bytes_that_did_not_reach_the_disk_replace_nothing(tmp_path, monkeypatch):
    atomic_write(tmp_path / 'a', b'before')

    def fail(place):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, 'fsync', fail)
    refusal(atomic_write, tmp_path / 'a', b'after', error=OSError)
    assert (tmp_path / 'a').read_bytes() == b'before'
    assert list(tmp_path.iterdir()) == [tmp_path / 'a']


def test_only_what_killed_writes_left_is_removed(tmp_path):
    kept = ['a.png', '.tmp', '.0123.tmp', f'{"0" * 32}.tmp', f'.{"0" * 32}.tmp.png', f'.{"G" * 32}.tmp']
    for name in (*kept, f'.{"0af" * 10}ff.tmp'):
        (tmp_path / name).write_bytes(b'x')
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


def test_what_another_process_writes_just_now_is_no_leftover(tmp_path):
    with atomic_file(tmp_path / 'big.png') as temporary:
        remove_leftovers(tmp_path)
        temporary.write_bytes(b'big')
    assert (tmp_path / 'big.png').read_bytes() == b'big' and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('a\nb', r'a\nb'),
        ('\r\t', r'\r\t'),
        ('\x1b[31mred\x9b', r'\x1b[31mred\x9b'),
        ('a\u2028b\u202egnp.', r'a\u2028b\u202egnp.'),
        ('caf\udce9', 'caf�'),
        ('two  spaces, ×, 日本, 👨‍👩‍👧', 'two  spaces, ×, 日本, 👨‍👩‍👧'),
    ],
)
def test_any_text_is_one_line_to_print(text, shown):
    assert printable(text) == shown == printable(shown)
    assert one_line(ValueError(f' (a){text}.\n')) == f'(a){shown}.'


def test_an_exception_that_says_nothing_is_named():
    assert one_line(RuntimeError('of a\n  library')) == 'of a library'
    assert one_line(MemoryError()) == one_line(ValueError('\n')).replace('Value', 'Memory') == 'MemoryError'


def test_of_a_line_that_is_too_long_both_ends_are_shown():
    line = one_line(ValueError('begin' + 'a\n' * 100_000 + 'end'))
    assert len(line) < 4100 and line.startswith('begina') and line.endswith('end') and ' … ' in line


def test_a_fingerprint_of_a_name_that_is_not_utf_8():
    assert (
        fingerprint('caf\udce9')
        != fingerprint('café')
        == hashlib.sha256(b'uint8(5,)' + 'café'.encode()).hexdigest()[:8]
    )
