"""A host in a terminal: its cells side by side, then its servers."""

import math
import textwrap
from collections.abc import Iterator, Sequence

from rich import box
from rich.cells import chop_cells
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from numa_sched import cpumask
from numa_sched.draw.cell import CPU, CPUState, DrawnCell
from numa_sched.draw.look import Look
from numa_sched.draw.picture import Picture
from numa_sched.draw.words import amount

# Inside of the frame of a cell: with less, bars and numbers have no room;
# with more, only cores make use of it.
NARROWEST, WIDEST = 34, 54
# The frame, and what keeps its inside from it.
FRAME = 4


def show(console: Console, drawn: Sequence[Picture]) -> None:
    """Draw hosts, one below the other."""
    look = Look.of(console)
    for number, each in enumerate(drawn):
        if number:
            console.print()
        console.print(host(each, look), soft_wrap=False)


def host(drawn: Picture, look: Look) -> Group:
    """Give the drawing of a host."""
    parts: list[RenderableType] = [_head(drawn, look)]
    if drawn.problem is None:
        parts.append(_cells(drawn, look))
        parts.extend(_beside(drawn, look))
        parts.append(_key(drawn, look))
    if drawn.servers:
        parts.extend((Text(), _servers(drawn, look)))
    if drawn.notes:
        parts.append(Text())
    parts.extend(
        Text.assemble(look.loud('! '), look.text(note)) for note in drawn.notes
    )
    return Group(*parts)


def _head(drawn: Picture, look: Look) -> Text:
    # What is put to a text takes its style; to one of none, it keeps its own.
    head = Text().append_text(look.loud(drawn.name))
    if drawn.facts:
        head.append_text(look.text(f'  {", ".join(drawn.facts)}'))
    head.append('\n')
    return head.append_text(look.text('; '.join(drawn.words)))


