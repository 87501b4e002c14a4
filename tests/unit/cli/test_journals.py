"""Journals as files."""

import json
import os
import stat

import pytest

from numa_sched.cli import journals
from numa_sched.exceptions import JournalError, OutputError


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / 'journal')


def test_a_line_is_in_the_file_with_its_time_once_it_is_written(path):
    journal = journals.create(path)
    journal.write('start', step=1)
    journal.write('end', step=1)
    lines = [json.loads(line) for line in journal.read().splitlines()]
    assert [line['event'] for line in lines] == ['start', 'end']
    assert all(line['at'].endswith('+00:00') for line in lines)


def test_each_line_is_on_the_disk_before_anything_goes_on(path, monkeypatch):
    synced = []
    journal = journals.create(path)
    monkeypatch.setattr(
        os, 'fsync', lambda _: synced.append(journal.read().count('\n'))
    )
    journal.write('start')
    journal.write('end')
    assert synced == [1, 2]


def test_only_its_owner_reads_it(path):
    journals.create(path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_a_file_that_is_there_is_left_alone(path):
    journals.create(path).close()
    with pytest.raises(OutputError, match=f'--resume {path} goes on'):
        journals.create(path)


def test_where_it_cannot_be_is_told(tmp_path):
    with pytest.raises(OutputError, match='No such file or directory'):
        journals.create(str(tmp_path / 'no' / 'journal'))


def test_a_disk_that_is_full_is_told(path, monkeypatch):
    journal = journals.create(path)

    def full(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'write', full)
    with pytest.raises(OutputError, match='No space left on device'):
        journal.write('start')


def test_who_goes_on_writes_after_what_is_there(path):
    journal = journals.create(path)
    journal.write('one')
    journal.close()
    journal, text = journals.resume(path)
    assert text.count('one') == 1
    journal.write('two')
    lines = journal.read().splitlines()
    assert [json.loads(line)['event'] for line in lines] == ['one', 'two']


def test_a_line_that_is_torn_is_cut_off(path):
    with open(path, 'w') as file:
        file.write('{"event": "one"}\n{"event": "t')
    journal, text = journals.resume(path)
    assert text == '{"event": "one"}\n'
    journal.write('two')
    assert journal.read().count('\n') == 2
    assert '"t{' not in journal.read()


def test_nobody_else_goes_on_meanwhile(path):
    journal = journals.create(path)
    with pytest.raises(JournalError, match='another process'):
        journals.resume(path)
    journal.close()
    journals.resume(path)


def test_what_is_not_there_is_told(path):
    with pytest.raises(JournalError, match='No such file or directory'):
        journals.resume(path)


def test_what_is_no_text_is_told(path):
    with open(path, 'wb') as file:
        file.write(b'\xff\n')
    with pytest.raises(JournalError, match='utf-8'):
        journals.resume(path)
