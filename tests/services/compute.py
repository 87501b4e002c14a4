"""nova-compute on a recorded machine, with Nova's fake libvirt inside.

A program; the first argument is the name of the host, the others are those of
nova-compute::

    python -m tests.services.compute node1 --config-file nova.conf

Its host's CPU sets come from its nova.conf, as anywhere. Domains that arrive
are files in a directory that all hosts see, as are the moves that were made.
"""

import io
import json
import os
import pathlib
import sys
import threading
import uuid

import fixtures
from nova.cmd import compute
from nova.tests import fixtures as nova_fixtures
from nova.tests.fixtures import libvirt as fakelibvirt

from tests.cloud import UPTIME, hypervisor, machines, moves

GIANT_KB = 1024 * 1024
# Of the memory of a cell, as many GiB are huge pages.
HOSTS = {
    'node1': (machines.XEON_56, 48),
    'node2': (machines.XEON_4P_36, 64),
    'node3': (machines.OPTERON_4P, 8),
    'node4': (machines.XEON_4P, 48),
    'node5': (machines.XEON_WORKER, 32),
    'node6': (machines.XEON_L5640, 16),
}
# Those that a machine has, as nova.conf lends them to servers.
DEVICES = json.dumps(
    {
        'vendor_id': fakelibvirt.PCI_VEND_ID,
        'product_id': fakelibvirt.PCI_PROD_ID,
    }
)
MOVES = 'moves.json'
SHARED = 'SHARED_BY_HOSTS'
DISK_GB = {'total': 1024, 'used': 0, 'free': 1024}


def cpu_sets(host):
    """Give dedicated and shared CPUs: of each cell the first core is shared.

    As an operator would leave one to the host and to servers that do not
    care.
    """
    machine, _ = HOSTS[host]
    shared = {cpu for cell in machine.cells for cpu in cell.cores[0]}
    return machine.cpus - shared, shared


def cell_with_device(host):
    """Give the cell of a host that a device is near.

    It has the most memory, so that a claim takes it first but for devices.
    """
    machine, _ = HOSTS[host]
    return max(machine.cells, key=lambda cell: cell.memory_mb).id


class Connection(hypervisor.Connection):
    """The hypervisor of a host, to which domains come as files."""

    def __init__(self, *args, arrivals, **kwargs):
        super().__init__(*args, **kwargs)
        self._arrivals = arrivals
        self._lock = threading.Lock()

    def lookupByUUIDString(self, uuid):
        self._receive()
        return super().lookupByUUIDString(uuid)

    def listAllDomains(self, flags=None):
        self._receive()
        return super().listAllDomains(flags)

    def _receive(self):
        with self._lock:
            for path in self._arrivals.glob('*.xml'):
                self.createXML(path.read_text(), 0)
                path.unlink()

    def defineXML(self, xml):
        """Give the domain, which runs on if it did."""
        before = set(self._vms)
        domain = super().defineXML(xml)
        if domain.name() in before:
            domain.createWithFlags(0)
        return domain


class Way:
    """The way to another host: what is started there."""

    def __init__(self, arrivals):
        self._arrivals = arrivals

    def createXML(self, xml, flags):
        path = self._arrivals / str(uuid.uuid4())
        path.write_text(xml)
        path.rename(path.with_suffix('.xml'))


class Moves(moves.Moves):
    """Moves of domains between processes, which are kept in a file."""

    def __init__(self, shared):
        super().__init__(lambda host: Way(arrivals(shared, host)))
        self._file = shared / MOVES

    def _migrate(self, domain, destination, params, flags):
        super()._migrate(domain, destination, params, flags)
        move = self.of(domain.UUIDString())
        told = [move.server, move.destination, *move.features]
        with self._file.open('a') as file:
            file.write(f'{json.dumps(told)}\n')


def arrivals(shared, host):
    """Give the directory of domains that arrive at a host."""
    path = shared / host
    path.mkdir(exist_ok=True)
    return path


def furnish(host, shared):
    """Have this process be on a host, as long as it lives."""
    machine, pages = HOSTS[host]
    info = machines.HostInfo(machine, huge_pages={GIANT_KB: pages})
    connection = Connection(
        'qemu:///system',
        host_info=info,
        pci_info=machines.devices(cell_with_device(host)),
        hostname=host,
        arrivals=arrivals(shared, host),
    )
    driver = 'nova.virt.libvirt.driver'
    values = {
        f'{driver}.LibvirtDriver._create_image': (False, False),
        f'{driver}.LibvirtDriver._get_local_gb_info': DISK_GB,
        f'{driver}.LibvirtDriver.get_host_uptime': UPTIME,
        f'{driver}.libvirt_utils.is_valid_hostname': True,
        'nova.pci.utils.get_function_by_ifname': (None, False),
        'nova.pci.utils.is_physical_function': False,
        'nova.privsep.utils.supports_direct_io': True,
        'nova.virt.libvirt.host.Host.get_online_cpus': set(machine.cpus),
        'nova.virt.libvirt.host.Host.get_connection': connection,
    }
    for each in (
        nova_fixtures.PrivsepFixture(),
        nova_fixtures.LibvirtImageBackendFixture(),
        nova_fixtures.CGroupsFixture(),
        nova_fixtures.LibvirtFixture(),
        nova_fixtures.OSBrickFixture(),
        *(
            fixtures.MockPatch(name, return_value=value)
            for name, value in values.items()
        ),
        fixtures.MockPatch(
            f'{driver}.libvirt_utils.file_open',
            side_effect=lambda *args, **kwargs: io.BytesIO(b''),
        ),
        Moves(shared),
    ):
        each.setUp()


def main():
    """Run nova-compute."""
    host, *arguments = sys.argv[1:]
    sys.argv = ['nova-compute', *arguments]
    furnish(host, pathlib.Path(os.environ[SHARED]))
    compute.main()


if __name__ == '__main__':
    main()
