"""Requests for which no host was found: as values, and as lines of a file.

A line is one JSON object. Whoever reads takes a line that is none, be it torn
or of a version that is not known, for nothing.
"""

import collections
import dataclasses
import datetime
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from numa_sched.exceptions import NotFoundError
from numa_sched.fit.reasons import Summed, describe_pages
from numa_sched.topology import GuestCell

VERSION = 1

MAX_LINE = 64 * 1024
"""Bytes of a line, its end left out."""

MAX_HOSTS = 100
"""The hosts that are told one by one; all of them count in their groups."""

MAX_GROUPS = 20
MAX_NAMES = 10
MAX_WANTED = 20
MAX_FILTERS = 30
MAX_TEXT = 300
"""Characters of anything that is told."""


class Dropped(NamedTuple):
    """A host that was dropped, and why."""

    host: str
    node: str
    why: str


class Filtered(NamedTuple):
    """What a filter made of the hosts that came to it: how many it left."""

    name: str
    hosts: int
    left: int


class Group(NamedTuple):
    """Hosts dropped for the same reason: how many, and the first few."""

    hosts: int
    why: str
    names: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """A request for which no host was found.

    ``when`` is in seconds since 1970. A request for several servers is named
    after the ``first`` of them, ``server`` is the one that found no host.
    ``why`` says where it came to an end, ``filters`` what those of Nova and of
    others made of the hosts, as far as is known. ``groups`` are of the hosts
    that this package dropped, the largest first, and ``hosts`` the first of
    these hosts.
    """

    server: str
    when: float
    why: str
    first: str = ''
    project: str = ''
    flavor: str = ''
    wanted: tuple[str, ...] = ()
    filters: tuple[Filtered, ...] = ()
    groups: tuple[Group, ...] = ()
    hosts: tuple[Dropped, ...] = ()

    @property
    def dropped(self) -> int:
        """How many hosts were dropped."""
        return sum(group.hosts for group in self.groups)


def told_of(
    dropped: Iterable[tuple[str, str, Summed]], more: int = 0
) -> tuple[tuple[Group, ...], tuple[Dropped, ...]]:
    """Give hosts that were dropped in groups, and the first of them.

    :param dropped: host, node and reason of each
    :param more: how many more there are whose reasons were not looked for
    """
    hosts: list[Dropped] = []
    names: dict[str, list[str]] = {}
    counts: collections.Counter[str] = collections.Counter()
    for host, node, reason in dropped:
        why = reason.summary
        counts[why] += 1
        named = names.setdefault(why, [])
        if len(named) < MAX_NAMES:
            named.append(host)
        if len(hosts) < MAX_HOSTS:
            hosts.append(Dropped(host, node, str(reason)))
    groups = [
        Group(count, why, tuple(names[why]))
        for why, count in sorted(
            counts.items(), key=lambda each: (-each[1], each[0])
        )
    ]
    other = groups[MAX_GROUPS:]
    groups = groups[:MAX_GROUPS]
    if other:
        count = sum(group.hosts for group in other)
        groups.append(Group(count, 'other reasons', ()))
    if more:
        groups.append(Group(more, 'not looked into', ()))
    return tuple(groups), tuple(hosts)


def describe_cells(cells: Sequence[GuestCell]) -> str:
    """Give the NUMA cells that a guest asks for, in words."""
    many = f'{len(cells)} NUMA cell{"s" if len(cells) != 1 else ""}'
    told = [_describe(cell) for cell in cells]
    if len(set(told)) == 1:
        return f'{many} of {told[0]}'
    return f'{many}: {"; ".join(told)}'


def _describe(cell: GuestCell) -> str:
    amounts = [
        f'{number} {kind} CPU{"s" if number != 1 else ""}'
        for number, kind in (
            (cell.dedicated, 'dedicated'),
            (cell.shared, 'shared'),
        )
        if number
    ]
    pages = f' in {describe_pages(cell.page_size)}' if cell.page_size else ''
    return ' and '.join([*amounts, f'{cell.memory_mb} MiB{pages}'])


