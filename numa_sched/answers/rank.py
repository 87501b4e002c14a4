"""Where a server would go: hosts in the order of the scheduler's weighers."""

import collections
import dataclasses
import math
from collections.abc import Mapping, Sequence

from numa_sched import rank as ranking
from numa_sched.answers import weighing
from numa_sched.answers.explain import Explanation, Verdict
from numa_sched.answers.request import Request
from numa_sched.answers.weighing import Column
from numa_sched.fit.claim import Claim
from numa_sched.fleet import Fleet, FleetHost
from numa_sched.history.mix import MAX_GUESTS
from numa_sched.score import Mix, Strategy, bounded
from numa_sched.topology import Guest

MULTIPLIER = 'fit_weight_multiplier'


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """What one weigher adds to the weight of a host.

    ``raw`` is what it gives, ``weight`` the same as Nova stretches it over the
    hosts that are left, and ``adds`` that times the multiplier.
    """

    weigher: str
    raw: float
    weight: float
    multiplier: float
    adds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A host that passes, and what makes its place in the order.

    ``weight`` lies between 0 and 1 and is what ``NUMAFitWeigher`` gives, to be
    multiplied by ``multiplier``; ``score`` is that of the strategy and
    ``parts`` those of what it is made of, by name. ``total`` is the sum of
    what the weighers add that are known, each in ``weighers``. For a guest
    without NUMA topology there is no claim, and ``weight`` is 0 everywhere.
    """

    host: FleetHost
    claim: Claim | None
    score: float
    weight: float
    multiplier: float
    parts: Mapping[str, float] = dataclasses.field(default_factory=dict)
    weighers: tuple[Part, ...] = ()
    total: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """Hosts, and what each weigher that is known gives them.

    ``ours`` is the column of ``NUMAFitWeigher``, and among ``columns``. The
    names of the weighers that are not known are ``unknown``.
    """

    verdicts: tuple[Verdict, ...]
    scores: tuple[float, ...]
    ours: Column
    columns: tuple[Column, ...]
    unknown: tuple[str, ...]

    def totals(self) -> tuple[float, ...]:
        """Give the weight of each host, of all weighers that are known."""
        return weighing.totals(self.columns)

    def first(self) -> frozenset[str]:
        """Give the names of the hosts of the greatest weight: one, mostly."""
        totals = self.totals()
        most = max(totals, default=0.0)
        return frozenset(
            verdict.host.name
            for verdict, total in zip(self.verdicts, totals, strict=True)
            if total == most
        )

    def with_ours(self, ours: Column) -> 'Standing':
        """Give the same with another column of ``NUMAFitWeigher``."""
        return dataclasses.replace(
            self,
            ours=ours,
            columns=tuple(
                ours if each is self.ours else each for each in self.columns
            ),
        )


def standing(
    fleet: Fleet,
    request: Request,
    verdicts: Sequence[Verdict],
    scores: Sequence[float],
) -> Standing:
    """Give what the weighers make of hosts, were these left over.

    As a scheduler ranks them that has sent nothing on its way, has seen no
    refusal and shares nothing out.

    :param scores: of the hosts, see :func:`scores_of`
    """
    hosts = [each.host for each in verdicts]
    told = multipliers(fleet)
    server = request.server
    ours = Column(
        weighing.OURS,
        tuple(
            ranking.weights(
                scores,
                [host.name for host in hosts],
                server.uuid if server else '',
            )
        ),
        tuple(told.get(host.name, fleet.ranking.multiplier) for host in hosts),
    )
    return Standing(
        tuple(verdicts),
        tuple(scores),
        ours,
        *weighing.columns(fleet, request, hosts, ours),
    )


def rank(
    fleet: Fleet,
    explanation: Explanation,
    strategy: Strategy,
    parts: Mapping[str, Strategy] | None = None,
) -> tuple[Place, ...]:
    """Give the hosts that pass, the best first; equal ones by name.

    :param strategy: made for the mix of guests that the scheduler knows
    :param parts: what the strategy is made of, to be told
    """
    request, passing = explanation.request, explanation.passing
    return places(
        standing(
            fleet, request, passing, scores_of(request, passing, strategy)
        ),
        {
            name: scores_of(request, passing, each)
            for name, each in (parts or {}).items()
        },
    )


def places(
    found: Standing, parts: Mapping[str, Sequence[float]] | None = None
) -> tuple[Place, ...]:
    """Give the hosts of a standing, the best first; equal ones by name.

    :param parts: scores of what the strategy is made of, by name
    """
    weights = [each.weights() for each in found.columns]
    adds = [each.parts() for each in found.columns]
    totals = found.totals()
    unordered = (
        Place(
            verdict.host,
            verdict.claim,
            found.scores[number],
            found.ours.raw[number],
            found.ours.multipliers[number],
            {name: column[number] for name, column in (parts or {}).items()},
            tuple(
                Part(
                    column.weigher.name,
                    column.raw[number],
                    weights[place][number],
                    column.multipliers[number],
                    adds[place][number],
                )
                for place, column in enumerate(found.columns)
            ),
            totals[number],
        )
        for number, verdict in enumerate(found.verdicts)
    )
    return tuple(
        sorted(
            unordered,
            key=lambda each: (-each.total, each.host.name, each.host.nodename),
        )
    )


def scores_of(
    request: Request, verdicts: Sequence[Verdict], strategy: Strategy
) -> list[float]:
    """Give the score of each host; 0 for a guest without NUMA topology."""
    claims = [each.claim for each in verdicts if each.claim is not None]
    if request.guest is None or len(claims) < len(verdicts):
        return [0.0] * len(verdicts)
    return list(map(bounded, strategy.scores(request.guest, claims)))


def mix_of_servers(fleet: Fleet) -> Mix:
    """Give the guests of a fleet's servers, the most frequent ones.

    As a scheduler has learned them once it has seen each server asked for.
    """
    counts = collections.Counter(
        Guest(server.guest.cells, devices=server.guest.devices)
        for server in fleet.servers
        if server.guest is not None
    )
    kept = counts.most_common(MAX_GUESTS)
    total = sum(count for _, count in kept)
    return tuple((guest, count / total) for guest, count in kept)


def multipliers(fleet: Fleet) -> dict[str, float]:
    """Give the multiplier of each host that an aggregate has one for.

    The lowest wins; if any of a host is none, the option counts, as in
    ``nova.scheduler.utils.get_weight_multiplier``.
    """
    told: dict[str, list[float]] = {}
    for aggregate in fleet.aggregates:
        value = aggregate.metadata.get(MULTIPLIER)
        if value is not None:
            for host in aggregate.hosts:
                told.setdefault(host, []).append(_number(value))
    found = {}
    for host, values in told.items():
        lowest = math.nan if any(map(math.isnan, values)) else min(values)
        if abs(lowest) <= ranking.MOST_MULTIPLIER:
            found[host] = lowest
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
