import itertools

import pytest

from numa_sched.policy import LiveMigrationPolicy
from numa_sched.policy.features import Features, used

NEITHER, AC, PC, BOTH = (
    Features(False, False),
    Features(True, False),
    Features(False, True),
    Features(True, True),
)
PERMITS = (NEITHER, AC, PC, BOTH)
WISHES = tuple(itertools.product((True, False, None), repeat=2))

# For each pair of wishes, what is used where the host permits neither,
# auto-converge, post-copy, both.
TABLE = {
    (None, None): (NEITHER, AC, PC, PC),
    (True, None): (AC, AC, AC, AC),
    (True, False): (AC, AC, AC, AC),
    (None, True): (PC, PC, PC, PC),
    (False, True): (PC, PC, PC, PC),
    (False, None): (NEITHER, NEITHER, PC, PC),
    (None, False): (NEITHER, AC, NEITHER, AC),
    (False, False): (NEITHER, NEITHER, NEITHER, NEITHER),
}


@pytest.mark.parametrize('permitted', PERMITS, ids=str)
@pytest.mark.parametrize('wishes', TABLE, ids=str)
def test_rule_7_the_wish_counts_then_what_the_host_permits(wishes, permitted):
    expected = TABLE[wishes][PERMITS.index(permitted)]
    assert used(LiveMigrationPolicy(*wishes), permitted) == expected


@pytest.mark.parametrize('permitted', PERMITS, ids=str)
@pytest.mark.parametrize('wishes', TABLE, ids=str)
def test_a_paused_server_loses_post_copy_and_nothing_else(wishes, permitted):
    wanted = used(LiveMigrationPolicy(*wishes), permitted)
    paused = used(LiveMigrationPolicy(*wishes), permitted, paused=True)
    assert paused == Features(wanted.auto_converge, False)


@pytest.mark.parametrize('permitted', PERMITS, ids=str)
@pytest.mark.parametrize('wishes', TABLE, ids=str)
def test_where_post_copy_is_ruled_out_it_is_as_if_nobody_wanted_it(
    wishes, permitted
):
    auto_converge, _ = wishes
    assert used(
        LiveMigrationPolicy(*wishes), permitted, ruled_out=True
    ) == used(LiveMigrationPolicy(auto_converge, False), permitted)
