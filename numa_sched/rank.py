"""Scores to weights: which host is to be tried first."""

import zlib
from collections.abc import Sequence

SHARPNESS = 8
SHARED_OUT = 0.3


def weights(
    scores: Sequence[float], hosts: Sequence[str], server: str
) -> list[float]:
    """Give a weight from 0 to 1 for each host, 0 for a score of 0.

    Weights fall off steeply with the distance to the best score, so that
    Nova's own weighers, which are added, decide among hosts that are nearly
    as good as the best but not against it: a host with nine tenths of the
    best score has less than half of its weight.

    Schedulers do not see what others have sent to a host just now, and tight
    packing sends them all to the same one. So servers are shared out among
    hosts that are nearly as good: up to three tenths of a weight depend on
    the names of server and host, and on nothing else.

    :param hosts: a name for each score
    :param server: the name of the server
    """
    best = max(scores, default=0.0)
    if best <= 0:
        return [0.0] * len(scores)
    seed = zlib.crc32(server.encode())
    return [
        (score / best) ** SHARPNESS * (1.0 - SHARED_OUT * _draw(host, seed))
        for score, host in zip(scores, hosts, strict=True)
    ]


def _draw(name: str, seed: int) -> float:
    """Give a number from 0 to 1, the same one whenever asked.

    Names of hosts differ by little, and a CRC by as little; multiplying
    spreads that over all digits.
    """
    return (zlib.crc32(name.encode(), seed) * 2654435761 & 0xFFFFFFFF) / 2**32
