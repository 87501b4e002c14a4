import os

import pytest

from numa_sched.cli import files
from numa_sched.exceptions import OutputError


def test_a_file_is_written(tmp_path):
    target = tmp_path / 'page.html'
    files.write(str(target), 'Köln'.encode())
    assert target.read_bytes() == 'Köln'.encode()
    assert os.listdir(tmp_path) == ['page.html']


def test_what_is_there_stays(tmp_path):
    target = tmp_path / 'page.html'
    target.write_text('before')
    with pytest.raises(OutputError, match=r'is there; --force replaces it$'):
        files.write(str(target), b'after')
    assert target.read_text() == 'before'
    assert os.listdir(tmp_path) == ['page.html']


def test_it_is_replaced_if_that_is_wanted(tmp_path):
    target = tmp_path / 'page.html'
    target.write_text('before')
    files.write(str(target), b'after', force=True)
    assert target.read_text() == 'after'


def test_whatever_comes_there_meanwhile_stays(tmp_path, monkeypatch):
    target = tmp_path / 'page.html'
    monkeypatch.setattr(
        files, 'check', lambda path, *, force: target.write_text('other')
    )
    with pytest.raises(OutputError, match=r'page.html: File exists$'):
        files.write(str(target), b'ours')
    assert target.read_text() == 'other'
    assert os.listdir(tmp_path) == ['page.html']


@pytest.mark.parametrize(
    ('name', 'reason'),
    [('.', 'is a directory'), ('none/page', 'there is no such directory')],
)
def test_where_no_file_can_be(tmp_path, name, reason):
    with pytest.raises(OutputError) as raised:
        files.write(str(tmp_path / name), b'text')
    assert str(raised.value).endswith(reason)
    assert '\n' not in str(raised.value)


def test_a_directory_that_must_not_be_written_to(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(os, 'link', refuse)
    with pytest.raises(OutputError, match=r'page: Permission denied$'):
        files.write(str(tmp_path / 'page'), b'text')
    assert os.listdir(tmp_path) == []


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    target = tmp_path / 'page'
    target.write_text('before')

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, 'replace', interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write(str(target), b'after', force=True)
    assert target.read_text() == 'before'
    assert os.listdir(tmp_path) == ['page']
