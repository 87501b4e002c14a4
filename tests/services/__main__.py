"""Install the package as the README says, and run the tests of this directory.

They run where whatever they start ends with them::

    python -m tests.services [arguments of pytest]
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from tests import checkout, contained
from tests.services import machine

TESTS = pathlib.Path(__file__).parent
PYTEST = ('-m', 'pytest', '-p', 'no:cacheprovider', '--show-capture=no')
# A network of its own has nothing that works, not even to itself.
START = ('sh', '-c', 'ip link set lo up && exec "$@"', 'sh')
CONSTRAINTS = ('nova-34.0.0.txt', 'cloud.txt')


def main():
    """Run pytest; end as it does."""
    reason = machine.why_not()
    if reason:
        sys.exit(reason)
    contained.end_by_signals()
    path = (str(pathlib.Path(sys.prefix, 'bin')), contained.PATH)
    environment = {
        **os.environ,
        'PATH': os.pathsep.join(path),
        # The tests know the machines by Nova's modules, which read it.
        'OS_NOVA_DISABLE_EVENTLET_PATCHING': 'true',
    }
    _install(environment)
    with contained.directory() as disk:
        sys.exit(
            contained.run(
                *(*START, sys.executable, *PYTEST),
                *contained.arguments(TESTS),
                env={**environment, 'CLOUD_DISK': disk},
            )
        )


def _install(environment):
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
                env={**environment, 'PIP_CONSTRAINT': constraints},
            )


if __name__ == '__main__':
    main()
