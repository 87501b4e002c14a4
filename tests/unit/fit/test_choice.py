import itertools

import pytest

from numa_sched import fit
from numa_sched.fit import choice
from numa_sched.fit.choice import Budget, OutOfSteps
from numa_sched.fit.constraint import Need
from numa_sched.fit.reasons import ClaimRefused, Misfit, TooManySets
from numa_sched.topology import DeviceAffinity, DeviceRequest
from tests.builders import (
    A_DEVICE,
    Needs,
    make_cell,
    make_guest,
    make_host,
)


class Brings:
    """Cells have to bring so much of each of several things."""

    what = 'bring enough'
    exact = True
    steps = 1
    max_asked = None

    def __init__(self, *needs):
        self.needs = needs

    def key(self, index):
        return None

    def accepts(self, indexes):
        return all(need.met(indexes) for need in self.needs)


def anywhere(guest_cells, host_cells):
    return [list(range(host_cells))] * guest_cells


def chosen_with(budget, accepted, *constraints):
    place = choice.choose(accepted, constraints, budget)
    return None if place is None else [place[i] for i in range(len(place))]


def chosen(accepted, *constraints, steps=1000):
    return chosen_with(Budget(steps), accepted, *constraints)


def test_cells_that_bring_enough_together_are_found():
    needs = Need(2, (2, 0, 1, 1)), Need(2, (0, 2, 1, 1))
    assert sorted(chosen(anywhere(2, 4), Brings(*needs))) in ([0, 1], [2, 3])
    assert chosen(anywhere(1, 4), Brings(*needs)) is None


def test_a_group_of_cells_brings_what_it_has_once():
    need = Need(3, (2, 2, 1), groups=(0, 0, 2))
    assert need.met((0, 2))
    assert not need.met((0, 1))
    assert sorted(chosen(anywhere(2, 3), Brings(need))) in ([0, 2], [1, 2])


def test_guest_cells_only_go_where_they_fit():
    need = Need(2, (1, 1, 1))
    assert chosen([[0], [0, 2]], Brings(need)) == [0, 2]
    assert chosen([[1], [0, 1]], Brings(Need(1, (0, 0, 1)))) is None


@pytest.mark.parametrize('wanted', [(0, 1), (1, 3), (0, 3)])
def test_what_only_the_constraint_knows_is_asked(wanted):
    assert sorted(chosen(anywhere(2, 4), Needs(*wanted))) == list(wanted)


def test_cells_of_a_class_are_not_tried_one_after_another():
    needs = Needs(99)
    assert chosen(anywhere(8, 64), needs) is None
    assert needs.asked == 1


def test_a_search_takes_no_more_steps_than_it_has():
    needs = Needs(*range(20))
    with pytest.raises(OutOfSteps):
        chosen(anywhere(8, 24), needs, steps=100)
    assert needs.asked <= 100


def test_what_a_part_of_a_budget_takes_is_taken_of_the_whole():
    whole = Budget(10)
    part = whole.part(6)
    part.take(4)
    assert (part.left, whole.left) == (2, 6)
    assert whole.part(100).left == 6


def test_steps_may_be_overdrawn_once_and_none_is_given_after():
    budget = Budget(1)
    budget.take(3)
    assert budget.left == -2
    with pytest.raises(OutOfSteps):
        budget.take()
    with pytest.raises(OutOfSteps):
        Budget(0).take()


def test_a_step_is_taken_if_no_number_is_told():
    budget = Budget(1)
    budget.take()
    assert budget.left == 0


def test_the_constraint_that_is_out_of_reach_is_told():
    near, far = Brings(Need(2, (1, 1, 0))), Brings(Need(2, (2, 0, 0)))
    assert choice.out_of_reach([[1, 2]] * 2, [near]) is near
    assert choice.out_of_reach([[0, 1]] * 2, [near, far]) is None
    assert choice.out_of_reach([[1, 2]] * 1, [far]) is far


