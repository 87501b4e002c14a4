"""What hosts have left, now and after the claims of a guest.

It is worked out for many hosts at once, in arrays of floats: a row for each
host, and a column for each of its cells.
"""

import functools
import itertools
from collections.abc import Sequence

import numpy

from numa_sched.fit.claim import Claim
from numa_sched.fit.device_room import FreeDevices
from numa_sched.fit.devices import pools_after
from numa_sched.fit.table import Floats, Table
from numa_sched.topology import Host, ThreadPolicy


class Left:
    """What guests can still get of hosts of one form.

    It is worked out when it is first asked for. Any of it may be below 0.
    """

    def __init__(self, hosts: Sequence[Host]):
        """Take at least one host; all are of one form."""
        self.hosts, self.form = hosts, hosts[0].layout.form

    @functools.cached_property
    def _table(self) -> Table[numpy.float64]:
        return Table(self.hosts, numpy.float64)

    @functools.cached_property
    def memory_total_mb(self) -> Floats:
        """Memory of each cell."""
        return self._table['memory_mb']

    @functools.cached_property
    def dedicated(self) -> Floats:
        """Dedicated CPUs that nobody has."""
        return numpy.array(self.form.dedicated) - self._table['pinned']

    @functools.cached_property
    def cores(self) -> Floats:
        """Cores without a pinned thread."""
        return self._whole_cores([host.pinned for host in self.hosts])

    @functools.cached_property
    def shared(self) -> Floats:
        """Shared CPUs, times the allocation ratio."""
        ratios = [host.cpu_allocation_ratio for host in self.hosts]
        limits: Floats = numpy.floor(numpy.outer(ratios, self.form.shared))
        return limits - self._table['shared_used']

    @functools.cached_property
    def memory_mb(self) -> Floats:
        """Memory without overcommit."""
        return self.memory_total_mb - self._table['memory_used_mb']

    @functools.cached_property
    def overcommit_mb(self) -> Floats:
        """Memory times the allocation ratio."""
        ratios = numpy.array(
            [host.ram_allocation_ratio for host in self.hosts]
        )
        limits: Floats = numpy.floor(self.memory_total_mb * ratios[:, None])
        return limits - self._table['memory_used_mb']

    @functools.cached_property
    def pages_kb(self) -> Floats:
        """Pages of each size of each cell, then a 0."""
        return self._in_kb(
            self._table['pages_total']
            - self._table['pages_reserved']
            - self._table['pages_used']
        )

    @functools.cached_property
    def pages_total_kb(self) -> Floats:
        """Pages of each size of each cell, whoever has them; then a 0."""
        return self._in_kb(self._table['pages_total'])

    def _in_kb(self, pages: Floats) -> Floats:
        sizes = list(itertools.chain(*self.form.page_sizes_kb))
        kb = numpy.zeros((len(self.hosts), len(sizes) + 1))
        kb[:, :-1] = pages * numpy.array(sizes, float)
        return kb

    @functools.cached_property
    def devices(self) -> FreeDevices:
        """PCI devices that nobody has."""
        return FreeDevices(self.form, [host.pools for host in self.hosts])

    def _whole_cores(self, pinned: Sequence[Sequence[int]]) -> Floats:
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
                        host.layout.cells, masks, strict=True
                    )
                ]
                for host, masks in zip(self.hosts, pinned, strict=True)
            ],
            float,
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
    def dedicated(self) -> Floats:
        """Dedicated CPUs that nobody has."""
        cells = self._guest.cells
        if any(cell.thread_policy is ThreadPolicy.ISOLATE for cell in cells):
            # The siblings of isolated CPUs go with them.
            taken: Floats = numpy.array(
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
            return self._before.dedicated - taken
        return self._less(
            self._before.dedicated,
            [
                cell.dedicated + self._guest.reserved(place)
                for place, cell in enumerate(cells)
            ],
        )

    @functools.cached_property
    def cores(self) -> Floats:
        """Cores without a pinned thread."""
        return self._whole_cores(self._pinned)

    @functools.cached_property
    def shared(self) -> Floats:
        """Shared CPUs, times the allocation ratio."""
        return self._less(
            self._before.shared, [cell.shared for cell in self._guest.cells]
        )

    @functools.cached_property
    def memory_mb(self) -> Floats:
        """Memory without overcommit."""
        return self._less(self._before.memory_mb, self._memory())

    @functools.cached_property
    def overcommit_mb(self) -> Floats:
        """Memory times the allocation ratio."""
        return self._less(self._before.overcommit_mb, self._memory())

    @functools.cached_property
    def pages_kb(self) -> Floats:
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
    def devices(self) -> FreeDevices:
        """PCI devices that nobody has."""
        if not self._guest.devices:
            return self._before.devices
        return FreeDevices(self.form, list(map(pools_after, self._claims)))

    @functools.cached_property
    def _pinned(self) -> list[list[int]]:
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

    def _memory(self) -> list[int]:
        return [cell.memory_mb for cell in self._guest.cells]

    def _less(self, before: Floats, amounts: Sequence[int]) -> Floats:
        left = before.copy()
        for at, amount in zip(self._places, amounts, strict=True):
            left[self._rows, at] -= amount
        return left

    def _column_of(self, index: int, page_size: int | None) -> int:
        """Give the column of the pages that a claim takes; -1 without any."""
        smallest = self.form.smallest_pages[index]
        if smallest is None:
            return -1
        return self.form.page_starts[index] + (
            smallest
            if page_size is None
            else self.form.page_sizes_kb[index].index(page_size)
        )
