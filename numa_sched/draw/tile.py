"""A host as a small tile, for pages of many."""

import dataclasses
from collections.abc import Sequence

from numa_sched import cpumask
from numa_sched.draw.cell import CPUState, DrawnCell
from numa_sched.draw.picture import Picture

WIDTH = 232
# A CPU, and from one to the next.
SIZE, STEP = 6, 8
CELL_GAP = 8
CELL_FRAME = 3
MOST_BELOW = 4

# How many cells stand side by side, by how many there are.
_ACROSS = ((1, 1), (4, 2), (16, 4))
_SQUARE = f'h{SIZE}v{SIZE}h-{SIZE}z'

CLASSES = {
    CPUState.FREE: 'free',
    CPUState.EITHER: 'either',
    CPUState.PINNED: 'pinned',
    CPUState.SHARED: 'shared',
}


@dataclasses.dataclass(frozen=True, slots=True)
class Tile:
    """A host in little.

    ``paths`` are what SVG calls so, one for each state of CPUs, with the name
    of the state; ``frames`` is one around each cell.
    """

    drawn: Picture
    height: int
    frames: str
    paths: tuple[tuple[str, str], ...]
    memory: int
    huge: int


def tile(drawn: Picture) -> Tile:
    """Give the tile of a host."""
    cells = drawn.cells
    across = next(
        (columns for most, columns in _ACROSS if len(cells) <= most), 8
    )
    width = (WIDTH - (across - 1) * CELL_GAP) // across
    paths: dict[CPUState, list[str]] = {}
    frames: list[str] = []
    top = 0
    for start in range(0, len(cells), across):
        row = cells[start : start + across]
        below = max(
            _squares(
                cell,
                index * (width + CELL_GAP) + CELL_FRAME,
                top + CELL_FRAME,
                width - 2 * CELL_FRAME,
                paths,
            )
            for index, cell in enumerate(row)
        )
        height = below - top + CELL_FRAME
        frames.extend(
            f'M{index * (width + CELL_GAP)} {top}h{width}v{height}h-{width}z'
            for index in range(len(row))
        )
        top += height + CELL_GAP
    room = drawn.room
    return Tile(
        drawn,
        max(top - CELL_GAP, 0),
        ''.join(frames),
        tuple(
            (CLASSES[state], ''.join(paths[state]))
            for state in CLASSES
            if state in paths
        ),
        _used(room.memory_mb, room.memory_total_mb),
        _used(room.huge_kb, room.huge_total_kb),
    )


def _squares(
    cell: DrawnCell,
    left: int,
    top: int,
    width: int,
    paths: dict[CPUState, list[str]],
) -> int:
    """Add the CPUs of a cell to the paths; give where they end below."""
    threads = max(map(int.bit_count, cell.masks), default=1)
    core = -(-threads // MOST_BELOW)
    below = -(-threads // core)
    across = max((width + STEP - SIZE) // (core * STEP), 1)
    # Rows of the same length, not a long one and a rest.
    rows = max(-(-len(cell.masks) // across), 1)
    across = -(-len(cell.masks) // rows)
    state_of = {
        cpu: state for state, mask in cell.states for cpu in cpumask.ids(mask)
    }
    # A little more from core to core than from thread to thread.
    high = below * STEP + 2
    for index, mask in enumerate(cell.masks):
        x = left + index % across * core * STEP
        y = top + index // across * high
        for thread, cpu in enumerate(cpumask.ids(mask)):
            paths.setdefault(state_of[cpu], []).append(
                f'M{x + thread // below * STEP} '
                f'{y + thread % below * STEP}{_SQUARE}'
            )
    return top + rows * high - 2 - (STEP - SIZE)


def _used(free: int, total: int) -> int:
    """Give how much of a bar is in use; all, if more is than there is."""
    used = total - max(free, 0)
    if not used or not total:
        return 0
    return min(max(WIDTH * used // total, 1), WIDTH - (free > 0))


def rows(tiles: Sequence[Tile], across: int) -> list[Sequence[Tile]]:
    """Give tiles in rows."""
    return [
        tiles[start : start + across] for start in range(0, len(tiles), across)
    ]
