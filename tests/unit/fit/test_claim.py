import itertools

import pytest

from numa_sched import fit
from numa_sched.fit.cell import fit_cell
from numa_sched.fit.choice import Budget, OutOfSteps
from numa_sched.fit.claim import (
    Walk,
    after_claim,
    order_cells,
    predict,
)
from numa_sched.fit.pairs import Pairs
from numa_sched.fit.permutations import rank_of
from numa_sched.fit.reasons import ClaimRefused
from tests.builders import (
    A_DEVICE,
    HUGE_KB,
    SMALL_KB,
    Needs,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
    mask,
)


def predicted(host, guest, constraints=(), **kwargs):
    return predict(Pairs(host, guest), constraints, **kwargs)


def claimed(*args, **kwargs):
    return predicted(*args, **kwargs).cell_ids


def order(host, guest, **kwargs):
    ids = [cell.id for cell in host.layout.cells]
    return [ids[index] for index in order_cells(host, guest, **kwargs)]


def test_cells_with_more_free_cpus_come_first():
    host = make_host(make_cell(0, pinned=(0,)), make_cell(1))
    assert order(host, make_guest(1)) == [1, 0]
    assert order(host, make_guest(1), packing=True) == [0, 1]


def test_free_memory_decides_between_cells_with_equal_cpus():
    host = make_host(make_cell(0), make_cell(1, memory_mb=8192))
    assert order(host, make_guest(1)) == [1, 0]
    assert order(host, make_guest(1), packing=True) == [0, 1]


def test_shared_guests_go_by_cpu_usage():
    host = make_host(
        make_cell(0, shared=True, shared_used=2), make_cell(1, shared=True)
    )
    guest = make_guest(make_guest_cell(shared=1))
    assert order(host, guest) == [1, 0]
    assert order(host, guest, packing=True) == [0, 1]


@pytest.mark.parametrize(('wants', 'ids'), [(True, [0, 1]), (False, [1, 0])])
def test_cells_with_devices_are_for_guests_that_want_them(wants, ids):
    host = make_host(make_cell(0), make_cell(1), devices=((0, 2),))
    guest = make_guest(1, devices=A_DEVICE if wants else ())
    assert order(host, guest) == ids


def test_devices_do_not_count_where_claims_do_not_spare_them():
    host = make_host(4, 4, devices=((0, 2),), spares_devices=False)
    assert order(host, make_guest(1)) == [0, 1]
    host = make_host(4, 4, devices=((1, 2),), spares_devices=False)
    assert order(host, make_guest(1, devices=A_DEVICE)) == [1, 0]


def test_all_cells_stay_in_place_if_the_guest_takes_them_all():
    host = make_host(make_cell(0, pinned=(0,)), make_cell(1))
    assert order(host, make_guest(1, 1)) == [0, 1]


def test_the_first_permutation_that_fits_is_claimed():
    assert claimed(make_host(2, 4, 3), make_guest(1, 1)) == (1, 2)


def test_sets_that_are_not_accepted_are_passed_over():
    only_cell_0 = Needs(0)
    assert claimed(make_host(2, 4), make_guest(1), [only_cell_0]) == (0,)


def test_a_claim_that_would_be_wrong_is_refused():
    # Nova's cache takes the 4-CPU cell for one that fitted before.
    verdict = predicted(make_host(3, 3, 3, 3), make_guest(1, 1, 1, 4))
    assert isinstance(verdict, ClaimRefused)
    assert 'needs 4 dedicated CPUs' in str(verdict)


def test_a_claim_that_would_miss_a_fit_is_refused():
    # It fits, as 2 on cell 2, 1 on cell 0 and 3 on cell 1.
    verdict = predicted(make_host(1, 3, 2), make_guest(2, 1, 3))
    assert str(verdict).endswith('would find no cells for it')


def test_a_walk_without_end_is_refused():
    verdict = predicted(
        make_host(*[4] * 8),
        make_guest(1, 1, 1, 1),
        [Needs(99)],
        max_permutations=10,
    )
    assert 'within 10 permutations' in str(verdict)


