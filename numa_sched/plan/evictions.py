"""Plans by what has to leave: for fleets of any size.

Room for a new server is on a host that some have left. Each of them needs a
place, or another server has to leave for it first, and so on: one that nobody
has to make room for, or that makes none, is not moved. That gives the fewest
moves up to :data:`SURE`, if all guests are plain
(:attr:`numa_sched.plan.kinds.Kind.is_plain`); beyond, the first that is found.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Protocol

from numa_sched.fleet import FleetHost
from numa_sched.plan.deadline import Deadline
from numa_sched.plan.goal import Goal
from numa_sched.plan.kinds import Kind
from numa_sched.plan.moving import NOTHING, Cost
from numa_sched.plan.needs import Needs
from numa_sched.plan.state import State, Way

SURE = 2
MOST_LEAVING = 6
"""How many servers may leave one host."""
BATCH = 500
MOST_FIRST = 20
"""How many ways to one end are tried where there are others too."""


class Others(Protocol):
    """What is not to be made worse by the way."""

    def missing(self, state: State) -> int:
        """Give how much of it is missing in a state."""


class Evictions:
    """Finds ways to a goal."""

    def __init__(
        self, goal: Goal, deadline: Deadline, others: Others | None = None
    ):
        """Begin; nothing is looked for yet.

        :param others: goals of which more must be met in the end than before;
            the one goal alone if not given
        """
        self._goal, self._cloud, self._deadline = goal, goal.cloud, deadline
        self._others = others or goal
        self._openings: dict[int, tuple[Kind, list[tuple[Cost, int]]]] = {}
        self._able: dict[int, list[int]] = {}
        self._movable = {
            host: sorted(filter(self._cloud.can_move, numbers))
            for host, numbers in self._cloud.on.items()
        }

    def best(self, start: Way | None = None) -> Way | None:
        """Give a way with few moves, None if none is found.

        :param start: what has been moved already, and is not moved again
        :raises OutOfTime: if that takes too long
        """
        start = start or Way(self._cloud.start, (), NOTHING)
        few, more = (
            [
                each
                for each in counts
                if self._cloud.terms.allows(len(start.steps) + each)
            ]
            for counts in (
                range(1, SURE + 1),
                range(SURE + 1, MOST_LEAVING + 1),
            )
        )
        # Whole rounds of moves first, then what needs no third host, as it
        # takes little time, then all else.
        for count, sizes in (
            *((each, range(1, each + 1)) for each in few),
            *((each, range(each, each + 1)) for each in more),
            *((each, range(1, each)) for each in more),
        ):
            found = self._of(start, count, sizes)
            if found is not None:
                return found
        return None

    def _of(self, start: Way, count: int, sizes: range) -> Way | None:
        """Give the cheapest way of so many moves.

        :param sizes: how many of them may leave the host that has room then
        """
        best: Way | None = None
        wanted = self._goal.missing(start.state)
        for cost, host, leaving in self._leaving(start.state, count, sizes):
            if best is not None and start.cost.plus(cost) >= best.cost:
                break
            left = start.state.without(host, leaving)
            if self._gain(start.state, host, left) < wanted:
                continue
            ways = (
                way
                for way in self._cleared(start, leaving, count, best)
                if self._is_there(start, way)
            )
            best = self._kindest(ways) or best
        return best or (self._by_parts(start, count) if wanted > 1 else None)

    def _kindest(self, ways: Iterator[Way]) -> Way | None:
        """Give the first way that misses nothing, or as little as any.

        The first few will do: they are the cheapest ones.
        """
        best: tuple[int, Way] | None = None
        for way in itertools.islice(ways, MOST_FIRST):
            missing = self._others.missing(way.state)
            if missing <= 0:
                return way
            if best is None or missing < best[0]:
                best = missing, way
        return best and best[1]

    def _is_there(self, start: Way, way: Way) -> bool:
        if self._goal.missing(way.state) > 0:
            return False
        before = self._others.missing(start.state)
        return self._others.missing(way.state) < before

    def _by_parts(self, start: Way, count: int) -> Way | None:
        """Give a way that makes room on one host and then on others."""
        for first in range(1, count):
            ways = self._parts(start, first)
            for way in itertools.islice(ways, MOST_FIRST):
                rest = count - first
                found = self._of(way, rest, range(1, rest + 1))
                if found is not None:
                    return found
        return None

    def _parts(self, start: Way, count: int) -> Iterator[Way]:
        """Give ways of so many moves after which less room is missing."""
        wanted = self._goal.missing(start.state)
        sizes = range(1, count + 1)
        for _, host, leaving in self._leaving(start.state, count, sizes):
            left = start.state.without(host, leaving)
            if self._gain(start.state, host, left) > 0:
                for way in self._cleared(start, leaving, count, None):
                    if self._goal.missing(way.state) < wanted:
                        yield way

    def _may_leave(self, state: State, number: int) -> bool:
        """Whether a server may find a place with nobody moved for it."""
        source = self._cloud.sittings[number]
        kind = self._cloud.kind(number, source)
        if not kind.is_plain or state is not self._cloud.start:
            return True
        if id(kind) not in self._able:
            # Two will do: the server can only be on one of them.
            passing = (
                host
                for host in kind.numbers
                if kind.passes(state.host(host))[0]
            )
            self._able[id(kind)] = list(itertools.islice(passing, 2))
        return any(host != source.host for host in self._able[id(kind)])

    def _gain(self, state: State, host: int, left: FleetHost) -> int:
        return self._goal.rooms(left) - self._goal.on(state, host)

    def _leaving(
        self, state: State, most: int, sizes: range
    ) -> Iterator[tuple[Cost, int, tuple[int, ...]]]:
        """Give what may have to leave which host, the cheapest first.

        :param most: moves there are; those that are not needed for what
            leaves make room for it
        :param sizes: how many may leave
        """
        found = []
        for host in self._goal.kind.numbers:
            self._deadline.check()
            if host in state.closed:
                continue
            there = [
                each
                for each in self._movable[host]
                if each not in state.moved_servers
            ]
            able = [each for each in there if self._may_leave(state, each)]
            needs = Needs(self._goal.kind, state, host)
            for size in sizes:
                for leaving in itertools.combinations(
                    able if size == most else there, size
                ):
                    if needs.may_be_met_without(leaving):
                        cost = NOTHING
                        for each in leaving:
                            cost = cost.plus(self._cloud.cost(each))
                        found.append((cost, host, leaving))
        found.sort()
        for at in range(0, len(found), BATCH):
            batch = found[at : at + BATCH]
            self._deadline.check()
            self._goal.kind.learn(
                [state.without(host, leaving) for _, host, leaving in batch]
            )
            yield from batch

    def _cleared(
        self,
        way: Way,
        leaving: Sequence[int],
        most: int,
        best: Way | None,
    ) -> Iterator[Way]:
        """Give ways on which all of some servers leave, in so many moves."""
        if not leaving:
            yield way
            return
        self._deadline.check()
        spare = most - len(leaving)
        for number in leaving:
            others = [each for each in leaving if each != number]
            for after in self._left(way, number, spare, set(leaving)):
                if best is not None and after.cost >= best.cost:
                    continue
                used = len(after.steps) - len(way.steps)
                yield from self._cleared(after, others, most - used, best)

    def _left(
        self, way: Way, number: int, spare: int, busy: set[int]
    ) -> Iterator[Way]:
        """Give ways on which a server leaves its host.

        :param spare: how many others may move before it does
        :param busy: servers that have their own part in it
        """
        for place in way.state.places(number):
            yield self._plus(way, number, place.host)
        if not spare:
            return
        for other in self._in_its_way(way.state, number):
            if other in busy or other in way.state.moved_servers:
                continue
            self._deadline.check()
            host = way.state.sitting(other).host
            if spare == 1 and not self._may_leave(way.state, other):
                continue
            for after in self._left(way, other, spare - 1, {*busy, other}):
                if after.state.place(number, host) is not None:
                    yield self._plus(after, number, host)

    def _plus(self, way: Way, number: int, host: int) -> Way:
        place = way.state.place(number, host)
        assert place is not None
        return Way(
            way.state.moved(number, place),
            (*way.steps, way.state.step(number, place)),
            way.cost.plus(self._cloud.cost(number)),
        )

    def _in_its_way(self, state: State, number: int) -> Iterator[int]:
        """Give servers each of which alone keeps another from a host.

        The cheapest come first. On hosts that have changed meanwhile it is
        all that are there.
        """
        kind = self._cloud.kind(number, state.sitting(number))
        if id(kind) not in self._openings:
            self._openings[id(kind)] = kind, sorted(self._find(kind))
        source = state.sitting(number).host
        for _, other in self._openings[id(kind)][1]:
            host = self._cloud.sittings[other].host
            if host != source and host not in state.changed:
                yield other
        for host in state.changed:
            if host != source:
                yield from self._movable[host]

    def _find(self, kind: Kind) -> Iterator[tuple[Cost, int]]:
        start = self._cloud.start
        pairs = []
        for host in kind.numbers:
            if kind.passes(start.host(host))[0] and kind.checks.group is None:
                continue
            needs = Needs(kind, start, host)
            for other in self._movable[host]:
                if needs.may_be_met_without((other,)):
                    pairs.append((other, start.without(host, (other,))))
        kind.learn([left for _, left in pairs])
        for other, left in pairs:
            if kind.passes(left)[0]:
                yield self._cloud.cost(other), other
