"""``fragmentation``: least loss of room for the guests that are asked for.

The idea is that of fragmentation gradient descent, known for GPUs (Weng et
al., "Beware of Fragmentation", USENIX ATC 2023): what counts is not how much
of a host is free but how much of that the requests to come can use. Here it
is cells, cores, huge pages, memory and PCI devices.
"""

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from numa_sched.fit.capacity import Capacity
from numa_sched.fit.claim import Claim
from numa_sched.fit.left import Left, LeftAfter
from numa_sched.score import Mix, Strategy
from numa_sched.topology import Guest, Host


class Fragmentation(Strategy):
    """Least growth of what is free but of no use to the mix of guests."""

    def __init__(self, mix: Mix = ()):
        """Take the mix; without one, only the guest itself counts."""
        self._mix = [
            (guest, share * (_cpus(guest) or 1)) for guest, share in mix
        ]

    def score(self, host: Host, guest: Guest, claim: Claim) -> float:
        """Give the score of one host; see :meth:`scores`."""
        return self.scores(guest, [claim])[0]

    def scores(self, guest: Guest, claims: Sequence[Claim]) -> list[float]:
        """Give a score for each claim: 1.0 if no room is lost to anybody.

        It is 0.5 if the mix loses as many CPUs as the guest has.
        """
        cpus = _cpus(guest) or 1
        kinds: dict[int, list[int]] = {}
        for number, claim in enumerate(claims):
            kinds.setdefault(id(claim.host.layout), []).append(number)
        scores = [0.0] * len(claims)
        for numbers in kinds.values():
            lost = self.lost_cpus([claims[number] for number in numbers])
            found = cpus / (cpus + numpy.maximum(lost, 0.0))
            for number, score in zip(numbers, found.tolist(), strict=True):
                scores[number] = score
        return scores

    def lost_cpus(self, claims: Sequence[Claim]) -> NDArray[numpy.float64]:
        """Give the CPUs that the mix can use no more, on average.

        For each guest of the mix that is the number of such guests that have
        room before the claim and not after it, times its CPUs.

        :param claims: of one guest, on hosts of the same layout
        """
        left = Left([claim.host for claim in claims])
        before, after = Capacity(left), Capacity(LeftAfter(left, claims))
        mix = self._mix or [(claims[0].guest, _cpus(claims[0].guest) or 1)]
        lost = numpy.zeros(len(claims))
        for guest, weight in mix:
            lost += weight * (before.guests(guest) - after.guests(guest))
        return lost


def _cpus(guest: Guest) -> int:
    return sum(cell.shared + cell.dedicated for cell in guest.cells)
