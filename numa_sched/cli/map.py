"""``numa-sched map``: hosts and fleets as pictures."""

import argparse
import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from numa_sched.cli import files, source
from numa_sched.cli.base import Examples
from numa_sched.exceptions import NotFoundError

if TYPE_CHECKING:
    from numa_sched.draw.order import Order
    from numa_sched.draw.picture import Picture
    from numa_sched.fleet import FleetHost

SORTS = ('name', 'room', 'cells')
STDOUT = '-'
MOST_NAMED = 3


class Map(Examples):
    """Draw hosts: their cells, cores and CPUs, and who has them.

    Hosts that are named are drawn in full, one below the other: each cell
    with its cores, the CPUs by the server that has them, memory and pages of
    each size, networks and free PCI devices. Without any, all hosts are
    drawn, a line or a small tile each.
    """

    examples = """
        All hosts, a line each, those with the most room first:
          numa-sched map --sort room

        One of them, CPU by CPU:
          numa-sched map node7

        A page of all hosts that opens in a browser without a network:
          numa-sched map --html cloud.html

        A drawing of one, from a snapshot:
          numa-sched map node7 --snapshot cloud.json.gz --svg node7.svg
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser of what is asked."""
        parser = super().get_parser(prog_name)
        source.add_arguments(parser)
        parser.add_argument(
            'hosts',
            metavar='HOST',
            nargs='*',
            help='name of a host, or of a node of it; all, if none is named',
        )
        parser.add_argument(
            '--sort',
            choices=SORTS,
            default='name',
            help='order of all hosts: by name, by the CPUs that are free to '
            'pin, most first, or by the cells that are free (default: name)',
        )
        parser.add_argument(
            '--html',
            metavar='FILE',
            help='write a page for a browser instead; - for standard output',
        )
        parser.add_argument(
            '--svg',
            metavar='FILE',
            help='write a drawing as SVG instead; - for standard output',
        )
        parser.add_argument(
            '--force',
            action='store_true',
            help='replace files that are there',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Draw to where it is asked for.

        :raises NotFoundError: if there is no such host
        :raises OutputError: if a file cannot be written
        """
        wanted = {
            kind: path
            for kind in ('html', 'svg')
            if (path := getattr(parsed_args, kind)) is not None
        }
        for path in wanted.values():
            if path != STDOUT:
                files.check(path, force=parsed_args.force)
        fleet = source.fleet(parsed_args)
        hosts = chosen(fleet.hosts, parsed_args.hosts)
        # What draws is loaded only now: the other commands do without.
        from numa_sched.draw.build import pictures
        from numa_sched.draw.order import Order, in_order

        drawn: Sequence[Picture] = pictures(fleet, hosts)
        order = None
        if not parsed_args.hosts:
            order = Order(parsed_args.sort)
            drawn = in_order(drawn, order)
        if not wanted:
            self._show(drawn, in_full=order is None)
        for kind, path in wanted.items():
            text = _RENDER[kind](drawn, order, fleet.taken_at)
            if path == STDOUT:
                self._print(text)
            else:
                files.write(path, text.encode(), force=parsed_args.force)

    def _print(self, text: str) -> None:
        encoding = getattr(self.app.stdout, 'encoding', None) or 'utf-8'
        # Both kinds of files know characters by their numbers too.
        self.app.stdout.write(
            text.encode(encoding, 'xmlcharrefreplace').decode(encoding)
        )

    def _show(self, drawn: 'Sequence[Picture]', *, in_full: bool) -> None:
        from rich.console import Console

        from numa_sched.draw import listing, terminal

        console = Console(
            file=self.app.stdout, highlight=False, markup=False, emoji=False
        )
        # Written by us, and not by rich, which ends the program its own way
        # where nobody reads on.
        with console.capture() as captured:
            (terminal if in_full else listing).show(console, drawn)
        self.app.stdout.write(captured.get())


def _html(
    drawn: 'Sequence[Picture]', order: 'Order | None', taken_at: str | None
) -> str:
    from numa_sched.draw import page

    if order is None:
        return page.host_page(drawn, taken_at)
    return page.fleet_page(drawn, order, taken_at)


def _svg(
    drawn: 'Sequence[Picture]', order: 'Order | None', taken_at: str | None
) -> str:
    from numa_sched.draw import page

    return page.host_svg(drawn) if order is None else page.fleet_svg(drawn)


_RENDER: dict[
    str, 'Callable[[Sequence[Picture], Order | None, str | None], str]'
] = {'html': _html, 'svg': _svg}


def chosen(
    hosts: 'Iterable[FleetHost]', names: Sequence[str]
) -> 'tuple[FleetHost, ...]':
    """Give the hosts that are named, in that order; all, if none is.

    A name is that of a host, which may have several nodes, or of a node.

    :raises NotFoundError: if there is none of a name
    """
    if not names:
        return tuple(hosts)
    by_name: dict[str, list[FleetHost]] = {}
    for host in hosts:
        for name in {host.name, host.nodename}:
            by_name.setdefault(name, []).append(host)
    found: dict[int, FleetHost] = {}
    for name in names:
        if name not in by_name:
            near = difflib.get_close_matches(name, by_name, MOST_NAMED)
            hint = f'; is it {" or ".join(map(repr, near))}?' if near else ''
            raise NotFoundError(f'there is no host {name!r}{hint}')
        found.update((id(host), host) for host in by_name[name])
    return tuple(found.values())
