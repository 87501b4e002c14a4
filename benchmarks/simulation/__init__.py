"""Servers that come, move and go, placed by schedulers that see late.

A discrete-event simulation of what decides whether a request finds a host:
placement's totals are always current, but what schedulers see of a host's
cells is as old as the claims that are still on their way to it. What
schedules and claims is a :class:`Cloud`; ``benchmarks.simulation.nova_parts``
is one made of Nova's own code.
"""

import dataclasses
import heapq
import itertools
import random
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """What servers of one flavor ask for."""

    name: str
    vcpus: int
    memory_mb: int
    extra_specs: tuple[tuple[str, str], ...] = ()


class Cloud(Protocol):
    """Hosts, the schedulers that choose among them, and their claims."""

    def ranked(
        self,
        scheduler: int,
        server: str,
        shape: Shape,
        ignored: Sequence[str],
        disabled: Collection[str] = (),
        named: str | None = None,
    ) -> list[str]:
        """Give the hosts that a scheduler finds, best first.

        :param ignored: hosts that the request says to ignore, in its order
        :param disabled: hosts that placement does not give to any request
        :param named: the only host that the request is about, if it names one
        """

    def allocate(self, claim: str, shape: Shape, host: str) -> bool:
        """Take placement's totals on a host; whether there was enough."""

    def chosen(self, server: str, host: str) -> None:
        """Note which host the scheduler asked last has taken, if any.

        Alternates are taken without it, and without a note.
        """

    def claim(self, claim: str, shape: Shape, host: str) -> bool:
        """Take cells of a host, as it is now; whether the guest fits."""

    def release(self, claim: str) -> None:
        """Give back what was allocated and claimed under a name."""


@dataclasses.dataclass(slots=True)
class Asked:
    """A request as it came, whatever came of it.

    ``lifetime_s`` is how long its server is to live, None for good, ``moves``
    are the times at which it is sent away from a host that is drained.
    """

    at: float
    shape: Shape
    lifetime_s: float | None = None
    moves: list[float] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class Server:
    """A server, and where it is; ``claim`` is the name of its claim.

    One that is ``doomed`` is deleted once it does not move any more.
    """

    name: str
    asked: Asked
    host: str | None = None
    claim: str | None = None
    moving: bool = False
    doomed: bool = False

    @property
    def shape(self) -> Shape:
        """What it asks for."""
        return self.asked.shape


@dataclasses.dataclass(slots=True)
class Counts:
    """What came of the requests of one kind; an attempt is one destination.

    ``cpus`` are those of all requests, ``refused_cpus`` those of the refused.
    ``errors`` are the requests that were refused after an attempt: a host was
    found, and its claim failed.
    """

    requests: int = 0
    refused: int = 0
    attempts: int = 0
    cpus: int = 0
    refused_cpus: int = 0
    errors: int = 0

    @property
    def failed_claims(self) -> int:
        """Attempts that came to nothing."""
        return self.attempts - (self.requests - self.refused)

    def ended(self, shape: Shape, attempts: int, found: bool) -> None:
        """Count a request."""
        self.requests += 1
        self.attempts += attempts
        self.cpus += shape.vcpus
        if not found:
            self.refused += 1
            self.refused_cpus += shape.vcpus
            self.errors += attempts > 0


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """How long things take, in seconds; each claim takes up to ``claim_s``.

    ``alternates`` is how many more hosts a create may try than the first
    (``[scheduler] max_attempts`` - 1).
    """

    claim_s: float = 10.0
    move_s: float = 30.0
    alternates: int = 2


class Rescue(Protocol):
    """Who sees to requests that were refused."""

    def refused(self, server: Server) -> None:
        """Take note of one, which waits to be asked again or given up."""

    def placed(self, server: Server) -> None:
        """Take note of any server that has found its host."""


