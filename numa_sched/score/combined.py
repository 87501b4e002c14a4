"""Several strategies at once, each with a weight."""

from collections.abc import Mapping, Sequence

from numa_sched.exceptions import ConfigError
from numa_sched.fit.claim import Claim
from numa_sched.score import Strategy
from numa_sched.topology import Guest, Host

MIN_WEIGHT, MAX_WEIGHT = 0.001, 1000
"""Of a strategy among others: beyond, one of two would count nothing."""


class Combined(Strategy):
    """The mean of the scores of strategies, by their weights."""

    def __init__(self, parts: Sequence[tuple[Strategy, float]]):
        """Take strategies and their weights, which are above 0."""
        self.parts = parts
        self._total = sum(weight for _, weight in parts)

    def score(self, host: Host, guest: Guest, claim: Claim) -> float:
        """Give the score of one host; see :meth:`scores`."""
        return self.scores(guest, [claim])[0]

    def scores(self, guest: Guest, claims: Sequence[Claim]) -> list[float]:
        """Give the weighted mean for each claim."""
        columns = [
            [weight * score for score in strategy.scores(guest, claims)]
            for strategy, weight in self.parts
        ]
        return [sum(row) / self._total for row in zip(*columns, strict=True)]


def parse(option: str) -> Mapping[str, float]:
    """Give the weight of each strategy named in ``fit_strategy``.

    It is one name, or several with weights: ``fragmentation:1,locality:0.2``.

    :raises ConfigError: if it cannot be understood
    """
    weights = {}
    try:
        for item in option.split(','):
            name, colon, weight = (
                part.strip() for part in item.partition(':')
            )
            if not name or name in weights:
                raise ValueError('each strategy must be named once')
            if colon and not weight:
                raise ValueError('a weight of nothing')
            weights[name] = float(weight or 1)
            if not MIN_WEIGHT <= weights[name] <= MAX_WEIGHT:
                raise ValueError(
                    f'a weight of {weight} is not from {MIN_WEIGHT} to '
                    f'{MAX_WEIGHT}'
                )
    except ValueError as error:
        raise ConfigError(
            f'[numa_sched] fit_strategy = {option} cannot be used: {error}. '
            f'Name one strategy, or several with weights: '
            f'fragmentation:1,locality:0.2'
        ) from error
    return weights
