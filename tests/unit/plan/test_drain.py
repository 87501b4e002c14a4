import dataclasses

import pytest

from numa_sched.answers import Move
from numa_sched.destination import Node
from numa_sched.fleet import (
    Aggregate,
    Asked,
    Fleet,
    Inventory,
    Seat,
    ServerGroup,
)
from numa_sched.plan import Limits, Terms, drain
from numa_sched.score.pack import Pack
from numa_sched.score.spread import Spread
from numa_sched.topology import DeviceRequest
from tests.builders import (
    A_DEVICE,
    GIANT_KB,
    kind,
    make_cell,
    make_guest,
    make_guest_cell,
    mask,
)
from tests.fleets import make_flavor, make_fleet_host, make_server


def full(name='full', cpus=8, **fields):
    """Give a host of one cell, all of whose CPUs are pinned."""
    return make_fleet_host(
        name, make_cell(cpus=cpus, pinned=range(cpus)), **fields
    )


def sized(name, cpus, host='full', **fields):
    """Give a server of so many CPUs on cell 0."""
    seat = Seat(0, mask(*range(cpus)))
    flavor = fields.pop('flavor', None) or make_flavor(f'f{cpus}', cpus)
    return make_server(name, flavor, host, seats=(seat,), **fields)


def emptied(hosts, servers, names=('full',), strategy=Pack, **fields):
    """Give the plan that empties hosts, by their names."""
    terms = fields.pop('terms', Terms())
    fleet = Fleet(tuple(hosts), tuple(servers), **fields)
    chosen = [each for each in hosts if each.name in names]
    return drain(fleet, chosen, strategy(), terms)


def told(plan):
    """Give the servers of each wave, with their destinations."""
    return [
        [(each.server.name, each.destination) for each in wave]
        for wave in plan.waves
    ]


def reasons(stays):
    return {each.server.name: each.why for each in stays}


def test_a_server_goes_where_it_fits_with_all_that_is_to_be_told():
    plan = emptied(
        [full(), make_fleet_host('free', make_cell(7, cpus=4))],
        [sized('web', 2)],
    )
    ((step,),) = plan.waves
    assert (step.source, step.destination) == ('full', 'free')
    assert (step.move, step.cells, step.memory_mb) == (Move.LIVE, (7,), 512)
    assert plan.left == plan.stays == ()
    assert plan.proven


def test_places_are_chosen_by_the_strategy():
    hosts = [full(), make_fleet_host('wide', 8), make_fleet_host('tight', 2)]
    servers = [sized('web', 2)]
    assert told(emptied(hosts, servers)) == [[('web', 'tight')]]
    spread = emptied(hosts, servers, strategy=Spread)
    assert told(spread) == [[('web', 'wide')]]


def test_the_largest_server_chooses_first():
    plan = emptied(
        [full(), make_fleet_host('wide', 4), make_fleet_host('tight', 2)],
        [sized('small', 2), sized('large', 4)],
        strategy=Spread,
    )
    assert told(plan) == [[('large', 'wide')], [('small', 'tight')]]


def test_hosts_that_are_to_be_empty_take_nobody():
    hosts = [full(), make_fleet_host('too', 2), make_fleet_host('free', 4)]
    plan = emptied(hosts, [sized('web', 2)], ('full', 'too'))
    assert told(plan) == [[('web', 'free')]]


def test_a_host_that_is_kept_for_others_takes_nobody():
    kept = Aggregate('u', 'a', frozenset({'kept'}), {'trait:A': 'required'})
    hosts = [full(), make_fleet_host('kept', 2), make_fleet_host('free', 4)]
    plan = emptied(hosts, [sized('web', 2)], aggregates=(kept,))
    assert told(plan) == [[('web', 'free')]]


def test_a_server_keeps_the_size_of_its_pages():
    sizes = (4, 1000), (2048, 512), (GIANT_KB, 1)
    cells = [make_cell(cpus=2, pages=pages) for pages in (sizes, sizes[:2])]
    any_pages = make_guest_cell(1, memory_mb=1024, page_size=-2)
    flavor = make_flavor('f', guest=make_guest(any_pages))
    server = make_server(
        'web', flavor, 'full', seats=(Seat(0, mask(0), 2048),)
    )
    hosts = [full(), *map(make_fleet_host, ('giant', 'huge'), cells)]
    assert told(emptied(hosts, [server])) == [[('web', 'huge')]]


