from numa_sched.draw.build import picture
from numa_sched.draw.order import Order, in_order
from tests.builders import make_cell, make_host
from tests.unit.draw.fleets import make_fleet_host


def names(order, **hosts):
    drawn = [
        picture(make_fleet_host(host, name)) for name, host in hosts.items()
    ]
    return [each.name for each in in_order(drawn, order)]


def test_names_with_numbers_are_in_the_order_of_the_numbers():
    found = names(
        Order.NAME, node10=None, node9=None, Node009a=None, node=None, a=None
    )
    assert found == ['a', 'node', 'node9', 'Node009a', 'node10']


def test_what_is_no_number_is_in_the_order_of_letters():
    found = names(Order.NAME, node1b=None, node1aa=None)
    assert found == ['node1aa', 'node1b']


def test_every_number_counts():
    found = names(Order.NAME, r1n10=None, r1n9=None, r02n1=None, r1=None)
    assert found == ['r1', 'r1n9', 'r1n10', 'r02n1']


def test_a_number_may_have_more_digits_than_python_reads():
    long = 'n' + '9' * 5000
    assert names(Order.NAME, **{long: None, 'n8': None}) == ['n8', long]


def test_most_room_comes_first():
    found = names(
        Order.ROOM,
        none=None,
        two=make_host(2),
        b=make_host(4),
        a=make_host(4),
        memory=make_host(make_cell(cpus=4, memory_mb=9999)),
        shared=make_host(make_cell(cpus=64, shared=True)),
    )
    assert found == ['memory', 'a', 'b', 'two', 'shared', 'none']


def test_most_free_cells_come_first():
    found = names(
        Order.CELLS,
        large=make_host(40),
        two=make_host(2, 2),
        taken=make_host(make_cell(pinned=[0]), make_cell(1, pinned=[64])),
    )
    assert found == ['two', 'large', 'taken']
