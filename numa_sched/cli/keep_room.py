"""``numa-sched keep-room``."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numa_sched.cli import watching
from numa_sched.cli.base import positive
from numa_sched.cli.plans import Found, Planner, add_most, progress

if TYPE_CHECKING:
    from numa_sched.fleet import Fleet
    from numa_sched.plan import KeptRoom, Terms


class KeepRoom(Planner):
    """Tell how many servers of flavors have room, and what restores that."""

    about = ('want',)
    examples = """
        There is to be room for two large servers and ten small ones:
          numa-sched keep-room --want pinned.24=2 --want pinned.4=10

        What has room, as JSON:
          numa-sched keep-room --want pinned.24=2 --by target -f json

        Looked after for good, with four migrations an hour and none by day:
          numa-sched keep-room --want pinned.24=2 --watch 60 --execute --yes
            --hourly 4 --quiet-hours 08:00-18:00

        As commands, to be looked at and run:
          numa-sched keep-room --want pinned.24=2 --commands > room.sh
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--want',
            metavar='FLAVOR=N',
            action='append',
            required=True,
            type=_want,
            help='how many new servers of a flavor are to have room, each '
            'flavor for itself; may be repeated',
        )
        parser.add_argument(
            '--by',
            choices=('step', 'target'),
            default='step',
            help='what the rows are: steps of the plan; or flavors, with how '
            'many have room now and after it',
        )
        add_most(parser)
        watching.add_arguments(parser)
        return parser

    def check(self, parsed_args: argparse.Namespace) -> None:
        """End with status 2 if options do not go together."""
        super().check(parsed_args)
        wrong = watching.wrong_usage(parsed_args)
        if wrong:
            self._parser.error(wrong)

    def answer(self, parsed_args: argparse.Namespace) -> int:
        """Do it once, or again and again; give the exit status."""
        if not parsed_args.watch:
            return super().answer(parsed_args)
        self.check(parsed_args)
        return watching.run(self, parsed_args)

    def find(
        self, parsed_args: argparse.Namespace, fleet: 'Fleet', terms: 'Terms'
    ) -> Found:
        """Give the plan for a fleet."""
        from numa_sched import answers, plan
        from numa_sched.plan import telling

        wanted = [
            (answers.of_flavor(answers.find_flavor(fleet, name)), count)
            for name, count in dict(parsed_args.want).items()
        ]
        with progress() as show:
            found = plan.keep_room(fleet, wanted, terms, show)
        return Found(
            list(telling.of_kept(found, terms)),
            found.waves,
            found.outcome in (plan.Outcome.THERE, plan.Outcome.FOUND),
            instead=_rows(found) if parsed_args.by == 'target' else None,
        )


def _rows(found: 'KeptRoom') -> tuple[Sequence[str], list[Sequence[Any]]]:
    return ('Flavor', 'Wanted', 'Now', 'After', 'Reason'), [
        (each.request.flavor.name, each.wanted, each.now, each.after, each.why)
        for each in found.targets
    ]


def _want(text: str) -> tuple[str, int]:
    name, equals, count = text.rpartition('=')
    if not equals or not name:
        raise argparse.ArgumentTypeError(f'{text}: FLAVOR=N is wanted')
    return name, positive(count)
