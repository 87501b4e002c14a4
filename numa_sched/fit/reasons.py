"""Why something does not fit: values that print as a sentence."""

import collections
import dataclasses
import enum
from collections.abc import Iterable
from typing import Literal, Protocol

from numa_sched.topology import PageSize


class Shortage(enum.Enum):
    """What one host cell has too little of for one guest cell.

    The value is the sentence, short of the words "cell N".
    """

    PAGE_SIZE = 'needs {pages}, which this cell does not have'
    PAGES = 'needs {needed} MiB in {pages}, {available} MiB free'
    PAGE_MULTIPLE = 'needs {needed} MiB, which is no multiple of {pages}'
    MEMORY = 'needs {needed} MiB of memory, {available} MiB free'
    MEMORY_TOTAL = 'needs {needed} MiB of memory, the cell has {available} MiB'
    MEMORY_RATIO = (
        'needs {needed} MiB of memory, {available} MiB left of what the '
        'allocation ratio allows'
    )
    DEDICATED_TOTAL = 'needs {needed} dedicated CPUs, the cell has {available}'
    DEDICATED = 'needs {needed} dedicated CPUs, {available} free'
    SHARED_TOTAL = 'needs {needed} shared CPUs, the cell has {available}'
    SHARED_RATIO = (
        'needs {needed} shared CPUs, {available} left of what the allocation '
        'ratio allows'
    )
    SIBLINGS = (
        'needs {needed} dedicated CPUs on sibling threads, {available} free '
        'on such threads'
    )
    NO_SIBLINGS = (
        'needs {needed} dedicated CPUs on sibling threads, the cell has no '
        'sibling threads'
    )
    CORES = 'needs {needed} cores of its own, {available} cores free'
    NO_CORES = (
        'needs {needed} cores of its own, which this host does not give: its '
        'cores have sibling threads and cpu_dedicated_set is in use'
    )
    UNKNOWN_CORES = (
        'needs {needed} dedicated CPUs, the host does not tell its cores'
    )


# The same for many hosts at once, so without what differs between them.
SUMMARIES = {
    Shortage.PAGE_SIZE: 'no {pages}',
    Shortage.PAGES: 'not enough free {pages} on one cell',
    Shortage.PAGE_MULTIPLE: 'memory of the guest is no multiple of {pages}',
    Shortage.MEMORY: 'not enough free memory on one cell',
    Shortage.MEMORY_TOTAL: 'cells with too little memory',
    Shortage.MEMORY_RATIO: 'memory allocation ratio reached on each cell',
    Shortage.DEDICATED_TOTAL: 'cells with too few dedicated CPUs',
    Shortage.DEDICATED: 'not enough free dedicated CPUs on one cell',
    Shortage.SHARED_TOTAL: 'cells with too few shared CPUs',
    Shortage.SHARED_RATIO: 'CPU allocation ratio reached on each cell',
    Shortage.SIBLINGS: 'not enough free sibling threads on one cell',
    Shortage.NO_SIBLINGS: 'no sibling threads',
    Shortage.CORES: 'not enough free cores on one cell',
    Shortage.NO_CORES: 'cores of its own are not given',
    Shortage.UNKNOWN_CORES: 'cores are not known',
}


def describe_pages(page_size: int | None) -> str:
    """Give a page size, or a kind of them, in an operator's words."""
    if page_size == PageSize.ANY:
        return 'pages of one size'
    if page_size == PageSize.LARGE:
        return 'huge pages'
    if page_size == PageSize.SMALL or page_size is None:
        return 'small pages'
    for unit, factor in (('GiB', 1024 * 1024), ('MiB', 1024)):
        if page_size % factor == 0:
            return f'{page_size // factor} {unit} pages'
    return f'{page_size} KiB pages'


@dataclasses.dataclass(frozen=True, slots=True)
class CellMisfit:
    """Why one guest cell does not fit one host cell."""

    shortage: Shortage
    needed: int
    available: int = 0
    page_size: int | None = None

    def __str__(self) -> str:
        return self.shortage.value.format(
            needed=self.needed,
            available=self.available,
            pages=describe_pages(self.page_size),
        )

    @property
    def summary(self) -> str:
        """What it comes to, short of the numbers of the host."""
        return SUMMARIES[self.shortage].format(
            pages=describe_pages(self.page_size)
        )


@dataclasses.dataclass(frozen=True, slots=True)
class TooFewCells:
    """The guest has more cells than the host."""

    needed: int
    available: int

    def __str__(self) -> str:
        return f'needs {self.needed} NUMA cells, the host has {self.available}'

    @property
    def summary(self) -> str:
        """What it comes to, short of the numbers of the host."""
        return f'fewer than {self.needed} NUMA cells'


