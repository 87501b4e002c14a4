"""What the claim on the destination will answer, and which cells it takes.

nova-compute claims with ``nova.virt.hardware.numa_fit_instance_to_host``,
which walks permutations of host cells and changes the instance cells on the
way: their ids (which are the keys of its caches), their page size, and their
pinning. So its answer can depend on what it tried before: it can refuse a
guest that fits and accept one that does not, above all if the guest's cells
differ. This is that walk on values, with the same answer, and with the errors
of the answer named. See ``doc/source/nova-bugs.rst``.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

from numa_sched.fit.cell import (
    CellFit,
    check_cell,
    choose_page_size,
    pin,
)
from numa_sched.fit.reasons import CellMisfit, ClaimRefused, Shortage
from numa_sched.topology import (
    CPUPolicy,
    Guest,
    GuestCell,
    Host,
    HostCell,
    ThreadPolicy,
)

# Nova's walk has no bound: it blocks the scheduler when it takes the servers
# of a request one by one, and then every other claim on the host. Nova gets
# through about a million permutations in a second. Ours leaves out those that
# must fail like the one before, and looks at no more than this.
MAX_RANK = 200_000
MAX_PERMUTATIONS = 2000

RATIO_SHORTAGES = (Shortage.SHARED_RATIO, Shortage.MEMORY_RATIO)

Accepts = Callable[[Sequence[HostCell]], bool]


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """The cells that a claim takes, in the order of the guest's cells.

    ``indexes`` are those of host cells, not their ids; ``page_sizes`` are
    what the guest's cells get, in KiB, None for a cell that does not care.
    """

    host: Host
    guest: Guest
    indexes: tuple[int, ...]
    page_sizes: tuple[int | None, ...]

    @property
    def cells(self) -> tuple[HostCell, ...]:
        """The host cells, made anew at each call."""
        return tuple(map(self.host.cell, self.indexes))

    @property
    def cell_ids(self) -> tuple[int, ...]:
        """Ids of the host cells, in the order of the guest's cells."""
        cells = self.host.layout.cells
        return tuple(cells[index].id for index in self.indexes)

    @property
    def fits(self) -> tuple[CellFit, ...]:
        """What the guest's cells take; worked out at each call."""
        fits = []
        for index, (cell, wanted, size) in enumerate(
            zip(self.cells, self.guest.cells, self.page_sizes, strict=True)
        ):
            if not wanted.pinned:
                fits.append(CellFit(page_size=size))
                continue
            taken = pin(
                cell,
                wanted.dedicated,
                wanted.thread_policy,
                reserved=self.guest.reserved(index),
            )
            fits.append(CellFit(*taken, size))
        return tuple(fits)

    def dedicated_taken(self) -> int:
        """Give how many dedicated CPUs are free no more after the claim."""
        if any(
            cell.thread_policy is ThreadPolicy.ISOLATE
            for cell in self.guest.cells
        ):
            # The siblings of isolated CPUs go with them.
            return sum(
                before.free.bit_count() - after.free.bit_count()
                for before, after in zip(
                    self.cells, self.cells_after(), strict=True
                )
            )
        return self.guest.isolate_emulator + sum(
            cell.dedicated for cell in self.guest.cells
        )

    def cells_after(self) -> tuple[HostCell, ...]:
        """Give the host cells as they are once the guest is on them."""
        return tuple(map(after_claim, self.cells, self.guest.cells, self.fits))


def order_cells(
    host: Host, guest: Guest, *, packing: bool = False
) -> list[HostCell]:
    """Give the host cells in the order in which a claim tries them.

    :param packing: ``[compute]
        packing_host_numa_cells_allocation_strategy`` of the host
    """
    cells = list(host.cells)
    if len(cells) <= len(guest.cells):
        return cells
    cells.sort(key=lambda cell: cell.memory_free_mb, reverse=not packing)
    if guest.cells[0].cpu_policy is CPUPolicy.SHARED:
        cells.sort(key=lambda cell: cell.shared_used, reverse=packing)
    else:
        cells.sort(key=lambda cell: cell.free.bit_count(), reverse=not packing)
    devices = dict(host.devices)
    cells.sort(
        key=lambda cell: devices.get(cell.id, 0), reverse=guest.wants_devices
    )
    return cells