def test_servers_on_their_way_hold_their_room_on_both_hosts():
    plan = emptied(
        [full(), full('also'), make_fleet_host('free', 4)],
        [sized('one', 2), sized('two', 2, 'also')],
        ('full', 'also'),
    )
    assert told(plan) == [[('one', 'free')], [('two', 'free')]]


def test_several_may_leave_a_host_at_a_time():
    plan = emptied(
        [full(), make_fleet_host('a', 2), make_fleet_host('b', 2)],
        [sized('one', 2), sized('two', 2)],
        terms=Terms(Limits(per_host=2)),
    )
    assert len(plan.waves) == 1


@pytest.mark.parametrize(
    ('host', 'why'),
    [
        ({'disabled': ''}, 'service is disabled'),
        ({'up': False}, 'service is down'),
        ({'zone': 'south'}, 'not in the zone north'),
        ({'node': Node('QEMU', 7)}, "is older than the source's"),
        ({'inventories': {'PCPU': Inventory(4, used=3)}}, 'not enough PCPU'),
        ({'traits': frozenset({'BAD'})}, 'with the trait BAD'),
    ],
)
def test_a_host_that_the_scheduler_would_drop_is_none(host, why):
    asked = Asked({'PCPU': 2}, forbidden=frozenset({'BAD'}))
    flavor = make_flavor('f', 2, asked=asked)
    plan = emptied(
        [full(), make_fleet_host('host', 4, **{'zone': 'north', **host})],
        [sized('web', 2, flavor=flavor, zone='north')],
    )
    (text,) = reasons(plan.left).values()
    assert text.startswith('fits nowhere: ')
    assert why in text
    assert plan.proven


def test_a_server_that_fits_nowhere_is_told_with_its_reasons():
    hosts = [full(), make_fleet_host('a', 2), make_fleet_host('b', 2)]
    hosts.append(make_fleet_host('c', 8, up=False))
    plan = emptied(hosts, [sized('web', 4), sized('small', 2)])
    assert reasons(plan.left) == {
        'web': 'fits nowhere: cells with too few dedicated CPUs (2 hosts); '
        'service is down (1 host)'
    }
    assert told(plan) == [[('small', 'a')]]


def test_a_cloud_of_nothing_but_the_host_is_told_so():
    plan = emptied([full()], [sized('web', 2)])
    assert reasons(plan.left) == {
        'web': 'fits nowhere: there is no other host'
    }


def test_servers_that_may_not_be_moved_stay():
    plan = emptied(
        [full(), make_fleet_host('free', 8)],
        [sized('web', 2, locked=True), sized('two', 2)],
        terms=Terms(pinned=frozenset({'uuid-of-two'})),
    )
    assert reasons(plan.stays) == {
        'web': 'it is locked',
        'two': 'it is to stay (--pin)',
    }
    assert plan.waves == ()
    assert plan.left == ()


def test_placement_is_given_what_it_counts():
    flavor = make_flavor('f', 2, asked=Asked({'PCPU': 2}))
    has = {'inventories': {'PCPU': Inventory(8, used=4)}}
    plan = emptied(
        [full(), make_fleet_host('free', 8, **has)],
        [sized(name, 2, flavor=flavor) for name in 'abc'],
    )
    assert told(plan) == [[('a', 'free')], [('b', 'free')]]
    assert reasons(plan.left) == {
        'c': 'fits nowhere once the others have moved: not enough PCPU free '
        'in placement (1 host)'
    }
    assert plan.proven


def test_a_server_without_topology_is_placed_by_what_placement_counts():
    flavor = make_flavor('plain', asked=Asked({'VCPU': 2}))
    hosts = [full(), make_fleet_host('a'), make_fleet_host('b')]
    hosts[1:] = [
        dataclasses.replace(
            host, inventories={'VCPU': Inventory(2, used=used)}
        )
        for host, used in zip(hosts[1:], (1, 0), strict=True)
    ]
    plan = emptied(hosts, [make_server('web', flavor, 'full')])
    ((step,),) = plan.waves
    assert (step.destination, step.cells) == ('b', ())


