"""Strategies by the names of their entry points."""

import pytest

from numa_sched import fit, plugins
from numa_sched.exceptions import ConfigError
from numa_sched.history.mix import pinned
from numa_sched.score.fragmentation import Fragmentation
from tests.builders import make_guest, make_host

NAMES = ['fragmentation', 'headroom', 'locality', 'pack', 'spread']
GUEST = make_guest(2)
CLAIM = fit.fit(make_host(8), GUEST)


@pytest.mark.parametrize('name', NAMES)
def test_each_strategy_is_found_by_its_name(name):
    strategy = plugins.strategy(name)(())
    assert type(strategy).__name__.lower() == name


def test_a_strategy_gets_the_mix():
    made = plugins.strategy('fragmentation')(((pinned(8), 1.0),))
    assert isinstance(made, Fragmentation)
    assert made.score(CLAIM.host, GUEST, CLAIM) == 0.2


def test_several_are_combined_by_their_weights():
    made = plugins.strategy('pack:3,spread:1')(())
    assert made.scores(GUEST, [CLAIM]) == [(0.25 * 3 + 0.75) / 4]


def test_each_of_several_gets_the_mix():
    made = plugins.strategy('fragmentation,pack')(((pinned(8), 1.0),))
    assert made.scores(GUEST, [CLAIM]) == [pytest.approx((0.2 + 0.25) / 2)]


@pytest.mark.parametrize('name', ['Pack', 'PACK', ' pack '])
def test_the_case_of_a_name_does_not_matter(name):
    assert type(plugins.strategy(name)(())).__name__ == 'Pack'


@pytest.mark.parametrize('option', ['no-such', 'pack:1,no-such:2', 'nan'])
def test_an_unknown_name_is_an_error_that_says_where_to_look(option):
    with pytest.raises(ConfigError, match=r"'(no-such|nan)'") as raised:
        plugins.strategy(option)
    assert 'numa_sched.fit_strategies' in str(raised.value)


def test_an_option_that_makes_no_sense_is_an_error():
    with pytest.raises(ConfigError, match='a weight of 0'):
        plugins.strategy('pack:0')
