"""Which hosts have just refused a live migration.

After each refusal Nova's conductor asks the scheduler again, with the host
that has refused at the end of the hosts to ignore. The first request of a
migration ignores the source.
Source: ``nova.conductor.tasks.live_migrate.LiveMigrationTask``.
"""

import threading
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

_Key = TypeVar('_Key', bound=Hashable)
_Value = TypeVar('_Value')

# Longer than an attempt may take: the conductor waits for a destination as
# long as [DEFAULT] long_rpc_timeout says, half an hour by default.
REPEATED_WITHIN_SECONDS = 3600
MAX_SERVERS = 1000
MAX_REFUSALS = 1000

MAX_HOSTS_OF_SERVER = 3
MAX_HOSTS_OF_PROJECT = 6
"""The hosts that are trusted less because of one server or of all servers of
one project, at a time: those that have refused last. Who may live-migrate
servers of his own can have a server refused everywhere, as often as he
likes; what refuses it says more of that server than of the hosts."""


class Refusals:
    """The refusals that one scheduler worker has seen.

    Times are seconds of a clock that does not go back. Threads may share one.
    """

    def __init__(
        self,
        *,
        max_servers: int = MAX_SERVERS,
        max_refusals: int = MAX_REFUSALS,
    ):
        self._max_servers, self._max_refusals = max_servers, max_refusals
        self._lock = threading.Lock()
        # What came last stands last; what came first goes first.
        self._requests: dict[str, tuple[tuple[str, ...], float]] = {}
        # By host and server: the server's project, and when.
        self._refusals: dict[tuple[str, str], tuple[str | None, float]] = {}
        self._last: dict[str, float] = {}

    def note(
        self,
        server: str,
        ignored: Iterable[str],
        now: float,
        project: str | None = None,
    ) -> tuple[str, ...]:
        """Give the hosts that have refused since the last request.

        These are the hosts that stand behind all those that the last request
        for the same server ignored. So neither what a first request ignores
        is a refusal, nor the source, even if another worker has seen the
        first request of a new migration: the list then starts differently.

        At most :data:`MAX_HOSTS_OF_SERVER` of them count, the last ones.

        :param ignored: the hosts to ignore, in the order of the request
        :param project: of the server; None if that is not told, which leaves
            the hosts of all such servers together without a bound
        """
        ignored = tuple(ignored)
        with self._lock:
            before, when = self._requests.pop(server, ((), now))
            if ignored:
                _put(self._requests, server, (ignored, now), self._max_servers)
            known = len(before)
            if (
                not before
                or ignored[:known] != before
                or now - when > REPEATED_WITHIN_SECONDS
            ):
                return ()
            refused = ignored[known:][-MAX_HOSTS_OF_SERVER:]
            for host in refused:
                _put(
                    self._refusals,
                    (host, server),
                    (project, now),
                    self._max_refusals,
                )
            self._hold_back(server, project)
            self._last = {
                host: when for (host, _), (_, when) in self._refusals.items()
            }
        return refused

    def _hold_back(self, server: str, project: str | None) -> None:
        """Forget the oldest refusals of one that has more than its share."""
        self._keep_last(
            [key for key in self._refusals if key[1] == server],
            MAX_HOSTS_OF_SERVER,
        )
        if project is not None:
            self._keep_last(
                [
                    key
                    for key, (owner, _) in self._refusals.items()
                    if owner == project
                ],
                MAX_HOSTS_OF_PROJECT,
            )

    def _keep_last(self, keys: Sequence[tuple[str, str]], most: int) -> None:
        hosts = list(dict.fromkeys(host for host, _ in reversed(keys)))
        for key in keys:
            if key[0] in hosts[most:]:
                del self._refusals[key]

    def trust(
        self, host: str, now: float, *, penalty: float, half_life: float
    ) -> float:
        """Give how far a host is to be trusted, from 0.0 to 1.0.

        Refusals do not add up: the last one counts.

        :param penalty: what a host loses at once, from 0.0 to 1.0
        :param half_life: seconds until half of that is given back
        """
        when = self._last.get(host)
        if when is None:
            return 1.0
        # A request may have looked at its clock before another one's refusal.
        half_lives = max(now - when, 0.0) / half_life
        left: float = 0.5**half_lives
        return 1.0 - penalty * left


def _put(
    kept: dict[_Key, _Value], key: _Key, value: _Value, most: int
) -> None:
    """Put an entry last, and drop the first one if there are too many."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > most:
        del kept[next(iter(kept))]
