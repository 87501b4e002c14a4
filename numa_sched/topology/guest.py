"""What a guest asks for."""

import dataclasses
import enum

from numa_sched.topology.checks import require
from numa_sched.topology.devices import DeviceRequest


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

    def __post_init__(self) -> None:
        require(
            min(self.memory_mb, self.shared, self.dedicated) >= 0,
            'a guest cell asks for less than nothing',
        )
        # Nova takes a cell without CPUs for false once it has pinned it.
        require(
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
    ``physnets`` and ``tunneled`` are the networks that want to be near,
    ``devices`` the PCI devices that are asked for.
    """

    cells: tuple[GuestCell, ...]
    isolate_emulator: bool = False
    physnets: frozenset[str] = frozenset()
    tunneled: bool = False
    devices: tuple[DeviceRequest, ...] = ()

    def __post_init__(self) -> None:
        require(bool(self.cells), 'a guest without cells')

    @property
    def wants_devices(self) -> bool:
        """Whether any PCI device is asked for."""
        return bool(self.devices)

    def reserved(self, index: int) -> int:
        """Give the number of CPUs reserved beside a guest cell."""
        return int(self.isolate_emulator and index == 0)
