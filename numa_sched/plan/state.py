"""A fleet as a plan goes on: who is where, and what each host has left."""

import collections
import dataclasses
import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from numa_sched.answers import Move, Request, of_server
from numa_sched.answers.checks import members
from numa_sched.fit.usage import host_after, host_without
from numa_sched.fleet import Fleet, FleetHost, Seat, ServerGroup
from numa_sched.plan import moving
from numa_sched.plan.isolation import Isolation
from numa_sched.plan.kinds import Claims, Found, Kind, move_of
from numa_sched.plan.moving import Cost
from numa_sched.plan.values import DEFAULT_TERMS, Stay, Step, Terms
from numa_sched.topology import Guest, Host


class Sitting(NamedTuple):
    """Where a server is: the number of the host, and what it holds there."""

    host: int
    seats: tuple[Seat, ...]


class Place(NamedTuple):
    """Where a server could go: the number of the host, and the claim."""

    host: int
    claim: Found


class Cloud:
    """What plans about a fleet have in common: servers and hosts by number.

    ``sittings`` has the servers that are on a host of the fleet.
    """

    def __init__(
        self,
        fleet: Fleet,
        terms: Terms = DEFAULT_TERMS,
        empty: Collection[int] = (),
    ):
        """Take a fleet; nobody goes to hosts that are to be empty."""
        self.fleet, self.terms, self.empty = fleet, terms, frozenset(empty)
        index = {
            (host.name, host.nodename): number
            for number, host in enumerate(fleet.hosts)
        }
        self.sittings: dict[int, Sitting] = {}
        self.on: dict[int, list[int]] = {
            number: [] for number in range(len(fleet.hosts))
        }
        for number, server in enumerate(fleet.servers):
            key = server.host or '', server.nodename or ''
            if key in index:
                self.sittings[number] = Sitting(index[key], server.seats)
                self.on[index[key]].append(number)
        self._isolation = Isolation(fleet)
        self._kinds: dict[object, Kind] = {}
        self._kind_of: dict[tuple[int, Sitting], Kind] = {}
        self._claims: dict[Guest, Claims] = {}
        self._without: dict[tuple[int, int, Sitting], FleetHost] = {}
        self._after: dict[tuple[int, int, object], FleetHost] = {}
        # So that no other object gets an identity that is a key above.
        self._kept: list[object] = []
        self._groups = collections.defaultdict[str, list[ServerGroup]](list)
        for group in fleet.groups:
            for member in group.members:
                self._groups[member].append(group)

    @functools.cached_property
    def start(self) -> 'State':
        """The fleet as it is."""
        return State(self, {}, {}, {}, {}, frozenset())

    @functools.cached_property
    def hows(self) -> tuple[Move | str, ...]:
        """For each server how it may be moved, or why not."""
        return tuple(
            moving.how(each, self.terms) for each in self.fleet.servers
        )

    def can_move(self, number: int) -> bool:
        """Whether a server may be moved at all."""
        return isinstance(self.hows[number], Move)

    def stays(self, hosts: Collection[int]) -> tuple[Stay, ...]:
        """Give the servers of hosts that may not be moved, and why."""
        return tuple(
            Stay(self.fleet.servers[number], how)
            for host in sorted(hosts)
            for number in self.on[host]
            if isinstance(how := self.hows[number], str)
        )

    def cost(self, number: int) -> Cost:
        """Give the price of moving a server that may be moved."""
        move = self.hows[number]
        assert isinstance(move, Move)
        kind = self.kind(number, self.sittings[number])
        server = self.fleet.servers[number]
        return moving.cost(server, move, kind.request.policy, self.terms)

    def kind(self, number: int, sitting: Sitting) -> Kind:
        """Give the kind of a server's migration from where it is."""
        known = self._kind_of.get((number, sitting))
        if known is None:
            known = self._find_kind(number, sitting)
            self._kind_of[number, sitting] = known
        return known

    def _find_kind(self, number: int, sitting: Sitting) -> Kind:
        server, move = self.fleet.servers[number], self.hows[number]
        source = self.fleet.hosts[sitting.host]
        if sitting != self.sittings[number]:
            server = dataclasses.replace(
                server,
                host=source.name,
                nodename=source.nodename,
                seats=sitting.seats,
            )
        key = (
            move_of(server),
            move,
            source.node,
            self._isolation.asks_for_projects and server.project,
        )
        if key not in self._kinds:
            assert isinstance(move, Move)
            request = of_server(server, move, self.fleet)
            self._kinds[key] = self.kind_of(request)
        return self._kinds[key]

    def kind_of(self, request: Request) -> Kind:
        """Give the kind of a request."""
        claims = None
        if request.guest is not None:
            claims = self._claims.setdefault(
                request.guest,
                Claims(request.guest, packing=self.fleet.packing),
            )
        return Kind(self.fleet, request, claims, self._isolation)

    def groups_of(self, number: int) -> Sequence[ServerGroup]:
        """Give the groups that count a server as theirs."""
        return self._groups.get(self.fleet.servers[number].uuid, ())

    @functools.cached_property
    def members(self) -> Mapping[str, Mapping[str, int]]:
        """How many servers of each group, by UUID, are on which hosts."""
        return {
            group.uuid: members(self.fleet, group)
            for group in self.fleet.groups
        }

    def without(
        self, host: FleetHost, number: int, sitting: Sitting
    ) -> FleetHost:
        """Give a host once a server has left it."""
        key = id(host), number, sitting
        if key not in self._without:
            server = self.fleet.servers[number]
            topology = host.host
            if topology and server.guest and sitting.seats:
                topology = host_without(topology, server.guest, sitting.seats)
            request = self.kind(number, sitting).request
            self._without[key] = _changed(host, topology, request, -1)
            self._kept.append(host)
        return self._without[key]

    def after(
        self, host: FleetHost, request: Request, claim: Found
    ) -> FleetHost:
        """Give a host once a server has come to it."""
        # Two kinds may have the same guest, and so the same claim.
        amounts = frozenset(request.asked.resources.items())
        key = id(host), id(claim), amounts
        if key not in self._after:
            topology = host.host if claim is None else host_after(claim)
            self._after[key] = _changed(host, topology, request, 1)
            self._kept += [host, claim]
        return self._after[key]


