"""``pack``: fill cells that are in use before breaking into others."""

from numa_sched.fit.claim import Claim
from numa_sched.topology import Guest, Host


class Pack:
    """Least free CPU left on the cells used, of the kind the guest uses."""

    def score(self, host: Host, guest: Guest, claim: Claim) -> float:
        """Give the share of CPUs in use, on the cells used, after the claim.

        Dedicated CPUs count if the guest has any; otherwise shared ones do,
        times the allocation ratio. Where there are none to save it is 1.0.
        """
        cells = claim.cells_after(guest)
        if any(cell.dedicated for cell in guest.cells):
            total = sum(cell.dedicated.bit_count() for cell in cells)
            free = sum(cell.free.bit_count() for cell in cells)
        else:
            shared = sum(cell.shared.bit_count() for cell in cells)
            total = shared * host.cpu_allocation_ratio
            free = total - sum(cell.shared_used for cell in cells)
        return 1.0 - max(free, 0) / total if total else 1.0
