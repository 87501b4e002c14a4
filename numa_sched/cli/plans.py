"""What the commands that plan have in common."""

import argparse
import dataclasses
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from numa_sched.cli import carrying, plan_pictures, source
from numa_sched.cli.base import Answer, Several, positive
from numa_sched.cli.exits import INCOMPLETE
from numa_sched.draw.words import plain

if TYPE_CHECKING:
    from numa_sched.carry import Avoid
    from numa_sched.fleet import Fleet
    from numa_sched.plan import Stay, Step, Terms, Waves

NOBODY: 'Avoid' = frozenset()

COLUMNS = (
    *('Wave', 'Server', 'UUID', 'Move', 'From', 'To'),
    *('Cells', 'Memory MiB', 'Reason'),
)
SHOWN = ('Wave', 'Server', 'Move', 'From', 'To', 'Cells', 'Memory MiB')

PATIENCE_S = 2.0
"""After which a bar shows how far a plan is."""

# Of the compute API: a host is asked for and not forced; cold, it can be.
LIVE_VERSION, COLD_VERSION = '2.30', '2.56'


@dataclasses.dataclass(frozen=True)
class Found:
    """A plan, with what is told of it.

    ``heading`` stands above it; ``reached`` tells whether it leads to all
    that is wanted. ``instead`` are columns and rows that take the place of
    steps in a table.
    """

    heading: Sequence[str]
    waves: 'Waves'
    reached: bool
    stays: 'Sequence[Stay]' = ()
    instead: tuple[Sequence[str], list[Sequence[Any]]] | None = None


class Planner(Answer):
    """A command whose answer is a plan: rows of steps, wave by wave."""

    about: Sequence[str] = ()
    """The arguments that say what a plan is for."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser, with what a plan is held to."""
        parser = super().get_parser(prog_name)
        self._parser = parser
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
        plan_pictures.add_arguments(parser)
        carrying.add_arguments(parser)
        return parser

    def answer(self, parsed_args: argparse.Namespace) -> int:
        """Write rows or commands, or have it carried out; give the status."""
        self.check(parsed_args)
        if parsed_args.execute or parsed_args.resume:
            return carrying.run(self, parsed_args)
        self.show(parsed_args)
        return self.status

    def check(self, parsed_args: argparse.Namespace) -> None:
        """End with status 2 if options do not go together."""
        wrong = carrying.wrong_usage(parsed_args)
        if wrong:
            self._parser.error(wrong)

    def show(self, parsed_args: argparse.Namespace) -> None:
        """Look for a plan, and write it.

        :raises NumaSchedError: if there is nothing to look for it in, or a
            picture cannot be written
        """
        plan_pictures.check(parsed_args)
        if not parsed_args.commands:
            super().answer(parsed_args)
            return
        parsed_args.formatter = 'commands'
        self.take_action(parsed_args)
        for line in commands(self.found.waves):
            self.app.stdout.write(f'{line}\n')

    found: Found
    """The last plan."""

    _fleet: 'Fleet'
    _held_to: 'Terms'

    @property
    def status(self) -> int:
        """The exit status that the last plan stands for."""
        return 0 if self.found.reached else INCOMPLETE

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], list[Sequence[Any]]]:
        """Give columns and rows."""
        self.look(parsed_args)
        if self.found.waves:
            plan_pictures.write(
                parsed_args, self._fleet, self.found.waves, self._held_to
            )
        return self._told(parsed_args)

    def look(
        self, parsed_args: argparse.Namespace, avoid: 'Avoid' = NOBODY
    ) -> Found:
        """Look for a plan for the cloud as it is now.

        :param avoid: servers that are not to go to hosts
        :raises NumaSchedError: if there is nothing to look for it in
        """
        fleet = source.fleet(parsed_args)
        terms = self._terms(parsed_args, fleet)
        terms = dataclasses.replace(terms, avoid=avoid)
        self._fleet, self._held_to = fleet, terms
        self.found = self.find(parsed_args, fleet, terms)
        return self.found

    def find(
        self, parsed_args: argparse.Namespace, fleet: 'Fleet', terms: 'Terms'
    ) -> Found:
        """Give the plan for a fleet.

        :raises NumaSchedError: if what it is for is not there
        """
        raise NotImplementedError

    def _terms(
        self, parsed_args: argparse.Namespace, fleet: 'Fleet'
    ) -> 'Terms':
        """Give what a plan is held to.

        :raises NotFoundError: if a server that is to stay is not there
        """
        from numa_sched.answers import find_server
        from numa_sched.plan import Limits, Terms

        if self._pinned is None:
            self._pinned = frozenset(
                find_server(fleet, each).uuid for each in parsed_args.pin
            )
        return Terms(
            Limits(parsed_args.per_host, parsed_args.at_once),
            cold=parsed_args.cold,
            pinned=self._pinned,
            spare=parsed_args.spare,
            most=getattr(parsed_args, 'most', None),
            seconds=parsed_args.seconds,
        )

    # Found once: one of them may be gone when there is another plan.
    _pinned: frozenset[str] | None = None

    def _told(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], list[Sequence[Any]]]:
        """Give columns and rows; who stays is told to people below them."""
        from numa_sched.plan import telling

        found = self.found
        if found.instead and not parsed_args.commands:
            return found.instead
        self.say(parsed_args, *found.heading)
        if parsed_args.commands:
            for line in (*found.heading, *map(telling.stays, found.stays)):
                self.app.stdout.write(f'# {plain(line)}\n')
        rows = [
            _row(number, step)
            for number, wave in enumerate(found.waves, 1)
            for step in wave
        ]
        if parsed_args.formatter != 'table':
            return COLUMNS, [*rows, *map(_stay, found.stays)]
        self.below = [*map(telling.stays, found.stays)]
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


def add_most(parser: argparse.ArgumentParser) -> None:
    """Add the option for plans of few migrations."""
    parser.add_argument(
        '--most',
        metavar='N',
        type=positive,
        help='how many migrations there may be; as many as it takes by '
        'default',
    )


def progress() -> 'source.Shown':
    """Give what shows how far a plan is, once that takes long."""
    return source.progress(PATIENCE_S)


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


def commands(waves: 'Waves') -> Iterator[str]:
    """Give the commands of a plan; each waits until its server has moved.

    As a script they end with the first that fails: what comes after it may
    need the room.
    """
    if waves:
        yield 'set -e'
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