def _changed(
    host: FleetHost, topology: Host | None, request: Request, sign: int
) -> FleetHost:
    """Give a host with another topology, and what placement counts then."""
    inventories = host.inventories
    if inventories is not None:
        asked = request.asked.resources
        inventories = {
            name: dataclasses.replace(
                each, used=max(each.used + sign * asked.get(name, 0), 0)
            )
            for name, each in inventories.items()
        }
    return dataclasses.replace(host, host=topology, inventories=inventories)


class State:
    """Where everybody is after some moves; it does not change.

    A host that a server with PCI devices has left is closed to servers with
    NUMA topology: which devices it had is not known, and they have a say in
    which cells a claim takes.
    """

    __slots__ = ('_hosts', '_members', '_on', '_sittings', 'closed', 'cloud')

    def __init__(
        self,
        cloud: Cloud,
        hosts: dict[int, FleetHost],
        sittings: dict[int, Sitting],
        on: dict[int, tuple[int, ...]],
        members: dict[str, dict[str, int]],
        closed: frozenset[int],
    ):
        """Take what is other than at the start."""
        self.cloud, self.closed = cloud, closed
        self._hosts, self._sittings, self._on = hosts, sittings, on
        self._members = members

    @property
    def changed(self) -> Mapping[int, FleetHost]:
        """The hosts that are other than at the start, by their numbers."""
        return self._hosts

    @property
    def moved_servers(self) -> Mapping[int, Sitting]:
        """The servers that have moved, by their numbers."""
        return self._sittings

    def host(self, number: int) -> FleetHost:
        """Give a host as it is now."""
        return self._hosts.get(number) or self.cloud.fleet.hosts[number]

    def sitting(self, number: int) -> Sitting:
        """Give where a server is now."""
        return self._sittings.get(number) or self.cloud.sittings[number]

    def on(self, host: int) -> Sequence[int]:
        """Give the servers of a host."""
        there = self._on.get(host)
        return self.cloud.on[host] if there is None else there

    def without(self, host: int, numbers: Sequence[int]) -> FleetHost:
        """Give a host once some of its servers have left."""
        left = self.host(host)
        for number in numbers:
            left = self.cloud.without(left, number, self.sitting(number))
        return left

    def place(self, number: int, host: int) -> Place | None:
        """Give what a server would take of a host now, None if it cannot."""
        kind = self.cloud.kind(number, self.sitting(number))
        if host not in kind.set_of_numbers or self._is_closed(
            kind, number, host
        ):
            return None
        passes, claim = kind.passes(self.host(host))
        return Place(host, claim) if passes else None

    def places(self, number: int) -> Iterator[Place]:
        """Give where a server could go now, in the order of the hosts."""
        kind = self.cloud.kind(number, self.sitting(number))
        for host in kind.numbers:
            if not self._is_closed(kind, number, host):
                passes, claim = kind.passes(self.host(host))
                if passes:
                    yield Place(host, claim)

    def open_hosts(self, number: int) -> Iterator[int]:
        """Give the hosts that a server could go to if it had room there."""
        kind = self.cloud.kind(number, self.sitting(number))
        for host in kind.numbers:
            if not self._is_closed(kind, number, host):
                yield host

    def _is_closed(self, kind: Kind, number: int, host: int) -> bool:
        if host in self.cloud.empty or (
            host in self.closed and kind.request.guest is not None
        ):
            return True
        hosts = self.cloud.fleet.hosts
        name = hosts[host].name
        if (
            name == hosts[self.sitting(number).host].name
            or (
                self.cloud.fleet.servers[number].uuid,
                name,
            )
            in self.cloud.terms.avoid
        ):
            return True
        group = kind.checks.group
        if group is None:
            return False
        there = self._members.get(group.uuid, self.cloud.members[group.uuid])
        return any(kind.checks.in_group(hosts[host], there))

    def moved(self, number: int, place: Place) -> 'State':
        """Give the state once a server has gone to a place."""
        cloud, sitting = self.cloud, self.sitting(number)
        source, target = sitting.host, place.host
        request = cloud.kind(number, sitting).request
        closed = self.closed
        if request.guest is not None and request.guest.devices:
            closed |= {source}
        return State(
            cloud,
            {
                **self._hosts,
                source: cloud.without(self.host(source), number, sitting),
                target: cloud.after(self.host(target), request, place.claim),
            },
            {**self._sittings, number: Sitting(target, _seats(place.claim))},
            {
                **self._on,
                source: tuple(
                    each for each in self.on(source) if each != number
                ),
                target: (*self.on(target), number),
            },
            self._regrouped(number, source, target),
            closed,
        )

    def _regrouped(
        self, number: int, source: int, target: int
    ) -> dict[str, dict[str, int]]:
        groups = self.cloud.groups_of(number)
        if not groups:
            return self._members
        hosts = self.cloud.fleet.hosts
        found = dict(self._members)
        for group in groups:
            counts = collections.Counter(
                found.get(group.uuid, self.cloud.members[group.uuid])
            )
            counts[hosts[source].name] -= 1
            counts[hosts[target].name] += 1
            found[group.uuid] = dict(+counts)
        return found

    def step(self, number: int, place: Place) -> Step:
        """Give the move of a server to a place as a step."""
        server, move = (
            self.cloud.fleet.servers[number],
            self.cloud.hows[number],
        )
        assert isinstance(move, Move)
        hosts = self.cloud.fleet.hosts
        return Step(
            server,
            move,
            hosts[self.sitting(number).host].name,
            hosts[place.host].name,
            place.claim.cell_ids if place.claim else (),
            server.flavor.memory_mb if move is Move.LIVE else 0,
        )

    def fleet(self) -> Fleet:
        """Give the fleet as it is now, for questions about it."""
        fleet = self.cloud.fleet
        hosts = tuple(map(self.host, range(len(fleet.hosts))))
        servers = list(fleet.servers)
        for number, sitting in self._sittings.items():
            there = hosts[sitting.host]
            servers[number] = dataclasses.replace(
                servers[number],
                host=there.name,
                nodename=there.nodename,
                seats=sitting.seats,
            )
        return dataclasses.replace(fleet, hosts=hosts, servers=tuple(servers))


class Way(NamedTuple):
    """Moves that lead to a state, and their price."""

    state: State
    steps: tuple[Step, ...]
    cost: Cost


def _seats(claim: Found) -> tuple[Seat, ...]:
    if claim is None:
        return ()
    return tuple(
        Seat(cell, taken.pinned | taken.reserved, size)
        for cell, taken, size in zip(
            claim.cell_ids, claim.fits, claim.page_sizes, strict=True
        )
    )
