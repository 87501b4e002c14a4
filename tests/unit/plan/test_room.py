import dataclasses
import itertools
from unittest import mock

import pytest

from numa_sched.answers import Move, like_server, of_flavor
from numa_sched.exceptions import RequestError
from numa_sched.fleet import Asked, Fleet, Inventory, Seat, ServerGroup
from numa_sched.plan import Outcome, Terms, make_room
from numa_sched.topology import CPUPolicy, DeviceRequest
from tests.builders import (
    GIANT_KB,
    kind,
    make_cell,
    make_guest,
    make_guest_cell,
    mask,
)
from tests.fleets import make_flavor, make_fleet_host, make_server

ABLE = {'traits': frozenset({'T'})}


def picky(name, cpus):
    """Give a flavor that asks for the trait of hosts that are able."""
    return make_flavor(name, cpus, asked=Asked({}, frozenset({'T'})))


def host(name, cpus, pinned=0, **fields):
    """Give a host of one cell, the first of whose CPUs are pinned."""
    cell = make_cell(cpus=cpus, pinned=range(pinned))
    return make_fleet_host(name, cell, **fields)


def server(name, where, first, cpus, memory_mb=512, **fields):
    """Give a server on some CPUs of cell 0."""
    flavor = fields.pop('flavor', None) or make_flavor(f'f{cpus}', cpus)
    flavor = dataclasses.replace(flavor, memory_mb=memory_mb)
    seat = Seat(0, mask(*range(first, first + cpus)))
    return make_server(name, flavor, where, seats=(seat,), **fields)


@pytest.fixture(params=['all plans', 'what has to leave'], autouse=True)
def way(request):
    """Have plans found in both ways, whatever the size of the fleet."""
    if request.param == 'all plans':
        yield
    else:
        with mock.patch('numa_sched.plan.all_moves.MOST_MOVES', -1):
            yield


def made(hosts, servers, wanted=None, count=1, **fields):
    terms = fields.pop('terms', Terms(seconds=20))
    fleet = Fleet(tuple(hosts), tuple(servers), **fields)
    wanted = wanted or of_flavor(make_flavor('new', 4))
    return make_room(fleet, wanted, count, terms)


def told(plan):
    """Give the moves of a plan."""
    return [(each.server.name, each.destination) for each in plan.steps]


def movers(plan):
    """Give the servers that a plan moves."""
    return [each.server.name for each in plan.steps]


def test_where_there_is_room_nothing_is_moved():
    plan = made([host('a', 8, 2), host('b', 4, 4)], [])
    assert (plan.outcome, plan.room) == (Outcome.THERE, 1)
    assert plan.hosts == ('a',)
    assert plan.waves == ()


def test_a_server_makes_room_by_leaving():
    plan = made([host('a', 4, 2), host('b', 2)], [server('web', 'a', 0, 2)])
    assert (plan.outcome, plan.room, plan.fewest) == (Outcome.FOUND, 0, True)
    ((step,),) = plan.waves
    assert (step.server.name, step.source, step.destination) == (
        'web',
        'a',
        'b',
    )
    assert (step.cells, step.memory_mb) == ((0,), 512)
    assert plan.hosts == ('a',)


def test_of_two_that_would_do_the_one_with_less_memory_moves():
    hosts = [host('a', 4, 2), host('b', 4, 2), host('c', 2)]
    servers = [server('x', 'a', 0, 2, 900), server('y', 'b', 0, 2, 800)]
    assert movers(made(hosts, servers)) == ['y']


def test_few_migrations_count_more_than_little_memory():
    hosts = [host('a', 4, 2), host('b', 4, 2), host('c', 2), host('d', 1)]
    servers = [
        server('x', 'a', 0, 1, 10),
        server('y', 'a', 1, 1, 10),
        server('z', 'b', 0, 2, 9000),
    ]
    assert movers(made(hosts, servers)) == ['z']


def test_two_servers_make_room_together():
    hosts = [host('a', 4, 2), host('b', 1), host('c', 1)]
    servers = [server('x', 'a', 0, 1), server('y', 'a', 1, 1)]
    plan = made(hosts, servers)
    assert sorted(name for name, _ in told(plan)) == ['x', 'y']
    assert {target for _, target in told(plan)} == {'b', 'c'}
    assert plan.fewest


