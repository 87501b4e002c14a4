import dataclasses

import pytest

from numa_sched.answers import Move, explain, of_flavor, of_server, rank
from numa_sched.answers.weighing import Column, is_enabled, totals, unknown
from numa_sched.fleet import (
    Fleet,
    Ranking,
    ServerGroup,
    Weighed,
    Weigher,
)
from numa_sched.score.pack import Pack
from tests.fleets import make_flavor, make_fleet_host, make_server

RAM = Weigher('RAMWeigher', 0.0)
OURS = Weigher('NUMAFitWeigher', 0.0, 1.0)


def fleet_of(weighers=(RAM, OURS), servers=(), groups=(), **weighed):
    """Give a cloud; each host is named with what weighers make of it."""
    return Fleet(
        tuple(
            make_fleet_host(name, 4, weighed=told)
            for name, told in weighed.items()
        ),
        tuple(servers),
        groups=tuple(groups),
        ranking=Ranking('pack', 10.0, weighers=weighers),
    )


def ranked(fleet, request=None):
    request = request or of_flavor(make_flavor('f', 2))
    return rank(fleet, explain(fleet, request), Pack())


def raw(value, multiplier=1.0, name='RAMWeigher'):
    return {name: Weighed(value, multiplier)}


@pytest.mark.parametrize(
    ('least', 'most', 'weights'),
    [
        (None, None, (0.0, 0.5, 1.0)),
        (0.0, None, (0.25, 0.625, 1.0)),
        (0.0, 16.0, (0.125, 0.3125, 0.5)),
        # As Nova reckons: nothing keeps the ends in their order.
        (10.0, None, (4.0, 2.5, 1.0)),
    ],
)
def test_numbers_are_stretched_between_the_ends_of_a_weigher(
    least, most, weights
):
    column = Column(Weigher('X', least, most), (2.0, 5.0, 8.0), (1.0,) * 3)
    assert column.weights() == weights


def test_equal_numbers_weigh_nothing():
    column = Column(Weigher('X'), (7.0, 7.0), (1.0, 1.0))
    assert column.weights() == (0.0, 0.0)
    assert column.parts() == (0.0, 0.0)


def test_of_no_host_there_is_no_weight():
    column = Column(Weigher('X'), (), ())
    assert column.weights() == totals([column]) == ()


def test_what_weighers_add_decides_among_hosts_that_are_as_good():
    fleet = fleet_of(a=raw(1000.0), b=raw(4000.0))
    first, second = ranked(fleet)
    assert [first.host.name, second.host.name] == ['b', 'a']
    assert (first.total, second.total) == (11.0, 10.25)
    assert [(each.weigher, each.adds) for each in first.weighers] == [
        ('RAMWeigher', 1.0),
        ('NUMAFitWeigher', 10.0),
    ]
    assert second.weighers[0].raw == 1000.0
    assert second.weighers[0].weight == 0.25


def test_ours_adds_its_weight_as_often_as_its_multiplier():
    fleet = fleet_of((OURS, RAM), a=raw(1.0), b=raw(1.0))
    small = make_fleet_host('small', 2, weighed=raw(0.5))
    fleet = dataclasses.replace(fleet, hosts=(*fleet.hosts, small))
    found = ranked(fleet)
    assert [each.host.name for each in found] == ['small', 'a', 'b']
    for each in found:
        ours, ram = each.weighers
        assert ours.adds == pytest.approx(10.0 * each.weight)
        assert ram.adds == (0.5 if each is found[0] else 1.0)


def test_a_weigher_may_count_on_some_hosts_only():
    fleet = fleet_of(a=raw(1.0, 0.0), b=raw(1.0, 2.0))
    found = ranked(fleet)
    assert [(each.host.name, each.weighers[0].adds) for each in found] == [
        ('b', 2.0),
        ('a', 0.0),
    ]


def test_a_weigher_that_counts_nowhere_gives_nothing():
    (place,) = ranked(fleet_of(a=raw(5.0, 0.0)))
    assert place.weighers[0].raw == 0.0


def test_a_request_of_no_server_has_no_group():
    fleet = fleet_of((TOGETHER, OURS), a=raw(None, 1.0, TOGETHER.name))
    (place,) = ranked(fleet)
    assert place.weighers[0].raw == 0.0


