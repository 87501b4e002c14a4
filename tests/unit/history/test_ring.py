import contextlib
import errno
import fcntl
import json
import os
import subprocess
import sys
import time

import pytest

from numa_sched.exceptions import SourceError
from numa_sched.history import ring
from numa_sched.history.refused import MAX_LINE
from numa_sched.history.ring import Ring, lines


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / 'refusals')


def numbers(path):
    """Give what is read, as numbers."""
    return [int(line) for line in lines(path)]


def fill(written, count, start=0):
    for number in range(start, start + count):
        written.add(str(number).encode())


def test_what_is_added_can_be_read(path):
    fill(Ring(path, 3), 2)
    assert numbers(path) == [0, 1]


@pytest.mark.parametrize('count', range(1, 30))
def test_the_last_are_kept_and_at_most_twice_as_many(path, count):
    fill(Ring(path, 5), count)
    found = numbers(path)
    assert len(found) <= 10
    assert found == list(range(count))[-len(found) :]
    assert len(found) >= min(count, 5)


def test_no_file_but_its_own_is_left(path, tmp_path):
    fill(Ring(path, 5), 30)
    assert os.listdir(tmp_path) == ['refusals.0']


def test_only_its_owner_writes_and_its_group_reads(path):
    fill(Ring(path, 5), 1)
    assert os.stat(f'{path}.0').st_mode & 0o777 & ~0o640 == 0


def test_each_has_a_file_of_its_own(path, tmp_path):
    rings = [Ring(path, 5) for _ in range(3)]
    for number, each in enumerate(rings):
        fill(each, 1, number)
    assert sorted(os.listdir(tmp_path)) == [
        'refusals.0',
        'refusals.1',
        'refusals.2',
    ]
    assert numbers(path) == [0, 1, 2]


def test_files_are_read_in_the_order_of_their_numbers(path, tmp_path):
    for number in (10, 9, 0):
        (tmp_path / f'refusals.{number}').write_text(f'{number}\n')
    assert numbers(path) == [0, 9, 10]


def test_a_thousand_starts_leave_as_many_files_as_ran_at_a_time(
    path, tmp_path
):
    for number in range(1000):
        one, other = Ring(path, 5), Ring(path, 5)
        fill(one, 1, number)
        fill(other, 1, number)
        one.close()
        other.close()
    assert len(os.listdir(tmp_path)) == 2
    assert len(numbers(path)) <= 20
    assert numbers(path)[-1] == 999


def test_a_file_is_gone_on_with(path):
    before = Ring(path, 5)
    fill(before, 7)
    before.close()
    fill(Ring(path, 5), 2, start=7)
    assert numbers(path) == list(range(9))


WRITE = """
import itertools, json, os, sys
from numa_sched.history.ring import Ring

path, worker = sys.argv[1:]
written = Ring(path, 10)
for number in itertools.count():
    written.add(json.dumps([worker, number, 'x' * 5000]).encode())
    if number > 200 and os.path.exists(path):
        break
"""


def look(path):
    """Give the numbers that each has written, of lines that are whole."""
    numbers = {}
    for line in lines(path):
        with contextlib.suppress(json.JSONDecodeError):
            worker, number, filling = json.loads(line)
            assert len(filling) == 5000
            numbers.setdefault(worker, []).append(number)
    return numbers


def test_processes_do_not_disturb_each_other_nor_a_reader(path, tmp_path):
    """They write until there is a file of the name that none of them has."""
    workers = [
        subprocess.Popen([sys.executable, '-c', WRITE, path, name])
        for name in 'abc'
    ]
    try:
        end = time.monotonic() + 60
        # One that begins late would go on with the file of one that ended.
        while not os.path.exists(f'{path}.2') and time.monotonic() < end:
            time.sleep(0.01)
        for _ in range(100):
            for told in look(path).values():
                assert told == sorted(set(told))
    finally:
        (tmp_path / 'refusals').touch()
        ended = [worker.wait(60) for worker in workers]
    assert ended == [0, 0, 0]
    found = look(path)
    assert found.keys() == set('abc')
    for told in found.values():
        assert told == list(range(told[0], told[-1] + 1))
    assert sorted(os.listdir(tmp_path)) == [
        'refusals',
        'refusals.0',
        'refusals.1',
        'refusals.2',
    ]


