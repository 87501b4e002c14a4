"""The databases of a cloud: hosts as rows, and requests for servers."""

import dataclasses
import datetime
import json
import pathlib
import random
import uuid
from collections.abc import Iterable

from nova import config, objects
from nova import context as nova_context
from nova.conf import CONF
from nova.db import migration
from nova.db.main import api as db
from nova.virt import hardware

from numa_sched.topology import Host
from tests.restore import host_topology

LONG_AGO = datetime.datetime(2020, 1, 1)
FEATURES = [f'feature-{number}' for number in range(100)]
CPU_INFO = json.dumps(
    {
        'arch': 'x86_64',
        'model': 'Icelake-Server',
        'vendor': 'Intel',
        'topology': {'cells': 2, 'sockets': 1, 'cores': 32, 'threads': 2},
        'features': FEATURES,
    }
)
SPECS = [
    [arch, kind, 'hvm']
    for arch, kind in (
        ('i686', 'qemu'),
        ('i686', 'kvm'),
        ('x86_64', 'qemu'),
        ('x86_64', 'kvm'),
    )
]
PINNED = {
    'hw:cpu_policy': 'dedicated',
    'hw:mem_page_size': 'large',
}
CELL = str(uuid.uuid5(uuid.NAMESPACE_OID, 'cell1'))


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request, in the form in which it goes over the wire."""

    spec: dict
    servers: tuple[str, ...]
    alternates: bool = True


class Database:
    """The databases, written by one who is all other services of Nova."""

    def __init__(self, path: pathlib.Path):
        """Make them, as a nova.conf says."""
        config.parse_args(['nova-manage', '--config-file', str(path)])
        for database in 'api', 'main':
            migration.db_sync(database=database)
        self.context = nova_context.get_admin_context()
        self.context.project_id = self.context.user_id = 'somebody'
        self.rows: dict[str, int] = {}
        self.uuids: dict[str, str] = {}
        self.cell = self._map_cell()

    def _map_cell(self):
        cell = objects.CellMapping(
            self.context,
            uuid=CELL,
            name='cell1',
            transport_url='fake://',
            database_connection=CONF.database.connection,
        )
        cell.create()
        return cell

    def add_all(self, hosts: Iterable[Host]) -> None:
        """Write hosts."""
        for host in hosts:
            self.add(host)

    def add(self, host: Host, pools=None) -> None:
        """Write a host, with all that its services would have written."""
        name = host.name
        objects.Service(
            self.context,
            host=name,
            binary='nova-compute',
            topic='compute',
            report_count=1,
            last_seen_up=datetime.datetime.now(datetime.UTC),
        ).create()
        objects.HostMapping(
            self.context, host=name, cell_mapping=self.cell
        ).create()
        node = objects.ComputeNode(
            self.context,
            uuid=str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
            host=name,
            host_ip='192.0.2.1',
            hypervisor_hostname=name,
            hypervisor_type='QEMU',
            hypervisor_version=8002000,
            cpu_info=CPU_INFO,
            local_gb=4000,
            local_gb_used=0,
            free_disk_gb=4000,
            disk_available_least=4000,
            current_workload=0,
            running_vms=0,
            metrics='[]',
            stats={'failed_builds': '0', 'num_instances': '0'},
            supported_hv_specs=[
                objects.HVSpec.from_list(each) for each in SPECS
            ],
            mapped=1,
            pci_device_pools=pools,
            cpu_allocation_ratio=host.cpu_allocation_ratio,
            ram_allocation_ratio=host.ram_allocation_ratio,
            disk_allocation_ratio=1.0,
            **self._usage(host),
        )
        node.create()
        self.rows[name], self.uuids[name] = node.id, node.uuid
        self._touch(name, LONG_AGO)

    @staticmethod
    def _usage(host: Host) -> dict:
        cells = host.cells
        cpus = sum(
            (cell.layout.shared | cell.layout.dedicated).bit_count()
            for cell in cells
        )
        return {
            'numa_topology': host_topology(host)._to_json(),
            'vcpus': cpus,
            'vcpus_used': sum(cell.pinned.bit_count() for cell in cells),
            'memory_mb': sum(host.memory_mb),
            'memory_mb_used': sum(host.memory_used_mb),
            'free_ram_mb': sum(host.memory_mb) - sum(host.memory_used_mb),
        }

    def _touch(self, name: str, when: datetime.datetime, **values) -> None:
        values['updated_at'] = when
        db.compute_node_update(self.context, self.rows[name], values)

    def change(self, host: Host) -> None:
        """Write what a host has in use by now."""
        self.write(host.name, **self._usage(host))

    def write(self, name: str, **values) -> None:
        """Write columns of a host, whatever they are worth."""
        now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        self._touch(name, now, **values)

    def create(
        self,
        flavor: objects.Flavor,
        servers: int = 1,
        *,
        alternates=True,
        devices=(),
    ) -> Asked:
        """Ask for new servers."""
        uuids = [str(uuid.uuid4()) for _ in range(servers)]
        for each in uuids:
            objects.BuildRequest(
                self.context,
                instance_uuid=each,
                project_id='somebody',
                instance=objects.Instance(
                    uuid=each,
                    system_metadata={'image_os_distro': 'debian'},
                    numa_topology=None,
                ),
                block_device_mappings=objects.BlockDeviceMappingList(
                    objects=[]
                ),
                tags=objects.TagList(objects=[]),
            ).create()
        spec = self._spec(flavor, uuids[0])
        spec.num_instances = servers
        spec.pci_requests = objects.InstancePCIRequests(requests=list(devices))
        return Asked(spec.obj_to_primitive(), tuple(uuids), alternates)

    def live_migration(self, flavor: objects.Flavor, source: str) -> Asked:
        """Ask for where a server of a host may be migrated to."""
        server = objects.Instance(
            self.context,
            uuid=str(uuid.uuid4()),
            project_id='somebody',
            user_id='somebody',
            host=source,
            node=source,
            compute_id=self.rows[source],
            flavor=flavor,
            system_metadata={'image_os_distro': 'debian'},
            vcpus=flavor.vcpus,
            memory_mb=flavor.memory_mb,
            root_gb=flavor.root_gb,
            ephemeral_gb=0,
            display_name='server',
            numa_topology=None,
        )
        server.create()
        objects.InstanceMapping(
            self.context,
            instance_uuid=server.uuid,
            cell_mapping=self.cell,
            project_id='somebody',
        ).create()
        spec = self._spec(flavor, server.uuid)
        spec.ignore_hosts = [source]
        spec.requested_destination = objects.Destination(
            cell=self.cell, allow_cross_cell_move=False
        )
        return Asked(spec.obj_to_primitive(), (server.uuid,), False)

    def _spec(self, flavor, server: str) -> objects.RequestSpec:
        image = objects.ImageMeta(
            id=str(uuid.uuid4()),
            properties=objects.ImageMetaProps(hw_disk_bus='virtio'),
        )
        spec = objects.RequestSpec.from_components(
            self.context,
            server,
            image,
            flavor,
            hardware.numa_get_constraints(flavor, image),
            objects.InstancePCIRequests(requests=[]),
            {},
            None,
            None,
        )
        spec.obj_set_defaults()
        return spec


def flavor(
    cells: int, cpus_per_cell: int = 2, extra_specs: dict | None = PINNED
) -> objects.Flavor:
    """Give a flavor with as many cells; without any if it has no specs."""
    vcpus = cells * cpus_per_cell
    return objects.Flavor(
        id=1,
        flavorid='1',
        name=f'pinned.{vcpus}.{cells}',
        vcpus=vcpus,
        memory_mb=2048 * cells,
        root_gb=1,
        ephemeral_gb=0,
        swap=0,
        rxtx_factor=1.0,
        vcpu_weight=0,
        disabled=False,
        is_public=True,
        extra_specs={'hw:numa_nodes': str(cells), **extra_specs}
        if extra_specs
        else {},
        projects=[],
    )


def seeded(seed: object) -> random.Random:
    """Give chance that is the same each time."""
    return random.Random(str(seed))
