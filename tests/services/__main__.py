"""Install the package as the README says, and run the tests of this directory.

They run where whatever they start ends with them::

    python -m tests.services [arguments of pytest]
"""

import pathlib
import sys

from tests import contained
from tests.services import install, machine
from tests.services.processes import HERE

TESTS = pathlib.Path(__file__).parent
PYTEST = ('-m', 'pytest', '-p', 'no:cacheprovider', '--show-capture=no')
# A network of its own has nothing that works, not even to itself.
START = (
    *('sh', '-c'),
    f'ip link set lo up && ip address add {HERE}/32 dev lo && exec "$@"',
    'sh',
)


def main():
    """Run pytest; end as it does."""
    reason = machine.why_not()
    if reason:
        sys.exit(reason)
    contained.end_by_signals()
    install.install()
    with contained.directory() as disk:
        # The services have no way out.
        install.install_release_before(disk)
        sys.exit(
            contained.run(
                *(*START, sys.executable, *PYTEST),
                *contained.arguments(TESTS),
                env={**install.environment(), 'CLOUD_DISK': disk},
            )
        )


if __name__ == '__main__':
    main()
