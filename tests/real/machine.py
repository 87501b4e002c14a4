"""Whether this machine can have hosts: what to do if not, in one line.

A program, which runs before anything else is installed::

    python -m tests.real.machine
"""

import pathlib
import sys

from tests import contained

# What has to be there, and which package of Debian 12 has it.
COMMANDS = {
    'qemu-system-x86_64': 'qemu-system-x86',
    'libvirtd': 'libvirt-daemon-system',
    'virsh': 'libvirt-clients',
    'ip': 'iproute2',
    'unshare': 'util-linux',
    'as': 'binutils',
    # To build libvirt-python.
    'gcc': 'gcc',
    'pkg-config': 'pkg-config',
}
FILES = {
    '/usr/include/libvirt/libvirt.h': 'libvirt-dev',
    '/usr/include/stdlib.h': 'libc6-dev',
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
