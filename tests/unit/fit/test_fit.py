import pytest

from numa_sched import fit
from numa_sched.fit import trial
from numa_sched.fit.bulk import Bulk
from numa_sched.fit.reasons import (
    ClaimRefused,
    Misfit,
    NoCellFits,
    TooFewCells,
    TooManySets,
    Unreachable,
)
from tests.builders import (
    Needs,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
)


def reason(*args, **kwargs):
    verdict = fit.fit(*args, **kwargs)
    assert isinstance(verdict, Misfit), verdict
    return verdict.reason


def test_a_misfit_is_falsy_and_a_claim_is_not():
    assert not fit.fit(make_host(1), make_guest(2))
    assert fit.fit(make_host(2), make_guest(2))


def test_more_cells_than_the_host_has_are_told():
    found = reason(make_host(4), make_guest(1, 1))
    assert isinstance(found, TooFewCells)
    assert str(found) == 'needs 2 NUMA cells, the host has 1'


def test_the_cell_that_fits_nowhere_is_told_with_numbers():
    found = reason(make_host(3, 3, 3, 3), make_guest(1, 1, 1, 4))
    assert isinstance(found, NoCellFits)
    assert str(found) == (
        'guest cell 3 fits no host cell: needs 4 dedicated CPUs, the cell '
        'has 3 (cell 0, 1, 2, 3)'
    )


def test_guest_cells_that_compete_are_told_together():
    found = reason(make_host(4, 1, 2), make_guest(3, 3, 1))
    assert found.guest_cells == (0, 1)
    assert str(found).startswith(
        'guest cells 0, 1 have only 1 host cells to share: needs 3'
    )


def test_only_cells_that_none_of_them_fits_are_told():
    host = make_host(
        make_cell(0, cpus=4, memory_mb=600),
        make_cell(1, cpus=1),
        make_cell(2, cpus=0),
    )
    guest = make_guest(3, make_guest_cell(1, memory_mb=2000), 1)
    found = reason(host, guest)
    assert found.guest_cells == (0, 1, 2)
    assert found.host_cells == (0, 1)
    ((cell, misfit),) = found.misfits
    assert (cell, misfit.needed, misfit.available) == (2, 3, 0)


def test_the_exact_answer_does_not_depend_on_the_order_of_cells():
    for cells in ((4, 1, 2), (1, 2, 4), (2, 4, 1)):
        assert fit.matching_cells(make_host(*cells), make_guest(1, 4, 2))


def test_constraints_choose_among_the_cells():
    claim = fit.fit(make_host(4, 4, 4), make_guest(2), [Needs(2)])
    assert claim.cell_ids == (2,)


def test_a_constraint_that_no_fitting_set_satisfies_is_told():
    found = reason(make_host(4, 4, 1), make_guest(2), constraints=[Needs(2)])
    assert isinstance(found, Unreachable)
    assert str(found) == 'no cells that the guest fits have what it needs'


def test_of_constraints_that_exclude_each_other_the_last_is_told():
    one, other, last = Needs(0), Needs(1), Needs()
    last.what = 'are the last'
    found = reason(
        make_host(4, 4), make_guest(2), constraints=[one, other, last]
    )
    assert found == Unreachable('are the last')


def test_a_claim_is_not_refused_before_it_is_known_that_there_are_cells(
    monkeypatch,
):
    host, guest = make_host(1, 3, 2), make_guest(2, 1, 3)
    found = reason(host, guest, constraints=[Needs()])
    assert isinstance(found, ClaimRefused)
    monkeypatch.setattr(trial, 'MAX_SEARCHED', 1)
    found = reason(host, guest, constraints=[Needs()])
    assert isinstance(found, TooManySets)


def test_the_claim_asks_about_each_set_once():
    needs = Needs(1, 2)
    assert fit.fit(make_host(4, 4, 4), make_guest(2, 2), [needs])
    # Not of the second and the first, after the first and the second.
    assert needs.asked == 3


@pytest.mark.parametrize(
    ('near', 'wanted', 'claimed'),
    [
        ((None, {'a'}), {'a'}, (1,)),
        (({'a'}, {'b'}), {'b'}, (1,)),
        (({'a'}, set()), {'unknown'}, (0,)),
    ],
)
def test_networks_draw_the_guest_to_their_cells(near, wanted, claimed):
    host = make_host(
        *(
            make_cell(i, physnets=None if nets is None else frozenset(nets))
            for i, nets in enumerate(near)
        )
    )
    guest = make_guest(2, physnets=frozenset(wanted))
    assert fit.fit(host, guest).cell_ids == claimed


