"""What a host has, and what of it is in use."""

import dataclasses
import itertools
import math
import operator
import struct
from collections.abc import Callable, Sequence
from typing import NotRequired, TypedDict, Unpack

from numa_sched import cpumask
from numa_sched.exceptions import TopologyError
from numa_sched.topology.checks import require
from numa_sched.topology.devices import DevicePool
from numa_sched.topology.form import HostForm, host_form


@dataclasses.dataclass(frozen=True, slots=True)
class CellLayout:
    """What of a host cell stays the same while guests come and go.

    ``shared`` and ``dedicated`` are the CPUs that shared and dedicated guest
    CPUs may run on; they are equal on a host in the old ``vcpu_pin_set``
    style and disjoint on any other. ``siblings`` are the threads of each
    core as far as guests may use them. ``page_sizes_kb`` is empty if the host
    tells nothing about pages; ``physnets`` is None if it tells nothing about
    networks.

    ``threads_per_core`` is that of the widest core, ``cores_known`` whether
    every dedicated CPU belongs to a core, ``smallest_pages`` the index of the
    smallest page size, None without pages. Hosts of one kind share layouts.
    """

    id: int
    socket: int | None = None
    shared: int = 0
    dedicated: int = 0
    siblings: tuple[int, ...] = ()
    page_sizes_kb: tuple[int, ...] = ()
    physnets: frozenset[str] | None = None
    tunneled: bool = False
    # What follows from the above, worked out once.
    dedicated_count: int = dataclasses.field(init=False)
    threads_per_core: int = dataclasses.field(init=False)
    cores_known: bool = dataclasses.field(init=False)
    smallest_pages: int | None = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        where = f'cell {self.id}: '
        require(self.id >= 0, f'a cell id of {self.id}')
        sizes = self.page_sizes_kb
        if sizes and min(sizes) <= 0:
            raise TopologyError(where + f'page sizes of {sizes} KiB')
        # Sentences only where they are needed: there may be many cores.
        cores = 0
        for core in self.siblings:
            if core & cores:
                raise TopologyError(
                    where + f'CPUs {cpumask.to_list(core & cores)} are '
                    f'threads of two cores'
                )
            cores |= core
        unknown = cores & ~(self.dedicated | self.shared)
        if unknown:
            raise TopologyError(
                where + f'sibling CPUs {cpumask.to_list(unknown)} are not in '
                f'the cell'
            )
        widest = max((core.bit_count() for core in self.siblings), default=1)
        for name, value in (
            ('dedicated_count', self.dedicated.bit_count()),
            ('threads_per_core', widest or 1),
            ('cores_known', bool(cores) and not self.dedicated & ~cores),
            ('smallest_pages', sizes.index(min(sizes)) if sizes else None),
        ):
            object.__setattr__(self, name, value)


@dataclasses.dataclass(frozen=True, slots=True)
class HostCell:
    """One NUMA cell of a host and what is in use of it, taken from a host.

    ``pinned`` is the mask of dedicated CPUs that guests own; ``shared_used``
    counts the shared CPUs of guests, which may be more than there are. Pages
    are counted for each size, in the order of the layout's.
    """

    layout: CellLayout
    memory_mb: int
    memory_used_mb: int = 0
    shared_used: int = 0
    pinned: int = 0
    pages_total: tuple[int, ...] = ()
    pages_reserved: tuple[int, ...] = ()
    pages_used: tuple[int, ...] = ()

    @property
    def id(self) -> int:
        """The cell's id, as the host's kernel gives it."""
        return self.layout.id

    @property
    def free(self) -> int:
        """Mask of the dedicated CPUs that are not pinned."""
        return self.layout.dedicated & ~self.pinned

    @property
    def memory_free_mb(self) -> int:
        """Memory not in use, without overcommit; may be below 0."""
        return self.memory_mb - self.memory_used_mb

    def pages_free_kb(self, index: int) -> int:
        """Give KiB in pages neither used nor reserved; may be below 0."""
        free = (
            self.pages_total[index]
            - self.pages_used[index]
            - self.pages_reserved[index]
        )
        return free * self.layout.page_sizes_kb[index]


