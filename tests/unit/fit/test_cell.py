import pytest

from numa_sched import cpumask
from numa_sched.fit.cell import CellFit, fit_cell
from numa_sched.fit.reasons import CellMisfit, Shortage
from numa_sched.topology import CellLayout, HostCell, PageSize
from tests.builders import (
    GIANT_KB,
    HUGE_KB,
    MIXED,
    SMALL_KB,
    make_cell,
    make_guest_cell,
    mask,
)


def shortage(*args, **kwargs):
    verdict = fit_cell(*args, **kwargs)
    assert isinstance(verdict, CellMisfit), verdict
    return verdict.shortage


def pinned(*args, **kwargs):
    verdict = fit_cell(*args, **kwargs)
    assert isinstance(verdict, CellFit), verdict
    return sorted(cpumask.ids(verdict.pinned))


PAGES = ((SMALL_KB, 262144), (HUGE_KB, 512, 256), (GIANT_KB, 2, 0, 1))


@pytest.mark.parametrize(
    ('wanted', 'memory_mb', 'size'),
    [
        (PageSize.SMALL, 1024, SMALL_KB),
        (PageSize.LARGE, 1024, GIANT_KB),
        (PageSize.LARGE, 512, HUGE_KB),
        (PageSize.ANY, 512, HUGE_KB),
        (PageSize.ANY, 513, SMALL_KB),
        (HUGE_KB, 512, HUGE_KB),
        (None, 1024, None),
    ],
)
def test_the_largest_page_size_that_fits_is_taken(wanted, memory_mb, size):
    verdict = fit_cell(
        make_cell(pages=PAGES),
        make_guest_cell(1, memory_mb=memory_mb, page_size=wanted),
    )
    assert verdict.page_size == size


@pytest.mark.parametrize(
    ('wanted', 'memory_mb', 'reason'),
    [
        (GIANT_KB, 2048, Shortage.PAGES),
        (GIANT_KB, 512, Shortage.PAGE_MULTIPLE),
        (HUGE_KB, 514, Shortage.PAGES),
        (PageSize.SMALL, 1025, Shortage.PAGES),
        (PageSize.LARGE, 513, Shortage.PAGE_MULTIPLE),
        (64, 512, Shortage.PAGE_SIZE),
    ],
)
def test_pages_that_are_missing_are_told(wanted, memory_mb, reason):
    assert (
        shortage(
            make_cell(pages=PAGES),
            make_guest_cell(1, memory_mb=memory_mb, page_size=wanted),
        )
        is reason
    )


@pytest.mark.parametrize('wanted', list(PageSize))
def test_a_page_size_cannot_be_had_without_page_information(wanted):
    cell = make_cell()
    guest = make_guest_cell(1, page_size=wanted)
    assert shortage(cell, guest) is Shortage.PAGE_SIZE


@pytest.mark.parametrize(
    ('pages', 'reason'),
    [((), Shortage.MEMORY), (((SMALL_KB, 262144, 200000),), Shortage.PAGES)],
    ids=['without pages', 'with pages'],
)
def test_pinned_guests_do_not_overcommit_memory(pages, reason):
    cell = make_cell(memory_mb=1024, memory_used_mb=700, pages=pages)
    assert shortage(cell, make_guest_cell(1, memory_mb=512)) is reason


@pytest.mark.parametrize('pages', [(), ((SMALL_KB, 262144, 200000),)])
def test_shared_guests_overcommit_memory_but_not_against_themselves(pages):
    cell = make_cell(
        shared=True, memory_mb=1024, memory_used_mb=700, pages=pages
    )
    assert fit_cell(cell, make_guest_cell(shared=1, memory_mb=512))
    too_big = make_guest_cell(shared=1, memory_mb=1025)
    assert shortage(cell, too_big) is Shortage.MEMORY_TOTAL


@pytest.mark.parametrize(
    ('memory_mb', 'shared', 'ratios', 'reason'),
    [
        (512, 2, (0.5, 1.0), Shortage.SHARED_RATIO),
        (512, 1, (1.0, 1.0), Shortage.MEMORY_RATIO),
    ],
)
def test_allocation_ratios_bound_shared_guests(
    memory_mb, shared, ratios, reason
):
    cell = make_cell(
        shared=True, memory_mb=1024, memory_used_mb=700, shared_used=1
    )
    guest = make_guest_cell(shared=shared, memory_mb=memory_mb)
    cpu_ratio, ram_ratio = ratios
    assert (
        shortage(cell, guest, cpu_ratio=cpu_ratio, ram_ratio=ram_ratio)
        is reason
    )
    assert isinstance(
        fit_cell(cell, guest, cpu_ratio=2.0, ram_ratio=2.0), CellFit
    )


def test_a_guest_cell_cannot_have_more_shared_cpus_than_the_cell():
    cell = make_cell(cpus=2, shared=True)
    guest = make_guest_cell(shared=3)
    assert shortage(cell, guest, cpu_ratio=16.0) is Shortage.SHARED_TOTAL


