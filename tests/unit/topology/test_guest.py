import pytest

from numa_sched.exceptions import TopologyError
from numa_sched.topology import (
    CPUPolicy,
    DeviceRequest,
    Guest,
    GuestCell,
    PageSize,
)
from tests.builders import make_guest, make_guest_cell


def test_page_sizes_of_a_kind_have_the_numbers_that_nova_gives_them():
    assert [int(size) for size in PageSize] == [-1, -2, -3]
    assert [size.name for size in PageSize] == ['SMALL', 'LARGE', 'ANY']


def test_a_guest_needs_a_cell():
    with pytest.raises(TopologyError, match='without cells'):
        Guest(())


@pytest.mark.parametrize('field', ['memory_mb', 'shared', 'dedicated'])
def test_a_guest_cell_cannot_ask_for_less_than_nothing(field):
    with pytest.raises(TopologyError, match='less than nothing'):
        GuestCell(**{'memory_mb': 1, field: -1})


def test_a_pinned_guest_cell_needs_a_cpu():
    with pytest.raises(TopologyError, match='no CPUs'):
        GuestCell(memory_mb=1, cpu_policy=CPUPolicy.DEDICATED)


def test_a_pinned_guest_cell_may_have_one_cpu_or_as_many_of_both_kinds():
    assert GuestCell(1, dedicated=1, cpu_policy=CPUPolicy.DEDICATED).pinned
    assert make_guest_cell(1, shared=1, policy=CPUPolicy.MIXED).pinned


def test_a_guest_cell_of_which_nothing_is_told_wants_memory_only():
    cell = GuestCell(512)
    assert cell == GuestCell(512, 0, 0, CPUPolicy.SHARED, None, None)
    assert not cell.pinned


def test_a_guest_wants_no_more_than_is_told():
    guest = make_guest(1)
    assert guest == Guest(guest.cells, False, frozenset(), False, ())
    assert not guest.wants_devices
    assert make_guest(1, devices=(DeviceRequest(),)).wants_devices


def test_a_cpu_is_reserved_beside_the_first_cell_of_an_isolated_guest():
    guest = make_guest(1, 1, isolate_emulator=True)
    assert [guest.reserved(index) for index in (0, 1)] == [1, 0]
    assert make_guest(1).reserved(0) == 0
