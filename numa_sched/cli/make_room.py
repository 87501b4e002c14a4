"""``numa-sched make-room``."""

import argparse
from typing import TYPE_CHECKING

from numa_sched.cli.base import new_server, positive
from numa_sched.cli.plans import Found, Planner, add_most, progress

if TYPE_CHECKING:
    from numa_sched.answers import Request
    from numa_sched.fleet import Fleet
    from numa_sched.plan import Terms


class MakeRoom(Planner):
    """Tell which servers to move so that new ones have room."""

    about = ('flavor', 'like', 'image_property', 'count', 'zone')
    examples = """
        A server of this flavor was refused:
          numa-sched make-room --flavor pinned.16

        Two servers, with what their image says:
          numa-sched make-room --flavor pinned.16 --count 2
            --image-property hw_cpu_thread_policy=require

        One more like a server that there is:
          numa-sched make-room --like web-1

        Carried out, once it has been shown and agreed to:
          numa-sched make-room --flavor pinned.16 --execute

        As commands, to be looked at and run:
          numa-sched make-room --flavor pinned.16 --commands > room.sh
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser."""
        parser = super().get_parser(prog_name)
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument(
            '--flavor', metavar='NAME', help='the flavor of the new server'
        )
        which.add_argument(
            '--like',
            metavar='SERVER',
            help='a server that the new one is like, but for its server '
            'group: its UUID, the beginning of that, or its name',
        )
        parser.add_argument(
            '--image-property',
            metavar='KEY=VALUE',
            action='append',
            default=[],
            help='a property of its image, with --flavor; may be repeated',
        )
        parser.add_argument(
            '--count',
            metavar='N',
            type=positive,
            default=1,
            help='how many new servers there are to be; 1 by default',
        )
        parser.add_argument(
            '--zone', metavar='NAME', help='the availability zone asked for'
        )
        add_most(parser)
        return parser

    def check(self, parsed_args: argparse.Namespace) -> None:
        """End with status 2 if options do not go together."""
        super().check(parsed_args)
        for each in parsed_args.image_property:
            if '=' not in each:
                self._parser.error(
                    f'--image-property {each}: KEY=VALUE is wanted'
                )
            if parsed_args.like:
                self._parser.error('--image-property goes with --flavor only')

    def find(
        self, parsed_args: argparse.Namespace, fleet: 'Fleet', terms: 'Terms'
    ) -> Found:
        """Give the plan for a fleet."""
        from numa_sched import plan
        from numa_sched.plan import telling

        wanted = _request(parsed_args, fleet)
        with progress() as show:
            found = plan.make_room(
                fleet, wanted, parsed_args.count, terms, show
            )
        return Found(
            list(telling.of_room(found, terms)),
            found.waves,
            found.outcome in (plan.Outcome.THERE, plan.Outcome.FOUND),
        )


def _request(parsed_args: argparse.Namespace, fleet: 'Fleet') -> 'Request':
    from numa_sched import answers

    if parsed_args.flavor:
        return new_server(
            fleet,
            parsed_args.flavor,
            parsed_args.image_property,
            zone=parsed_args.zone,
        )
    return answers.like_server(
        answers.find_server(fleet, parsed_args.like),
        fleet,
        zone=parsed_args.zone,
    )
