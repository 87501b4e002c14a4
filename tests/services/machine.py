"""Whether this machine can have all services: what to do if not, in one line.

A program, which runs before anything else is installed::

    python -m tests.services.machine
"""

import sys
import sysconfig

from tests import contained

# What has to be there, and which package of Debian 12 has it.
COMMANDS = {
    'mariadbd': 'mariadb-server',
    'rabbitmqctl': 'rabbitmq-server',
    'ip': 'iproute2',
    'unshare': 'util-linux',
    # To build uWSGI.
    'gcc': 'gcc',
}
FILES = {
    '/usr/include/stdlib.h': 'libc6-dev',
    f'{sysconfig.get_path("include")}/Python.h': 'python3-dev',
}


def why_not():
    """Give why there can be no cloud here, None if there can."""
    return contained.why_not(COMMANDS, FILES)


def main():
    """End with an error that says why not, if so."""
    sys.exit(why_not())


if __name__ == '__main__':
    main()