def test_a_server_makes_room_for_one_that_makes_room():
    # The one that is in the way may only go to b, which is full of another.
    hosts = [
        host('a', 4, 3, **ABLE),
        host('b', 3, 2, **ABLE),
        host('c', 2),
    ]
    servers = [
        server('x', 'a', 0, 3, flavor=picky('p', 3)),
        server('y', 'b', 0, 2),
    ]
    plan = made(hosts, servers)
    assert told(plan) == [('y', 'c'), ('x', 'b')]
    assert plan.fewest


def test_three_migrations_are_found_where_two_do_not_do():
    hosts = [host('a', 4, 3), host('b', 1), host('c', 1), host('d', 1)]
    servers = [server(f's{n}', 'a', n, 1) for n in range(3)]
    plan = made(hosts, servers)
    assert len(plan.steps) == 3
    assert plan.fewest


def test_more_than_one_server_finds_room():
    hosts = [host('a', 4, 2), host('b', 4, 2), host('c', 4)]
    servers = [server('x', 'a', 0, 2), server('y', 'b', 0, 2)]
    plan = made(hosts, servers, count=2)
    assert (plan.room, len(plan.steps)) == (1, 1)
    assert len(plan.hosts) == 2


def test_room_is_made_on_several_hosts():
    hosts = [host('a', 4, 2), host('b', 4, 2), host('c', 2), host('d', 2)]
    servers = [server('x', 'a', 0, 2), server('y', 'b', 0, 2)]
    plan = made(hosts, servers, count=2)
    assert len(plan.steps) == 2
    assert plan.hosts == ('a', 'b')


def test_one_migration_can_make_room_for_two():
    hosts = [host('a', 8, 2), host('b', 2)]
    servers = [server('x', 'a', 0, 2)]
    plan = made(hosts, servers, count=2)
    assert (told(plan), plan.hosts) == ([('x', 'b')], ('a', 'a'))


@pytest.mark.parametrize(
    'fields', [{'locked': True}, {'task_state': 'rebuilding'}]
)
def test_what_may_not_be_moved_is_not(fields):
    hosts = [host('a', 4, 2), host('b', 2)]
    plan = made(hosts, [server('x', 'a', 0, 2, **fields)])
    assert plan.outcome is Outcome.NONE


def test_a_server_that_is_to_stay_leaves_it_to_another():
    hosts = [host('a', 4, 2), host('b', 4, 2), host('c', 2)]
    servers = [server('x', 'a', 0, 2, 10), server('y', 'b', 0, 2, 800)]
    terms = Terms(pinned=frozenset({'uuid-of-x'}))
    assert movers(made(hosts, servers, terms=terms)) == ['y']


def test_without_its_servers_no_host_would_do_is_told():
    plan = made([host('a', 3), host('b', 8, 7)], [server('x', 'b', 0, 2)])
    assert plan.outcome is Outcome.NONE
    assert plan.why == (
        'even without the servers that may be moved: cells with too few '
        'dedicated CPUs (1 host); not enough free dedicated CPUs on one cell '
        '(1 host)'
    )


def test_too_few_cpus_in_all_are_told():
    hosts = [host('a', 4, 3), host('b', 4, 2)]
    servers = [server('x', 'a', 0, 3), server('y', 'b', 0, 2)]
    plan = made(hosts, servers)
    assert plan.outcome is Outcome.NONE
    assert plan.why == (
        '4 dedicated CPUs are wanted, and all hosts together have 3 free'
    )


def test_too_few_pages_in_all_are_told():
    cell = make_cell(cpus=8, pages=((4, 1000), (GIANT_KB, 4, 3)))
    wide = make_cell(cpus=8, pages=((4, 1000), (GIANT_KB, 4, 2)))
    paged = make_guest_cell(1, memory_mb=2048, page_size=GIANT_KB)
    small = make_flavor('small', guest=make_guest(paged))
    new = dataclasses.replace(paged, memory_mb=4096)
    seat = Seat(0, 0, GIANT_KB)
    plan = made(
        [make_fleet_host('a', cell), make_fleet_host('b', wide)],
        [make_server(name, small, name, seats=(seat,)) for name in 'ab'],
        of_flavor(make_flavor('new', guest=make_guest(new))),
    )
    assert plan.outcome is Outcome.NONE
    assert plan.why == (
        '4096 MiB in 1 GiB pages are wanted, and all hosts together have '
        '3072 free'
    )


