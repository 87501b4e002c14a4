"""What is to be seen of a cell: its CPUs, by whom they are held, its bars."""

import dataclasses
import enum
import functools

from numa_sched import cpumask
from numa_sched.draw.words import amount, counted, page_size, vcpus


class CPUState(enum.Enum):
    """What a host CPU is, in words."""

    FREE = 'free'
    EITHER = 'free, for pinned and for shared CPUs'
    PINNED = 'pinned'
    SHARED = 'shared'
    OUTSIDE = 'in no cell: not for guests, or offline'


@dataclasses.dataclass(frozen=True, slots=True)
class DrawnServer:
    """A server as it is shown.

    ``mark`` is '' and ``colour`` None if it has no CPUs of its own. ``name``
    is safe to print; ``pinned`` are the host CPUs that it holds, as a mask,
    ``cells`` the ids of its cells. ``shared`` counts its CPUs that float.
    """

    mark: str
    colour: int | None
    name: str
    uuid: str
    flavor: str
    pinned: int = 0
    cells: tuple[int, ...] = ()
    shared: int = 0
    memory_mb: int = 0
    pages: str = ''

    @property
    def cpus(self) -> str:
        """Its CPUs as a list, and how many float; '' for none."""
        own = cpumask.to_list(self.pinned) if self.pinned else ''
        floating = f'{self.shared} shared' if self.shared else ''
        return ' + '.join(filter(None, (own, floating)))

    @property
    def where(self) -> str:
        """Its cells and CPUs in words."""
        ids = ','.join(map(str, self.cells)) or 'any'
        cells = f'cells {ids}' if len(self.cells) > 1 else f'cell {ids}'
        return f'{cells}, {f"CPUs {self.cpus}" if self.cpus else "no CPUs"}'


