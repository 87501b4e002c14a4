"""Whether a guest fits a host, on which cells, or why not.

The contract: a guest fits a host if its cells can be put on different cells
of the host such that every pair is accepted (:mod:`numa_sched.fit.cell`),
the host cells as a set satisfy what is asked of the set
(:mod:`numa_sched.fit.constraint`), and the claim on the host will come to a
right answer too (:mod:`numa_sched.fit.claim`).
"""

from collections.abc import Callable, Sequence

from numa_sched.fit.bulk import UNDECIDED, Bulk, Placed
from numa_sched.fit.choice import Budget, OutOfSteps
from numa_sched.fit.claim import Claim
from numa_sched.fit.constraint import SetConstraint
from numa_sched.fit.reasons import Misfit, TooManySets
from numa_sched.fit.trial import MAX_STEPS, Trial
from numa_sched.topology import Guest, Host

__all__ = [
    'MAX_STEPS',
    'UNDECIDED',
    'Budget',
    'OutOfSteps',
    'Placer',
    'Trial',
    'fit',
    'matching_cells',
]


class Placer:
    """Answers for one guest on many hosts, without giving reasons."""

    def __init__(self, guest: Guest, *, packing: bool = False):
        """Take the guest; ``packing`` is as for :func:`fit`."""
        self.guest, self._packing = guest, packing
        self._bulk = Bulk(guest, packing=packing)

    def place(self, host: Host) -> Claim | None:
        """Give the claim on a host, None if the guest does not fit."""
        claim = self.place_all([host])[0]
        return None if claim is UNDECIDED else claim

    def place_all(
        self,
        hosts: Sequence[Host],
        budget_of_host: Callable[[], Budget] = lambda: Budget(MAX_STEPS),
    ) -> list[Placed]:
        """Give what :meth:`place` gives for each host; faster at once.

        :param budget_of_host: gives what may be done for the next host; where
            less than :data:`MAX_STEPS` does not do, it is :data:`UNDECIDED`
        """
        found: list[Placed] = [UNDECIDED] * len(hosts)
        if self._bulk.applies:
            kinds: dict[int, list[int]] = {}
            for number, host in enumerate(hosts):
                kinds.setdefault(id(host.layout.form), []).append(number)
            for numbers in kinds.values():
                placed = self._bulk.place([hosts[each] for each in numbers])
                for number, claim in zip(numbers, placed, strict=True):
                    found[number] = claim
        return [
            self._search(host, budget_of_host())
            if claim is UNDECIDED
            else claim
            for host, claim in zip(hosts, found, strict=True)
        ]

    def _search(self, host: Host, budget: Budget) -> Placed:
        is_cut = budget.left < MAX_STEPS
        found = self.explain(host, budget)
        if isinstance(found, Claim):
            return found
        if is_cut and isinstance(found.reason, TooManySets):
            return UNDECIDED
        return None

    def explain(
        self, host: Host, budget: Budget | None = None
    ) -> Claim | Misfit:
        """Give the claim on a host, or why the guest does not fit.

        :param budget: :data:`MAX_STEPS` if none is given
        """
        trial = Trial(host, self.guest, packing=self._packing)
        return trial.claim((), budget)


def fit(
    host: Host,
    guest: Guest,
    constraints: Sequence[SetConstraint] = (),
    *,
    packing: bool = False,
) -> Claim | Misfit:
    """Give the cells that a guest would take of a host, or why it does not.

    :param constraints: asked of the chosen cells as a set, beside the
        networks of the guest
    :param packing: ``[compute]
        packing_host_numa_cells_allocation_strategy`` of the host
    """
    return Trial(host, guest, packing=packing).claim(constraints)


def matching_cells(
    host: Host, guest: Guest, constraints: Sequence[SetConstraint] = ()
) -> tuple[int, ...] | Misfit:
    """Give ids of host cells that carry the guest's cells, in their order.

    This is the exact answer, which the claim may not find.
    """
    return Trial(host, guest).cells(constraints)
