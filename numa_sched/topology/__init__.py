"""Hosts and guests as values: what the rest of the core reasons about.

Everything here is frozen and checks itself when it is made, so that code
that holds such a value need not ask whether it makes sense. Memory is in
MiB, page sizes are in KiB, CPU sets are bit masks (:mod:`numa_sched.cpumask`).
"""

from numa_sched.topology.devices import (
    DeviceAffinity,
    DeviceKind,
    DevicePool,
    DeviceRequest,
)
from numa_sched.topology.form import HostForm
from numa_sched.topology.guest import (
    CPUPolicy,
    Guest,
    GuestCell,
    PageSize,
    ThreadPolicy,
)
from numa_sched.topology.host import CellLayout, Host, HostCell, HostLayout

__all__ = [
    'CPUPolicy',
    'CellLayout',
    'DeviceAffinity',
    'DeviceKind',
    'DevicePool',
    'DeviceRequest',
    'Guest',
    'GuestCell',
    'Host',
    'HostCell',
    'HostForm',
    'HostLayout',
    'PageSize',
    'ThreadPolicy',
]