def together(policy, *names, most=1):
    uuids = frozenset(f'uuid-of-{name}' for name in names)
    return ServerGroup('group', 'group', policy, uuids, most)


def test_servers_that_want_to_be_apart_go_apart():
    group = together('anti-affinity', 'a', 'b', most=1)
    plan = emptied(
        [full(), make_fleet_host('x', 8), make_fleet_host('y', 8)],
        [sized(name, 2, group='group') for name in 'ab'],
        groups=(group,),
    )
    assert {host for ((_, host),) in told(plan)} == {'x', 'y'}


def test_servers_that_want_to_be_apart_are_left_where_they_cannot():
    group = together('anti-affinity', 'a', 'b', 'c')
    servers = [sized(name, 2, group='group') for name in 'ab']
    servers.append(sized('c', 2, 'x', group='group'))
    plan = emptied(
        [full(), make_fleet_host('x', 8), make_fleet_host('y', 8)],
        servers,
        groups=(group,),
    )
    assert told(plan) == [[('a', 'y')]]
    assert 'wants its servers apart (2 hosts)' in reasons(plan.left)['b']
    assert plan.proven


def test_where_the_best_places_do_not_do_for_all_others_are_tried():
    # By the strategy the twin would go to the one host that takes the other.
    able = {'traits': frozenset({'T'})}
    picky = make_flavor('p', 2, asked=Asked({}, frozenset({'T'})))
    plan = emptied(
        [
            full(),
            make_fleet_host('able', 2, **able),
            make_fleet_host('any', 4),
        ],
        [sized('a', 2), sized('b', 2, flavor=picky)],
    )
    assert sorted(map(tuple, told(plan))) == [
        (('a', 'any'),),
        (('b', 'able'),),
    ]
    assert plan.proven


def test_the_order_in_which_servers_come_is_tried_too():
    # Both claims begin with the emptiest cell: the one that comes first and
    # is small takes the only one that is wide enough for the other.
    cell = make_guest_cell(2, memory_mb=2048)
    wide = make_flavor('wide', guest=make_guest(make_guest_cell(4)))
    bulky = make_flavor('bulky', guest=make_guest(cell, cell))
    target = make_fleet_host(
        'target',
        make_cell(0, cpus=6, memory_mb=2048 + 512),
        make_cell(1, cpus=2, memory_mb=2048),
    )
    servers = [
        make_server('w', wide, 'full', seats=(Seat(0, mask(0, 1, 2, 3)),)),
        make_server('b', bulky, 'full', seats=(Seat(0), Seat(0))),
    ]
    plan = emptied([full(), target], servers)
    assert plan.left == ()


def test_too_many_of_a_kind_are_counted_and_not_tried():
    servers = [sized(f's{number:02}', 2) for number in range(30)]
    hosts = [full(cpus=60)] + [make_fleet_host(f'h{n}', 4) for n in range(14)]
    plan = emptied(hosts, servers, terms=Terms(seconds=0))
    assert len(plan.left) == 2
    assert plan.proven


def test_whoever_has_a_place_goes_if_there_are_not_enough_for_all():
    servers = [sized(f'of-{cpus}', cpus) for cpus in (2, 3)]
    servers += [sized(f'small-{number}', 1) for number in range(3)]
    plan = emptied([full(), make_fleet_host('target', 5)], servers)
    assert [each.server.name for each in plan.left] == ['of-3']
    assert plan.proven


def competing():
    """Give a cloud in which two of three servers want the same place.

    Counting kind by kind does not tell.
    """
    able = {'traits': frozenset({'T'})}
    one = make_flavor('one', 2, asked=Asked({}, frozenset({'T'})))
    two = make_flavor('two', 2, asked=Asked({}, frozenset({'T'})))
    two = dataclasses.replace(
        two, guest=make_guest(make_guest_cell(2, memory_mb=600))
    )
    hosts = [full(), make_fleet_host('able', 2, **able)]
    return hosts, [sized('a', 2, flavor=one), sized('b', 2, flavor=two)]


