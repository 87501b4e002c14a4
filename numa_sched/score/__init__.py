"""Strategies: how good a host is for a guest, after the predicted claim."""

from typing import Protocol

from numa_sched.fit.claim import Claim
from numa_sched.topology import Guest, Host


class Strategy(Protocol):
    """What an entry point of ``numa_sched.fit_strategies`` must be able to."""

    def score(self, host: Host, guest: Guest, claim: Claim) -> float:
        """Give 0.0 for the worst host that fits, 1.0 for the best."""
