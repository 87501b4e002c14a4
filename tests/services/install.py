"""The package, installed by what the README says."""

import os
import pathlib
import subprocess
import sys
import sysconfig
import tempfile

from tests import checkout, contained

# The newest Nova takes no hosts that are older.
BEFORE = 'release-before'
CONSTRAINTS = ('nova-34.0.0.txt', 'cloud.txt')


def environment():
    """Give the environment of a run with services."""
    path = (str(pathlib.Path(sys.prefix, 'bin')), contained.PATH)
    return {
        **os.environ,
        'PATH': os.pathsep.join(path),
        # The tests know the machines by Nova's modules, which read it.
        'OS_NOVA_DISABLE_EVENTLET_PATCHING': 'true',
    }


def install():
    """Run what the README has run in a checkout, in a copy of this one."""
    # It reads the README with what is there by now.
    from tests.services import readme

    constraints = ' '.join(
        str(checkout.ROOT / 'constraints' / name) for name in CONSTRAINTS
    )
    with tempfile.TemporaryDirectory() as directory:
        checkout.copy_to(directory)
        for command in readme.installation():
            subprocess.run(
                command,
                shell=True,
                check=True,
                cwd=directory,
                stdout=subprocess.DEVNULL,
                env={**environment(), 'PIP_CONSTRAINT': constraints},
            )


def install_release_before(directory):
    """Have the release of Nova before the newest be in a directory, too.

    With the driver, as doc/source/packaging.rst says.
    """
    from tests import older

    where = pathlib.Path(directory, BEFORE)
    older.install(older.releases.TESTED[-2], where)
    driver = pathlib.Path('nova', 'virt', 'numa_sched')
    installed = pathlib.Path(sysconfig.get_path('purelib'))
    (where / driver).symlink_to(installed / driver)