@dataclasses.dataclass(frozen=True, slots=True)
class HostLayout:
    """What of a host stays the same; hosts of one kind share it.

    ``form`` is what it has in common with layouts whose CPUs have other
    numbers; ``foreign`` are, for each cell, the CPUs that are not dedicated
    ones of it.
    """

    cells: tuple[CellLayout, ...]
    form: HostForm = dataclasses.field(init=False, repr=False, compare=False)
    foreign: tuple[int, ...] = dataclasses.field(
        init=False, repr=False, compare=False
    )
    _make_cells: Callable[[], tuple[CellLayout, ...]] | None = (
        dataclasses.field(init=False, repr=False, compare=False, default=None)
    )

    @classmethod
    def with_cells_later(
        cls,
        form: HostForm,
        foreign: tuple[int, ...],
        make_cells: Callable[[], tuple[CellLayout, ...]],
    ) -> 'HostLayout':
        """Give a layout whose cells are made when they are first asked for.

        :param make_cells: gives the cells, of which the rest tells the truth
        """
        layout = object.__new__(cls)
        object.__setattr__(layout, 'form', form)
        object.__setattr__(layout, 'foreign', foreign)
        object.__setattr__(layout, '_make_cells', make_cells)
        return layout

    def __getattr__(self, name: str) -> tuple[CellLayout, ...]:
        # Reached only by what is not there yet.
        if name != 'cells' or self._make_cells is None:
            raise AttributeError(name)
        object.__setattr__(self, 'cells', self._make_cells())
        return self.cells

    def __post_init__(self) -> None:
        require(bool(self.cells), 'a host without cells')
        seen: set[int] = set()
        cpus = 0
        for cell in self.cells:
            if cell.id in seen:
                raise TopologyError(f'two cells have the id {cell.id}')
            seen.add(cell.id)
            both = cpus & (cell.shared | cell.dedicated)
            if both:
                raise TopologyError(
                    f'cell {cell.id}: CPUs {cpumask.to_list(both)} are in '
                    f'another cell too'
                )
            cpus |= cell.shared | cell.dedicated
        facts = [
            (
                cell.id,
                cell.socket,
                cell.shared.bit_count(),
                cell.dedicated_count,
                cell.shared == cell.dedicated,
                cell.threads_per_core,
                cell.cores_known,
                cell.page_sizes_kb,
            )
            for cell in self.cells
        ]
        form = host_form(*zip(*facts, strict=True))
        object.__setattr__(self, 'form', form)
        foreign = tuple(~cell.dedicated for cell in self.cells)
        object.__setattr__(self, 'foreign', foreign)