@dataclasses.dataclass(frozen=True, slots=True)
class CPU:
    """A host CPU; ``owners`` are the servers that say they have it."""

    id: int
    state: CPUState
    owners: tuple[DrawnServer, ...] = ()

    @property
    def mark(self) -> str:
        """The letters of its server.

        '?' where no server is known, '!' where there are several.
        """
        if self.state is not CPUState.PINNED:
            return ''
        if len(self.owners) == 1:
            return self.owners[0].mark
        return '!' if self.owners else '?'

    @property
    def colour(self) -> int | None:
        """The colour of its server, None without, or with several."""
        return self.owners[0].colour if len(self.owners) == 1 else None

    @property
    def words(self) -> str:
        """What it is, in a sentence."""
        said = f'CPU {self.id}: {self.state.value}'
        if self.state is not CPUState.PINNED:
            return said
        if not self.owners:
            return f'{said}, by no server known here'
        names = ' and '.join(
            f'{server.name} ({server.mark})' for server in self.owners
        )
        return f'{said} by {names}'


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """Memory, or pages of one size: what is used and reserved of it.

    ``unit_kb`` is the size of one page, in KiB; ``total``, ``used`` and
    ``reserved`` count those. Memory has a unit of 1 MiB.
    """

    label: str
    unit_kb: int
    total: int
    used: int
    reserved: int = 0
    is_pages: bool = False

    @property
    def free(self) -> int:
        """What is neither used nor reserved; may be below 0."""
        return self.total - self.used - self.reserved

    @property
    def short(self) -> str:
        """What it is called where there is little room."""
        return self.label.removesuffix(' pages')

    def amount(self, units: int) -> str:
        """Give so many units of it as an amount of memory."""
        return amount(units * self.unit_kb)

    def parts(self, width: int) -> tuple[int, int, int]:
        """Give how much of a width is used, reserved and free.

        What is there at all is seen: no part but that of nothing is 0 as long
        as there is width for it.
        """
        parts = (self.used, self.reserved, max(self.free, 0))
        whole = sum(parts)
        if not whole:
            return 0, 0, 0
        shown = [width * part // whole for part in parts]
        for index, part in enumerate(parts):
            if part and not shown[index]:
                shown[index] = 1
        # What is left over, or taken too much, goes to the largest.
        shown[shown.index(max(shown))] += width - sum(shown)
        return shown[0], shown[1], shown[2]

    @property
    def words(self) -> str:
        """All of it in a sentence, exactly."""
        if self.is_pages:
            whole = self.amount(self.total)
            said = [
                f'{self.label}: {self.total} pages ({whole}B)',
                f'{self.used} used',
            ]
        else:
            said = [f'{self.label}: {self.total} MiB', f'{self.used} used']
        if self.reserved:
            said.append(f'{self.reserved} reserved')
        said.append(
            f'{self.free} free'
            if self.free >= 0
            else f'{-self.free} more than there is'
        )
        return ', '.join(said)


@dataclasses.dataclass(frozen=True)
class DrawnCell:
    """A cell of a host.

    ``masks`` are its CPUs by core, ``states`` by what they are, and
    ``servers`` those that hold any of them. ``shared_limit`` is how many
    shared CPUs its guests may have by the allocation ratio. ``no_pages`` are
    sizes of which there is no page, ``networks`` None if the host tells
    nothing of them.
    """

    id: int
    socket: int | None
    masks: tuple[int, ...]
    states: tuple[tuple[CPUState, int], ...]
    servers: tuple[DrawnServer, ...]
    bars: tuple[Bar, ...]
    dedicated: int
    free: int
    shared: int
    shared_used: int
    shared_limit: float
    no_pages: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    networks: tuple[str, ...] | None = None
    memory_used_mb: int = 0

    @functools.cached_property
    def cores(self) -> tuple[tuple[CPU, ...], ...]:
        """Its CPUs by core, each in the order of their ids."""
        # A fleet is drawn without: there may be a hundred thousand CPUs.
        owners: dict[int, tuple[DrawnServer, ...]] = {}
        for server in self.servers:
            for cpu in cpumask.ids(server.pinned):
                owners[cpu] = (*owners.get(cpu, ()), server)
        states = {
            cpu: state
            for state, mask in self.states
            for cpu in cpumask.ids(mask)
        }
        return tuple(
            tuple(
                CPU(cpu, states[cpu], owners.get(cpu, ()))
                for cpu in cpumask.ids(mask)
            )
            for mask in self.masks
        )

    @property
    def title(self) -> str:
        """What it is called."""
        socket = '' if self.socket is None else f', socket {self.socket}'
        return f'cell {self.id}{socket}'

    @property
    def is_free(self) -> bool:
        """Whether it is for guests and none is on it."""
        return bool(self.dedicated or self.shared) and (
            self.free == self.dedicated
            and not self.shared_used
            and not self.memory_used_mb
        )

    @property
    def cpus(self) -> tuple[str, ...]:
        """What is free of its CPUs, in words, a line for each kind."""
        lines = []
        if self.dedicated:
            lines.append(
                f'{self.free} of {counted(self.dedicated, "CPU")} free to pin'
            )
        if self.shared and (self.shared_used or not self.dedicated):
            lines.append(
                f'{self.shared_used} of {vcpus(self.shared_limit)} shared '
                f'CPUs used'
            )
        elif self.shared:
            lines.append(f'{vcpus(self.shared_limit)} shared CPUs unused')
        return tuple(lines) or ('no CPUs for guests',)

    @property
    def near(self) -> tuple[str, ...]:
        """What is near it beside CPUs and memory, in words, line by line."""
        lines = []
        if self.no_pages:
            lines.append(f'no pages of {", ".join(self.no_pages)}')
        if self.networks is not None:
            lines.append(f'networks: {", ".join(self.networks) or "none"}')
        lines.extend(self.devices)
        return tuple(lines)


def memory_bar(total_mb: int, used_mb: int) -> Bar:
    """Give the bar of a cell's memory."""
    return Bar('memory', 1024, total_mb, used_mb)


def pages_bar(size_kb: int, total: int, used: int, reserved: int) -> Bar:
    """Give the bar of pages of one size."""
    return Bar(
        f'{page_size(size_kb)} pages', size_kb, total, used, reserved, True
    )
