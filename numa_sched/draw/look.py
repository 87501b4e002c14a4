"""What a terminal can show: which characters, and whether in colours."""

import dataclasses

from rich.console import Console
from rich.style import Style
from rich.text import Text

from numa_sched.draw.cell import CPU, Bar, CPUState
from numa_sched.draw.marks import PALETTE
from numa_sched.draw.words import encodable

_PLAIN = Style()
_DIM = Style(dim=True)
_STRONG = Style(bold=True)
_ODD = Style(bold=True, reverse=True)
# Not bold: terminals of few colours make grey of bold black.
_SERVERS = tuple(Style(color='#000000', bgcolor=fill) for fill in PALETTE)
_EDGES = tuple(Style(color=fill) for fill in PALETTE)

# By state: what stands in a CPU of no server, where there are box characters
# and where there are none.
_SIGNS = {
    CPUState.FREE: ('·', '.'),
    CPUState.EITHER: (':', ':'),
    CPUState.SHARED: ('░', 's'),
    CPUState.OUTSIDE: ('\N{MULTIPLICATION SIGN}', 'x'),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """How things look in a terminal.

    Nothing is told by colour alone: the characters are the same without.
    """

    width: int = 80
    boxes: bool = True
    colours: bool = False
    encoding: str = 'utf-8'

    @classmethod
    def of(cls, console: Console) -> 'Look':
        """Give what a console can show."""
        return cls(
            console.width,
            not console.options.ascii_only,
            console.color_system is not None and not console.no_color,
            console.encoding,
        )

    def text(self, words: str, style: Style = _PLAIN) -> Text:
        """Give words that can be written here."""
        return Text(encodable(words, self.encoding), style, overflow='fold')

    def quiet(self, words: str) -> Text:
        """Give words that are beside the point."""
        return self.text(words, _DIM)

    def loud(self, words: str) -> Text:
        """Give words that are seen first."""
        return self.text(words, _STRONG)

    def sign(self, state: CPUState, width: int = 1) -> str:
        """Give what stands in a CPU of no server."""
        sign = _SIGNS[state][not self.boxes]
        if state is CPUState.SHARED and self.boxes:
            return sign * width
        return sign.rjust(width)

    def inside(self, cpu: CPU, width: int) -> tuple[str, Style]:
        """Give what stands in the box of a CPU, and how it looks."""
        if cpu.state is not CPUState.PINNED:
            style = _PLAIN if cpu.state is CPUState.FREE else _DIM
            return self.sign(cpu.state, width), style
        if cpu.colour is None:
            return cpu.mark.rjust(width), _ODD
        return cpu.mark.rjust(width), _SERVERS[cpu.colour]

    def edges(self, first: CPU, last: CPU) -> tuple[Text, Text]:
        """Give the left and the right edge of a core."""
        return self._edge(first, '[▐'), self._edge(last, ']▌')

    def _edge(self, cpu: CPU, signs: str) -> Text:
        if self.colours and self.boxes and cpu.colour is not None:
            return Text(signs[1], _EDGES[cpu.colour])
        return Text(signs[0], _DIM)

    def between(self, left: CPU, right: CPU) -> Text:
        """Give what stands between two threads of a core."""
        if left.colour is not None and left.owners == right.owners:
            return Text(' ', _SERVERS[left.colour])
        return Text(' ')

    def chip(self, mark: str, colour: int | None) -> Text:
        """Give the sign of a server, for a legend."""
        if colour is None:
            return self.quiet('-')
        return Text(mark, _SERVERS[colour])

    def bar(self, bar: Bar, width: int) -> Text:
        """Give a bar: used, reserved, free."""
        used, reserved, free = bar.parts(width)
        signs = '█▒─' if self.boxes else '#=-'
        return Text.assemble(
            signs[0] * used,
            signs[1] * reserved,
            (signs[2] * free, _DIM),
        )
