"""``spread``: keep away from cells that are in use."""

from numa_sched.fit.claim import Claim
from numa_sched.score import Strategy
from numa_sched.score.usage import share_in_use
from numa_sched.topology import Guest, Host


class Spread(Strategy):
    """Most free CPU left on the cells used, of the kind the guest uses."""

    def score(self, host: Host, guest: Guest, claim: Claim) -> float:
        """Give the share of their CPUs still free after the claim."""
        return 1.0 - share_in_use(host, guest, claim)