def dumps(refused: Refused) -> bytes:
    """Give a line, without its end: ASCII, :data:`MAX_LINE` bytes at most.

    Texts are cut, and where it is still too long hosts are left out, from the
    end, then groups, then the rest.
    """
    told = dataclasses.replace(
        refused,
        wanted=refused.wanted[:MAX_WANTED],
        filters=refused.filters[:MAX_FILTERS],
        hosts=refused.hosts[:MAX_HOSTS],
    )
    while len(line := _line(told)) > MAX_LINE:
        for name in ('hosts', 'groups', 'wanted', 'filters'):
            values = getattr(told, name)
            if values:
                half = {name: values[: len(values) // 2]}
                told = dataclasses.replace(told, **half)
                break
    return line


def _line(refused: Refused) -> bytes:
    when = datetime.datetime.fromtimestamp(refused.when, datetime.UTC)
    return json.dumps(
        {
            'version': VERSION,
            'when': when.isoformat(timespec='milliseconds'),
            'server': _cut(refused.server),
            'first': _cut(refused.first),
            'project': _cut(refused.project),
            'flavor': _cut(refused.flavor),
            'wanted': list(map(_cut, refused.wanted)),
            'why': _cut(refused.why),
            'filters': [
                {**each._asdict(), 'name': _cut(each.name)}
                for each in refused.filters
            ],
            'groups': [
                {
                    'hosts': each.hosts,
                    'why': _cut(each.why),
                    'names': list(map(_cut, each.names)),
                }
                for each in refused.groups
            ],
            'hosts': [
                {name: _cut(text) for name, text in each._asdict().items()}
                for each in refused.hosts
            ],
        }
    ).encode()


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f'{text[: MAX_TEXT - 3]}...'


def loads(line: bytes) -> Refused | None:
    """Give what a line tells, None if it tells no refusal."""
    try:
        told = json.loads(line)
        if told['version'] != VERSION:
            return None
        when = datetime.datetime.fromisoformat(told['when'])
        return Refused(
            server=_text(told['server']),
            when=when.timestamp(),
            why=_text(told['why']),
            first=_text(told['first']),
            project=_text(told['project']),
            flavor=_text(told['flavor']),
            wanted=tuple(map(_text, told['wanted'])),
            filters=tuple(
                Filtered(
                    _text(each['name']), int(each['hosts']), int(each['left'])
                )
                for each in told['filters']
            ),
            groups=tuple(
                Group(
                    int(each['hosts']),
                    _text(each['why']),
                    tuple(map(_text, each['names'])),
                )
                for each in told['groups']
            ),
            hosts=tuple(
                Dropped(*(_text(each[name]) for name in Dropped._fields))
                for each in told['hosts']
            ),
        )
    except (
        ArithmeticError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ):
        return None


def _text(told: Any) -> str:
    if not isinstance(told, str):
        raise TypeError('no text')
    return told


def newest(kept: Iterable[Refused], server: str = '') -> Refused | None:
    """Give the newest refusal, of a server if one is named.

    :param server: its UUID or the beginning of that; the first of several
        servers that were asked for at once will do, too
    :raises NotFoundError: if the UUIDs of several servers begin so
    """
    found = [
        (uuid, each)
        for each in kept
        if (uuid := _meant(each, server)) is not None
    ]
    exact = [(uuid, each) for uuid, each in found if uuid == server]
    meant = sorted({uuid for uuid, _ in found})
    if server and len(meant) > 1 and not exact:
        raise NotFoundError(
            f'the UUIDs of {len(meant)} servers begin with {server}: '
            f'{", ".join(meant[:MAX_NAMES])}'
        )
    # Of equals the last one.
    _, newest = max(
        reversed(exact or found),
        key=lambda each: each[1].when,
        default=(None, None),
    )
    return newest


def _meant(refused: Refused, server: str) -> str | None:
    """Give the UUID of a refusal that begins as is told, None if none does."""
    for uuid in refused.server, refused.first:
        if uuid.startswith(server):
            return uuid
    return None
