import pytest

from numa_sched.answers import explain, of_flavor, overtakings
from numa_sched.fleet import Aggregate, Fleet, Ranking, Weighed, Weigher
from numa_sched.score.pack import Pack
from numa_sched.score.spread import Spread
from tests.fleets import make_flavor, make_fleet_host

RAM = Weigher('RAMWeigher', 0.0)
OURS = Weigher('NUMAFitWeigher', 0.0, 1.0)
WANTED = of_flavor(make_flavor('f', 2))


def host(name, cpus, ram=0.0, **fields):
    weighed = {RAM.name: Weighed(ram, 1.0)}
    return make_fleet_host(name, cpus, weighed=weighed, **fields)


def told(*hosts, multiplier=10.0, weighers=(RAM, OURS), others=None, **of):
    """Give what would change the order, as it is told."""
    fleet = Fleet(
        hosts, ranking=Ranking('pack', multiplier, weighers=weighers), **of
    )
    found = overtakings(fleet, explain(fleet, WANTED), Pack(), others or {})
    return [str(each) for each in found]


def test_a_multiplier_from_which_on_the_better_fit_counts():
    # exact has 1.0 by fit and nothing by memory, large (2/8)**8 and 1.0.
    assert told(host('exact', 2), host('large', 8, 9.0), multiplier=0.5) == [
        'exact would be first with [numa_sched] fit_weight_multiplier = 1.01 '
        'or more',
        'exact would be first if RAMWeigher did not count',
    ]


def test_a_multiplier_below_which_others_decide():
    assert told(host('exact', 2), host('large', 8, 9.0)) == [
        'large would be first with [numa_sched] fit_weight_multiplier = 0 to 1'
    ]


def test_a_multiplier_may_do_within_a_range_only():
    hosts = (
        host('exact', 2),
        host('medium', 3, 30.0),
        host('large', 300, 31.0),
    )
    found = told(*hosts, multiplier=0.0)
    assert found[0] == (
        'medium would be first with [numa_sched] fit_weight_multiplier = '
        '0.827 to 1'
    )


def test_a_multiplier_below_0_is_tried_from_0_on():
    found = told(host('exact', 2, 9.0), host('large', 8), multiplier=0.0)
    assert found[0] == (
        'large would be first with [numa_sched] fit_weight_multiplier = '
        '-1.01 or less'
    )


def test_of_hosts_that_are_equal_now_the_one_that_gains_more_is_overtaken():
    hosts = (host('a', 8, 10.0), host('b', 3, 10.0), host('c', 2, 9.0))
    assert told(*hosts, multiplier=0.0)[0] == (
        'c would be first with [numa_sched] fit_weight_multiplier = 0.105 or '
        'more'
    )


def test_a_host_whose_aggregate_has_a_multiplier_keeps_that():
    aggregate = Aggregate(
        'uuid', 'a', frozenset({'a'}), {'fit_weight_multiplier': '2'}
    )
    hosts = (host('a', 2), host('b', 2))
    assert told(*hosts, multiplier=0.5, aggregates=(aggregate,)) == [
        'b would be first with [numa_sched] fit_weight_multiplier = 2.01 or '
        'more'
    ]


def test_another_strategy():
    hosts = (host('exact', 2), host('large', 8))
    assert told(*hosts, others={'with luck': Spread([])}) == [
        'large would be first with luck'
    ]


def test_a_strategy_that_changes_nothing_is_not_told():
    assert told(host('a', 2), host('b', 8), others={'x': Pack([])}) == []


def test_one_thing_that_stands_against_a_better_host():
    down = host('exact', 2, up=False)
    assert told(down, host('large', 8)) == [
        'exact would be first but for this: its service is down'
    ]


def test_two_things_that_stand_against_a_host_are_not_told():
    down = host('exact', 2, up=False, disabled='')
    assert told(down, host('large', 8)) == []


def test_hosts_that_would_be_equal_are_told_together():
    hosts = (host('b', 2), host('a', 2), host('large', 8, 9.0))
    assert told(*hosts, multiplier=0.5)[1] == (
        'a or b would be first if RAMWeigher did not count'
    )


def test_no_host_that_is_first_already_is_told():
    hosts = (host('a', 2), host('b', 2), host('c', 2, up=False))
    assert told(*hosts) == []


@pytest.mark.parametrize(
    'weighers', [None, (RAM, Weigher('Own'), OURS)], ids=['none', 'not all']
)
def test_nothing_is_told_where_weighers_are_not_known(weighers):
    hosts = (host('exact', 2), host('large', 8, 9.0))
    assert told(*hosts, weighers=weighers) == []


def test_nothing_is_told_of_weights_that_are_no_numbers():
    # 1 over next to nothing is infinite, and 0 times that is no number.
    odd, other = Weigher('Odd', 0.0, 5e-324), Weigher('Other')
    hosts = [
        make_fleet_host(
            name,
            cpus,
            weighed={
                'Odd': Weighed(1e9, factor),
                'Other': Weighed(factor, 1.0),
            },
        )
        for name, cpus, factor in (('exact', 2, 0.0), ('large', 8, 1.0))
    ]
    assert told(*hosts, weighers=(odd, other, OURS)) == [
        'exact would be first if Odd did not count'
    ]


def test_nothing_is_told_where_no_host_passes():
    assert told(host('tiny', 1), host('down', 2, up=False)) == []
