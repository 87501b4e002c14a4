import pytest

from numa_sched.answers import explain, of_flavor, of_server, rank
from numa_sched.fleet import Aggregate, Fleet, Ranking
from numa_sched.score.pack import Pack
from numa_sched.score.spread import Spread
from tests.fleets import make_flavor, make_fleet_host, make_server


def ranked(fleet, request, strategy=None, **parts):
    return rank(fleet, explain(fleet, request), strategy or Pack(), parts)


def hosts(**cpus):
    return tuple(make_fleet_host(name, n) for name, n in cpus.items())


def test_the_best_host_comes_first_and_what_does_not_fit_not_at_all():
    fleet = Fleet(hosts(small=1, large=8, medium=4))
    request = of_flavor(make_flavor('f', 2))
    found = ranked(fleet, request)
    assert [each.host.name for each in found] == ['medium', 'large']
    assert found[0].weight == 1.0 > found[1].weight > 0
    assert found[0].score > found[1].score
    assert found[0].claim.cell_ids == (0,)
    other = ranked(fleet, request, Spread())
    assert [each.host.name for each in other] == ['large', 'medium']


def test_equal_hosts_stand_by_name():
    fleet = Fleet(hosts(b=4, a=4))
    found = ranked(fleet, of_flavor(make_flavor('f', 2)))
    assert [each.host.name for each in found] == ['a', 'b']
    assert {each.weight for each in found} == {1.0}


def test_the_parts_of_a_score_are_told():
    fleet = Fleet(hosts(a=4))
    (found,) = ranked(fleet, of_flavor(make_flavor('f', 3)), spread=Spread())
    assert found.parts == {'spread': 0.25}
    assert found.score == 0.75


def test_where_a_server_is_it_does_not_go():
    fleet = Fleet(hosts(a=4, b=4))
    server = make_server('s', make_flavor('f', 2), 'a')
    assert [each.host.name for each in ranked(fleet, of_server(server))] == [
        'b'
    ]


def test_without_a_topology_all_weigh_the_same():
    fleet = Fleet(hosts(b=8, a=4))
    found = ranked(fleet, of_flavor(make_flavor('plain')))
    assert [(each.host.name, each.weight) for each in found] == [
        ('a', 0.0),
        ('b', 0.0),
    ]


@pytest.mark.parametrize(
    ('values', 'multiplier'),
    [
        ((), 3.0),
        (('5', '2'), 2.0),
        (('5', 'many'), 3.0),
        (('nan',), 3.0),
        (('1e9',), 3.0),
        (('-1',), -1.0),
    ],
)
def test_an_aggregate_may_have_a_multiplier(values, multiplier):
    fleet = Fleet(
        hosts(a=4),
        aggregates=tuple(
            Aggregate(
                f'uuid-{n}',
                '',
                frozenset({'a'}),
                {'fit_weight_multiplier': value},
            )
            for n, value in enumerate(values)
        ),
        ranking=Ranking(multiplier=3.0),
    )
    (found,) = ranked(fleet, of_flavor(make_flavor('f', 2)))
    assert found.multiplier == multiplier


def test_a_multiplier_below_0_puts_the_worst_first():
    fleet = Fleet(hosts(a=4, b=8), ranking=Ranking(multiplier=-1.0))
    found = ranked(fleet, of_flavor(make_flavor('f', 2)))
    assert [each.host.name for each in found] == ['b', 'a']
