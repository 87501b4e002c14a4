"""Odd requests; ``benchmarks.api_fuzz`` checks as many as are wanted."""

from tests.cloud import machines  # isort: skip  (Nova patches come first)

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numa_sched import policy
from tests.functional.api import actions, fuzz, paths
from tests.functional.api.requests import nothing_built


def run(checker, cases):
    """Check as many requests; all outcomes must come up."""
    requests = checker.requests()

    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def check(data):
        checker.check(data.draw(requests))

    check()
    seen = {key: count for key, count in checker.outcomes.items() if count}
    assert seen.keys() >= checker.outcomes.keys() - {'HTTP 5xx of Nova'}


def test_odd_requests_are_refused_for_a_reason_or_answered_by_nova(cloud):
    with nothing_built() as handed_over:
        run(fuzz.Checker(cloud, handed_over), 150)


@pytest.fixture
def _host(cloud):
    """A host that can do both."""
    if 'host' not in cloud.computes:
        cloud.add_host(
            'host',
            machines.symmetric(1, 16),
            shared=range(16),
            traits=policy.TRAITS,
        )


@pytest.mark.usefixtures('_host')
def test_a_request_that_clashes_is_refused_under_every_spelling(cloud):
    run(paths.PathChecker.on(cloud), 300)


@pytest.mark.usefixtures('_host')
def test_odd_changes_are_refused_for_a_reason_or_answered_by_nova(cloud):
    with actions.nothing_changed():
        run(actions.ActionChecker(cloud), 100)
