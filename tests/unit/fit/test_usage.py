import pytest

from numa_sched import fit
from numa_sched.fit.usage import host_after, host_without
from numa_sched.fleet import Seat
from numa_sched.topology import Host
from tests.builders import (
    A_DEVICE,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
    mask,
)


def seats(claim):
    """Give what a claim has, as a server holds it."""
    return [
        Seat(cell, taken.pinned | taken.reserved, size)
        for cell, taken, size in zip(
            claim.cell_ids, claim.fits, claim.page_sizes, strict=True
        )
    ]


def test_a_host_after_a_claim_has_what_the_claim_leaves():
    host = make_host(
        make_cell(cpus=4, pages=((4, 1000), (2048, 8))),
        make_cell(1, cpus=4, pages=((4, 1000), (2048, 8, 1))),
        cpu_allocation_ratio=3.0,
    )
    wanted = make_guest(*[make_guest_cell(2, memory_mb=4, page_size=2048)] * 2)
    expected = fit.fit(host, wanted)
    after = host_after(expected)
    assert after == Host.of(
        host.name, expected.cells_after(), cpu_allocation_ratio=3.0
    )
    assert after.layout is host.layout
    assert [cell.pages_used for cell in after.cells] == [(0, 2), (0, 3)]


def test_a_host_after_a_claim_has_the_devices_that_are_left():
    host = make_host(4, devices=((0, 2), (None, 1)))
    plain, wanting = make_guest(1), make_guest(1, devices=A_DEVICE)
    assert host_after(fit.fit(host, plain)).pools == host.pools
    after = host_after(fit.fit(host, wanting))
    assert [pool.count for pool in after.pools] == [1, 1]


@pytest.mark.parametrize(
    'wanted',
    [
        make_guest(2, 2),
        make_guest(make_guest_cell(shared=2)),
        make_guest(make_guest_cell(2, memory_mb=4, page_size=2048)),
        make_guest(make_guest_cell(2, memory_mb=4)),
        make_guest(make_guest_cell(2, memory_mb=4), isolate_emulator=True),
        make_guest(make_guest_cell(2, memory_mb=4, threads='isolate')),
    ],
    ids=['two cells', 'shared', 'huge', 'small', 'emulator', 'isolate'],
)
def test_a_guest_that_leaves_gives_back_what_it_took(wanted):
    cells = [
        make_cell(
            each,
            cpus=8,
            threads=2,
            legacy=True,
            pages=((4, 300000, 5), (2048, 8, 1)),
            memory_used_mb=7,
            shared_used=1,
            pinned=(64 * each + 6,),
        )
        for each in (0, 1)
    ]
    host = make_host(*cells, cpu_allocation_ratio=4.0)
    claim = fit.fit(host, wanted)
    assert host_without(host_after(claim), wanted, seats(claim)) == host


def test_nothing_is_ever_in_use_less_than_not_at_all():
    host = make_host(make_cell(cpus=4, pages=((4, 2000),), pinned=(3,)))
    wanted = make_guest(make_guest_cell(2, shared=1))
    after = host_without(host, wanted, [Seat(0, mask(0, 1))])
    assert after == host


def test_cells_that_the_host_does_not_have_give_nothing_back():
    host = make_host(make_cell(cpus=4, pinned=(0, 1)))
    after = host_without(host, make_guest(2), [Seat(7, mask(0, 1))])
    assert after == host
    seats = [Seat(7, mask(0, 1)), Seat(0, mask(1))]
    after = host_without(host, make_guest(2, 1), seats)
    assert after.pinned == (mask(0),)


def test_a_host_without_pages_gives_memory_back():
    host = make_host(make_cell(memory_used_mb=600))
    after = host_without(host, make_guest(1), [Seat(0)])
    assert after.memory_used_mb == (88,)
