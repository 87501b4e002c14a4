"""The usual guest, fast: cells alike, and nothing asked of the set.

Gives what :func:`numa_sched.fit.fit` gives, for guests whose cells are all
the same, without reserved CPUs, networks or devices: then the claim takes the
first cells, in its order, that accept one guest cell. Where page sizes could
come out differently from cell to cell it leaves the answer to the reference.
"""

from numa_sched.fit.cell import pin
from numa_sched.fit.claim import Claim
from numa_sched.topology import (
    CPUPolicy,
    Guest,
    Host,
    HostCell,
    PageSize,
    ThreadPolicy,
)

PICKY = (ThreadPolicy.REQUIRE, ThreadPolicy.ISOLATE)


class Undecided(Exception):  # noqa: N818 (not an error)
    """The reference has to answer."""


class Quick:
    """Answers for one guest on many hosts."""

    def __init__(self, guest: Guest, *, packing: bool = False):
        """Work out what does not depend on the host.

        :param packing: ``[compute]
            packing_host_numa_cells_allocation_strategy`` of the hosts
        """
        cell = guest.cells[0]
        self.guest = guest
        self.applies = not (
            guest.isolate_emulator
            or guest.physnets
            or guest.tunneled
            or any(other != cell for other in guest.cells)
        )
        self._sign = 1 if packing else -1
        self._cell = cell
        self._memory_kb = cell.memory_mb * 1024
        self._has_shared = cell.cpu_policy is not CPUPolicy.DEDICATED
        self._picky = cell.thread_policy in PICKY or not cell.dedicated
        self._by_kind = bool(cell.page_size) and cell.page_size < 0
        self._orders: dict[tuple[int, ...], tuple[tuple[int, int], ...]] = {}

    def place(self, host: Host) -> Claim | None:
        """Give the claim on a host, None if the guest does not fit.

        :raises Undecided: if only the reference can tell
        """
        count = len(self.guest.cells)
        cells = host.cells
        if len(cells) < count:
            return None
        if self._by_kind and not host.same_pages:
            raise Undecided
        accepted = self._accepted(host)
        if len(accepted) < count:
            return None
        if len(cells) > count:
            if host.devices:
                accepted = self._by_devices(host, accepted)
            if count == 1:
                accepted = [min(accepted)]
            else:
                accepted.sort()
        chosen = accepted[:count]
        return Claim(
            self.guest,
            tuple([each[-2] for each in chosen]),
            tuple([each[-1] for each in chosen]),
        )

    def _accepted(self, host: Host) -> list[tuple]:
        """Give sort key, cell and page size of each cell that accepts one."""
        cell = self._cell
        needed, pinned, sign = cell.dedicated, cell.pinned, self._sign
        sizes = set()
        accepted = []
        for position, host_cell in enumerate(host.cells):
            layout = host_cell.layout
            size = None
            if cell.page_size:
                size = self._page_size(host_cell)
                if size is None:
                    continue
                sizes.add(size)
            elif not self._has_memory(host_cell):
                continue
            if pinned:
                free = (layout.dedicated & ~host_cell.pinned).bit_count()
                if needed > free:
                    continue
                if (self._picky or not layout.cores_known) and not isinstance(
                    pin(host_cell, needed, cell.thread_policy), tuple
                ):
                    continue
                by_cpus = free
            else:
                by_cpus = -host_cell.shared_used
            if self._has_shared and not self._has_share(host, host_cell):
                continue
            accepted.append(
                (
                    sign * by_cpus,
                    sign * (layout.memory_mb - host_cell.memory_used_mb),
                    position,
                    host_cell,
                    size,
                )
            )
        if self._by_kind and len(sizes) > 1:
            raise Undecided
        return accepted

    def _by_devices(self, host, accepted):
        devices = dict(host.devices)
        sign = -1 if self.guest.wants_devices else 1
        return [
            (sign * devices.get(each[-2].layout.id, 0), *each)
            for each in accepted
        ]

    def _page_size(self, host_cell: HostCell) -> int | None:
        pages = host_cell.layout.pages
        used = host_cell.pages_used
        memory_kb = self._memory_kb
        for index, size in self._order(host_cell.layout.page_sizes_kb):
            of_size = pages[index]
            free = of_size.total - used[index] - of_size.reserved
            if memory_kb <= free * size and memory_kb % size == 0:
                return size
        return None

    def _order(self, sizes_kb):
        """Give index and size of the pages to try, in order."""
        order = self._orders.get(sizes_kb)
        if order is None:
            first = {}
            for index, size in enumerate(sizes_kb):
                first.setdefault(size, index)
            tried = sorted(sizes_kb, reverse=True)
            wanted = self._cell.page_size
            if wanted == PageSize.SMALL:
                tried = tried[-1:]
            elif wanted == PageSize.LARGE:
                tried = tried[:-1]
            elif wanted != PageSize.ANY:
                tried = [wanted] if wanted in first else []
            order = tuple((first[size], size) for size in tried)
            self._orders[sizes_kb] = order
        return order

    def _has_memory(self, host_cell: HostCell) -> bool:
        layout = host_cell.layout
        index = layout.smallest_pages
        if index is None:
            room = layout.memory_mb
            if self._cell.pinned:
                room -= host_cell.memory_used_mb
            return room >= self._cell.memory_mb
        pages = layout.pages[index]
        count = pages.total
        if self._cell.pinned:
            count -= host_cell.pages_used[index] + pages.reserved
        return (
            self._memory_kb <= count * pages.size_kb
            and self._memory_kb % pages.size_kb == 0
        )

    def _has_share(self, host: Host, host_cell: HostCell) -> bool:
        layout, cell = host_cell.layout, self._cell
        shared = layout.shared.bit_count()
        return (
            cell.shared <= shared
            and host_cell.shared_used + cell.shared
            <= shared * host.cpu_allocation_ratio
            and host_cell.memory_used_mb + cell.memory_mb
            <= layout.memory_mb * host.ram_allocation_ratio
        )
