import math

import pytest

from numa_sched.score import bounded


@pytest.mark.parametrize(
    ('score', 'counts'),
    [
        (0.0, 0.0),
        (0.25, 0.25),
        (1.0, 1.0),
        (-0.5, 0.0),
        (7.0, 1.0),
        (math.inf, 1.0),
        (-math.inf, 0.0),
        (math.nan, 0.0),
    ],
)
def test_a_score_counts_from_0_to_1_whatever_a_strategy_says(score, counts):
    assert bounded(score) == counts
