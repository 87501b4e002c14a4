"""A host once a guest has come to it, or has left it."""

import dataclasses
from collections.abc import Sequence
from typing import Protocol

from numa_sched.fit.claim import Claim
from numa_sched.fit.devices import pools_after
from numa_sched.topology import Guest, Host, ThreadPolicy


class Held(Protocol):
    """What a cell of a guest holds of a cell of its host."""

    @property
    def cell(self) -> int:
        """The id of the host cell."""

    @property
    def pinned(self) -> int:
        """The mask of its host CPUs."""

    @property
    def page_size_kb(self) -> int | None:
        """The size of its pages, None if it never asked."""


def host_after(claim: Claim) -> Host:
    """Give the host of a claim as it is once the claim has arrived."""
    host, starts = claim.host, claim.host.layout.form.page_starts
    used = _Used(host)
    for index, cell in zip(claim.indexes, claim.cells_after(), strict=True):
        used.memory_mb[index] = cell.memory_used_mb
        used.shared[index] = cell.shared_used
        used.pinned[index] = cell.pinned
        used.pages[starts[index] : starts[index + 1]] = cell.pages_used
    after = used.host()
    if not claim.guest.devices:
        return after
    return dataclasses.replace(after, pools=pools_after(claim))


def host_without(host: Host, guest: Guest, held: Sequence[Held]) -> Host:
    """Give a host once a guest has left; its devices stay where they are.

    What is told of cells that the host does not have, or that leaves less
    than nothing in use, does not count. Source:
    ``nova.virt.hardware.numa_usage_from_instance_numa``, which frees.

    :param held: one for each cell of the guest
    """
    form, cells = host.layout.form, host.layout.cells
    used = _Used(host)
    index_of = {cell: index for index, cell in enumerate(form.ids)}
    for wanted, seat in zip(guest.cells, held, strict=True):
        if seat.cell not in index_of:
            continue
        index = index_of[seat.cell]
        used.memory_mb[index] = max(
            used.memory_mb[index] - wanted.memory_mb, 0
        )
        used.shared[index] = max(used.shared[index] - wanted.shared, 0)
        freed = seat.pinned
        if wanted.thread_policy is ThreadPolicy.ISOLATE:
            for core in cells[index].siblings:
                if core & seat.pinned:
                    freed |= core
        used.pinned[index] &= ~freed
        sizes = form.page_sizes_kb[index]
        size_kb = seat.page_size_kb or min(sizes, default=None)
        if size_kb in sizes:
            at = form.page_starts[index] + sizes.index(size_kb)
            pages = wanted.memory_mb * 1024 // size_kb
            used.pages[at] = max(used.pages[at] - pages, 0)
    return used.host()


class _Used:
    """What is in use of a host, cell by cell, to be changed."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.memory_mb = list(host.memory_used_mb)
        self.shared = list(host.shared_used)
        self.pinned = list(host.pinned)
        self.pages = list(host.pages_used)

    def host(self) -> Host:
        """Give the host with it."""
        return dataclasses.replace(
            self._host,
            memory_used_mb=tuple(self.memory_mb),
            shared_used=tuple(self.shared),
            pinned=tuple(self.pinned),
            pages_used=tuple(self.pages),
        )
