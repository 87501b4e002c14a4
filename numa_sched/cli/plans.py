"""What the commands that plan have in common."""

import argparse
import collections
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from numa_sched.cli import source
from numa_sched.cli.base import Answer, Several, positive
from numa_sched.draw.words import plain

if TYPE_CHECKING:
    from numa_sched.fleet import Fleet
    from numa_sched.plan import Stay, Step, Terms, Waves

COLUMNS = (
    *('Wave', 'Server', 'UUID', 'Move', 'From', 'To'),
    *('Cells', 'Memory MiB', 'Reason'),
)
SHOWN = ('Wave', 'Server', 'Move', 'From', 'To', 'Cells', 'Memory MiB')

PATIENCE_S = 2.0
"""After which a bar shows how far a plan is."""

UNSURE = 'Whether fewer migrations would do is not known.'

# Of the compute API: a host is asked for and not forced; cold, it can be.
LIVE_VERSION, COLD_VERSION = '2.30', '2.56'


class Planner(Answer):
    """A command whose answer is a plan: rows of steps, wave by wave."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser, with what a plan is held to."""
        parser = super().get_parser(prog_name)
        group = parser.add_argument_group('plan', 'what a plan is held to')
        group.add_argument(
            '--commands',
            action='store_true',
            help='write the plan as commands of openstack, in an order in '
            'which they can be run one after the other',
        )
        group.add_argument(
            '--pin',
            metavar='SERVER',
            action='append',
            default=[],
            help='a server that stays where it is: its UUID, the beginning '
            'of that, or its name; may be repeated',
        )
        group.add_argument(
            '--cold',
            action='store_true',
            help='servers that cannot be live-migrated may be cold-migrated',
        )
        group.add_argument(
            '--spare',
            action='store_true',
            help='move servers that want neither post-copy nor auto-converge '
            'only if no others will do as few migrations, whatever memory '
            'they have; without this, only if none will do with as little '
            'memory',
        )
        group.add_argument(
            '--per-host',
            metavar='N',
            type=positive,
            default=1,
            help='how many servers may leave a host at the same time, as '
            '[DEFAULT] max_concurrent_live_migrations of its nova.conf; 1 by '
            'default',
        )
        group.add_argument(
            '--at-once',
            metavar='N',
            type=positive,
            help='how many servers may move at the same time in the whole '
            'cloud; as many as there are hosts for it by default',
        )
        group.add_argument(
            '--seconds',
            metavar='N',
            type=positive,
            default=10,
            help='how long to look for a plan that is not found at once; 10 '
            'by default',
        )
        return parser

    def answer(self, parsed_args: argparse.Namespace) -> int:
        """Write rows, or commands."""
        if not parsed_args.commands:
            return super().answer(parsed_args)
        parsed_args.formatter = 'commands'
        self.take_action(parsed_args)
        for line in commands(self.planned):
            self.app.stdout.write(f'{line}\n')
        return 0

    planned: 'Waves' = ()

    def terms(
        self, parsed_args: argparse.Namespace, fleet: 'Fleet'
    ) -> 'Terms':
        """Give what a plan is held to.

        :raises NotFoundError: if a server that is to stay is not there
        """
        from numa_sched.answers import find_server
        from numa_sched.plan import Limits, Terms

        return Terms(
            Limits(parsed_args.per_host, parsed_args.at_once),
            cold=parsed_args.cold,
            pinned=frozenset(
                find_server(fleet, each).uuid for each in parsed_args.pin
            ),
            spare=parsed_args.spare,
            seconds=parsed_args.seconds,
        )

    def told(
        self,
        parsed_args: argparse.Namespace,
        heading: Sequence[str],
        waves: 'Waves',
        stays: 'Sequence[Stay]' = (),
    ) -> tuple[Sequence[str], list[Sequence[Any]]]:
        """Give columns and rows; who stays is told to people below them."""
        self.planned = waves
        self.say(parsed_args, *heading)
        if parsed_args.commands:
            for line in (*heading, *map(_told, stays)):
                self.app.stdout.write(f'# {plain(line)}\n')
        rows = [
            _row(number, step)
            for number, wave in enumerate(waves, 1)
            for step in wave
        ]
        if parsed_args.formatter != 'table':
            return COLUMNS, [*rows, *map(_stay, stays)]
        self.below = [*map(_told, stays)]
        places = [COLUMNS.index(each) for each in SHOWN]
        return SHOWN, [[row[place] for place in places] for row in rows]

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        """Write the rows; a table without any is none."""
        data = list(data)
        if data or parsed_args.formatter != 'table':
            return super().produce_output(parsed_args, column_names, data)
        self.say(parsed_args, *self.below)
        return 0


def progress() -> 'source.Shown':
    """Give what shows how far a plan is, once that takes long."""
    return source.progress(PATIENCE_S)


def counted(waves: 'Waves') -> str:
    """Give how much a plan does, in words."""
    steps = [step for wave in waves for step in wave]
    memory = sum(step.memory_mb for step in steps)
    return (
        f'{many(len(steps), "migration")} in {many(len(waves), "wave")}, '
        f'{memory} MiB of memory to be copied'
    )


def many(count: int, what: str) -> str:
    """Give a count with what is counted."""
    return f'{count} {what}{"" if count == 1 else "s"}'


def named(hosts: Iterable[str]) -> str:
    """Give names of hosts; how often, if one is there more than once."""
    counts = collections.Counter(hosts)
    return ', '.join(
        f'{name} ({count})' if count > 1 else name
        for name, count in counts.items()
    )


def _row(number: int, step: 'Step') -> Sequence[Any]:
    return (
        number,
        step.server.name,
        step.server.uuid,
        step.move.name.lower(),
        step.source,
        step.destination,
        Several([str(cell) for cell in step.cells]),
        step.memory_mb,
        '',
    )


def _stay(stay: 'Stay') -> Sequence[Any]:
    server = stay.server
    return (
        *(None, server.name, server.uuid, None, server.host, None),
        *(Several([]), None, stay.why),
    )


def _told(stay: 'Stay') -> str:
    server = stay.server
    return f'{server.name} ({server.uuid}) stays on {server.host}: {stay.why}.'


def commands(waves: 'Waves') -> Iterator[str]:
    """Give the commands of a plan; each waits until its server has moved."""
    for number, wave in enumerate(waves, 1):
        yield f'# wave {number} of {len(waves)}'
        for step in wave:
            live = step.move.name == 'LIVE'
            version = LIVE_VERSION if live else COLD_VERSION
            words = [
                *('openstack', '--os-compute-api-version', version),
                *('server', 'migrate', '--host', step.destination, '--wait'),
                *(['--live-migration'] if live else []),
                step.server.uuid,
            ]
            yield shlex.join(words)
            if not live:
                yield shlex.join(
                    ['openstack', 'server', 'migration', 'confirm', words[-1]]
                )
