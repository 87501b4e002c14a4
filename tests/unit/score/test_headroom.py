import pytest

from numa_sched import fit
from numa_sched.score.headroom import Headroom
from tests.builders import (
    HUGE_KB,
    MIXED,
    SMALL_KB,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
)


def score(host, *cells):
    guest = make_guest(*cells)
    return Headroom().score(host, guest, fit.fit(host, guest))


def dedicated(cpus, memory_mb=0, **fields):
    return make_guest_cell(cpus, memory_mb=memory_mb, **fields)


def test_dedicated_cpus_can_be_what_is_tightest():
    host = make_host(make_cell(cpus=8, memory_mb=4096))
    assert score(host, dedicated(6, 1024)) == 0.25


def test_memory_can_be_what_is_tightest():
    host = make_host(make_cell(cpus=8, memory_mb=4096))
    assert score(host, dedicated(2, 3072)) == 0.25


def test_what_is_in_use_already_counts():
    host = make_host(
        make_cell(cpus=8, pinned=(0, 1), memory_mb=4096, memory_used_mb=2048)
    )
    assert score(host, dedicated(2)) == 0.5
    assert score(host, dedicated(2, 1024)) == 0.25


def test_the_tightest_cell_counts():
    host = make_host(8, 4)
    assert score(host, dedicated(3), dedicated(3)) == 0.25


def test_cells_that_are_not_used_do_not_count():
    host = make_host(8, make_cell(1, pinned=(64, 65, 66)))
    assert score(host, dedicated(4)) == 0.5


@pytest.mark.parametrize(('ratio', 'expected'), [(1.0, 0.25), (2.0, 0.625)])
def test_shared_cpus_go_by_the_allocation_ratio(ratio, expected):
    host = make_host(
        make_cell(shared=True, shared_used=1), cpu_allocation_ratio=ratio
    )
    assert score(host, make_guest_cell(shared=2, memory_mb=0)) == expected


def test_mixed_guests_go_by_what_is_tighter():
    host = make_host(make_cell(cpus=8, legacy=True, shared_used=4))
    wanted = dedicated(1, shared=2, policy=MIXED)
    assert score(host, wanted) == 0.25


@pytest.mark.parametrize(('ratio', 'expected'), [(1.0, 0.5), (2.0, 0.75)])
def test_memory_of_shared_guests_goes_by_the_allocation_ratio(ratio, expected):
    host = make_host(
        make_cell(shared=True, memory_mb=1024), ram_allocation_ratio=ratio
    )
    assert score(host, make_guest_cell(shared=1, memory_mb=512)) == expected


def test_memory_of_pinned_guests_does_not():
    host = make_host(make_cell(memory_mb=1024), ram_allocation_ratio=2.0)
    assert score(host, dedicated(1, 512)) == 0.5


def test_pages_of_the_size_that_is_taken_count():
    pages = ((SMALL_KB, 1024), (HUGE_KB, 10, 2))
    host = make_host(make_cell(cpus=8, pages=pages))
    assert score(host, dedicated(1, 4, page_size=HUGE_KB)) == 0.6


def test_without_a_page_size_the_smallest_pages_count():
    pages = ((HUGE_KB, 100), (SMALL_KB, 1024))
    host = make_host(make_cell(cpus=8, pages=pages))
    assert score(host, dedicated(1, 3)) == 0.25


def test_reserved_pages_are_not_free():
    host = make_host(make_cell(cpus=8, pages=((HUGE_KB, 8, 0, 4),)))
    assert score(host, dedicated(1, 4, page_size=HUGE_KB)) == 0.25


def test_a_guest_that_takes_nothing_leaves_all_the_room():
    assert score(make_host(4), make_guest_cell(memory_mb=0)) == 1.0


def test_a_host_without_room_for_shared_cpus_has_none_to_spare():
    host = make_host(make_cell(shared=True, shared_used=4))
    guest = make_guest(make_guest_cell(shared=1))
    claim = fit.claim.Claim(host, guest, (0,), (None,))
    assert Headroom().score(host, guest, claim) == 0.0


def headroom(cell, guest_cell, **ratios):
    host, guest = make_host(cell, **ratios), make_guest(guest_cell)
    claim = fit.claim.Claim(host, guest, (0,), (None,))
    return Headroom().score(host, guest, claim)


def test_there_is_no_less_than_no_room_to_spare():
    crowded = make_cell(shared=True, shared_used=9, memory_mb=4096)
    assert headroom(crowded, make_guest_cell(shared=1)) == 0.0


def test_a_ratio_of_0_leaves_nothing_to_spare():
    sharing = make_guest_cell(shared=1)
    cell = make_cell(shared=True)
    assert headroom(cell, sharing, cpu_allocation_ratio=0.0) == 0.0
    assert headroom(cell, sharing, ram_allocation_ratio=0.0) == 0.0


def test_the_only_cpu_of_a_cell_may_be_taken_in_part():
    cell = make_cell(cpus=1, shared=True, memory_mb=4096)
    guest_cell = make_guest_cell(shared=1)
    assert headroom(cell, guest_cell, cpu_allocation_ratio=1.0) == 0.0
    assert headroom(cell, guest_cell, cpu_allocation_ratio=2.0) == 0.5
    fraction = {'cpu_allocation_ratio': 1.0, 'ram_allocation_ratio': 0.25}
    assert headroom(cell, make_guest_cell(memory_mb=512), **fraction) == 0.5
