"""The text format of Prometheus, for the textfile collector."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numa_sched.answers import Capacities

_ESCAPED = str.maketrans({'\\': r'\\', '"': r'\"', '\n': r'\n'})


def text(found: 'Capacities') -> str:
    """Give gauges of the room on each host."""
    return ''.join(
        (
            *_gauge(
                'numa_sched_room_servers',
                'More servers of a flavor that have room on a host.',
                (
                    (
                        {'flavor': name, 'host': each.host.nodename},
                        each.guests,
                    )
                    for name, rooms in found.rooms.items()
                    for each in rooms
                    if each.guests is not None
                ),
            ),
            *_gauge(
                'numa_sched_free_dedicated_cpus',
                'Dedicated CPUs of a host that nobody has.',
                (
                    ({'host': each.host.nodename}, each.free)
                    for each in found.stranded
                ),
            ),
            *_gauge(
                'numa_sched_stranded_dedicated_cpus',
                'Dedicated CPUs of a host that nobody has and no flavor uses.',
                (
                    ({'host': each.host.nodename}, each.stranded)
                    for each in found.stranded
                ),
            ),
        )
    )


def _gauge(
    name: str, help: str, samples: Iterable[tuple[dict[str, str], int]]
) -> Iterator[str]:
    yield f'# HELP {name} {help}\n# TYPE {name} gauge\n'
    for labels, value in samples:
        told = ','.join(
            f'{key}="{label.translate(_ESCAPED)}"'
            for key, label in labels.items()
        )
        yield f'{name}{{{told}}} {value}\n'