def predict(
    host: Host,
    guest: Guest,
    accepts: Accepts,
    *,
    packing: bool = False,
    max_permutations: int = MAX_PERMUTATIONS,
) -> Claim | ClaimRefused:
    """Give the cells that the claim on a host takes, or why it takes none.

    :param accepts: whether a set of host cells satisfies what is asked of
        the set as a whole
    """
    return _Walk(host, guest, accepts, packing).run(max_permutations)


class _InstanceCell:
    """The part of an instance cell that Nova's walk changes."""

    __slots__ = ('guest', 'id', 'on')

    def __init__(self, guest, index):
        self.guest, self.id = guest, index
        self.on = None  # id of the host cell it was last pinned to


class _Walk:
    def __init__(self, host, guest, accepts, packing):
        self.host, self.guest, self.accepts = host, guest, accepts
        self.order = order_cells(host, guest, packing=packing)
        self.cells = [
            _InstanceCell(cell, index)
            for index, cell in enumerate(guest.cells)
        ]
        self.fitting: set[tuple[int, int]] = set()
        self.failing: set[tuple[int, int]] = set()
        self.changed = False

    def run(self, max_permutations):
        size = len(self.cells)
        chosen = list(range(size)) if size <= len(self.order) else None
        tried = 0
        while chosen is not None:
            if tried == max_permutations:
                return ClaimRefused(
                    f'would not find cells for it within {max_permutations} '
                    f'permutations'
                )
            tried += 1
            self.changed = False
            hosts = [self.order[index] for index in chosen]
            failed_at = self._try(hosts)
            if failed_at is None:
                rank = rank_of(chosen, len(self.order))
                if rank > MAX_RANK:
                    return ClaimRefused(
                        f'would walk {rank} permutations to find its cells'
                    )
                return self._result(hosts)
            # If trying changed nothing, every permutation that starts alike
            # fails alike.
            chosen = _next(
                chosen,
                len(self.order),
                size - 1 if self.changed else failed_at,
            )
        return ClaimRefused('would find no cells for it')

    def _try(self, hosts):
        """Fit the cells one by one; give where that failed, None if not."""
        for index, (host, cell) in enumerate(
            zip(hosts, self.cells, strict=True)
        ):
            pair = (host.id, cell.id)
            if pair in self.failing:
                return index
            if pair in self.fitting:
                self._move(cell, host)
            elif self._fit(host, cell, index):
                self.fitting.add(pair)
                self.changed = True
            else:
                self.failing.add(pair)
                self.changed = True
                return index
        return None if self.accepts(hosts) else len(hosts) - 1

    def _move(self, cell, host):
        if cell.id != host.id:
            cell.id = host.id
            self.changed = True

    def _fit(self, host, cell, index):
        if cell.guest.page_size:
            size = choose_page_size(
                host, cell.guest.memory_mb, cell.guest.page_size
            )
            if not isinstance(size, int):
                return False
            # From now on the cell asks for exactly this size.
            cell.guest = dataclasses.replace(cell.guest, page_size=size)
        checked = self._check_cell(host, cell.guest, index)
        fits = not isinstance(checked, CellMisfit)
        # Nova pins before it looks at the ratios, and leaves it so.
        if fits or (cell.guest.pinned and checked.shortage in RATIO_SHORTAGES):
            cell.id = cell.on = host.id
        return fits

    def _result(self, hosts):
        """Give the claim, once it is sure that the walk told the truth."""
        sizes = []
        for index, (host, cell) in enumerate(
            zip(hosts, self.cells, strict=True)
        ):
            # As asked for, and as the walk left it: its page size is fixed.
            for wanted in (self.guest.cells[index], cell.guest):
                checked = self._check_cell(host, wanted, index)
                if isinstance(checked, CellMisfit):
                    return ClaimRefused(
                        f'would wrongly put guest cell {index} on cell '
                        f'{host.id}, where it {checked}'
                    )
            if cell.guest.dedicated and cell.on != host.id:
                return ClaimRefused(
                    f'would put guest cell {index} on cell {host.id} but '
                    f'leave it pinned to cell {cell.on}'
                )
            if self._breaks_cores(host, index):
                return ClaimRefused(
                    f'would take threads for guest cell {index} on cell '
                    f'{host.id} whose siblings are in use'
                )
            sizes.append(checked)
        index_of = {
            layout.id: index
            for index, layout in enumerate(self.host.layout.cells)
        }
        indexes = tuple(index_of[host.id] for host in hosts)
        return Claim(self.host, self.guest, indexes, tuple(sizes))

    def _breaks_cores(self, host, index):
        """Whether a cell of whole cores would reserve a thread of another's.

        Nova finds that out only when it counts the usage, and raises.
        """
        wanted = self.guest.cells[index]
        reserved = self.guest.reserved(index)
        if wanted.thread_policy is not ThreadPolicy.ISOLATE or not reserved:
            return False
        pinned, beside = pin(
            host, wanted.dedicated, wanted.thread_policy, reserved=reserved
        )
        return any(
            core & (pinned | beside) and core & ~host.free
            for core in host.layout.siblings
        )

    def _check_cell(self, host, wanted, index):
        return check_cell(
            host,
            wanted,
            reserved=self.guest.reserved(index),
            cpu_ratio=self.host.cpu_allocation_ratio,
            ram_ratio=self.host.ram_allocation_ratio,
        )


