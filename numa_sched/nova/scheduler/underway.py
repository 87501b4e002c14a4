"""Which hosts this scheduler worker has chosen, and how they will be.

Nova makes its host states anew from the database at each request, so a
worker does not even see its own choice of a moment ago.
"""

import functools
import threading
import time
import weakref
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

import nova.conf

from numa_sched.fit.claim import Claim
from numa_sched.history.underway import Arrivals, Sent, UnderWay, has_arrived
from numa_sched.nova.scheduler.views import View
from numa_sched.topology import Guest, Host

CONF = nova.conf.CONF

WATCHED = 8
"""How many of the best hosts are watched: one in front may lack the room in
placement, and chance or another weigher may have it otherwise."""


class _Watched:
    """The best hosts of a request, of which one is about to be chosen.

    Nova tells no plugin which one it is. But it takes what the request asks
    for off the state of that host, for the request's next server, and notes
    the time there.
    Source: ``nova.scheduler.host_manager.HostState.consume_from_request``.
    """

    def __init__(
        self, server: str, hosts: Sequence[tuple[Any, Claim]], when: float
    ):
        self.server, self.when = server, when
        self._hosts = [(state, state.updated, claim) for state, claim in hosts]

    def chosen(self) -> Sent | None:
        """Give what was sent where, None if nothing was so far."""
        for state, updated, claim in self._hosts:
            if state.updated is not None and state.updated is not updated:
                return self._sent(state, claim, weakref.ref(state))
        return None

    def presumed(self) -> Sent:
        """Give what will be sent where, if the first host is taken."""
        state, _, claim = self._hosts[0]
        return self._sent(state, claim)

    def _sent(
        self, state, claim: Claim, *shown_by: Callable[[], object]
    ) -> Sent:
        return Sent(_name(state), claim, self.when, *shown_by)


class Expected:
    """The hosts of a request as they will be, and what is on its way there.

    ``views`` are those that were given where nothing is under way.
    """

    def __init__(
        self,
        views: Sequence[View | None],
        claims: Mapping[int, Sequence[Claim]] | None = None,
        arrivals: Arrivals | None = None,
    ):
        self.views = views
        self._claims = claims or {}
        self._arrivals = arrivals or Arrivals()

    def may_fail(self, number: int, view: View | None, guest: Guest) -> bool:
        """Whether a claim may fail on a host, by the order of arrivals.

        :param number: which host, in the order of the views
        :param view: the host as it is
        """
        claims = self._claims.get(number)
        if not claims or view is None or view.host is None:
            return False
        return self._arrivals.may_fail(view.host, claims, guest)


class Choices:
    """What a worker has chosen and not seen arrive: watched, then known."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        """Begin with nothing; ``clock`` gives the time in seconds."""
        self._clock = clock
        self._under_way = UnderWay()
        self._lock = threading.Lock()
        # Of each thread the last request; it is over when the next begins.
        self._watched: dict[int, _Watched] = {}

    def watch(self, server: str, hosts: Sequence[tuple[Any, Claim]]) -> None:
        """Find out later which of some hosts is taken for a server.

        :param hosts: host states and the claims expected there, best first;
            at least one
        """
        if CONF.numa_sched.claim_seconds:
            self._settle()
            watched = _Watched(server, hosts, self._clock())
            with self._lock:
                self._watched[threading.get_ident()] = watched

    def expected(
        self,
        server: str,
        host_states: Sequence[Any],
        views: Sequence[View | None],
    ) -> Expected:
        """Give the hosts of a request as they will be.

        :param server: the server that is asked for: if it was under way, its
            claim has failed
        """
        presumed: dict[Hashable, list[Sent]] = {}
        for sent in self._settle():
            presumed.setdefault(sent.host, []).append(sent)
        self._under_way.drop(server)
        known = self._under_way.by_host()
        if not known and not presumed:
            return Expected(views)
        found = list(views)
        claims: dict[int, list[Claim]] = {}
        arrivals = Arrivals(
            packing=CONF.compute.packing_host_numa_cells_allocation_strategy
        )
        for number, (state, view) in enumerate(
            zip(host_states, views, strict=True)
        ):
            name = _name(state)
            if name not in known and name not in presumed:
                continue
            if view is None or view.host is None:
                continue
            left = self._left(
                known.get(name, {}), presumed.get(name, ()), state, view.host
            )
            if left:
                claims[number] = left
                after = arrivals.after(view.host, left)
                found[number] = View(None, after, None)
        return Expected(found, claims, arrivals)

    def count(self) -> int:
        """Give how many servers are under way, as far as is known."""
        return len(self._under_way)

    def _settle(self) -> list[Sent]:
        """Learn what was chosen; give what other threads are choosing."""
        oldest = self._clock() - CONF.numa_sched.claim_seconds
        mine, choosing = threading.get_ident(), []
        with self._lock:
            for thread, watched in list(self._watched.items()):
                sent = watched.chosen()
                if sent is not None:
                    self._under_way.add(watched.server, sent)
                elif thread != mine and watched.when >= oldest:
                    choosing.append(watched.presumed())
                    continue
                del self._watched[thread]
        self._under_way.drop_before(oldest)
        return choosing

    def _left(
        self,
        known: Mapping[str, Sent],
        presumed: Iterable[Sent],
        state,
        host: Host,
    ) -> list[Claim]:
        """Give the claims that a host does not show, in their order.

        Where the state is that of this very request, and was consumed from by
        the servers before, it is not told whose claims have arrived.
        """
        shown = [
            server
            for server, each in known.items()
            if each.shown_by() is state
        ]
        left = []
        for server, each in known.items():
            if server in shown:
                continue
            if not shown and has_arrived(each.claim, host):
                self._under_way.drop(server)
            else:
                left.append(each.claim)
        for each in presumed:
            if shown or not has_arrived(each.claim, host):
                left.append(each.claim)
        return left


def _name(host_state) -> Hashable:
    return host_state.host, host_state.nodename


@functools.cache
def of_this_process() -> Choices:
    """Give what filter and weigher share."""
    return Choices()
