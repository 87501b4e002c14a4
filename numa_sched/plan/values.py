"""What a plan is: waves of steps, and what stays where it is."""

import dataclasses
from collections.abc import Sequence

from numa_sched.answers import Move
from numa_sched.fleet import Server


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One migration of a server.

    ``source`` and ``destination`` are names of compute services, ``cells``
    ids of the host cells that the claim is expected to take, in the order of
    the guest's; none for a server without NUMA topology. ``memory_mb`` is
    the memory that is copied, in MiB: all of it by a live migration, nothing
    by a cold one.
    """

    server: Server
    move: Move
    source: str
    destination: str
    cells: tuple[int, ...] = ()
    memory_mb: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Stay:
    """A server that stays where it is, and why, in a sentence."""

    server: Server
    why: str


Waves = tuple[tuple[Step, ...], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """How many migrations there may be at the same time.

    ``per_host`` is how many servers may leave a host, as ``[DEFAULT]
    max_concurrent_live_migrations`` of Nova; ``in_all`` is of the whole
    cloud, None for no limit.
    """

    per_host: int = 1
    in_all: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """What a plan is held to beside the rules of the scheduler.

    With ``cold``, servers that cannot be live-migrated may be cold-migrated;
    without ``paused``, those that are paused cannot be live-migrated.
    ``pinned`` are UUIDs of servers that stay, ``avoid`` UUIDs of servers with
    names of hosts that are none for them. With ``spare``, servers that
    want neither post-copy nor auto-converge are moved only where no others
    would do, whatever memory these have; without it, where others would not
    do with as little memory. ``most`` is how many migrations a plan that makes
    or keeps room may have, None for as many as it takes; ``seconds`` is how
    long may be searched.
    """

    limits: Limits = Limits()
    cold: bool = False
    paused: bool = True
    pinned: frozenset[str] = frozenset()
    avoid: frozenset[tuple[str, str]] = frozenset()
    spare: bool = False
    most: int | None = None
    seconds: float = 10.0

    def allows(self, migrations: int) -> bool:
        """Whether a plan may have so many migrations."""
        return self.most is None or migrations <= self.most


DEFAULT_TERMS = Terms()


def waves(steps: Sequence[Step], limits: Limits) -> Waves:
    """Give steps that lead from one to the next as waves.

    The steps of a wave begin together and hold their room on both hosts
    until all are done. So in a wave a host takes one server, or gives some,
    and no claim can be other than expected whichever comes first. Every host
    sees what it takes and gives in the order of the steps.
    """
    found: list[list[Step]] = []
    # For each host: the last wave in which it takes, and in which it gives.
    took: dict[str, int] = {}
    gave: dict[str, int] = {}
    for step in steps:
        least = 1 + max(
            took.get(step.source, -1),
            took.get(step.destination, -1),
            gave.get(step.destination, -1),
        )
        number = next(
            each
            for each in range(least, len(found) + 1)
            if each == len(found) or _has_room(found[each], step, limits)
        )
        if number == len(found):
            found.append([])
        found[number].append(step)
        took[step.destination] = number
        gave[step.source] = max(gave.get(step.source, -1), number)
    return tuple(map(tuple, found))


def _has_room(wave: Sequence[Step], step: Step, limits: Limits) -> bool:
    if limits.in_all is not None and len(wave) >= limits.in_all:
        return False
    leaving = sum(each.source == step.source for each in wave)
    return leaving < limits.per_host