@dataclasses.dataclass(frozen=True, slots=True)
class NoCellFits:
    """Guest cells that compete for fewer host cells than they need.

    ``guest_cells`` are indexes, ``host_cells`` the ids of the host cells that
    any of them fits, ``misfits`` pairs (id of a host cell, reason) for the
    host cells that none of them fits.
    """

    guest_cells: tuple[int, ...]
    host_cells: tuple[int, ...]
    misfits: tuple[tuple[int, CellMisfit], ...]

    def __str__(self) -> str:
        numbers = ', '.join(map(str, self.guest_cells))
        if len(self.guest_cells) == 1:
            head = f'guest cell {numbers} fits no host cell'
        else:
            head = (
                f'guest cells {numbers} have only '
                f'{len(self.host_cells)} host cells to share'
            )
        cells_by_misfit: dict[CellMisfit, list[int]] = {}
        for cell, misfit in self.misfits:
            cells_by_misfit.setdefault(misfit, []).append(cell)
        why = '; '.join(
            f'{misfit} (cell {", ".join(map(str, cells))})'
            for misfit, cells in cells_by_misfit.items()
        )
        return f'{head}: {why}' if why else head

    @property
    def summary(self) -> str:
        """What it comes to, short of the numbers of the host.

        Of several reasons it is the one that most host cells give; among
        equals the one that stands last in :class:`Shortage`.
        """
        if not self.misfits:
            return 'cells that fit are too few'
        if self.host_cells:
            return (
                f'only {len(self.host_cells)} of '
                f'{len(self.guest_cells)} cells fit: {self._main.summary}'
            )
        return self._main.summary

    @property
    def _main(self) -> CellMisfit:
        given = collections.Counter(
            misfit.shortage for _, misfit in self.misfits
        )
        rank = {shortage: place for place, shortage in enumerate(Shortage)}
        return max(
            (misfit for _, misfit in self.misfits),
            key=lambda misfit: (given[misfit.shortage], rank[misfit.shortage]),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Unreachable:
    """No set of cells that the guest fits satisfies a set constraint."""

    what: str

    def __str__(self) -> str:
        return f'no cells that the guest fits {self.what}'

    @property
    def summary(self) -> str:
        """What it comes to, which is the same for all hosts."""
        return str(self)


@dataclasses.dataclass(frozen=True, slots=True)
class TooManySets:
    """Looking for cells was given up before it came to an end."""

    def __str__(self) -> str:
        return (
            'no cells that it fits were found near its devices and networks '
            'by the time that the search was given up'
        )

    summary = property(__str__)


@dataclasses.dataclass(frozen=True, slots=True)
class ClaimRefused:
    """The guest fits, but the claim on the host will not find or take it."""

    why: str

    def __str__(self) -> str:
        return f'fits, but the claim of nova-compute {self.why}'

    @property
    def summary(self) -> str:
        """What it comes to, short of what the host makes of it."""
        return 'fits, but the claim of nova-compute would get it wrong'


@dataclasses.dataclass(frozen=True, slots=True)
class NoTopology:
    """The host reports no NUMA topology."""

    def __str__(self) -> str:
        return 'the host has no NUMA topology'

    summary = property(__str__)


@dataclasses.dataclass(frozen=True, slots=True)
class NoThreads:
    """Sibling threads are asked for on a host whose cores have none."""

    def __str__(self) -> str:
        return 'needs sibling threads, the host has none'

    summary = property(__str__)


@dataclasses.dataclass(frozen=True, slots=True)
class BadData:
    """What the host reports cannot be."""

    error: str

    def __str__(self) -> str:
        return f'its NUMA topology makes no sense: {self.error}'

    @property
    def summary(self) -> str:
        """What it comes to, short of what is wrong."""
        return 'NUMA topology makes no sense'


@dataclasses.dataclass(frozen=True, slots=True)
class NoCandidate:
    """Placement gave no allocation candidate for the host."""

    def __str__(self) -> str:
        return 'no allocation candidate is left'

    summary = property(__str__)


Reason = (
    TooFewCells
    | NoCellFits
    | Unreachable
    | TooManySets
    | ClaimRefused
    | NoTopology
    | NoThreads
    | BadData
    | NoCandidate
)


@dataclasses.dataclass(frozen=True, slots=True)
class Misfit:
    """A guest does not fit a host; falsy, so that it reads well in code."""

    reason: Reason

    def __bool__(self) -> Literal[False]:
        return False

    def __str__(self) -> str:
        return str(self.reason)


class Summed(Protocol):
    """A reason that can be told of many hosts at once."""

    @property
    def summary(self) -> str:
        """What it comes to, short of what differs between hosts."""


def summarize(reasons: Iterable[Summed]) -> str:
    """Give why hosts were dropped, grouped: "41 hosts: no 1 GiB pages; ...".

    The most frequent reason comes first, equal ones by name.
    """
    groups = collections.Counter(reason.summary for reason in reasons)
    return '; '.join(
        f'{count} host{"s" if count > 1 else ""}: {summary}'
        for summary, count in sorted(
            groups.items(), key=lambda item: (-item[1], item[0])
        )
    )
