import pytest

from numa_sched.answers import of_flavor
from numa_sched.fleet import Fleet, Seat
from numa_sched.plan.needs import Needs
from numa_sched.plan.state import Cloud
from tests.builders import (
    GIANT_KB,
    make_cell,
    make_guest,
    make_guest_cell,
    mask,
)
from tests.fleets import make_flavor, make_fleet_host, make_server


def may_be_met(wanted, cells, seats=(), without=True, guest=None):
    """Whether a guest may fit, perhaps without the server that is there."""
    guest = guest or make_guest(*[1] * max(len(seats), 1))
    flavor = make_flavor('f', guest=guest)
    servers = (make_server('x', flavor, seats=seats),) if seats else ()
    cloud = Cloud(Fleet((make_fleet_host('host', *cells),), servers))
    kind = cloud.kind_of(of_flavor(make_flavor('new', guest=wanted)))
    needs = Needs(kind, cloud.start, 0)
    return needs.may_be_met_without((0,) if seats and without else ())


FULL = make_cell(cpus=4, pinned=range(3))


def test_what_a_server_gives_back_counts():
    seats = (Seat(0, mask(0, 1, 2)),)
    assert may_be_met(make_guest(4), [FULL], seats)
    assert not may_be_met(make_guest(4), [FULL], seats, without=False)
    assert not may_be_met(make_guest(5), [FULL], seats)


def test_each_cell_needs_its_own():
    cells = [FULL, make_cell(1, cpus=4, pinned=range(64, 67))]
    one = (Seat(0, mask(0, 1, 2)),)
    assert not may_be_met(make_guest(4, 4), cells, one)
    both = (*one, Seat(1, mask(64, 65, 66)))
    assert may_be_met(make_guest(4, 4), cells, both)


def test_the_siblings_of_isolated_cpus_come_back_as_well():
    cell = make_cell(cpus=4, threads=2, legacy=True, pinned=range(4))
    guest = make_guest(make_guest_cell(2, threads='isolate'))
    seats = (Seat(0, mask(0, 2)),)
    assert may_be_met(make_guest(4), [cell], seats, guest=guest)


@pytest.mark.parametrize(('size', 'met'), [(GIANT_KB, False), (-2, True)])
def test_pages_count_where_their_size_is_told(size, met):
    cell = make_cell(pages=((4, 1000), (GIANT_KB, 4, 3)))
    wanted = make_guest(make_guest_cell(1, memory_mb=2048, page_size=size))
    assert may_be_met(wanted, [cell]) == met


def test_pages_come_back():
    cell = make_cell(pages=((4, 1000), (GIANT_KB, 4, 3)))
    paged = make_guest(make_guest_cell(1, memory_mb=2048, page_size=GIANT_KB))
    assert may_be_met(paged, [cell], (Seat(0, 0, GIANT_KB),), guest=paged)


def test_without_topology_there_is_nothing_to_count():
    assert may_be_met(None, [FULL])
