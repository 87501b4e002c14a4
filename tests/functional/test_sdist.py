"""The source distribution: all that the checkout has, and from it anew."""

import pathlib
import shutil
import subprocess
import sys
import tarfile

import pytest

ROOT = pathlib.Path(__file__).parents[2]
RECORD = 'numa_sched.egg-info/SOURCES.txt'


def sources():
    """Give the names of the files that belong to this tree."""
    if (ROOT / 'PKG-INFO').exists():
        told = (ROOT / RECORD).read_text()
    else:
        told = subprocess.run(
            ['git', 'ls-files'],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
    made = ('PKG-INFO', 'numa_sched.egg-info/')
    return {
        name
        for name in told.splitlines()
        if not name.startswith(made) and (ROOT / name).exists()
    }


@pytest.fixture
def tree(tmp_path):
    """The files of this tree, without what git knows of them."""
    for name in sources():
        copy = tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy)
    return tmp_path


def test_nothing_is_missing_in_the_source_distribution(tree):
    subprocess.run(
        [sys.executable, '-m', 'build', '--sdist', tree],
        check=True,
        capture_output=True,
    )
    (archive,) = (tree / 'dist').iterdir()
    with tarfile.open(archive) as packed:
        names = [each.name for each in packed.getmembers() if each.isfile()]
    inside = {name.partition('/')[2] for name in names}
    assert sources() - inside == set()
