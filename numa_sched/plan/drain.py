"""Plans that empty hosts."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from numa_sched.answers import explain, of_server
from numa_sched.fleet import Fleet, FleetHost, Server
from numa_sched.plan.deadline import Deadline, OutOfTime, Progress, silent
from numa_sched.plan.state import Cloud, Place, State
from numa_sched.plan.values import (
    DEFAULT_TERMS,
    Stay,
    Step,
    Terms,
    Waves,
    waves,
)
from numa_sched.plan.words import why_nowhere
from numa_sched.score import Strategy, bounded


@dataclasses.dataclass(frozen=True, slots=True)
class Drain:
    """A plan that empties hosts as far as it can be done.

    ``stays`` are servers that may not be moved, ``left`` those that may and
    find no place. ``proven`` tells that no plan leaves none of these, as long
    as no other servers are moved; False if none was found in the time. It
    is True where none is left.
    """

    hosts: tuple[FleetHost, ...]
    waves: Waves
    stays: tuple[Stay, ...]
    left: tuple[Stay, ...]
    proven: bool

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, one wave after the other."""
        return tuple(step for wave in self.waves for step in wave)


def drain(
    fleet: Fleet,
    hosts: Sequence[FleetHost],
    strategy: Strategy,
    terms: Terms = DEFAULT_TERMS,
    progress: Progress = silent,
) -> Drain:
    """Give the plan that moves all servers of hosts to others.

    Nobody goes to the hosts, and no server of another host is moved. Among
    places the best by the strategy is taken, which finds room for all at
    once as a rule. Where it does not, others are tried.

    :param hosts: of the fleet
    :param strategy: made for the guests that the cloud is asked for
    """
    numbers = [fleet.hosts.index(each) for each in hosts]
    cloud = Cloud(fleet, terms, numbers)
    movable = [
        server
        for host in numbers
        for server in cloud.on[host]
        if cloud.can_move(server)
    ]
    alone = {each for each in movable if not any(cloud.start.places(each))}
    # Where others go may let a guest in that does not fit now, if it is odd.
    able = [
        each
        for each in movable
        if each not in alone
        or not cloud.kind(each, cloud.sittings[each]).is_plain
    ]
    search = _Search(cloud, strategy, progress)
    found = search.greedy(able, _Found(cloud.start))
    proven = True
    if len(found.placed) < len(able):
        proven = search.is_impossible(able)
        if not proven:
            found, proven = search.all_ways(able, found)
        # A way that leaves somebody out has not been followed to its end.
        found = search.greedy(able, found)
    placed = {number for number, _ in found.placed}
    return Drain(
        tuple(hosts),
        waves(found.steps, terms.limits),
        cloud.stays(numbers),
        tuple(
            _left(cloud, found.state, each, each in alone)
            for each in movable
            if each not in placed
        ),
        proven,
    )


