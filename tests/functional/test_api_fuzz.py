"""Odd requests; ``benchmarks.api_fuzz`` checks as many as are wanted."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functional import api_fuzz
from tests.functional.api_requests import nothing_built


@pytest.fixture(scope='module')
def checker(cloud):
    with nothing_built() as handed_over:
        yield api_fuzz.Checker(cloud, handed_over)


def test_odd_requests_are_refused_for_a_reason_or_answered_by_nova(checker):
    @settings(
        max_examples=300,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def run(data):
        checker.check(data.draw(requests))

    requests = api_fuzz.requests(checker.stock)
    run()
    assert all(
        checker.outcomes[each]
        for each in ('refused', 'created', 'refused by Nova')
    )