def test_each_of_several_constraints_has_its_say():
    assert sorted(chosen(anywhere(2, 4), Needs(3), Needs(1))) == [1, 3]
    assert sorted(
        chosen(anywhere(2, 4), Brings(Need(1, (1,) * 4)), Needs(1, 3))
    ) == [1, 3]


ODD, EVEN = (0, 1, 0, 1, 0, 1), (0, 0, 2, 2, 4, 4)
THINGS = {
    'one thing': [(3, 0, 2, 1, 0, 1)],
    'two things': [(3, 0, 2, 1, 0, 1), (0, 3, 1, 1, 2, 0)],
    'groups': [((2, 2, 1, 1, 0, 0), EVEN)],
    'two kinds of groups': [
        ((2, 2, 1, 1, 3, 3), EVEN),
        ((1, 2, 1, 2, 1, 2), ODD),
    ],
    'a group and cells': [((1, 1, 2, 2, 1, 1), EVEN), (0, 2, 0, 1, 1, 2)],
}
PLACES = {
    'anywhere': anywhere(3, 6),
    'in a chain': [[0, 1], [1, 2, 3], [3, 4, 5]],
    'in two halves': [[0, 1, 2], [0, 1, 2], [3, 4, 5]],
    'one in one place': [[4], [0, 4], [0, 1, 2, 3, 4, 5]],
}


def brings(things, amounts):
    """Give the constraint that cells bring so much of each thing."""
    return Brings(
        *(
            Need(amount, tuple(min(each, amount) for each in parts), groups)
            for amount, (parts, groups) in zip(
                amounts,
                (
                    each if isinstance(each[0], tuple) else (each, None)
                    for each in things
                ),
                strict=True,
            )
        )
    )


def searches(things):
    """Give where guest cells fit, and what they have to find there."""
    for accepted in PLACES.values():
        for amounts in itertools.product(range(1, 6), repeat=len(things)):
            yield accepted, brings(things, amounts)


@pytest.mark.parametrize('things', THINGS.values(), ids=THINGS)
def test_an_assignment_is_found_exactly_if_any_will_do(things):
    for accepted, wanted in searches(things):
        ways = {
            each
            for each in itertools.product(*accepted)
            if len(set(each)) == len(each) and wanted.accepts(each)
        }
        found = chosen(accepted, wanted)
        assert tuple(found) in ways if ways else found is None


@pytest.mark.parametrize(
    ('things', 'steps'),
    [
        ('one thing', 192),
        ('two things', 1401),
        ('groups', 122),
        ('two kinds of groups', 706),
        ('a group and cells', 1041),
    ],
)
def test_all_searches_together_take_as_many_steps(things, steps):
    """With bounds or an order that are worse they would take more."""
    budget = Budget(10_000)
    for accepted, wanted in searches(THINGS[things]):
        choice.choose(accepted, [wanted], budget)
    assert 10_000 - budget.left == steps


# Searches that find nothing, so that they go everywhere they have to.
IN_VAIN = {
    'what a group brings counts once in what is left': (
        [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 3]],
        [
            Brings(Need(4, (1, 2, 2, 1), (0, 1, 1, 3)), Need(1, (1, 0, 0, 1))),
            Needs(99),
        ],
        19,
    ),
    'more cells than are left are not looked for': (
        anywhere(3, 4),
        [Needs(0, 1, 2, 3, 99)],
        24,
    ),
    'the last cells bring nothing': (
        anywhere(2, 3),
        [Brings(Need(1, (1, 0, 0))), Needs(99)],
        8,
    ),
    'what there is too much of is as good as enough': (
        anywhere(3, 5),
        [
            Brings(
                Need(3, (1, 0, 3, 1, 0)),
                Need(2, (1, 0, 0, 2, 1)),
                Need(5, (1, 1, 0, 1, 3)),
            )
        ],
        14,
    ),
}


