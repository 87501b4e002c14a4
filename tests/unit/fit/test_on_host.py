import pytest

from numa_sched import fit
from numa_sched.fit.on_host import Allowance, OnHost
from numa_sched.fit.reasons import Misfit, TooManySets, Unreachable
from tests.builders import A_DEVICE, make_guest, make_host

NOT_CHOSEN = ((),)


def on_host(steps=100, devices=((0, 1),)):
    """Give a guest that wants a device on a host, and its budget."""
    budget = fit.Budget(steps)
    host = make_host(4, devices=devices)
    return OnHost(host, make_guest(1, devices=A_DEVICE), False, budget), budget


@pytest.mark.parametrize(
    ('taken', 'given'),
    [
        (0, fit.MAX_STEPS),
        (200_000 - fit.MAX_STEPS - 1, fit.MAX_STEPS),
        (199_000, 1000),
        (199_900, 100),
        (199_950, 100),
        (300_000, 100),
    ],
)
def test_each_host_gets_some_steps_of_a_request(taken, given):
    allowance = Allowance()
    allowance.part().take(taken)
    assert allowance.part().left == given


def test_devices_are_looked_for_if_asked_for():
    near, _ = on_host()
    assert near.claim(NOT_CHOSEN).cell_ids == (0,)
    missing, _ = on_host(devices=())
    assert isinstance(missing.claim(NOT_CHOSEN).reason, Unreachable)
    assert missing.claim(None).cell_ids == (0,)


def test_each_candidate_is_tried_once():
    on, budget = on_host()
    claim = on.claim(NOT_CHOSEN)
    left = budget.left
    assert on.claim(NOT_CHOSEN) is claim
    assert budget.left == left
    assert on.claim(None) is not claim
    assert budget.left < left


def test_a_candidate_takes_steps_beside_those_of_its_claim():
    on, budget = on_host(21)
    assert on.claim(None)
    assert budget.left == 0
    on, _ = on_host(20)
    assert on.claim(None) == Misfit(TooManySets())


def test_without_steps_no_candidate_is_tried():
    on, budget = on_host(0)
    assert on.claim(None) == Misfit(TooManySets())
    assert budget.left == 0
