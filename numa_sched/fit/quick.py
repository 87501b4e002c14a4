"""The usual guest, fast: cells alike, and nothing asked of the set.

Gives what :func:`numa_sched.fit.fit` gives, for guests whose cells are all
the same, without reserved CPUs, networks or devices: then the claim takes the
first cells, in its order, that accept one guest cell. Where page sizes could
come out differently from cell to cell, or Nova's walk could take too long, it
leaves the answer to the reference.
"""

import math

from numa_sched.fit.cell import counting_decides, page_order, pin
from numa_sched.fit.claim import MAX_RANK, Claim
from numa_sched.topology import (
    CPUPolicy,
    Guest,
    Host,
)


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
        self._by_kind = bool(cell.page_size) and cell.page_size < 0
        # One tuple for all claims that get pages of the same sizes.
        self._sizes: dict[tuple, tuple] = {}
        self._orders: dict[tuple[int, ...], tuple[tuple[int, int], ...]] = {}

    def place(self, host: Host) -> Claim | None:
        """Give the claim on a host, None if the guest does not fit.

        :raises Undecided: if only the reference can tell
        """
        count = len(self.guest.cells)
        available = len(host.layout.cells)
        if available < count:
            return None
        if self._by_kind and not host.layout.same_pages:
            raise Undecided
        accepted = self._accepted(host)
        if len(accepted) < count:
            return None
        if available > count:
            if (
                len(accepted) < available
                and math.perm(available, count) > MAX_RANK
            ):
                raise Undecided  # Nova's walk may take too long
            if host.devices:
                accepted = self._by_devices(host, accepted)
            if count == 1:
                accepted = [min(accepted)]
            else:
                accepted.sort()
        chosen = accepted[:count]
        sizes = tuple([each[-1] for each in chosen])
        return Claim(
            host,
            self.guest,
            tuple([each[-2] for each in chosen]),
            self._sizes.setdefault(sizes, sizes),
        )

    def _accepted(self, host: Host) -> list[tuple]:
        """Give, for each host cell that accepts one cell, a tuple.

        Sorted, they stand in the order of the claim; their last items are the
        index of the host cell and the page size.
        """
        cell = self._cell
        needed, pinned, sign = cell.dedicated, cell.pinned, self._sign
        memory_kb, page_size = self._memory_kb, cell.page_size
        has_shared = self._has_shared
        total, used = host.pages_total, host.pages_used
        kept, starts = host.pages_reserved, host.layout.page_starts
        sizes_kb = order = size = None
        chosen_sizes = set()
        accepted = []
        for index, layout in enumerate(host.layout.cells):
            if page_size:
                if layout.page_sizes_kb is not sizes_kb:
                    sizes_kb = layout.page_sizes_kb
                    order = self._order(sizes_kb)
                start = starts[index]
                for at, size in order:
                    at += start
                    free = total[at] - used[at] - kept[at]
                    if memory_kb <= free * size and not memory_kb % size:
                        break
                else:
                    continue
                chosen_sizes.add(size)
            if pinned:
                # A count does, as all that is pinned is dedicated.
                free = layout.dedicated_count - host.pinned[index].bit_count()
                if needed > free:
                    continue
                if not counting_decides(layout, cell) and not isinstance(
                    pin(host.cell(index), needed, cell.thread_policy), tuple
                ):
                    continue
                by_cpus = sign * free
            else:
                by_cpus = -sign * host.shared_used[index]
            if not page_size and not self._has_memory(host, index):
                continue
            if has_shared and not self._has_share(host, index):
                continue
            by_memory = sign * (
                host.memory_mb[index] - host.memory_used_mb[index]
            )
            accepted.append((by_cpus, by_memory, index, size))
        if self._by_kind and len(chosen_sizes) > 1:
            raise Undecided
        return accepted

    def _by_devices(self, host, accepted):
        devices = dict(host.devices)
        sign = -1 if self.guest.wants_devices else 1
        return [
            (sign * devices.get(host.layout.cells[each[-2]].id, 0), *each)
            for each in accepted
        ]

    def _order(self, sizes_kb):
        """Give index and size of the pages to try, in order."""
        order = self._orders.get(sizes_kb)
        if order is None:
            order = page_order(sizes_kb, self._cell.page_size)
            self._orders[sizes_kb] = order
        return order

    def _has_memory(self, host: Host, index: int) -> bool:
        pinned, layout = self._cell.pinned, host.layout.cells[index]
        smallest = layout.smallest_pages
        if smallest is None:
            room = host.memory_mb[index]
            if pinned:
                room -= host.memory_used_mb[index]
            return room >= self._cell.memory_mb
        size_kb = layout.page_sizes_kb[smallest]
        at = host.layout.page_starts[index] + smallest
        count = host.pages_total[at]
        if pinned:
            count -= host.pages_used[at] + host.pages_reserved[at]
        return (
            self._memory_kb <= count * size_kb
            and self._memory_kb % size_kb == 0
        )

    def _has_share(self, host: Host, index: int) -> bool:
        cell, layout = self._cell, host.layout.cells[index]
        shared = layout.shared.bit_count()
        return (
            cell.shared <= shared
            and host.shared_used[index] + cell.shared
            <= shared * host.cpu_allocation_ratio
            and host.memory_used_mb[index] + cell.memory_mb
            <= host.memory_mb[index] * host.ram_allocation_ratio
        )
