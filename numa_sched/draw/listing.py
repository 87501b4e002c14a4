"""A fleet in a terminal: a line for each host."""

import itertools
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.style import Style
from rich.text import Text

from numa_sched.draw.look import Look
from numa_sched.draw.picture import Bar, DrawnCell, Picture, in_all
from numa_sched.draw.words import amount

# A cell is a bar, as long as all cells have room for one; then a level.
_LONGEST, _SHORTEST = 8, 3
_LEVELS = ('·▁▂▃▄▅▆▇█', '.12345678')


TITLES = ('host', 'in use', 'CPUs', 'shared', 'memory', 'huge', 'cells')


def show(console: Console, drawn: Sequence[Picture]) -> None:
    """Draw hosts, each in a line, with what is left on it."""
    look = Look.of(console)
    # A line is as long as it is: what is cut off would not be seen at all.
    console.print(
        Text('\n').join(listing(drawn, look)), no_wrap=True, crop=False
    )
    console.print(look.quiet(in_all(drawn)))


def listing(drawn: Sequence[Picture], look: Look) -> Iterator[Text]:
    """Give a line for the titles and one for each host.

    A table of rich takes three times as long, for a thousand hosts.
    """
    most = max((len(each.cells) for each in drawn), default=1)
    # What the other columns need differs little.
    length = min(max(look.width - 64, 0) // max(most, 1) - 1, _LONGEST)
    rows = [[look.quiet(title) for title in TITLES]]
    rows.extend(_row(each, look, length) for each in drawn)
    widths = [
        max(cell.cell_len for cell in column)
        for column in itertools.zip_longest(
            # What is said instead of numbers may be long.
            *(row for row in rows if len(row) == len(TITLES)),
            fillvalue=Text(),
        )
    ]
    for row in rows:
        line = Text()
        for index, (cell, width) in enumerate(
            zip(row, widths, strict=False)
        ):
            blank = ' ' * (width - cell.cell_len)
            # Words to the left, numbers to the right.
            line.append(blank if index > 1 else '')
            line.append_text(cell)
            line.append('  ' if index > 1 else f'{blank}  ')
        line.rstrip()
        yield line


def _row(drawn: Picture, look: Look, length: int) -> list[Text]:
    name = look.loud(drawn.name)
    told = [fact for fact in drawn.facts if fact.startswith(('down', 'disab'))]
    if told:
        name.append_text(look.text(f' {", ".join(told)}', Style()))
    if drawn.problem is not None:
        return [name, look.text(drawn.problem)]
    room = drawn.room
    return [
        name,
        _cells(drawn.cells, look, length),
        _of(str(room.cpus), str(room.cpus_total), bool(room.cpus_total)),
        _of(str(room.shared), str(room.shared_total), bool(room.shared_total)),
        _of(amount(room.memory_mb * 1024), amount(room.memory_total_mb * 1024)),
        _of(
            amount(room.huge_kb),
            amount(room.huge_total_kb),
            bool(room.huge_total_kb),
        ),
        _of(str(room.cells), str(room.cells_total)),
    ]


def _of(free: str, total: str, is_there: bool = True) -> Text:
    if not is_there:
        return Text('-', 'dim')
    return Text.assemble((free, 'bold'), (f'/{total}', 'dim'))


def _cells(cells: Sequence[DrawnCell], look: Look, length: int) -> Text:
    if length >= _SHORTEST:
        return Text(' ').join(
            look.bar(Bar('CPUs', 1, *_used(cell)), length) for cell in cells
        )
    levels = _LEVELS[not look.boxes]
    line = Text()
    for cell in cells:
        total, used = _used(cell)
        # Full is what has nothing left, empty what has nothing in use.
        last = len(levels) - 1
        level = 0 if not used else max(used * last // max(total, used), 1)
        line.append(levels[level])
    return line


def _used(cell: DrawnCell) -> tuple[int, int]:
    """Give how many CPUs there are, to pin or else shared, and how many of
    them are in use.
    """
    if cell.dedicated:
        return cell.dedicated, cell.dedicated - cell.free
    return int(cell.shared_limit), cell.shared_used
