import pytest

from numa_sched.fit.constraint import Need, NetworkAffinity
from tests.builders import make_cell, make_guest, make_host


def networks(*names, tunneled=False):
    """Give what a guest's networks need of a host that has some."""
    host = make_host(
        make_cell(0, physnets=frozenset({'both', 'a'})),
        make_cell(1, physnets=frozenset({'both', 'also both', 'b'})),
        make_cell(2, physnets=frozenset({'also both', 'a'}), tunneled=True),
        make_cell(3, physnets=frozenset()),
        make_cell(4, physnets=None),
    )
    guest = make_guest(1, physnets=frozenset(names), tunneled=tunneled)
    return NetworkAffinity(host, guest)


@pytest.mark.parametrize(
    ('amount', 'is_met'), [(1, True), (3, True), (4, False)]
)
def test_a_need_is_met_by_what_cells_bring_together(amount, is_met):
    assert Need(amount, (1, 5, 2)).met((0, 2)) is is_met


@pytest.mark.parametrize(
    ('amount', 'is_met'), [(1, True), (3, True), (4, False)]
)
def test_cells_of_a_group_bring_something_once(amount, is_met):
    need = Need(amount, (2, 2, 1, 1), (0, 0, 2, 2))
    assert need.met((0, 1, 2)) is is_met


def test_each_network_has_to_be_near_some_cell():
    assert networks('b').needs == (Need(1, (0, 1, 0, 0, 0)),)
    assert networks('a', 'b').needs == (
        Need(1, (1, 0, 1, 0, 0)),
        Need(1, (0, 1, 0, 0, 0)),
    )
    assert networks('b', tunneled=True).needs == (
        Need(1, (0, 1, 0, 0, 0)),
        Need(1, (0, 0, 1, 0, 0)),
    )


def test_networks_near_the_same_cells_are_one_need():
    assert networks('a', 'b', 'both').needs == (
        Need(1, (1, 0, 1, 0, 0)),
        Need(1, (0, 1, 0, 0, 0)),
        Need(1, (1, 1, 0, 0, 0)),
    )
    host = make_host(make_cell(physnets=frozenset('ab'), tunneled=True), 4)
    guest = make_guest(1, physnets=frozenset('ab'), tunneled=True)
    assert NetworkAffinity(host, guest).needs == (Need(1, (1, 0)),)


def test_a_network_that_the_host_does_not_know_may_be_anywhere():
    assert networks('unknown').needs == ()
    assert networks('unknown').accepts((4,))


def test_cells_that_are_near_all_networks_are_accepted():
    near = networks('a', 'b', tunneled=True)
    assert near.accepts((1, 2))
    assert not near.accepts((0, 1))
    assert not near.accepts((0, 2))


def test_needs_tell_all_of_networks_and_asking_is_a_single_step():
    near = networks('a')
    assert near.exact
    assert near.key(0) is near.key(4) is None
    assert near.steps == 1
    assert near.max_asked is None
