"""PCI devices as a constraint on the set of chosen host cells."""

from collections.abc import Hashable, Mapping, Sequence

from nova import objects
from nova.objects import fields

from numa_sched.topology import HostCell


class PCIAffinity:
    """PCI devices of the guest, for one allocation candidate of a host.

    What a set of cells can give is Nova's own answer
    (``nova.pci.stats.PciDeviceStats.support_requests``); the classes of cells
    are ours.
    """

    what = 'are near enough to the PCI devices it asks for'

    def __init__(
        self,
        pci_stats,
        requests: Sequence,
        provider_mapping: Mapping[str, list[str]],
    ):
        self._stats = pci_stats
        self._requests = requests
        self._mapping = provider_mapping
        self._sockets = any(
            'numa_policy' in request
            and request.numa_policy == fields.PCINUMAAffinityPolicy.SOCKET
            for request in requests
        )
        self._pools = _wanted_pools(pci_stats, requests, provider_mapping)

    def key(self, cell: HostCell) -> Hashable:
        """Give what tells a cell apart as far as devices are concerned."""
        return (
            cell.layout.socket if self._sockets else None,
            self._pools.get(cell.id, ()),
        )

    def accepts(self, cells: Sequence[HostCell]) -> bool:
        """Whether Nova finds the devices near the cells."""
        return self._stats.support_requests(
            self._requests,
            self._mapping,
            [objects.InstanceNUMACell(id=cell.id) for cell in cells],
        )


def _wanted_pools(pci_stats, requests, mapping) -> dict[int | None, Hashable]:
    """Give, for each cell, the pools that the requests may draw from.

    Empty pools give nothing, and where placement has chosen providers, no
    others do. Nova serves requests one by one from pools in their order.
    While each pool is wanted by one request only, cells with equal pools are
    the same; otherwise the order matters and every cell with devices is its
    own class.
    """
    by_cell: dict[int | None, list] = {}
    wanted_by: dict[int, int] = {}
    providers = {uuid for each in (mapping or {}).values() for uuid in each}
    pools = [
        pool
        for pool in pci_stats.pools
        if pool['count'] > 0
        and (pool.get('rp_uuid') is None or pool['rp_uuid'] in providers)
    ]
    for request in requests:
        for pool in pci_stats._filter_pools_for_spec(pools, request):
            wanted_by[id(pool)] = wanted_by.get(id(pool), 0) + 1
    for pool in pools:
        if id(pool) in wanted_by:
            by_cell.setdefault(pool.get('numa_node'), []).append(pool)
    if any(count > 1 for count in wanted_by.values()):
        return {cell: ('cell', cell) for cell in by_cell}
    return {
        cell: tuple(
            sorted(
                repr(
                    sorted((k, v) for k, v in pool.items() if k != 'numa_node')
                )
                for pool in pools
            )
        )
        for cell, pools in by_cell.items()
    }
