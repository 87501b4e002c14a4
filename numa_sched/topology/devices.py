"""PCI devices: those that a host has free, and what a guest asks for."""

import dataclasses
import enum
from collections.abc import Hashable
from typing import NamedTuple

from numa_sched.topology.checks import require


class DeviceAffinity(enum.Enum):
    """How near PCI devices must be (``hw:pci_numa_affinity_policy``)."""

    LEGACY = 'legacy'
    REQUIRED = 'required'
    PREFERRED = 'preferred'
    SOCKET = 'socket'


DeviceKind = frozenset[tuple[str, Hashable]]
"""What tells devices apart: names and values, such as those of vendor and
product. Values that are text are in lower case, lists are frozen sets."""


class DevicePool(NamedTuple):
    """Free PCI devices of one kind; ``cell`` is None if no cell is told.

    ``provider`` is the resource provider that placement knows them by.
    """

    cell: int | None
    kind: DeviceKind
    # It hides a method of tuples, which nobody calls.
    count: int  # type: ignore[assignment]
    provider: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class DeviceRequest:
    """PCI devices that a guest asks for together.

    A device will do if it has all names and values of any of ``kinds``; one
    without any is content with all devices.
    """

    count: int = 1
    kinds: tuple[DeviceKind, ...] = (frozenset(),)
    affinity: DeviceAffinity = DeviceAffinity.LEGACY

    def __post_init__(self) -> None:
        require(self.count >= 0, f'a request for {self.count} PCI devices')