def test_networks_near_two_cells_need_both():
    host = make_host(
        make_cell(0, physnets=frozenset('a')),
        make_cell(1, physnets=frozenset('b')),
        make_cell(2, physnets=frozenset(), tunneled=True),
    )
    wanted = frozenset('ab')
    assert isinstance(
        reason(host, make_guest(2, physnets=wanted)), Unreachable
    )
    assert fit.fit(host, make_guest(2, 2, physnets=wanted)).cell_ids == (0, 1)
    assert fit.fit(host, make_guest(2, tunneled=True)).cell_ids == (2,)


def test_a_claim_that_goes_wrong_is_a_reason_of_its_own():
    host, guest = make_host(1, 3, 2), make_guest(2, 1, 3)
    assert fit.matching_cells(host, guest) == (2, 0, 1)
    assert isinstance(reason(host, guest), ClaimRefused)


class Never(Needs):
    """A constraint that no set of cells satisfies, each for itself."""

    def key(self, index):
        return index

    def accepts(self, indexes):
        self.asked += 1
        return False


def test_a_search_is_given_up_when_its_steps_are_used_up():
    never = Never()
    found = reason(make_host(*[2] * 16), make_guest(*[1] * 8), [never])
    assert isinstance(found, TooManySets)
    assert never.asked <= fit.MAX_STEPS
    assert str(found).endswith('by the time that the search was given up')


def test_steps_that_do_to_find_no_cells_do_to_find_out_why():
    host, guest = make_host(*[2] * 12), make_guest(*[1] * 4)
    found = fit.matching_cells(host, guest, [Never(), Never()])
    assert found == Misfit(Unreachable(Never.what))


def test_why_there_are_no_cells_may_take_too_many_steps():
    class Only(Never):
        def __init__(self, *cells):
            super().__init__()
            self.cells = set(cells)

        def accepts(self, indexes):
            return set(indexes) == self.cells

    host, guest = make_host(*[2] * 12), make_guest(*[1] * 4)
    found = fit.matching_cells(
        host, guest, [Only(8, 9, 10, 11), Only(7, 9, 10, 11)]
    )
    assert found == Misfit(TooManySets())


HOSTS = [
    make_host(make_cell(0, pinned=range(each)), make_cell(1), name=str(each))
    for each in range(4)
] + [make_host(2, 1, 1), make_host(1, 1)]


@pytest.mark.parametrize('packing', [False, True])
@pytest.mark.parametrize(
    'guest',
    [make_guest(2), make_guest(2, 2), make_guest(1, 2), make_guest(9)],
    ids=['one cell', 'two cells', 'cells that differ', 'none fits'],
)
def test_a_placer_gives_claims_where_the_guest_fits(guest, packing):
    placer = fit.Placer(guest, packing=packing)
    claims = [fit.fit(host, guest, packing=packing) or None for host in HOSTS]
    assert placer.place_all(HOSTS) == claims
    assert [placer.place(host) for host in HOSTS] == claims


def test_a_placer_does_many_hosts_of_a_layout_at_once(monkeypatch):
    hosts = HOSTS[:3]
    placer = fit.Placer(make_guest(2))
    expected = [placer.place(host) for host in hosts]
    asked = []
    stock = Bulk.place

    def counting(self, hosts):
        asked.append(len(hosts))
        return stock(self, hosts)

    monkeypatch.setattr(Bulk, 'place', counting)
    assert placer.place_all(hosts) == expected
    assert asked == [3]


def test_hosts_do_not_pack_their_cells_unless_that_is_told():
    host, guest = HOSTS[1], make_guest(2)
    assert fit.fit(host, guest).cell_ids == (1,)
    assert fit.Placer(guest).place(host).cell_ids == (1,)
    assert fit.fit(host, guest, packing=True).cell_ids == (0,)


@pytest.mark.parametrize(
    ('most', 'steps', 'found'),
    [(3, 2, fit.UNDECIDED), (2, 2, None), (1, 2, None)],
)
def test_a_placer_does_not_decide_with_fewer_steps_than_a_host_may_have(
    monkeypatch, most, steps, found
):
    host, guest = make_host(2, 1, 1), make_guest(1, 2)
    monkeypatch.setattr(fit, 'MAX_STEPS', most)
    placer = fit.Placer(guest)
    assert placer.place_all([host], lambda: fit.Budget(steps)) == [found]
    assert placer.place_all([host], lambda: fit.Budget(3)) != [found]


def test_a_placer_decides_what_takes_no_steps():
    placer = fit.Placer(make_guest(1, 2))
    assert placer.place_all([make_host(1, 1)], lambda: fit.Budget(0)) == [None]
