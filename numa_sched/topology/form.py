"""What hosts must have in common to be looked at together, in arrays.

Which numbers their CPUs have is not part of it.
"""

import dataclasses
import functools
import itertools
from typing import Any


@dataclasses.dataclass(frozen=True)
class HostForm:
    """The part of a host's layout that is no matter of the CPUs' numbers.

    Each field has an item for each cell, in the order of the layout's:
    ``shared`` and ``dedicated`` count CPUs, ``both`` tells whether these are
    the same ones, and the others are as in
    :class:`~numa_sched.topology.CellLayout`.
    """

    ids: tuple[int, ...]
    sockets: tuple[int | None, ...]
    shared: tuple[int, ...]
    dedicated: tuple[int, ...]
    both: tuple[bool, ...]
    threads_per_core: tuple[int, ...]
    cores_known: tuple[bool, ...]
    page_sizes_kb: tuple[tuple[int, ...], ...]

    @functools.cached_property
    def same_pages(self) -> bool:
        """Whether all cells have pages of the same sizes, in one order."""
        sizes = self.page_sizes_kb
        return all(each == sizes[0] for each in sizes)

    @functools.cached_property
    def has_threads(self) -> bool:
        """Whether any core has more than one thread for guests."""
        return max(self.threads_per_core) > 1

    @functools.cached_property
    def smallest_pages(self) -> tuple[int | None, ...]:
        """The index of each cell's smallest page size, None without pages."""
        return tuple(
            [
                sizes.index(min(sizes)) if sizes else None
                for sizes in self.page_sizes_kb
            ]
        )

    @functools.cached_property
    def page_starts(self) -> tuple[int, ...]:
        """Where the pages of each cell begin in columns of pages.

        And last where they end.
        """
        counts = map(len, self.page_sizes_kb)
        return tuple(itertools.accumulate(counts, initial=0))

    @functools.cached_property
    def packing(self) -> str:
        """The format of :attr:`numa_sched.topology.Host.packed`."""
        return f'{4 * len(self.ids) + 3 * self.page_starts[-1]}Q'

    @functools.cached_property
    def columns(self) -> dict[str, slice]:
        """Where each column stands in what is packed."""
        cells, pages = len(self.ids), self.page_starts[-1]
        widths = {
            'memory_mb': cells,
            'memory_used_mb': cells,
            'shared_used': cells,
            'pinned': cells,
            'pages_total': pages,
            'pages_reserved': pages,
            'pages_used': pages,
        }
        ends = itertools.accumulate(widths.values())
        return {
            name: slice(end - width, end)
            for (name, width), end in zip(widths.items(), ends, strict=True)
        }


@functools.lru_cache(maxsize=1024)
def host_form(*fields: tuple[Any, ...]) -> HostForm:
    """Give the form of these fields: the same object again, if it is known.

    So hosts can be put together by the identity of their forms. Forms that
    have been forgotten meanwhile are equal, which only takes longer.
    """
    return HostForm(*fields)
