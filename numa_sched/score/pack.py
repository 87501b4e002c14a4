"""``pack``: fill cells that are in use before breaking into others."""

from numa_sched.fit.claim import Claim
from numa_sched.topology import Guest, Host


class Pack:
    """Least free dedicated CPU left on the cells used."""

    def score(self, host: Host, guest: Guest, claim: Claim) -> float:
        """Give the share of dedicated CPUs in use, on the cells used.

        The share is that after the claim. Cells without dedicated CPUs have
        none to save: 1.0.
        """
        cells = claim.cells_after(guest)
        dedicated = sum(cell.dedicated.bit_count() for cell in cells)
        free = sum(cell.free.bit_count() for cell in cells)
        return 1.0 - free / dedicated if dedicated else 1.0
