"""How many guests of a kind have room: what is left, counted in guests.

It is counted for many hosts at once, in arrays as those of
:mod:`numa_sched.fit.left`.
"""

from collections.abc import Sequence

import numpy

from numa_sched.fit.cell import page_order
from numa_sched.fit.left import Left
from numa_sched.topology import (
    CPUPolicy,
    Guest,
    GuestCell,
    Host,
    HostLayout,
    PageSize,
    ThreadPolicy,
)

UNLIMITED = float(1 << 30)
"""How many guest cells that ask for nothing have room."""


class Capacity:
    """The room on hosts for guests of any kind."""

    def __init__(self, left: Left):
        """Take what the hosts have left."""
        self._left = left
        self._rooms: dict[GuestCell, numpy.ndarray] = {}

    def guests(self, guest: Guest) -> numpy.ndarray:
        """Give for each host how many guests of a kind have room, one by one.

        Guests whose cells differ are counted as if all cells were like the
        one that has room the least often. How exactly PCI devices count tells
        :meth:`~numa_sched.fit.device_room.FreeDevices.guests`. Networks and
        CPUs beside the guest's own do not count.
        """
        return numpy.minimum.reduce(
            [
                self._guests_alike(self.rooms(cell), guest)
                for cell in dict.fromkeys(guest.cells)
            ]
        )

    def _guests_alike(self, rooms, guest):
        """Give how many guests have room, from the rooms for each cell."""
        cells = len(guest.cells)
        if not guest.devices:
            return _guests_in(rooms, cells)
        if cells == 1:
            rooms = self._left.devices.limit(rooms, guest)
        return numpy.minimum(
            _guests_in(rooms, cells), self._left.devices.guests(rooms, guest)
        )

    def rooms(self, cell: GuestCell) -> numpy.ndarray:
        """Give for each host cell how many guest cells of a kind have room.

        Guests that ask for whole cores, or for all threads of theirs, are
        counted in cores of which no thread is pinned.
        """
        # Guests of a mix often have the same cells, only more of them.
        if cell not in self._rooms:
            self._rooms[cell] = self._count_rooms(cell)
        return self._rooms[cell]

    def _count_rooms(self, cell):
        limits = []
        if cell.dedicated:
            limits.append(self._dedicated_rooms(cell))
        if cell.shared:
            limits.append(self._shared_rooms(cell))
        if cell.memory_mb:
            limits.extend(self._memory_rooms(cell))
        if not limits:
            return numpy.full(
                (len(self._left.hosts), len(self._left.layout.cells)),
                UNLIMITED,
            )
        return numpy.maximum(numpy.minimum.reduce(limits), 0)

    def _dedicated_rooms(self, cell):
        if cell.thread_policy is ThreadPolicy.ISOLATE:
            # Nova never finds room elsewhere (bug 1889633).
            possible = [
                layout.threads_per_core == 1
                or layout.dedicated == layout.shared
                for layout in self._left.layout.cells
            ]
            return numpy.where(
                possible, _times(cell.dedicated, self._left.cores), 0
            )
        if cell.thread_policy is not ThreadPolicy.REQUIRE:
            return _times(cell.dedicated, self._left.dedicated)
        threads = numpy.array(
            [layout.threads_per_core for layout in self._left.layout.cells]
        )
        # Without siblings it never has room.
        return numpy.where(
            threads > 1,
            _times(-(-cell.dedicated // threads), self._left.cores),
            0,
        )

    def _shared_rooms(self, cell):
        # No guest overcommits against itself.
        possible = [
            cell.shared <= layout.shared.bit_count()
            for layout in self._left.layout.cells
        ]
        return numpy.where(possible, _times(cell.shared, self._left.shared), 0)

    def _memory_rooms(self, cell):
        """Give the limits that memory sets, one or two."""
        limits = []
        if cell.cpu_policy is not CPUPolicy.DEDICATED:
            limits.append(_times(cell.memory_mb, self._left.overcommit_mb))
        if cell.page_size:
            columns = _page_columns(
                self._left.layout, cell.page_size, cell.memory_mb
            )
            free = numpy.maximum(self._left.pages_kb[:, columns], 0)
            limits.append(_times(cell.memory_mb * 1024, free).sum(axis=2))
        elif cell.pinned:
            limits.append(
                self._in_small_pages(
                    self._left.pages_kb, self._left.memory_mb, cell
                )
            )
        else:
            # No guest overcommits against itself.
            whole = self._in_small_pages(
                self._left.pages_total_kb, self._left.memory_total_mb, cell
            )
            limits.append(numpy.where(whole > 0, UNLIMITED, 0))
        return limits

    def _in_small_pages(self, pages_kb, memory_mb, cell):
        """Give how often a guest cell goes into pages of the smallest size.

        Into memory, on the cells that tell nothing about pages.
        """
        columns = _page_columns(
            self._left.layout, PageSize.SMALL, cell.memory_mb
        )
        return numpy.where(
            [bool(layout.page_sizes_kb) for layout in self._left.layout.cells],
            _times(cell.memory_mb * 1024, pages_kb[:, columns[:, 0]]),
            _times(cell.memory_mb, memory_mb),
        )


def rooms_on(hosts: Sequence[Host], guest: Guest) -> list[float]:
    """Give what :meth:`Capacity.guests` gives, for hosts of any kinds."""
    kinds: dict[int, list[int]] = {}
    for number, host in enumerate(hosts):
        kinds.setdefault(id(host.layout), []).append(number)
    rooms = [0.0] * len(hosts)
    for numbers in kinds.values():
        left = Left([hosts[number] for number in numbers])
        found = Capacity(left).guests(guest).tolist()
        for number, room in zip(numbers, found, strict=True):
            rooms[number] = room
    return rooms


def _times(need, room: numpy.ndarray) -> numpy.ndarray:
    """Give how often a whole number goes into others.

    The same as ``room // need``, which is far slower for floats.
    """
    return numpy.floor(room / need)


def _page_columns(layout: HostLayout, wanted: int, memory_mb: int):
    """Give for each cell the columns of the pages that a guest cell may get.

    A cell that has fewer than others points to the column that is 0.
    """
    usable = [
        [
            start + index
            for index, size in page_order(cell.page_sizes_kb, wanted)
            if memory_mb * 1024 % size == 0
        ]
        for cell, start in zip(
            layout.cells, layout.page_starts[:-1], strict=True
        )
    ]
    most = max(1, *map(len, usable))
    return numpy.array([each + [-1] * (most - len(each)) for each in usable])


def _guests_in(rooms: numpy.ndarray, cells: int) -> numpy.ndarray:
    """Give how many guests of so many alike cells have room together.

    No two cells of one guest may be on the same host cell.
    """
    total = rooms.sum(axis=1)
    if cells == 1:
        return total
    if rooms.shape[1] < cells:
        return numpy.zeros(len(rooms))
    if cells == 2:
        return numpy.minimum(total // 2, total - rooms.max(axis=1))
    low, high = numpy.zeros(len(rooms)), total // cells
    while (low < high).any():
        guests = (low + high + 1) // 2
        enough = (
            numpy.minimum(rooms, guests[:, None]).sum(axis=1) >= guests * cells
        )
        low = numpy.where(enough, guests, low)
        high = numpy.where(enough, high, guests - 1)
    return low
