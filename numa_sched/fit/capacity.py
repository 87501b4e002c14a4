"""How many guests of a kind have room: what is left, counted in guests.

It is counted for many hosts at once, in arrays of floats: a row for each
host, and a column for each of its cells.
"""

import functools
from collections.abc import Sequence

import numpy

from numa_sched.fit.cell import page_order
from numa_sched.fit.claim import Claim
from numa_sched.fit.device_room import FreeDevices
from numa_sched.fit.devices import pools_after
from numa_sched.fit.table import Table
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


class Left:
    """What guests can still get of hosts that have the same layout.

    It is worked out when it is first asked for. Any of it may be below 0.
    """

    def __init__(self, hosts: Sequence[Host]):
        """Take at least one host; the layout of all is the same object."""
        self.hosts, self.layout = hosts, hosts[0].layout
        self._rooms: dict[GuestCell, numpy.ndarray] = {}

    @functools.cached_property
    def _table(self):
        return Table(self.hosts, float)

    @functools.cached_property
    def dedicated(self):
        """Dedicated CPUs that nobody has."""
        counts = [cell.dedicated_count for cell in self.layout.cells]
        return numpy.array(counts, float) - self._table['pinned']

    @functools.cached_property
    def cores(self):
        """Cores without a pinned thread."""
        return self._whole_cores([host.pinned for host in self.hosts])

    @functools.cached_property
    def shared(self):
        """Shared CPUs, times the allocation ratio."""
        cpus = [cell.shared.bit_count() for cell in self.layout.cells]
        ratios = [host.cpu_allocation_ratio for host in self.hosts]
        limits = numpy.floor(numpy.outer(ratios, cpus))
        return limits - self._table['shared_used']

    @functools.cached_property
    def memory_mb(self):
        """Memory without overcommit."""
        return self._table['memory_mb'] - self._table['memory_used_mb']

    @functools.cached_property
    def overcommit_mb(self):
        """Memory times the allocation ratio."""
        ratios = numpy.array(
            [host.ram_allocation_ratio for host in self.hosts]
        )
        limits = numpy.floor(self._table['memory_mb'] * ratios[:, None])
        return limits - self._table['memory_used_mb']

    @functools.cached_property
    def pages_kb(self):
        """Pages of each size of each cell, then a 0."""
        return self._in_kb(
            self._table['pages_total']
            - self._table['pages_reserved']
            - self._table['pages_used']
        )

    @functools.cached_property
    def _pages_total_kb(self):
        return self._in_kb(self._table['pages_total'])

    def _in_kb(self, pages):
        sizes = [
            size for cell in self.layout.cells for size in cell.page_sizes_kb
        ]
        kb = numpy.zeros((len(self.hosts), len(sizes) + 1))
        kb[:, :-1] = pages * numpy.array(sizes, float)
        return kb

    @functools.cached_property
    def devices(self):
        """PCI devices that nobody has."""
        return FreeDevices(self.layout, [host.pools for host in self.hosts])

    def _whole_cores(self, pinned):
        """Count cores of which no thread is pinned, by masks of each cell."""
        return numpy.array(
            [
                [
                    sum(
                        not core & (mask | ~cell.dedicated)
                        and core.bit_count() == cell.threads_per_core
                        for core in cell.siblings
                    )
                    for cell, mask in zip(
                        self.layout.cells, masks, strict=True
                    )
                ]
                for masks in pinned
            ],
            float,
        )

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
            rooms = self.devices.limit(rooms, guest)
        return numpy.minimum(
            _guests_in(rooms, cells), self.devices.guests(rooms, guest)
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
                (len(self.hosts), len(self.layout.cells)), UNLIMITED
            )
        return numpy.maximum(numpy.minimum.reduce(limits), 0)

    def _dedicated_rooms(self, cell):
        if cell.thread_policy is ThreadPolicy.ISOLATE:
            # Nova never finds room elsewhere (bug 1889633).
            possible = [
                layout.threads_per_core == 1
                or layout.dedicated == layout.shared
                for layout in self.layout.cells
            ]
            return numpy.where(possible, _times(cell.dedicated, self.cores), 0)
        if cell.thread_policy is not ThreadPolicy.REQUIRE:
            return _times(cell.dedicated, self.dedicated)
        threads = numpy.array(
            [layout.threads_per_core for layout in self.layout.cells]
        )
        # Without siblings it never has room.
        return numpy.where(
            threads > 1, _times(-(-cell.dedicated // threads), self.cores), 0
        )

    def _shared_rooms(self, cell):
        # No guest overcommits against itself.
        possible = [
            cell.shared <= layout.shared.bit_count()
            for layout in self.layout.cells
        ]
        return numpy.where(possible, _times(cell.shared, self.shared), 0)

    def _memory_rooms(self, cell):
        """Give the limits that memory sets, one or two."""
        limits = []
        if cell.cpu_policy is not CPUPolicy.DEDICATED:
            limits.append(_times(cell.memory_mb, self.overcommit_mb))
        if cell.page_size:
            columns = _page_columns(
                self.layout, cell.page_size, cell.memory_mb
            )
            free = numpy.maximum(self.pages_kb[:, columns], 0)
            limits.append(_times(cell.memory_mb * 1024, free).sum(axis=2))
        elif cell.pinned:
            limits.append(
                self._in_small_pages(self.pages_kb, self.memory_mb, cell)
            )
        else:
            # No guest overcommits against itself.
            whole = self._in_small_pages(
                self._pages_total_kb, self._table['memory_mb'], cell
            )
            limits.append(numpy.where(whole > 0, UNLIMITED, 0))
        return limits

    def _in_small_pages(self, pages_kb, memory_mb, cell):
        """Give how often a guest cell goes into pages of the smallest size.

        Into memory, on the cells that tell nothing about pages.
        """
        columns = _page_columns(self.layout, PageSize.SMALL, cell.memory_mb)
        return numpy.where(
            [bool(layout.page_sizes_kb) for layout in self.layout.cells],
            _times(cell.memory_mb * 1024, pages_kb[:, columns[:, 0]]),
            _times(cell.memory_mb, memory_mb),
        )


class LeftAfter(Left):
    """What guests can still get once each host has a claim of one guest."""

    def __init__(self, before: Left, claims: Sequence[Claim]):
        """Take one claim for each host, in their order."""
        super().__init__(before.hosts)
        self._before, self._claims = before, claims
        self._guest = claims[0].guest
        self._rows = numpy.arange(len(claims))
        self._places = [
            [claim.indexes[place] for claim in claims]
            for place in range(len(self._guest.cells))
        ]

    @functools.cached_property
    def dedicated(self):
        """Dedicated CPUs that nobody has."""
        cells = self._guest.cells
        if any(cell.thread_policy is ThreadPolicy.ISOLATE for cell in cells):
            # The siblings of isolated CPUs go with them.
            return self._before.dedicated - numpy.array(
                [
                    [
                        (after & ~before).bit_count()
                        for before, after in zip(
                            host.pinned, pinned, strict=True
                        )
                    ]
                    for host, pinned in zip(
                        self.hosts, self._pinned, strict=True
                    )
                ],
                float,
            )
        return self._less(
            self._before.dedicated,
            [
                cell.dedicated + self._guest.reserved(place)
                for place, cell in enumerate(cells)
            ],
        )

    @functools.cached_property
    def cores(self):
        """Cores without a pinned thread."""
        return self._whole_cores(self._pinned)

    @functools.cached_property
    def shared(self):
        """Shared CPUs, times the allocation ratio."""
        return self._less(
            self._before.shared, [cell.shared for cell in self._guest.cells]
        )

    @functools.cached_property
    def memory_mb(self):
        """Memory without overcommit."""
        return self._less(self._before.memory_mb, self._memory())

    @functools.cached_property
    def overcommit_mb(self):
        """Memory times the allocation ratio."""
        return self._less(self._before.overcommit_mb, self._memory())

    @functools.cached_property
    def pages_kb(self):
        """Pages of each size of each cell, then a 0."""
        left = self._before.pages_kb.copy()
        for place, cell in enumerate(self._guest.cells):
            columns = [
                self._column_of(claim.indexes[place], claim.page_sizes[place])
                for claim in self._claims
            ]
            left[self._rows, columns] -= cell.memory_mb * 1024
        left[:, -1] = 0
        return left

    @functools.cached_property
    def devices(self):
        """PCI devices that nobody has."""
        if not self._guest.devices:
            return self._before.devices
        return FreeDevices(self.layout, list(map(pools_after, self._claims)))

    @functools.cached_property
    def _pinned(self):
        """For each host the masks of all cells, as they are then."""
        pinned = []
        for claim in self._claims:
            masks = list(claim.host.pinned)
            for index, cell in zip(
                claim.indexes, claim.cells_after(), strict=True
            ):
                masks[index] = cell.pinned
            pinned.append(masks)
        return pinned

    def _memory(self):
        return [cell.memory_mb for cell in self._guest.cells]

    def _less(self, before, amounts):
        left = before.copy()
        for at, amount in zip(self._places, amounts, strict=True):
            left[self._rows, at] -= amount
        return left

    def _column_of(self, index, page_size):
        """Give the column of the pages that a claim takes; -1 without any."""
        layout = self.layout.cells[index]
        if layout.smallest_pages is None:
            return -1
        return self.layout.page_starts[index] + (
            layout.smallest_pages
            if page_size is None
            else layout.page_sizes_kb.index(page_size)
        )


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
