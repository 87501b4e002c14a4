"""The last lines that processes had to tell, each in a file of its own.

The files are ``PATH.0``, ``PATH.1`` and so on. A process takes the first that
no living one has taken, and goes on with what is in it: there are as many
files as there ever were processes at a time, however often they are started.
"""

import contextlib
import errno
import fcntl
import os
import pathlib
import re
import stat
from collections.abc import Iterator

from numa_sched.exceptions import SourceError
from numa_sched.history.refused import MAX_LINE

MAX_FILES = 1000
"""How many processes may write at a time."""

# As nova.conf: for its owner, and to be read by the group.
MODE = 0o640
# Neither through a link that somebody else has put there, nor waiting for
# whoever reads from a pipe.
FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK


class Ring:
    """What one process writes: at least its last lines, at most twice them.

    Not for several threads at once.
    """

    def __init__(self, path: str, kept: int):
        """Take no file yet; ``kept`` is how many lines are to be kept."""
        self._path, self._kept = path, kept
        self._file: int | None = None
        self._name = ''
        self._owner = 0
        self._lines = 0

    def add(self, line: bytes) -> None:
        """Write a line of at most :data:`MAX_LINE` bytes, without its end.

        :raises OSError: if it cannot be written; the file is as before then,
            or ends in a torn line, after which the next goes on
        """
        if not self._is_taken():
            self.close()
            self._take()
        if self._lines >= 2 * self._kept:
            self._shorten()
        self._append(line)

    def close(self) -> None:
        """Leave the file to the next process."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _is_taken(self) -> bool:
        """Whether the file is ours and still is where readers look for it."""
        if self._file is None or self._owner != os.getpid():
            return False
        try:
            there = os.stat(self._name)
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self._file))

    def _take(self) -> None:
        for number in range(MAX_FILES):
            name = f'{self._path}.{number}'
            file = _opened(name)
            try:
                if _locked(file) and _is_at(name, file):
                    self._lines = _read(file).count(b'\n')
                    self._file, self._name = file, name
                    self._owner = os.getpid()
                    return
            finally:
                if self._file != file:
                    os.close(file)
        raise OSError(
            errno.EMFILE, f'{MAX_FILES} processes write already', self._path
        )

    def _append(self, line: bytes) -> None:
        assert self._file is not None
        size = os.fstat(self._file).st_size
        is_torn = size and os.pread(self._file, 1, size - 1) != b'\n'
        data = (b'\n' if is_torn else b'') + line + b'\n'
        try:
            _write(self._file, data)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, size)
            raise
        self._lines += data.count(b'\n')

    def _shorten(self) -> None:
        """Keep the last lines: in another file, which takes the place."""
        assert self._file is not None
        lines = [
            line
            for line in _read(self._file).splitlines(keepends=True)
            if line.endswith(b'\n') and len(line) <= MAX_LINE + 1
        ][-self._kept :]
        name = f'{self._name}.new'
        file = _opened(name)
        try:
            os.ftruncate(file, 0)
            _locked(file)
            _write(file, b''.join(lines))
            os.replace(name, self._name)
        except BaseException:
            os.close(file)
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        os.close(self._file)
        self._file, self._lines = file, len(lines)


def _opened(name: str) -> int:
    file = os.open(name, FLAGS, MODE)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, 'is no regular file', name)
    return file


def _locked(file: int) -> bool:
    """Whether a file could be locked; the end of the process unlocks it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(name: str, file: int) -> bool:
    """Whether a name still is that of a file; another may have its place."""
    try:
        return os.path.samestat(os.stat(name), os.fstat(file))
    except FileNotFoundError:
        return False


def _read(file: int) -> bytes:
    return os.pread(file, os.fstat(file).st_size, 0)


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def lines(path: str) -> Iterator[bytes]:
    """Give the lines of all processes, file by file, without their ends.

    What is no line of ours, torn ones among it, is given as it is.

    :raises SourceError: if there is no file, or one cannot be read
    """
    files = _files(path)
    if not files:
        raise SourceError(f'{path}.0: there is no such file')
    for name in files:
        try:
            with open(name, 'rb') as file:
                # What has no end is not read at once.
                while line := file.readline(MAX_LINE + 1):
                    yield line.rstrip(b'\n')
        except OSError as error:
            raise SourceError(f'{name}: {error.strerror or error}') from error


def _files(path: str) -> list[pathlib.Path]:
    where = pathlib.Path(path)
    number = re.compile(re.escape(where.name) + r'\.(\d+)')
    try:
        found = {
            int(told[1]): each
            for each in where.parent.iterdir()
            if (told := number.fullmatch(each.name)) and each.is_file()
        }
    except OSError as error:
        raise SourceError(
            f'{where.parent}: {error.strerror or error}'
        ) from error
    return [found[each] for each in sorted(found)]
