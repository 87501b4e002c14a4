"""Permutations of host cells, in the order in which Nova walks them."""

import math
from collections.abc import Sequence


def rank_of(chosen: Sequence[int], available: int) -> int:
    """Give how many permutations come before one, in Nova's order.

    :param chosen: indexes of host cells, in the order of the guest's cells
    :param available: number of host cells
    """
    rank = 0
    size = len(chosen)
    for place, index in enumerate(chosen):
        before = index - sum(other < index for other in chosen[:place])
        rank += before * math.perm(available - place - 1, size - place - 1)
    return rank


def next_after(
    chosen: Sequence[int], available: int, position: int
) -> list[int] | None:
    """Give the next permutation that differs at ``position`` or before."""
    chosen = list(chosen)
    while position >= 0:
        taken = set(chosen[:position])
        after = next(
            (
                index
                for index in range(chosen[position] + 1, available)
                if index not in taken
            ),
            None,
        )
        if after is not None:
            chosen[position] = after
            taken.add(after)
            rest = (index for index in range(available) if index not in taken)
            tail = len(chosen) - position - 1
            chosen[position + 1 :] = [next(rest) for _ in range(tail)]
            return chosen
        position -= 1
    return None
