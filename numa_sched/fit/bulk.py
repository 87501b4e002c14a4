"""The usual guest on many hosts at once, in arrays.

Gives what :func:`numa_sched.fit.fit` gives, for guests whose cells are all the
same, without reserved CPUs or networks: then the claim takes the first cells,
in its order, that accept one guest cell. It leaves to the reference hosts
whose cells differ in their page sizes, and where these could come out
differently from cell to cell or Nova's walk could take too long.
"""

import enum
import math
from collections.abc import Sequence
from typing import Final

import numpy

from numa_sched.fit.cell import counting_decides, page_order, pin
from numa_sched.fit.claim import MAX_RANK, Claim, device_weights
from numa_sched.fit.reasons import CellMisfit
from numa_sched.fit.table import Flags, Ints, Table
from numa_sched.topology import CPUPolicy, Guest, Host, HostForm


class Undecided(enum.Enum):
    """The reference has to answer."""

    UNDECIDED = enum.auto()


UNDECIDED: Final = Undecided.UNDECIDED

Placed = Claim | Undecided | None
"""What comes of a guest on a host; None if it does not fit."""

MOST = 2**52
"""Up to here floats tell whole numbers apart; real ones are far below."""

_Sizes = tuple[int | None, ...]


class Bulk:
    """Answers for one guest on many hosts of one form.

    ``applies`` tells whether there are any for the guest.
    """

    def __init__(self, guest: Guest, *, packing: bool = False):
        """Work out what does not depend on the hosts.

        :param packing: ``[compute]
            packing_host_numa_cells_allocation_strategy`` of the hosts
        """
        self.guest, self._cell = guest, guest.cells[0]
        self._sign = 1 if packing else -1
        self._memory_kb = self._cell.memory_mb * 1024
        self.applies = self._memory_kb < MOST and not (
            guest.isolate_emulator
            or guest.physnets
            or guest.tunneled
            or any(cell != self._cell for cell in guest.cells)
        )
        # One tuple for all claims that get pages of the same sizes.
        self._sizes: dict[_Sizes, _Sizes] = {}

    def place(self, hosts: Sequence[Host]) -> list[Placed]:
        """Give for each host the claim, None, or :data:`UNDECIDED`.

        :param hosts: at least one; all of one form
        """
        form, count = hosts[0].layout.form, len(self.guest.cells)
        available = len(form.ids)
        if available < count:
            return [None] * len(hosts)
        if not form.same_pages:
            return [UNDECIDED] * len(hosts)
        table = Table(hosts, numpy.int64)
        too_big = (table.numbers < 0) | (table.numbers > MOST)
        undecided: Flags = numpy.any(too_big, axis=1)
        sizes = None
        if self._cell.page_size:
            sizes = self._page_sizes(table, form, self._cell.page_size)
            accepted = sizes > 0
            others = accepted & (sizes != sizes.max(axis=1)[:, None])
            undecided |= others.any(axis=1)
        else:
            accepted = self._has_memory(table, form)
        if self._cell.pinned:
            free = numpy.array(form.dedicated) - table['pinned']
            accepted &= free >= self._cell.dedicated
            self._drop_unpinned(hosts, accepted)
            by_cpus = self._sign * free
        else:
            by_cpus = -self._sign * table['shared_used']
        if self._cell.cpu_policy is not CPUPolicy.DEDICATED:
            accepted &= self._has_share(table, hosts)
        fits: Flags = accepted.sum(axis=1) >= count
        if math.perm(available, count) > MAX_RANK:
            undecided |= fits & ~accepted.all(axis=1)
        by_memory = self._sign * (table['memory_mb'] - table['memory_used_mb'])
        keys = [by_cpus, by_memory]
        if any(host.devices for host in hosts):
            keys.insert(0, self._by_devices(hosts))
        return self._claims(
            hosts, undecided, fits, _first(count, accepted, keys), sizes
        )

    def _page_sizes(
        self, table: Table[numpy.int64], form: HostForm, wanted: int
    ) -> Ints:
        """Give the size of the pages that each cell has for one guest cell.

        It is 0 where there are not enough.
        """
        sizes_kb = form.page_sizes_kb[0]
        free = table['pages_total'] - table['pages_used']
        free = _by_cell(free - table['pages_reserved'], form)
        found = numpy.zeros(free.shape[:2], numpy.int64)
        order = page_order(sizes_kb, wanted)
        for at, size in reversed(order):
            if self._memory_kb % size == 0:
                found[free[:, :, at] >= self._memory_kb // size] = size
        return found

    def _has_memory(self, table: Table[numpy.int64], form: HostForm) -> Flags:
        pinned, smallest = self._cell.pinned, form.smallest_pages[0]
        if smallest is None:
            room = table['memory_mb']
            if pinned:
                room = room - table['memory_used_mb']
            return room >= self._cell.memory_mb
        size_kb = form.page_sizes_kb[0][smallest]
        pages = table['pages_total']
        if pinned:
            pages = pages - table['pages_used'] - table['pages_reserved']
        pages = _by_cell(pages, form)[:, :, smallest]
        enough = pages >= self._memory_kb // size_kb
        return enough & (self._memory_kb % size_kb == 0)

    def _drop_unpinned(self, hosts: Sequence[Host], accepted: Flags) -> None:
        """Take out cells that have the CPUs but not as the guest wants them.

        That is asked for one cell at a time, where counting does not tell.
        """
        cell = self._cell
        unsure = [
            not counting_decides(known, cell)
            for known in hosts[0].layout.form.cores_known
        ]
        for row, index in numpy.argwhere(accepted & unsure).tolist():
            found = pin(
                hosts[row].cell(index), cell.dedicated, cell.thread_policy
            )
            accepted[row, index] = not isinstance(found, CellMisfit)

    def _by_devices(self, hosts: Sequence[Host]) -> Ints:
        """Give for each cell its place in the order, by its PCI devices."""
        ids = hosts[0].layout.form.ids
        weights = [device_weights(host, self.guest) for host in hosts]
        return numpy.array(
            [[of_host.get(cell, 0) for cell in ids] for of_host in weights],
            numpy.int64,
        )

    def _has_share(
        self, table: Table[numpy.int64], hosts: Sequence[Host]
    ) -> Flags:
        cell = self._cell
        shared = numpy.array(hosts[0].layout.form.shared)
        cpu_ratios = [[host.cpu_allocation_ratio] for host in hosts]
        ram_ratios = [[host.ram_allocation_ratio] for host in hosts]
        with numpy.errstate(over='ignore'):
            cpus = shared * numpy.array(cpu_ratios)
            memory = table['memory_mb'] * numpy.array(ram_ratios)
        fits: Flags = (
            (cell.shared <= shared)
            & (table['shared_used'] + cell.shared <= cpus)
            & (table['memory_used_mb'] + cell.memory_mb <= memory)
        )
        return fits

    def _claims(
        self,
        hosts: Sequence[Host],
        undecided: Flags,
        fits: Flags,
        indexes: Ints,
        sizes: Ints | None,
    ) -> list[Placed]:
        got: list[list[int | None]] = (
            [[None] * len(self.guest.cells)] * len(hosts)
            if sizes is None
            else numpy.take_along_axis(sizes, indexes, axis=1).tolist()
        )
        found: list[Placed] = []
        for host, unsure, fit, chosen, of_host in zip(
            hosts,
            undecided.tolist(),
            fits.tolist(),
            indexes.tolist(),
            got,
            strict=True,
        ):
            if unsure:
                found.append(UNDECIDED)
            elif fit:
                pages = tuple(of_host)
                pages = self._sizes.setdefault(pages, pages)
                found.append(Claim(host, self.guest, tuple(chosen), pages))
            else:
                found.append(None)
        return found


def _by_cell(pages: Ints, form: HostForm) -> Ints:
    """Give pages by host, cell and size; all cells have the same sizes."""
    return pages.reshape(len(pages), len(form.ids), -1)


def _first(count: int, accepted: Flags, keys: Sequence[Ints]) -> Ints:
    """Give for each host the indexes of the cells that a claim takes first.

    They are accepted ones as far as there are any: those with the least of
    the first key, among them the least of the second, and so on, and then
    those in front. If the claim takes all cells, it takes them as they are.
    """
    hosts, available = accepted.shape
    if count == available:
        return numpy.tile(numpy.arange(count), (hosts, 1))
    # The last key of a sort is the one that counts most.
    return numpy.lexsort((*reversed(keys), ~accepted))[:, :count]
