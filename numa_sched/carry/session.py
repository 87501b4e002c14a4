"""A plan carried out, and another one made where things have changed."""

import dataclasses
from collections.abc import Callable, Sequence

from numa_sched.carry import journal
from numa_sched.carry.values import Ended, Fate, Planned, Task, Tasks
from numa_sched.carry.wave import Means, Waves
from numa_sched.exceptions import NumaSchedError, OutputError

Avoid = frozenset[tuple[str, str]]
"""Servers, by their UUIDs, and destinations that have turned them down."""

Replan = Callable[[Avoid], Planned | None]
"""Makes a plan of how things are now; None if that cannot be."""

MOST_PLANS = 3


def no_other(avoid: Avoid) -> Planned | None:
    """Give no other plan."""
    return None


@dataclasses.dataclass(slots=True)
class Report:
    """What has come of a plan, and of those that took its place.

    ``left`` are steps of the last plan that have not been begun, ``unknown``
    those that nobody has followed to their ends. ``why`` is why it ended
    before all was done, '' if it did not. The last plan leads to all that is
    wanted if it has ``reached`` that.
    """

    done: list[Task] = dataclasses.field(default_factory=list)
    troubles: list[tuple[Task, Ended]] = dataclasses.field(
        default_factory=list
    )
    left: list[Task] = dataclasses.field(default_factory=list)
    unknown: list[Task] = dataclasses.field(default_factory=list)
    plans: int = 0
    reached: bool = True
    why: str = ''

    @property
    def is_done(self) -> bool:
        """Whether the last plan has been carried out, all of it."""
        return not (self.why or self.left or self.unknown)

    def add(self, running: Waves, waves: Tasks) -> None:
        """Add what has come of waves; what is left of those before is not."""
        result = running.result
        self.done += result.done
        self.troubles += result.troubles
        self.unknown = running.under_way + [
            task for task, each in result.ended if each.fate is Fate.UNKNOWN
        ]
        known = {task.number for task, _ in result.ended}
        known.update(task.number for task in self.unknown)
        self.left = [
            task for wave in waves for task in wave if task.number not in known
        ]

    @property
    def avoid(self) -> Avoid:
        """What another plan had better leave alone."""
        return frozenset(
            (task.uuid, task.destination)
            for task, ended in self.troubles
            if ended.fate is Fate.FAILED
        )


class Session:
    """Carries a plan out; ``report`` tells at any time what has come of it.

    :param replan: for when things are not as planned
    :param most_plans: how many other plans may take the place of the first
    """

    def __init__(
        self,
        means: Means,
        replan: Replan = no_other,
        most_plans: int = MOST_PLANS,
    ):
        """Take the means."""
        self._means, self._replan = means, replan
        self._most_plans = most_plans
        self.report = Report()
        self._waves: tuple[Waves, Tasks] | None = None

    def begin(self, goal: journal.Goal, planned: Planned) -> Report:
        """Carry a plan out.

        :param goal: what it is for, for the journal
        :raises OutputError: if the journal cannot be begun; nothing is done
            then
        """
        journal.begin(self._means.journal, goal)
        journal.plan(self._means.journal, planned)
        return self._go_on(planned)

    def resume(self, record: journal.Record) -> Report:
        """Go on where a journal ends.

        What was under way then is followed to its end first.
        """
        planned = Planned(record.left, record.reached)
        return self._go_on(planned, record.begun)

    def settle(self, record: journal.Record) -> Report:
        """Follow what is under way by a journal, and begin nothing."""
        return self._go_on(Planned(()), record.begun)

    def interrupt(self, why: str = 'it was interrupted') -> Report:
        """Give what there is to report when nobody goes on any more."""
        if self._waves:
            self.report.add(*self._waves)
        self.report.why = why
        return self.report

    def _go_on(
        self, planned: Planned, begun: Sequence[tuple[Task, int]] = ()
    ) -> Report:
        try:
            while True:
                self.report.reached = planned.reached
                well, why = self._carry(planned.waves, begun)
                if well or why:
                    break
                other = self._other()
                if isinstance(other, str):
                    why = other
                    break
                planned, begun = other, ()
            self.report.why = why
            self._means.journal.write('over', why=why)
        except OutputError as error:
            return self.interrupt(str(error))
        return self.report

    def _carry(
        self, waves: Tasks, begun: Sequence[tuple[Task, int]]
    ) -> tuple[bool, str]:
        """Give whether all went well, and why nobody is to go on if so."""
        means, running = self._means, Waves(self._means)
        self._waves = running, waves
        if begun:
            running.follow(begun)
        # Nothing of it, unless all of that has ended well.
        running.carry(waves)
        result = running.result
        self.report.add(running, waves)
        self._waves = None
        fates = {ended.fate for _, ended in result.troubles}
        if Fate.FORBIDDEN in fates:
            return False, 'the cloud does not allow it'
        if Fate.UNKNOWN in fates:
            return False, 'the cloud does not answer'
        if result.is_well:
            return True, ''
        return False, result.stopped or means.stop() or ''

    def _other(self) -> Planned | str:
        """Give another plan, or why there is none."""
        report = self.report
        if report.plans == self._most_plans:
            return 'things were not as planned, and no more plans are made'
        try:
            planned = self._replan(report.avoid)
        except OutputError:
            raise
        except NumaSchedError as error:
            return f'no other plan could be made: {error}'
        if planned is None:
            return 'things are not as planned any more'
        report.plans += 1
        journal.plan(self._means.journal, planned)
        return planned
