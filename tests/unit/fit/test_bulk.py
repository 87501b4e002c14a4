import itertools

import pytest

from numa_sched import fit
from numa_sched.fit.bulk import UNDECIDED, Bulk
from numa_sched.topology import PageSize
from tests.builders import (
    A_DEVICE,
    GIANT_KB,
    HUGE_KB,
    MIXED,
    SMALL_KB,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
)


def fleet(*pinned, **fields):
    """Give hosts of two cells of 4 CPUs, with so many pinned on each."""
    made = [
        make_host(
            *(
                make_cell(cell, pinned=range(64 * cell, 64 * cell + count))
                for cell, count in enumerate(counts)
            ),
            **fields,
        )
        for counts in pinned
    ]
    return of_one_layout(made)


def of_one_layout(hosts):
    """Give hosts that share the layout of the first, as the real ones do."""
    for host in hosts:
        object.__setattr__(host, 'layout', hosts[0].layout)
    return hosts


def cells_of(claims):
    return [claim and claim.cell_ids for claim in claims]


# A cell each: what is pinned, and how much of memory and CPUs is in use.
IN_USE = list(
    itertools.product(((), (0,), (0, 2), (0, 1, 2, 3)), (0, 512, 513), (0, 3))
)
RATIOS = {'cpu_allocation_ratio': 1.25, 'ram_allocation_ratio': 1.5}


def in_use(**fields):
    """Give hosts of cells of 4 CPUs and 1 GiB, in use in many ways."""
    return of_one_layout(
        [
            make_host(
                *(
                    make_cell(
                        cell,
                        threads=2,
                        legacy=True,
                        pinned=[64 * cell + cpu for cpu in pinned],
                        memory_mb=1024,
                        memory_used_mb=memory_used,
                        shared_used=shared_used,
                    )
                    for cell, (pinned, memory_used, shared_used) in enumerate(
                        cells
                    )
                ),
                **fields,
            )
            # Each beside the next ones of the list.
            for cells in zip(
                IN_USE,
                IN_USE[5:] + IN_USE[:5],
                IN_USE[11:] + IN_USE[:11],
                strict=True,
            )
        ]
    )


PINNED_OR_NOT = {
    'pinned': make_guest_cell(2),
    'with whole cores': make_guest_cell(2, threads='require'),
    'with cores of its own': make_guest_cell(1, threads='isolate'),
    'shared': make_guest_cell(shared=2),
    'shared, as many as there are': make_guest_cell(shared=4),
    'shared, more than there are': make_guest_cell(shared=5),
    'of much memory': make_guest_cell(shared=1, memory_mb=1024),
    'of too much memory': make_guest_cell(shared=1, memory_mb=1025),
    'mixed': make_guest_cell(1, shared=2, policy=MIXED),
}


def assert_found_as_one_by_one(hosts, cell, **kwargs):
    """Hold the answers for one to three such cells to the reference."""
    for count in range(1, len(hosts[0].layout.cells) + 2):
        guest = make_guest(*[cell] * count)
        assert Bulk(guest, **kwargs).place(hosts) == [
            fit.fit(host, guest, **kwargs) or None for host in hosts
        ]


@pytest.mark.parametrize('fields', [RATIOS, {}], ids=['ratios', 'no ratios'])
@pytest.mark.parametrize('packing', [False, True])
@pytest.mark.parametrize('cell', PINNED_OR_NOT.values(), ids=PINNED_OR_NOT)
def test_cpus_and_memory_are_counted_as_one_by_one(cell, packing, fields):
    assert_found_as_one_by_one(in_use(**fields), cell, packing=packing)


