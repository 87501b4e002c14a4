import pytest

from numa_sched import fit
from numa_sched.fit import reasons
from numa_sched.fit.reasons import (
    CellMisfit,
    NoCellFits,
    Shortage,
    TooFewCells,
)
from numa_sched.topology import PageSize
from tests.builders import (
    GIANT_KB,
    HUGE_KB,
    SMALL_KB,
    make_cell,
    make_guest,
    make_host,
)


def no_pages(available):
    misfit = CellMisfit(Shortage.PAGES, 4096, available, GIANT_KB)
    return NoCellFits((0,), (), ((0, misfit), (1, misfit)))


def test_hosts_are_grouped_by_what_their_reasons_have_in_common():
    assert reasons.summarize(
        [TooFewCells(4, 2), no_pages(1024), no_pages(2048)]
    ) == (
        '2 hosts: not enough free 1 GiB pages on one cell; '
        '1 host: fewer than 4 NUMA cells'
    )


def test_equal_groups_come_by_name():
    found = [TooFewCells(4, 2), reasons.NoTopology()]
    for order in (found, found[::-1]):
        assert reasons.summarize(order) == (
            '1 host: fewer than 4 NUMA cells; 1 host: the host has no NUMA '
            'topology'
        )


def test_no_hosts_have_no_summary():
    assert reasons.summarize([]) == ''


def test_the_reason_that_most_cells_give_stands_for_the_host():
    full = make_cell(0, pinned=(0, 1, 2, 3))
    small = [make_cell(number, cpus=1) for number in (1, 2)]
    misfit = fit.fit(make_host(full, *small), make_guest(2))
    assert misfit.reason.summary == 'cells with too few dedicated CPUs'


def test_too_few_cells_that_fit_are_counted():
    misfit = fit.fit(make_host(4, 1), make_guest(3, 3))
    assert misfit.reason.summary == (
        'only 1 of 2 cells fit: cells with too few dedicated CPUs'
    )


@pytest.mark.parametrize(
    ('page_size', 'words'),
    [
        (GIANT_KB, '1 GiB pages'),
        (16 * GIANT_KB, '16 GiB pages'),
        (HUGE_KB, '2 MiB pages'),
        (1024, '1 MiB pages'),
        (64, '64 KiB pages'),
        (SMALL_KB, '4 KiB pages'),
        (PageSize.SMALL, 'small pages'),
        (None, 'small pages'),
        (PageSize.LARGE, 'huge pages'),
        (PageSize.ANY, 'pages of one size'),
    ],
)
def test_page_sizes_are_told_in_the_largest_unit(page_size, words):
    assert reasons.describe_pages(page_size) == words


FULL = CellMisfit(Shortage.DEDICATED, 2, 1)


def test_what_is_there_is_nothing_unless_told():
    misfit = CellMisfit(Shortage.DEDICATED, 2)
    assert str(misfit) == 'needs 2 dedicated CPUs, 0 free'


def test_a_guest_cell_that_fits_nowhere_is_told_with_each_reason_once():
    small = CellMisfit(Shortage.DEDICATED_TOTAL, 2, 1)
    reason = NoCellFits((1,), (), ((0, FULL), (3, small), (5, FULL)))
    assert str(reason) == (
        'guest cell 1 fits no host cell: needs 2 dedicated CPUs, 1 free '
        '(cell 0, 5); needs 2 dedicated CPUs, the cell has 1 (cell 3)'
    )


def test_guest_cells_that_fit_too_few_host_cells_are_told():
    assert str(NoCellFits((0, 2), (4,), ((0, FULL),))) == (
        'guest cells 0, 2 have only 1 host cells to share: needs 2 dedicated '
        'CPUs, 1 free (cell 0)'
    )
    every = NoCellFits((0, 2), (4,), ())
    assert str(every) == 'guest cells 0, 2 have only 1 host cells to share'
    assert every.summary == 'cells that fit are too few'


@pytest.mark.parametrize('turned', [False, True])
def test_of_reasons_that_as_many_cells_give_the_last_kind_is_told(turned):
    found = [(0, FULL), (1, CellMisfit(Shortage.MEMORY, 512, 1))]
    if turned:
        found.reverse()
    summary = NoCellFits((0,), (), tuple(found)).summary
    assert summary == 'not enough free dedicated CPUs on one cell'


def test_a_misfit_is_falsy():
    assert not reasons.Misfit(reasons.NoTopology())


@pytest.mark.parametrize('shortage', list(Shortage))
def test_every_shortage_has_a_sentence_and_a_summary(shortage):
    misfit = CellMisfit(shortage, 2, 1, GIANT_KB)
    for text in (str(misfit), misfit.summary):
        assert text
        assert '{' not in text
