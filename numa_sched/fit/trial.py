"""One guest on one host, for any of the host's allocation candidates."""

import functools
from collections.abc import Sequence

from numa_sched.fit import choice, match
from numa_sched.fit.choice import Budget, OutOfSteps
from numa_sched.fit.claim import MAX_PERMUTATIONS, Claim, Walk, too_many
from numa_sched.fit.constraint import NetworkAffinity, SetConstraint
from numa_sched.fit.pairs import Pairs
from numa_sched.fit.reach import Devices, DevicesNear
from numa_sched.fit.reasons import (
    CellMisfit,
    Misfit,
    NoCellFits,
    TooFewCells,
    TooManySets,
    Unreachable,
)
from numa_sched.topology import Guest, Host

MAX_STEPS = 3000
"""What is done for one host, at some 10 microseconds a step."""

# Most claims take the first cells that they try. A claim that does not is
# only followed further if there are cells for it at all.
FIRST = 16

MAX_SEARCHED = 1500
"""The part of the steps that go into the search for any cells."""


class Trial:
    """Answers for one guest on one host."""

    def __init__(self, host: Host, guest: Guest, *, packing: bool = False):
        """Take the two; ``packing`` is as for :func:`numa_sched.fit.fit`."""
        self.host, self.guest, self._packing = host, guest, packing
        self._pairs = Pairs(host, guest)

    def devices_near(
        self, chosen: Sequence[Sequence[str]] | None = None
    ) -> DevicesNear:
        """Give what the guest's devices ask of the cells.

        :param chosen: as for :meth:`numa_sched.fit.reach.Devices.near`
        """
        return self._devices.near(chosen)

    def claim(
        self,
        constraints: Sequence[SetConstraint] = (),
        budget: Budget | None = None,
    ) -> Claim | Misfit:
        """Give the claim, or why the guest does not fit.

        :param constraints: asked of the chosen cells as a set, beside the
            networks of the guest
        :param budget: :data:`MAX_STEPS` if none is given; where it does not
            do, the guest does not fit
        """
        if self._misfit is not None:
            return self._misfit
        constraints = [*self._networks, *constraints]
        blocking = choice.out_of_reach(self._accepted, constraints)
        if blocking is not None:
            return Misfit(Unreachable(blocking.what))
        budget = budget or Budget(MAX_STEPS)
        walk = Walk(self._pairs, constraints, packing=self._packing)
        try:
            found = walk.run(FIRST, budget)
            sure = True
            if constraints and not isinstance(found, Claim):
                try:
                    unsatisfied = self._unsatisfied(
                        constraints, budget.part(MAX_SEARCHED)
                    )
                    if unsatisfied is not None:
                        return unsatisfied
                except OutOfSteps:
                    sure = False
            found = found or walk.run(MAX_PERMUTATIONS, budget)
        except OutOfSteps:
            return Misfit(TooManySets())
        if isinstance(found, Claim):
            return found
        return Misfit(
            (found or too_many(MAX_PERMUTATIONS)) if sure else TooManySets()
        )

    def cells(
        self, constraints: Sequence[SetConstraint] = ()
    ) -> tuple[int, ...] | Misfit:
        """Give ids of host cells that carry the guest's, in their order."""
        if self._misfit is not None:
            return self._misfit
        constraints = [*self._networks, *constraints]
        place = self._place
        if constraints:
            budget = Budget(MAX_STEPS)
            try:
                found = choice.choose(self._accepted, constraints, budget)
                if found is None:
                    return self._unreachable(constraints, Budget(MAX_STEPS))
            except OutOfSteps:
                return Misfit(TooManySets())
            place = found
        layouts = self.host.layout.cells
        return tuple(layouts[place[each]].id for each in range(len(place)))

    @functools.cached_property
    def _networks(self) -> list[NetworkAffinity]:
        if self.guest.physnets or self.guest.tunneled:
            return [NetworkAffinity(self.host, self.guest)]
        return []

    @functools.cached_property
    def _devices(self) -> Devices:
        return Devices(self.host, self.guest)

    @functools.cached_property
    def _rows(self) -> list[dict[int, int | CellMisfit | None]]:
        """For each guest cell, host cell to what comes of the pair."""
        return [
            self._pairs.row(place) for place in range(len(self.guest.cells))
        ]

    @functools.cached_property
    def _accepted(self) -> list[list[int]]:
        return [
            [
                index
                for index, found in row.items()
                if not isinstance(found, CellMisfit)
            ]
            for row in self._rows
        ]

    @functools.cached_property
    def _place(self) -> dict[int, int]:
        """As many guest cells as find a place, without constraints."""
        return match.match(self._accepted)

    @functools.cached_property
    def _misfit(self) -> Misfit | None:
        """Why the guest does not fit even without constraints, or None."""
        available = len(self.host.layout.cells)
        if available < len(self.guest.cells):
            return Misfit(TooFewCells(len(self.guest.cells), available))
        if len(self._place) == len(self.guest.cells):
            return None
        guests = match.bottleneck(self._accepted)
        usable = {index for each in guests for index in self._accepted[each]}
        layouts = self.host.layout.cells
        return Misfit(
            NoCellFits(
                guest_cells=guests,
                host_cells=tuple(sorted(layouts[each].id for each in usable)),
                misfits=tuple(
                    sorted(
                        (
                            (layouts[index].id, found)
                            for index, found in self._rows[guests[0]].items()
                            if index not in usable
                            and isinstance(found, CellMisfit)
                        ),
                        key=lambda pair: pair[0],
                    )
                ),
            )
        )

    def _unsatisfied(
        self, constraints: Sequence[SetConstraint], budget: Budget
    ) -> Misfit | None:
        """Give the misfit if no set of cells will do, None if one does."""
        if choice.choose(self._accepted, constraints, budget) is not None:
            return None
        return self._unreachable(constraints, budget)

    def _unreachable(
        self, constraints: Sequence[SetConstraint], budget: Budget
    ) -> Misfit:
        """Give the misfit where no set of cells will do."""
        for each in constraints:
            if choice.choose(self._accepted, [each], budget) is None:
                return Misfit(Unreachable(each.what))
        return Misfit(Unreachable(constraints[-1].what))
