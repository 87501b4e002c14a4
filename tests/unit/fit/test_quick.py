import pytest

from numa_sched import fit
from numa_sched.fit.quick import Quick, Undecided
from numa_sched.topology import PageSize
from tests.builders import (
    GIANT_KB,
    HUGE_KB,
    SMALL_KB,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
)


def test_it_is_for_guests_whose_cells_are_alike():
    assert Quick(make_guest(2, 2)).applies
    assert not Quick(make_guest(2, 3)).applies


@pytest.mark.parametrize(
    'fields',
    [
        {'isolate_emulator': True},
        {'tunneled': True},
        {'physnets': frozenset('a')},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_it_is_not_for_guests_that_ask_for_more(fields):
    assert not Quick(make_guest(2, 2, **fields)).applies


def test_it_takes_the_first_cells_in_the_order_of_the_claim():
    host = make_host(2, 4, 1, 3)
    assert Quick(make_guest(2, 2)).place(host).cell_ids == (1, 3)
    packing = Quick(make_guest(2, 2), packing=True)
    assert packing.place(host).cell_ids == (0, 3)


def test_it_says_none_where_the_guest_does_not_fit():
    assert Quick(make_guest(2, 2)).place(make_host(4, 1)) is None
    assert Quick(make_guest(2, 2)).place(make_host(4)) is None


def large():
    return make_guest(make_guest_cell(1, page_size=PageSize.LARGE))


def test_it_leaves_page_sizes_that_differ_to_the_reference():
    cells = [
        make_cell(0, pages=((SMALL_KB, 9), (HUGE_KB, 512))),
        make_cell(1, pages=((SMALL_KB, 9), (GIANT_KB, 1))),
    ]
    with pytest.raises(Undecided):
        Quick(large()).place(make_host(*cells))
    assert fit.Placer(large()).place(make_host(*cells))


def test_it_leaves_choices_that_differ_to_the_reference():
    pages = ((SMALL_KB, 9), (HUGE_KB, 512), (GIANT_KB, 4))
    full = ((SMALL_KB, 9), (HUGE_KB, 512), (GIANT_KB, 4, 4))
    host = make_host(make_cell(0, pages=pages), make_cell(1, pages=full))
    guest = make_guest(
        make_guest_cell(1, memory_mb=1024, page_size=PageSize.LARGE)
    )
    with pytest.raises(Undecided):
        Quick(guest).place(host)
