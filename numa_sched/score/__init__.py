"""Strategies: how good a host is for a guest, after the predicted claim."""

from collections.abc import Sequence

from numa_sched.fit.claim import Claim
from numa_sched.topology import Guest, Host

Mix = Sequence[tuple[Guest, float]]
"""Guests that are asked for, each with its share of the requests."""


class Strategy:
    """What an entry point of ``numa_sched.fit_strategies`` names: a class.

    An object of it does not change. It is made anew whenever the mix of
    guests has changed.
    """

    def __init__(self, mix: Mix = ()):
        """Take the guests that the cloud is asked for."""

    def score(self, host: Host, guest: Guest, claim: Claim) -> float:
        """Give 0.0 for the worst host that fits, 1.0 for the best."""
        raise NotImplementedError

    def scores(self, guest: Guest, claims: Sequence[Claim]) -> list[float]:
        """Give the score of each claim; for those that are faster so."""
        return [self.score(claim.host, guest, claim) for claim in claims]


def bounded(score: float) -> float:
    """Give a score as it counts, whatever a strategy says: from 0 to 1.

    What is no number counts as 0: it would spoil the order of all hosts.
    """
    return min(max(0.0, score), 1.0)  # in this order, 0.0 wins against NaN
