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
    memory_used_mb = list(host.memory_used_mb)
    shared_used = list(host.shared_used)
    pinned = list(host.pinned)
    pages_used = list(host.pages_used)
    for index, cell in zip(claim.indexes, claim.cells_after(), strict=True):
        memory_used_mb[index] = cell.memory_used_mb
        shared_used[index] = cell.shared_used
        pinned[index] = cell.pinned
        pages_used[starts[index] : starts[index + 1]] = cell.pages_used
    return dataclasses.replace(
        host,
        memory_used_mb=tuple(memory_used_mb),
        shared_used=tuple(shared_used),
        pinned=tuple(pinned),
        pages_used=tuple(pages_used),
        pools=pools_after(claim) if claim.guest.devices else host.pools,
    )


def host_without(host: Host, guest: Guest, held: Sequence[Held]) -> Host:
    """Give a host once a guest has left; its devices stay where they are.

    What is told of cells that the host does not have, or that leaves less
    than nothing in use, does not count. Source:
    ``nova.virt.hardware.numa_usage_from_instance_numa``, which frees.

    :param held: one for each cell of the guest
    """
    form, cells = host.layout.form, host.layout.cells
    memory_used_mb = list(host.memory_used_mb)
    shared_used = list(host.shared_used)
    pinned = list(host.pinned)
    pages_used = list(host.pages_used)
    index_of = {cell: index for index, cell in enumerate(form.ids)}
    for wanted, seat in zip(guest.cells, held, strict=True):
        if seat.cell not in index_of:
            continue
        index = index_of[seat.cell]
        memory_used_mb[index] = max(
            memory_used_mb[index] - wanted.memory_mb, 0
        )
        shared_used[index] = max(shared_used[index] - wanted.shared, 0)
        freed = seat.pinned
        if wanted.thread_policy is ThreadPolicy.ISOLATE:
            for core in cells[index].siblings:
                if core & seat.pinned:
                    freed |= core
        pinned[index] &= ~freed
        sizes = form.page_sizes_kb[index]
        size_kb = seat.page_size_kb or min(sizes, default=None)
        if size_kb in sizes:
            at = form.page_starts[index] + sizes.index(size_kb)
            pages = wanted.memory_mb * 1024 // size_kb
            pages_used[at] = max(pages_used[at] - pages, 0)
    return dataclasses.replace(
        host,
        memory_used_mb=tuple(memory_used_mb),
        shared_used=tuple(shared_used),
        pinned=tuple(pinned),
        pages_used=tuple(pages_used),
    )
