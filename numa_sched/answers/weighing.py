"""What the weighers of the scheduler add up to, as Nova adds them."""

import dataclasses
from collections.abc import Iterator, Sequence

from numa_sched.answers.request import Move, Request
from numa_sched.fleet import Fleet, FleetHost, Ranking, Weigher

OURS = Weigher('NUMAFitWeigher', 0.0, 1.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """What one weigher gives each of some hosts, and with which multiplier."""

    weigher: Weigher
    raw: tuple[float, ...]
    multipliers: tuple[float, ...]

    def weights(self) -> tuple[float, ...]:
        """Give the numbers as Nova stretches them, to the range of 0 to 1.

        Source: ``nova.weights.normalize``.
        """
        if not self.raw:
            return ()
        least, most = self.weigher.least, self.weigher.most
        least = min(self.raw) if least is None else least
        most = max(self.raw) if most is None else most
        if least == most:
            return (0.0,) * len(self.raw)
        return tuple((each - least) / (most - least) for each in self.raw)

    def parts(self) -> tuple[float, ...]:
        """Give what it adds to the weight of each host."""
        return tuple(
            multiplier * weight
            for multiplier, weight in zip(
                self.multipliers, self.weights(), strict=True
            )
        )


def totals(columns: Sequence[Column]) -> tuple[float, ...]:
    """Give the weight of each host, by which Nova sorts them."""
    return tuple(
        # From 0.0 on and in this order, so that it rounds as Nova does.
        sum(row, 0.0)
        for row in zip(*(each.parts() for each in columns), strict=True)
    )


def columns(
    fleet: Fleet,
    request: Request,
    hosts: Sequence[FleetHost],
    ours: Column,
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Give the columns of the weighers that are known, in Nova's order.

    The names of the others come second. Ours is there even if the scheduler
    does not have it: last, then.
    """
    found: list[Column] = []
    unknown: list[str] = []
    weighers = fleet.ranking.weighers or ()
    for weigher in weighers:
        if weigher.name == OURS.name:
            found.append(ours)
            continue
        column = _column(fleet, request, hosts, weigher)
        if column is None:
            unknown.append(weigher.name)
        else:
            found.append(column)
    if ours not in found:
        found.append(ours)
    return tuple(found), tuple(unknown)


def unknown(
    fleet: Fleet, request: Request, hosts: Sequence[FleetHost]
) -> tuple[str, ...]:
    """Give the names of the weighers that are not known on each of hosts."""
    nothing = (0.0,) * len(hosts)
    _, names = columns(fleet, request, hosts, Column(OURS, nothing, nothing))
    return names


def is_enabled(ranking: Ranking) -> bool:
    """Whether the scheduler has our weigher; so it is taken to, if untold."""
    return ranking.weighers is None or OURS.name in {
        each.name for each in ranking.weighers
    }


def _column(
    fleet: Fleet,
    request: Request,
    hosts: Sequence[FleetHost],
    weigher: Weigher,
) -> Column | None:
    """Give the column of a weigher, None if it is not known on every host."""
    told = [host.weighed.get(weigher.name) for host in hosts]
    multipliers = tuple(each.multiplier for each in told if each is not None)
    if len(multipliers) < len(hosts):
        return None
    if not any(multipliers):
        # Whatever it gives does not count.
        return Column(weigher, (0.0,) * len(hosts), multipliers)
    by_request = _BY_REQUEST.get(weigher.name)
    if by_request is not None:
        raw = list(by_request(fleet, request, hosts))
    else:
        raw = [each.raw for each in told if each is not None]
    known = tuple(each for each in raw if each is not None)
    if len(known) < len(hosts):
        return None
    return Column(weigher, known, multipliers)


def _together(
    fleet: Fleet, request: Request, hosts: Sequence[FleetHost]
) -> Iterator[float]:
    """Give how many of a server's soft-affinity group each host has."""
    yield from _members(fleet, request, hosts, 'soft-affinity')


def _apart(
    fleet: Fleet, request: Request, hosts: Sequence[FleetHost]
) -> Iterator[float]:
    """Give how many of its soft-anti-affinity group, below 0."""
    for count in _members(fleet, request, hosts, 'soft-anti-affinity'):
        yield -count


def _members(
    fleet: Fleet, request: Request, hosts: Sequence[FleetHost], policy: str
) -> Iterator[float]:
    server = request.server
    members: frozenset[str] = frozenset()
    if server is not None and server.group is not None:
        for group in fleet.groups:
            if (group.uuid, group.policy) == (server.group, policy):
                members = group.members
    there = [server.host for server in fleet.servers if server.uuid in members]
    for host in hosts:
        yield float(there.count(host.name))


def _across_cells(
    fleet: Fleet, request: Request, hosts: Sequence[FleetHost]
) -> Iterator[float | None]:
    """Give nothing but for a cold migration, which may be let cross cells."""
    for _ in hosts:
        yield None if request.move is Move.COLD else 0.0


# What Nova's weighers that look at the request make of it.
# Source: nova.scheduler.weights.affinity, nova.scheduler.weights.cross_cell.
_BY_REQUEST = {
    'ServerGroupSoftAffinityWeigher': _together,
    'ServerGroupSoftAntiAffinityWeigher': _apart,
    'CrossCellWeigher': _across_cells,
}