def columns(cells: Sequence[DrawnCell], look: Look, chip: int) -> int:
    """Give how many cells stand side by side."""
    widest = max(NARROWEST, chip) + FRAME
    most = min(max(look.width // widest, 1), len(cells))
    # Rather two and two than three and one.
    return math.ceil(len(cells) / math.ceil(len(cells) / most))


def _cells(drawn: Picture, look: Look) -> Table:
    field = _field(drawn)
    chips = [
        _chip(max(map(len, cell.cores), default=0), field)
        for cell in drawn.cells
    ]
    across = columns(drawn.cells, look, max(chips))
    # All cores of a cell in one row, if there is room.
    wanted = max(
        len(cell.cores) * (chip + 1)
        for cell, chip in zip(drawn.cells, chips, strict=True)
    )
    inside = max(
        min(look.width // across - FRAME, max(WIDEST, wanted)), field + 2
    )
    insides = [
        list(_inside(cell, look, field, inside)) for cell in drawn.cells
    ]
    grid = Table.grid()
    for _ in range(across):
        grid.add_column(overflow='fold')
    for start in range(0, len(insides), across):
        row = insides[start : start + across]
        height = max(map(len, row)) + 2
        grid.add_row(
            *(
                Panel(
                    Group(*lines),
                    box=box.ROUNDED if look.boxes else box.ASCII,
                    title=_title(cell, look, inside),
                    title_align='left',
                    width=inside + FRAME,
                    height=height,
                    border_style='dim',
                )
                for cell, lines in zip(drawn.cells[start:], row, strict=False)
            )
        )
    return grid


def _field(drawn: Picture) -> int:
    """Give the width of a CPU's box: its number above, a mark in it."""
    cpus = [cpu for cell in drawn.cells for core in cell.cores for cpu in core]
    return max(
        (max(len(str(cpu.id)), len(cpu.mark)) for cpu in cpus), default=1
    )


def _chip(threads: int, field: int) -> int:
    """Give the width of a core: its threads, what parts them, its edges."""
    return threads * (field + 1) + 1 if threads else 0


def _inside(
    cell: DrawnCell, look: Look, field: int, width: int
) -> Iterator[Text]:
    """Give the lines in the frame of a cell."""
    if _title(cell, look, width) is None:
        yield from map(look.text, _folded(cell.title, width))
    for line in cell.cpus:
        yield from map(look.text, _folded(line, width))
    yield from _cores(cell, look, field, width)
    yield Text()
    yield from _bars(cell, look, width)
    for line in cell.near:
        yield from map(look.quiet, _folded(line, width))


def _title(cell: DrawnCell, look: Look, width: int) -> Text | None:
    """Give what stands in the frame of a cell; None if it has no room."""
    # One that is too long would be cut, and in no encoding but UTF-8.
    return look.text(cell.title) if len(cell.title) <= width - 2 else None


def _folded(words: str, width: int) -> list[str]:
    """Give words in lines; nothing but ASCII is taken to be parted at blanks.

    A letter may be as wide as two.
    """
    if words.isascii():
        return textwrap.wrap(words, width)
    return chop_cells(words, width)


def _cores(
    cell: DrawnCell, look: Look, field: int, width: int
) -> Iterator[Text]:
    """Give the cores of a cell, in rows of two lines: numbers, and marks."""
    # Where not even one core has room in a line it goes on in the next.
    most = max((width - 1) // (field + 1), 1)
    pieces = [
        core[start : start + most]
        for core in cell.cores
        for start in range(0, len(core), most)
    ]
    if not pieces:
        return
    chip = _chip(max(map(len, pieces)), field)
    across = max((width + 1) // (chip + 1), 1)
    across = math.ceil(len(pieces) / math.ceil(len(pieces) / across))
    for start in range(0, len(pieces), across):
        row = pieces[start : start + across]
        numbers = ' '.join(
            ' '.join(('', *(str(cpu.id).rjust(field) for cpu in core))).ljust(
                chip
            )
            for core in row
        )
        yield look.quiet(numbers.rstrip())
        line = Text()
        for core in row:
            line.append_text(_core(core, look, field))
            line.append(' ' * (chip + 1 - _chip(len(core), field)))
        line.rstrip()
        yield line


def _core(core: Sequence[CPU], look: Look, field: int) -> Text:
    left, right = look.edges(core[0], core[-1])
    line = Text().append_text(left)
    for before, cpu in zip((None, *core), core, strict=False):
        if before is not None:
            line.append_text(look.between(before, cpu))
        line.append(*look.inside(cpu, field))
    return line.append_text(right)


def _bars(cell: DrawnCell, look: Look, width: int) -> Iterator[Text]:
    """Give bars with what is used, reserved and free, as amounts."""
    names = ['used', 'free']
    if any(bar.reserved for bar in cell.bars):
        names.insert(1, 'reserved')
    rows = [
        [
            bar.amount(units)
            for units in (bar.used, bar.reserved, bar.free)[:: 4 - len(names)]
        ]
        for bar in cell.bars
    ]
    widths = [
        max(map(len, column)) for column in zip(names, *rows, strict=True)
    ]
    label = max(len(bar.short) for bar in cell.bars)
    left = width - label - 1 - sum(widths) - len(widths)
    long = max(min(left, 40), 0)
    yield look.quiet(' ' * (label + 1 + long) + _in_columns(names, widths))
    for bar, row in zip(cell.bars, rows, strict=True):
        line = look.text(f'{bar.short.ljust(label)} ')
        line.append_text(look.bar(bar, long))
        line.append(_in_columns(row, widths))
        yield line


def _in_columns(words: Sequence[str], widths: Sequence[int]) -> str:
    return ''.join(
        f' {word.rjust(width)}'
        for word, width in zip(words, widths, strict=True)
    )


def _beside(drawn: Picture, look: Look) -> Iterator[Text]:
    """Give what is of no cell."""
    if drawn.outside:
        yield look.text(
            f'{look.sign(CPUState.OUTSIDE)} CPUs '
            f'{cpumask.to_list(drawn.outside)}: {CPUState.OUTSIDE.value}'
        )
    for line in drawn.elsewhere:
        yield look.text(f'near no cell: {line}')


def _key(drawn: Picture, look: Look) -> Text:
    """Give what the signs mean, of those that are there."""
    said = [
        Text.assemble(
            look.chip(sign.mark, sign.colour)
            if sign.colour is not None
            else sign.mark or look.sign(sign.state),
            look.text(f' {sign.words}'),
        )
        for sign in drawn.key
        # Those have been told by their numbers.
        if sign.state is not CPUState.OUTSIDE
    ]
    # No sign stands in another line than what it means.
    lines = [Text()]
    for each in said:
        if lines[-1] and lines[-1].cell_len + 3 + each.cell_len > look.width:
            lines.append(Text())
        lines[-1].append('   ' if lines[-1] else '').append_text(each)
    return Text('\n').join(lines)


def _servers(drawn: Picture, look: Look) -> Table:
    table = Table(
        box=None, padding=(0, 2, 0, 0), header_style='dim', pad_edge=False
    )
    table.add_column('', overflow='fold')
    for title in ('server', 'cells', 'CPUs', 'memory', 'pages', 'flavor'):
        right = title == 'memory'
        table.add_column(
            title, overflow='fold', justify='right' if right else 'left'
        )
    for server in drawn.servers:
        table.add_row(
            look.chip(server.mark, server.colour),
            look.text(server.name),
            ','.join(map(str, server.cells)) or 'any',
            server.cpus or 'none',
            amount(server.memory_mb * 1024),
            server.pages or '-',
            look.text(server.flavor),
        )
    return table
