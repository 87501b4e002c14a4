"""Plans that keep room for servers to come."""

import dataclasses
import time
from collections.abc import Sequence

from numa_sched.answers import Request
from numa_sched.fleet import Fleet
from numa_sched.plan import all_moves, missing
from numa_sched.plan.deadline import (
    Clock,
    Deadline,
    OutOfTime,
    Progress,
    silent,
)
from numa_sched.plan.evictions import Evictions
from numa_sched.plan.goal import Goal
from numa_sched.plan.moving import NOTHING
from numa_sched.plan.room import Outcome
from numa_sched.plan.snug import snug
from numa_sched.plan.state import Cloud, State, Way
from numa_sched.plan.values import DEFAULT_TERMS, Step, Terms, Waves, waves


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """How many new servers are to have room, and how many have.

    ``now`` and ``after`` the plan, counted no further than wanted and each
    flavor for itself, as if only such servers came. ``why`` is what no plan
    can get over, '' if that is not known.
    """

    request: Request
    wanted: int
    now: int
    after: int
    why: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class KeptRoom:
    """What is done so that there is room for all targets, or for some."""

    targets: tuple[Target, ...]
    outcome: Outcome
    waves: Waves = ()
    fewest: bool = False

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, one wave after the other."""
        return tuple(step for wave in self.waves for step in wave)


class Targets:
    """Several goals at once."""

    def __init__(self, cloud: Cloud, goals: Sequence[Goal]):
        """Take goals about one cloud."""
        self.cloud, self.goals = cloud, goals

    def missing(self, state: State) -> int:
        """Give how many servers have no room, all targets together."""
        return sum(max(each.missing(state), 0) for each in self.goals)


def keep_room(
    fleet: Fleet,
    wanted: Sequence[tuple[Request, int]],
    terms: Terms = DEFAULT_TERMS,
    progress: Progress = silent,
    clock: Clock = time.monotonic,
) -> KeptRoom:
    """Give the plan after which each of some flavors has room as wanted.

    In small fleets it is the cheapest of all plans. In others room is made
    for one flavor after the other, by moves after which less is missing of
    all together. A target that no plan can reach is left out.

    :param wanted: requests, each with how many such servers are to have room
    :param clock: gives the seconds that a search may take
    """
    cloud = Cloud(fleet, terms)
    goals = [
        Goal(cloud, cloud.kind_of(request), count) for request, count in wanted
    ]
    targets = Targets(cloud, goals)
    if targets.missing(cloud.start) == 0:
        return _kept(targets, Way(cloud.start, (), NOTHING), Outcome.THERE)
    nevers = [
        missing.why_never(each) if each.missing(cloud.start) > 0 else None
        for each in goals
    ]
    deadline = Deadline(terms.seconds, progress, clock)
    if not any(nevers) and all_moves.is_small(cloud):
        try:
            way = all_moves.cheapest(targets, deadline)
            if way is not None:
                return _kept(targets, way, Outcome.FOUND, fewest=True)
            if terms.most is None:
                start = Way(cloud.start, (), NOTHING)
                return _kept(targets, start, Outcome.NONE)
        except OutOfTime:
            deadline = Deadline(terms.seconds, progress, clock)
    reachable = [
        goal for goal, never in zip(goals, nevers, strict=True) if not never
    ]
    way = _one_by_one(Targets(cloud, reachable), deadline)
    if any(nevers):
        outcome = Outcome.NONE
    elif targets.missing(way.state) == 0:
        outcome = Outcome.FOUND
    else:
        outcome = Outcome.NOT_FOUND
    return _kept(targets, way, outcome, nevers)


def _one_by_one(targets: Targets, deadline: Deadline) -> Way:
    """Give a way on which the largest servers get their room first."""
    way = Way(targets.cloud.start, (), NOTHING)
    for goal in sorted(targets.goals, key=_size):
        if goal.missing(way.state) <= 0:
            continue
        try:
            found = Evictions(goal, deadline, targets).best(way)
        except OutOfTime:
            break
        way = found or way
    return way


def _size(goal: Goal) -> tuple[int, int]:
    flavor = goal.kind.request.flavor
    return -flavor.vcpus, -flavor.memory_mb


def _kept(
    targets: Targets,
    way: Way,
    outcome: Outcome,
    nevers: Sequence[str | None] = (),
    *,
    fewest: bool = False,
) -> KeptRoom:
    start, missing_then = targets.cloud.start, targets.missing(way.state)
    way = snug(way, lambda state: targets.missing(state) <= missing_then)
    whys = nevers or [None] * len(targets.goals)
    return KeptRoom(
        tuple(
            Target(
                each.kind.request,
                each.count,
                min(each.total(start), each.count),
                min(each.total(way.state), each.count),
                why or '',
            )
            for each, why in zip(targets.goals, whys, strict=True)
        ),
        outcome,
        waves(way.steps, targets.cloud.terms.limits),
        fewest,
    )
