"""A set of host cells that carries a guest and satisfies constraints.

Sets are told apart only by how many cells of each class they have: cells that
the same guest cells fit, that bring the same to each need, and that no
constraint tells apart are one class. Classes are gone through one by one, and
a way is given up as soon as what is left of them cannot bring what is still
missing. While needs tell all, ways that lead to the same point are one, so
the work grows with the number of such points and not with that of sets.
"""

import itertools
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from numa_sched.fit import match
from numa_sched.fit.constraint import Need, SetConstraint

# So many cells are looked at, for one need, in about the time of a step.
CELLS_PER_STEP = 8


class OutOfSteps(Exception):  # noqa: N818 (not an error)
    """The steps that a search may take are used up."""


class Budget:
    """The steps that a search may take."""

    __slots__ = ('_whole', 'left')

    def __init__(self, steps: float, whole: 'Budget | None' = None):
        """Take how many; what is taken is taken of the whole as well."""
        self.left, self._whole = steps, whole

    def take(self, steps: int = 1) -> None:
        """Take some.

        :raises OutOfSteps: if none are left
        """
        if self.left <= 0:
            raise OutOfSteps
        self._spend(steps)

    def _spend(self, steps: int) -> None:
        self.left -= steps
        if self._whole:
            self._whole._spend(steps)

    def part(self, steps: int) -> 'Budget':
        """Give a budget of so many of the steps, or of those left."""
        return Budget(min(steps, self.left), self)


_Numbers = tuple[int, ...]


class _Class(NamedTuple):
    members: tuple[int, ...]
    carries: frozenset[int]  # guest cells
    brings: tuple[int, ...]  # to each need
    groups: tuple[int | None, ...]


def out_of_reach(
    accepted: Sequence[Sequence[int]], constraints: Sequence[SetConstraint]
) -> SetConstraint | None:
    """Give a constraint that cells cannot satisfy even if any may be taken.

    :param accepted: for each guest cell, the host cells that it fits
    """
    usable = sorted({index for row in accepted for index in row})
    for constraint in constraints:
        for need in constraint.needs:
            if _most(need, usable, len(accepted)) < need.amount:
                return constraint
    return None


def _most(need: Need, usable: Sequence[int], size: int) -> int:
    """Give the most that so many of some host cells can bring."""
    found: Iterable[int]
    if need.groups is None:
        found = [need.brings[index] for index in usable]
    else:
        found = {
            need.groups[index]: need.brings[index] for index in usable
        }.values()
    return sum(sorted(found, reverse=True)[:size])


def choose(
    accepted: Sequence[Sequence[int]],
    constraints: Sequence[SetConstraint],
    budget: Budget,
) -> dict[int, int] | None:
    """Give an assignment whose host cells satisfy all constraints.

    :param accepted: for each guest cell, the host cells that it fits; all of
        them together find places
    :returns: guest cell index to host cell, None if there is none
    :raises OutOfSteps: if the budget does not do
    """
    if out_of_reach(accepted, constraints) is not None:
        return None
    return _Choice(accepted, constraints, budget).find()


