"""The orders in which the hosts of a fleet are shown."""

import enum
import itertools
import re
from collections.abc import Iterable

from numa_sched.draw.picture import Picture


class Order(enum.Enum):
    """By what hosts are sorted; equals by their names."""

    NAME = 'name'
    ROOM = 'room'
    CELLS = 'cells'


_PARTS = re.compile('([0-9]+)')


def by_name(drawn: Picture) -> tuple[tuple[int, str], ...]:
    """Give a key that puts node9 before node10."""
    parts = _PARTS.split(drawn.name.casefold())
    # Every second one is a number, and may be longer than any int() takes.
    return tuple(
        (len(part.lstrip('0')), part.lstrip('0')) if is_number else (0, part)
        for part, is_number in zip(parts, itertools.cycle((False, True)))
    )


def room_left(drawn: Picture) -> tuple[int, int, int]:
    """Give what room is measured by, larger is more.

    CPUs free to pin; then shared CPUs that are free, then memory.
    """
    room = drawn.room
    return room.cpus, room.shared, room.memory_mb


def in_order(drawn: Iterable[Picture], order: Order) -> list[Picture]:
    """Give hosts in an order: those with the most left, or by name."""
    ordered = sorted(drawn, key=by_name)
    if order is Order.ROOM:
        ordered.sort(key=room_left, reverse=True)
    elif order is Order.CELLS:
        ordered.sort(
            key=lambda each: (each.room.cells, *room_left(each)), reverse=True
        )
    return ordered