# In a process of its own: that of the tests has threads, which a fork leaves
# behind with whatever they hold.
FORK = """
import os, sys
from numa_sched.history.ring import Ring

written = Ring(sys.argv[1], 5)
written.add(b'0')
child = os.fork()
if child:
    os.waitpid(child, 0)
    written.add(b'1')
else:
    written._owner = int(sys.argv[2])
    written.add(b'5')
"""


@pytest.mark.parametrize('parent', [1, 2**30])
def test_a_child_takes_a_file_of_its_own(path, tmp_path, parent):
    """Whether the number of its parent is below its own or above."""
    subprocess.run([sys.executable, '-c', FORK, path, str(parent)], check=True)
    assert (tmp_path / 'refusals.0').read_text() == '0\n1\n'
    assert (tmp_path / 'refusals.1').read_text() == '5\n'


def test_a_file_is_taken_once_until_it_is_left(path, monkeypatch):
    taken = []
    stock = Ring._take
    monkeypatch.setattr(
        Ring, '_take', lambda ring: (taken.append(ring), stock(ring))
    )
    written = Ring(path, 5)
    fill(written, 3)
    assert len(taken) == 1
    written.close()
    fill(written, 3, start=3)
    assert len(taken) == 2
    assert numbers(path) == [0, 1, 2, 3, 4, 5]


def test_a_name_without_a_file_is_that_of_none(path, tmp_path):
    with (tmp_path / 'other').open('w') as file:
        assert not ring._is_at(path, file.fileno())
        assert ring._is_at(str(tmp_path / 'other'), file.fileno())


def test_a_file_that_was_to_keep_more_is_shortened(path, tmp_path):
    (tmp_path / 'refusals.0').write_text(''.join(f'{n}\n' for n in range(9)))
    fill(Ring(path, 2), 1, start=9)
    assert numbers(path) == [7, 8, 9]


@pytest.mark.parametrize('torn', [b'{"version"', b'\x00\x00'])
def test_a_line_goes_on_after_a_torn_one(path, tmp_path, torn):
    (tmp_path / 'refusals.0').write_bytes(b'0\n' + torn)
    fill(Ring(path, 5), 1, start=1)
    assert list(lines(path)) == [b'0', torn, b'1']


def test_torn_lines_are_not_kept(path, tmp_path):
    (tmp_path / 'refusals.0').write_bytes(b'0\n1\n2\n3\n{"version"')
    fill(Ring(path, 2), 1, start=4)
    assert numbers(path) == [2, 3, 4]


def test_what_was_too_long_is_not_kept(path, tmp_path):
    longest = b'9' * MAX_LINE
    told = b'\n'.join([b'0', longest + b'9', longest, longest + b'9', b''])
    (tmp_path / 'refusals.0').write_bytes(told)
    fill(Ring(path, 2), 1)
    assert list(lines(path)) == [b'0', longest, b'0']


def test_a_file_without_ends_is_read_in_parts(path, tmp_path):
    (tmp_path / 'refusals.0').write_bytes(b'x' * (3 * MAX_LINE))
    assert max(map(len, lines(path))) <= MAX_LINE + 1


@pytest.fixture
def full(monkeypatch):
    """A disk that takes a few bytes more, and then none."""
    left = [3]
    stock = os.write

    def write(file, data):
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        part = data[: left[0]]
        left[0] -= len(part)
        return stock(file, part)

    monkeypatch.setattr(os, 'write', write)
    return left


def test_on_a_full_disk_what_is_there_stays_as_it_is(path, full):
    written = Ring(path, 5)
    fill(written, 1)
    with pytest.raises(OSError, match='No space left'):
        written.add(b'1000')
    assert numbers(path) == [0]
    full[0] = 100
    fill(written, 1, start=1)
    assert numbers(path) == [0, 1]


def test_on_a_full_disk_nothing_is_lost_when_the_file_is_to_be_shortened(
    path, tmp_path, full
):
    full[0] = 100
    written = Ring(path, 5)
    fill(written, 10)
    full[0] = 3
    for _ in range(2):
        with pytest.raises(OSError, match='No space left'):
            written.add(b'10')
    assert numbers(path) == list(range(10))
    assert os.listdir(tmp_path) == ['refusals.0']
    full[0] = 100
    fill(written, 1, start=10)
    assert numbers(path) == [5, 6, 7, 8, 9, 10]


