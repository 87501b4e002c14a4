"""How much may be moved: in an hour, and at which hours of the day."""

import dataclasses
import datetime
from collections.abc import Callable, Iterable

from numa_sched.carry.values import Task

HOUR_S = 3600
TOO_MANY = 'no more migrations may begin in this hour'


@dataclasses.dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of each day in which nothing begins, local time.

    Where the end is not after the beginning, it is that of the next day.
    """

    begin: datetime.time
    end: datetime.time

    def has(self, time: datetime.time) -> bool:
        """Whether a time of day is one of them."""
        if self.begin < self.end:
            return self.begin <= time < self.end
        return time >= self.begin or time < self.end

    def __str__(self) -> str:
        return f'{self.begin:%H:%M}-{self.end:%H:%M}'


@dataclasses.dataclass(frozen=True, slots=True)
class Budget:
    """The most that may begin in an hour; None for no limit.

    ``per_host`` counts what a host takes and gives, ``memory_mb`` what live
    migrations copy, in MiB.
    """

    migrations: int | None = None
    per_host: int | None = None
    memory_mb: int | None = None
    quiet: tuple[Quiet, ...] = ()


class LastHour:
    """What has begun in the last hour, and who has been turned down.

    :param clock: gives the time, with its zone
    """

    def __init__(self, budget: Budget, clock: Callable[[], datetime.datetime]):
        """Begin without."""
        self._budget, self._clock = budget, clock
        self._starts: list[tuple[float, Task]] = []
        self._refusals: dict[tuple[str, str], float] = {}

    def count(self, then: float, task: Task) -> None:
        """Count a step that began at a time, in seconds since the epoch."""
        self._starts.append((then, task))

    def spend(self, task: Task) -> None:
        """Count a step that begins now."""
        now = self._clock().timestamp()
        self._starts = [
            each for each in self._starts if _is_recent(each[0], now)
        ]
        self.count(now, task)

    def turn_down(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Take note of servers, by UUID, and hosts that do not take them."""
        now = self._clock().timestamp()
        self._refusals.update((pair, now) for pair in pairs)

    @property
    def avoid(self) -> frozenset[tuple[str, str]]:
        """Those of the last hour."""
        now = self._clock().timestamp()
        return frozenset(
            pair
            for pair, then in self._refusals.items()
            if _is_recent(then, now)
        )

    def why_not(self, task: Task) -> str | None:
        """Give why a step is not to begin now, None if it may."""
        budget, now = self._budget, self._clock()
        for quiet in budget.quiet:
            if quiet.has(now.time()):
                return f'nothing is moved at {quiet}'
        recent = [
            each
            for then, each in self._starts
            if _is_recent(then, now.timestamp())
        ]
        if budget.migrations is not None and (
            len(recent) >= budget.migrations
        ):
            return f'{TOO_MANY}: {len(recent)} of {budget.migrations}'
        for host in (task.source, task.destination):
            count = sum(
                host in (each.source, each.destination) for each in recent
            )
            if budget.per_host is not None and count >= budget.per_host:
                return (
                    f'{TOO_MANY}, from or to {host}: {count} of '
                    f'{budget.per_host}'
                )
        memory = sum(each.memory_mb for each in recent)
        if budget.memory_mb is not None and (
            memory + task.memory_mb > budget.memory_mb
        ):
            return (
                f'{task.name} has {task.memory_mb} MiB, and of '
                f'{budget.memory_mb} MiB an hour {memory} are used'
            )
        return None


def _is_recent(then: float, now: float) -> bool:
    # Of a clock that was set back nobody knows how old it is.
    return now - then < HOUR_S