class HostFacts(TypedDict):
    """What a host has beside its cells; see :class:`Host`."""

    cpu_allocation_ratio: NotRequired[float]
    ram_allocation_ratio: NotRequired[float]
    pools: NotRequired[tuple[DevicePool, ...]]
    spares_devices: NotRequired[bool]


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """A host as the scheduler sees it.

    What the cells have and what is in use of it stands in columns: reading a
    host must be fast, and most cells are never looked at one by one.
    :attr:`cells` and :meth:`cell` give them as values. A column has an item
    for each cell of the layout, but those of pages have one for each page
    size of each cell, one cell after the other.

    ``pools`` are the PCI devices that are free, in Nova's order. ``devices``
    maps a cell id, or None for no affinity, to how many of any kind are free
    there. ``spares_devices`` tells whether a claim of a guest that wants none
    tries the cells with devices last.

    ``packed`` holds all columns once more, one after the other, for code that
    looks at many hosts at once: 64 bits a number, and of ``pinned`` the number
    of CPUs (:attr:`~numa_sched.topology.form.HostForm.columns`).
    """

    name: str
    layout: HostLayout
    memory_mb: tuple[int, ...]
    memory_used_mb: tuple[int, ...]
    shared_used: tuple[int, ...]
    pinned: tuple[int, ...]
    pages_total: tuple[int, ...] = ()
    pages_reserved: tuple[int, ...] = ()
    pages_used: tuple[int, ...] = ()
    cpu_allocation_ratio: float = 1.0
    ram_allocation_ratio: float = 1.0
    pools: tuple[DevicePool, ...] = ()
    spares_devices: bool = True
    devices: tuple[tuple[int | None, int], ...] = dataclasses.field(
        init=False, default=()
    )
    packed: bytes = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        layout = self.layout
        per_cell = (
            len(self.memory_mb),
            len(self.memory_used_mb),
            len(self.shared_used),
            len(self.pinned),
        )
        if per_cell != (len(layout.form.ids),) * 4:
            raise TopologyError('a host that does not tell of each cell')
        per_page = (
            len(self.pages_total),
            len(self.pages_reserved),
            len(self.pages_used),
        )
        if per_page != (layout.form.page_starts[-1],) * 3:
            raise TopologyError('a host that does not tell of all its pages')
        if any(map(operator.and_, self.pinned, layout.foreign)):
            raise TopologyError(self._foreign_pinning())
        try:
            # Takes whole numbers from 0 on only: it is the check, too.
            packed = struct.pack(
                layout.form.packing,
                *self.memory_mb,
                *self.memory_used_mb,
                *self.shared_used,
                *map(int.bit_count, self.pinned),
                *self.pages_total,
                *self.pages_reserved,
                *self.pages_used,
            )
        except struct.error:
            raise TopologyError(self._odd_numbers()) from None
        object.__setattr__(self, 'packed', packed)
        for ratio in (self.cpu_allocation_ratio, self.ram_allocation_ratio):
            if not 0 <= ratio < math.inf:
                raise TopologyError(f'an allocation ratio of {ratio}')
        if self.pools:
            devices: dict[int | None, int] = {}
            for pool in self.pools:
                devices[pool.cell] = devices.get(pool.cell, 0) + pool.count
            object.__setattr__(self, 'devices', tuple(devices.items()))

    def _odd_numbers(self) -> str:
        # Some may be no numbers at all, whatever their types say.
        told: dict[str, tuple[object, ...]] = {
            'memory': self.memory_mb,
            'usage': self.memory_used_mb + self.shared_used,
            'number of pages': (
                self.pages_total + self.pages_reserved + self.pages_used
            ),
        }
        return '; '.join(
            f'negative {what}, or none of 64 bits: {number!r}'
            for what, numbers in told.items()
            for number in numbers
            if not isinstance(number, int) or not 0 <= number < 2**64
        )

    def _foreign_pinning(self) -> str:
        wrong = map(operator.and_, self.pinned, self.layout.foreign)
        return '; '.join(
            f'cell {cell.id}: CPUs {cpumask.to_list(cpus)} are pinned but '
            f'are not dedicated CPUs of the cell'
            for cell, cpus in zip(self.layout.cells, wrong, strict=True)
            if cpus
        )

    @classmethod
    def of(
        cls, name: str, cells: Sequence[HostCell], **facts: Unpack[HostFacts]
    ) -> 'Host':
        """Give a host of cells.

        :raises TopologyError: if the host makes no sense
        """
        chain = itertools.chain.from_iterable
        return cls(
            name,
            HostLayout(tuple(cell.layout for cell in cells)),
            memory_mb=tuple(cell.memory_mb for cell in cells),
            memory_used_mb=tuple(cell.memory_used_mb for cell in cells),
            shared_used=tuple(cell.shared_used for cell in cells),
            pinned=tuple(cell.pinned for cell in cells),
            pages_total=tuple(chain(cell.pages_total for cell in cells)),
            pages_reserved=tuple(chain(cell.pages_reserved for cell in cells)),
            pages_used=tuple(chain(cell.pages_used for cell in cells)),
            **facts,
        )

    def cell(self, index: int) -> HostCell:
        """Give the cell at an index, which is not its id."""
        start, end = self.layout.form.page_starts[index : index + 2]
        return HostCell(
            self.layout.cells[index],
            self.memory_mb[index],
            self.memory_used_mb[index],
            self.shared_used[index],
            self.pinned[index],
            self.pages_total[start:end],
            self.pages_reserved[start:end],
            self.pages_used[start:end],
        )

    @property
    def cells(self) -> tuple[HostCell, ...]:
        """All cells, made anew at each call."""
        return tuple(map(self.cell, range(len(self.layout.form.ids))))
