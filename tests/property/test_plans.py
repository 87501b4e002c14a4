"""Plans against Nova's own claim, and against all plans that there are."""

import collections
import itertools
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from numa_sched.answers import of_flavor
from numa_sched.fleet import Asked
from numa_sched.plan import (
    Limits,
    Outcome,
    Terms,
    after,
    drain,
    keep_room,
    make_room,
)
from numa_sched.plan.all_moves import MOST_MOVES
from numa_sched.plan.evictions import SURE
from numa_sched.score.pack import Pack
from tests.amount import examples
from tests.fleets import make_flavor
from tests.property import all_plans, fleets


def check_groups(fleet, waves):
    """Have servers that want to be apart be so after each wave."""
    at = {each.uuid: each.host for each in fleet.servers}
    for wave, group in itertools.product(waves, fleet.groups):
        if group.policy == 'anti-affinity':
            before = collections.Counter(at[each] for each in group.members)
            for step in wave:
                if step.server.uuid in group.members:
                    assert before[step.destination] < group.most_per_host
        at.update((step.server.uuid, step.destination) for step in wave)


@given(fleets.fleets(), st.integers(1, 2))
def test_nova_s_claim_takes_every_step_that_empties_a_host(made, per_host):
    fleet, nova = made
    terms = Terms(Limits(per_host=per_host), seconds=1)
    plan = drain(fleet, fleet.hosts[:1], Pack(), terms)
    hosts = fleets.carry_out(fleet, nova, plan.waves)
    then = after(fleet, plan.steps, terms)
    assert {each.name: each.host for each in then.hosts} == hosts
    check_groups(fleet, plan.waves)
    there = {each.uuid for each in fleet.servers if each.host == 'a'}
    moved = [step.server.uuid for step in plan.steps]
    staying = [each.server.uuid for each in (*plan.stays, *plan.left)]
    assert sorted(moved + staying) == sorted(there)


@st.composite
def wanted(draw, plain=False):
    """Give a fleet with the same in Nova's objects, and a request for it."""
    made = draw(fleets.fleets(plain, most=4))
    known = [each.guest for each in made[0].servers]
    others = st.sampled_from(known) if known else st.nothing()
    guest = draw(others | fleets.guests(plain))
    flavor = make_flavor('new', guest=guest, asked=Asked({'DISK_GB': 1}))
    return made, of_flavor(flavor)


# Moves that a plan of all there are is looked for up to.
MOST = 3


@settings(max_examples=examples(150))
@given(wanted(), st.integers(1, 2))
def test_room_is_made_as_cheaply_as_by_any_of_all_plans(told, count):
    (fleet, nova), request = told
    plan = make_room(fleet, request, count, Terms(seconds=60))
    cost = all_plans.cheapest(fleet, request, count, MOST)
    check(plan, cost, fleet, nova)
    assert plan.fewest


@settings(max_examples=examples(150))
@given(wanted(plain=True))
def test_what_has_to_leave_tells_the_cheapest_plan_of_two_moves(told):
    (fleet, nova), request = told
    with mock.patch('numa_sched.plan.all_moves.MOST_MOVES', 0):
        plan = make_room(fleet, request, 1, Terms(seconds=60))
    cost = all_plans.cheapest(fleet, request, 1, MOST)
    if plan.outcome is Outcome.NOT_FOUND or len(plan.steps) > MOST:
        assert cost is None or cost.moves > SURE
    elif len(plan.steps) == MOST:
        assert cost.moves == MOST
    else:
        check(plan, cost, fleet, nova)
        return
    fleets.carry_out(fleet, nova, plan.waves)


@settings(max_examples=examples(100))
@given(wanted(), st.integers(1, 2), st.booleans())
def test_nova_s_claim_takes_every_step_that_keeps_room(told, count, small):
    (fleet, nova), request = told
    others = [
        (of_flavor(each.flavor), 1)
        for each in fleet.servers
        if each.flavor.guest is not None
    ]
    most = MOST_MOVES if small else -1
    with mock.patch('numa_sched.plan.all_moves.MOST_MOVES', most):
        wants = [(request, count), *others[:1]]
        plan = keep_room(fleet, wants, Terms(seconds=1))
    hosts = fleets.carry_out(fleet, nova, plan.waves)
    then = after(fleet, plan.steps)
    assert {each.name: each.host for each in then.hosts} == hosts
    check_groups(fleet, plan.waves)
    short = sum(each.wanted - each.after for each in plan.targets)
    assert (short == 0) == (plan.outcome in (Outcome.THERE, Outcome.FOUND))


def check(plan, cost, fleet, nova):
    """Have a plan be as cheap as told, and Nova's claim take each step."""
    if plan.outcome is Outcome.NONE or len(plan.steps) > MOST:
        assert cost is None
        return
    assert plan.outcome is (Outcome.FOUND if plan.steps else Outcome.THERE)
    memory = sum(each.memory_mb for each in plan.steps)
    assert (len(plan.steps), memory) == (cost.moves, cost.first)
    fleets.carry_out(fleet, nova, plan.waves)
    check_groups(fleet, plan.waves)
