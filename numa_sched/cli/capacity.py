"""``numa-sched capacity``."""

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from numa_sched.cli import source
from numa_sched.cli.base import Answer

if TYPE_CHECKING:
    from numa_sched.answers import Capacities

PROMETHEUS = 'prometheus'


class Capacity(Answer):
    """Tell how many more servers of each flavor there is room for."""

    examples = """
        All flavors, and the whole cloud:
          numa-sched capacity

        One flavor, host by host:
          numa-sched capacity --flavor pinned.16 --by host

        What is free, and of no use to any of the flavors:
          numa-sched capacity --by stranded

        For a node exporter, from cron:
          numa-sched capacity -f prometheus > room.prom.new &&
            mv room.prom.new /var/lib/node_exporter/room.prom
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser; it knows the format of Prometheus, too."""
        parser = super().get_parser(prog_name)
        for action in self._formatter_group._group_actions:
            if action.dest == 'formatter':
                action.choices = [*(action.choices or ()), PROMETHEUS]
        parser.add_argument(
            '--flavor',
            metavar='NAME',
            action='append',
            default=[],
            help='this flavor only; may be repeated. By default all',
        )
        parser.add_argument(
            '--by',
            choices=('flavor', 'host', 'stranded'),
            default='flavor',
            help='what the rows are: flavors; flavors on each host; or hosts '
            'with what is free of dedicated CPUs and can be used by none',
        )
        return parser

    def answer(self, parsed_args: argparse.Namespace) -> int:
        """Write rows, or all of it in the text format of Prometheus.

        That has no word of flavors that are left out: it is for a cron job,
        whose every line on stderr is mail.
        """
        if parsed_args.formatter != PROMETHEUS:
            return super().answer(parsed_args)
        from numa_sched.cli.prometheus import text

        self.app.stdout.write(text(self._capacities(parsed_args)))
        return 0

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], list[Sequence[Any]]]:
        """Give columns and rows."""
        found = self._capacities(parsed_args)
        for name, why in found.unusable.items():
            self.app.LOG.warning(
                'flavor %s is left out: Nova makes nothing of it: %s',
                *(name, why),
            )
        if parsed_args.by == 'stranded':
            return (
                ('Host', 'Free CPUs', 'Stranded CPUs', 'Because'),
                list(_stranded(found)),
            )
        if parsed_args.by == 'host':
            return (
                ('Flavor', 'Host', 'Servers', 'Limit'),
                list(_on_hosts(found)),
            )
        return (
            ('Flavor', 'Servers', 'Hosts', 'Most on a Host'),
            list(_in_all(found)),
        )

    def _capacities(self, parsed_args: argparse.Namespace) -> 'Capacities':
        from numa_sched import answers

        fleet = source.fleet(parsed_args)
        flavors = [
            answers.find_flavor(fleet, name) for name in parsed_args.flavor
        ]
        return answers.capacities(fleet, flavors or fleet.flavors)


def _in_all(found: 'Capacities') -> Iterator[Sequence[Any]]:
    for name, rooms in found.rooms.items():
        counts = [each.guests for each in rooms if each.guests is not None]
        yield (
            name,
            sum(counts) if counts or not rooms else None,
            sum(count > 0 for count in counts),
            max(counts, default=0),
        )


def _on_hosts(found: 'Capacities') -> Iterator[Sequence[Any]]:
    for name, rooms in found.rooms.items():
        for each in rooms:
            yield name, each.host.nodename, each.guests, each.limit


def _stranded(found: 'Capacities') -> Iterator[Sequence[Any]]:
    for each in found.stranded:
        yield each.host.nodename, each.free, each.stranded, each.why
