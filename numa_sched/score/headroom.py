"""``headroom``: room to spare, so that a claim survives a stale view."""

from numa_sched.fit.claim import Claim
from numa_sched.score import Strategy
from numa_sched.topology import Guest, GuestCell, Host, HostCell


class Headroom(Strategy):
    """Largest slack on the tightest cell used, in what is tightest there.

    What a scheduler does not see yet is claims on their way to the host.
    """

    def score(self, host: Host, guest: Guest, claim: Claim) -> float:
        """Give the least share still free of CPUs or memory on a cell."""
        return min(
            _slack(host, cell, wanted, size)
            for cell, wanted, size in zip(
                claim.cells_after(),
                guest.cells,
                claim.page_sizes,
                strict=True,
            )
        )


def _slack(
    host: Host, cell: HostCell, wanted: GuestCell, page_size: int | None
) -> float:
    """Give the least share that is free of what a guest cell uses."""
    layout = cell.layout
    shares = [_memory_slack(host, cell, wanted, page_size)]
    if wanted.dedicated:
        shares.append(_share(cell.free.bit_count(), layout.dedicated_count))
    if wanted.shared:
        limit = layout.shared.bit_count() * host.cpu_allocation_ratio
        shares.append(_share(limit - cell.shared_used, limit))
    return min(shares)


def _memory_slack(
    host: Host, cell: HostCell, wanted: GuestCell, page_size: int | None
) -> float:
    if not wanted.memory_mb:
        return 1.0
    layout = cell.layout
    if page_size is None and not wanted.pinned:
        limit = cell.memory_mb * host.ram_allocation_ratio
        return _share(limit - cell.memory_used_mb, limit)
    if layout.smallest_pages is None:
        return _share(cell.memory_free_mb, cell.memory_mb)
    index = (
        layout.smallest_pages
        if page_size is None
        else layout.page_sizes_kb.index(page_size)
    )
    return _share(
        cell.pages_free_kb(index),
        cell.pages_total[index] * layout.page_sizes_kb[index],
    )


def _share(free: float, total: float) -> float:
    return min(max(free / total, 0.0), 1.0) if total > 0 else 0.0