def test_too_few_hosts_for_so_many_are_told():
    hosts = [host('a', 4, 2), host('b', 6)]
    plan = made(hosts, [server('x', 'a', 0, 2)], count=3)
    assert plan.outcome is Outcome.NONE
    assert plan.why == (
        'only 2 would have room if all servers were gone that may be moved'
    )


def test_that_none_was_found_in_the_time_is_told_apart():
    hosts = [host('a', 4, 3), host('b', 2), host('c', 2)]
    servers = [server('x', 'a', 0, 3)]
    hasty = made(hosts, servers, terms=Terms(seconds=0))
    assert hasty.outcome is Outcome.NOT_FOUND
    assert 'not enough free dedicated CPUs on one cell (1 host)' in hasty.why


def test_what_the_api_refuses_is_refused():
    both = {
        'compute:live_migration_auto_converge': 'true',
        'compute:live_migration_post_copy': 'true',
    }
    wrong = of_flavor(make_flavor('wrong', 1, extra_specs=both))
    with pytest.raises(RequestError, match='the request is refused'):
        made([host('a', 4)], [], wrong)


def test_room_is_counted_by_placement_too():
    asked = Asked({'PCPU': 4})
    has = {'inventories': {'PCPU': Inventory(4, used=2)}}
    holds = dataclasses.replace(make_flavor('f', 2), asked=Asked({'PCPU': 2}))
    hosts = [host('a', 8, 2, **has), host('b', 2)]
    servers = [server('x', 'a', 0, 2, flavor=holds)]
    wanted = of_flavor(make_flavor('new', 4, asked=asked))
    assert told(made(hosts, servers, wanted)) == [('x', 'b')]


def test_a_server_without_topology_has_room_by_placement_alone():
    plain = make_flavor('plain', asked=Asked({'VCPU': 2}))
    has = {'VCPU': Inventory(3, used=2)}
    hosts = [make_fleet_host(name, inventories=has) for name in 'ab']
    servers = [make_server(f'on-{name}', plain, name) for name in 'ab']
    hosts[1] = dataclasses.replace(
        hosts[1], inventories={'VCPU': Inventory(4, used=1)}
    )
    wanted = of_flavor(make_flavor('new', asked=Asked({'VCPU': 3})))
    plan = made(hosts, servers[:1], wanted)
    assert plan.outcome is Outcome.THERE
    hosts[1] = dataclasses.replace(
        hosts[1], inventories={'VCPU': Inventory(4, used=2)}
    )
    assert told(made(hosts, servers[:1], wanted)) == [('on-a', 'b')]


def test_members_of_a_group_stay_apart():
    group = ServerGroup(
        *('group', 'group', 'anti-affinity'),
        frozenset({'uuid-of-x', 'uuid-of-y'}),
    )
    hosts = [host('a', 4, 2), host('b', 3, 1), host('c', 3, 1)]
    servers = [
        server('x', 'a', 0, 2, group='group'),
        server('y', 'b', 0, 1, group='group'),
        server('z', 'c', 0, 1),
    ]
    assert told(made(hosts, servers, groups=(group,))) == [('x', 'c')]


def test_a_member_of_a_group_may_go_where_another_has_left():
    group = ServerGroup(
        *('group', 'group', 'anti-affinity'),
        frozenset({'uuid-of-x', 'uuid-of-y'}),
    )
    servers = [
        server('x', 'a', 0, 3, flavor=picky('p', 3), group='group'),
        server('y', 'b', 0, 1, group='group'),
    ]
    wanted = of_flavor(make_flavor('new', 4, asked=Asked({'CUSTOM_X': 1})))
    has = {'inventories': {'CUSTOM_X': Inventory(1)}}
    none = {'inventories': {'CUSTOM_X': Inventory(0)}}
    hosts = [
        host('a', 4, 3, **ABLE, **has),
        host('b', 4, 1, **ABLE, **none),
        host('c', 1, **none),
    ]
    plan = made(hosts, servers, wanted, groups=(group,))
    assert told(plan) == [('y', 'c'), ('x', 'b')]


