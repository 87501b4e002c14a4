import pytest

from numa_sched.answers import capacities
from numa_sched.fleet import Asked, Fleet, Inventory
from tests.builders import GIANT_KB, make_cell, make_guest_cell
from tests.fleets import make_flavor, make_fleet_host


def counted(fleet, *flavors):
    """Give the room for each flavor, host by host."""
    rooms = capacities(fleet, flavors).rooms
    return {
        name: [each.guests for each in found] for name, found in rooms.items()
    }


def test_room_is_counted_host_by_host():
    fleet = Fleet(
        (
            make_fleet_host('a', make_cell(cpus=8, pinned=(0,)), 4),
            make_fleet_host('b', 4, 4),
            make_fleet_host('c', 2),
        )
    )
    two, four = make_flavor('two', 2), make_flavor('four', 2, 2)
    assert counted(fleet, two, four) == {
        'two': [5, 4, 1],
        'four': [2, 2, 0],
    }


@pytest.mark.parametrize(
    'of_host', [{'up': False}, {'disabled': ''}, {'error': 'odd'}]
)
def test_hosts_that_are_out_of_order_have_none(of_host):
    fleet = Fleet((make_fleet_host('a', 4, **of_host),))
    assert counted(fleet, make_flavor('f', 2)) == {'f': [0]}


def test_placement_may_have_less():
    host = make_fleet_host('a', 8, inventories={'PCPU': Inventory(8, used=3)})
    flavor = make_flavor('f', 2, asked=Asked({'PCPU': 2}))
    (room,) = capacities(Fleet((host,)), [flavor]).rooms['f']
    assert (room.guests, room.limit) == (2, 'PCPU in placement')


def test_a_flavor_without_topology_is_for_placement_to_count():
    known = make_fleet_host('a', inventories={'VCPU': Inventory(4, ratio=2.0)})
    unknown = make_fleet_host('b')
    flavor = make_flavor('plain', asked=Asked({'VCPU': 3}))
    assert counted(Fleet((known, unknown)), flavor) == {'plain': [2, None]}


def test_what_no_flavor_can_use_is_stranded():
    fleet = Fleet(
        (
            make_fleet_host('none', 3, 3),
            make_fleet_host('some', 4, 7),
            make_fleet_host('all', 4, 4),
        )
    )
    told = capacities(fleet, [make_flavor('f', 4)]).stranded
    assert [(each.free, each.stranded) for each in told] == [
        (6, 6),
        (11, 3),
        (8, 0),
    ]
    assert [each.why for each in told] == [
        'f: cells with too few dedicated CPUs',
        'f: too few CPUs are left together',
        '',
    ]


def test_memory_may_end_before_cpus():
    cell = make_guest_cell(1, memory_mb=1024, page_size=GIANT_KB)
    host = make_fleet_host('a', make_cell(cpus=4, pages=((GIANT_KB, 3),)))
    (told,) = capacities(Fleet((host,)), [make_flavor('f', cell)]).stranded
    assert (told.free, told.stranded) == (4, 1)
    assert told.why == 'f: 1 GiB pages end first'


def test_without_flavors_all_is_stranded():
    (told,) = capacities(Fleet((make_fleet_host('a', 4),)), []).stranded
    assert (told.stranded, told.why) == (4, '')


def test_a_flavor_that_makes_no_sense_is_left_out():
    found = capacities(Fleet(()), [make_flavor('f', 1, error='odd')])
    assert (found.rooms, found.unusable) == ({}, {'f': 'odd'})
