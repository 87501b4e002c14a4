import os
import pathlib
import shutil

import pytest

from tests.debian.system import Debian
from tests.tree import ROOT, sources

TREE = 'build/numa-sched'


@pytest.fixture(scope='session')
def debian():
    """A Debian with Debian's Nova; it goes away with the run."""
    disk = os.environ.get('DEBIAN_DISK')
    if not disk:
        pytest.exit('run these by: python -m tests.debian', returncode=1)
    made = Debian(pathlib.Path(disk, 'debian'))
    made.install('python3-nova')
    return made


@pytest.fixture(scope='session')
def package(debian):
    """The package, built as packaging.rst says; its path in there."""
    tree = debian.root / TREE
    for name in sources():
        copy = tree / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy)
    shutil.copytree(ROOT / 'packaging' / 'debian', tree / 'debian')
    debian.install('build-essential')
    debian.run('apt-get', 'build-dep', '-y', f'/{TREE}')
    debian.run('dpkg-buildpackage', '-us', '-uc', '-b', cwd=f'/{TREE}')
    (built,) = tree.parent.glob('*.deb')
    return f'/{built.relative_to(debian.root)}'


@pytest.fixture
def installed(debian, package):
    """Have the package there for a test, and not after it."""
    debian.run('apt-get', 'install', '-y', package)
    yield debian
    debian.run('apt-get', 'purge', '-y', 'python3-numa-sched')
