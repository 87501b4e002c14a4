import os
import pathlib
import shutil

import pytest

from tests.debian.system import Debian
from tests.tree import ROOT, sources

TREE = 'build/numa-sched'
RECOMMENDED = ('python3-cliff', 'python3-jinja2', 'python3-rich')


@pytest.fixture(scope='session')
def debian():
    """A Debian; it goes away with the run."""
    disk = os.environ.get('DEBIAN_DISK')
    if not disk:
        pytest.exit('run these by: python -m tests.debian', returncode=1)
    return Debian(pathlib.Path(disk, 'debian'))


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


@pytest.fixture(scope='session')
def beside_nova(debian, package):
    """Debian's Nova, and what the package wants; not itself.

    It comes after the package is built: unit tests are run without Nova.
    """
    wanted = [*RECOMMENDED, 'python3-nova', 'python3-os-traits']
    debian.install(*wanted)
    return debian


@pytest.fixture
def installed(beside_nova, package):
    """Have the package there for a test, and not after it."""
    beside_nova.install(package)
    yield beside_nova
    beside_nova.run('apt-get', 'purge', '-y', 'python3-numa-sched')