class _Choice:
    def __init__(
        self,
        accepted: Sequence[Sequence[int]],
        constraints: Sequence[SetConstraint],
        budget: Budget,
    ):
        self._accepted, self._constraints = accepted, constraints
        self._budget = budget
        self._needs = [need for each in constraints for need in each.needs]
        self._exact = all(each.exact for each in constraints)
        self._steps = 1 + sum(each.steps for each in constraints)
        # Sorting cells by what they bring is work, too.
        usable = len(set(itertools.chain.from_iterable(accepted)))
        budget.take(1 + usable * (1 + len(self._needs)) // CELLS_PER_STEP)
        self._classes = self._classify()
        self._kinds = list({each.carries for each in self._classes})
        self._rests = self._bounds()
        self._failed: set[tuple[int, _Numbers, _Numbers, _Numbers]] = set()
        self._independent: dict[tuple[int, ...], bool] = {}

    def find(self) -> dict[int, int] | None:
        return self._fill(
            0,
            len(self._accepted),
            (0,) * len(self._kinds),
            tuple(need.amount for need in self._needs),
            tuple(0 for _ in self._needs),
            (),
        )

    def _classify(self) -> list[_Class]:
        carries: dict[int, list[int]] = {}
        for guest, row in enumerate(self._accepted):
            for index in row:
                carries.setdefault(index, []).append(guest)
        members: dict[
            tuple[
                frozenset[int],
                _Numbers,
                tuple[int | None, ...],
                tuple[Hashable, ...],
            ],
            list[int],
        ] = {}
        for index in sorted(carries):
            key = (
                frozenset(carries[index]),
                tuple(need.brings[index] for need in self._needs),
                tuple(
                    None if need.groups is None else need.groups[index]
                    for need in self._needs
                ),
                tuple(each.key(index) for each in self._constraints),
            )
            members.setdefault(key, []).append(index)
        # Those that bring most come first.
        return sorted(
            (
                _Class(tuple(indexes), *key[:3])
                for key, indexes in members.items()
            ),
            key=lambda each: (
                -sum(
                    part / need.amount
                    for part, need in zip(
                        each.brings, self._needs, strict=True
                    )
                ),
                each.members,
            ),
        )

    def _bounds(self) -> list[tuple[int, list[list[int]]]]:
        """Give what is the most that the classes from each on can bring.

        For each need, and for each number of cells.
        """
        size, available = len(self._accepted), 0
        parts: list[list[int]] = [[] for _ in self._needs]
        seen: list[set[int]] = [set() for _ in self._needs]
        rests = [(0, [[0] * (size + 1) for _ in self._needs])]
        for each in reversed(self._classes):
            available += len(each.members)
            count = min(len(each.members), size)
            most = []
            for at, (part, group) in enumerate(
                zip(each.brings, each.groups, strict=True)
            ):
                if not part or group in seen[at]:
                    most.append(rests[-1][1][at])
                    continue
                if group is None:
                    parts[at].extend([part] * count)
                else:
                    seen[at].add(group)
                    parts[at].append(part)
                parts[at].sort(reverse=True)
                del parts[at][size:]
                sums = list(itertools.accumulate(parts[at], initial=0))
                most.append(sums + sums[-1:] * (size + 1 - len(sums)))
            rests.append((available, most))
        rests.reverse()
        return rests

    def _fill(
        self,
        at: int,
        left: int,
        counts: _Numbers,
        missing: _Numbers,
        used: _Numbers,
        chosen: _Numbers,
    ) -> dict[int, int] | None:
        """Take cells of the classes from one on, so many in all."""
        if not left:
            met = all(amount <= 0 for amount in missing)
            return self._finish(chosen) if met else None
        self._budget.take()
        available, most = self._rests[at]
        if available < left:
            return None
        for amount, running in zip(missing, most, strict=True):
            if amount > running[left]:
                return None
        point = at, counts, missing, used
        if point in self._failed:
            return None
        each = self._classes[at]
        kind = self._kinds.index(each.carries)
        for count in range(min(left, len(each.members)), -1, -1):
            more = list(counts)
            more[kind] += count
            taken = tuple(more)
            if count and not self._is_independent(taken):
                continue
            found = self._fill(
                at + 1,
                left - count,
                taken,
                *self._brought(each, count, missing, used),
                (*chosen, *each.members[:count]),
            )
            if found is not None:
                return found
        if self._exact:
            self._failed.add(point)
        return None

    def _brought(
        self, each: _Class, count: int, missing: _Numbers, used: _Numbers
    ) -> tuple[_Numbers, _Numbers]:
        """Give what is missing then, and which groups have brought theirs."""
        if not count:
            return missing, used
        still, marks = [], []
        for amount, mark, brings, group in zip(
            missing, used, each.brings, each.groups, strict=True
        ):
            if group is None:
                amount -= count * brings
            elif not mark >> group & 1:
                amount -= brings
                mark |= 1 << group
            still.append(max(amount, 0))
            marks.append(mark)
        return tuple(still), tuple(marks)

    def _is_independent(self, counts: _Numbers) -> bool:
        """Whether so many cells of each kind carry a guest cell each."""
        if len(counts) == 1:
            return True
        if counts not in self._independent:
            self._budget.take()
            rows = [
                sorted(kind)
                for kind, count in zip(self._kinds, counts, strict=True)
                for _ in range(count)
            ]
            found = len(match.match(rows)) == len(rows)
            self._independent[counts] = found
        return self._independent[counts]

    def _finish(self, chosen: _Numbers) -> dict[int, int] | None:
        self._budget.take(self._steps)
        if not all(each.accepts(chosen) for each in self._constraints):
            return None
        within = set(chosen)
        return match.match(
            [
                [index for index in row if index in within]
                for row in self._accepted
            ]
        )
