"""Run the tests of this directory, and leave nothing behind::

python -m tests.debian [arguments of pytest]
"""

import os
import pathlib
import sys

from tests import contained

COMMANDS = {'debootstrap': 'debootstrap', 'unshare': 'util-linux'}
KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg'
TESTS = pathlib.Path(__file__).parent


def main():
    """Run pytest; end as it does."""
    reason = contained.why_not(COMMANDS, {KEYS: 'debian-archive-keyring'})
    if reason:
        sys.exit(reason)
    contained.end_by_signals()
    with contained.directory() as disk:
        sys.exit(
            contained.run(
                *(sys.executable, '-m', 'pytest', '-p', 'no:cacheprovider'),
                *contained.arguments(TESTS),
                env={**os.environ, 'DEBIAN_DISK': disk},
                without=('--net',),
            )
        )


if __name__ == '__main__':
    main()