def test_a_host_that_a_server_with_devices_has_left_takes_nobody():
    devices = (DeviceRequest(kinds=(kind(live_migratable='true'),)),)
    holds = make_flavor('f', guest=make_guest(2, devices=devices))
    hosts = [host('a', 4, 2), host('b', 2, devices=((0, 1),))]
    hosts[1] = make_fleet_host(
        'b',
        make_cell(cpus=2),
        pools=tuple(
            pool._replace(kind=kind(live_migratable='true'))
            for pool in hosts[1].host.pools
        ),
    )
    plan = made(hosts, [server('x', 'a', 0, 2, flavor=holds)])
    assert plan.steps == ()


def test_a_new_server_can_be_like_another_but_for_its_group():
    other = server('x', 'a', 0, 2, group='group', zone='north')
    wanted = like_server(other)
    assert (wanted.move, wanted.server) == (Move.CREATE, None)
    assert (wanted.guest, wanted.zone) == (other.guest, 'north')
    assert wanted.name == 'flavor f2, like x (uuid-of-x)'


def test_shared_cpus_are_made_room_on_too():
    cell = make_guest_cell(shared=2, policy=CPUPolicy.SHARED)
    flavor = make_flavor('s', guest=make_guest(cell))
    full = make_cell(cpus=2, shared=True, shared_used=2)
    hosts = [
        make_fleet_host('a', full),
        make_fleet_host('b', make_cell(cpus=2, shared=True), up=True, **ABLE),
    ]
    other = make_server('x', flavor, 'a')
    wanted = dataclasses.replace(
        of_flavor(flavor), asked=Asked({}, forbidden=frozenset({'T'}))
    )
    assert told(made(hosts, [other], wanted)) == [('x', 'b')]


def test_nobody_is_moved_where_he_has_been_turned_down():
    hosts = [host('half', 4, 2), host('near', 2), host('far', 2)]
    fleet = Fleet(tuple(hosts), (server('web', 'half', 0, 2),))
    wanted = of_flavor(make_flavor('new', 4))
    for turned_down, left in (('near', 'far'), ('far', 'near')):
        terms = Terms(avoid=frozenset({('uuid-of-web', turned_down)}))
        (step,) = make_room(fleet, wanted, terms=terms).steps
        assert step.destination == left


@pytest.mark.parametrize(
    ('most', 'outcome'),
    [
        (0, Outcome.NOT_FOUND),
        (1, Outcome.NOT_FOUND),
        (2, Outcome.FOUND),
        (None, Outcome.FOUND),
    ],
)
def test_a_plan_has_no_more_migrations_than_there_may_be(most, outcome):
    hosts = [host('a', 4, 4), host('b', 2), host('c', 2)]
    servers = [server('x', 'a', 0, 2), server('y', 'a', 2, 2)]
    plan = made(hosts, servers, terms=Terms(seconds=20, most=most))
    assert plan.outcome is outcome
    assert len(plan.steps) == (2 if outcome is Outcome.FOUND else 0)
    assert bool(plan.why) == (outcome is Outcome.NOT_FOUND)


def test_where_there_is_room_no_migration_need_be_allowed():
    plan = made([host('a', 4)], [], terms=Terms(most=0))
    assert plan.outcome is Outcome.THERE


def test_a_server_goes_where_it_leaves_the_least():
    hosts = [host('a', 4, 2), host('b', 3), host('c', 2)]
    plan = made(hosts, [server('x', 'a', 0, 2)])
    assert told(plan) == [('x', 'c')]


def test_who_asks_may_tell_the_time():
    hosts = [host('a', 4, 4), host('b', 2), host('c', 2)]
    servers = [server('x', 'a', 0, 2), server('y', 'a', 2, 2)]
    found = [
        make_room(
            Fleet(tuple(hosts), tuple(servers)),
            of_flavor(make_flavor('new', 4)),
            terms=Terms(seconds=seconds),
            clock=itertools.count().__next__,
        ).outcome
        for seconds in (1, 10_000)
    ]
    assert found == [Outcome.NOT_FOUND, Outcome.FOUND]
