import itertools

import pytest

from numa_sched.fit.permutations import next_after, rank_of

ALL = list(itertools.permutations(range(5), 3))


def test_the_rank_counts_the_permutations_before():
    assert [rank_of(each, 5) for each in ALL] == list(range(60))


@pytest.mark.parametrize('position', [0, 1, 2])
def test_the_next_one_differs_where_it_has_to_or_before(position):
    for at, chosen in enumerate(ALL):
        start = chosen[: position + 1]
        others = (each for each in ALL[at:] if each[: position + 1] != start)
        expected = next(others, None)
        found = next_after(chosen, 5, position)
        assert found == (None if expected is None else list(expected))


def test_the_permutation_that_is_told_stays_as_it_is():
    chosen = [0, 1]
    assert next_after(chosen, 3, 1) == [0, 2]
    assert chosen == [0, 1]
