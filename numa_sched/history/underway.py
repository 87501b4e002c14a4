"""What a scheduler worker has sent to hosts and they do not show yet.

A claim takes its time to arrive: until then the host looks as if nobody had
been sent to it. What others have sent a worker cannot know, what it has sent
itself it can.
"""

import dataclasses
import threading
from collections.abc import Callable, Hashable, Sequence

from numa_sched.fit import Placer
from numa_sched.fit.claim import Claim
from numa_sched.fit.usage import host_after
from numa_sched.topology import Guest, Host

MAX_SERVERS = 1000
"""How many servers are known to be under way, far more than ever are."""

MAX_ORDERED = 8
"""Of how many servers on their way to a host all orders are thought of."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """A server that was sent to a host, and the claim that is expected.

    ``shown_by`` gives the one object that shows the claim before it has
    arrived, as Nova counts it there, as long as that object lives.
    """

    host: Hashable
    claim: Claim
    when: float
    shown_by: Callable[[], object] = lambda: None


class UnderWay:
    """The claims that one scheduler worker has caused and not seen arrive.

    Times are seconds of a clock that does not go back. Threads may share one.
    """

    def __init__(self, *, max_servers: int = MAX_SERVERS):
        self._max_servers = max_servers
        self._lock = threading.Lock()
        # What was sent last stands last.
        self._servers: dict[str, Sent] = {}

    def __len__(self) -> int:
        return len(self._servers)

    def add(self, server: str, sent: Sent) -> None:
        """Note that a server is under way, and nowhere else."""
        with self._lock:
            self._servers.pop(server, None)
            self._servers[server] = sent
            if len(self._servers) > self._max_servers:
                del self._servers[next(iter(self._servers))]

    def drop(self, server: str) -> None:
        """Note that a server is not under way any more, if it was."""
        with self._lock:
            self._servers.pop(server, None)

    def drop_before(self, when: float) -> None:
        """Forget what was sent before a time: by now it shows, or failed."""
        with self._lock:
            late = [
                server
                for server, sent in self._servers.items()
                if sent.when < when
            ]
            for server in late:
                del self._servers[server]

    def by_host(self) -> dict[Hashable, dict[str, Sent]]:
        """Give for each host the servers on their way there, in order."""
        found: dict[Hashable, dict[str, Sent]] = {}
        with self._lock:
            for server, sent in self._servers.items():
                found.setdefault(sent.host, {})[server] = sent
        return found


def has_arrived(claim: Claim, host: Host) -> bool:
    """Whether a host shows what a claim was expected to take of it.

    It may be that another claim has taken just that, which then stands for
    this one.
    """
    layout = claim.host.layout
    if host.layout is not layout and host.layout != layout:
        return True  # the claim was for a host that is not the same any more
    for index, before, after in zip(
        claim.indexes, claim.cells, claim.cells_after(), strict=True
    ):
        taken = after.pinned & ~before.pinned
        if taken & ~host.pinned[index]:
            return False
        # Pinned CPUs tell claims apart, amounts do so less.
        if not taken and (
            host.shared_used[index] < after.shared_used
            or host.memory_used_mb[index] < after.memory_used_mb
        ):
            return False
    return True


class Arrivals:
    """Claims of guests arriving at hosts in some order."""

    def __init__(self, *, packing: bool = False):
        """Begin; ``packing`` is as for :func:`numa_sched.fit.fit`."""
        self._packing = packing
        self._placers: dict[Guest, Placer] = {}

    def after(self, host: Host, claims: Sequence[Claim]) -> Host:
        """Give a host once claims have arrived that were meant for it.

        One that does not fit any more fails, and leaves the host as it is.
        """
        for claim in claims:
            made = (
                claim if claim.host == host else self._place(claim.guest, host)
            )
            host = host if made is None else host_after(made)
        return host

    def may_fail(
        self, host: Host, claims: Sequence[Claim], guest: Guest
    ) -> bool:
        """Whether a guest, or one under way, may find no room any more.

        Which cells a claim takes depends on those before it, and claims
        arrive in any order. Looked at are some that differ much: the guest
        first, the others backwards, and both.

        :param host: the host as it is, before ``claims`` have arrived
        """
        early = max(len(claims) - MAX_ORDERED, 0)
        host = self.after(host, claims[:early])
        guests = [claim.guest for claim in claims[early:]]
        backwards = guests[::-1]
        return not all(
            self._all_fit(host, order)
            for order in (
                [guest, *guests],
                [*backwards, guest],
                [guest, *backwards],
            )
        )

    def _all_fit(self, host: Host, guests: Sequence[Guest]) -> bool:
        for guest in guests:
            claim = self._place(guest, host)
            if claim is None:
                return False
            host = host_after(claim)
        return True

    def _place(self, guest: Guest, host: Host) -> Claim | None:
        placer = self._placers.get(guest)
        if placer is None:
            placer = Placer(guest, packing=self._packing)
            self._placers[guest] = placer
        return placer.place(host)
