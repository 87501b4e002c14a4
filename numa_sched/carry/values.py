"""What is carried out, and what a cloud shows of it meanwhile."""

import dataclasses
import enum
import itertools
from collections.abc import Mapping, Sequence
from typing import Protocol

from numa_sched.plan import Step, Waves


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """As much of a flavor as tells whether a server has been resized.

    ``memory_mb`` is in MiB; ``extra_specs`` is None if they are not known.
    """

    name: str
    vcpus: int
    memory_mb: int
    extra_specs: Mapping[str, str] | None = None

    def differs(self, other: 'Shape') -> bool:
        """Whether it is another flavor, as far as both are known."""
        if None in (self.extra_specs, other.extra_specs):
            return (self.name, self.vcpus, self.memory_mb) != (
                *(other.name, other.vcpus, other.memory_mb),
            )
        return self != other


@dataclasses.dataclass(frozen=True, slots=True)
class Task:
    """A step of a plan, with all that it relies on.

    ``number`` is its own in the plan, in which a server may move twice.
    ``uuid`` and ``name`` are those of the server, ``source`` and
    ``destination`` names of compute services, ``cells`` ids of the host cells
    that are expected, ``memory_mb`` what is copied, in MiB. ``vm_state`` is
    Nova's when the plan was made, None if it was not known.
    """

    number: int
    uuid: str
    name: str
    live: bool
    source: str
    destination: str
    shape: Shape
    vm_state: str | None = None
    cells: tuple[int, ...] = ()
    memory_mb: int = 0

    @property
    def told(self) -> str:
        """The server and its way, for people."""
        return f'{self.name} ({self.uuid}), {self.source} to ' + (
            self.destination
        )


Tasks = tuple[tuple[Task, ...], ...]
"""Waves of them."""


@dataclasses.dataclass(frozen=True, slots=True)
class Planned:
    """A plan to be carried out, and whether it leads to all that is wanted."""

    waves: Tasks
    reached: bool = True


def task(step: Step, number: int) -> Task:
    """Give a step of a plan as something to be carried out."""
    server = step.server
    flavor = server.flavor
    return Task(
        number,
        server.uuid,
        server.name,
        step.move.name == 'LIVE',
        step.source,
        step.destination,
        Shape(
            flavor.name,
            flavor.vcpus,
            flavor.memory_mb,
            dict(flavor.extra_specs),
        ),
        server.vm_state,
        step.cells,
        step.memory_mb,
    )


def tasks(waves: Waves) -> Tasks:
    """Give the waves of a plan as something to be carried out."""
    numbers = itertools.count(1)
    return tuple(
        tuple(task(step, next(numbers)) for step in wave) for wave in waves
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """A server as the cloud shows it: its host, its states, its flavor.

    ``fault`` is what Nova tells of a server in error, '' if nothing.
    """

    host: str | None
    vm_state: str
    task_state: str | None
    locked: bool
    shape: Shape
    fault: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Service:
    """A nova-compute as the cloud shows it."""

    up: bool
    enabled: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Migration:
    """A migration of a server; ``id`` grows, ``status`` is Nova's word."""

    id: int
    status: str


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """How much memory a live migration has to copy, and how much is left."""

    total_mb: int
    remaining_mb: int


class Cloud(Protocol):
    """What can be asked of a cloud, of its compute API.

    Everything raises ``RefusedError`` or ``UnansweredError``; after the
    latter, what was asked for may have begun all the same.
    """

    def server(self, uuid: str) -> Seen | None:
        """Give a server, None if there is none."""

    def service(self, host: str) -> Service | None:
        """Give the nova-compute of a host, None if there is none."""

    def migrations(self, uuid: str) -> Sequence[Migration]:
        """Give the newest migrations of a server, in any order."""

    def memory(self, uuid: str) -> Memory | None:
        """Give how far the live migration of a server is, None if unknown."""

    def why_failed(self, uuid: str) -> str:
        """Give what Nova tells of the last failure of a server, '' if none."""

    def migrate(self, task: Task) -> None:
        """Ask for a migration to its destination, which nothing forces."""

    def confirm(self, uuid: str) -> None:
        """Confirm a cold migration."""


class Fate(enum.Enum):
    """How a step has ended, or why it never began.

    It is done; its migration has failed, or the scheduler has refused it; the
    server is gone; something is other than planned; the API has refused or
    forbidden it; or nobody knows.
    """

    DONE = 'done'
    FAILED = 'failed'
    GONE = 'gone'
    CHANGED = 'changed'
    REFUSED = 'refused'
    FORBIDDEN = 'forbidden'
    UNKNOWN = 'unknown'


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """What has come of a step, with the reason unless it is done."""

    fate: Fate
    why: str = ''
