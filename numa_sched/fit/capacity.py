"""How many guests of a kind have room: what is left, counted in guests.

It is counted for many hosts at once, in arrays as those of
:mod:`numa_sched.fit.left`.
"""

from collections.abc import Sequence

import numpy

from numa_sched.fit.cell import page_order
from numa_sched.fit.left import Left
from numa_sched.fit.table import Floats, Ints
from numa_sched.topology import (
    CPUPolicy,
    Guest,
    GuestCell,
    Host,
    HostForm,
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
        self._rooms: dict[GuestCell, Floats] = {}

    def guests(self, guest: Guest) -> Floats:
        """Give for each host how many guests of a kind have room, one by one.

        Guests whose cells differ are counted as if all cells were like the
        one that has room the least often. How exactly PCI devices count tells
        :meth:`~numa_sched.fit.device_room.FreeDevices.guests`. Networks and
        CPUs beside the guest's own do not count.
        """
        least: Floats = numpy.minimum.reduce(
            [
                self._guests_alike(self.rooms(cell), guest)
                for cell in dict.fromkeys(guest.cells)
            ]
        )
        return least

    def _guests_alike(self, rooms: Floats, guest: Guest) -> Floats:
        """Give how many guests have room, from the rooms for each cell."""
        cells = len(guest.cells)
        if not guest.devices:
            return _guests_in(rooms, cells)
        if cells == 1:
            rooms = self._left.devices.limit(rooms, guest)
        return numpy.minimum(
            _guests_in(rooms, cells), self._left.devices.guests(rooms, guest)
        )

    def rooms(self, cell: GuestCell) -> Floats:
        """Give for each host cell how many guest cells of a kind have room.

        Guests that ask for whole cores, or for all threads of theirs, are
        counted in cores of which no thread is pinned.
        """
        # Guests of a mix often have the same cells, only more of them.
        if cell not in self._rooms:
            self._rooms[cell] = self._count_rooms(cell)
        return self._rooms[cell]

    def _count_rooms(self, cell: GuestCell) -> Floats:
        limits = []
        if cell.dedicated:
            limits.append(self._dedicated_rooms(cell))
        if cell.shared:
            limits.append(self._shared_rooms(cell))
        if cell.memory_mb:
            limits.extend(self._memory_rooms(cell))
        if not limits:
            return numpy.full(
                (len(self._left.hosts), len(self._left.form.ids)),
                UNLIMITED,
            )
        least: Floats = numpy.minimum.reduce(limits)
        return numpy.maximum(least, 0)

    def _dedicated_rooms(self, cell: GuestCell) -> Floats:
        form = self._left.form
        if cell.thread_policy is ThreadPolicy.ISOLATE:
            # Nova never finds room elsewhere (bug 1889633).
            possible = [
                threads == 1 or both
                for threads, both in zip(
                    form.threads_per_core, form.both, strict=True
                )
            ]
            return numpy.where(
                possible, _times(cell.dedicated, self._left.cores), 0
            )
        if cell.thread_policy is not ThreadPolicy.REQUIRE:
            return _times(cell.dedicated, self._left.dedicated)
        threads = numpy.array(form.threads_per_core)
        # Without siblings it never has room.
        return numpy.where(
            threads > 1,
            _times(-(-cell.dedicated // threads), self._left.cores),
            0,
        )

    def _shared_rooms(self, cell: GuestCell) -> Floats:
        # No guest overcommits against itself.
        possible = [cell.shared <= cpus for cpus in self._left.form.shared]
        return numpy.where(possible, _times(cell.shared, self._left.shared), 0)

    def _memory_rooms(self, cell: GuestCell) -> list[Floats]:
        """Give the limits that memory sets, one or two."""
        limits = []
        if cell.cpu_policy is not CPUPolicy.DEDICATED:
            limits.append(_times(cell.memory_mb, self._left.overcommit_mb))
        if cell.page_size:
            columns = _page_columns(
                self._left.form, cell.page_size, cell.memory_mb
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

    def _in_small_pages(
        self, pages_kb: Floats, memory_mb: Floats, cell: GuestCell
    ) -> Floats:
        """Give how often a guest cell goes into pages of the smallest size.

        Into memory, on the cells that tell nothing about pages.
        """
        columns = _page_columns(
            self._left.form, PageSize.SMALL, cell.memory_mb
        )
        return numpy.where(
            [bool(sizes) for sizes in self._left.form.page_sizes_kb],
            _times(cell.memory_mb * 1024, pages_kb[:, columns[:, 0]]),
            _times(cell.memory_mb, memory_mb),
        )


def rooms_on(hosts: Sequence[Host], guest: Guest) -> list[float]:
    """Give what :meth:`Capacity.guests` gives, for hosts of any kinds."""
    kinds: dict[int, list[int]] = {}
    for number, host in enumerate(hosts):
        kinds.setdefault(id(host.layout.form), []).append(number)
    rooms = [0.0] * len(hosts)
    for numbers in kinds.values():
        left = Left([hosts[number] for number in numbers])
        found = Capacity(left).guests(guest).tolist()
        for number, room in zip(numbers, found, strict=True):
            rooms[number] = room
    return rooms


def _times(need: int | Ints, room: Floats) -> Floats:
    """Give how often a whole number goes into others.

    The same as ``room // need``, which is far slower for floats.
    """
    return numpy.floor(room / need)


def _page_columns(form: HostForm, wanted: int, memory_mb: int) -> Ints:
    """Give for each cell the columns of the pages that a guest cell may get.

    A cell that has fewer than others points to the column that is 0.
    """
    usable = [
        [
            start + index
            for index, size in page_order(sizes, wanted)
            if memory_mb * 1024 % size == 0
        ]
        for sizes, start in zip(
            form.page_sizes_kb, form.page_starts[:-1], strict=True
        )
    ]
    most = max(1, *map(len, usable))
    return numpy.array([each + [-1] * (most - len(each)) for each in usable])


def _guests_in(rooms: Floats, cells: int) -> Floats:
    """Give how many guests of so many alike cells have room together.

    No two cells of one guest may be on the same host cell.
    """
    total: Floats = rooms.sum(axis=1)
    if cells == 1:
        return total
    if rooms.shape[1] < cells:
        return numpy.zeros(len(rooms))
    if cells == 2:
        most: Floats = rooms.max(axis=1)
        return numpy.minimum(total // 2, total - most)
    low, high = numpy.zeros(len(rooms)), total // cells
    while (low < high).any():
        guests = (low + high + 1) // 2
        enough = (
            numpy.minimum(rooms, guests[:, None]).sum(axis=1) >= guests * cells
        )
        low = numpy.where(enough, guests, low)
        high = numpy.where(enough, high, guests - 1)
    return low
