"""What people see while a plan is carried out."""

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from numa_sched.draw.words import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from numa_sched.carry import Ended, Memory, Task


def tell(line: str) -> None:
    """Write a line for people, beside what a command gives out."""
    sys.stderr.write(f'{plain(line)}\n')


class Teller:
    """Tells each step in a line, and on a terminal how far it is in a bar."""

    def __init__(self, bars: 'Progress | None' = None):
        """Take the bars of a terminal, if there is one."""
        self._bars = bars
        self._shown: dict[int, TaskID] = {}

    def tell(self, line: str) -> None:
        """Write a line, above the bars."""
        if self._bars is None:
            tell(line)
        else:
            self._bars.console.print(
                plain(line), markup=False, highlight=False, soft_wrap=True
            )

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Show no bars meanwhile."""
        if self._bars is None:
            yield
            return
        self._bars.stop()
        try:
            yield
        finally:
            self._bars.start()

    def began(self, task: 'Task') -> None:
        """Hear of a step that goes on from now."""
        self.tell(f'begun: {task.told}')
        if self._bars is not None:
            self._shown[task.number] = self._bars.add_task(
                plain(task.name),
                total=task.memory_mb if task.live else None,
                left='',
            )

    def copied(self, task: 'Task', memory: 'Memory') -> None:
        """Hear how far a step is."""
        if self._bars is not None:
            self._bars.update(
                self._shown[task.number],
                total=memory.total_mb,
                completed=max(memory.total_mb - memory.remaining_mb, 0),
                left=f'{memory.remaining_mb} MiB left',
            )

    def ended(self, task: 'Task', ended: 'Ended') -> None:
        """Hear how a step has ended, or why it does not begin."""
        if self._bars is not None and task.number in self._shown:
            self._bars.remove_task(self._shown.pop(task.number))
        why = f': {ended.why}' if ended.why else ''
        self.tell(f'{ended.fate.value}: {task.told}{why}')


@contextlib.contextmanager
def telling() -> Iterator[Teller]:
    """Give what tells what goes on, on stderr."""
    if not sys.stderr.isatty():
        yield Teller()
        return
    from rich.console import Console

    with bars(Console(stderr=True)) as shown:
        yield Teller(shown)


def bars(console: 'Console') -> 'Progress':
    """Give bars with the memory that remains."""
    from rich.progress import BarColumn, Progress, TextColumn

    return Progress(
        TextColumn('{task.description}', markup=False),
        BarColumn(),
        TextColumn('{task.fields[left]}', markup=False),
        console=console,
        transient=True,
    )
