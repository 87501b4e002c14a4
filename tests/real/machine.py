"""Whether this machine can have hosts: what to do if not, in one line.

A program, which runs before anything else is installed::

    python -m tests.real.machine
"""

import os
import pathlib
import shutil
import subprocess
import sys

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
NAMESPACES = ('--net', '--mount', '--uts', '--ipc', '--pid', '--fork')
HUGE_PAGES = pathlib.Path('/proc/sys/vm/nr_hugepages')


def why_not():
    """Give why there can be no hosts here, None if there can."""
    if os.geteuid() != 0:
        return 'This must run as root.'
    missing = sorted(
        {p for c, p in COMMANDS.items() if not shutil.which(c)}
        | {p for f, p in FILES.items() if not pathlib.Path(f).exists()}
    )
    if missing:
        return (
            'Install what is missing: apt-get install -y '
            f'--no-install-recommends {" ".join(missing)}'
        )
    mount = ('mount', '-t', 'tmpfs', 'tmpfs', '/mnt')
    tried = subprocess.run(
        ['unshare', *NAMESPACES, '--mount-proc', *mount],
        capture_output=True,
        text=True,
    )
    if tried.returncode:
        return f'There are no namespaces here: {tried.stderr.strip()}'
    return None


def main():
    """End with an error that says why not, if so."""
    sys.exit(why_not())


if __name__ == '__main__':
    main()