def test_an_end_amid_shortening_loses_nothing(path, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    written = Ring(path, 5)
    fill(written, 10)
    with monkeypatch.context() as patched:
        patched.setattr(os, 'replace', kill)
        patched.setattr(os, 'unlink', kill)
        with pytest.raises(Killed):
            written.add(b'10')
    assert numbers(path) == list(range(10))
    written.close()
    fill(Ring(path, 5), 1, start=10)
    assert numbers(path) == [5, 6, 7, 8, 9, 10]
    assert os.listdir(tmp_path) == ['refusals.0']


def test_nobody_takes_the_file_while_it_is_shortened(path):
    one, other = Ring(path, 2), Ring(path, 2)
    fill(one, 1)
    fill(other, 1)
    fill(one, 4, start=1)
    assert one._name != other._name
    other.close()
    third = Ring(path, 2)
    fill(third, 1)
    assert third._name == f'{path}.1'


def test_a_file_that_is_replaced_before_it_is_locked_is_not_taken(
    path, tmp_path, monkeypatch
):
    """As by one that shortens it and ends."""
    stock = fcntl.flock

    def replace_and_lock(file, how):
        monkeypatch.setattr(fcntl, 'flock', stock)
        (tmp_path / 'new').write_text('0\n')
        os.replace(tmp_path / 'new', f'{path}.0')
        stock(file, how)

    monkeypatch.setattr(fcntl, 'flock', replace_and_lock)
    fill(Ring(path, 5), 1, start=1)
    assert numbers(path) == [0, 1]


@pytest.mark.parametrize('what', ['removed', 'replaced'])
def test_a_file_that_is_not_there_any_more_is_made_anew(path, what):
    written = Ring(path, 5)
    fill(written, 1)
    os.unlink(f'{path}.0')
    if what == 'replaced':
        open(f'{path}.0', 'w').close()
    fill(written, 1, start=1)
    assert numbers(path) == [1]


def test_a_directory_that_is_gone_is_an_error_until_it_is_back(tmp_path):
    directory = tmp_path / 'here'
    directory.mkdir()
    written = Ring(str(directory / 'refusals'), 5)
    fill(written, 1)
    os.unlink(directory / 'refusals.0')
    directory.rmdir()
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            fill(written, 1)
    directory.mkdir()
    fill(written, 1, start=1)
    assert numbers(str(directory / 'refusals')) == [1]


def test_nothing_is_written_through_a_link(path, tmp_path):
    (tmp_path / 'other').write_text('')
    (tmp_path / 'refusals.0').symlink_to(tmp_path / 'other')
    with pytest.raises(OSError, match='symbolic links'):
        fill(Ring(path, 5), 1)
    assert (tmp_path / 'other').read_text() == ''


def test_nothing_is_written_into_a_pipe(path):
    os.mkfifo(f'{path}.0')
    with pytest.raises(OSError, match='no regular file'):
        fill(Ring(path, 5), 1)


def test_the_number_of_files_has_a_bound(path, monkeypatch):
    monkeypatch.setattr(ring, 'MAX_FILES', 2)
    rings = [Ring(path, 5) for _ in range(3)]
    fill(rings[0], 1)
    fill(rings[1], 1)
    with pytest.raises(OSError, match='2 processes write already'):
        fill(rings[2], 1)


def test_no_file_is_left_open_where_none_can_be_taken(path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(fcntl, 'flock', refuse)
    before = len(os.listdir('/proc/self/fd'))
    for _ in range(3):
        with pytest.raises(OSError, match='No locks'):
            fill(Ring(path, 5), 1)
    assert len(os.listdir('/proc/self/fd')) == before


def test_no_file_is_an_error_that_names_it(path):
    with pytest.raises(SourceError, match=r'refusals\.0: there is no such'):
        list(lines(path))


def test_no_directory_is_an_error_that_names_it(path):
    with pytest.raises(SourceError, match=r'refusals: No such file'):
        list(lines(f'{path}/other'))


def test_a_file_that_cannot_be_read_is_an_error_that_names_it(
    path, monkeypatch
):
    fill(Ring(path, 5), 1)

    def refuse(*_):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr('builtins.open', refuse)
    with pytest.raises(SourceError, match=r'refusals\.0: Permission denied'):
        list(lines(path))


def test_other_files_are_not_read(path, tmp_path):
    fill(Ring(path, 5), 1)
    for name in ('refusals', 'refusals.0.new', 'refusals.x', 'xrefusals.1'):
        (tmp_path / name).write_text('other\n')
    (tmp_path / 'refusals.2').mkdir()
    assert numbers(path) == [0]
