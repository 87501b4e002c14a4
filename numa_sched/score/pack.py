"""``pack``: fill cells that are in use before breaking into others."""

from numa_sched.fit.claim import Claim
from numa_sched.score import Strategy
from numa_sched.score.usage import share_in_use
from numa_sched.topology import Guest, Host


class Pack(Strategy):
    """Least free CPU left on the cells used, of the kind the guest uses."""

    def score(self, host: Host, guest: Guest, claim: Claim) -> float:
        """Give the share of their CPUs in use after the claim."""
        return share_in_use(host, guest, claim)
