"""Where the strategies have a fleet from: a program that reads it, or a file.

Watcher's own model knows nothing of cells, nor does the compute API of what
hosts have in them. And no process can have the configuration both of Nova and
of Watcher: their options are of the same names. So Nova is read elsewhere.
"""

import shlex
import subprocess

from numa_sched.exceptions import SourceError
from numa_sched.fleet import Fleet, snapshot

PATIENCE_S = 600
"""How long the program may take."""

MOST_SHOWN = 300


def fleet(command: str, path: str | None = None) -> Fleet:
    """Give the fleet of a file, or the one that a program writes.

    :param command: writes a snapshot to its standard output
    :param path: of a snapshot, which is read instead
    :raises SnapshotError: if what is read is none
    :raises SourceError: if the program fails
    """
    if path:
        return snapshot.read(path)
    return snapshot.loads(_output(command))


def _output(command: str) -> bytes:
    try:
        done = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
        )
    # No command at all is an IndexError.
    except (IndexError, OSError, ValueError) as error:
        raise SourceError(
            f'snapshot_command = {command}: cannot be run: {error}'
        ) from error
    except subprocess.TimeoutExpired as error:
        raise SourceError(
            f'snapshot_command = {command}: has not ended after {PATIENCE_S} s'
        ) from error
    if done.returncode:
        told = done.stderr.decode(errors='replace').strip().splitlines()
        raise SourceError(
            f'snapshot_command = {command}: ends with status '
            f'{done.returncode}: {told[-1][:MOST_SHOWN] if told else ""}'
        )
    return done.stdout
