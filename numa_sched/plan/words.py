"""Sentences about plans."""

import collections

from numa_sched.answers import Explanation, Verdict
from numa_sched.answers.refusals import Rule

MOST_REASONS = 3


def why_nowhere(found: Explanation) -> str:
    """Give why a request passes no host: a reason each, the commonest first.

    What placement has too little of is told where it is the only reason.
    """
    counts = collections.Counter(map(_reason, found.verdicts))
    if not counts:
        return 'there is no other host'
    told = [
        f'{reason} ({count} host{"" if count == 1 else "s"})'
        for reason, count in sorted(
            counts.items(), key=lambda each: (-each[1], each[0])
        )
    ]
    more = len(told) - MOST_REASONS
    return '; '.join(told[:MOST_REASONS]) + (
        f'; {more} more reason{"" if more == 1 else "s"}' if more > 0 else ''
    )


def _reason(verdict: Verdict) -> str:
    if verdict.passes:
        return 'has room, but not for all'
    others = [
        each for each in verdict.refusals if each.rule is not Rule.AMOUNTS
    ]
    return (others or verdict.refusals)[0].summary
