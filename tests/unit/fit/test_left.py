import pytest

from numa_sched import fit
from numa_sched.fit.left import Left, LeftAfter
from numa_sched.topology import CellLayout, Host, HostCell
from tests.builders import (
    A_DEVICE,
    HUGE_KB,
    MIXED,
    SMALL_KB,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
)


def dedicated(cpus, **fields):
    return make_guest_cell(cpus, **{'memory_mb': 0, **fields})


def test_what_is_in_use_is_not_left():
    pages = ((SMALL_KB, 1024, 24, 100), (HUGE_KB, 4, 1, 2))
    cell = make_cell(
        cpus=8,
        legacy=True,
        pinned=(1, 2),
        shared_used=3,
        memory_mb=1000,
        memory_used_mb=300,
        pages=pages,
    )
    host = make_host(cell, cpu_allocation_ratio=1.5, ram_allocation_ratio=2.0)
    left = Left([host])
    assert left.dedicated.tolist() == [[6]]
    assert left.shared.tolist() == [[9]]
    assert left.memory_total_mb.tolist() == [[1000]]
    assert left.memory_mb.tolist() == [[700]]
    assert left.overcommit_mb.tolist() == [[1700]]
    assert left.pages_kb.tolist() == [[3600, 2048, 0]]
    assert left.pages_total_kb.tolist() == [[4096, 8192, 0]]


def test_only_cores_as_wide_as_the_widest_are_whole():
    layout = CellLayout(
        0, shared=0b1000, dedicated=0b110111, siblings=(0b11, 0b100, 0b110000)
    )
    assert Left([make_host(HostCell(layout, 0))]).cores.tolist() == [[2]]


def left_after(host, guest):
    claim = fit.fit(host, guest)
    assert claim
    return LeftAfter(Left([host]), [claim])


def test_a_claim_takes_what_the_guest_asks_for_of_its_cells():
    host = make_host(
        make_cell(0, cpus=8, legacy=True, memory_mb=1024),
        make_cell(1, cpus=4, legacy=True, memory_mb=1024),
        ram_allocation_ratio=2.0,
    )
    wanted = dedicated(2, shared=1, policy=MIXED, memory_mb=100)
    left = left_after(host, make_guest(wanted))
    assert left.dedicated.tolist() == [[6, 4]]
    assert left.shared.tolist() == [[7, 4]]
    assert left.memory_mb.tolist() == [[924, 1024]]
    assert left.overcommit_mb.tolist() == [[1948, 2048]]


def test_a_claim_takes_the_cpu_beside_the_first_cell():
    host = make_host(4, 4)
    guest = make_guest(dedicated(2), dedicated(2), isolate_emulator=True)
    assert left_after(host, guest).dedicated.tolist() == [[1, 2]]


def test_a_claim_of_isolated_cpus_takes_their_siblings():
    host = make_host(make_cell(cpus=8, threads=2, legacy=True))
    left = left_after(host, make_guest(dedicated(2, threads='isolate')))
    assert left.dedicated.tolist() == [[4]]
    assert left.cores.tolist() == [[2]]


def test_the_siblings_go_though_another_cell_of_the_guest_isolates_none():
    cells = [make_cell(id, threads=2, legacy=True) for id in (0, 1)]
    guest = make_guest(dedicated(1, threads='isolate'), dedicated(1))
    assert sorted(left_after(make_host(*cells), guest).dedicated[0]) == [2, 3]


def test_a_claim_breaks_the_cores_that_it_takes_a_thread_of():
    host = make_host(make_cell(cpus=8, threads=2))
    assert left_after(host, make_guest(dedicated(3))).cores.tolist() == [[2]]


def test_a_claim_takes_pages_of_its_size():
    pages = ((SMALL_KB, 1024), (HUGE_KB, 4))
    host = make_host(
        make_cell(0, cpus=1, pages=pages), make_cell(1, pages=pages)
    )
    left = left_after(
        host, make_guest(make_guest_cell(2, memory_mb=2, page_size=HUGE_KB))
    )
    assert left.pages_kb.tolist() == [[4096, 8192, 4096, 6144, 0]]


def test_a_claim_without_a_page_size_takes_the_smallest():
    host = make_host(make_cell(pages=((HUGE_KB, 4), (SMALL_KB, 1024))))
    left = left_after(host, make_guest(make_guest_cell(1, memory_mb=1)))
    assert left.pages_kb.tolist() == [[8192, 3072, 0]]


def test_a_claim_takes_no_pages_of_a_cell_that_tells_none():
    host = make_host(
        make_cell(0),
        make_cell(1, cpus=1, pages=((SMALL_KB, 256), (HUGE_KB, 4))),
    )
    left = left_after(host, make_guest(make_guest_cell(2, memory_mb=1)))
    assert left.pages_kb.tolist() == [[1024, 8192, 0]]


@pytest.mark.parametrize(('devices', 'expected'), [((), 2), (A_DEVICE, 1)])
def test_a_claim_takes_the_devices_that_the_guest_asks_for(devices, expected):
    host = make_host(8, devices=((0, 2),))
    left = left_after(host, make_guest(dedicated(1), devices=devices))
    wanting = make_guest(dedicated(1), devices=A_DEVICE)
    assert left.devices.guests(left.dedicated, wanting) == expected


def test_each_claim_is_taken_off_its_own_host():
    one, other = make_host(8), make_host(make_cell(cpus=8, pinned=(0, 1)))
    other = Host('other', one.layout, (4096,), (0,), (0,), other.pinned)
    claims = [fit.fit(host, make_guest(dedicated(4))) for host in (one, other)]
    left = LeftAfter(Left([one, other]), claims)
    assert left.dedicated.tolist() == [[4], [2]]
    assert left.cores.tolist() == [[4], [2]]
