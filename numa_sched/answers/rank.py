"""Where a server would go: hosts in the order of ``NUMAFitWeigher``."""

import collections
import dataclasses
import math
from collections.abc import Mapping

from numa_sched import rank as ranking
from numa_sched.answers.explain import Explanation
from numa_sched.fit.claim import Claim
from numa_sched.fleet import Fleet, FleetHost
from numa_sched.history.mix import MAX_GUESTS
from numa_sched.score import Mix, Strategy, bounded
from numa_sched.topology import Guest

MULTIPLIER = 'fit_weight_multiplier'
MOST = 1_000_000
"""Beyond which a multiplier in the metadata of an aggregate does not count."""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A host that passes, and what makes its place in the order.

    ``weight`` lies between 0 and 1 and is what the weigher gives, to be
    multiplied by ``multiplier``; ``score`` is that of the strategy and
    ``parts`` those of what it is made of, by name. For a guest without NUMA
    topology there is no claim, and all weigh the same.
    """

    host: FleetHost
    claim: Claim | None
    score: float
    weight: float
    multiplier: float
    parts: Mapping[str, float] = dataclasses.field(default_factory=dict)


def rank(
    fleet: Fleet,
    explanation: Explanation,
    strategy: Strategy,
    parts: Mapping[str, Strategy] | None = None,
) -> tuple[Place, ...]:
    """Give the hosts that pass, the best first; equal ones by name.

    As a scheduler ranks them that has sent nothing on its way, has seen no
    refusal and shares nothing out.

    :param strategy: made for the mix of guests that the scheduler knows
    :param parts: what the strategy is made of, to be told
    """
    passing = explanation.passing
    guest = explanation.request.guest
    claims = [each.claim for each in passing if each.claim is not None]
    if guest is None or len(claims) < len(passing):
        scores = weights = [0.0] * len(passing)
        parted: dict[str, list[float]] = {}
    else:
        scores = list(map(bounded, strategy.scores(guest, claims)))
        parted = {
            name: list(map(bounded, each.scores(guest, claims)))
            for name, each in (parts or {}).items()
        }
        server = explanation.request.server
        weights = ranking.weights(
            scores,
            [each.host.name for each in passing],
            server.uuid if server else '',
        )
    multipliers = _multipliers(fleet)
    places = [
        Place(
            verdict.host,
            verdict.claim,
            scores[number],
            weights[number],
            multipliers.get(verdict.host.name, fleet.ranking.multiplier),
            {name: column[number] for name, column in parted.items()},
        )
        for number, verdict in enumerate(passing)
    ]
    return tuple(
        sorted(
            places,
            key=lambda each: (
                -each.weight * each.multiplier,
                each.host.name,
                each.host.nodename,
            ),
        )
    )


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


def _multipliers(fleet: Fleet) -> dict[str, float]:
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
        if abs(lowest) <= MOST:
            found[host] = lowest
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
