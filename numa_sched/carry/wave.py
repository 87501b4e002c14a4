"""Waves of steps, carried out one after the other."""

import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from numa_sched.carry import journal, look
from numa_sched.carry.flight import DEFAULT_PATIENCE, Flight, Patience
from numa_sched.carry.journal import Journal
from numa_sched.carry.values import (
    Cloud,
    Ended,
    Fate,
    Memory,
    Task,
)
from numa_sched.exceptions import (
    ForbiddenError,
    NumaSchedError,
    RefusedError,
    UnansweredError,
)

BAD_REQUEST = 400
"""What is refused for good; other things may be otherwise soon."""


class Watcher(Protocol):
    """Is told what goes on."""

    def began(self, task: Task) -> None:
        """Hear of a step that goes on from now."""

    def copied(self, task: Task, memory: Memory) -> None:
        """Hear how far a step is."""

    def ended(self, task: Task, ended: Ended) -> None:
        """Hear how a step has ended, or why it does not begin."""


def never() -> str | None:
    """Give no reason to stop."""
    return None


def always(task: Task) -> str | None:
    """Give no reason to hold a step back."""
    return None


def free(task: Task) -> None:
    """Count no step."""


@dataclasses.dataclass(frozen=True)
class Means:
    """With what steps are carried out.

    ``stop`` gives why no step is to begin any more, ``hold`` why one is not
    to begin now; None if it may. ``spend`` is told of each that begins.
    ``clock`` gives seconds and does not go
    back.
    """

    cloud: Cloud
    journal: Journal
    watcher: Watcher
    patience: Patience = DEFAULT_PATIENCE
    stop: Callable[[], str | None] = never
    hold: Callable[[Task], str | None] = always
    spend: Callable[[Task], None] = free
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclasses.dataclass(slots=True)
class Result:
    """What has come of waves.

    ``ended`` has each step that has ended, or that cannot begin, in that
    order; ``stopped`` is why the others are left, '' if a step that has not
    ended well is the reason, or if none is left.
    """

    ended: list[tuple[Task, Ended]] = dataclasses.field(default_factory=list)
    stopped: str = ''

    @property
    def done(self) -> list[Task]:
        """The steps that are done."""
        return [task for task, ended in self.ended if ended.fate is Fate.DONE]

    @property
    def troubles(self) -> list[tuple[Task, Ended]]:
        """The steps that are not, with the reason."""
        return [each for each in self.ended if each[1].fate is not Fate.DONE]

    @property
    def is_well(self) -> bool:
        """Whether all that began is done, and nothing was held back."""
        return not self.troubles and not self.stopped


class Waves:
    """Carries waves of steps out."""

    def __init__(self, means: Means):
        """Take the means."""
        self._means = means
        self._flights: list[Flight] = []
        self.result = Result()

    def follow(self, begun: Iterable[tuple[Task, int]]) -> Result:
        """Follow steps to their ends that somebody has begun before.

        :param begun: each with the id of the newest migration before
        """
        for task, before in begun:
            self._fly(task, before, 'it had not begun')
        self._land()
        return self.result

    def carry(self, waves: Sequence[Sequence[Task]]) -> Result:
        """Carry steps out, until one does not end well.

        What is under way then is followed to its end.

        :raises OutputError: if the journal cannot be written, once nothing
            is under way
        """
        for wave in waves:
            left = list(wave)
            # More than once if it was in doubt whether a step has begun.
            while left and self.result.is_well:
                try:
                    while left and self._begin(left.pop(0)):
                        pass
                except NumaSchedError:
                    self._land()
                    raise
                self._land()
        return self.result

    def _begin(self, task: Task) -> bool:
        """Begin a step; give whether the next one may begin."""
        means = self._means
        why = means.stop() or means.hold(task)
        if why:
            self.result.stopped = why
            return False
        try:
            known = means.cloud.migrations(task.uuid)
            ended = look.before(task, means.cloud)
        except (RefusedError, UnansweredError) as error:
            known, ended = (), _refused(error)
        if ended is not None:
            self._end(task, ended)
            return ended.fate is Fate.DONE
        before = max((each.id for each in known), default=0)
        journal.start(means.journal, task, before)
        means.spend(task)
        doubt = ''
        try:
            means.cloud.migrate(task)
        except RefusedError as error:
            self._end(task, _refused(error))
            return False
        except UnansweredError as error:
            doubt = str(error)
        self._fly(task, before, doubt)
        return not doubt

    def _fly(self, task: Task, before: int, doubt: str) -> None:
        means = self._means
        self._flights.append(
            Flight(task, before, doubt, means.clock(), means.patience)
        )
        means.watcher.began(task)

    def _land(self) -> None:
        """Follow all steps that are under way to their ends."""
        means = self._means
        broken: NumaSchedError | None = None
        while self._flights:
            for flight in self._flights[:]:
                ended = flight.look(means.cloud, means.clock())
                if ended is None:
                    self._tell_memory(flight)
                    continue
                self._flights.remove(flight)
                try:
                    self._end(flight.task, ended)
                except NumaSchedError as error:
                    broken = error
            if self._flights:
                means.sleep(means.patience.between)
        if broken:
            raise broken

    def _tell_memory(self, flight: Flight) -> None:
        if not flight.task.live:
            return
        try:
            memory = self._means.cloud.memory(flight.task.uuid)
        except (RefusedError, UnansweredError):
            return
        if memory:
            self._means.watcher.copied(flight.task, memory)

    def _end(self, task: Task, ended: Ended) -> None:
        self.result.ended.append((task, ended))
        self._means.watcher.ended(task, ended)
        journal.end(self._means.journal, task, ended)

    @property
    def under_way(self) -> list[Task]:
        """The steps that nobody has followed to their ends."""
        return [each.task for each in self._flights]


def _refused(error: NumaSchedError) -> Ended:
    if isinstance(error, ForbiddenError):
        return Ended(Fate.FORBIDDEN, str(error))
    if isinstance(error, RefusedError) and error.status == BAD_REQUEST:
        return Ended(Fate.FAILED, str(error))
    return Ended(Fate.REFUSED, str(error))
