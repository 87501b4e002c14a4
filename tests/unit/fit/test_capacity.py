import numpy
import pytest

from numa_sched.fit.capacity import Capacity, _guests_in, rooms_on
from numa_sched.fit.left import Left
from numa_sched.topology import (
    CellLayout,
    DevicePool,
    DeviceRequest,
    Host,
    HostCell,
    PageSize,
)
from tests.builders import (
    GIANT_KB,
    GPU,
    HUGE_KB,
    MIXED,
    NIC,
    SMALL_KB,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
)

HUGE_2 = make_guest_cell(2, memory_mb=2, page_size=HUGE_KB)


def rooms(host, guest_cell):
    return Capacity(Left([host])).rooms(guest_cell).tolist()[0]


def guests(host, *cells):
    return Capacity(Left([host])).guests(make_guest(*cells)).tolist()[0]


def dedicated(cpus, **fields):
    return make_guest_cell(cpus, **{'memory_mb': 0, **fields})


def shared(cpus, **fields):
    return make_guest_cell(shared=cpus, **{'memory_mb': 0, **fields})


CPUS = {
    'free dedicated CPUs count, rounded down': (
        make_cell(cpus=8, pinned=(0, 1, 2)),
        dedicated(2),
        2,
    ),
    'a cell with fewer than asked for has no room': (
        make_cell(cpus=4),
        dedicated(5),
        0,
    ),
    'shared CPUs are no dedicated ones': (
        make_cell(shared=True),
        dedicated(1),
        0,
    ),
    'dedicated CPUs are no shared ones': (make_cell(), shared(1), 0),
    'shared CPUs in use do not count': (
        make_cell(cpus=8, shared=True, shared_used=3),
        shared(2),
        2,
    ),
    'more shared CPUs in use than there are leave no room': (
        make_cell(cpus=4, shared=True, shared_used=9),
        shared(1),
        0,
    ),
    'a mixed guest goes by its shared CPUs if these are fewer': (
        make_cell(cpus=8, legacy=True, shared_used=4),
        dedicated(1, shared=2, policy=MIXED),
        2,
    ),
    'a mixed guest goes by its dedicated CPUs if these are fewer': (
        make_cell(cpus=8, legacy=True, pinned=(0, 1)),
        dedicated(3, shared=1, policy=MIXED),
        2,
    ),
    'threads do not matter without a policy': (
        make_cell(cpus=8, threads=2, pinned=(0, 2)),
        dedicated(3),
        2,
    ),
    'threads do not matter if siblings are only preferred': (
        make_cell(cpus=8, threads=2, pinned=(0, 2)),
        dedicated(3, threads='prefer'),
        2,
    ),
    'required siblings are counted in whole cores': (
        make_cell(cpus=8, threads=2, pinned=(0,)),
        dedicated(2, threads='require'),
        3,
    ),
    'an odd number of required siblings takes one more core': (
        make_cell(cpus=8, threads=2),
        dedicated(3, threads='require'),
        2,
    ),
    'cores of four threads hold more siblings': (
        make_cell(cpus=8, threads=4),
        dedicated(4, threads='require'),
        2,
    ),
    'siblings cannot be had without threads': (
        make_cell(cpus=8),
        dedicated(2, threads='require'),
        0,
    ),
    'isolated CPUs take a core each': (
        make_cell(cpus=8, threads=2, legacy=True, pinned=(0,)),
        dedicated(2, threads='isolate'),
        1,
    ),
    'isolated CPUs take a CPU each without threads': (
        make_cell(cpus=8, pinned=(0,)),
        dedicated(2, threads='isolate'),
        3,
    ),
    'CPUs cannot be isolated where threads are dedicated ones': (
        make_cell(cpus=8, threads=2),
        dedicated(1, threads='isolate'),
        0,
    ),
}


@pytest.mark.parametrize(
    ('cell', 'wanted', 'expected'), CPUS.values(), ids=CPUS
)
def test_cpus(cell, wanted, expected):
    assert rooms(make_host(cell), wanted) == [expected]


CORES = {
    'all threads of all': (0b1111, 0b0000, (0b11, 0b1100), 2),
    'a thread of one is a shared CPU': (0b1110, 0b0001, (0b11, 0b1100), 1),
    'one has fewer threads for guests': (0b0111, 0b0000, (0b11, 0b100), 1),
}


@pytest.mark.parametrize(
    ('dedicated_cpus', 'shared_cpus', 'siblings', 'expected'),
    CORES.values(),
    ids=CORES,
)
def test_whole_cores(dedicated_cpus, shared_cpus, siblings, expected):
    layout = CellLayout(
        0, shared=shared_cpus, dedicated=dedicated_cpus, siblings=siblings
    )
    host = make_host(HostCell(layout, memory_mb=0))
    assert rooms(host, dedicated(2, threads='require')) == [expected]


