"""What servers a cloud is asked for: learned, forgotten, or told."""

import contextlib
import dataclasses
import threading
from collections.abc import Mapping, Sequence

from numa_sched.exceptions import ConfigError, TopologyError
from numa_sched.score import Mix
from numa_sched.topology import (
    CPUPolicy,
    DeviceAffinity,
    DeviceRequest,
    Guest,
    GuestCell,
    PageSize,
)

MAX_GUESTS = 16
"""Guests in a mix; the rest are rare, and each costs time at each host."""

REPEATED_WITHIN_S = 3600.0
"""Until when the same guest for the same server is the same wish: longer than
it takes a live migration to ask again (``[DEFAULT] long_rpc_timeout``)."""

MAX_SERVERS = 1000
"""Of how many servers the last request is known."""

REFRESH_S = 60.0
CHANGED = 0.05
"""How much a mix must have moved, at most 1, to be given anew: strategies
are made anew with it, and all scores are worked out again."""


def pinned(
    cpus: int,
    cells: int = 1,
    *,
    memory_mb: int = 0,
    page_size: int | None = None,
) -> Guest:
    """Give a guest of dedicated CPUs, spread evenly over its cells.

    :param memory_mb: of each cell, as is the page size
    """
    cell = GuestCell(
        memory_mb,
        dedicated=cpus // cells,
        cpu_policy=CPUPolicy.DEDICATED,
        page_size=page_size,
    )
    return Guest((cell,) * cells)


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

MAX_PROJECTS = 256
"""Of how many projects it is known what they have asked for; the guests of
those that asked for least are kept together."""

MAX_HALF_LIVES = 64.0
"""After which what was seen counts nothing; more may be too big a number."""


