"""Hosts with libvirt and QEMU of their own, as a cloud is told of them."""

import pathlib

from tests.real.moving import MIB_PER_SECOND
from tests.services.processes import BIN

# Without sudo, which is not everywhere; it is root already.
PRIVILEGED = {'helper_command': BIN / 'privsep-helper'}
# Live migrations from one host, as many as any test has.
AT_ONCE = 8


class Compute:
    """nova-compute on one of the hosts of :mod:`tests.real.hosts`.

    It runs in the namespaces of the host, and has its instances on a disk of
    its own, so that a live migration copies that too: to libvirt, no directory
    of one machine is shared storage.

    :param directory: of the cloud
    """

    def __init__(self, host, directory):
        self.host = host
        instances = pathlib.Path(directory, 'instances')
        instances.mkdir(exist_ok=True)
        self.instances = host.directory / 'instances'
        self.instances.mkdir()
        # By the same path on each host.
        host.run('mount', '--bind', str(self.instances), str(instances))
        self.environment = {}
        # What its nova.conf says in [libvirt] beside what it must.
        self.libvirt = {}
        # CPUs for pinned servers, as nova.conf has them.
        self.dedicated = None
        self.runs_ours = True
        # It has the newest.
        self.release = None

    @property
    def name(self):
        return self.host.name

    @property
    def setup(self):
        """What can be changed of it."""
        return self.libvirt, self.runs_ours, self.dedicated

    @property
    def command(self):
        """What runs nova-compute there, without its arguments."""
        return (*self.host.inside, BIN / 'nova-compute')

    def settings(self):
        """Give what its nova.conf has that others have not."""
        return {
            'DEFAULT': {
                'my_ip': self.host.address,
                'report_interval': 2,
                'reserved_host_memory_mb': 0,
                'max_concurrent_live_migrations': AT_ONCE,
            },
            'libvirt': {
                'virt_type': 'qemu',
                'cpu_mode': 'none',
                'images_type': 'raw',
                'live_migration_scheme': 'tcp',
                'live_migration_inbound_addr': self.host.address,
                # No copying of memory comes to an end by itself.
                'live_migration_bandwidth': MIB_PER_SECOND,
                **self.libvirt,
            },
            'compute': {'cpu_dedicated_set': self.dedicated or ''},
            'vnc': {'enabled': False},
            'nova_sys_admin': PRIVILEGED,
            'privsep_osbrick': PRIVILEGED,
        }
