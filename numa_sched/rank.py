"""Scores to weights: which host is to be tried first."""

import math
import zlib
from collections.abc import Collection, Sequence

SHARPNESS = 8

MOST_MULTIPLIER = 1_000_000
"""Of ``fit_weight_multiplier``, either way."""

LEAST = 0.001
"""What is left of the weight of a host that is likely to be full: such hosts
stand behind the others, and in the order of their scores."""


def closeness(scores: Sequence[float]) -> list[float]:
    """Give how near each score is to the best: 1 for that, 0 for a 0.

    It falls off steeply, so that Nova's own weighers, which are added, decide
    among hosts that are nearly as good as the best but not against it: a host
    with nine tenths of the best score has less than half.
    """
    best = max(scores, default=0.0)
    if best <= 0:
        return [0.0] * len(scores)
    return [(score / best) ** SHARPNESS for score in scores]


def crowds(
    near: Sequence[float], rooms: Sequence[float], others: float
) -> list[float]:
    """Give for each host how likely others leave no room for a guest.

    :param near: how near the hosts are to the best; the requests of others
        are taken to go to each of them as often as that says
    :param rooms: how many such guests have room
    :param others: how many requests others have sent on their way
    """
    total = sum(near)
    if others <= 0 or total <= 0:
        return [0.0] * len(near)
    return [
        _as_many(room, others * part / total)
        for part, room in zip(near, rooms, strict=True)
    ]


def _as_many(count: float, mean: float) -> float:
    """Give how likely it is that as many come, or more (Poisson)."""
    if mean > 500:  # where exp() is next to nothing
        return float(count <= mean)
    chance = rest = math.exp(-mean)
    for number in range(1, math.ceil(min(count, 8 * mean + 8))):
        chance *= mean / number
        rest += chance
    return max(1.0 - rest, 0.0) if count > 0 else 1.0


def weights(
    scores: Sequence[float],
    hosts: Sequence[str],
    server: str,
    share_out: float = 0.0,
    crowds: Sequence[float] | None = None,
    full: Collection[int] = (),
) -> list[float]:
    """Give a weight for each host: 1 for the first, 0 for a score of 0.

    If all schedulers rank alike, they send everything to the same host. So
    where others may leave no room servers are shared out: such a host loses a
    part of its weight that depends on the names of server and host and on
    nothing else.

    :param hosts: a name for each score
    :param server: the name of the server
    :param share_out: the most that a host may lose so, from 0 to 1
    :param crowds: for each host how likely others leave no room; nothing is
        shared out if they are not given
    :param full: which hosts are likely to have no room for what this
        scheduler has sent there itself; they stand behind the others
    """
    parts = closeness(scores)
    if crowds is not None:
        seed = zlib.crc32(server.encode())
        parts = [
            part * (1.0 - share_out * shared_out(crowd) * _draw(host, seed))
            for part, crowd, host in zip(parts, crowds, hosts, strict=True)
        ]
    for number in full:
        parts[number] *= LEAST
    most = max(parts, default=0.0) or 1.0
    return [part / most for part in parts]


def shared_out(crowd: float) -> float:
    """Give how far servers are shared out, from 0 to 1.

    That is all the way already where others leave no room in one case of
    four: among hosts with little room one is as good as another.
    """
    return min(4.0 * crowd, 1.0)


def _draw(name: str, seed: int) -> float:
    """Give a number from 0 to 1, the same one whenever asked.

    Names of hosts differ by little, and a CRC by as little; multiplying
    spreads that over all digits.
    """
    return (zlib.crc32(name.encode(), seed) * 2654435761 & 0xFFFFFFFF) / 2**32
