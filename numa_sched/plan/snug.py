"""Plans whose moves take room that is of little use to others."""

from collections.abc import Callable, Sequence

from numa_sched.plan.state import Place, State, Way

MOST_TRIED = 20
"""How many places are tried for each move."""

Moves = Sequence[tuple[int, int]]
"""Servers by their numbers, each with that of the host that it goes to."""


def snug(way: Way, is_good: Callable[[State], bool]) -> Way:
    """Give a plan of the same moves to other places, at the same price.

    One after the other goes to the host on whose cells it leaves the fewest
    CPUs free, as far as the rest of the plan can still be done, and leads to a
    state that is good. Where one service has several nodes, which a step does
    not tell apart, the plan stays as it is.

    :param is_good: whether a state will do; that of the plan will
    """
    state = way.state.cloud.start
    numbers = {
        server.uuid: number
        for number, server in enumerate(state.cloud.fleet.servers)
    }
    names = {
        host.name: number
        for number, host in enumerate(state.cloud.fleet.hosts)
    }
    if len(names) < len(state.cloud.fleet.hosts):
        return way
    moves = [
        (numbers[step.server.uuid], names[step.destination])
        for step in way.steps
    ]
    steps = []
    for at, (number, host) in enumerate(moves):
        place = _snuggest(state, number, host, moves[at + 1 :], is_good)
        steps.append(state.step(number, place))
        state = state.moved(number, place)
    return Way(state, tuple(steps), way.cost)


def _snuggest(
    state: State,
    number: int,
    host: int,
    rest: Moves,
    is_good: Callable[[State], bool],
) -> Place:
    """Give the best place that will do; the one on the host will."""
    planned = state.place(number, host)
    assert planned is not None
    found = sorted(state.places(number), key=_left_over)
    for place in found[:MOST_TRIED]:
        if place.host == host:
            break
        after = _carried_out(state.moved(number, place), rest)
        if after is not None and is_good(after):
            return place
    return planned


def _carried_out(state: State, moves: Moves) -> State | None:
    """Give the state after moves, None if one of them cannot be done."""
    for number, host in moves:
        place = state.place(number, host)
        if place is None:
            return None
        state = state.moved(number, place)
    return state


def _left_over(place: Place) -> tuple[int, int]:
    """Give the free CPUs that are left on the cells, and on the host.

    Without cells there is nothing to tell places by.
    """
    claim = place.claim
    if claim is None:
        return 0, 0
    return (
        sum(cell.free.bit_count() for cell in claim.cells_after()),
        sum(cell.free.bit_count() for cell in claim.host.cells),
    )
