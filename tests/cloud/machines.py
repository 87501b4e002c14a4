"""Real machines, by what their kernels say of them.

Facts of machines that open-source projects recorded in their test data; the
record is named with each. Memory is in MiB, page counts are as configured
here (nobody records a machine with its huge pages set aside).
"""

import dataclasses

from nova.tests.fixtures import libvirt as fakelibvirt
from nova.virt.libvirt import config as vconfig


@dataclasses.dataclass(frozen=True)
class Cell:
    """One NUMA cell: its cores as tuples of thread ids."""

    id: int
    socket: int | None
    memory_mb: int
    cores: tuple[tuple[int, ...], ...]


@dataclasses.dataclass(frozen=True)
class Machine:
    """A machine, and where its facts were recorded."""

    name: str
    record: str
    cells: tuple[Cell, ...]

    @property
    def cpus(self):
        return frozenset(
            cpu for cell in self.cells for core in cell.cores for cpu in core
        )

    def __str__(self):
        cell = self.cells[0]
        threads = len(cell.cores[0])
        return f'{self.name}, {len(self.cells)} x {len(cell.cores)} cores' + (
            f' x {threads} threads' if threads > 1 else ''
        )


def _cores(starts, threads, stride):
    return tuple(
        tuple(start + thread * stride for thread in range(threads))
        for start in starts
    )


XEON_L5640 = Machine(
    'Intel Xeon L5640',
    'jaypipes/ghw, snapshot linux-amd64-8581cf3a529e5d8b97ea876eade2f60d',
    (
        Cell(0, 1, 32207, _cores(range(0, 12, 2), 2, 12)),
        Cell(1, 0, 32168, _cores(range(1, 12, 2), 2, 12)),
    ),
)
OPTERON_4P = Machine(
    'AMD, 4 packages',
    'open-mpi/hwloc, 64amd64-4p2n4ca2co',
    tuple(
        Cell(
            die,
            die // 2,
            memory,
            tuple((cpu, cpu + 1) for cpu in range(8 * die, 8 * die + 8, 2)),
        )
        for die, memory in enumerate(
            (16043, 16126, 16126, 16126, 16126, 16126, 16126, 16110)
        )
    ),
)
XEON_4P = Machine(
    'Intel, 4 packages',
    'open-mpi/hwloc, 96em64t-4no4pa3ca2co',
    tuple(
        Cell(
            cell, None, memory, _cores(range(24 * cell, 24 * cell + 24), 1, 0)
        )
        for cell, memory in enumerate((129005, 129027, 129027, 129027))
    ),
)
XEON_56 = Machine(
    'Intel, Kubernetes master',
    'openshift/cluster-node-tuning-operator, master.internal',
    (
        Cell(0, 0, 128402, _cores(range(0, 56, 2), 2, 56)),
        Cell(1, 1, 128962, _cores(range(1, 56, 2), 2, 56)),
    ),
)
XEON_WORKER = Machine(
    'Intel, Kubernetes worker',
    'openshift/cluster-node-tuning-operator, worker2.internal',
    (
        Cell(0, 0, 95320, _cores(range(0, 32, 2), 1, 0)),
        Cell(1, 1, 96719, _cores(range(1, 32, 2), 1, 0)),
    ),
)

XEON_4P_36 = Machine(
    'Intel, 4 packages of 18 cores',
    'containers/nri-plugins, 4-socket-server-nosnc',
    tuple(
        Cell(
            cell,
            cell,
            memory,
            _cores(range(18 * cell, 18 * cell + 18), 2, 72),
        )
        for cell, memory in enumerate((192115, 193527, 193493, 193526))
    ),
)


ALL = (XEON_L5640, OPTERON_4P, XEON_4P, XEON_56, XEON_WORKER)


def symmetric(cells, cores, threads=1, memory_mb=4096):
    """Give a made-up machine whose cells are all alike."""
    per_cell = cores * threads
    return Machine(
        f'{cells} x {cores} cores',
        'made up',
        tuple(
            Cell(
                cell,
                cell,
                memory_mb,
                tuple(
                    tuple(range(first, first + threads))
                    for first in range(
                        cell * per_cell, (cell + 1) * per_cell, threads
                    )
                ),
            )
            for cell in range(cells)
        ),
    )


class HostInfo(fakelibvirt.HostInfo):
    """A machine as the fake libvirt reports it.

    ``dedicated`` and ``shared`` are what the host's own nova.conf would say
    in cpu_dedicated_set and cpu_shared_set; ``huge_pages`` maps a page size
    in KiB to a number of pages on each cell, ``small_pages`` is the size of
    the others. ``cpu_features`` are those beyond the model.
    """

    def __init__(
        self,
        machine,
        dedicated=None,
        shared=(),
        huge_pages=None,
        *,
        small_pages=4,
        hypervisor='QEMU',
        hypervisor_version=fakelibvirt.FAKE_QEMU_VERSION,
        cpu_model='Penryn',
        cpu_vendor='Intel',
        cpu_features=('sse4.2', 'vmx'),
    ):
        memory_kb = sum(cell.memory_mb for cell in machine.cells) * 1024
        super().__init__(kB_mem=memory_kb)
        self.machine = machine
        self.hypervisor = hypervisor
        self.hypervisor_version = hypervisor_version
        self.cpu_model, self.cpu_vendor = cpu_model, cpu_vendor
        self.cpu_features = frozenset(cpu_features)
        self.cpus = len(machine.cpus)
        self.shared = frozenset(shared)
        self.dedicated = (
            machine.cpus - self.shared
            if dedicated is None
            else frozenset(dedicated)
        )
        self.numa_topology = vconfig.LibvirtConfigCapsNUMATopology()
        self.numa_topology.cells = [
            _caps_cell(cell, small_pages, huge_pages or {})
            for cell in machine.cells
        ]


def _caps_cell(cell, small_pages, huge_pages):
    caps = vconfig.LibvirtConfigCapsNUMACell()
    caps.id = cell.id
    caps.memory = cell.memory_mb * 1024
    for number, core in enumerate(cell.cores):
        for thread in core:
            cpu = vconfig.LibvirtConfigCapsNUMACPU()
            cpu.id, cpu.socket_id, cpu.core_id = thread, cell.socket, number
            cpu.siblings = set(core)
            caps.cpus.append(cpu)
    left_kb = caps.memory - sum(
        size * count for size, count in huge_pages.items()
    )
    caps.mempages = fakelibvirt.create_mempages(
        [(small_pages, left_kb // small_pages), *huge_pages.items()]
    )
    return caps


def devices(*cells):
    """Give PCI devices, one on each cell named, None for no affinity."""
    made = fakelibvirt.HostPCIDevicesInfo(num_pci=0, num_pfs=0, num_vfs=0)
    for slot, cell in enumerate(cells):
        made.add_device(
            dev_type='PCI',
            bus=0x81,
            slot=slot,
            function=0,
            iommu_group=40 + slot,
            numa_node=-1 if cell is None else cell,
        )
    return made


def add_three(cloud):
    """Start hosts of two cells of 16 CPUs, of one such, and of one of 12."""
    for name, cells, cores in (('big', 2, 8), ('half', 1, 8), ('odd', 1, 6)):
        cloud.add_host(name, symmetric(cells, cores, 2, memory_mb=16384))
