import pytest

from numa_sched import cpumask
from numa_sched.fit.cell import (
    CellFit,
    check_cell,
    counting_decides,
    fit_cell,
    pin,
    take_cell,
)
from numa_sched.fit.reasons import CellMisfit, Shortage
from numa_sched.topology import CellLayout, HostCell, PageSize, ThreadPolicy
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
        (PageSize.SMALL, 512, SMALL_KB),
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
        (HUGE_KB, 513, Shortage.PAGES),
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


def fits(*args, **kwargs):
    return isinstance(fit_cell(*args, **kwargs), CellFit)


@pytest.mark.parametrize(
    ('pages', 'page_size'),
    [
        ((), None),
        (((SMALL_KB, 262144, 131072, 1024),), None),
        (((SMALL_KB, 262144, 131072, 1024),), PageSize.SMALL),
    ],
    ids=['memory', 'pages that are not asked for', 'pages'],
)
def test_a_pinned_guest_may_take_the_last_of_the_memory(pages, page_size):
    cell = make_cell(memory_mb=1024, memory_used_mb=516, pages=pages)
    for memory_mb in (507, 508):
        guest = make_guest_cell(1, memory_mb=memory_mb, page_size=page_size)
        assert fits(cell, guest)
    guest = make_guest_cell(1, memory_mb=509, page_size=page_size)
    assert not fits(cell, guest)


@pytest.mark.parametrize('pages', [(), ((SMALL_KB, 262144, 131072, 1024),)])
def test_a_shared_guest_may_be_as_large_as_the_cell(pages):
    cell = make_cell(
        shared=True, memory_mb=1024, memory_used_mb=516, pages=pages
    )
    for memory_mb in (1023, 1024):
        assert fits(cell, make_guest_cell(shared=1, memory_mb=memory_mb))
    too_large = make_guest_cell(shared=1, memory_mb=1025)
    assert fit_cell(cell, too_large) == CellMisfit(
        Shortage.MEMORY_TOTAL, 1025, 1024, SMALL_KB if pages else None
    )


def test_memory_must_be_a_multiple_of_the_smallest_pages():
    cell = make_cell(pages=((HUGE_KB, 512), (GIANT_KB, 2)))
    assert fits(cell, make_guest_cell(1, memory_mb=512))
    assert fit_cell(cell, make_guest_cell(1, memory_mb=513)) == CellMisfit(
        Shortage.PAGE_MULTIPLE, 513, page_size=HUGE_KB
    )


@pytest.mark.parametrize(
    ('used_mb', 'free_mb'), [(700, 324), (1024, 0), (1500, 0)]
)
def test_free_memory_is_told_and_never_below_zero(used_mb, free_mb):
    guest = make_guest_cell(1, memory_mb=512)
    cell = make_cell(memory_mb=1024, memory_used_mb=used_mb)
    assert fit_cell(cell, guest) == CellMisfit(Shortage.MEMORY, 512, free_mb)
    cell = make_cell(pages=((SMALL_KB, 262144, used_mb * 256),))
    assert fit_cell(cell, guest) == CellMisfit(
        Shortage.PAGES, 512, free_mb, SMALL_KB
    )


@pytest.mark.parametrize(
    ('wanted', 'memory_mb', 'free_mb', 'told'),
    [
        (PageSize.SMALL, 1025, 1024, SMALL_KB),
        (HUGE_KB, 514, 512, HUGE_KB),
        (PageSize.LARGE, 2048, 1024, PageSize.LARGE),
        (PageSize.ANY, 2048, 1024, PageSize.ANY),
    ],
)
def test_the_most_memory_in_pages_of_one_size_is_told(
    wanted, memory_mb, free_mb, told
):
    guest = make_guest_cell(1, memory_mb=memory_mb, page_size=wanted)
    assert fit_cell(make_cell(pages=PAGES), guest) == CellMisfit(
        Shortage.PAGES, memory_mb, free_mb, told
    )


