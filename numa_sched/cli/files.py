"""Files that commands write: all of them, or nothing."""

import os
import pathlib

from numa_sched.exceptions import OutputError


def check(path: str, *, force: bool = False) -> None:
    """Look whether a file may be written, before work is done for it.

    :param force: whether a file that is there may be replaced
    :raises OutputError: if it may not, in one line
    """
    target = pathlib.Path(path)
    if target.is_dir():
        raise OutputError(f'{path}: is a directory')
    if not target.parent.is_dir():
        raise OutputError(f'{path}: there is no such directory')
    if not force and os.path.lexists(target):
        raise OutputError(f'{path}: is there; --force replaces it')


def write(path: str, data: bytes, *, force: bool = False) -> None:
    """Write a file.

    Whoever looks at the file sees all of it, or what was there before.

    :param force: whether a file that is there is replaced
    :raises OutputError: if it cannot be written, or is there
    """
    check(path, force=force)
    target = pathlib.Path(path)
    temporary = target.with_name(f'.{target.name}.{os.getpid()}.tmp')
    try:
        try:
            temporary.write_bytes(data)
            if force:
                os.replace(temporary, target)
            else:
                # Fails where somebody has written it meanwhile.
                os.link(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f'{path}: {error.strerror or error}') from error
