import itertools
from unittest import mock

import pytest

from numa_sched.answers import of_flavor
from numa_sched.fleet import Fleet, Seat
from numa_sched.plan import Outcome, Terms, keep_room
from tests.builders import make_cell, mask
from tests.fleets import make_flavor, make_fleet_host, make_server


@pytest.fixture(params=['all plans', 'what has to leave'], autouse=True)
def way(request):
    """Have plans found in both ways, whatever the size of the fleet."""
    if request.param == 'all plans':
        yield
    else:
        with mock.patch('numa_sched.plan.all_moves.MOST_MOVES', -1):
            yield


def host(name, cpus, pinned=0):
    return make_fleet_host(name, make_cell(cpus=cpus, pinned=range(pinned)))


def server(name, where, cpus):
    seats = (Seat(0, mask(*range(cpus))),)
    return make_server(name, make_flavor(f'f{cpus}', cpus), where, seats=seats)


def kept(hosts, servers, wanted, **terms):
    """Give the plan for targets, by the CPUs of their flavors."""
    return keep_room(
        Fleet(tuple(hosts), tuple(servers)),
        [
            (of_flavor(make_flavor(f'new{cpus}', cpus)), count)
            for cpus, count in wanted.items()
        ],
        Terms(**{'seconds': 20, **terms}),
    )


def counts(plan):
    return [(each.wanted, each.now, each.after) for each in plan.targets]


def moves(plan):
    return [(each.server.name, each.destination) for each in plan.steps]


def test_where_all_targets_are_met_nothing_is_moved():
    plan = kept([host('a', 4)], [], {4: 1, 2: 2})
    assert plan.outcome is Outcome.THERE
    assert (plan.waves, counts(plan)) == ((), [(1, 1, 1), (2, 2, 2)])


def test_flavors_are_counted_each_for_itself():
    plan = kept([host('a', 4)], [], {4: 1, 1: 4})
    assert plan.outcome is Outcome.THERE


def test_a_target_that_falls_short_is_restored():
    plan = kept([host('a', 4, 2), host('b', 2)], [server('x', 'a', 2)], {4: 1})
    assert plan.outcome is Outcome.FOUND
    assert (moves(plan), counts(plan)) == ([('x', 'b')], [(1, 0, 1)])


def test_room_for_one_flavor_is_not_made_at_the_cost_of_another():
    # To b would do as well, but the other target needs it.
    hosts = [host('a', 6, 2), host('b', 5), host('c', 2)]
    plan = kept(hosts, [server('x', 'a', 2)], {6: 1, 5: 2})
    assert (moves(plan), counts(plan)) == (
        [('x', 'c')],
        [(1, 0, 1), (2, 1, 2)],
    )


def test_room_is_made_for_several_flavors():
    hosts = [host('a', 6, 2), host('b', 3, 2), host('c', 2), host('d', 2)]
    servers = [server('x', 'a', 2), server('y', 'b', 2)]
    plan = kept(hosts, servers, {6: 1, 3: 3})
    assert plan.outcome is Outcome.FOUND
    assert sorted(name for name, _ in moves(plan)) == ['x', 'y']
    assert {target for _, target in moves(plan)} == {'c', 'd'}


def test_a_target_beyond_reach_does_not_keep_others_from_theirs():
    hosts = [host('a', 4, 2), host('b', 2)]
    plan = kept(hosts, [server('x', 'a', 2)], {4: 1, 5: 1})
    assert plan.outcome is Outcome.NONE
    assert moves(plan) == [('x', 'b')]
    within, beyond = plan.targets
    assert (within.after, within.why) == (1, '')
    assert beyond.after == 0
    assert beyond.why.startswith('even without the servers that may be moved')


def test_that_none_was_found_in_the_time_is_told():
    hosts = [host('a', 4, 2), host('b', 2)]
    plan = kept(hosts, [server('x', 'a', 2)], {4: 1}, seconds=0)
    assert plan.outcome is Outcome.NOT_FOUND
    assert (plan.waves, counts(plan)) == ((), [(1, 0, 0)])


@pytest.mark.parametrize(('most', 'reached'), [(0, 0), (1, 1), (2, 2)])
def test_of_the_targets_those_are_reached_that_few_migrations_do_for(
    most, reached
):
    hosts = [host('a', 6, 2), host('b', 5, 4), host('c', 2), host('d', 4)]
    servers = [server('x', 'a', 2), server('y', 'b', 4)]
    plan = kept(hosts, servers, {6: 1, 5: 2}, most=most)
    assert len(plan.steps) == reached
    assert plan.outcome is (
        Outcome.FOUND if reached == 2 else Outcome.NOT_FOUND
    )


def test_a_server_goes_where_it_leaves_the_least():
    hosts = [host('a', 6, 2), host('b', 4), host('c', 2)]
    plan = kept(hosts, [server('x', 'a', 2)], {6: 1})
    assert moves(plan) == [('x', 'c')]


def test_who_asks_may_tell_the_time():
    hosts = (host('a', 4, 2), host('b', 2))
    wanted = [(of_flavor(make_flavor('new', 4)), 1)]
    found = [
        keep_room(
            Fleet(hosts, (server('x', 'a', 2),)),
            wanted,
            Terms(seconds=seconds),
            clock=itertools.count().__next__,
        ).outcome
        for seconds in (1, 10_000)
    ]
    assert found == [Outcome.NOT_FOUND, Outcome.FOUND]