@pytest.mark.parametrize(
    ('ratio', 'expected'), [(1.0, 2), (2.0, 4), (1.9, 3), (0.0, 0)]
)
def test_shared_cpus_go_by_the_allocation_ratio(ratio, expected):
    host = make_host(make_cell(shared=True), cpu_allocation_ratio=ratio)
    assert rooms(host, shared(2)) == [expected]


def test_a_guest_may_have_all_shared_cpus():
    assert rooms(make_host(make_cell(cpus=4, shared=True)), shared(4)) == [1]


def test_cpus_cannot_be_isolated_beside_shared_ones_of_higher_ids():
    layout = CellLayout(
        0,
        dedicated=0b001111,
        shared=0b110000,
        siblings=(0b000011, 0b001100, 0b110000),
    )
    host = make_host(HostCell(layout, memory_mb=0))
    assert rooms(host, dedicated(1, threads='isolate')) == [0]


def test_a_guest_does_not_overcommit_shared_cpus_against_itself():
    host = make_host(make_cell(cpus=4, shared=True), cpu_allocation_ratio=16.0)
    assert rooms(host, shared(5)) == [0]


MEMORY = {
    'dedicated guests go by free memory': (
        make_cell(memory_mb=4096, memory_used_mb=1024),
        make_guest_cell(1, memory_mb=1024),
        3,
    ),
    'memory in use beyond what there is leaves no room': (
        make_cell(memory_mb=1024, memory_used_mb=4096),
        make_guest_cell(1, memory_mb=1),
        0,
    ),
    'shared guests overcommit memory': (
        make_cell(cpus=16, shared=True, memory_mb=1024, memory_used_mb=512),
        shared(1, memory_mb=512),
        3,
    ),
    'but none against itself': (
        make_cell(shared=True, memory_mb=1024),
        shared(1, memory_mb=1025),
        0,
    ),
    'nor against the small pages that there are': (
        make_cell(shared=True, memory_mb=4096, pages=((SMALL_KB, 256),)),
        shared(1, memory_mb=2),
        0,
    ),
    'a shared guest may be as big as its small pages, even if in use': (
        make_cell(shared=True, memory_mb=4, pages=((SMALL_KB, 256, 256),)),
        shared(1, memory_mb=1),
        8,
    ),
    'mixed guests may not overcommit': (
        make_cell(legacy=True, memory_mb=1024),
        dedicated(1, shared=1, policy=MIXED, memory_mb=512),
        2,
    ),
    'pinned guests without a page size take small pages': (
        make_cell(
            memory_mb=4096, pages=((HUGE_KB, 2048), (SMALL_KB, 1024, 256))
        ),
        make_guest_cell(1, memory_mb=1),
        3,
    ),
    'a memory that is no multiple of the smallest pages has no room': (
        make_cell(memory_mb=4096, pages=((HUGE_KB, 1024),)),
        make_guest_cell(1, memory_mb=3),
        0,
    ),
}


@pytest.mark.parametrize(
    ('cell', 'wanted', 'expected'), MEMORY.values(), ids=MEMORY
)
def test_memory(cell, wanted, expected):
    host = make_host(cell, cpu_allocation_ratio=16.0, ram_allocation_ratio=2.0)
    assert rooms(host, wanted) == [expected]


def test_mixed_guests_keep_to_an_allocation_ratio_below_1():
    cell = make_cell(legacy=True, memory_mb=1024)
    host = make_host(cell, ram_allocation_ratio=0.5)
    wanted = dedicated(1, shared=1, policy=MIXED, memory_mb=512)
    assert rooms(host, wanted) == [1]


SIZES = ((SMALL_KB, 2**20), (HUGE_KB, 1024, 400, 100), (GIANT_KB, 3))
PAGES = {
    'small ones': (PageSize.SMALL, 1024, 4),
    'large ones, of all sizes': (PageSize.LARGE, 1024, 4),
    'large ones that the memory is a multiple of': (PageSize.LARGE, 512, 2),
    'any ones': (PageSize.ANY, 1024, 8),
    'a size, less those used and reserved': (HUGE_KB, 2, 524),
    'a size that the memory is no multiple of': (HUGE_KB, 3, 0),
    'a size that there is not': (16384, 16, 0),
}


@pytest.mark.parametrize(
    ('size', 'memory_mb', 'expected'), PAGES.values(), ids=PAGES
)
def test_pages(size, memory_mb, expected):
    host = make_host(make_cell(cpus=1024, pages=SIZES))
    wanted = make_guest_cell(1, memory_mb=memory_mb, page_size=size)
    assert rooms(host, wanted) == [expected]


def test_pages_of_one_size_do_not_make_up_for_those_of_another():
    host = make_host(make_cell(pages=((HUGE_KB, 3), (GIANT_KB, 0))))
    wanted = make_guest_cell(1, memory_mb=4, page_size=PageSize.ANY)
    assert rooms(host, wanted) == [1]


def test_more_pages_reserved_than_free_do_not_lessen_those_of_another_size():
    host = make_host(
        make_cell(pages=((HUGE_KB, 4, 4, 2), (GIANT_KB, 1))),
    )
    wanted = make_guest_cell(1, memory_mb=1024, page_size=PageSize.ANY)
    assert rooms(host, wanted) == [1]


