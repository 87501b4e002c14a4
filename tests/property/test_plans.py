"""Plans against Nova's own claim, and against all plans that there are."""

import collections
import itertools

from hypothesis import given
from hypothesis import strategies as st

from numa_sched.plan import Limits, Terms, drain
from numa_sched.score.pack import Pack
from tests.property import fleets


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
    fleets.carry_out(fleet, nova, plan.waves)
    check_groups(fleet, plan.waves)
    there = {each.uuid for each in fleet.servers if each.host == 'a'}
    moved = [step.server.uuid for step in plan.steps]
    staying = [each.server.uuid for each in (*plan.stays, *plan.left)]
    assert sorted(moved + staying) == sorted(there)
