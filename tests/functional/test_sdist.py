"""The source distribution: all that the checkout has, and from it anew."""

import shutil
import subprocess
import sys
import tarfile

import pytest

from tests.tree import ROOT, sources

pytestmark = pytest.mark.long


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
