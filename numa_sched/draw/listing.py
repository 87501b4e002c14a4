"""A fleet in a terminal: a line for each host."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from numa_sched.draw.cell import Bar, DrawnCell
from numa_sched.draw.look import Look
from numa_sched.draw.picture import Picture, in_all
from numa_sched.draw.words import amount

# A cell is a bar as long as there is room for those of its host; else a level.
_LONGEST, _SHORTEST = 8, 3
_LEVELS = ('·▁▂▃▄▅▆▇█', '.12345678')


TITLES = ('host', 'in use', 'CPUs', 'shared', 'memory', 'huge', 'cells')


def show(console: Console, drawn: Sequence[Picture]) -> None:
    """Draw hosts, each in a line, with what is left on it."""
    look = Look.of(console)
    # A line is as long as it is: what is cut off would not be seen at all.
    console.print(
        Text('\n').join(listing(drawn, look)),
        no_wrap=True,
        overflow='ignore',
        crop=False,
    )
    console.print(look.quiet(in_all(drawn)))


def listing(drawn: Sequence[Picture], look: Look) -> Iterator[Text]:
    """Give a line for the titles and one for each host.

    A table of rich takes three times as long, for a thousand hosts.
    """
    rows = [[look.quiet(title) for title in TITLES]]
    rows.extend(_row(each, look) for each in drawn)
    widths = [
        max(
            row[column].cell_len
            for row in rows
            # What is said instead of numbers may be longer than any.
            if column == 0 or len(row) == len(TITLES)
        )
        for column in range(len(TITLES))
    ]
    # What the other columns leave is for the cells; they are the second.
    most = max((len(each.cells) for each in drawn), default=0)
    left = look.width - sum(widths) - 2 * len(widths) + widths[1]
    left = max(left, most)
    for row, each in zip(rows[1:], drawn, strict=True):
        if each.problem is None:
            row[1] = _cells(each.cells, look, left)
            widths[1] = max(widths[1], row[1].cell_len)
    for row, state in zip(rows, ['', *map(_state, drawn)], strict=True):
        line = Text()
        for index, (cell, width) in enumerate(zip(row, widths, strict=False)):
            blank = ' ' * (width - cell.cell_len)
            # Words to the left, numbers to the right.
            line.append(blank if index > 1 else '')
            line.append_text(cell)
            line.append('  ' if index > 1 else f'{blank}  ')
        line.append_text(look.text(state))
        line.rstrip()
        yield line


def _state(drawn: Picture) -> str:
    """Give why a host is of no use, '' if it may be."""
    return ', '.join(
        fact for fact in drawn.facts if fact.startswith(('down', 'disabled'))
    )


def _row(drawn: Picture, look: Look) -> list[Text]:
    """Give what stands in a line, with the cells left out."""
    name = look.loud(drawn.name)
    if drawn.problem is not None:
        return [name, look.quiet(drawn.problem)]
    room = drawn.room
    return [
        name,
        Text(),
        _of(str(room.cpus), str(room.cpus_total), bool(room.cpus_total)),
        _of(str(room.shared), str(room.shared_total), bool(room.shared_total)),
        _of(
            amount(room.memory_mb * 1024), amount(room.memory_total_mb * 1024)
        ),
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


def _cells(cells: Sequence[DrawnCell], look: Look, width: int) -> Text:
    length = min(width // len(cells) - 1, _LONGEST)
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
    """Give how many CPUs there are and in use: those to pin, else shared."""
    if cell.dedicated:
        return cell.dedicated, cell.dedicated - cell.free
    return int(cell.shared_limit), cell.shared_used