def test_a_walk_that_copies_the_host_too_often_is_refused():
    # Pinned guests are refused then anyhow, as they are pinned elsewhere.
    host = make_host(*(make_cell(cell, shared=True) for cell in range(8)))
    guest = make_guest(*[make_guest_cell(shared=1)] * 4)
    needs = Needs(5, 6, 7)
    asked = itertools.takewhile(
        lambda chosen: not needs.accepts(chosen),
        itertools.permutations(range(8), 4),
    )
    before = len(list(asked))
    needs.max_asked = before
    assert claimed(host, guest, [needs]) == (0, 5, 6, 7)
    needs.max_asked = before - 1
    assert str(predicted(host, guest, [needs])).endswith(
        f'near more than {before - 1} sets of cells, which takes it too long'
    )


def test_a_walk_can_be_gone_on_with():
    walk = Walk(Pairs(make_host(2, 4, 4), make_guest(1)), [Needs(0)])
    assert walk.run(2, Budget(9)) is None
    assert walk.run(3, Budget(9)).cell_ids == (0,)


def test_a_walk_ends_when_its_steps_are_used_up():
    pairs = Pairs(make_host(2, 4, 4), make_guest(1))
    with pytest.raises(OutOfSteps):
        predict(pairs, [Needs(0)], budget=Budget(5))
    assert predict(pairs, [Needs(0)], budget=Budget(6)).cell_ids == (0,)


def test_after_the_claim_cpus_memory_and_pages_are_in_use():
    cell = make_cell(
        cpus=8,
        threads=2,
        pages=((SMALL_KB, 1000), (HUGE_KB, 512, 10)),
        memory_used_mb=20,
    )
    guest = make_guest_cell(2, memory_mb=512, page_size=HUGE_KB)
    after = after_claim(cell, guest, fit_cell(cell, guest))
    assert after.pinned == mask(0, 1)
    assert after.memory_used_mb == 532
    assert after.pages_used == (0, 266)


def test_after_the_claim_isolated_guests_own_the_siblings_too():
    cell = make_cell(cpus=8, threads=2, legacy=True)
    guest = make_guest_cell(2, threads='isolate')
    after = after_claim(cell, guest, fit_cell(cell, guest))
    assert after.pinned == mask(0, 1, 2, 3)


def test_after_the_claim_shared_cpus_are_counted():
    cell = make_cell(shared=True, shared_used=1)
    guest = make_guest_cell(shared=2)
    assert after_claim(cell, guest, fit_cell(cell, guest)).shared_used == 3


def test_the_rank_counts_the_permutations_before():
    permutations = list(itertools.permutations(range(5), 3))
    assert [rank_of(each, 5) for each in permutations] == list(range(60))


def test_a_claim_that_would_take_nova_long_is_refused():
    cells = [make_cell(i, pages=((4, 0), (HUGE_KB, 512))) for i in range(16)]
    # First in order, and without pages.
    cells[0] = make_cell(0, cpus=8, pages=((4, 0), (HUGE_KB, 0)))
    host = make_host(*cells)
    wanted = make_guest_cell(1, page_size=HUGE_KB)
    assert fit.fit(host, make_guest(*[wanted] * 4))
    refused = fit.fit(host, make_guest(*[wanted] * 7))
    assert 'permutations to find its cells' in str(refused)
    assert fit.Placer(make_guest(*[wanted] * 7)).place(host) is None


def test_a_thread_is_not_reserved_on_a_core_of_another_guest():
    host = make_host(make_cell(cpus=8, threads=2, legacy=True, pinned=(0,)))
    wanted = make_guest_cell(1, threads='isolate')
    assert fit.fit(host, make_guest(wanted))
    refused = fit.fit(host, make_guest(wanted, isolate_emulator=True))
    assert 'whose siblings are in use' in str(refused)