def test_that_no_plan_exists_is_told_apart_from_that_none_was_found():
    assert emptied(*competing()).proven
    hasty = emptied(*competing(), terms=Terms(seconds=0))
    assert not hasty.proven
    assert len(hasty.left) == 1


def test_a_server_with_devices_needs_them_at_its_destination():
    wanted = make_guest(
        1, devices=(DeviceRequest(kinds=(kind(live_migratable='true'),)),)
    )
    flavor = make_flavor('f', guest=wanted)
    plan = emptied(
        [full(), make_fleet_host('without', 4)], [sized('a', 1, flavor=flavor)]
    )
    assert len(plan.left) == 1


def test_a_server_whose_devices_cannot_move_does_so_cold_if_allowed():
    flavor = make_flavor('f', guest=make_guest(1, devices=A_DEVICE))
    plan = emptied(
        [full(), make_fleet_host('with', 4, devices=((0, 1),))],
        [sized('a', 1, flavor=flavor)],
        terms=Terms(cold=True),
    )
    ((step,),) = plan.waves
    assert (step.move, step.memory_mb) == (Move.COLD, 0)


def test_of_equals_those_without_a_wish_go_last():
    wish = {'compute:live_migration_post_copy': 'true'}
    able = {'traits': frozenset({'COMPUTE_MIGRATE_POST_COPY'})}
    without = make_flavor('without', 2)
    with_one = make_flavor('with', 2, extra_specs=wish)
    plan = emptied(
        [full(), make_fleet_host('free', 8, **able)],
        [sized('a', 2, flavor=without), sized('b', 2, flavor=with_one)],
    )
    assert told(plan) == [[('b', 'free')], [('a', 'free')]]


def test_how_far_it_is_is_told():
    shown = []
    fleet = Fleet((full(), make_fleet_host('x', 8)), (sized('web', 2),))
    drain(
        fleet,
        fleet.hosts[:1],
        Pack(),
        progress=lambda *told: shown.append(told),
    )
    assert shown == [('servers', 0, 1), ('servers', 1, 1)]


def avoiding(*hosts, server='web'):
    """Give terms by which hosts are none for a server."""
    return Terms(
        avoid=frozenset((f'uuid-of-{server}', host) for host in hosts)
    )


def test_a_server_goes_nowhere_that_has_turned_it_down():
    hosts = [full(), make_fleet_host('wide', 8), make_fleet_host('tight', 2)]
    plan = emptied(hosts, [sized('web', 2)], terms=avoiding('tight'))
    assert told(plan) == [[('web', 'wide')]]


def test_that_hosts_have_turned_a_server_down_is_told():
    hosts = [full(), make_fleet_host('free', 8), make_fleet_host('small', 1)]
    plan = emptied(hosts, [sized('web', 2)], terms=avoiding('free'))
    assert reasons(plan.left) == {
        'web': 'fits nowhere: cells with too few dedicated CPUs (1 host); it '
        'has been turned down by free'
    }


def test_what_turns_one_server_down_may_take_another_like_it():
    hosts = [full(), make_fleet_host('one', 2), make_fleet_host('two', 2)]
    flavor = make_flavor('f2', 2)
    servers = [sized(name, 2, flavor=flavor) for name in ('web', 'db', 'x')]
    terms = Terms(
        avoid=frozenset({('uuid-of-web', 'one'), ('uuid-of-web', 'two')}),
        seconds=1,
    )
    plan = emptied(hosts, servers, terms=terms)
    assert {step.server.name for step in plan.steps} == {'db', 'x'}
    assert set(reasons(plan.left)) == {'web'}


def test_what_is_open_to_one_alone_is_no_proof_about_those_like_it():
    hosts = [
        full(),
        make_fleet_host('one', 3),
        make_fleet_host('two', 2),
        make_fleet_host('three', 3),
    ]
    flavor = make_flavor('f2', 2)
    servers = [sized(name, 2, flavor=flavor) for name in ('web', 'db', 'x')]
    plan = emptied(hosts, servers, terms=avoiding('one', 'three'))
    assert len(plan.steps) == 3
