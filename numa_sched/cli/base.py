"""What the commands have in common."""

import argparse
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cliff.columns import FormattableColumn
from cliff.command import Command
from cliff.lister import Lister

from numa_sched.cli import source
from numa_sched.draw import words
from numa_sched.exceptions import NumaSchedError, RequestError

if TYPE_CHECKING:
    from numa_sched.answers import Request
    from numa_sched.fleet import Flavor, Fleet

FOR_PEOPLE = ('table', 'value')


class UnexpectedError(Exception):
    """Something that this program is to blame for, in one line."""


class Examples(Command):
    """A command whose help ends with examples, and whose errors are a line."""

    examples = ''

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser, with the examples at its end."""
        parser = super().get_parser(prog_name)
        parser.formatter_class = _Formatter
        parser.epilog = 'examples:\n' + textwrap.indent(
            textwrap.dedent(self.examples).strip(), '  '
        )
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run it; what goes wrong is told in one line."""
        try:
            return self.answer(parsed_args)
        except (NumaSchedError, ValueError, BrokenPipeError):
            raise
        except Exception as error:
            if self.app.options.debug:
                raise
            told = ' '.join(str(error).split())
            raise UnexpectedError(
                f'{type(error).__name__}: {told[:300]} (--debug tells where)'
            ) from error

    def answer(self, parsed_args: argparse.Namespace) -> int:
        """Do what is asked for; give the exit status."""
        return super().run(parsed_args)


def positive(text: str) -> int:
    """Give a whole number above 0, as argparse has it from an argument."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(
            f'{text!r} is not a whole number above 0'
        )
    return int(text)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Leaves examples as they are written."""


class Answer(Examples, Lister):
    """A command that answers from a fleet, in rows."""

    below: Sequence[str] = ()
    """What people are told below a table."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser, with the options for the source."""
        parser = super().get_parser(prog_name)
        source.add_arguments(parser)
        return parser

    def say(self, parsed_args: argparse.Namespace, *lines: str) -> None:
        """Write lines beside a table, and nowhere else: to people."""
        if parsed_args.formatter == 'table':
            for line in lines:
                self.app.stdout.write(f'{words.plain(line)}\n')

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        """Write the rows; what people see has no control characters.

        Below a table comes what there is to be told about it.
        """
        if parsed_args.formatter in FOR_PEOPLE:
            data = [
                [
                    words.plain(each) if isinstance(each, str) else each
                    for each in row
                ]
                for row in data
            ]
        status = super().produce_output(parsed_args, column_names, data)
        self.say(parsed_args, *self.below)
        return status


class AboutRequest(Answer):
    """A command about one server: one that is to move, or a new one."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser, with what says which server is meant."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'server',
            nargs='?',
            metavar='SERVER',
            help='a server that is to move: its UUID, the beginning of that, '
            'or its name',
        )
        parser.add_argument(
            '--flavor',
            metavar='NAME',
            help='the flavor of a new server, instead',
        )
        parser.add_argument(
            '--image-property',
            metavar='KEY=VALUE',
            action='append',
            default=[],
            help='a property of the image of a new server; may be repeated',
        )
        parser.add_argument(
            '--cold',
            action='store_true',
            help='the server is to be cold-migrated; live-migrated by default',
        )
        parser.add_argument(
            '--zone', metavar='NAME', help='the availability zone asked for'
        )
        parser.add_argument(
            '--aggregate',
            metavar='NAME',
            help='look at the hosts of an aggregate only; its name or UUID',
        )
        self._parser = parser
        return parser

    def asked(
        self, parsed_args: argparse.Namespace
    ) -> 'tuple[Fleet, Request]':
        """Give the fleet, and what is to be placed in it.

        Ends with status 2 unless exactly one thing is.

        :raises NumaSchedError: if there is no such server or flavor
        """
        self._check(parsed_args)
        fleet = source.fleet(parsed_args)
        return fleet, _request(parsed_args, fleet)

    def _check(self, parsed_args: argparse.Namespace) -> None:
        parser = self._parser
        if bool(parsed_args.server) == bool(parsed_args.flavor):
            parser.error('name a SERVER, or a flavor with --flavor NAME')
        for_flavors = parsed_args.image_property
        if parsed_args.server and for_flavors:
            parser.error('--image-property goes with --flavor only')
        if parsed_args.flavor and parsed_args.cold:
            parser.error('--cold goes with a SERVER only')
        for each in for_flavors:
            if '=' not in each:
                parser.error(f'--image-property {each}: KEY=VALUE is wanted')


def _request(parsed_args: argparse.Namespace, fleet: 'Fleet') -> 'Request':
    from numa_sched import answers

    where = {'zone': parsed_args.zone, 'aggregate': parsed_args.aggregate}
    if parsed_args.server:
        move = answers.Move.COLD if parsed_args.cold else answers.Move.LIVE
        return answers.of_server(
            answers.find_server(fleet, parsed_args.server),
            move,
            fleet,
            **where,
        )
    return new_server(
        fleet, parsed_args.flavor, parsed_args.image_property, **where
    )


def new_server(
    fleet: 'Fleet',
    name: str,
    image_property: Sequence[str],
    *,
    zone: str | None,
    aggregate: str | None = None,
) -> 'Request':
    """Give the request for a new server.

    :param name: that of the flavor
    :param image_property: ``KEY=VALUE`` for each property of the image
    :raises NumaSchedError: if there is no such flavor, or it makes no sense
    """
    from numa_sched import answers

    properties = _properties(image_property)
    flavor = answers.find_flavor(fleet, name)
    if any(not key.startswith(_WISHES) for key in properties):
        flavor = _with_image(flavor, properties)
    return answers.of_flavor(
        flavor, properties, fleet, zone=zone, aggregate=aggregate
    )


class Many(FormattableColumn[Sequence[str]]):
    """Several texts: a line each for people, a list for programs."""

    def human_readable(self) -> str:
        """Give a line for each."""
        return '\n'.join(map(words.plain, self._value))


class Several(Many):
    """Several names, side by side."""

    def human_readable(self) -> str:
        """Give them with commas, the first of many."""
        return listed(self._value, len(self._value))


MOST_SHOWN = 4


def listed(names: Sequence[str], count: int) -> str:
    """Give the first names with commas, and how many of all there are more."""
    shown = names[:MOST_SHOWN]
    told = ', '.join(map(words.plain, shown))
    more = count - len(shown)
    return f'{told} and {more} more' if more > 0 and shown else told


# Of images, what says nothing about topology, amounts and other traits.
_WISHES = 'compute_live_migration_'


def _properties(told: Sequence[str]) -> dict[str, str]:
    pairs = (each.partition('=') for each in told)
    return {key: value for key, _, value in pairs}


def _with_image(flavor: 'Flavor', properties: dict[str, str]) -> 'Flavor':
    try:
        from numa_sched.nova import guests
    except ImportError as error:
        raise RequestError(
            f'what a flavor asks for together with image properties is for '
            f'Nova to say, which cannot be imported here ({error})'
        ) from error
    return guests.with_image(flavor, properties)