class LearnedMix:
    """The mix of the guests seen lately; the older, the less they count.

    One project counts at most as much as all others and the mix at the start
    together, or as :data:`START_COUNTS` requests of this moment if that is
    more. So nobody can make the mix his own by asking often, and a project
    that is alone in its cloud is learned as the start is forgotten.
    """

    def __init__(self, start: Mix = START, half_life_s: float = 604800.0):
        """Begin with a mix.

        :param half_life_s: after which a request counts half; 0 if nothing
            is to be learned
        """
        self._half_life_s = half_life_s
        total = sum(share for _, share in start)
        # By project; under None the start, and whose project is not known.
        self._counts: dict[str | None, dict[Guest, float]] = {
            None: {
                guest: START_COUNTS * share / total
                for guest, share in _together(start)
            }
        }
        self._since: float | None = None
        self._refreshed = 0.0
        # When each server was asked for, and as what; the last one last.
        self._servers: dict[str, tuple[Guest, float]] = {}
        self._lock = threading.Lock()
        self._mix = _shares(self._counts, START_COUNTS)

    def saw(
        self,
        guest: Guest,
        server: str,
        now: float,
        project: str | None = None,
    ) -> None:
        """Learn of a request; the same again for a server does not count.

        Networks are not part of what is learned, PCI devices are.

        :param now: seconds, of any clock that does not go back
        :param project: whose request it is; None if that is not told, which
            leaves such requests together without a bound
        """
        if not self._half_life_s:
            return
        kind = Guest(guest.cells, devices=guest.devices)
        with self._lock:
            if self._is_repeated(kind, server, now):
                return
            if self._since is None:
                self._since = self._refreshed = now
            growth = self._growth(now)
            counts = self._counts.setdefault(project, {})
            counts[kind] = counts.get(kind, 0.0) + growth
            most = 16 * MAX_GUESTS if project is None else 4 * MAX_GUESTS
            if len(counts) > most:
                self._counts[project] = _most(counts, most // 4)
            if len(self._counts) > MAX_PROJECTS:
                self._forget_least()
            if growth > 1e6:
                self._shrink(growth, now)

    def _growth(self, now: float) -> float:
        """Give as what a request of now counts.

        Instead of letting all counts shrink, new ones grow.
        """
        if self._since is None:
            return 1.0
        half_lives = (now - self._since) / self._half_life_s
        growth: float = 2.0 ** min(half_lives, MAX_HALF_LIVES)
        return growth

    def _is_repeated(self, kind: Guest, server: str, now: float) -> bool:
        before, when = self._servers.pop(server, (None, now))
        self._servers[server] = kind, now
        if len(self._servers) > MAX_SERVERS:
            del self._servers[next(iter(self._servers))]
        return before == kind and now - when <= REPEATED_WITHIN_S

    def _forget_least(self) -> None:
        """Have what the smallest project asked for be anybody's."""
        least = min(
            (project for project in self._counts if project is not None),
            key=lambda project: sum(self._counts[project].values()),
        )
        anybody = self._counts[None]
        for guest, count in self._counts.pop(least).items():
            anybody[guest] = anybody.get(guest, 0.0) + count
        if len(anybody) > 16 * MAX_GUESTS:
            self._counts[None] = _most(anybody, 4 * MAX_GUESTS)

    def _shrink(self, growth: float, now: float) -> None:
        """Have a request of now count 1 again."""
        self._counts = {
            project: {guest: count / growth for guest, count in counts.items()}
            for project, counts in self._counts.items()
        }
        self._since = now

    def get(self, now: float) -> Mix:
        """Give the mix, the same object unless it has changed enough."""
        with self._lock:
            if self._since is not None and now - self._refreshed >= REFRESH_S:
                self._refreshed = now
                mix = _shares(self._counts, START_COUNTS * self._growth(now))
                if _distance(mix, self._mix) > CHANGED:
                    self._mix = mix
            return self._mix


def _together(items: Mix) -> Mix:
    """Give each guest once, with all its shares."""
    shares: dict[Guest, float] = {}
    for guest, share in items:
        shares[guest] = shares.get(guest, 0.0) + share
    return tuple(shares.items())


def _most(counts: Mapping[Guest, float], number: int) -> dict[Guest, float]:
    """Give the guests asked for most."""
    return dict(sorted(counts.items(), key=lambda each: -each[1])[:number])


def _shares(
    counts: Mapping[str | None, Mapping[Guest, float]], alone: float
) -> Mix:
    """Give the mix of what projects have asked for.

    :param alone: how much a project counts in any case
    """
    totals = {project: sum(each.values()) for project, each in counts.items()}
    everything = sum(totals.values())
    bounded: dict[Guest, float] = {}
    for project, asked in counts.items():
        total = totals[project]
        most = max(everything - total, alone)
        part = 1.0 if project is None or total <= most else most / total
        for guest, count in asked.items():
            bounded[guest] = bounded.get(guest, 0.0) + part * count
    kept = _most(bounded, MAX_GUESTS)
    total = sum(kept.values())
    return tuple((guest, count / total) for guest, count in kept.items())


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

MIN_SHARE, MAX_SHARE = 0.001, 1000
"""Of a guest in the option: beyond, one of two would count nothing."""

_TRUTHS = {'true': True, 'false': False}
_PROPERTIES = {
    'vendor_id': 'vendor_id',
    'product_id': 'product_id',
    'device_type': 'dev_type',
    'physical_network': 'physical_network',
}
"""What tells devices apart, in an option and in a request of Nova."""

_RANGES = {
    'cpus': (1, 4096),
    'cells': (1, 64),
    'memory_mb': (0, 2**26),
    'page_size': (1, 2**30),
    'devices': (1, 256),
}
"""What no machine is beyond; a cell or a device more costs time and memory."""


def from_options(items: Sequence[Mapping[str, str]]) -> Mix:
    """Give the mix that an operator has written down.

    Each item has ``cpus``, and may have ``cells``, ``memory_mb``,
    ``page_size`` (small, large, any or KiB), ``shared`` (true if the CPUs
    are shared ones) and ``share``; and ``devices``, the number of PCI devices,
    with ``vendor_id``, ``product_id``, ``device_type`` and ``numa_policy`` as
    in ``[pci] alias`` and ``physical_network`` as in ``[pci] device_spec``.
    The shares of items for the same guest add up. An item without anything is
    passed over.

    :raises ConfigError: if an item makes no sense
    """
    return _together(tuple(_from_option(item) for item in items if item))


def _from_option(item: Mapping[str, str]) -> tuple[Guest, float]:
    told = dict(item)
    try:
        guest, share = _guest(told), _share(told)
        if told:
            raise ValueError(f'{", ".join(sorted(told))} is not known')
        return guest, share
    except (TopologyError, ValueError) as error:
        raise ConfigError(
            f'[numa_sched] fit_mix = {item!r} cannot be used: {error}. '
            f'Write, for example, cpus:16,cells:2,memory_mb:65536,'
            f'page_size:1048576,share:5'
        ) from error


def _guest(told: dict[str, str]) -> Guest:
    """Give the guest of an item, and take what tells of it out of it."""
    for key, value in told.items():
        if not value.strip():
            raise ValueError(f'{key} is empty')
    cpus = _number(told, 'cpus')
    if cpus is None:
        raise ValueError('cpus is missing')
    cells = _number(told, 'cells') or 1
    memory_mb = _number(told, 'memory_mb') or 0
    shared = _TRUTHS.get(told.pop('shared', 'false').lower())
    size = told.get('page_size', '').lower()
    if size in _PAGE_SIZES:
        del told['page_size']
    if cpus % cells:
        raise ValueError('cpus must be a multiple of cells')
    if memory_mb % cells:
        raise ValueError('memory_mb must be a multiple of cells')
    if shared is None:
        raise ValueError('shared must be true or false')
    memory_mb //= cells
    page_size = _PAGE_SIZES.get(size) or _number(told, 'page_size')
    if shared:
        cell = GuestCell(memory_mb, shared=cpus // cells, page_size=page_size)
        guest = Guest((cell,) * cells)
    else:
        guest = pinned(cpus, cells, memory_mb=memory_mb, page_size=page_size)
    return dataclasses.replace(guest, devices=_devices(told))


def _number(told: dict[str, str], key: str) -> int | None:
    """Give a number and take it out of an item, None if it is not there."""
    if key not in told:
        return None
    text, (least, most) = told.pop(key), _RANGES[key]
    with contextlib.suppress(ValueError):
        number = int(text)
        if least <= number <= most:
            return number
    raise ValueError(
        f'{key} must be a whole number from {least} to {most}, not {text!r}'
    )


def _share(told: dict[str, str]) -> float:
    text = told.pop('share', '1')
    share = float(text)
    if not MIN_SHARE <= share <= MAX_SHARE:
        raise ValueError(
            f'a share of {text} is not from {MIN_SHARE} to {MAX_SHARE}'
        )
    return share


def _devices(told: dict[str, str]) -> tuple[DeviceRequest, ...]:
    """Give the devices that an item asks for, and take them out of it."""
    kind = frozenset(
        (name, told.pop(key).lower())
        for key, name in _PROPERTIES.items()
        if key in told
    )
    policy = told.pop('numa_policy', None)
    count = _number(told, 'devices')
    if count is None:
        if kind or policy:
            raise ValueError('devices is missing')
        return ()
    affinity = DeviceAffinity((policy or 'legacy').lower())
    return (DeviceRequest(count, (kind,), affinity),)
