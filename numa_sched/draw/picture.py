"""What is to be seen of a host: values, in the order of the drawing."""

import dataclasses
import functools
import math
from collections.abc import Sequence

from numa_sched.draw.cell import Bar, CPUState, DrawnCell, DrawnServer
from numa_sched.draw.words import amount, counted


@dataclasses.dataclass(frozen=True, slots=True)
class Room:
    """What is left on a host, in numbers.

    A cell that has less than nothing left takes nothing from the others.
    """

    cpus: int
    cpus_total: int
    shared: int
    shared_total: int
    memory_mb: int
    memory_total_mb: int
    huge_kb: int
    huge_total_kb: int
    cells: int
    cells_total: int


@dataclasses.dataclass(frozen=True, slots=True)
class Sign:
    """What the box of a CPU looks like, and what that means."""

    state: CPUState
    words: str
    mark: str = ''
    colour: int | None = None


@dataclasses.dataclass(frozen=True)
class Picture:
    """A host as it is drawn.

    ``facts`` are words about it, ``outside`` the CPUs in no cell of it as a
    mask, ``elsewhere`` free devices of no cell, ``notes`` what does not match
    in the data. ``problem`` tells why there are no cells.
    """

    name: str
    facts: tuple[str, ...] = ()
    cells: tuple[DrawnCell, ...] = ()
    servers: tuple[DrawnServer, ...] = ()
    outside: int = 0
    elsewhere: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str | None = None

    @functools.cached_property
    def room(self) -> Room:
        """What is left on it."""
        cells = self.cells
        memory = [cell.bars[0] for cell in cells]
        huge = [bar for cell in cells for bar in _huge(cell)]
        return Room(
            cpus=sum(cell.free for cell in cells),
            cpus_total=sum(cell.dedicated for cell in cells),
            shared=math.floor(
                sum(
                    max(cell.shared_limit - cell.shared_used, 0)
                    for cell in cells
                )
            ),
            shared_total=math.floor(sum(cell.shared_limit for cell in cells)),
            memory_mb=sum(max(bar.free, 0) for bar in memory),
            memory_total_mb=sum(bar.total for bar in memory),
            huge_kb=sum(max(bar.free, 0) * bar.unit_kb for bar in huge),
            huge_total_kb=sum(bar.total * bar.unit_kb for bar in huge),
            cells=sum(cell.is_free for cell in cells),
            cells_total=len(cells),
        )

    @property
    def key(self) -> tuple[Sign, ...]:
        """What the boxes of its CPUs mean, of those that there are."""
        found: dict[CPUState, int] = {}
        held = several = 0
        for cell in self.cells:
            for state, mask in cell.states:
                found[state] = found.get(state, 0) | mask
        for server in self.servers:
            several |= held & server.pinned
            held |= server.pinned
        pinned = found.get(CPUState.PINNED, 0)
        known = held & ~several & pinned
        signs = []
        if known:
            first = next(each for each in self.servers if each.pinned & known)
            signs.append(
                Sign(
                    CPUState.PINNED,
                    'pinned, by server',
                    first.mark,
                    first.colour,
                )
            )
        if pinned & ~held:
            signs.append(
                Sign(CPUState.PINNED, 'pinned, by no server known here', '?')
            )
        if pinned & several:
            signs.append(
                Sign(CPUState.PINNED, 'pinned, by several servers', '!')
            )
        if self.outside:
            found[CPUState.OUTSIDE] = self.outside
        signs.extend(
            Sign(state, state.value)
            for state in CPUState
            if state in found and state is not CPUState.PINNED
        )
        return tuple(signs)

    @property
    def words(self) -> tuple[str, ...]:
        """What is left on it in words, one thing after the other."""
        if self.problem is not None:
            return (self.problem,)
        room = self.room
        said = []
        if room.cpus_total:
            said.append(
                f'{room.cpus} of {counted(room.cpus_total, "CPU")} free to pin'
            )
        if room.shared_total:
            said.append(
                f'{room.shared} of {room.shared_total} shared CPUs free'
            )
        said.append(
            f'{amount(room.memory_mb * 1024)} of '
            f'{amount(room.memory_total_mb * 1024)} memory free'
        )
        if room.huge_total_kb:
            said.append(
                f'{amount(room.huge_kb)} of {amount(room.huge_total_kb)} '
                f'in huge pages free'
            )
        said.append(
            f'{room.cells} of {counted(room.cells_total, "cell")} free'
        )
        return tuple(said)


# The largest pages that any kernel has for everything else.
_BASE_PAGE_KB = 64


def _huge(cell: DrawnCell) -> tuple[Bar, ...]:
    """Give the bars of the huge pages of a cell."""
    return tuple(
        bar
        for bar in cell.bars
        if bar.is_pages and bar.unit_kb > _BASE_PAGE_KB
    )


def in_all(drawn: Sequence[Picture]) -> str:
    """Give the words for what is left in all."""
    rooms = [each.room for each in drawn]
    return (
        f'Free, in {counted(len(drawn), "host")}: '
        f'{sum(room.cpus for room in rooms)} of '
        f'{sum(room.cpus_total for room in rooms)} CPUs to pin, '
        f'{amount(sum(room.memory_mb for room in rooms) * 1024)} of '
        f'{amount(sum(room.memory_total_mb for room in rooms) * 1024)} '
        f'memory, '
        f'{sum(room.cells for room in rooms)} of '
        f'{counted(sum(room.cells_total for room in rooms), "cell")}'
    )
