"""Whether this machine can have hosts: what to do if not, in one line.

A program, which runs before anything else is installed::

    python -m tests.real.machine
"""

import pathlib
import sys

from tests import contained
from tests.services import machine

# What has to be there, and which package of Debian 12 has it.
COMMANDS = {
    **machine.COMMANDS,
    'qemu-system-x86_64': 'qemu-system-x86',
    'qemu-img': 'qemu-utils',
    'libvirtd': 'libvirt-daemon-system',
    'virsh': 'libvirt-clients',
    'as': 'binutils',
    # To build libvirt-python.
    'pkg-config': 'pkg-config',
}
FILES = {
    **machine.FILES,
    '/usr/include/libvirt/libvirt.h': 'libvirt-dev',
}
HUGE_PAGES = pathlib.Path('/proc/sys/vm/nr_hugepages')


def why_not():
    """Give why there can be no hosts here, None if there can."""
    return contained.why_not(COMMANDS, FILES)


def main():
    """End with an error that says why not, if so."""
    sys.exit(why_not())


if __name__ == '__main__':
    main()
