"""``numa-sched explain``."""

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from numa_sched.cli import last
from numa_sched.cli.base import AboutRequest, Many, Several

if TYPE_CHECKING:
    from numa_sched.answers import Explanation
    from numa_sched.fleet import Fleet

MANY_HOSTS = 20
"""From which a table has a row for each reason, not for each host."""

Rows = tuple[Sequence[str], list[Sequence[Any]]]


class Explain(AboutRequest):
    """Tell which hosts a server could go to, and why not to the others."""

    examples = """
        Why can a server not be live-migrated?
          numa-sched explain web-1

        Why is there no host for a new server, whatever the image?
          numa-sched explain --flavor pinned.16

        One host, cell by cell:
          numa-sched explain web-1 --by cell --host node7

        Which change would help most, as JSON:
          numa-sched explain web-1 --by change -f json

        From a snapshot:
          numa-sched explain web-1 --snapshot fleet.json.gz

        Why did the scheduler find no host, the last time?
          numa-sched explain --last
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--by',
            choices=('host', 'reason', 'cell', 'change'),
            help=f'what the rows are: hosts; reasons, each with its hosts (so '
            f'by default in a table of more than {MANY_HOSTS} hosts); pairs '
            f'of a cell of the guest and a cell of a host; or changes that '
            f'would help',
        )
        parser.add_argument(
            '--host',
            metavar='NAME',
            action='append',
            default=[],
            help='look at this host only; may be repeated',
        )
        last.add_arguments(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Rows:
        """Give columns and rows."""
        wrong = last.problem(parsed_args)
        if wrong:
            self._parser.error(wrong)
        if parsed_args.last:
            return self._last(parsed_args)
        from numa_sched import answers

        fleet, wanted = self.asked(parsed_args)
        hosts = [
            answers.find_host(fleet, name) for name in parsed_args.host
        ] or fleet.hosts
        found = answers.explain(fleet, wanted, hosts)
        by = parsed_args.by or _fitting(parsed_args, len(hosts))
        self.say(parsed_args, *_heading(found))
        columns, rows = _BY[by](fleet, found)
        if by == 'host' and parsed_args.formatter == 'table':
            columns, rows = _without_nodes(columns, rows)
        if by in ('host', 'reason'):
            self.below = list(_advice(fleet, found))
        return columns, rows

    def _last(self, parsed_args: argparse.Namespace) -> Rows:
        found = last.find(parsed_args)
        by = parsed_args.by or _fitting(parsed_args, found.dropped)
        self.say(parsed_args, *last.heading(found))
        if by == 'host':
            self.below = list(last.remark(found))
        in_table = parsed_args.formatter == 'table'
        columns, rows = last.rows(found, by, in_table=in_table)
        if by == 'host' and in_table:
            columns, rows = _without_nodes(columns, rows)
        return columns, rows


def _fitting(parsed_args: argparse.Namespace, hosts: int) -> str:
    """Give what the rows are if nobody says."""
    many = hosts > MANY_HOSTS and parsed_args.formatter == 'table'
    return 'reason' if many else 'host'


def _heading(found: 'Explanation') -> Iterator[str]:
    wanted, passing = found.request, len(found.passing)
    yield (f'{wanted.what}: {passing} of {len(found.verdicts)} hosts pass.')
    for origin in wanted.origins:
        yield f'Requires {origin}.'
    for problem in wanted.problems:
        yield f'Wrong: {problem}.'
    server = wanted.server
    if server and server.locked:
        yield 'The server is locked: only an administrator can move it.'
    if server and server.task_state:
        yield f'The server is busy: {server.task_state}.'


MOST_ADVICE = 3


def _advice(fleet: 'Fleet', found: 'Explanation') -> Iterator[str]:
    from numa_sched.answers.changes import changes

    for change in changes(fleet, found)[:MOST_ADVICE]:
        yield f'{change}.'


def _by_host(fleet: 'Fleet', found: 'Explanation') -> Rows:
    return ('Host', 'Node', 'Passes', 'Cells', 'Reasons'), [
        (
            each.host.name,
            each.host.nodename,
            each.passes,
            Several(
                [str(cell) for cell in each.claim.cell_ids]
                if each.claim
                else []
            ),
            Many([refusal.text for refusal in each.refusals]),
        )
        for each in found.verdicts
    ]


def _without_nodes(columns: Sequence[str], rows: list[Sequence[Any]]) -> Rows:
    """Give rows without the names of nodes, where they say nothing."""
    if any(host != node for host, node, *_ in rows):
        return columns, rows
    return _but_second(columns), [_but_second(row) for row in rows]


def _but_second(row: Sequence[Any]) -> Sequence[Any]:
    return (row[0], *row[2:])


def _by_reason(fleet: 'Fleet', found: 'Explanation') -> Rows:
    rows: list[Sequence[Any]] = []
    if found.passing:
        names = [each.host.name for each in found.passing]
        rows.append((len(names), Many(['(passes)']), Several(names)))
    rows += [
        (
            len(hosts),
            Many(list(summaries)),
            Several([each.host.name for each in hosts]),
        )
        for summaries, hosts in found.groups().items()
    ]
    return ('Hosts', 'Reasons', 'Names'), rows


def _by_cell(fleet: 'Fleet', found: 'Explanation') -> Rows:
    from numa_sched.answers.explain import pairs

    guest = found.request.guest
    return ('Host', 'Guest Cell', 'Host Cell', 'Fits', 'Reason'), [
        (
            verdict.host.name,
            pair.guest_cell,
            pair.host_cell,
            pair.misfit is None,
            pair.misfit or '',
        )
        for verdict in found.verdicts
        if verdict.host.host is not None and guest is not None
        for pair in pairs(verdict.host.host, guest)
    ]


def _by_change(fleet: 'Fleet', found: 'Explanation') -> Rows:
    from numa_sched.answers.changes import changes

    return ('Hosts', 'Change', 'Names'), [
        (len(each.hosts), each.what, Several(each.hosts))
        for each in changes(fleet, found)
    ]


_BY = {
    'host': _by_host,
    'reason': _by_reason,
    'cell': _by_cell,
    'change': _by_change,
}
