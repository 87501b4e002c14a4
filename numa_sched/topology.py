"""Hosts and guests as values: what the rest of the core reasons about.

Everything here is frozen and checks itself when it is made, so that code
that holds such a value need not ask whether it makes sense. Memory is in
MiB, page sizes are in KiB, CPU sets are bit masks (:mod:`numa_sched.cpumask`).
"""

import dataclasses
import enum
import functools
import math

from numa_sched import cpumask
from numa_sched.exceptions import TopologyError


class CPUPolicy(enum.Enum):
    """Whether the CPUs of a guest are its own (``hw:cpu_policy``)."""

    SHARED = 'shared'
    DEDICATED = 'dedicated'
    MIXED = 'mixed'


class ThreadPolicy(enum.Enum):
    """How a guest sits on sibling threads (``hw:cpu_thread_policy``)."""

    PREFER = 'prefer'
    REQUIRE = 'require'
    ISOLATE = 'isolate'


class PageSize(enum.IntEnum):
    """Page sizes asked for by kind; Nova's own numbers for them."""

    SMALL = -1
    LARGE = -2
    ANY = -3


def _require(truth: bool, message: str) -> None:
    if not truth:
        raise TopologyError(message)


@dataclasses.dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one size on one host cell, as the kernel set them aside."""

    size_kb: int
    total: int
    reserved: int = 0

    def __post_init__(self):
        _require(self.size_kb > 0, f'a page size of {self.size_kb} KiB')
        _require(
            min(self.total, self.reserved) >= 0,
            f'a negative number of {self.size_kb} KiB pages',
        )


@dataclasses.dataclass(frozen=True, slots=True)
class CellLayout:
    """What of a host cell stays the same while guests come and go.

    ``shared`` and ``dedicated`` are the CPUs that shared and dedicated guest
    CPUs may run on; they are equal on a host in the old ``vcpu_pin_set``
    style and disjoint on any other. ``siblings`` are the threads of each
    core as far as guests may use them. ``pages`` is empty if the host tells
    nothing about pages; ``physnets`` is None if it tells nothing about
    networks.

    ``threads_per_core`` is that of the widest core, ``cores_known`` whether
    every dedicated CPU belongs to a core, ``smallest_pages`` the index of the
    smallest page size, None without pages. Hosts of one kind share layouts.
    """

    id: int
    memory_mb: int
    socket: int | None = None
    shared: int = 0
    dedicated: int = 0
    siblings: tuple[int, ...] = ()
    pages: tuple[Pages, ...] = ()
    physnets: frozenset[str] | None = None
    tunneled: bool = False
    # What follows from the above, worked out once.
    threads_per_core: int = dataclasses.field(init=False)
    cores_known: bool = dataclasses.field(init=False)
    page_sizes_kb: tuple[int, ...] = dataclasses.field(init=False)
    smallest_pages: int | None = dataclasses.field(init=False)
    _hash: int = dataclasses.field(init=False, repr=False, compare=False)

    def __hash__(self):
        return self._hash

    def __post_init__(self):
        where = f'cell {self.id}: '
        _require(self.id >= 0, f'a cell id of {self.id}')
        _require(self.memory_mb >= 0, where + 'negative memory')
        cores = 0
        for core in self.siblings:
            _require(
                not core & cores,
                where + f'CPUs {cpumask.to_list(core & cores)} are threads '
                f'of two cores',
            )
            cores |= core
        unknown = cores & ~(self.dedicated | self.shared)
        _require(
            not unknown,
            where + f'sibling CPUs {cpumask.to_list(unknown)} are not in '
            f'the cell',
        )
        widest = max((core.bit_count() for core in self.siblings), default=1)
        sizes = tuple(pages.size_kb for pages in self.pages)
        for name, value in (
            ('threads_per_core', widest or 1),
            ('cores_known', bool(cores) and not self.dedicated & ~cores),
            ('page_sizes_kb', sizes),
            ('smallest_pages', sizes.index(min(sizes)) if sizes else None),
            ('_hash', hash((self.id, self.memory_mb, self.siblings))),
        ):
            object.__setattr__(self, name, value)


@dataclasses.dataclass(frozen=True, slots=True)
class HostCell:
    """One NUMA cell of a host and what is in use of it.

    ``pinned`` is the mask of dedicated CPUs that guests own; ``shared_used``
    counts the shared CPUs of guests, which may be more than there are.
    ``pages_used`` counts used pages of each size, in the order of the
    layout's ``pages``.
    """

    layout: CellLayout
    memory_used_mb: int = 0
    shared_used: int = 0
    pinned: int = 0
    pages_used: tuple[int, ...] = ()

    def __post_init__(self):
        layout = self.layout
        if self.memory_used_mb < 0 or self.shared_used < 0:
            raise TopologyError(f'cell {layout.id}: negative usage')
        if self.pinned & ~layout.dedicated:
            unknown = cpumask.to_list(self.pinned & ~layout.dedicated)
            raise TopologyError(
                f'cell {layout.id}: CPUs {unknown} are pinned but are not '
                f'dedicated CPUs of the cell'
            )
        if len(self.pages_used) != len(layout.pages) or (
            self.pages_used and min(self.pages_used) < 0
        ):
            raise TopologyError(
                f'cell {layout.id}: the pages used are {self.pages_used}'
            )

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
        return self.layout.memory_mb - self.memory_used_mb

    def pages_free_kb(self, index: int) -> int:
        """Give KiB in pages neither used nor reserved; may be below 0."""
        pages = self.layout.pages[index]
        free = pages.total - self.pages_used[index] - pages.reserved
        return free * pages.size_kb


# Hosts of one kind share their layouts, so one look at them is enough.
@functools.lru_cache(maxsize=4096)
def _check_apart(layouts: tuple[CellLayout, ...]) -> None:
    """Check that the cells of a host have nothing in common.

    :raises TopologyError: if they share an id or a CPU
    """
    seen: set[int] = set()
    cpus = 0
    for layout in layouts:
        _require(layout.id not in seen, f'two cells have the id {layout.id}')
        seen.add(layout.id)
        both = cpus & (layout.shared | layout.dedicated)
        _require(
            not both,
            f'cell {layout.id}: CPUs {cpumask.to_list(both)} are in another '
            f'cell too',
        )
        cpus |= layout.shared | layout.dedicated


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """A host as the scheduler sees it.

    ``devices`` maps a cell id, or None for no affinity, to the number of PCI
    devices that are free there.
    """

    name: str
    cells: tuple[HostCell, ...]
    cpu_allocation_ratio: float = 1.0
    ram_allocation_ratio: float = 1.0
    devices: tuple[tuple[int | None, int], ...] = ()

    @property
    def has_threads(self) -> bool:
        """Whether any core has more than one thread for guests."""
        return any(cell.layout.threads_per_core > 1 for cell in self.cells)

    @property
    def same_pages(self) -> bool:
        """Whether all cells have pages of the same sizes."""
        first = self.cells[0].layout.page_sizes_kb
        return all(cell.layout.page_sizes_kb == first for cell in self.cells)

    def __post_init__(self):
        _check_apart(tuple([cell.layout for cell in self.cells]))
        for ratio in (self.cpu_allocation_ratio, self.ram_allocation_ratio):
            if not 0 <= ratio < math.inf:
                raise TopologyError(f'an allocation ratio of {ratio}')


@dataclasses.dataclass(frozen=True, slots=True)
class GuestCell:
    """One NUMA cell that a guest asks for.

    ``shared`` and ``dedicated`` count guest CPUs. ``page_size`` is a
    :class:`PageSize`, a size in KiB, or None if the guest does not care.
    """

    memory_mb: int
    shared: int = 0
    dedicated: int = 0
    cpu_policy: CPUPolicy = CPUPolicy.SHARED
    thread_policy: ThreadPolicy | None = None
    page_size: int | None = None

    def __post_init__(self):
        _require(
            min(self.memory_mb, self.shared, self.dedicated) >= 0,
            'a guest cell asks for less than nothing',
        )
        # Nova takes a cell without CPUs for false once it has pinned it.
        _require(
            self.shared + self.dedicated > 0 or not self.pinned,
            'a pinned guest cell has no CPUs',
        )

    @property
    def pinned(self) -> bool:
        """Whether any CPU of the cell may be pinned."""
        return self.cpu_policy is not CPUPolicy.SHARED


@dataclasses.dataclass(frozen=True, slots=True)
class Guest:
    """What a server asks of a host's NUMA topology.

    ``isolate_emulator`` reserves one more CPU beside guest cell 0.
    ``physnets`` and ``tunneled`` are the networks that want to be near.
    ``wants_devices`` tells whether PCI devices are asked for.
    """

    cells: tuple[GuestCell, ...]
    isolate_emulator: bool = False
    physnets: frozenset[str] = frozenset()
    tunneled: bool = False
    wants_devices: bool = False

    def __post_init__(self):
        _require(bool(self.cells), 'a guest without cells')

    def reserved(self, index: int) -> int:
        """Give the number of CPUs reserved beside a guest cell."""
        return int(self.isolate_emulator and index == 0)
