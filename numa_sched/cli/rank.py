"""``numa-sched rank``."""

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from numa_sched.cli.base import AboutRequest, Many, Several

if TYPE_CHECKING:
    from numa_sched.answers import Place
    from numa_sched.fleet import Fleet
    from numa_sched.score import Mix

COLUMNS = (
    *('Place', 'Host', 'Weight', 'Multiplier', 'Score', 'Parts'),
    *('Cells', 'CPUs', 'Pages'),
)


class Rank(AboutRequest):
    """Tell the order of the hosts that a server could go to, and why."""

    examples = """
        Where would a server go if it were live-migrated now?
          numa-sched rank web-1

        The same if the scheduler had another strategy:
          numa-sched rank web-1 --strategy fragmentation:1,locality:0.2

        The first host, for a script:
          numa-sched rank web-1 --top 1 -f value -c Host

        A new server, by what the servers of the cloud ask for:
          numa-sched rank --flavor pinned.16 --mix servers
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--strategy',
            metavar='NAME',
            help='instead of [numa_sched] fit_strategy, and as that is '
            'written: one, or several with weights',
        )
        parser.add_argument(
            '--mix',
            choices=('scheduler', 'servers'),
            default='scheduler',
            help='the guests that the cloud is asked for: as a scheduler has '
            'them when it starts ([numa_sched] fit_mix), or those of the '
            'servers that there are, which is near what it learns in time',
        )
        parser.add_argument(
            '--top', metavar='N', type=int, help='the first N hosts only'
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], list[Sequence[Any]]]:
        """Give columns and rows."""
        from numa_sched import answers, plugins
        from numa_sched.score import combined

        fleet, wanted = self.asked(parsed_args)
        option = parsed_args.strategy or fleet.ranking.strategy
        mix = _mix(parsed_args.mix, fleet)
        names = combined.parse(option)
        found = answers.rank(
            fleet,
            answers.explain(fleet, wanted, reasons=False),
            plugins.strategy(option)(mix),
            {name: plugins.strategy(name)(mix) for name in names}
            if len(names) > 1
            else {},
        )
        self.say(
            parsed_args,
            f'{wanted.what}: {len(found)} of {len(fleet.hosts)} hosts, '
            f'by {option}.',
        )
        if wanted.guest is None:
            self.say(
                parsed_args,
                'It asks for no NUMA topology: other weighers decide.',
            )
        return COLUMNS, [
            _row(number, place)
            for number, place in enumerate(found[: parsed_args.top], 1)
        ]


def _mix(name: str, fleet: 'Fleet') -> 'Mix':
    from numa_sched.answers.rank import mix_of_servers
    from numa_sched.history.mix import START

    if name == 'servers':
        return mix_of_servers(fleet)
    return fleet.ranking.mix or START


def _row(number: int, place: 'Place') -> Sequence[Any]:
    return (
        number,
        place.host.name,
        round(place.weight, 4),
        place.multiplier,
        round(place.score, 4),
        Many([f'{name} {part:.4f}' for name, part in place.parts.items()]),
        Several(
            [str(cell) for cell in place.claim.cell_ids] if place.claim else []
        ),
        Many(list(_pinned(place))),
        Several(list(_pages(place))),
    )


def _pinned(place: 'Place') -> Iterator[str]:
    """Give the CPUs on each cell; "shared" where none is pinned."""
    from numa_sched import cpumask

    if place.claim is not None:
        for taken in place.claim.fits:
            mask = taken.pinned | taken.reserved
            yield cpumask.to_list(mask) or 'shared'


def _pages(place: 'Place') -> Iterator[str]:
    from numa_sched.fit.reasons import describe_pages

    if place.claim is not None:
        for size in dict.fromkeys(place.claim.page_sizes):
            yield describe_pages(size)
