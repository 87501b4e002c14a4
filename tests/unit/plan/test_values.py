import pytest

from numa_sched.answers import Move
from numa_sched.plan import Limits, Step, waves
from tests.fleets import make_server


def step(name, source, destination):
    return Step(make_server(name), Move.LIVE, source, destination)


def told(*steps, **limits):
    """Give the names of the servers of each wave."""
    found = waves([step(*each) for each in steps], Limits(**limits))
    return [[each.server.name for each in wave] for wave in found]


def test_steps_of_other_hosts_are_one_wave():
    assert told(('1', 'a', 'b'), ('2', 'c', 'd')) == [['1', '2']]


@pytest.mark.parametrize(
    'second',
    [('2', 'c', 'b'), ('2', 'b', 'c'), ('2', 'c', 'a'), ('2', 'a', 'c')],
    ids=['takes too', 'gives what it took', 'takes what it gave', 'gives too'],
)
def test_a_host_has_one_server_on_its_way_at_a_time(second):
    assert told(('1', 'a', 'b'), second) == [['1'], ['2']]


def test_a_host_may_give_several_if_that_is_allowed():
    steps = ('1', 'a', 'b'), ('2', 'a', 'c'), ('3', 'a', 'd')
    assert told(*steps, per_host=2) == [['1', '2'], ['3']]


def test_a_host_never_takes_two_at_a_time_or_takes_what_it_gives():
    steps = ('1', 'a', 'b'), ('2', 'c', 'b'), ('3', 'd', 'a')
    assert told(*steps, per_host=9) == [['1'], ['2', '3']]


def test_the_cloud_may_have_a_limit():
    steps = ('1', 'a', 'b'), ('2', 'c', 'd'), ('3', 'e', 'f')
    assert told(*steps, in_all=2) == [['1', '2'], ['3']]


def test_a_later_step_fills_an_earlier_wave():
    steps = ('1', 'a', 'b'), ('2', 'a', 'b'), ('3', 'c', 'd')
    assert told(*steps) == [['1', '3'], ['2']]


def test_a_host_takes_only_what_comes_after_all_that_it_gave():
    steps = ('1', 'a', 'b'), ('2', 'c', 'b'), ('3', 'a', 'b'), ('4', 'e', 'a')
    assert told(*steps, per_host=2) == [['1'], ['2'], ['3'], ['4']]


def test_a_server_that_moves_twice_does_so_in_two_waves():
    assert told(('1', 'a', 'b'), ('1', 'b', 'c')) == [['1'], ['1']]
