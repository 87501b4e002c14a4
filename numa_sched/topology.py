"""Hosts and guests as values: what the rest of the core reasons about.

Everything here is frozen and checks itself when it is made, so that code
that holds such a value need not ask whether it makes sense. Memory is in
MiB, page sizes are in KiB, CPU sets are bit masks (:mod:`numa_sched.cpumask`).
"""

import dataclasses
import enum
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
    """The pages of one size on one host cell."""

    size_kb: int
    total: int
    used: int = 0
    reserved: int = 0

    def __post_init__(self):
        _require(self.size_kb > 0, f'a page size of {self.size_kb} KiB')
        _require(
            min(self.total, self.used, self.reserved) >= 0,
            f'a negative number of {self.size_kb} KiB pages',
        )

    @property
    def free_kb(self) -> int:
        """KiB in pages that are neither used nor reserved; may be below 0."""
        return (self.total - self.used - self.reserved) * self.size_kb

    @property
    def total_kb(self) -> int:
        """KiB in all pages of this size."""
        return self.total * self.size_kb


@dataclasses.dataclass(frozen=True, slots=True)
class HostCell:
    """One NUMA cell of a host and what is in use of it.

    ``shared`` and ``dedicated`` are the CPUs that shared and dedicated guest
    CPUs may run on; they are equal on a host in the old ``vcpu_pin_set``
    style and disjoint on any other. ``siblings`` are the threads of each
    core as far as guests may use them. ``pages`` is empty if the host tells
    nothing about pages; ``physnets`` is None if it tells nothing about
    networks.
    """

    id: int
    memory_mb: int
    memory_used_mb: int = 0
    socket: int | None = None
    shared: int = 0
    shared_used: int = 0
    dedicated: int = 0
    pinned: int = 0
    siblings: tuple[int, ...] = ()
    pages: tuple[Pages, ...] = ()
    physnets: frozenset[str] | None = None
    tunneled: bool = False

    def __post_init__(self):
        where = f'cell {self.id}: '
        _require(self.id >= 0, f'a cell id of {self.id}')
        _require(self.memory_mb >= 0, where + 'negative memory')
        _require(
            min(self.memory_used_mb, self.shared_used) >= 0,
            where + 'negative usage',
        )
        unknown = self.pinned & ~self.dedicated
        _require(
            not unknown,
            where + f'CPUs {cpumask.to_list(unknown)} are pinned but are '
            f'not dedicated CPUs of the cell',
        )
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

    @property
    def free(self) -> int:
        """Mask of the dedicated CPUs that are not pinned."""
        return self.dedicated & ~self.pinned

    @property
    def memory_free_mb(self) -> int:
        """Memory not in use, without overcommit; may be below 0."""
        return self.memory_mb - self.memory_used_mb

    @property
    def threads_per_core(self) -> int:
        """Threads of the widest core, at least 1."""
        return max((core.bit_count() for core in self.siblings), default=1)


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

    def __post_init__(self):
        seen: set[int] = set()
        cpus = 0
        for cell in self.cells:
            _require(cell.id not in seen, f'two cells have the id {cell.id}')
            seen.add(cell.id)
            both = cpus & (cell.shared | cell.dedicated)
            _require(
                not both,
                f'cell {cell.id}: CPUs {cpumask.to_list(both)} are in '
                f'another cell too',
            )
            cpus |= cell.shared | cell.dedicated
        for ratio in (self.cpu_allocation_ratio, self.ram_allocation_ratio):
            _require(
                math.isfinite(ratio) and ratio >= 0,
                f'an allocation ratio of {ratio}',
            )


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
