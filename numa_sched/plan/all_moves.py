"""The cheapest plan among all: for fleets that are small enough."""

import heapq
import itertools
from collections.abc import Iterator

from numa_sched.plan.deadline import Deadline
from numa_sched.plan.goal import Goal
from numa_sched.plan.moving import NOTHING, Cost
from numa_sched.plan.state import Cloud, Place, State
from numa_sched.plan.values import Step

MOST_MOVES = 64
"""How many moves there may be to begin with."""


def moves(cloud: Cloud, state: State) -> Iterator[tuple[int, Place]]:
    """Give each server that may be moved, with each place for it."""
    for number in cloud.sittings:
        if cloud.can_move(number):
            for place in state.places(number):
                yield number, place


def is_small(cloud: Cloud) -> bool:
    """Whether there are so few moves that all plans can be thought of."""
    some = itertools.islice(moves(cloud, cloud.start), MOST_MOVES + 1)
    return len(list(some)) <= MOST_MOVES


def cheapest(goal: Goal, deadline: Deadline) -> tuple[Step, ...] | None:
    """Give the steps of the cheapest plan, None if there is none at all.

    Best first, by the price of the moves so far and of one more, which is the
    least that a state without room still takes. Servers may move more than
    once.

    :raises OutOfTime: if that takes too long
    """
    cloud, order = goal.cloud, itertools.count()
    best: dict[object, Cost] = {}
    queue: list[tuple[Cost, int, Cost, State, tuple[Step, ...]]] = []

    def add(cost: Cost, state: State, steps: tuple[Step, ...]) -> None:
        key = frozenset(state.moved_servers.items()), state.closed
        if key in best and best[key] <= cost:
            return
        best[key] = cost
        least = cost
        if goal.missing(state) > 0:
            least = cost.plus(Cost(1, 0, 0, 0))
        heapq.heappush(queue, (least, next(order), cost, state, steps))

    add(NOTHING, cloud.start, ())
    while queue:
        deadline.check()
        _, _, cost, state, steps = heapq.heappop(queue)
        if goal.missing(state) <= 0:
            return steps
        for number, place in moves(cloud, state):
            add(
                cost.plus(cloud.cost(number)),
                state.moved(number, place),
                (*steps, state.step(number, place)),
            )
    return None
