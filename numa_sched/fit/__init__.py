"""Whether a guest fits a host, on which cells, or why not.

The contract: a guest fits a host if its cells can be put on different cells
of the host such that every pair is accepted (:mod:`numa_sched.fit.cell`),
the host cells as a set satisfy what is asked of the set
(:mod:`numa_sched.fit.constraint`), and the claim on the host will come to a
right answer too (:mod:`numa_sched.fit.claim`).
"""

import collections
from collections.abc import Sequence

from numa_sched.fit import match
from numa_sched.fit.bulk import FEW, UNDECIDED, Bulk
from numa_sched.fit.cell import check_cell
from numa_sched.fit.claim import Claim, predict
from numa_sched.fit.constraint import (
    NetworkAffinity,
    Remembered,
    SetConstraint,
)
from numa_sched.fit.quick import Quick, Undecided
from numa_sched.fit.reasons import (
    CellMisfit,
    ClaimRefused,
    Misfit,
    NoCellFits,
    TooFewCells,
    TooManySets,
    Unreachable,
)
from numa_sched.topology import Guest, Host

__all__ = ['Placer', 'fit', 'matching_cells']

# Asking about a set of cells takes Nova some 0.1 ms, and a request must not
# wait for all the sets of a host whose devices are nearly all taken.
MAX_SETS = 500

Verdicts = list[dict[int, int | CellMisfit | None]]


class Placer:
    """Answers for one guest on many hosts, without giving reasons."""

    def __init__(self, guest: Guest, *, packing: bool = False):
        """Take the guest; ``packing`` is as for :func:`fit`."""
        self.guest, self._packing = guest, packing
        self._quick = Quick(guest, packing=packing)
        self._bulk = Bulk(guest, packing=packing)

    def place(self, host: Host) -> Claim | None:
        """Give the claim on a host, None if the guest does not fit."""
        if self._quick.applies:
            try:
                return self._quick.place(host)
            except Undecided:
                pass
        return self.explain(host) or None

    def place_all(self, hosts: Sequence[Host]) -> list[Claim | None]:
        """Give what :meth:`place` gives for each host; faster if many."""
        kinds: dict[int, list[int]] = {}
        for number, host in enumerate(hosts):
            kinds.setdefault(id(host.layout), []).append(number)
        found: list = [UNDECIDED] * len(hosts)
        for numbers in kinds.values():
            if self._bulk.applies and len(numbers) > FEW:
                placed = self._bulk.place([hosts[each] for each in numbers])
                for number, claim in zip(numbers, placed, strict=True):
                    found[number] = claim
        return [
            self.place(host) if claim is UNDECIDED else claim
            for host, claim in zip(hosts, found, strict=True)
        ]

    def explain(self, host: Host) -> Claim | Misfit:
        """Give the claim on a host, or why the guest does not fit."""
        return fit(host, self.guest, packing=self._packing)


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
    if guest.physnets or guest.tunneled:
        constraints = [NetworkAffinity(host, guest), *constraints]
    constraints = [Remembered(each) for each in constraints]
    matched = matching_cells(host, guest, constraints)
    if isinstance(matched, Misfit):
        return matched
    claim = predict(
        host,
        guest,
        lambda cells: all(each.accepts(cells) for each in constraints),
        packing=packing,
    )
    return Misfit(claim) if isinstance(claim, ClaimRefused) else claim


def matching_cells(
    host: Host, guest: Guest, constraints: Sequence[SetConstraint] = ()
) -> tuple[int, ...] | Misfit:
    """Give ids of host cells that carry the guest's cells, in their order.

    This is the exact answer, which the claim may not find.
    """
    available = len(host.layout.cells)
    if available < len(guest.cells):
        return Misfit(TooFewCells(len(guest.cells), available))
    verdicts = _pair_verdicts(host, guest)
    accepted = [
        [
            cell
            for cell, found in row.items()
            if not isinstance(found, CellMisfit)
        ]
        for row in verdicts
    ]
    place = match.match(accepted)
    if len(place) < len(guest.cells):
        return Misfit(_explain(verdicts, accepted))
    if constraints:
        place = _constrained(host, accepted, constraints)
        if isinstance(place, Misfit):
            return place
    return tuple(place[index] for index in range(len(guest.cells)))


def _pair_verdicts(host: Host, guest: Guest) -> Verdicts:
    """Give, for each guest cell, host cell id to what comes of the pair."""
    cells = host.cells
    rows = {}
    verdicts = []
    for index, cell in enumerate(guest.cells):
        kind = (cell, guest.reserved(index))
        if kind not in rows:
            rows[kind] = {
                host_cell.id: check_cell(
                    host_cell,
                    cell,
                    reserved=guest.reserved(index),
                    cpu_ratio=host.cpu_allocation_ratio,
                    ram_ratio=host.ram_allocation_ratio,
                )
                for host_cell in cells
            }
        verdicts.append(rows[kind])
    return verdicts


def _explain(verdicts: Verdicts, accepted: list[list[int]]) -> NoCellFits:
    guests = match.bottleneck(accepted)
    usable = sorted({cell for guest in guests for cell in accepted[guest]})
    return NoCellFits(
        guest_cells=guests,
        host_cells=tuple(usable),
        misfits=tuple(
            (cell, found)
            for cell, found in sorted(verdicts[guests[0]].items())
            if cell not in usable
        ),
    )


def _constrained(
    host: Host,
    accepted: list[list[int]],
    constraints: Sequence[SetConstraint],
) -> dict[int, int] | Misfit:
    """Give an assignment whose host cells satisfy all constraints."""
    classes = {
        cell.id: tuple(each.key(cell) for each in constraints)
        for cell in host.cells
    }
    members = collections.defaultdict(list)
    for cell in host.cells:
        members[classes[cell.id]].append(cell)
    satisfiable = set()
    asked = 0
    for profile in match.profiles(classes, len(accepted)):
        place = match.match(accepted, classes, profile)
        if len(place) < len(accepted):
            continue
        if asked == MAX_SETS:
            return Misfit(TooManySets(MAX_SETS))
        asked += 1
        cells = [
            cell
            for name, count in profile.items()
            for cell in members[name][:count]
        ]
        for each in constraints:
            if not each.accepts(cells):
                break
            satisfiable.add(each)
        else:
            return place
    blocking = next(
        (each for each in constraints if each not in satisfiable),
        constraints[-1],
    )
    return Misfit(Unreachable(blocking.what))
