"""``numa-sched drain``."""

import argparse
from typing import TYPE_CHECKING

from numa_sched.cli.plans import Found, Planner, progress

if TYPE_CHECKING:
    from numa_sched.fleet import Fleet
    from numa_sched.plan import Terms


class Drain(Planner):
    """Tell where the servers of hosts go so that these are empty."""

    about = ('hosts',)
    examples = """
        A host that is to be repaired:
          numa-sched drain node7

        Two hosts, but for a server that its owner moves himself:
          numa-sched drain node7 node8 --pin web-1

        As commands, to be looked at and run:
          numa-sched drain node7 --commands > drain.sh

        Carried out, once it has been shown and agreed to:
          numa-sched drain node7 --execute

        From a snapshot, as JSON:
          numa-sched drain node7 --snapshot fleet.json.gz -f json
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'hosts',
            nargs='+',
            metavar='HOST',
            help='a host that is to be empty: the name of its service or of '
            'its node',
        )
        return parser

    def find(
        self, parsed_args: argparse.Namespace, fleet: 'Fleet', terms: 'Terms'
    ) -> Found:
        """Give the plan for a fleet."""
        from numa_sched import answers, plan, plugins
        from numa_sched.answers.rank import mix_of_servers
        from numa_sched.plan import telling

        names = dict.fromkeys(parsed_args.hosts)
        hosts = [answers.find_host(fleet, name) for name in names]
        strategy = plugins.strategy(fleet.ranking.strategy)
        with progress() as show:
            found = plan.drain(
                fleet, hosts, strategy(mix_of_servers(fleet)), terms, show
            )
        return Found(
            list(telling.of_drain(found, terms)),
            found.waves,
            # Who is to stay is not missed.
            not found.left
            and all(each.server.uuid in terms.pinned for each in found.stays),
            (*found.stays, *found.left),
        )
