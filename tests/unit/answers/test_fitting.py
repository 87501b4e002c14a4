import pytest

from numa_sched import fit
from numa_sched.answers.fitting import Fitting, needs_threads
from numa_sched.fit.reasons import Misfit, TooManySets, Unreachable
from tests.builders import (
    A_DEVICE,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
)

HALF_FULL = make_host(make_cell(0, pinned=(0, 1)), make_cell(1))
WITH_DEVICES = make_host(4, 4, devices=((1, 1),))


def cells_of(found):
    return [claim.cell_ids if claim else None for claim in found]


def test_a_guest_is_tried_on_each_host():
    found = Fitting(make_guest(2)).on([HALF_FULL, make_host(1), make_host(2)])
    assert cells_of(found) == [(1,), None, (0,)]


def test_hosts_pack_their_cells_if_that_is_told():
    assert cells_of(Fitting(make_guest(2)).on([HALF_FULL])) == [(1,)]
    packing = Fitting(make_guest(2), packing=True)
    assert cells_of(packing.on([HALF_FULL])) == [(0,)]
    assert packing.why_not(HALF_FULL).cell_ids == (0,)


def test_devices_have_to_be_near_even_if_none_are_chosen_yet():
    wanting = Fitting(make_guest(2, devices=A_DEVICE))
    found = wanting.on([WITH_DEVICES, HALF_FULL])
    assert cells_of(found) == [(1,), None]
    assert isinstance(wanting.why_not(HALF_FULL).reason, Unreachable)
    assert wanting.why_not(WITH_DEVICES).cell_ids == (1,)


def test_a_reason_is_given_if_a_guest_does_not_fit():
    fitting = Fitting(make_guest(5))
    assert 'needs 5 dedicated CPUs' in str(fitting.why_not(HALF_FULL))
    assert Fitting(make_guest(2)).why_not(HALF_FULL).cell_ids == (1,)


def test_what_is_not_decided_in_time_is_a_misfit(monkeypatch):
    fitting = Fitting(make_guest(1, 2))
    monkeypatch.setattr(fitting._allowance, 'part', lambda: fit.Budget(0))
    found = fitting.on([make_host(2, 1, 1)])
    assert found == [Misfit(TooManySets())]


@pytest.mark.parametrize(
    ('cells', 'needs'),
    [
        ([make_guest_cell(2, threads='require'), make_guest_cell(1)], True),
        ([make_guest_cell(1), make_guest_cell(2, threads='require')], False),
        ([make_guest_cell(2, threads='prefer')], False),
        ([make_guest_cell(2)], False),
        ([make_guest_cell(shared=2, threads='require')], False),
    ],
)
def test_the_first_cell_tells_whether_sibling_threads_are_needed(cells, needs):
    assert needs_threads(make_guest(*cells)) is needs