def test_cells_may_have_pages_of_unlike_sizes():
    host = make_host(
        make_cell(0, cpus=8, pages=((SMALL_KB, 0), (HUGE_KB, 2))),
        make_cell(1, cpus=8, pages=((HUGE_KB, 3),)),
        make_cell(2, cpus=8, pages=((GIANT_KB, 1), (SMALL_KB, 0))),
        make_cell(3, cpus=8),
    )
    assert rooms(host, HUGE_2) == [2, 3, 0, 0]


def test_the_smallest_pages_are_those_of_each_cell():
    host = make_host(
        make_cell(0, cpus=8, pages=((SMALL_KB, 512), (HUGE_KB, 9))),
        make_cell(1, cpus=8, pages=((HUGE_KB, 3),)),
        make_cell(2, cpus=8, memory_mb=8),
    )
    assert rooms(host, make_guest_cell(1, memory_mb=2)) == [1, 3, 4]


def test_big_numbers_of_pages_are_counted():
    host = make_host(make_cell(cpus=2, pages=((SMALL_KB, 2**63),)))
    wanted = make_guest_cell(1, memory_mb=2**10, page_size=SMALL_KB)
    assert rooms(host, wanted) == [2]


def test_many_small_guests_are_counted_to_the_last():
    small = make_cell(memory_mb=8192, pages=((SMALL_KB, 2**20),))
    wanted = make_guest_cell(memory_mb=1, page_size=SMALL_KB)
    assert rooms(make_host(small), wanted) == [4096]
    many = make_cell(cpus=8192, pages=((SMALL_KB, 2**20),))
    assert rooms(make_host(many), make_guest_cell(1, memory_mb=1)) == [4096]


def test_a_guest_cell_that_asks_for_nothing_has_room_again_and_again():
    assert rooms(make_host(0), shared(0))[0] > 10**6


GUESTS = {
    'one cell goes wherever there is room': ((4, 5, 3), 1, 12),
    'two cells are on two host cells': ((4, 4), 2, 4),
    'what one host cell has alone is of no use to two': ((9, 2), 2, 2),
    'an odd one is left over': ((3, 2, 2), 2, 3),
    'two cells and one host cell': ((8,), 2, 0),
    'three cells are on three host cells': ((5, 5, 5), 3, 5),
    'three cells, one host cell is short': ((5, 5, 1), 3, 1),
    'three cells share four host cells': ((3, 3, 3, 3), 3, 4),
    'three cells, one host cell has all': ((9, 1, 1, 1), 3, 1),
    'three cells and two host cells': ((9, 9), 3, 0),
    'four cells': ((2, 3, 4, 5), 4, 2),
    'four cells share five host cells': ((4, 4, 4, 4, 4), 4, 5),
    'nothing left': ((0, 0, 0), 3, 0),
}


@pytest.mark.parametrize(
    ('rooms', 'cells', 'expected'), GUESTS.values(), ids=GUESTS
)
def test_guests(rooms, cells, expected):
    host = make_host(*rooms)
    assert guests(host, *[dedicated(1)] * cells) == expected


def test_guests_of_several_hosts_are_counted_at_once():
    found = _guests_in(numpy.array([[5.0, 5, 1], [2, 2, 2], [0, 9, 9]]), 3)
    assert found.tolist() == [1, 2, 0]


def test_unlike_cells_count_as_the_one_that_has_room_the_least_often():
    host = make_host(8, 8)
    alike = guests(host, dedicated(4), dedicated(4))
    assert guests(host, dedicated(1), dedicated(4)) == alike == 2


@pytest.mark.parametrize(
    ('cells', 'expected'),
    [(1, 0), (2, 3)],
    ids=['a cell is near one of them', 'two cells are near both'],
)
def test_devices_on_two_cells_are_for_guests_of_two_cells(cells, expected):
    pools = DevicePool(0, NIC, 3), DevicePool(1, GPU, 3)
    wanted = DeviceRequest(1, (NIC,)), DeviceRequest(1, (GPU,))
    guest = make_guest(*[dedicated(1)] * cells, devices=wanted)
    capacity = Capacity(Left([make_host(4, 4, pools=pools)]))
    assert capacity.guests(guest).tolist() == [expected]


def test_hosts_of_a_layout_are_counted_in_their_order():
    empty = make_host(8)
    full = Host('full', empty.layout, (4096,), (0,), (0,), (0b1111111,))
    capacity = Capacity(Left([empty, full, empty]))
    assert capacity.guests(make_guest(dedicated(2))).tolist() == [4, 0, 4]


def test_hosts_of_any_kinds_are_counted_in_their_order():
    hosts = [make_host(*cpus) for cpus in ((4, 4), (2,), (6, 2), (7,))]
    assert rooms_on(hosts, make_guest(dedicated(2))) == [4, 1, 4, 3]
    assert rooms_on([], make_guest(dedicated(2))) == []
