"""``numa-sched explain --last``: what nova-scheduler has left word of."""

import argparse
import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from numa_sched.cli.base import Many, Several, listed
from numa_sched.exceptions import NotFoundError, SourceError

if TYPE_CHECKING:
    from numa_sched.history.refused import Refused

Row = Sequence[Any]
Rows = tuple[Sequence[str], list[Row]]

# What says something of a request, where the scheduler has said it all.
OF_REQUESTS = (
    *('flavor', 'image_property', 'cold', 'zone', 'aggregate', 'host'),
    'snapshot',
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that ask about a request of the past."""
    group = parser.add_argument_group('a request of the past')
    group.add_argument(
        '--last',
        action='store_true',
        help='tell why the scheduler found no host the last time, of any '
        'server, or of SERVER: its UUID or the beginning of that',
    )
    group.add_argument(
        '--refusals-file',
        metavar='PATH',
        help='with --last: where the scheduler has left word; by default '
        'what [numa_sched] refusals_file of nova.conf says',
    )


def problem(parsed_args: argparse.Namespace) -> str | None:
    """Give what is wrong with the options, None if nothing is."""
    if not parsed_args.last:
        return parsed_args.refusals_file and '--refusals-file goes with --last'
    for name in OF_REQUESTS:
        if getattr(parsed_args, name):
            return f'--last does not go with --{name.replace("_", "-")}'
    if parsed_args.by not in (None, 'host', 'reason'):
        return f'--last does not go with --by {parsed_args.by}'
    return None


def find(parsed_args: argparse.Namespace) -> 'Refused':
    """Give the refusal that is asked for.

    :raises NumaSchedError: if there is none, or nothing can be read
    """
    from numa_sched.history import refused, ring

    path = parsed_args.refusals_file or _configured(parsed_args)
    server = parsed_args.server or ''
    lines = map(refused.loads, ring.lines(path))
    found = refused.newest((each for each in lines if each), server)
    if found is None:
        whose = f' of a server whose UUID begins with {server}' * bool(server)
        raise NotFoundError(f'{path}.*: tells no refusal{whose}')
    return found


def _configured(parsed_args: argparse.Namespace) -> str:
    from oslo_config import cfg

    from numa_sched import conf

    config = cfg.ConfigOpts()
    conf.register_opts(config)
    arguments = [
        *(f'--config-file={path}' for path in parsed_args.config_file),
        *(f'--config-dir={path}' for path in parsed_args.config_dir),
    ]
    try:
        # Nova's files are looked for; Nova itself is not needed.
        config(arguments, project='nova', prog='numa-sched')
        path = config.numa_sched.refusals_file
    except (cfg.Error, ValueError) as error:
        raise SourceError(
            f'the configuration cannot be read: {" ".join(str(error).split())}'
        ) from error
    if not path:
        raise SourceError(
            'nova.conf has no [numa_sched] refusals_file: the scheduler '
            'leaves no word, or --refusals-file PATH is wanted'
        )
    return str(path)


def heading(found: 'Refused') -> Iterator[str]:
    """Give what is told above a table."""
    from numa_sched.draw.words import plain

    when = f'{_when(found):%Y-%m-%d %H:%M:%S} UTC'
    yield plain(f'{when}: no host was found for server {found.server}.')
    if found.first not in ('', found.server):
        yield plain(f'It was asked for together with server {found.first}.')
    asked = [f'flavor {found.flavor}'] if found.flavor else []
    asked += [f'project {found.project}'] if found.project else []
    asked += found.wanted
    if asked:
        yield plain(f'Asked for: {"; ".join(asked)}.')
    yield plain(f'Why: {found.why}.')
    if found.filters:
        left = (
            f'{each.name} left {each.left} of {each.hosts}'
            for each in found.filters
        )
        yield plain(f'Filters: {", ".join(left)}.')


def remark(found: 'Refused') -> Iterator[str]:
    """Give what is told below a table of hosts."""
    if found.dropped > len(found.hosts):
        yield (
            f'These are the first of {found.dropped} hosts that were dropped; '
            f'--by reason counts all of them.'
        )


def rows(found: 'Refused', by: str, *, in_table: bool) -> Rows:
    """Give columns, and a row for each host or reason.

    Beside a table the request is told; elsewhere each row tells it, and there
    is one where no host was looked at, too.
    """
    from numa_sched.draw.words import plain

    columns, told, none = _BY[by](found, plain if in_table else str)
    if in_table:
        return columns, told
    when = _when(found).isoformat(timespec='milliseconds')
    head = when, found.server, found.why
    return ('When', 'Server', 'Why', *columns), [
        (*head, *row) for row in told or [none]
    ]


Spell = Callable[[str], str]
Told = tuple[Sequence[str], list[Row], Row]


def _by_host(found: 'Refused', spell: Spell) -> Told:
    return (
        ('Host', 'Node', 'Reasons'),
        [
            (spell(each.host), spell(each.node), Many([spell(each.why)]))
            for each in found.hosts
        ],
        ('', '', Many([])),
    )


def _by_reason(found: 'Refused', spell: Spell) -> Told:
    return (
        ('Hosts', 'Reasons', 'Names'),
        [
            (
                each.hosts,
                Many([spell(each.why)]),
                _First(list(map(spell, each.names)), each.hosts),
            )
            for each in found.groups
        ],
        (0, Many([]), Several([])),
    )


_BY = {'host': _by_host, 'reason': _by_reason}


class _First(Several):
    """The first names of several."""

    def __init__(self, names: Sequence[str], count: int):
        super().__init__(names)
        self._count = count

    def human_readable(self) -> str:
        """Give some of them, and how many there are more."""
        return listed(self._value, self._count)


def _when(found: 'Refused') -> datetime.datetime:
    return datetime.datetime.fromtimestamp(found.when, datetime.UTC)
