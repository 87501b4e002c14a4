import dataclasses

import pytest

from numa_sched.answers import explain, of_flavor, of_server, rank
from numa_sched.answers.rank import mix_of_servers, scores_of, standing
from numa_sched.fleet import Aggregate, Fleet, Ranking, Weigher
from numa_sched.score.pack import Pack
from numa_sched.score.spread import Spread
from tests.fleets import make_flavor, make_fleet_host, make_server

RAM = Weigher('RAMWeigher', 0.0)


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
        (('1e6',), 1e6),
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


def stand(fleet, request):
    """Give how hosts stand that pass."""
    passing = explain(fleet, request).passing
    return standing(
        fleet, request, passing, scores_of(request, passing, Pack())
    )


def test_all_hosts_of_the_greatest_weight_are_the_first():
    request = of_flavor(make_flavor('f', 2))
    assert stand(Fleet(hosts(a=4, b=2, c=8)), request).first() == {'b'}
    assert stand(Fleet(hosts(a=4, b=8, c=4)), request).first() == {'a', 'c'}
    assert stand(Fleet(hosts(a=1)), request).first() == set()


def test_another_column_of_ours_takes_the_place_of_ours_alone():
    fleet = Fleet(
        hosts(a=4, b=2),
        ranking=Ranking(weighers=(RAM, Weigher('NUMAFitWeigher', 0.0, 1.0))),
    )
    before = stand(fleet, of_flavor(make_flavor('f', 2)))
    other = dataclasses.replace(before.ours, raw=(1.0, 0.0))
    after = before.with_ours(other)
    assert after.ours is other
    assert before.first() == {'b'}
    assert after.first() == {'a'}
    assert [
        (was is now, now is other)
        for was, now in zip(before.columns, after.columns, strict=True)
    ] == [
        (was is not before.ours, was is before.ours) for was in before.columns
    ]


def test_hosts_that_the_guest_does_not_fit_leave_all_without_a_score():
    fleet = Fleet(hosts(a=4, b=1))
    request = of_flavor(make_flavor('f', 2))
    found = explain(fleet, request)
    assert scores_of(request, found.verdicts, Pack()) == [0.0, 0.0]
    assert scores_of(request, found.passing, Pack()) == [0.5]


def test_the_mix_of_servers_is_that_of_their_guests():
    pinned, other = make_flavor('f', 2), make_flavor('g', 4)
    flavors = pinned, other, pinned, make_flavor('plain'), pinned
    fleet = Fleet(
        hosts(a=64),
        servers=tuple(
            make_server(f's{number}', flavor, 'a')
            for number, flavor in enumerate(flavors)
        ),
    )
    assert mix_of_servers(fleet) == ((pinned.guest, 0.75), (other.guest, 0.25))