@pytest.mark.parametrize(
    ('accepted', 'constraints', 'steps'), IN_VAIN.values(), ids=IN_VAIN
)
def test_a_search_in_vain_takes_as_many_steps(accepted, constraints, steps):
    budget = Budget(1000)
    assert choice.choose(accepted, constraints, budget) is None
    assert 1000 - budget.left == steps


def test_asking_takes_the_steps_of_the_constraints():
    budget, needs = Budget(100), Needs()
    needs.steps = 7
    choice.choose([[0]], [needs, needs], budget)
    # Reading a cell, coming to it, and asking.
    assert 100 - budget.left == 1 + 1 + (1 + 2 * 7)


@pytest.mark.parametrize(
    ('cells', 'needs', 'steps'), [(7, 0, 1), (8, 0, 2), (8, 1, 3), (63, 2, 24)]
)
def test_reading_many_cells_takes_steps(cells, needs, steps):
    budget = Budget(100)
    needs = [Need(1, (1,) * cells)] * needs
    assert chosen_with(budget, anywhere(1, cells), Brings(*needs)) == [0]
    # Beside those for one point and for asking about it.
    assert 100 - budget.left == steps + 1 + 2


# What once grew without bound: a full cell in front, and devices or networks
# that differ from cell to cell.
SIZES = [(17, 8), (24, 8), (64, 4), (64, 8), (64, 16)]


def steps_for(
    cells, guest_cells, *, devices=(), physnets=(), near=lambda _: 1
):
    """Give the steps until it is known whether a guest fits, and that."""
    host = make_host(
        *(
            make_cell(
                cell,
                pinned=range(4) if not cell else (),
                physnets=frozenset(
                    name
                    for at, name in enumerate(physnets)
                    if cell in (2 * at, 2 * at + 1)
                ),
            )
            for cell in range(cells)
        ),
        devices=[(cell, near(cell)) for cell in range(cells)],
    )
    guest = make_guest(
        *[1] * guest_cells, devices=devices, physnets=frozenset(physnets)
    )
    trial, budget = fit.Trial(host, guest), Budget(fit.MAX_STEPS)
    constraints = [trial.devices_near()] if devices else []
    found = trial.claim(constraints, budget)
    return fit.MAX_STEPS - budget.left, found


def required(count):
    (request,) = A_DEVICE
    return DeviceRequest(count, request.kinds, DeviceAffinity.REQUIRED)


@pytest.mark.parametrize(('cells', 'guest_cells'), SIZES)
def test_ports_for_the_same_devices_take_few_steps(cells, guest_cells):
    steps, found = steps_for(
        cells, guest_cells, devices=(required(1), required(1))
    )
    assert found
    assert steps < 20


@pytest.mark.parametrize(('cells', 'guest_cells'), SIZES)
def test_other_numbers_of_devices_on_each_cell_take_few_steps(
    cells, guest_cells
):
    total = sum(sorted(cell % 7 for cell in range(1, cells))[-guest_cells:])
    steps, found = steps_for(
        cells,
        guest_cells,
        devices=(required(total + 1),),
        near=lambda cell: cell % 7,
    )
    assert isinstance(found, Misfit)
    assert steps < 100


@pytest.mark.parametrize(('cells', 'guest_cells'), SIZES)
def test_a_claim_is_not_followed_without_end_to_its_networks(
    cells, guest_cells
):
    steps, found = steps_for(
        cells, guest_cells, physnets=[str(n) for n in range(guest_cells)]
    )
    # The claim would walk far for what is there: it is not followed on.
    assert steps <= fit.MAX_STEPS + 2
    assert isinstance(found.reason, (ClaimRefused, TooManySets))


def test_sets_are_found_wherever_some_set_will_do():
    brings = Brings(Need(4, (3, 0, 2, 1, 0, 1)), Need(3, (0, 3, 1, 1, 2, 0)))
    for size in range(1, 5):
        expected = any(
            brings.accepts(each)
            for each in itertools.combinations(range(6), size)
        )
        assert (chosen(anywhere(size, 6), brings) is not None) == expected
