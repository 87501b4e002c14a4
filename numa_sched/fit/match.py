"""Which host cells can carry which guest cells, all at once.

Pairs are independent of each other, so this is bipartite matching. What is
asked of the *set* of host cells (PCI devices and networks that are near) is
not: sets are tried by their profile, that is, by how many cells of each
class they have, where cells that no constraint tells apart are one class.
"""

import collections
from collections.abc import Hashable, Iterator, Mapping, Sequence


def match(
    accepted: Sequence[Sequence[int]],
    classes: Mapping[int, Hashable] | None = None,
    quota: Mapping[Hashable, int] | None = None,
) -> dict[int, int]:
    """Give the largest assignment of guest cells to different host cells.

    :param accepted: for each guest cell, the ids of the host cells it fits
    :param classes: the class of each host cell
    :param quota: how many host cells of each class may be used; a class
        without one may not be used at all
    :returns: guest cell index to host cell id; as long as ``accepted`` if
        every guest cell found a place
    """
    place: dict[int, int] = {}
    for guest in range(len(accepted)):
        path = _augmenting_path(guest, accepted, place, classes, quota)
        if path is None:
            continue
        place.update(path)
    return place


def _augmenting_path(guest, accepted, place, classes, quota):
    """Give the moves that make room for one more guest cell, or None.

    Breadth first over guest cells: a guest cell may go to a free host cell
    whose class has room; or push another guest cell off a host cell; or, if
    the class is full, take a free host cell of it while a guest cell on
    another host cell of that class moves on.
    """
    carries = {host: other for other, host in place.items()}
    used: collections.Counter[Hashable] = collections.Counter()
    if classes is not None:
        used.update(classes[host] for host in carries)
    came_from: dict[int, tuple[int, int] | None] = {guest: None}
    queue = collections.deque([guest])
    seen_hosts: set[int] = set()
    while queue:
        current = queue.popleft()
        for host in accepted[current]:
            if host in seen_hosts:
                continue
            if classes is not None and not quota.get(classes[host]):
                continue
            seen_hosts.add(host)
            if host in carries:
                evicted = [carries[host]]
            elif classes is None or (
                used[classes[host]] < quota[classes[host]]
            ):
                return _moves(current, host, came_from)
            else:
                evicted = [
                    other
                    for taken, other in sorted(carries.items())
                    if classes[taken] == classes[host]
                ]
            for other in evicted:
                if other not in came_from:
                    came_from[other] = (current, host)
                    queue.append(other)
    return None


def _moves(current, host, came_from):
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


def profiles(
    classes: Mapping[int, Hashable], size: int
) -> Iterator[dict[Hashable, int]]:
    """Give every way to take ``size`` host cells, told apart by class only.

    The number of these is polynomial in the number of host cells for a given
    number of classes.
    """
    room = sorted(
        collections.Counter(classes.values()).items(),
        key=lambda item: repr(item[0]),
    )

    def spread(start: int, left: int) -> Iterator[dict[Hashable, int]]:
        if not left:
            yield {}
        elif start < len(room):
            name, available = room[start]
            for count in range(min(available, left), -1, -1):
                for rest in spread(start + 1, left - count):
                    yield {name: count, **rest} if count else rest

    return spread(0, size)
