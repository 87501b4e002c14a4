"""A fleet in a file: JSON, compressed where the name ends in ``.gz``.

The format is told in ``doc/source/snapshot.rst``.
"""

import gzip
import json
import os
import pathlib
import zlib
from typing import NoReturn

from numa_sched.exceptions import SnapshotError
from numa_sched.fleet import Fleet, reading, writing

MOST_BYTES = 1 << 31
"""What is not read: far beyond any cloud, so corrupt or not meant well."""

_MAGIC = b'\x1f\x8b'


def read(path: str | os.PathLike[str]) -> Fleet:
    """Give the fleet in a file.

    :raises SnapshotError: in one line, that names the file and what is wrong
        with it by its path in the file
    """
    try:
        return loads(_content(pathlib.Path(path)))
    except OSError as error:
        raise SnapshotError(_of_file(path, error)) from error
    except SnapshotError as error:
        raise SnapshotError(f'{os.fspath(path)}: {error}') from None


def loads(data: bytes) -> Fleet:
    """Give the fleet in the content of a file.

    :raises SnapshotError: that names what is wrong by its path
    """
    try:
        if data.startswith(_MAGIC):
            data = _unpacked(data)
        told = json.loads(data, parse_constant=_refuse)
    except (EOFError, OSError, zlib.error) as error:
        raise SnapshotError(f'is not compressed right: {error}') from None
    except RecursionError:
        raise SnapshotError('is nested too deeply') from None
    except ValueError as error:
        raise SnapshotError(f'is not JSON: {error}') from None
    return reading.fleet(told)


def dumps(fleet: Fleet, *, packed: bool = False) -> bytes:
    """Give the content of a file; the same for the same fleet.

    :param packed: whether it is compressed
    """
    data = json.dumps(writing.fleet(fleet), separators=(',', ':')).encode()
    return gzip.compress(data, 6, mtime=0) if packed else data


def _content(path: pathlib.Path) -> bytes:
    with path.open('rb') as file:
        data = file.read(MOST_BYTES + 1)
    return _bounded(data)


def _unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    unpacked = unpacker.decompress(data, MOST_BYTES + 1)
    if not unpacker.eof and len(unpacked) <= MOST_BYTES:
        raise EOFError('it ends too early')
    return _bounded(unpacked)


def _bounded(data: bytes) -> bytes:
    if len(data) > MOST_BYTES:
        raise SnapshotError(f'is larger than {MOST_BYTES >> 30} GiB')
    return data


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f'{constant} is no number')


def _of_file(path: str | os.PathLike[str], error: OSError) -> str:
    return f'{os.fspath(path)}: {error.strerror or error}'
