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
from collections.abc import Sequence

from numa_sched.fit.cell import CellFit, choose_page_size, take_cell
from numa_sched.fit.choice import Budget
from numa_sched.fit.constraint import SetConstraint
from numa_sched.fit.pairs import Pairs
from numa_sched.fit.permutations import next_after, rank_of
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
        ids = self.host.layout.form.ids
        return tuple([ids[index] for index in self.indexes])

    @property
    def fits(self) -> tuple[CellFit, ...]:
        """What the guest's cells take; worked out at each call."""
        return tuple(
            take_cell(cell, wanted, size, reserved=self.guest.reserved(index))
            for index, (cell, wanted, size) in enumerate(
                zip(self.cells, self.guest.cells, self.page_sizes, strict=True)
            )
        )

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
) -> list[int]:
    """Give the indexes of host cells in the order in which a claim tries them.

    :param packing: ``[compute]
        packing_host_numa_cells_allocation_strategy`` of the host
    """
    cells = host.layout.cells
    order = list(range(len(cells)))
    if len(cells) <= len(guest.cells):
        return order
    sign = 1 if packing else -1
    if guest.cells[0].cpu_policy is CPUPolicy.SHARED:
        by_cpus = [-sign * used for used in host.shared_used]
    else:
        by_cpus = [
            sign * (cell.dedicated & ~pinned).bit_count()
            for cell, pinned in zip(cells, host.pinned, strict=True)
        ]
    weights = device_weights(host, guest)
    order.sort(
        key=lambda index: (
            weights.get(cells[index].id, 0),
            by_cpus[index],
            sign * (host.memory_mb[index] - host.memory_used_mb[index]),
        )
    )
    return order


def device_weights(host: Host, guest: Guest) -> dict[int | None, int]:
    """Give by cell id what its devices count; cells with less come first.

    It is nothing where a claim does not look at devices.
    """
    if not (guest.wants_devices or host.spares_devices):
        return {}
    sign = -1 if guest.wants_devices else 1
    return {cell: sign * count for cell, count in host.devices}


def predict(
    pairs: Pairs,
    constraints: Sequence[SetConstraint] = (),
    *,
    packing: bool = False,
    max_permutations: int = MAX_PERMUTATIONS,
    budget: Budget | None = None,
) -> Claim | ClaimRefused:
    """Give the cells that the claim on a host takes, or why it takes none.

    :param constraints: asked of the chosen cells as a set
    :raises OutOfSteps: if the budget does not do
    """
    walk = Walk(pairs, constraints, packing=packing)
    return walk.run(max_permutations, budget or Budget(math.inf)) or too_many(
        max_permutations
    )


def too_many(permutations: int) -> ClaimRefused:
    """Give why a claim is refused that does not end soon enough."""
    return ClaimRefused(
        f'would not find cells for it within {permutations} permutations'
    )


class _InstanceCell:
    """The part of an instance cell that Nova's walk changes."""

    __slots__ = ('guest', 'id', 'on')

    def __init__(self, guest: GuestCell, index: int):
        self.guest, self.id = guest, index
        # Id of the host cell it was last pinned to.
        self.on: int | None = None


