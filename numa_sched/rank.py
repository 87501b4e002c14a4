"""Scores to weights: which host is to be tried first."""

import zlib
from collections.abc import Sequence

SHARPNESS = 8


def weights(
    scores: Sequence[float],
    hosts: Sequence[str],
    server: str,
    share_out: float = 0.0,
) -> list[float]:
    """Give a weight for each host: 1 for the first, 0 for a score of 0.

    Weights fall off steeply with the distance to the best score, so that
    Nova's own weighers, which are added, decide among hosts that are nearly
    as good as the best but not against it: a host with nine tenths of the
    best score has less than half of its weight.

    Schedulers do not see what others have sent to a host just now, and if all
    rank alike they send everything to the same one. So servers are shared out
    among hosts that are nearly as good: each host loses a part of its weight
    that depends on the names of server and host and on nothing else.

    :param hosts: a name for each score
    :param server: the name of the server
    :param share_out: the most that a host may lose so, from 0 to 1
    """
    best = max(scores, default=0.0)
    if best <= 0:
        return [0.0] * len(scores)
    seed = zlib.crc32(server.encode())
    parts = [
        (score / best) ** SHARPNESS * (1.0 - share_out * _draw(host, seed))
        for score, host in zip(scores, hosts, strict=True)
    ]
    most = max(parts) or 1.0
    return [part / most for part in parts]


def _draw(name: str, seed: int) -> float:
    """Give a number from 0 to 1, the same one whenever asked.

    Names of hosts differ by little, and a CRC by as little; multiplying
    spreads that over all digits.
    """
    return (zlib.crc32(name.encode(), seed) * 2654435761 & 0xFFFFFFFF) / 2**32
