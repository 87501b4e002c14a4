"""Plans of the same moves to other places."""

import pytest

from numa_sched.fleet import Fleet, Seat
from numa_sched.plan.moving import NOTHING
from numa_sched.plan.snug import snug
from numa_sched.plan.state import Cloud, Way
from tests.builders import make_cell, mask
from tests.fleets import make_flavor, make_fleet_host, make_server

ANY = {'is_good': lambda state: True}


def fleet(free, cpus=2, count=1, **fields):
    """Give a full host with servers, and hosts with so many CPUs free."""
    full = make_cell(cpus=cpus * count, pinned=range(cpus * count))
    flavor = make_flavor('flavor', cpus)
    servers = [
        make_server(
            f'server{number}',
            flavor,
            'full',
            seats=(
                Seat(0, mask(*range(cpus * number, cpus * number + cpus))),
            ),
        )
        for number in range(count)
    ]
    hosts = [make_fleet_host('full', full)]
    hosts += [
        make_fleet_host(name, *cells, **fields) for name, cells in free.items()
    ]
    return Fleet(tuple(hosts), tuple(servers))


def planned(made, *moves):
    """Give a plan of moves: servers, and names of hosts."""
    state, steps = Cloud(made).start, []
    names = [host.name for host in made.hosts]
    for number, name in moves:
        place = state.place(number, names.index(name))
        steps.append(state.step(number, place))
        state = state.moved(number, place)
    return Way(state, tuple(steps), NOTHING)


def destinations(way):
    return [step.destination for step in way.steps]


def test_a_server_goes_where_the_fewest_cpus_are_left():
    made = fleet({'a': (6,), 'b': (3,), 'c': (8,)})
    way = snug(planned(made, (0, 'a')), **ANY)
    assert destinations(way) == ['b']
    assert [made.hosts[each].name for each in way.state.changed] == [
        'full',
        'b',
    ]


def test_what_is_left_on_its_cells_comes_before_the_rest_of_the_host():
    made = fleet({'a': (3,), 'b': (2, 8)})
    # The claim takes the emptiest cell: so b has 6 left, a has 1.
    assert destinations(snug(planned(made, (0, 'b')), **ANY)) == ['a']


def test_of_cells_that_are_left_alike_those_of_the_fuller_host_are_taken():
    made = fleet({'a': (4, 4), 'b': (4,)})
    assert destinations(snug(planned(made, (0, 'a')), **ANY)) == ['b']


def test_a_place_after_which_the_state_is_worse_is_not_taken():
    made = fleet({'a': (6,), 'b': (3,), 'c': (4,)})
    way = snug(
        planned(made, (0, 'a')),
        lambda state: made.hosts[2].name != 'b' or 2 not in state.changed,
    )
    assert destinations(way) == ['c']


def test_a_place_that_a_later_move_needs_is_not_taken():
    # Both would go to b, and only one of them can.
    made = fleet({'a': (6,), 'b': (2,)}, count=2)
    way = snug(planned(made, (0, 'a'), (1, 'b')), **ANY)
    assert destinations(way) == ['a', 'b']


def test_what_comes_later_goes_by_what_came_before():
    made = fleet({'a': (6,), 'b': (4,)}, count=2)
    way = snug(planned(made, (0, 'a'), (1, 'a')), **ANY)
    assert destinations(way) == ['b', 'b']


def test_the_price_stays():
    made = fleet({'a': (6,), 'b': (3,)})
    way = planned(made, (0, 'a'))
    assert snug(way, **ANY).cost is way.cost


def test_nodes_of_one_service_are_not_told_apart():
    made = fleet({'a': (6,), 'b': (3,)})
    twice = make_fleet_host('a', 2, nodename='other')
    made = Fleet((*made.hosts, twice), made.servers)
    way = planned(made, (0, 'a'))
    assert snug(way, **ANY) is way


@pytest.mark.parametrize('names', ['ab', 'ba'])
def test_without_cells_there_is_nothing_to_choose_by(names):
    hosts = tuple(make_fleet_host(name) for name in ('full', *names))
    made = Fleet(hosts, (make_server('x', make_flavor('plain'), 'full'),))
    for name in names:
        assert destinations(snug(planned(made, (0, name)), **ANY)) == [
            names[0]
        ]
