"""Plans that make room for new servers."""

import dataclasses
import enum
import time
from collections.abc import Iterator

from numa_sched.answers import Request, explain
from numa_sched.exceptions import RequestError
from numa_sched.fleet import Fleet
from numa_sched.plan import all_moves, missing
from numa_sched.plan.deadline import (
    Clock,
    Deadline,
    OutOfTime,
    Progress,
    silent,
)
from numa_sched.plan.evictions import SURE, Evictions
from numa_sched.plan.goal import Goal
from numa_sched.plan.snug import snug
from numa_sched.plan.state import Cloud, State, Way
from numa_sched.plan.values import DEFAULT_TERMS, Step, Terms, Waves, waves
from numa_sched.plan.words import why_nowhere


class Outcome(enum.Enum):
    """How the search for room has ended."""

    THERE = 'there is room already'
    FOUND = 'a plan was found'
    NONE = 'no plan exists'
    NOT_FOUND = 'no plan was found'


@dataclasses.dataclass(frozen=True, slots=True)
class MadeRoom:
    """How room is made for new servers, or why not.

    ``room`` is how many of them have room now, counted no further than
    wanted, ``hosts`` where they have it in the end. ``fewest`` tells that
    fewer migrations do not do. ``why`` is what is missing, a sentence; ''
    if there is a plan, or no need for one.
    """

    request: Request
    count: int
    room: int
    outcome: Outcome
    hosts: tuple[str, ...] = ()
    waves: Waves = ()
    fewest: bool = True
    why: str = ''

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, one wave after the other."""
        return tuple(step for wave in self.waves for step in wave)


def make_room(
    fleet: Fleet,
    request: Request,
    count: int = 1,
    terms: Terms = DEFAULT_TERMS,
    progress: Progress = silent,
    clock: Clock = time.monotonic,
) -> MadeRoom:
    """Give the fewest migrations after which new servers have room.

    Of as many migrations those with the least memory. In small fleets all
    plans are gone through; in others those in which what leaves makes room
    (:mod:`numa_sched.plan.evictions`).

    :param request: for one of the new servers
    :param count: how many there are to be
    :param clock: gives the seconds that a search may take
    :raises RequestError: if the API would refuse it
    """
    if request.problems:
        raise RequestError(
            'the request is refused: ' + '; '.join(request.problems)
        )
    cloud = Cloud(fleet, terms)
    goal = Goal(cloud, cloud.kind_of(request), count)
    room = min(goal.total(cloud.start), count)
    result = MadeRoom(request, count, room, Outcome.THERE)
    if room == count:
        return dataclasses.replace(
            result, hosts=tuple(_hosts(goal, cloud.start))
        )
    why = missing.why_never(goal)
    if why is not None:
        return dataclasses.replace(result, outcome=Outcome.NONE, why=why)
    try:
        if all_moves.is_small(cloud):
            way = all_moves.cheapest(
                goal, Deadline(terms.seconds, progress, clock)
            )
            if way is None:
                return dataclasses.replace(
                    result,
                    # Without a bound it would have gone through all plans.
                    outcome=Outcome.NONE
                    if terms.most is None
                    else Outcome.NOT_FOUND,
                    why=why_nowhere(explain(fleet, request)),
                )
            return _with_plan(goal, result, way, fewest=True)
    except OutOfTime:
        pass
    try:
        found = Evictions(
            goal, Deadline(terms.seconds, progress, clock)
        ).best()
    except OutOfTime:
        found = None
    if found is None:
        return dataclasses.replace(
            result,
            outcome=Outcome.NOT_FOUND,
            why=why_nowhere(explain(fleet, request)),
        )
    return _with_plan(
        goal, result, found, fewest=_is_fewest(goal, len(found.steps))
    )


def _is_fewest(goal: Goal, moves: int) -> bool:
    """Whether fewer moves cannot do, as far as evictions tell."""
    if moves == 1:
        return True
    if not goal.kind.is_plain or goal.missing(goal.cloud.start) > 1:
        return False
    if moves <= SURE:
        return True
    cloud = goal.cloud
    return moves == SURE + 1 and all(
        cloud.kind(number, sitting).is_plain
        for number, sitting in cloud.sittings.items()
        if cloud.can_move(number)
    )


def _with_plan(
    goal: Goal, result: MadeRoom, way: Way, *, fewest: bool
) -> MadeRoom:
    limits = goal.cloud.terms.limits
    way = snug(way, lambda state: goal.missing(state) <= 0)
    return dataclasses.replace(
        result,
        outcome=Outcome.FOUND,
        hosts=tuple(_hosts(goal, way.state)),
        waves=waves(way.steps, limits),
        fewest=fewest,
    )


def _hosts(goal: Goal, state: State) -> Iterator[str]:
    """Give the hosts with room in a state, as often as they have some."""
    left = goal.count
    for number in goal.kind.numbers:
        some = min(goal.on(state, number), left)
        left -= some
        yield from [goal.cloud.fleet.hosts[number].name] * some
