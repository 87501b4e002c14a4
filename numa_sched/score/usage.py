"""Shares of the CPUs on the cells that a claim takes."""

from numa_sched.fit.claim import Claim
from numa_sched.topology import Guest, Host


def share_in_use(host: Host, guest: Guest, claim: Claim) -> float:
    """Give the share of CPUs in use, on the cells used, after the claim.

    Dedicated CPUs count if the guest has any; otherwise shared ones do, times
    the allocation ratio. Where there are none it is 1.0.
    """
    cells = claim.cells
    total: float
    free: float
    if any(cell.dedicated for cell in guest.cells):
        total = free = 0
        for cell in cells:
            total += cell.layout.dedicated_count
            free += cell.free.bit_count()
        free -= claim.dedicated_taken()
    else:
        shared = sum(cell.layout.shared.bit_count() for cell in cells)
        total = shared * host.cpu_allocation_ratio
        used = sum(cell.shared_used for cell in cells)
        free = total - used - sum(cell.shared for cell in guest.cells)
    return 1.0 - max(free, 0) / total if total else 1.0