class Walk:
    """The walk of one claim, which can be stopped and gone on with."""

    def __init__(
        self,
        pairs: Pairs,
        constraints: Sequence[SetConstraint] = (),
        *,
        packing: bool = False,
    ):
        """Stand before the first permutation."""
        self.host, self.guest = pairs.host, pairs.guest
        self._pairs, self._constraints = pairs, constraints
        order = order_cells(self.host, self.guest, packing=packing)
        self._order = order
        self._ids = [self.host.layout.cells[index].id for index in order]
        self._cells = [
            _InstanceCell(cell, index)
            for index, cell in enumerate(self.guest.cells)
        ]
        self._fitting: set[tuple[int, int]] = set()
        self._failing: set[tuple[int, int]] = set()
        self._changed = False
        self._answers: dict[frozenset[int], bool] = {}
        self._asked = self.tried = 0
        self._steps = sum(each.steps for each in constraints)
        self._max_asked = min(
            (
                each.max_asked
                for each in constraints
                if each.max_asked is not None
            ),
            default=math.inf,
        )
        size = len(self._cells)
        self._chosen = list(range(size)) if size <= len(order) else None

    def run(
        self, max_permutations: int, budget: Budget
    ) -> Claim | ClaimRefused | None:
        """Go on; give what :func:`predict` gives, None if not there yet.

        :param max_permutations: how many permutations to try in all
        :raises OutOfSteps: if the budget does not do
        """
        size, available = len(self._cells), len(self._order)
        while self._chosen is not None:
            if self.tried == max_permutations:
                return None
            if self._asked > self._max_asked:
                return ClaimRefused(
                    f'would ask about PCI devices near more than '
                    f'{self._max_asked} sets of cells, which takes it too long'
                )
            budget.take()
            self.tried += 1
            self._changed = False
            failed_at = self._try(self._chosen, budget)
            if failed_at is None:
                rank = rank_of(self._chosen, available)
                if rank > MAX_RANK:
                    return ClaimRefused(
                        f'would walk {rank} permutations to find its cells'
                    )
                return self._result(self._chosen)
            # If trying changed nothing, every permutation that starts alike
            # fails alike.
            self._chosen = next_after(
                self._chosen,
                available,
                size - 1 if self._changed else failed_at,
            )
        return ClaimRefused('would find no cells for it')

    def _try(self, chosen: Sequence[int], budget: Budget) -> int | None:
        """Fit the cells one by one; give where that failed, None if not."""
        ids, fitting, failing = self._ids, self._fitting, self._failing
        for place, (at, cell) in enumerate(
            zip(chosen, self._cells, strict=True)
        ):
            host_id = ids[at]
            pair = host_id, cell.id
            if pair in failing:
                return place
            if pair in fitting:
                if cell.id != host_id:
                    cell.id = host_id
                    self._changed = True
            elif self._fit(self._order[at], host_id, cell, place):
                fitting.add(pair)
                self._changed = True
            else:
                failing.add(pair)
                self._changed = True
                return place
        return None if self._accepts(chosen, budget) else len(chosen) - 1

    def _accepts(self, chosen: Sequence[int], budget: Budget) -> bool:
        if not self._constraints:
            return True
        self._asked += 1
        key = frozenset(chosen)
        answer = self._answers.get(key)
        if answer is None:
            budget.take(self._steps)
            indexes = [self._order[at] for at in chosen]
            answer = self._answers[key] = all(
                each.accepts(indexes) for each in self._constraints
            )
        return answer

    def _fit(
        self, index: int, host_id: int, cell: _InstanceCell, place: int
    ) -> bool:
        if cell.guest.page_size:
            size = choose_page_size(
                self._pairs.host_cell(index),
                cell.guest.memory_mb,
                cell.guest.page_size,
            )
            if not isinstance(size, int):
                return False
            # From now on the cell asks for exactly this size.
            if size != cell.guest.page_size:
                cell.guest = dataclasses.replace(cell.guest, page_size=size)
        checked = self._pairs.check(index, cell.guest, place)
        if not isinstance(checked, CellMisfit):
            cell.id = cell.on = host_id
            return True
        # Nova pins before it looks at the ratios, and leaves it so.
        if cell.guest.pinned and checked.shortage in RATIO_SHORTAGES:
            cell.id = cell.on = host_id
        return False

    def _result(self, chosen: Sequence[int]) -> Claim | ClaimRefused:
        """Give the claim, once it is sure that the walk told the truth."""
        indexes = tuple([self._order[at] for at in chosen])
        sizes = []
        for place, (index, cell) in enumerate(
            zip(indexes, self._cells, strict=True)
        ):
            host = self._pairs.host_cell(index)
            size = None
            # As asked for, and as the walk left it: its page size is fixed.
            for wanted in (self.guest.cells[place], cell.guest):
                checked = self._pairs.check(index, wanted, place)
                if isinstance(checked, CellMisfit):
                    return ClaimRefused(
                        f'would wrongly put guest cell {place} on cell '
                        f'{host.id}, where it {checked}'
                    )
                size = checked
            if cell.guest.dedicated and cell.on != host.id:
                return ClaimRefused(
                    f'would put guest cell {place} on cell {host.id} but '
                    f'leave it pinned to cell {cell.on}'
                )
            if self._breaks_cores(host, place):
                return ClaimRefused(
                    f'would take threads for guest cell {place} on cell '
                    f'{host.id} whose siblings are in use'
                )
            sizes.append(size)
        return Claim(self.host, self.guest, indexes, tuple(sizes))

    def _breaks_cores(self, host: HostCell, index: int) -> bool:
        """Whether a cell of whole cores would reserve a thread of another's.

        Nova finds that out only when it counts the usage, and raises.
        """
        wanted = self.guest.cells[index]
        reserved = self.guest.reserved(index)
        if wanted.thread_policy is not ThreadPolicy.ISOLATE or not reserved:
            return False
        taken = take_cell(host, wanted, None, reserved=reserved)
        cpus = taken.pinned | taken.reserved
        return any(
            core & cpus and core & ~host.free for core in host.layout.siblings
        )


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
        size_kb = fit.page_size or min(layout.page_sizes_kb)
        index = layout.page_sizes_kb.index(size_kb)
        used[index] += guest_cell.memory_mb * 1024 // size_kb
    return dataclasses.replace(
        host_cell,
        memory_used_mb=host_cell.memory_used_mb + guest_cell.memory_mb,
        shared_used=host_cell.shared_used + guest_cell.shared,
        pinned=host_cell.pinned | taken & layout.dedicated,
        pages_used=tuple(used),
    )
