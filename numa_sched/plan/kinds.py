"""What one kind of request makes of hosts, whoever is on them.

The rules are those of :mod:`numa_sched.answers`. A plan asks them often, of
hosts that differ in little: answers are kept by the host as a value, which is
the same object as long as nobody comes or goes.
"""

import functools
from collections.abc import Callable, Iterable, Sequence

from numa_sched.answers import Request
from numa_sched.answers.checks import Checks
from numa_sched.answers.explain import unusable
from numa_sched.answers.fitting import Fitting
from numa_sched.fit.capacity import rooms_on
from numa_sched.fit.claim import Claim
from numa_sched.fleet import Fleet, FleetHost, Server
from numa_sched.plan.isolation import Isolation
from numa_sched.topology import Guest, Host, ThreadPolicy

Found = Claim | None

After = Callable[[FleetHost, Request, Found], FleetHost]
"""Gives a host once a claim has come to it."""


class Claims:
    """The claims of one guest on hosts, each worked out once."""

    def __init__(self, guest: Guest, *, packing: bool):
        self.guest, self._packing = guest, packing
        # With the hosts, so that no other gets their identity.
        self._known: dict[int, tuple[Host, Found]] = {}

    def on(self, host: Host) -> Found:
        """Give the claim on a host, None if the guest does not fit."""
        known = self._known.get(id(host))
        if known is None:
            self.learn([host])
            known = self._known[id(host)]
        return known[1]

    def learn(self, hosts: Iterable[Host]) -> None:
        """Work out the claims on hosts; faster at once."""
        new = {id(each): each for each in hosts if id(each) not in self._known}
        # What may be done for one request would be used up by thousands.
        fitting = Fitting(self.guest, packing=self._packing)
        answers = fitting.on(list(new.values()))
        for host, answer in zip(new.values(), answers, strict=True):
            claim = answer if isinstance(answer, Claim) else None
            self._known[id(host)] = host, claim


class Kind:
    """Requests that all hosts treat alike, but for server groups.

    ``numbers`` are those of the hosts that the request may go to, whatever
    is on them.
    """

    def __init__(
        self,
        fleet: Fleet,
        request: Request,
        claims: Claims | None,
        isolation: Isolation,
    ):
        """Take a request of the kind, and the claims of its guest."""
        self.request, self.claims = request, claims
        self.checks = Checks(fleet, request)
        self._fleet, self._isolation = fleet, isolation
        self._rooms: dict[int, tuple[FleetHost, int]] = {}

    @functools.cached_property
    def numbers(self) -> tuple[int, ...]:
        """Give the hosts that do not drop it for good, by their numbers."""
        guest = self.request.guest
        allowed = tuple(
            number
            for number, host in enumerate(self._fleet.hosts)
            if not any(self.checks.lasting(host))
            and self._isolation.admits(self.request, host)
            and (guest is None or unusable(host, guest) is None)
        )
        self.learn([self._fleet.hosts[number] for number in allowed])
        return allowed

    @functools.cached_property
    def set_of_numbers(self) -> frozenset[int]:
        """Give the same for questions about one host."""
        return frozenset(self.numbers)

    @property
    def is_plain(self) -> bool:
        """Whether room for it only ever grows as servers leave a host.

        Of guests whose cells differ, or that want more than CPUs and memory,
        Nova's claim may find room on a fuller host and none on an emptier.
        """
        guest = self.request.guest
        return guest is None or not (
            guest.isolate_emulator
            or guest.physnets
            or guest.tunneled
            or guest.devices
            or any(cell != guest.cells[0] for cell in guest.cells)
        )

    def learn(self, hosts: Iterable[FleetHost]) -> None:
        """Work out the claims on hosts, to be asked for."""
        if self.claims is not None:
            self.claims.learn([each.host for each in hosts if each.host])

    def passes(self, host: FleetHost) -> tuple[bool, Found]:
        """Give whether one of :attr:`numbers` takes it now, and the claim.

        Server groups are not looked at. There is no claim for a guest
        without NUMA topology.
        """
        if any(self.checks.amounts(host)):
            return False, None
        if self.claims is None:
            return True, None
        assert host.host is not None
        claim = self.claims.on(host.host)
        if claim is None or any(self.checks.pages(host, claim)):
            return False, None
        return True, claim

    def rooms(self, host: FleetHost, most: int, after: After) -> int:
        """Give how many have room on a host one by one, as claims go.

        :param most: how many to look for
        :param after: gives the host with one more
        """
        known = self._rooms.get(id(host))
        if known is not None and known[1] < most:
            return known[1]
        count, filled = 0, host
        while count < most:
            passes, claim = self.passes(filled)
            if not passes:
                self._rooms[id(host)] = host, count
                break
            count += 1
            if count < most:
                filled = after(filled, self.request, claim)
        return count

    def at_most(self, hosts: Sequence[FleetHost]) -> list[float]:
        """Give how many could have room on hosts, however they were put.

        It may be more than that, and is not counted where whole threads are
        asked for.
        """
        guest = self.request.guest
        if guest is None or any(
            cell.thread_policy is ThreadPolicy.REQUIRE for cell in guest.cells
        ):
            counts = [float('inf')] * len(hosts)
        else:
            counts = rooms_on(
                [each.host for each in hosts if each.host], guest
            )
        asked = self.request.asked.resources.items()
        for number, host in enumerate(hosts):
            for name, amount in asked:
                has = (host.inventories or {}).get(name)
                if has is not None and amount > 0:
                    counts[number] = min(
                        counts[number], max(has.free, 0) // amount
                    )
        return counts


def move_of(server: Server) -> tuple[object, ...]:
    """Give what tells a server's request from those of other kinds."""
    asked = server.asked
    return (
        frozenset(server.flavor.extra_specs.items()),
        frozenset(server.image_properties.items()),
        server.guest,
        asked
        and (
            frozenset(asked.resources.items()),
            asked.required,
            asked.forbidden,
        ),
        server.zone,
        server.group,
        server.cpu,
        server.emulated,
        server.seats[0].page_size_kb if server.seats else server.seats,
    )