def rank_of(chosen: Sequence[int], available: int) -> int:
    """Give how many permutations come before one, in Nova's order.

    :param chosen: indexes of host cells, in the order of the guest's cells
    :param available: number of host cells
    """
    rank = 0
    size = len(chosen)
    for place, index in enumerate(chosen):
        before = index - sum(other < index for other in chosen[:place])
        rank += before * math.perm(available - place - 1, size - place - 1)
    return rank


def _next(chosen, available, position):
    """Give the next permutation that differs at ``position`` or before."""
    chosen = list(chosen)
    while position >= 0:
        taken = set(chosen[:position])
        after = next(
            (
                index
                for index in range(chosen[position] + 1, available)
                if index not in taken
            ),
            None,
        )
        if after is not None:
            chosen[position] = after
            taken.add(after)
            rest = (index for index in range(available) if index not in taken)
            tail = len(chosen) - position - 1
            chosen[position + 1 :] = [next(rest) for _ in range(tail)]
            return chosen
        position -= 1
    return None


def after_claim(
    host_cell: HostCell, guest_cell: GuestCell, fit: CellFit
) -> HostCell:
    """Give a host cell as it is once a guest cell is on it.

    Source: ``nova.virt.hardware.numa_usage_from_instance_numa``.
    """
    layout = host_cell.layout
    taken = fit.pinned | fit.reserved
    if guest_cell.thread_policy is ThreadPolicy.ISOLATE:
        for core in layout.siblings:
            if core & taken:
                taken |= core
    used = list(host_cell.pages_used)
    if used:
        index = (
            layout.smallest_pages
            if fit.page_size is None
            else layout.page_sizes_kb.index(fit.page_size)
        )
        size_kb = layout.page_sizes_kb[index]
        used[index] += guest_cell.memory_mb * 1024 // size_kb
    return dataclasses.replace(
        host_cell,
        memory_used_mb=host_cell.memory_used_mb + guest_cell.memory_mb,
        shared_used=host_cell.shared_used + guest_cell.shared,
        pinned=host_cell.pinned | taken & layout.dedicated,
        pages_used=tuple(used),
    )
