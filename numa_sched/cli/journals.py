"""Journals as files: each line is on the disk before anything goes on."""

import datetime
import fcntl
import json
import os
import pathlib
from typing import Any

from numa_sched.exceptions import JournalError, OutputError


class JournalFile:
    """A journal that nobody else writes to meanwhile."""

    def __init__(self, path: str, descriptor: int):
        """Take a file that is open, at its end."""
        self.path, self._descriptor = path, descriptor

    def write(self, event: str, **more: Any) -> None:
        """Write a line to the disk.

        :raises OutputError: if it cannot be written
        """
        now = datetime.datetime.now(datetime.UTC)
        at = now.isoformat(timespec='milliseconds')
        line = json.dumps({'at': at, 'event': event, **more})
        left = f'{line}\n'.encode()
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
            os.fsync(self._descriptor)
        except OSError as error:
            raise _failed(self.path, error) from error

    def read(self) -> str:
        """Give what has been written.

        :raises JournalError: if it cannot be read
        """
        try:
            return pathlib.Path(self.path).read_text()
        except OSError as error:
            raise JournalError(
                f'{self.path}: {error.strerror or error}'
            ) from error

    def close(self) -> None:
        """Let others have it."""
        os.close(self._descriptor)


def create(path: str) -> JournalFile:
    """Give a new journal.

    :raises OutputError: if it cannot be written, or is there
    """
    try:
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600
        )
        _lock(path, descriptor)
        # Its name is to last as well.
        folder = os.open(pathlib.Path(path).absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError as error:
        raise OutputError(
            f'{path}: is there; --resume {path} goes on with it'
        ) from error
    except OSError as error:
        raise _failed(path, error) from error
    return JournalFile(path, descriptor)


def resume(path: str) -> tuple[JournalFile, str]:
    """Give a journal to go on with, and what is in it.

    A last line that has not been written to its end is cut off.

    :raises JournalError: if it cannot be read, or is somebody else's now
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    except OSError as error:
        raise JournalError(f'{path}: {error.strerror or error}') from error
    try:
        _lock(path, descriptor)
        data = pathlib.Path(path).read_bytes()
        whole = data[: data.rfind(b'\n') + 1]
        text = whole.decode()
        if len(whole) < len(data):
            os.ftruncate(descriptor, len(whole))
    except (OSError, UnicodeDecodeError) as error:
        os.close(descriptor)
        raise JournalError(f'{path}: {error}') from error
    except JournalError:
        os.close(descriptor)
        raise
    return JournalFile(path, descriptor), text


def _lock(path: str, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise JournalError(
            f'{path}: another process is carrying it out'
        ) from error


def _failed(path: str, error: OSError) -> OutputError:
    return OutputError(f'{path}: {error.strerror or error}')
