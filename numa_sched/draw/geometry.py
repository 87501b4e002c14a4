"""Where in an SVG what of a host stands, in pixels."""

import dataclasses
import itertools
import math
import textwrap
from collections.abc import Sequence

from numa_sched.draw.cell import CPU, Bar, DrawnCell

# The box of a CPU; cores have a frame around theirs, and a gap between them.
CPU_SIZE = 30
CPU_GAP = 2
CORE_FRAME = 3
CORE_GAP = 6
# The threads of a core stand below each other, up to so many.
MOST_BELOW = 4

# A cell keeps its inside from its frame, and has lines of text in it. It is
# wide enough for the numbers of a bar.
MARGIN = 14
LINE = 18
BAR = 38
BAR_HEIGHT = 10
NARROWEST = 396
# About how wide a letter is, to know what has no room in a line.
LETTER = 7


@dataclasses.dataclass(frozen=True, slots=True)
class Box:
    """A CPU and where its box stands."""

    cpu: CPU
    x: int
    y: int


@dataclasses.dataclass(frozen=True, slots=True)
class Core:
    """The frame of a core and the boxes in it."""

    x: int
    y: int
    width: int
    height: int
    boxes: tuple[Box, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """A line of text."""

    y: int
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class BarPlan:
    """A bar: where it stands, and how wide its parts are."""

    bar: Bar
    y: int
    used: int
    reserved: int


@dataclasses.dataclass(frozen=True, slots=True)
class CellPlan:
    """A cell as it is drawn; all in it is measured from its corner."""

    cell: DrawnCell
    width: int
    height: int
    lines: tuple[Line, ...]
    cores: tuple[Core, ...]
    bars: tuple[BarPlan, ...]

    @property
    def inside(self) -> int:
        """The width of what is in it."""
        return self.width - 2 * MARGIN


def _core_size(threads: int) -> tuple[int, int, int, int]:
    """Give columns, rows, width and height of a core of so many threads."""
    across = max(math.ceil(threads / MOST_BELOW), 1)
    below = math.ceil(threads / across)
    step = CPU_SIZE + CPU_GAP
    return (
        across,
        below,
        across * step - CPU_GAP + 2 * CORE_FRAME,
        below * step - CPU_GAP + 2 * CORE_FRAME,
    )


def plan(cell: DrawnCell) -> CellPlan:
    """Give the drawing of a cell, as wide as its cores want it."""
    threads = max(map(len, cell.cores), default=0)
    _, _, core_width, core_height = _core_size(threads)
    step = core_width + CORE_GAP
    inside = NARROWEST - 2 * MARGIN
    fit = max((inside + CORE_GAP) // step, 1)
    # About as high as it is wide, where there are many.
    like = math.ceil(
        math.sqrt(len(cell.cores) * 1.6 * core_height / core_width)
    )
    across = max(fit, like)
    across = math.ceil(
        len(cell.cores) / max(math.ceil(len(cell.cores) / across), 1)
    )
    inside = max(inside, across * step - CORE_GAP)
    y = 26
    lines = []
    for words in cell.cpus:
        y += LINE
        lines.append(Line(y, words))
    y += 12
    cores = tuple(
        _core(
            core,
            MARGIN + index % across * step,
            y + index // across * (core_height + CORE_GAP),
        )
        for index, core in enumerate(cell.cores)
    )
    if cores:
        y += math.ceil(len(cores) / across) * (core_height + CORE_GAP)
    bars = []
    for bar in cell.bars:
        used, reserved, _ = bar.parts(inside)
        bars.append(BarPlan(bar, y, used, reserved))
        y += BAR
    for words in cell.near:
        # Letters of other scripts are wider, and break anywhere.
        for part in textwrap.wrap(words, inside // LETTER):
            y += LINE
            lines.append(Line(y, part))
    return CellPlan(
        cell,
        inside + 2 * MARGIN,
        y + MARGIN,
        tuple(lines),
        cores,
        tuple(bars),
    )


def evened(plans: Sequence[CellPlan]) -> list[CellPlan]:
    """Give drawings of cells, equally high where they have as many cores."""
    heights: dict[int, int] = {}
    for each in plans:
        cores = len(each.cores)
        heights[cores] = max(heights.get(cores, 0), each.height)
    return [
        dataclasses.replace(each, height=heights[len(each.cores)])
        for each in plans
    ]


def cut(words: str, width: int) -> str:
    """Give as much of a text as has room in so many pixels."""
    most = max(width // LETTER, 1)
    return words if len(words) <= most else f'{words[: most - 1]}…'


def _core(core: Sequence[CPU], x: int, y: int) -> Core:
    _, below, width, height = _core_size(len(core))
    step = CPU_SIZE + CPU_GAP
    return Core(
        x,
        y,
        width,
        height,
        tuple(
            Box(
                cpu,
                x + CORE_FRAME + index // below * step,
                y + CORE_FRAME + index % below * step,
            )
            for index, cpu in enumerate(core)
        ),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Placed:
    """A cell and where it stands in a drawing of the whole host."""

    plan: CellPlan
    x: int
    y: int


def arranged(
    plans: Sequence[CellPlan], width: int, y: int, gap: int = 16
) -> tuple[tuple[Placed, ...], int]:
    """Give where cells stand in rows so wide, and where they end below."""
    placed: list[Placed] = []
    widest = max((each.width for each in plans), default=1)
    across = max((width + gap) // (widest + gap), 1)
    rows = math.ceil(len(plans) / across)
    across = math.ceil(len(plans) / rows) if rows else 1
    for start in range(0, len(plans), across):
        row = plans[start : start + across]
        height = max(each.height for each in row)
        placed.extend(
            Placed(
                dataclasses.replace(each, width=widest, height=height),
                index * (widest + gap),
                y,
            )
            for index, each in enumerate(row)
        )
        y += height + gap
    return tuple(placed), y


def extent(placed: Sequence[Placed]) -> int:
    """Give how wide cells are together."""
    return max(
        itertools.chain(
            (each.x + each.plan.width for each in placed), (NARROWEST,)
        )
    )
