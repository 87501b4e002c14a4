"""What fails for a while costs no more than without us."""

import collections
import os
import statistics

import pytest

from tests.services.faults import FAULTS, provoke

# As the cloud is with us already, after the other tests.
SETUPS = {'with us': True, 'stock': False}
# Which requests are on their way when something fails is up to chance, and
# Nova alone loses some of those.
CHANCE = 3
REPEATS = int(os.environ.get('REPEATS', '1'))


@pytest.fixture(scope='module')
def outcomes():
    """The outcomes of each fault so far, with us and without us."""
    return collections.defaultdict(list)


@pytest.mark.parametrize('fault', FAULTS)
@pytest.mark.parametrize('setup', SETUPS)
def test_the_cloud_answers_after_a_fault(setup, fault, cloud, outcomes, tell):
    cloud.become(ours=SETUPS[setup])
    for _ in range(REPEATS):
        outcome = provoke(cloud, fault)
        outcomes[setup, fault].append(outcome)
        tell(outcome)
        assert all(each.runs for each in cloud.nova.processes)
        if cloud.ours:
            for host in cloud.connection.placement.resource_providers():
                assert cloud.used(host) == 0
    assert not cloud.our_errors()


@pytest.mark.parametrize('fault', FAULTS)
def test_nothing_is_lost_that_would_not_be_lost_without_us(fault, outcomes):
    stock, ours = (outcomes[each, fault] for each in ('stock', 'with us'))
    if not len(stock) == len(ours) == REPEATS:
        pytest.fail('a cloud did not answer after it')
    for count in ('lost', 'leaked'):
        of_stock, of_ours = (
            statistics.mean(getattr(each, count) for each in found)
            for found in (stock, ours)
        )
        assert of_ours <= of_stock + CHANCE / REPEATS**0.5, count
