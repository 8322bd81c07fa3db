"""storage.py: files appear whole or not at all."""

import hashlib

from helpers.pictures import refusal

from files.storage import atomic_write, sha256


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
