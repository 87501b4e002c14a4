import pytest

from numa_sched.answers import of_flavor
from numa_sched.fleet import Asked, Fleet, Inventory, Seat
from numa_sched.plan import Outcome, Terms, make_room
from numa_sched.plan.all_moves import is_small
from numa_sched.plan.state import Cloud
from tests.builders import make_cell, mask
from tests.fleets import make_flavor, make_fleet_host, make_server

ABLE = {'traits': frozenset({'T'})}


def server(name, host, cpus, **flavor):
    made = make_flavor(f'f{cpus}', cpus, **flavor)
    return make_server(name, made, host, seats=(Seat(0, mask(*range(cpus))),))


def test_two_servers_change_places_over_a_third_host():
    # Each host but b takes one new server by what placement counts, and only
    # then there is room for one on a and one on c. The large one may not go
    # to c, and neither finds room where the other is.
    one = {'inventories': {'CUSTOM_X': Inventory(1)}}
    none = {'inventories': {'CUSTOM_X': Inventory(0)}}
    hosts = (
        make_fleet_host(
            'a', make_cell(cpus=4, pinned=range(3)), **ABLE, **one
        ),
        make_fleet_host(
            'b', make_cell(cpus=3, pinned=range(2)), **ABLE, **none
        ),
        make_fleet_host('c', 2, **one),
    )
    servers = (
        server('large', 'a', 3, asked=Asked({}, frozenset({'T'}))),
        server('small', 'b', 2),
    )
    new = make_flavor('new', 2, asked=Asked({'CUSTOM_X': 1}))
    plan = make_room(Fleet(hosts, servers), of_flavor(new), 2)
    assert [
        [(each.server.name, each.destination) for each in wave]
        for wave in plan.waves
    ] == [[('small', 'c')], [('large', 'b')], [('small', 'a')]]
    assert plan.hosts == ('a', 'c')
    assert plan.fewest


def test_that_there_is_no_plan_is_known_when_all_were_gone_through():
    # Counting does not tell: together they have enough.
    hosts = (
        make_fleet_host('a', make_cell(cpus=4, pinned=range(3))),
        make_fleet_host('b', 2),
        make_fleet_host('c', 2),
    )
    fleet = Fleet(hosts, (server('x', 'a', 3),))
    wanted = of_flavor(make_flavor('new', 4))
    assert make_room(fleet, wanted).outcome is Outcome.NONE
    hasty = make_room(fleet, wanted, terms=Terms(seconds=0))
    assert hasty.outcome is Outcome.NOT_FOUND


@pytest.mark.parametrize(('hosts', 'small'), [(64, True), (65, False)])
def test_a_fleet_is_small_by_its_moves(hosts, small):
    made = [make_fleet_host(f'h{number}', 4) for number in range(hosts)]
    made.append(make_fleet_host('x', make_cell(cpus=2, pinned=(0, 1))))
    fleet = Fleet(tuple(made), (server('web', 'x', 2),))
    assert is_small(Cloud(fleet)) == small
