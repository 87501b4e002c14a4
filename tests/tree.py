"""The files that belong to this tree, with git or without it."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).parents[1]
# Where a source distribution says what is in it.
RECORD = ROOT / 'numa_sched.egg-info' / 'SOURCES.txt'
MADE = ('PKG-INFO', 'numa_sched.egg-info/')


def sources():
    """Give the names of the files, from the top of the tree."""
    if (ROOT / 'PKG-INFO').exists():
        told = RECORD.read_text()
    else:
        told = subprocess.run(
            ['git', 'ls-files'],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
    return {
        name
        for name in told.splitlines()
        if not name.startswith(MADE) and (ROOT / name).exists()
    }
