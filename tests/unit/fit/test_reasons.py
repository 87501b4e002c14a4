import pytest

from numa_sched import fit
from numa_sched.fit import reasons
from numa_sched.fit.reasons import (
    CellMisfit,
    NoCellFits,
    Shortage,
    TooFewCells,
)
from tests.builders import GIANT_KB, make_cell, make_guest, make_host


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
    assert reasons.summarize(found) == (
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


@pytest.mark.parametrize('shortage', list(Shortage))
def test_every_shortage_has_a_sentence_and_a_summary(shortage):
    misfit = CellMisfit(shortage, 2, 1, GIANT_KB)
    for text in (str(misfit), misfit.summary):
        assert text
        assert '{' not in text
