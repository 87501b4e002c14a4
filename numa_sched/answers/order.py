"""What would change the order of hosts: after which change another is first.

Nothing is told that has not been tried: the order is worked out anew with each
change, at both ends where it is a range.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from numa_sched import rank as ranking
from numa_sched.answers.explain import Explanation
from numa_sched.answers.rank import (
    MULTIPLIER,
    Standing,
    multipliers,
    scores_of,
    standing,
)
from numa_sched.answers.refusals import GIVEN
from numa_sched.fleet import Fleet
from numa_sched.score import Strategy

MOST_TRIED = 20
"""Of the hosts that one thing keeps away: the best by their scores."""

DIGITS = range(3, 7)
"""Of a multiplier: as few as do."""

NEXT_TO_NOTHING = 1e-9
"""A multiplier that is rounded as if it were 0."""


@dataclasses.dataclass(frozen=True, slots=True)
class Overtaking:
    """Hosts that would be first after a change: several if they are equal."""

    hosts: tuple[str, ...]
    what: str

    def __str__(self) -> str:
        return f'{" or ".join(self.hosts)} would be first {self.what}'


def overtakings(
    fleet: Fleet,
    explanation: Explanation,
    strategy: Strategy,
    others: Mapping[str, Strategy],
) -> tuple[Overtaking, ...]:
    """Give the changes after which none of those is first that are now.

    Nothing if a weigher is not known, or if no host passes.

    :param strategy: that of the scheduler
    :param others: what else it could be, each with words for it
    """
    request, passing = explanation.request, explanation.passing
    scores = scores_of(request, passing, strategy)
    now = standing(fleet, request, passing, scores)
    if not passing or now.unknown or fleet.ranking.weighers is None:
        return ()
    return tuple(
        itertools.chain(
            _by_multiplier(fleet, now),
            _by_strategy(fleet, explanation, now, others),
            _by_weigher(now),
            _by_host(fleet, explanation, now, strategy),
        )
    )


def _overtaking(
    now: Standing, then: Standing, what: str
) -> Iterator[Overtaking]:
    """Give what comes of a change, nothing if one of the first stays so.

    Nor if there is no first: where weights are no numbers.
    """
    first = then.first()
    if first and not first & now.first():
        yield Overtaking(tuple(sorted(first)), what)


def _by_strategy(
    fleet: Fleet,
    explanation: Explanation,
    now: Standing,
    others: Mapping[str, Strategy],
) -> Iterator[Overtaking]:
    for what, strategy in others.items():
        then = standing(
            fleet,
            explanation.request,
            now.verdicts,
            scores_of(explanation.request, now.verdicts, strategy),
        )
        yield from _overtaking(now, then, what)


def _by_weigher(now: Standing) -> Iterator[Overtaking]:
    for column in now.columns:
        if column is not now.ours:
            left = tuple(each for each in now.columns if each is not column)
            then = dataclasses.replace(now, columns=left)
            what = f'if {column.weigher.name} did not count'
            yield from _overtaking(now, then, what)


def _by_host(
    fleet: Fleet,
    explanation: Explanation,
    now: Standing,
    strategy: Strategy,
) -> Iterator[Overtaking]:
    """Give the hosts that would be first if one thing did not stand against.

    What is given, such as the source of a server, nobody can change.
    """
    request = explanation.request
    near = [
        verdict
        for verdict in explanation.verdicts
        if len(verdict.refusals) == 1
        and verdict.refusals[0].rule not in GIVEN
        and (verdict.claim is not None or request.guest is None)
    ]
    best = sorted(
        zip(scores_of(request, near, strategy), near, strict=True),
        key=lambda each: (-each[0], each[1].host.name),
    )[:MOST_TRIED]
    for score, verdict in best:
        then = standing(
            fleet,
            request,
            (*now.verdicts, verdict),
            (*now.scores, score),
        )
        if not then.unknown and then.first() == {verdict.host.name}:
            yield from _overtaking(
                now, then, f'but for this: {verdict.refusals[0].text}'
            )


# The weight of a host is a line over the multiplier: where it begins at 0,
# and how fast it grows.
_Line = tuple[float, float]


def _by_multiplier(fleet: Fleet, now: Standing) -> Iterator[Overtaking]:
    """Give the hosts that come first with the option a little up or down."""
    told = multipliers(fleet)
    is_free = [each.host.name not in told for each in now.verdicts]
    option = fleet.ranking.multiplier
    rest = with_option(now, is_free, 0.0).totals()
    lines = [
        (start, weight if free else 0.0)
        for start, weight, free in zip(
            rest, now.ours.raw, is_free, strict=True
        )
    ]
    most = ranking.MOST_MULTIPLIER
    for end in (most, 0.0 if option > 0 else -most):
        found = _next(lines, option, end)
        if found is not None:
            near, far = found
            yield from _range(now, is_free, near, far, end)


def with_option(
    now: Standing, is_free: Sequence[bool], option: float
) -> Standing:
    """Give a standing with another ``fit_weight_multiplier``.

    :param is_free: for each host whether the option counts there, and no
        aggregate has another
    """
    ours = dataclasses.replace(
        now.ours,
        multipliers=tuple(
            option if free else told
            for free, told in zip(is_free, now.ours.multipliers, strict=True)
        ),
    )
    return now.with_ours(ours)


def _next(
    lines: Sequence[_Line], option: float, end: float
) -> tuple[float, float] | None:
    """Give where another line is highest, from ``option`` towards ``end``.

    That is where it begins and where it ends; None if none ever is.
    """
    way = 1.0 if end > option else -1.0

    def height(line: _Line, at: float) -> float:
        return line[0] + line[1] * at

    def crossing(highest: _Line, after: float) -> tuple[float, _Line] | None:
        """Give the next line that gets higher, and where."""
        found = [
            ((highest[0] - line[0]) / (line[1] - highest[1]), line)
            for line in lines
            if (line[1] - highest[1]) * way > 0
        ]
        ahead = [
            each
            for each in found
            if (each[0] - after) * way >= 0 and (end - each[0]) * way >= 0
        ]
        return min(
            ahead,
            key=lambda each: (each[0] * way, -each[1][1] * way),
            default=None,
        )

    highest = max(
        lines, key=lambda line: (height(line, option), line[1] * way)
    )
    begins = crossing(highest, option)
    if begins is None:
        return None
    ends = crossing(begins[1], begins[0])
    return begins[0], end if ends is None else ends[0]


def _range(
    now: Standing,
    is_free: Sequence[bool],
    near: float,
    far: float,
    end: float,
) -> Iterator[Overtaking]:
    """Give the values for which other hosts come first, in few digits.

    Between two values with the same first host it is first, since its line is
    straight: so both ends are tried.
    """
    up = far > near
    for digits in DIGITS:
        nearest = _rounded(near, digits, up=up)
        farthest = far if far == end else _rounded(far, digits, up=not up)
        if (farthest - nearest) * (1 if up else -1) < 0:
            continue
        at_both = [
            with_option(now, is_free, value).first()
            for value in (nearest, farthest)
        ]
        if at_both[0] != at_both[1] or at_both[0] & now.first():
            continue
        lower, upper = sorted((nearest, farthest))
        if abs(farthest) == ranking.MOST_MULTIPLIER:
            what = f'{nearest:g} or {"more" if up else "less"}'
        else:
            what = f'{lower:g} to {upper:g}'
        yield Overtaking(
            tuple(sorted(at_both[0])),
            f'with [numa_sched] {MULTIPLIER} = {what}',
        )
        return


def _rounded(value: float, digits: int, *, up: bool) -> float:
    """Give the next number of so many digits above or below, never itself.

    At the value itself two hosts are equal.
    """
    is_none = abs(value) < NEXT_TO_NOTHING
    size = 0 if is_none else math.floor(math.log10(abs(value)))
    scale = 10.0 ** (digits - 1 - size)
    steps = (
        math.floor(value * scale) + 1 if up else (math.ceil(value * scale) - 1)
    )
    return steps / scale