def with_pages(*sizes):
    """Give hosts of one or two cells with 512 MiB of each size, or less."""
    counts = [
        [
            (size, 2**19 // size, used, reserved)
            for size, (used, reserved) in zip(sizes, each, strict=True)
        ]
        for each in itertools.product(
            [(0, 0), (1, 0), (0, 1)], repeat=len(sizes)
        )
    ]
    for others in ([[]] * len(counts), reversed(counts)):
        yield of_one_layout(
            [
                make_host(
                    *(
                        make_cell(cell, legacy=True, pages=pages)
                        for cell, pages in enumerate(each)
                        if pages
                    )
                )
                for each in zip(counts, others, strict=True)
            ]
        )


WITH_PAGES = {
    'of no size asked for': {},
    'small': {'page_size': PageSize.SMALL},
    'large': {'page_size': PageSize.LARGE},
    'of a size': {'page_size': HUGE_KB},
    'of a size that is not there': {'page_size': GIANT_KB},
}


@pytest.mark.parametrize('sizes', [(SMALL_KB, HUGE_KB), (HUGE_KB,)], ids=len)
@pytest.mark.parametrize('fields', WITH_PAGES.values(), ids=WITH_PAGES)
@pytest.mark.parametrize('memory_mb', [1, 511, 512])
def test_pages_are_counted_as_one_by_one(memory_mb, fields, sizes):
    cells = (
        make_guest_cell(1, memory_mb=memory_mb, **fields),
        make_guest_cell(shared=1, memory_mb=memory_mb, **fields),
    )
    for hosts, cell in itertools.product(with_pages(*sizes), cells):
        assert_found_as_one_by_one(hosts, cell)


def test_each_host_has_its_own_answer():
    hosts = fleet((0, 1), (2, 1), (3, 3), (2, 2))
    found = Bulk(make_guest(2)).place(hosts)
    assert cells_of(found) == [(0,), (1,), None, (0,)]
    assert found[1].host is hosts[1]


def test_packing_takes_the_fullest_cell_that_will_do():
    hosts = fleet((0, 1), (1, 0), (3, 2))
    found = Bulk(make_guest(2), packing=True).place(hosts)
    assert cells_of(found) == [(1,), (0,), (1,)]


def test_cells_with_as_many_cpus_go_by_memory():
    hosts = of_one_layout(
        [
            make_host(make_cell(0, memory_used_mb=used), make_cell(1))
            for used in (0, 8)
        ]
    )
    assert cells_of(Bulk(make_guest(2)).place(hosts)) == [(0,), (1,)]


def test_several_cells_are_on_different_host_cells():
    hosts = fleet((1, 0), (0, 3))
    assert cells_of(Bulk(make_guest(2, 2)).place(hosts)) == [(0, 1), None]


def test_pages_are_counted():
    hosts = of_one_layout(
        [
            make_host(
                make_cell(0, pages=((SMALL_KB, 10**6), (HUGE_KB, 300, used)))
            )
            for used in (0, 100)
        ]
    )
    guest = make_guest(make_guest_cell(1, page_size=PageSize.LARGE))
    fits, full = Bulk(guest).place(hosts)
    assert fits.page_sizes == (HUGE_KB,)
    assert full is None


def test_reserved_pages_are_nobodys():
    pages = (SMALL_KB, 10**6), (HUGE_KB, 300, 0, 100)
    hosts = [make_host(make_cell(pages=pages))]
    guest = make_guest(make_guest_cell(1, page_size=PageSize.LARGE))
    assert Bulk(guest).place(hosts) == [None]


def shared_guest(cpus):
    return make_guest(make_guest_cell(shared=cpus))


def test_shared_cells_go_by_the_cpus_in_use():
    hosts = of_one_layout(
        [
            make_host(
                make_cell(0, shared=True, shared_used=used),
                make_cell(1, shared=True, shared_used=1),
                cpu_allocation_ratio=2.0,
            )
            for used in (0, 2)
        ]
    )
    assert cells_of(Bulk(shared_guest(1)).place(hosts)) == [(0,), (1,)]


def test_no_guest_overcommits_cpus_against_itself():
    hosts = [make_host(make_cell(shared=True), cpu_allocation_ratio=16.0)]
    assert cells_of(Bulk(shared_guest(4)).place(hosts)) == [(0,)]
    assert Bulk(shared_guest(5)).place(hosts) == [None]


def test_it_leaves_pages_chosen_otherwise_from_cell_to_cell_to_others():
    pages = ((SMALL_KB, 9), (HUGE_KB, 512), (GIANT_KB, 4))
    full = ((SMALL_KB, 9), (HUGE_KB, 512), (GIANT_KB, 4, 4))
    hosts = of_one_layout(
        [
            make_host(make_cell(0, pages=pages), make_cell(1, pages=each))
            for each in (pages, full, pages)
        ]
    )
    wanted = make_guest_cell(1, memory_mb=1024, page_size=PageSize.LARGE)
    found = Bulk(make_guest(wanted)).place(hosts)
    assert found[0].page_sizes == found[2].page_sizes == (GIANT_KB,)
    assert found[1] is UNDECIDED


def test_it_leaves_walks_that_may_be_too_long_to_others():
    free, full = fleet((0,) * 16, (4,) + (0,) * 15)
    found = Bulk(make_guest(*[1] * 5)).place([free, full])
    assert found[0].cell_ids == (0, 1, 2, 3, 4)
    assert found[1] is UNDECIDED


@pytest.mark.parametrize(
    'hosts',
    [
        [make_host(make_cell(memory_mb=2**60), 4)],
        [make_host(make_cell(memory_mb=2**64 - 1), 4)],
        [make_host(make_cell(pages=((SMALL_KB, 10**6),)), 4)],
    ],
    ids=['numbers too big', 'far too big', 'pages that differ'],
)
def test_it_leaves_hosts_to_others(hosts):
    assert Bulk(make_guest(2)).place(hosts) == [UNDECIDED]
    assert fit.Placer(make_guest(2)).place(hosts[0])


@pytest.mark.parametrize(
    'guest',
    [
        make_guest(2, 3),
        make_guest(2, 2, isolate_emulator=True),
        make_guest(2, 2, tunneled=True),
        make_guest(2, 2, physnets=frozenset('a')),
        make_guest(make_guest_cell(1, memory_mb=2**50)),
    ],
    ids=[
        'cells that differ',
        'a CPU beside',
        'tunnels',
        'networks',
        'numbers too big',
    ],
)
def test_it_leaves_guests_to_others(guest):
    assert not Bulk(guest).applies
    assert Bulk(make_guest(2, 2)).applies


def test_cells_with_fewer_devices_come_first():
    hosts = fleet((0, 1), (1, 0), devices=((0, 1),)) + fleet((0, 0))
    hosts = of_one_layout(hosts)
    assert cells_of(Bulk(make_guest(2)).place(hosts)) == [(1,), (1,), (0,)]


def test_devices_of_a_single_host_count():
    (host,) = fleet((0, 1), devices=((0, 1),))
    assert cells_of(Bulk(make_guest(2)).place([host])) == [(1,)]


def test_hosts_whose_claims_spare_no_devices_stand_among_others():
    hosts = fleet((0, 1), devices=((0, 1),))
    hosts += fleet((0, 1), devices=((0, 1),), spares_devices=False)
    of_one_layout(hosts)
    assert cells_of(Bulk(make_guest(2)).place(hosts)) == [(1,), (0,)]


def test_cells_with_more_devices_come_first_for_guests_that_want_some():
    hosts = fleet((1, 0), devices=((0, 1), (1, 1)))
    hosts += fleet((1, 0), devices=((0, 1), (None, 4)))
    wanted = make_guest(2, devices=A_DEVICE)
    found = Bulk(wanted).place(of_one_layout(hosts))
    assert cells_of(found) == [(1,), (0,)]


def test_threads_are_looked_at_where_the_guest_minds_which_it_gets():
    half = [range(0, 8, 2), range(64, 72, 2)]
    hosts = of_one_layout(
        [
            make_host(
                *(
                    make_cell(id, cpus=8, threads=2, pinned=pinned)
                    for id, pinned in enumerate(cells)
                )
            )
            for cells in (((), half[1]), (half[0], ()), half)
        ]
    )
    whole_cores = make_guest(make_guest_cell(2, threads='require'))
    found = Bulk(whole_cores).place(hosts)
    assert cells_of(found) == [(0,), (1,), None]


def test_a_placer_keeps_the_order_of_hosts_of_several_layouts():
    hosts = fleet(*[(0, 1)] * 20)
    hosts[3:3] = [make_host(8), make_host(1)]
    placer = fit.Placer(make_guest(2))
    found = placer.place_all(hosts)
    assert found == [placer.place(host) for host in hosts]
    assert found[3].host is hosts[3]
    assert found[4] is None