def test_dedicated_cpus_are_counted():
    assert shortage(make_cell(cpus=2), make_guest_cell(3)) is (
        Shortage.DEDICATED_TOTAL
    )
    busy = make_cell(cpus=4, pinned=(0, 1))
    assert shortage(busy, make_guest_cell(3)) is Shortage.DEDICATED
    assert pinned(busy, make_guest_cell(2)) == [2, 3]


def test_mixed_guests_need_both_kinds_of_cpus():
    guest = make_guest_cell(1, shared=1, policy=MIXED)
    assert shortage(make_cell(), guest) is Shortage.SHARED_TOTAL
    cell = make_cell(cpus=4, legacy=True, pinned=(0,), memory_used_mb=100)
    assert pinned(cell, guest) == [1]


def test_siblings_are_preferred():
    cell = make_cell(cpus=8, threads=2, pinned=(0, 2))
    assert pinned(cell, make_guest_cell(4)) == [4, 5, 6, 7]


def test_prefer_takes_any_threads_when_siblings_run_out():
    cell = make_cell(cpus=8, threads=2, pinned=(0, 2, 4, 5))
    assert pinned(cell, make_guest_cell(4, threads='prefer')) == [1, 3, 6, 7]


@pytest.mark.parametrize('threads', [2, 4, 8])
def test_require_takes_siblings_only(threads):
    cell = make_cell(cpus=16, threads=threads, pinned=range(0, 16, 2))
    free_pairs = threads > 2
    guest = make_guest_cell(2, threads='require')
    verdict = fit_cell(cell, guest)
    assert isinstance(verdict, CellFit) is free_pairs


def test_require_needs_a_host_with_threads():
    guest = make_guest_cell(2, threads='require')
    assert shortage(make_cell(), guest) is Shortage.NO_SIBLINGS


def test_isolate_takes_whole_cores_of_an_old_style_host():
    cell = make_cell(cpus=8, threads=2, legacy=True, pinned=(0,))
    assert pinned(cell, make_guest_cell(2, threads='isolate')) == [2, 4]
    many = make_guest_cell(4, threads='isolate')
    assert shortage(cell, many) is Shortage.CORES


def test_isolate_is_not_given_beside_dedicated_threads():
    cell = make_cell(cpus=8, threads=2)
    guest = make_guest_cell(2, threads='isolate')
    assert shortage(cell, guest) is Shortage.NO_CORES
    assert pinned(make_cell(cpus=8), guest) == [0, 1]


@pytest.mark.parametrize('threads', [None, 'prefer', 'require', 'isolate'])
def test_a_cpu_is_reserved_beside_the_guest(threads):
    cell = make_cell(cpus=8, threads=2, legacy=True)
    verdict = fit_cell(cell, make_guest_cell(3, threads=threads), reserved=1)
    assert verdict.pinned.bit_count() == 3
    assert verdict.reserved.bit_count() == 1
    assert not verdict.pinned & verdict.reserved


def test_a_guest_that_leaves_no_cpu_to_reserve_does_not_fit():
    guest = make_guest_cell(4)
    assert shortage(make_cell(), guest, reserved=1) is Shortage.DEDICATED_TOTAL
    busy = make_cell(cpus=5, pinned=(4,))
    assert shortage(busy, guest, reserved=1) is Shortage.DEDICATED


def test_isolate_keeps_the_reserved_cpu_off_the_cores_of_the_guest():
    cell = make_cell(cpus=4, threads=2, legacy=True)
    guest = make_guest_cell(2, threads='isolate')
    assert shortage(cell, guest, reserved=1) is Shortage.CORES
    one = make_guest_cell(1, threads='isolate')
    assert fit_cell(cell, one, reserved=1).reserved & mask(2, 3)


def test_dedicated_cpus_without_known_cores_cannot_be_pinned():
    bare = HostCell(CellLayout(0, dedicated=mask(0, 1)), memory_mb=4096)
    assert shortage(bare, make_guest_cell(1)) is Shortage.UNKNOWN_CORES


@pytest.mark.parametrize(
    ('verdict', 'sentence'),
    [
        (
            CellMisfit(Shortage.DEDICATED, 4, 3),
            'needs 4 dedicated CPUs, 3 free',
        ),
        (
            CellMisfit(Shortage.PAGES, 2048, 1024, GIANT_KB),
            'needs 2048 MiB in 1 GiB pages, 1024 MiB free',
        ),
        (
            CellMisfit(Shortage.PAGE_SIZE, 2048, page_size=64),
            'needs 64 KiB pages, which this cell does not have',
        ),
        (
            CellMisfit(Shortage.PAGES, 3, 1, PageSize.LARGE),
            'needs 3 MiB in huge pages, 1 MiB free',
        ),
    ],
)
def test_reasons_read_as_a_sentence_with_numbers(verdict, sentence):
    assert str(verdict) == sentence