def _left(cloud: Cloud, state: State, number: int, alone: bool) -> Stay:
    """Give why a server finds no place: ever, or once others have gone."""
    server: Server = cloud.fleet.servers[number]
    move = cloud.kind(number, cloud.sittings[number]).request.move
    fleet = (cloud.start if alone else state).fleet()
    others = [
        each
        for index, each in enumerate(fleet.hosts)
        if index not in cloud.empty
        and (server.uuid, each.name) not in cloud.terms.avoid
    ]
    found = explain(fleet, of_server(server, move, fleet), others)
    words = why_nowhere(found)
    refused = sorted(
        host for uuid, host in cloud.terms.avoid if uuid == server.uuid
    )
    if refused:
        words += f'; it has been turned down by {", ".join(refused)}'
    return Stay(
        server,
        f'fits nowhere: {words}'
        if alone
        else f'fits nowhere once the others have moved: {words}',
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    """Servers that have been placed one after the other."""

    state: State
    placed: tuple[tuple[int, Place], ...] = ()
    steps: tuple[Step, ...] = ()

    def plus(self, number: int, place: Place) -> '_Found':
        return _Found(
            self.state.moved(number, place),
            (*self.placed, (number, place)),
            (*self.steps, self.state.step(number, place)),
        )


class _Search:
    """Places for servers that compete for room."""

    def __init__(self, cloud: Cloud, strategy: Strategy, progress: Progress):
        self._cloud, self._strategy = cloud, strategy
        self._progress = progress
        # By identity of host and guest; with the claims, which keep both.
        self._scores: dict[tuple[int, int], tuple[Place, float]] = {}

    def greedy(self, numbers: Sequence[int], found: _Found) -> _Found:
        """Give the others places, too, the largest first, each its best."""
        placed = {number for number, _ in found.placed}
        ordered = sorted(set(numbers) - placed, key=self._size)
        for done, number in enumerate(ordered):
            self._progress('servers', done, len(ordered))
            best = self._best(found.state, number)
            if best:
                found = found.plus(number, best[0])
        self._progress('servers', len(ordered), len(ordered))
        return found

    def _size(self, number: int) -> tuple[int, int, int, str]:
        server = self._cloud.fleet.servers[number]
        cpus = (
            sum(each.dedicated for each in server.guest.cells)
            if server.guest
            else 0
        )
        cost = self._cloud.cost(number)
        neither = cost.first if self._cloud.terms.spare else cost.last
        return -cpus, -server.flavor.memory_mb, neither, server.uuid

    def _best(self, state: State, number: int) -> list[Place]:
        """Give the places of a server, the best first."""
        places = list(state.places(number))
        hosts = self._cloud.fleet.hosts
        scores = self._score(places)
        order = sorted(
            range(len(places)),
            key=lambda each: (-scores[each], hosts[places[each].host].name),
        )
        return [places[each] for each in order]

    def _score(self, places: Sequence[Place]) -> list[float]:
        claims = [each.claim for each in places if each.claim is not None]
        if len(claims) < len(places) or not claims:
            return [0.0] * len(places)
        guest = claims[0].guest
        new = [
            each
            for each in places
            if (id(each.claim), id(guest)) not in self._scores
        ]
        if new:
            scores = self._strategy.scores(
                guest, [each.claim for each in new if each.claim]
            )
            for place, score in zip(new, scores, strict=True):
                key = id(place.claim), id(guest)
                self._scores[key] = place, bounded(score)
        return [self._scores[id(each.claim), id(guest)][1] for each in places]

    def is_impossible(self, numbers: Sequence[int]) -> bool:
        """Whether counting tells that servers of one kind are too many."""
        kinds: dict[int, list[int]] = {}
        start = self._cloud.start
        for number in numbers:
            kind = self._cloud.kind(number, start.sitting(number))
            kinds.setdefault(id(kind), []).append(number)
        for alike in kinds.values():
            kind = self._cloud.kind(alike[0], start.sitting(alike[0]))
            # One of them may have been turned down by a host, another not.
            open_to = {
                host for each in alike for host in start.open_hosts(each)
            }
            hosts = [start.host(each) for each in sorted(open_to)]
            if kind.is_plain and sum(kind.at_most(hosts)) < len(alike):
                return True
        return False

    def all_ways(
        self, numbers: Sequence[int], best: _Found
    ) -> tuple[_Found, bool]:
        """Give places for all, or those of a way on which most have one.

        Whether there are no places for all, if not, comes second.
        """
        tried = _AllWays(
            self._cloud,
            self._best,
            best,
            Deadline(self._cloud.terms.seconds, self._progress),
        )
        try:
            tried.run(numbers)
        except OutOfTime:
            return tried.best, False
        return tried.best, True


class _AllWays:
    """Goes through all orders and places, until all servers have one."""

    def __init__(
        self,
        cloud: Cloud,
        places: Callable[[State, int], list[Place]],
        best: _Found,
        deadline: Deadline,
    ):
        self.best = best
        self._cloud, self._places, self._deadline = cloud, places, deadline
        self._tried: set[object] = set()

    def run(self, numbers: Sequence[int]) -> bool:
        """Whether servers all find places.

        :raises OutOfTime: if that takes too long
        """
        whole = frozenset(numbers)
        # What is yet to be tried, one step further each; nothing is called
        # within itself, as there may be more servers than Python would allow.
        stack = [self._ways(_Found(self._cloud.start), whole)]
        while stack:
            found = next(stack[-1], None)
            if found is None:
                stack.pop()
                continue
            if len(found.placed) > len(self.best.placed):
                self.best = found
            left = whole - {number for number, _ in found.placed}
            if not left:
                return True
            stack.append(self._ways(found, left))
        return False

    def _ways(self, found: _Found, left: frozenset[int]) -> Iterator[_Found]:
        """Give what can be done next, unless it has led nowhere before."""
        self._deadline.check()
        key = left, frozenset(found.state.moved_servers.items())
        if key in self._tried:
            return
        self._tried.add(key)
        ways = {
            number: self._places(found.state, number)
            for number in sorted(left)
        }
        if any(
            not places and self._is_plain(number)
            for number, places in ways.items()
        ):
            return
        # Those with the fewest places first: the others can wait.
        for number in sorted(left, key=lambda each: (len(ways[each]), each)):
            for place in ways[number]:
                yield found.plus(number, place)

    def _is_plain(self, number: int) -> bool:
        sitting = self._cloud.sittings[number]
        return self._cloud.kind(number, sitting).is_plain
