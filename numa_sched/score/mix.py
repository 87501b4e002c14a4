"""What servers a cloud is asked for: learned, forgotten, or told."""

import threading
from collections.abc import Mapping, Sequence

from numa_sched.exceptions import ConfigError, TopologyError
from numa_sched.score import Mix
from numa_sched.topology import CPUPolicy, Guest, GuestCell, PageSize

MAX_GUESTS = 16
"""Guests in a mix; the rest are rare, and each costs time at each host."""

REFRESH_S = 60.0
CHANGED = 0.05
"""How much a mix must have moved, at most 1, to be given anew: strategies
are made anew with it, and all scores are worked out again."""


def pinned(cpus: int, cells: int = 1, **fields) -> Guest:
    """Give a guest of dedicated CPUs, spread evenly over its cells."""
    return Guest(
        tuple(
            GuestCell(
                dedicated=cpus // cells,
                cpu_policy=CPUPolicy.DEDICATED,
                **{'memory_mb': 0, **fields},
            )
            for _ in range(cells)
        )
    )


START: Mix = (
    (pinned(2), 0.25),
    (pinned(4), 0.25),
    (pinned(8), 0.2),
    (pinned(16), 0.15),
    (pinned(16, cells=2), 0.1),
    (pinned(32, cells=2), 0.05),
)
"""What is taken for the mix until requests have told."""

START_COUNTS = 20.0
"""As how many requests the mix at the start counts."""

MAX_HALF_LIVES = 64.0
"""After which what was seen counts nothing; more may be too big a number."""


class LearnedMix:
    """The mix of the guests seen lately; the older, the less they count."""

    def __init__(self, start: Mix = START, half_life_s: float = 604800.0):
        """Begin with a mix.

        :param half_life_s: after which a request counts half; 0 if nothing
            is to be learned
        """
        self._half_life_s = half_life_s
        total = sum(share for _, share in start)
        self._counts = {
            guest: START_COUNTS * share / total for guest, share in start
        }
        self._since: float | None = None
        self._refreshed = 0.0
        self._last: str | None = None
        self._lock = threading.Lock()
        self._mix = _shares(self._counts)

    def saw(self, guest: Guest, server: str, now: float) -> None:
        """Learn of a request; that of the last server again does not count.

        :param now: seconds, of any clock that does not go back
        """
        if not self._half_life_s:
            return
        with self._lock:
            if server == self._last:
                return
            self._last = server
            if self._since is None:
                self._since = self._refreshed = now
            # Instead of letting all counts shrink, let new ones grow.
            half_lives = (now - self._since) / self._half_life_s
            growth = 2.0 ** min(half_lives, MAX_HALF_LIVES)
            kind = Guest(guest.cells)
            self._counts[kind] = self._counts.get(kind, 0.0) + growth
            if growth > 1e6 or len(self._counts) > 16 * MAX_GUESTS:
                self._forget(growth, now)

    def _forget(self, growth, now):
        most = sorted(self._counts.items(), key=lambda each: -each[1])
        self._counts = {
            guest: count / growth for guest, count in most[: 4 * MAX_GUESTS]
        }
        self._since = now

    def get(self, now: float) -> Mix:
        """Give the mix, the same object unless it has changed enough."""
        with self._lock:
            if self._since is not None and now - self._refreshed >= REFRESH_S:
                self._refreshed = now
                mix = _shares(self._counts)
                if _distance(mix, self._mix) > CHANGED:
                    self._mix = mix
            return self._mix


def _shares(counts) -> Mix:
    most = sorted(counts.items(), key=lambda each: -each[1])[:MAX_GUESTS]
    total = sum(count for _, count in most)
    return tuple((guest, count / total) for guest, count in most)


def _distance(mix: Mix, other: Mix) -> float:
    """Give half the sum of all differences of shares."""
    shares, others = dict(mix), dict(other)
    return 0.5 * sum(
        abs(shares.get(guest, 0.0) - others.get(guest, 0.0))
        for guest in shares.keys() | others.keys()
    )


_PAGE_SIZES = {
    'small': PageSize.SMALL,
    'large': PageSize.LARGE,
    'any': PageSize.ANY,
}
_TRUTHS = {'true': True, 'false': False}


def from_options(items: Sequence[Mapping[str, str]]) -> Mix:
    """Give the mix that an operator has written down.

    Each item has ``cpus``, and may have ``cells``, ``memory_mb``,
    ``page_size`` (small, large, any or KiB), ``shared`` (true if the CPUs
    are shared ones) and ``share``.

    :raises ConfigError: if an item makes no sense
    """
    return tuple(map(_from_option, items))


def _from_option(item):
    try:
        told = dict(item)
        if 'cpus' not in told:
            raise ValueError('cpus is missing')
        cpus, cells = int(told.pop('cpus')), int(told.pop('cells', 1))
        share = float(told.pop('share', 1))
        memory_mb = int(told.pop('memory_mb', 0))
        size = told.pop('page_size', None)
        shared = _TRUTHS.get(told.pop('shared', 'false').lower())
        if told:
            raise ValueError(f'{", ".join(sorted(told))} is not known')
        if not 0 < cells <= cpus or cpus % cells:
            raise ValueError('cpus must be a multiple of cells, all above 0')
        if shared is None:
            raise ValueError('shared must be true or false')
        if not 0 < share < float('inf'):
            raise ValueError(f'a share of {share}')
        per_cell = {
            'memory_mb': memory_mb // cells,
            'page_size': (size and _PAGE_SIZES.get(size))
            or (int(size) if size else None),
        }
        if not shared:
            return pinned(cpus, cells, **per_cell), share
        cell = GuestCell(shared=cpus // cells, **per_cell)
        return Guest((cell,) * cells), share
    except (TopologyError, ValueError) as error:
        raise ConfigError(
            f'[numa_sched] fit_mix = {item!r} cannot be used: {error}. '
            f'Write, for example, cpus:16,cells:2,memory_mb:65536,'
            f'page_size:1048576,share:5'
        ) from error
