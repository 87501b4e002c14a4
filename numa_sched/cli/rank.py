"""``numa-sched rank``."""

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from numa_sched.cli.base import AboutRequest, Many, Several, positive

if TYPE_CHECKING:
    from numa_sched.answers import Explanation, Place
    from numa_sched.answers.order import Overtaking
    from numa_sched.fleet import Fleet
    from numa_sched.score import Mix, Strategy

COLUMNS = (
    *('Place', 'Host', 'Total', 'Weight', 'Multiplier', 'Score', 'Parts'),
    *('Cells', 'CPUs', 'Pages'),
)
MOST_TOLD = 3
"""Of what would change the order, below a table."""
NO_CHANGE = 'No change that was tried would have another host come first.'
UNTRIED = 'What would change it cannot be told.'

Rows = tuple[Sequence[str], list[Sequence[Any]]]


class Rank(AboutRequest):
    """Tell the order of the hosts that a server could go to, and why."""

    examples = """
        Where would a server go if it were live-migrated now?
          numa-sched rank web-1

        What does each weigher give the first two hosts?
          numa-sched rank web-1 --by weigher --top 2

        What would have another host come first?
          numa-sched rank web-1 --by change

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
            '--by',
            choices=('host', 'weigher', 'change'),
            default='host',
            help='what the rows are: hosts; what each weigher adds to the '
            'weight of each host; or changes after which another host would '
            'come first',
        )
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
            '--top', metavar='N', type=positive, help='the first N hosts only'
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Rows:
        """Give columns and rows."""
        from numa_sched import answers, plugins
        from numa_sched.score import combined

        fleet, wanted = self.asked(parsed_args)
        option = parsed_args.strategy or fleet.ranking.strategy
        mix = _mix(parsed_args.mix, fleet)
        strategy = plugins.strategy(option)(mix)
        names = combined.parse(option)
        explanation = answers.explain(fleet, wanted, reasons=False)
        found = answers.rank(
            fleet,
            explanation,
            strategy,
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
        missing = list(_not_known(fleet, explanation))
        self.say(parsed_args, *missing)
        if parsed_args.by == 'weigher':
            return self._by_weigher(parsed_args, found[: parsed_args.top])
        if parsed_args.by == 'change' or parsed_args.formatter == 'table':
            turns = answers.overtakings(
                fleet,
                explanation,
                strategy,
                dict(_others(option, parsed_args.mix, fleet)),
            )
            if parsed_args.by == 'change':
                if not turns and not missing:
                    self.below = [NO_CHANGE]
                return _by_change(turns)
            self.below = [f'{each}.' for each in turns[:MOST_TOLD]]
        return COLUMNS, [
            _row(number, place)
            for number, place in enumerate(found[: parsed_args.top], 1)
        ]

    def _by_weigher(
        self, parsed_args: argparse.Namespace, found: 'Sequence[Place]'
    ) -> Rows:
        """Give a row for each weigher of each host.

        People are spared those that add nothing to any of them.
        """
        adding = {
            part.weigher
            for place in found
            for part in place.weighers
            if part.adds or parsed_args.formatter != 'table'
        }
        silent = len(found[0].weighers) - len(adding) if found else 0
        if silent:
            self.below = [f'Weighers that add nothing here: {silent}.']
        return (
            *('Place', 'Host', 'Weigher', 'Gives', 'Weight', 'Multiplier'),
            'Adds',
        ), [
            (
                number,
                place.host.name,
                part.weigher,
                _rounded(part.raw),
                _rounded(part.weight),
                part.multiplier,
                _rounded(part.adds),
            )
            for number, place in enumerate(found, 1)
            for part in place.weighers
            if part.weigher in adding
        ]


def _rounded(number: float) -> float:
    """Give a number with four digits behind the point; never -0.0."""
    return round(number, 4) + 0.0


def _mix(name: str, fleet: 'Fleet') -> 'Mix':
    from numa_sched.answers.rank import mix_of_servers
    from numa_sched.history.mix import START

    if name == 'servers':
        return mix_of_servers(fleet)
    return fleet.ranking.mix or START


def _others(
    option: str, mix: str, fleet: 'Fleet'
) -> 'Iterator[tuple[str, Strategy]]':
    """Give the other strategies, and the other mix, each with words for it."""
    from numa_sched import plugins

    for name in plugins.strategies():
        if name != option:
            yield (
                f'with [numa_sched] fit_strategy = {name}',
                plugins.strategy(name)(_mix(mix, fleet)),
            )
    if mix != 'servers':
        yield (
            'once a scheduler has learned what the servers here ask for',
            plugins.strategy(option)(_mix('servers', fleet)),
        )


def _not_known(fleet: 'Fleet', explanation: 'Explanation') -> Iterator[str]:
    """Give lines about the weighers that the order is without."""
    from numa_sched.answers import weighing

    ranking = fleet.ranking
    if ranking.weighers is None:
        yield (
            f"Not known here: the weights of Nova's own weighers. The order "
            f'is that of {weighing.OURS.name} alone. {UNTRIED}'
        )
        return
    unknown = weighing.unknown(
        fleet,
        explanation.request,
        [each.host for each in explanation.passing],
    )
    if unknown:
        yield (
            f'Not known here: the weights of {", ".join(unknown)}. The order '
            f'is that of the other weighers. {UNTRIED}'
        )
    if not weighing.is_enabled(ranking):
        yield (
            f'{weighing.OURS.name} is not among [filter_scheduler] '
            f'weight_classes: the scheduler ranks without it.'
        )


def _by_change(turns: 'Sequence[Overtaking]') -> Rows:
    return ('First', 'Change'), [
        (Several(each.hosts), each.what) for each in turns
    ]


def _row(number: int, place: 'Place') -> Sequence[Any]:
    return (
        number,
        place.host.name,
        _rounded(place.total),
        _rounded(place.weight),
        place.multiplier,
        _rounded(place.score),
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
