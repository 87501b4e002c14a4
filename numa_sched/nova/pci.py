"""PCI devices as a constraint on the set of chosen host cells."""

from collections.abc import Hashable, Mapping, Sequence

from nova import objects
from nova.objects import fields

from numa_sched.fit import devices
from numa_sched.fit.claim import Claim
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


def order_candidates(pci_stats, claims: Sequence[tuple[dict, Claim]]) -> list:
    """Give allocation candidates, those with the nearest devices first.

    Only devices that placement knows differ from candidate to candidate. Those
    that are equally near stay in their order.

    :param claims: candidates, each with the claim that it leads to
    """
    cells = {
        pool['rp_uuid']: pool.get('numa_node')
        for pool in (pci_stats.pools if pci_stats else ())
        if pool.get('rp_uuid')
    }

    def remoteness(item):
        candidate, claim = item
        return devices.remoteness(
            claim,
            [
                cells[provider]
                for providers in candidate['mappings'].values()
                for provider in providers
                if provider in cells
            ],
        )

    return [candidate for candidate, _ in sorted(claims, key=remoteness)]


def _wanted_pools(pci_stats, requests, mapping) -> dict[int | None, Hashable]:
    """Give, for each cell, the pools that the requests may draw from.

    Empty pools give nothing. Nova serves requests one by one from pools in
    their order. While each pool is wanted by one request only, cells with
    equal pools are the same; otherwise the order matters and every cell with
    devices is its own class.

    Of pools that are not the candidate's the number of devices counts all the
    same: Nova looks whether there are enough of them near the cells before it
    looks at what placement has chosen (``PciDeviceStats._filter_pools``).
    """
    wanted_by: dict[int, int] = {}
    pools = [pool for pool in pci_stats.pools if pool['count'] > 0]
    for request in requests:
        for pool in pci_stats._filter_pools_for_spec(pools, request):
            wanted_by[id(pool)] = wanted_by.get(id(pool), 0) + 1
    by_cell: dict[int | None, dict[str, int]] = {}
    providers = {uuid for each in (mapping or {}).values() for uuid in each}
    for pool in pools:
        if id(pool) in wanted_by:
            counts = by_cell.setdefault(pool.get('numa_node'), {})
            kind = _kind(pool, providers)
            counts[kind] = counts.get(kind, 0) + pool['count']
    if any(count > 1 for count in wanted_by.values()):
        return {cell: ('cell', cell) for cell in by_cell}
    return {
        cell: tuple(sorted(counts.items())) for cell, counts in by_cell.items()
    }


def _kind(pool, providers) -> str:
    """Give what tells a pool from others on its cell.

    Providers that the candidate does not name are all alike.
    """
    return repr(
        sorted(
            (key, value)
            for key, value in pool.items()
            if key not in ('count', 'numa_node')
            and (key != 'rp_uuid' or value in providers)
        )
    )
