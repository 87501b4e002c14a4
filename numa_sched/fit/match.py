"""Which host cells can carry which guest cells, all at once.

Pairs are independent of each other, so this is bipartite matching. What is
asked of the *set* of host cells (PCI devices and networks that are near) is
not: :mod:`numa_sched.fit.choice` looks for such a set.
"""

import collections
from collections.abc import Mapping, Sequence


def match(accepted: Sequence[Sequence[int]]) -> dict[int, int]:
    """Give the largest assignment of guest cells to different host cells.

    :param accepted: for each guest cell, the host cells that it fits
    :returns: guest cell index to host cell; as long as ``accepted`` if every
        guest cell found a place
    """
    place: dict[int, int] = {}
    carries: dict[int, int] = {}
    for guest in range(len(accepted)):
        moves = _augmenting_path(guest, accepted, carries)
        place.update(moves)
        carries.update((host, other) for other, host in moves.items())
    return place


def _augmenting_path(
    guest: int, accepted: Sequence[Sequence[int]], carries: Mapping[int, int]
) -> dict[int, int]:
    """Give the moves that make room for one more guest cell, or none.

    Breadth first over guest cells: a guest cell may go to a free host cell,
    or push another guest cell off a host cell.
    """
    came_from: dict[int, tuple[int, int] | None] = {guest: None}
    queue = collections.deque([guest])
    seen_hosts: set[int] = set()
    while queue:
        current = queue.popleft()
        for host in accepted[current]:
            if host in seen_hosts:
                continue
            seen_hosts.add(host)
            if host not in carries:
                return _moves(current, host, came_from)
            other = carries[host]
            if other not in came_from:
                came_from[other] = current, host
                queue.append(other)
    return {}


def _moves(
    current: int, host: int, came_from: Mapping[int, tuple[int, int] | None]
) -> dict[int, int]:
    moves = {current: host}
    while (step := came_from[current]) is not None:
        current, host = step
        moves[current] = host
    return moves


def bottleneck(accepted: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Give guest cells that together fit fewer host cells than they are.

    By Hall's theorem there are such cells exactly if no matching exists.

    :returns: indexes of the guest cells, the smallest such group found, or
        empty if all guest cells find a place
    """
    place = match(accepted)
    groups = []
    for guest in range(len(accepted)):
        if guest in place:
            continue
        carries = {host: other for other, host in place.items()}
        group = {guest}
        queue = [guest]
        while queue:
            for host in accepted[queue.pop()]:
                other = carries[host]
                if other not in group:
                    group.add(other)
                    queue.append(other)
        groups.append(tuple(sorted(group)))
    return min(groups, key=lambda group: (len(group), group), default=())
