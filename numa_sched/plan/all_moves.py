"""The cheapest plan among all: for fleets that are small enough."""

import heapq
import itertools
from collections.abc import Iterator
from typing import Protocol

from numa_sched.plan.deadline import Deadline
from numa_sched.plan.moving import NOTHING, Cost
from numa_sched.plan.state import Cloud, Place, State, Way

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


class End(Protocol):
    """Where a plan is to lead."""

    cloud: Cloud

    def missing(self, state: State) -> int:
        """Give how much is missing in a state; 0 or less at the end."""


def cheapest(goal: End, deadline: Deadline) -> Way | None:
    """Give the cheapest plan, None if there is none at all.

    If there may only be so many moves, it is None where these do not do.

    Best first, by the price of the moves so far and of one more, which is the
    least that a state without room still takes. Servers may move more than
    once.

    :raises OutOfTime: if that takes too long
    """
    cloud, order = goal.cloud, itertools.count()
    best: dict[object, Cost] = {}
    queue: list[tuple[Cost, int, Way]] = []

    def add(way: Way) -> None:
        state, cost = way.state, way.cost
        key = frozenset(state.moved_servers.items()), state.closed
        if key in best and best[key] <= cost:
            return
        best[key] = cost
        if goal.missing(state) > 0:
            cost = cost.plus(Cost(1, 0, 0, 0))
        heapq.heappush(queue, (cost, next(order), way))

    add(Way(cloud.start, (), NOTHING))
    while queue:
        deadline.check()
        _, _, way = heapq.heappop(queue)
        if goal.missing(way.state) <= 0:
            return way
        if not cloud.terms.allows(len(way.steps) + 1):
            continue
        for number, place in moves(cloud, way.state):
            add(
                Way(
                    way.state.moved(number, place),
                    (*way.steps, way.state.step(number, place)),
                    way.cost.plus(cloud.cost(number)),
                )
            )
    return None
