"""The bound: one host that has it all."""

from benchmarks.simulation import Asked, Counts, Shape, Simulation
from benchmarks.simulation.big_host import BigHost, bound
from tests.builders import make_cell, make_host


def shape(cpus, memory_mb=1):
    return Shape('shape', cpus, memory_mb)


def cloud():
    return BigHost(
        [make_host(make_cell(cpus=4), make_cell(1, cpus=2)), make_host(3)]
    )


def test_a_server_may_take_what_no_host_has():
    simulation = Simulation(cloud())
    simulation.create(shape(9))
    simulation.run()
    assert simulation.creates == Counts(1, 0, 1, 9)


def test_more_than_all_hosts_have_is_refused():
    made = cloud()
    assert made.ranked(0, 'server', shape(10), []) == []
    assert not made.allocate('claim', shape(10), 'all')


def test_what_is_in_use_cannot_be_had():
    made = BigHost([make_host(make_cell(cpus=4, pinned=(0,)))])
    assert made.ranked(0, 'server', shape(3), []) == ['all']
    assert made.ranked(0, 'server', shape(4), []) == []


def test_memory_is_counted_too():
    made = BigHost([make_host(make_cell(cpus=4, memory_mb=1000))] * 2)
    assert made.ranked(0, 'server', shape(2, 2000), []) == ['all']
    assert made.ranked(0, 'server', shape(2, 2001), []) == []


def test_what_is_released_can_be_had_again():
    made = cloud()
    assert made.allocate('one', shape(9, 1024), 'all')
    assert made.claim('one', shape(9, 1024), 'all')
    assert not made.allocate('two', shape(1), 'all')
    made.release('one')
    assert made.allocate('two', shape(9, 1024), 'all')


def test_the_bound_is_that_of_the_same_requests_at_the_same_times():
    asked = [
        Asked(0.0, shape(9), 100.0),
        Asked(50.0, shape(1), 10.0),
        Asked(200.0, shape(8), None),
        Asked(900.0, shape(2), None),
    ]
    hosts = [make_host(make_cell(cpus=9))]
    assert bound(hosts, asked)[0] == Counts(4, 2, 2, 20, 3)


def test_requests_before_a_time_do_not_count_and_are_there():
    asked = [Asked(0.0, shape(9), None), Asked(50.0, shape(1), None)]
    hosts = [make_host(make_cell(cpus=9))]
    assert bound(hosts, asked, since=1)[0] == Counts(1, 1, 0, 1, 1)


def test_who_leaves_a_drained_host_moves_on_the_big_one():
    asked = [
        Asked(0.0, shape(4), None, [100.0]),
        Asked(50.0, shape(2), 20.0, [100.0]),
        Asked(60.0, shape(5), None, [300.0]),
    ]
    hosts = [make_host(make_cell(cpus=13))]
    # The last one has no room for a second claim, the other is gone by then.
    assert bound(hosts, asked)[1] == Counts(2, 1, 1, 9, 5)


def test_no_requests_are_no_counts():
    assert bound([make_host(4)], []) == (Counts(), Counts())