def test_each_host_has_the_multiplier_of_its_aggregates():
    fleet = fleet_of(a=raw(1000.0, -1.0), b=raw(4000.0, 0.5))
    assert [each.total for each in ranked(fleet)] == [10.5, 9.75]


def test_a_weigher_that_looks_at_the_request_is_not_known():
    fleet = fleet_of(
        (RAM, Weigher('Own'), OURS),
        a={**raw(1.0), **raw(None, 1.0, 'Own')},
    )
    request = of_flavor(make_flavor('f', 2))
    assert unknown(fleet, request, fleet.hosts) == ('Own',)
    (place,) = ranked(fleet, request)
    assert [each.weigher for each in place.weighers] == [RAM.name, OURS.name]


def test_a_weigher_that_does_not_count_need_not_be_known():
    fleet = fleet_of((Weigher('Own'), OURS), a=raw(None, 0.0, 'Own'))
    assert unknown(fleet, of_flavor(make_flavor('f', 2)), fleet.hosts) == ()


def test_a_weigher_that_a_host_tells_nothing_of_is_not_known():
    fleet = fleet_of(a=raw(1.0), b={})
    request = of_flavor(make_flavor('f', 2))
    assert unknown(fleet, request, fleet.hosts) == ('RAMWeigher',)


TOGETHER, APART = (
    Weigher(f'ServerGroupSoft{name}Weigher')
    for name in ('Affinity', 'AntiAffinity')
)


@pytest.mark.parametrize(
    ('weigher', 'policy', 'numbers'),
    [
        (TOGETHER, 'soft-affinity', {'a': 0.0, 'b': 2.0, 'c': 1.0}),
        (APART, 'soft-anti-affinity', {'a': 0.0, 'b': -2.0, 'c': -1.0}),
        (TOGETHER, 'soft-anti-affinity', {'a': 0.0, 'b': 0.0, 'c': 0.0}),
        (APART, 'anti-affinity', {'a': 0.0, 'b': 0.0, 'c': 0.0}),
    ],
)
def test_the_members_of_a_soft_group_count_on_each_host(
    weigher, policy, numbers
):
    flavor = make_flavor('f', 1)
    server = make_server('s', flavor, 'source', group='group')
    others = [
        make_server(name, flavor, host)
        for name, host in (('x', 'b'), ('y', 'b'), ('z', 'c'), ('no', 'a'))
    ]
    members = {server.uuid, *(each.uuid for each in others[:3])}
    told = raw(None, 1.0, weigher.name)
    fleet = fleet_of(
        (weigher, OURS),
        [server, *others],
        [ServerGroup('group', 'g', policy, frozenset(members), 9)],
        **dict.fromkeys('abc', told),
    )
    found = ranked(fleet, of_server(server))
    assert {each.host.name: each.weighers[0].raw for each in found} == numbers


@pytest.mark.parametrize(
    ('move', 'names'), [(Move.LIVE, ()), (Move.COLD, ('CrossCellWeigher',))]
)
def test_only_a_cold_migration_may_cross_cells(move, names):
    weigher = Weigher('CrossCellWeigher')
    fleet = fleet_of((weigher, OURS), a=raw(None, 1e6, weigher.name))
    server = make_server('s', make_flavor('f', 1), 'source')
    request = of_server(server, move)
    assert unknown(fleet, request, fleet.hosts) == names
    (place,) = ranked(fleet, request)
    known = {each.weigher: each.raw for each in place.weighers}
    assert known.get(weigher.name) == (None if names else 0.0)


@pytest.mark.parametrize(
    ('weighers', 'enabled'),
    [(None, True), ((RAM, OURS), True), ((RAM,), False)],
)
def test_whether_the_scheduler_has_our_weigher_is_told(weighers, enabled):
    assert is_enabled(Ranking(weighers=weighers)) is enabled


def test_ours_is_told_of_a_scheduler_without_it():
    (place,) = ranked(fleet_of((RAM,), a=raw(1.0)))
    assert [each.weigher for each in place.weighers] == [RAM.name, OURS.name]