@pytest.mark.parametrize('used', [512, 600])
def test_free_pages_are_never_told_to_be_below_zero(used):
    cell = make_cell(pages=((HUGE_KB, 512, used),))
    guest = make_guest_cell(1, memory_mb=2, page_size=HUGE_KB)
    assert fit_cell(cell, guest).available == 0


@pytest.mark.parametrize('check', [check_cell, fit_cell])
def test_pages_that_can_be_had_do_not_stand_for_cpus(check):
    cell = make_cell(cpus=2, pages=PAGES)
    guest = make_guest_cell(3, memory_mb=512, page_size=HUGE_KB)
    assert check(cell, guest) == CellMisfit(Shortage.DEDICATED_TOTAL, 3, 2)
    sharing = make_guest_cell(shared=1, memory_mb=512, page_size=HUGE_KB)
    assert check(cell, sharing) == CellMisfit(Shortage.SHARED_TOTAL, 1, 0)


def test_a_guest_may_take_every_cpu_of_a_cell():
    assert fits(make_cell(cpus=2, shared=True), make_guest_cell(shared=2))
    assert fits(make_cell(cpus=2), make_guest_cell(2))
    assert fits(make_cell(cpus=3), make_guest_cell(2), reserved=1)


RATIOS = {'cpu_ratio': 2.0, 'ram_ratio': 1.5}


def make_overcommitted(**usage):
    return make_cell(cpus=4, shared=True, memory_mb=1000, **usage)


def test_allocation_ratios_may_be_used_up():
    cell = make_overcommitted(shared_used=5, memory_used_mb=900)
    guest = make_guest_cell(shared=3, memory_mb=600)
    assert fits(cell, guest, **RATIOS)
    one_more = make_guest_cell(shared=4, memory_mb=600)
    assert fit_cell(cell, one_more, **RATIOS) == CellMisfit(
        Shortage.SHARED_RATIO, 4, 3
    )
    larger = make_guest_cell(shared=3, memory_mb=601)
    assert fit_cell(cell, larger, **RATIOS) == CellMisfit(
        Shortage.MEMORY_RATIO, 601, 600
    )


@pytest.mark.parametrize('over', [0, 1])
def test_what_a_ratio_leaves_is_never_told_to_be_below_zero(over):
    guest = make_guest_cell(shared=1, memory_mb=1)
    cell = make_overcommitted(shared_used=8 + over)
    assert fit_cell(cell, guest, **RATIOS).available == 0
    cell = make_overcommitted(memory_used_mb=1500 + over)
    assert fit_cell(cell, guest, **RATIOS).available == 0


def test_without_ratios_shared_guests_share_without_limit():
    cell = make_overcommitted(shared_used=100, memory_used_mb=5000)
    assert fits(cell, make_guest_cell(shared=4, memory_mb=1000))


def test_a_guest_of_shared_cpus_needs_no_known_cores():
    cell = HostCell(CellLayout(0, shared=mask(0, 1)), memory_mb=4096)
    assert fit_cell(cell, make_guest_cell(shared=2)) == CellFit(0, 0, None)


def test_no_cpu_is_reserved_unless_asked_for():
    cell, guest = make_cell(cpus=1), make_guest_cell(1)
    assert check_cell(cell, guest) is None
    assert fit_cell(cell, guest).reserved == 0
    assert pin(cell, 1, None) == (mask(0), 0)
    two = make_guest_cell(2)
    assert check_cell(cell, two) == CellMisfit(Shortage.DEDICATED_TOTAL, 2, 1)
    assert fit_cell(cell, two) == CellMisfit(Shortage.DEDICATED_TOTAL, 2, 1)


@pytest.mark.parametrize(
    ('policy', 'decides'),
    [(None, True), ('prefer', True), ('require', False), ('isolate', False)],
)
def test_counting_decides_unless_threads_matter(policy, decides):
    guest = make_guest_cell(1, threads=policy)
    assert counting_decides(make_cell().layout.cores_known, guest) is decides
    unknown = CellLayout(0, dedicated=mask(0, 1), siblings=(mask(0),))
    assert not counting_decides(unknown.cores_known, guest)


