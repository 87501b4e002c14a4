import itertools

import pytest

from numa_sched import fit
from numa_sched.fit import claim
from numa_sched.fit.cell import check_cell, fit_cell
from numa_sched.fit.choice import Budget, OutOfSteps
from numa_sched.fit.claim import (
    RATIO_SHORTAGES,
    Walk,
    after_claim,
    order_cells,
    predict,
)
from numa_sched.fit.pairs import Pairs
from numa_sched.fit.permutations import rank_of
from numa_sched.fit.reasons import CellMisfit, ClaimRefused
from numa_sched.topology import PageSize
from tests.builders import (
    A_DEVICE,
    GIANT_KB,
    HUGE_KB,
    MIXED,
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
    host = make_host(make_cell(0), make_cell(1, pinned=(64,)))
    assert order(host, make_guest(1)) == [0, 1]
    assert order(host, make_guest(1), packing=True) == [1, 0]


def test_free_memory_decides_between_cells_with_equal_cpus():
    host = make_host(make_cell(0), make_cell(1, memory_mb=8192))
    assert order(host, make_guest(1)) == [1, 0]
    assert order(host, make_guest(1), packing=True) == [0, 1]


def test_memory_in_use_is_not_free():
    host = make_host(make_cell(0, memory_used_mb=8), make_cell(1))
    assert order(host, make_guest(1)) == [1, 0]
    assert order(host, make_guest(1), packing=True) == [0, 1]


def test_the_first_cell_of_a_guest_tells_which_cpus_count():
    host = make_host(
        make_cell(0, legacy=True, shared_used=1),
        make_cell(1, legacy=True, pinned=(64,)),
        make_cell(2, legacy=True, pinned=(128, 129), shared_used=2),
    )
    shared, dedicated = make_guest_cell(shared=1), make_guest_cell(1)
    assert order(host, make_guest(shared, dedicated)) == [1, 0, 2]
    assert order(host, make_guest(dedicated, shared)) == [0, 1, 2]


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


def test_the_more_devices_a_cell_has_the_more_they_count():
    host = make_host(4, 4, 4, devices=((0, 1), (1, 2)))
    assert order(host, make_guest(1)) == [2, 0, 1]
    assert order(host, make_guest(1, devices=A_DEVICE)) == [1, 0, 2]
    host = make_host(4, 4, devices=((1, 1),))
    assert order(host, make_guest(1, devices=A_DEVICE)) == [1, 0]


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


# Cells that are alike for some guest cells and not for others.
HOSTS = [
    *(make_host(*cpus) for cpus in itertools.product((1, 2, 3), repeat=3)),
    *(
        make_host(
            *(
                make_cell(cell, legacy=True, shared_used=used)
                for cell, used in enumerate(each)
            )
        )
        for each in itertools.product((2, 3, 4), repeat=3)
    ),
]
A_MIXED_CELL = make_guest_cell(1, shared=1, policy=MIXED)
GUESTS = [
    *(make_guest(*cpus) for cpus in itertools.product((1, 2), repeat=2)),
    *(make_guest(*cpus) for cpus in itertools.permutations((1, 2, 3))),
    make_guest(A_MIXED_CELL, A_MIXED_CELL),
    make_guest(make_guest_cell(1, shared=2, policy=MIXED), A_MIXED_CELL),
    make_guest(2, A_MIXED_CELL),
    make_guest(A_MIXED_CELL, A_MIXED_CELL, make_guest_cell(shared=1)),
]


def walked(host, guest, accepts, **kwargs):
    """Give the cells of a walk that leaves nothing out.

    And where each guest cell was pinned last; None if it finds none.
    """
    fitting, failing = set(), set()
    ids, pinned_to = list(range(len(guest.cells))), {}
    id_of = [cell.id for cell in host.layout.cells]

    def fits(index, place):
        """Whether the walk takes a pair for one that fits."""
        pair, wanted = (id_of[index], ids[place]), guest.cells[place]
        if pair in failing:
            return False
        if pair not in fitting:
            found = check_cell(
                host.cell(index), wanted, cpu_ratio=1.0, ram_ratio=1.0
            )
            short = isinstance(found, CellMisfit) and found.shortage
            (failing if short else fitting).add(pair)
            if not short or (wanted.pinned and short in RATIO_SHORTAGES):
                ids[place], pinned_to[place] = id_of[index], index
            return not short
        ids[place] = id_of[index]
        return True

    for chosen in itertools.permutations(
        order_cells(host, guest, **kwargs), len(guest.cells)
    ):
        if all(
            fits(index, place) for place, index in enumerate(chosen)
        ) and accepts(chosen):
            return chosen, pinned_to
    return None


def is_right(host, guest, chosen, pinned_to):
    """Whether guest cells fit where they are, and are pinned there."""
    return all(
        pinned_to.get(place) == index or not wanted.dedicated
        for place, (index, wanted) in enumerate(
            zip(chosen, guest.cells, strict=True)
        )
    ) and not any(
        isinstance(
            check_cell(host.cell(index), wanted, cpu_ratio=1.0, ram_ratio=1.0),
            CellMisfit,
        )
        for index, wanted in zip(chosen, guest.cells, strict=True)
    )


def assert_walks_like_nova(host, guest, needs, **kwargs):
    """Hold a prediction to the walk that leaves nothing out."""
    found = predicted(host, guest, [needs], **kwargs)
    expected = walked(host, guest, needs.accepts, **kwargs)
    if expected is None:
        assert str(found).endswith('would find no cells for it')
    elif is_right(host, guest, *expected):
        assert found.indexes == expected[0]
    else:
        assert 'would wrongly put' in str(found) or (
            'but leave it pinned' in str(found)
        )


@pytest.mark.parametrize('needed', [(), (0,), (1,), (2,)])
def test_permutations_are_left_out_only_if_they_change_nothing(needed):
    for host, guest in itertools.product(HOSTS, GUESTS):
        assert_walks_like_nova(host, guest, Needs(*needed))


def test_what_was_learned_of_a_pair_is_heeded_in_later_permutations():
    host = make_host(
        *(
            make_cell(cell, legacy=True, shared_used=used)
            for cell, used in enumerate((0, 4, 0))
        )
    )
    guest = make_guest(
        make_guest_cell(3, shared=3, policy=MIXED),
        make_guest_cell(1, policy=MIXED),
    )
    assert_walks_like_nova(host, guest, Needs(1, 2))


@pytest.mark.parametrize(
    ('cells', 'needed'), [((1, 2, 3, 4), 0), ((4, 3, 2, 1), 3)]
)
def test_a_guest_cell_goes_by_where_it_was_last(cells, needed):
    """Whether the cells come in the order of their ids or the other way."""
    assert_walks_like_nova(make_host(*cells), make_guest(1, 2), Needs(needed))


@pytest.mark.parametrize(
    ('first', 'cells', 'wanted', 'needed'),
    [
        (0, ('1-', '1-', '2+', '4-', '3-'), ('2-', '1+'), (3, 4)),
        (10, ('1-', '2-', '4-', '3+', '2+'), ('1-', '3+'), (0, 1)),
    ],
)
def test_a_set_that_is_refused_leaves_those_after_it(
    first, cells, wanted, needed
):
    """Of cells with some CPUs and much memory (+) or little (-)."""
    host = make_host(
        *(
            make_cell(
                first + cell,
                cpus=int(cpus),
                memory_mb=2000 if memory == '+' else 1000,
            )
            for cell, (cpus, memory) in enumerate(cells)
        )
    )
    guest = make_guest(
        *(
            make_guest_cell(
                int(cpus), memory_mb=1500 if memory == '+' else 100
            )
            for cpus, memory in wanted
        )
    )
    assert_walks_like_nova(host, guest, Needs(*needed), packing=True)


def test_the_size_of_pages_is_that_of_the_first_cell_that_fits():
    host = make_host(
        make_cell(0, pages=((SMALL_KB, 9), (GIANT_KB, 1)), memory_mb=8192),
        make_cell(1, pages=((SMALL_KB, 9), (HUGE_KB, 512))),
    )
    wanted = make_guest_cell(1, memory_mb=1024, page_size=PageSize.LARGE)
    assert claimed(host, make_guest(wanted)) == (0,)
    refused = predicted(host, make_guest(wanted), [Needs(1)])
    assert str(refused).endswith('would find no cells for it')


def test_all_constraints_are_asked():
    host = make_host(4, 4, 4)
    assert claimed(host, make_guest(1, 1), [Needs(0), Needs(2)]) == (0, 2)
    assert claimed(host, make_guest(1, 1), [Needs(2), Needs(0)]) == (0, 2)


def test_the_least_patient_constraint_ends_the_walk():
    host = make_host(*(make_cell(cell, shared=True) for cell in range(4)))
    guest = make_guest(make_guest_cell(shared=1))
    patient, hurried = Needs(3), Needs()
    patient.max_asked, hurried.max_asked = 3, 2
    assert claimed(host, guest, [patient]) == (3,)
    for each in ([patient, hurried], [hurried, patient]):
        assert 'more than 2 sets' in str(predicted(host, guest, each))


def test_a_claim_takes_as_long_as_the_permutations_before_it(monkeypatch):
    host, guest = make_host(1, 2, 2, 2), make_guest(1, 1)
    found = predicted(host, guest, [Needs(0)])
    before = rank_of([order(host, guest).index(c) for c in found.cell_ids], 4)
    monkeypatch.setattr(claim, 'MAX_RANK', before)
    assert predicted(host, guest, [Needs(0)]) == found
    monkeypatch.setattr(claim, 'MAX_RANK', before - 1)
    assert str(predicted(host, guest, [Needs(0)])).endswith(
        f'would walk {before} permutations to find its cells'
    )


def test_a_claim_takes_the_dedicated_cpus_of_its_cells_and_the_emulator():
    host = make_host(8, 8)
    assert fit.fit(host, make_guest(2, 3)).dedicated_taken() == 5
    beside = make_guest(2, 3, isolate_emulator=True)
    assert fit.fit(host, beside).dedicated_taken() == 6


def test_a_claim_takes_the_siblings_of_isolated_cpus():
    host = make_host(
        *(make_cell(id, cpus=8, threads=2, legacy=True) for id in (0, 1))
    )
    isolated = make_guest_cell(2, threads='isolate')
    assert fit.fit(host, make_guest(isolated, 3)).dedicated_taken() == 4 + 3
    assert fit.fit(host, make_guest(isolated)).dedicated_taken() == 4


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
    assert walk.run(1, Budget(9)) is None
    assert walk.run(2, Budget(9)) is None
    assert walk.tried == 2
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


def test_after_the_claim_small_pages_are_in_use_if_the_guest_did_not_care():
    cell = make_cell(pages=((HUGE_KB, 512), (SMALL_KB, 10**6, 1)))
    guest = make_guest_cell(2, memory_mb=512)
    after = after_claim(cell, guest, fit_cell(cell, guest))
    assert after.pages_used == (0, 131073)


def test_after_the_claim_isolated_guests_own_the_siblings_too():
    cell = make_cell(cpus=8, threads=2, legacy=True)
    guest = make_guest_cell(2, threads='isolate')
    after = after_claim(cell, guest, fit_cell(cell, guest))
    assert after.pinned == mask(0, 1, 2, 3)


def test_after_the_claim_shared_cpus_are_counted():
    cell = make_cell(shared=True, shared_used=1)
    guest = make_guest_cell(shared=2)
    assert after_claim(cell, guest, fit_cell(cell, guest)).shared_used == 3


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


def test_cores_of_another_guest_do_not_matter_where_no_thread_is_taken():
    host = make_host(make_cell(cpus=8, threads=2, legacy=True, pinned=(0, 1)))
    wanted = make_guest_cell(1, threads='isolate')
    assert fit.fit(host, make_guest(wanted, isolate_emulator=True))


def test_guests_that_are_not_isolated_may_share_a_core():
    host = make_host(make_cell(cpus=8, threads=2, legacy=True, pinned=(0,)))
    assert fit.fit(host, make_guest(1, isolate_emulator=True))
