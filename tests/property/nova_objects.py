"""Values of the core as Nova's objects, the other way round than convert."""

import dataclasses

from nova import objects
from nova.pci import stats as pci_stats

from numa_sched import fit
from numa_sched.nova import convert
from numa_sched.nova.scheduler.pci import chosen_providers
from tests.restore import host_topology

objects.register_all()


def instance_topology(guest):
    """Give the ``InstanceNUMATopology`` that a guest asks for."""
    cells = []
    first = 0
    for index, cell in enumerate(guest.cells):
        shared_end = first + cell.shared
        end = shared_end + cell.dedicated
        cells.append(
            objects.InstanceNUMACell(
                id=index,
                cpuset=set(range(first, shared_end)),
                pcpuset=set(range(shared_end, end)),
                memory=cell.memory_mb,
                pagesize=None
                if cell.page_size is None
                else int(cell.page_size),
                cpu_policy=cell.cpu_policy.value,
                cpu_thread_policy=(
                    cell.thread_policy and cell.thread_policy.value
                ),
            )
        )
        first = end
    return objects.InstanceNUMATopology(
        cells=cells,
        emulator_threads_policy='isolate' if guest.isolate_emulator else None,
    )


def limits(host, guest):
    """Give the limits that a filter leaves for the claim."""
    made = objects.NUMATopologyLimits(
        cpu_allocation_ratio=host.cpu_allocation_ratio,
        ram_allocation_ratio=host.ram_allocation_ratio,
    )
    if guest.physnets or guest.tunneled:
        made.network_metadata = network_metadata(guest)
    return made


def network_metadata(guest):
    """Give the ``NetworkMetadata`` of a guest's networks."""
    return objects.NetworkMetadata(
        physnets=set(guest.physnets), tunneled=guest.tunneled
    )


def devices(host, pools):
    """Give ``PciDeviceStats`` with pools of (cell, product, count)."""
    return pci_stats.PciDeviceStats(
        host_topology(host),
        stats=objects.PciDevicePoolList(
            objects=[
                objects.PciDevicePool(
                    vendor_id='8086',
                    product_id=product,
                    numa_node=cell,
                    count=count,
                    tags={'dev_type': 'type-PCI'},
                )
                for cell, product, count in pools
            ]
        ),
    )


def device_requests(wanted):
    """Give ``InstancePCIRequest`` objects.

    :param wanted: tuples of product (None for any), count and NUMA policy
    """
    return [
        objects.InstancePCIRequest(
            count=count,
            request_id=f'request-{number}',
            alias_name=f'alias-{number}',
            spec=[
                {'vendor_id': '8086', 'product_id': product}
                if product
                else {'vendor_id': '8086'}
            ],
            numa_policy=numa_policy,
        )
        for number, (product, count, numa_policy) in enumerate(wanted)
    ]


def with_devices(host, guest, stats, requests):
    """Give host and guest as values that tell of devices and requests."""
    return (
        dataclasses.replace(
            host, pools=tuple(map(convert._pool, stats.pools))
        ),
        dataclasses.replace(
            guest, devices=tuple(map(convert._device_request, requests))
        ),
    )


def devices_near(host, guest, stats, requests, mapping):
    """Give the constraint that devices are, for an allocation candidate."""
    host, guest = with_devices(host, guest, stats, requests)
    chosen = chosen_providers(stats, requests, mapping)
    return fit.Trial(host, guest).devices_near(chosen)
