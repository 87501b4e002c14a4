"""Values of the core to Nova's objects: the other way than ``convert``."""

from nova import objects

from numa_sched import cpumask
from numa_sched.topology import Host, HostCell


def host_topology(host: Host) -> objects.NUMATopology:
    """Give the ``NUMATopology`` of a host, as its nova-compute reports it."""
    return objects.NUMATopology(cells=list(map(_host_cell, host.cells)))


def _host_cell(cell: HostCell) -> objects.NUMACell:
    layout = cell.layout
    made = objects.NUMACell(
        id=layout.id,
        socket=layout.socket,
        memory=cell.memory_mb,
        memory_usage=cell.memory_used_mb,
        cpuset=set(cpumask.ids(layout.shared)),
        cpu_usage=cell.shared_used,
        pcpuset=set(cpumask.ids(layout.dedicated)),
        pinned_cpus=set(cpumask.ids(cell.pinned)),
        siblings=[set(cpumask.ids(core)) for core in layout.siblings],
        mempages=[
            objects.NUMAPagesTopology(
                size_kb=size, total=total, used=used, reserved=reserved
            )
            for size, total, used, reserved in zip(
                layout.page_sizes_kb,
                cell.pages_total,
                cell.pages_used,
                cell.pages_reserved,
                strict=True,
            )
        ],
    )
    if layout.physnets is not None:
        made.network_metadata = objects.NetworkMetadata(
            physnets=set(layout.physnets), tunneled=layout.tunneled
        )
    return made