@pytest.mark.parametrize('check', [check_cell, fit_cell])
def test_no_cpu_is_reserved_beside_a_cell_that_pins_none(check):
    cell = make_cell(legacy=True)
    guest = make_guest_cell(shared=1, policy=MIXED)
    assert not isinstance(check(cell, guest), CellMisfit)
    assert check(cell, guest, reserved=1) == CellMisfit(
        Shortage.DEDICATED, 1, 4
    )


def test_cores_of_its_own_are_not_given_to_a_cell_that_pins_none():
    guest = make_guest_cell(shared=1, policy=MIXED, threads='isolate')
    assert shortage(make_cell(legacy=True), guest) is Shortage.CORES


def test_whole_cores_are_taken_though_others_are_left():
    cell = make_cell(cpus=8, threads=2, pinned=(0,))
    assert pinned(cell, make_guest_cell(2)) == [2, 3]


def test_where_whole_cores_run_out_the_guest_is_spread_over_cores():
    cell = make_cell(cpus=6, threads=2, pinned=(3, 5))
    assert pinned(cell, make_guest_cell(3)) == [0, 2, 4]


@pytest.mark.parametrize(
    ('count', 'taken'),
    [(3, [0, 1, 2]), (4, [0, 1, 4, 5]), (5, [0, 1, 2, 4, 5])],
    ids=['one core', 'as many threads of each', 'any threads'],
)
def test_as_many_threads_of_a_core_are_taken_as_do(count, taken):
    busy = (3, 6, 7, 9, 10, 11)
    cell = make_cell(cpus=12, threads=4, pinned=busy)
    assert pinned(cell, make_guest_cell(count)) == taken


def test_a_guest_may_have_every_whole_core():
    cell = make_cell(cpus=8, threads=2, legacy=True, pinned=(0,))
    assert pinned(cell, make_guest_cell(3, threads='isolate')) == [2, 4, 6]


def test_isolate_is_not_given_beside_shared_cpus_of_higher_ids():
    layout = CellLayout(
        0,
        dedicated=mask(0, 1, 2, 3),
        shared=mask(4, 5),
        siblings=(mask(0, 1), mask(2, 3), mask(4, 5)),
    )
    guest = make_guest_cell(1, threads='isolate')
    assert shortage(HostCell(layout, 4096), guest) is Shortage.NO_CORES


@pytest.mark.parametrize(
    ('cell', 'policy', 'reserved', 'misfit'),
    [
        (
            make_cell(cpus=8, threads=4, pinned=(2, 3, 5, 6, 7)),
            'require',
            0,
            (Shortage.SIBLINGS, 3, 2),
        ),
        (
            make_cell(cpus=8, threads=4, pinned=(2, 3, 5, 6, 7)),
            'require',
            1,
            (Shortage.SIBLINGS, 4, 2),
        ),
        (make_cell(cpus=3), 'prefer', 1, (Shortage.DEDICATED, 4, 3)),
        (
            HostCell(CellLayout(0, dedicated=mask(0, 1, 2, 3)), 4096),
            'prefer',
            1,
            (Shortage.UNKNOWN_CORES, 4, 0),
        ),
        (make_cell(cpus=2), 'isolate', 1, (Shortage.CORES, 4, 2)),
        (make_cell(cpus=3), 'isolate', 1, (Shortage.CORES, 4, 3)),
    ],
    ids=[
        'siblings',
        'siblings and one beside them',
        'CPUs',
        'unknown cores',
        'cores',
        'cores and one beside them',
    ],
)
def test_what_is_short_for_three_cpus_is_told_in_numbers(
    cell, policy, reserved, misfit
):
    assert pin(cell, 3, ThreadPolicy(policy), reserved=reserved) == CellMisfit(
        *misfit
    )


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


def test_a_guest_cell_takes_nothing_where_it_does_not_fit():
    with pytest.raises(ValueError, match='on cell 3, where it needs 2 ded'):
        take_cell(make_cell(3, cpus=1), make_guest_cell(2), None)