class Simulation:
    """A cloud in time. Nothing happens but in :meth:`run`.

    ``asked`` are all requests, in their order, ``waiting`` the names of
    servers that were refused and may be asked for again, each with the
    attempts so far; without a ``rescue`` none is. ``each_request`` are called
    after each request.
    """

    rescue: Rescue | None = None

    def __init__(
        self,
        cloud: Cloud,
        *,
        seed: int = 0,
        schedulers: int = 1,
        timing: Timing = Timing(),
    ):
        """Begin at time 0 without servers."""
        self.cloud, self.schedulers, self.timing = cloud, schedulers, timing
        self.random = random.Random(seed)
        self.now = 0.0
        self.servers: dict[str, Server] = {}
        self.creates, self.migrations = Counts(), Counts()
        self.drained: set[str] = set()
        self.asked: list[Asked] = []
        self.waiting: dict[str, int] = {}
        self.each_request: list[Callable[[], None]] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def after(self, seconds: float, call: Callable[..., None], *args) -> None:
        """Have something called once that time has passed."""
        heapq.heappush(
            self._events,
            (
                self.now + seconds,
                next(self._numbers),
                lambda: call(*args),
            ),
        )

    def run(self, until: float = float('inf')) -> None:
        """Go on until a time, or until nothing is left to happen."""
        while self._events and self._events[0][0] <= until:
            self.now, _, call = heapq.heappop(self._events)
            call()
        if until < float('inf'):
            self.now = until

    def create(self, shape: Shape, lifetime_s: float | None = None) -> Server:
        """Ask for a server: one list of hosts, walked until one takes it.

        :param lifetime_s: after which it is deleted
        """
        asked = Asked(self.now, shape, lifetime_s)
        self.asked.append(asked)
        server = Server(f'server{next(self._numbers)}', asked)
        self._ask(server)
        for call in self.each_request:
            call()
        return server

    def ask_again(self, server: Server) -> None:
        """Ask once more for a server that waits."""
        self._ask(server, self.waiting.pop(server.name))

    def give_up(self, server: Server) -> None:
        """Leave a server that waits refused."""
        attempts = self.waiting.pop(server.name)
        self.creates.ended(server.shape, attempts, False)

    def _ask(self, server, attempts=0):
        hosts = iter(self._ranked(server, [])[: 1 + self.timing.alternates])
        found = self._choose(server, hosts)
        self._create_on(server, hosts, found, attempts)

    def delete(self, server: Server) -> None:
        """Delete a server, once it is not moving any more."""
        if server.moving:
            server.doomed = True
            return
        self.cloud.release(server.claim)
        del self.servers[server.name]

    def drain(self, hosts: Collection[str], within_s: float) -> None:
        """Live-migrate every server away from hosts, and use them no more.

        The requests come at random moments within that time. A server that
        is on its way to one of the hosts is moved off as soon as it is there.
        """
        self.drained.update(hosts)
        for server in self.servers.values():
            if server.host in hosts:
                self.after(
                    self.random.uniform(0, within_s), self._leave, server
                )

    def _leave(self, server):
        """Move a server away from a drained host, unless that is under way."""
        if (
            server.name in self.servers
            and server.host in self.drained
            and not server.moving
        ):
            self.live_migrate(server)

    def live_migrate(
        self,
        server: Server,
        refused: tuple[str, ...] = (),
    ) -> None:
        """Ask for a destination; after a refusal, ask again without it."""
        if not refused:
            server.asked.moves.append(self.now)
        server.moving = True
        ranked = self._ranked(server, [server.host, *refused])
        found = self._choose(server, iter(ranked))
        if found is None:
            self.migrations.ended(server.shape, len(refused), False)
            self._stands_still(server)
            return
        host, claim = found

        def answered(fits):
            if not fits:
                self.live_migrate(server, (*refused, host))
                return
            self.migrations.ended(server.shape, len(refused) + 1, True)
            self.after(self.timing.move_s, self._moved, server, host, claim)

        self._claim_later(server, host, claim, answered)

    def migrate_to(
        self, server: Server, host: str, ended: Callable[[bool], None]
    ) -> None:
        """Live-migrate a server to a host, if the scheduler agrees.

        :param ended: is told whether it has come to it
        """
        server.moving = True
        ranked = self._ranked(server, [server.host], host)
        found = self._choose(server, iter(ranked))
        if found is None:
            self._stands_still(server)
            ended(False)
            return
        _, claim = found

        def answered(fits):
            if fits:
                self.after(self.timing.move_s, moved)
                return
            self._stands_still(server)
            ended(False)

        def moved():
            self._moved(server, host, claim)
            ended(True)

        self._claim_later(server, host, claim, answered)

    def _moved(self, server, host, claim):
        self.cloud.release(server.claim)
        server.host, server.claim = host, claim
        self._stands_still(server)
        self._leave(server)

    def _stands_still(self, server):
        server.moving = False
        if server.doomed:
            self.delete(server)

    def _create_on(self, server, hosts: Iterator[str], found, refused=0):
        """Claim what was found; if that fails, go on to the alternates."""
        if found is None:
            self.waiting[server.name] = refused
            if self.rescue is None:
                self.give_up(server)
            else:
                self.rescue.refused(server)
            return
        host, claim = found

        def answered(fits):
            if not fits:
                alternate = self._allocate(server, hosts)
                self._create_on(server, hosts, alternate, refused + 1)
                return
            self.creates.ended(server.shape, refused + 1, True)
            server.host, server.claim = host, claim
            self.servers[server.name] = server
            if server.asked.lifetime_s is not None:
                self.after(server.asked.lifetime_s, self.delete, server)
            self._leave(server)
            if self.rescue is not None:
                self.rescue.placed(server)

        self._claim_later(server, host, claim, answered)

    def _ranked(self, server, ignored, named=None):
        scheduler = self.random.randrange(self.schedulers)
        return self.cloud.ranked(
            scheduler,
            server.name,
            server.shape,
            ignored,
            self.drained,
            named,
        )

    def _choose(self, server, hosts):
        """Allocate as the scheduler does, which knows its choice."""
        found = self._allocate(server, hosts)
        if found is not None:
            self.cloud.chosen(server.name, found[0])
        return found

    def _allocate(self, server, hosts):
        claim = f'claim{next(self._numbers)}'
        for host in hosts:
            if self.cloud.allocate(claim, server.shape, host):
                return host, claim
        return None

    def _claim_later(self, server, host, claim, answered):
        def arrived():
            fits = self.cloud.claim(claim, server.shape, host)
            if not fits:
                self.cloud.release(claim)
            answered(fits)

        self.after(self.random.uniform(0, self.timing.claim_s), arrived)
