"""The journal of what is carried out: lines of JSON, and what they tell.

A line is written before something is done and after it, so that the last
lines tell what may be half done. This is about the lines; files are for
others.
"""

import dataclasses
import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from numa_sched.carry.values import Ended, Fate, Planned, Shape, Task, Tasks
from numa_sched.exceptions import JournalError

VERSION = 1

Goal = Mapping[str, Any]
"""What a plan is for: the command, and what it is about; plain JSON."""


class Journal(Protocol):
    """Where lines go."""

    def write(self, event: str, **more: Any) -> None:
        """Write a line to where it lasts, with the time.

        :raises OutputError: if it cannot be
        """


def begin(journal: Journal, goal: Goal) -> None:
    """Write what it is about."""
    journal.write('begin', version=VERSION, goal=goal)


def plan(journal: Journal, planned: Planned) -> None:
    """Write what is to be done."""
    waves = [list(map(_plain, wave)) for wave in planned.waves]
    journal.write('plan', reached=planned.reached, waves=waves)


def start(journal: Journal, task: Task, before: int) -> None:
    """Write that a step is about to begin.

    :param before: the id of the newest migration that its server has
    """
    journal.write('start', step=task.number, server=task.uuid, before=before)


def end(journal: Journal, task: Task, ended: Ended) -> None:
    """Write how a step has ended, or why it does not begin."""
    journal.write(
        'end',
        step=task.number,
        server=task.uuid,
        fate=ended.fate.value,
        why=ended.why,
    )


def _plain(task: Task) -> Mapping[str, Any]:
    return dataclasses.asdict(task)


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """What a journal tells.

    ``waves`` is the last plan, which leads to all that is wanted if it has
    ``reached`` that; ``began`` has the steps of it that have begun
    and not ended, by their numbers, each with the id of the newest
    migration before; ``fates`` how the others have ended. ``starts`` are the
    times, in seconds since the epoch, and steps of all that have begun.
    """

    goal: Goal
    waves: Tasks
    reached: bool
    began: Mapping[int, int]
    fates: Mapping[int, Fate]
    starts: Sequence[tuple[float, Task]]

    @property
    def begun(self) -> tuple[tuple[Task, int], ...]:
        """The steps that may be half done, each with that id."""
        return tuple(
            (task, self.began[task.number])
            for wave in self.waves
            for task in wave
            if task.number in self.began
        )

    @property
    def left(self) -> Tasks:
        """The waves of those that are neither done nor under way."""
        over = Fate.DONE, Fate.GONE
        waves = (
            tuple(
                task
                for task in wave
                if task.number not in self.began
                and self.fates.get(task.number) not in over
            )
            for wave in self.waves
        )
        return tuple(wave for wave in waves if wave)


def read(text: str, name: str) -> Record:
    """Give what a journal tells.

    A last line without an end is one that was never written: it is left out.

    :param name: of the file, for errors
    :raises JournalError: if it is none, telling the line
    """
    reader = _Reader()
    lines = text.split('\n')[:-1]
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            reader.take(entry)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise JournalError(
                f'{name}: line {number} is none of a journal '
                f'({type(error).__name__}: {error})'
            ) from error
    if reader.goal is None:
        raise JournalError(f'{name}: is no journal: it does not begin')
    return Record(
        reader.goal,
        reader.waves,
        reader.reached,
        reader.began,
        reader.fates,
        tuple(reader.starts),
    )


class _Reader:
    def __init__(self) -> None:
        self.goal: Goal | None = None
        self.waves: Tasks = ()
        self.reached = False
        self.began: dict[int, int] = {}
        self.fates: dict[int, Fate] = {}
        self.starts: list[tuple[float, Task]] = []

    def take(self, entry: Any) -> None:
        event = entry['event']
        if self.goal is None and event != 'begin':
            raise ValueError('it does not begin')
        if event == 'begin':
            if entry['version'] != VERSION:
                raise ValueError(f'version {entry["version"]} is not known')
            self.goal = dict(entry['goal'])
        elif event == 'plan':
            self.waves = tuple(
                tuple(map(_task, wave)) for wave in entry['waves']
            )
            self.reached = bool(entry['reached'])
            self.fates, self.began = {}, {}
        elif event == 'start':
            task = self._find(entry)
            self.began[task.number] = int(entry['before'])
            self.fates.pop(task.number, None)
            at = datetime.datetime.fromisoformat(entry['at']).timestamp()
            self.starts.append((at, task))
        elif event == 'end':
            task, fate = self._find(entry), Fate(entry['fate'])
            if fate is not Fate.UNKNOWN:
                self.began.pop(task.number, None)
                self.fates[task.number] = fate

    def _find(self, entry: Mapping[str, Any]) -> Task:
        for wave in self.waves:
            for task in wave:
                if task.number == entry['step']:
                    return task
        raise ValueError(f'step {entry["step"]} is in no plan')


def _task(told: Mapping[str, Any]) -> Task:
    known = dict(told)
    known['shape'] = Shape(**known['shape'])
    known['cells'] = tuple(known['cells'])
    return Task(**known)
