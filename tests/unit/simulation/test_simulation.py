import pytest

from benchmarks.simulation import Counts, Simulation, Timing
from tests.unit.simulation.cloud import ONE, TWO, Slots


def simulation(cloud, **fields):
    return Simulation(cloud, **fields)


def created(cloud, *shapes, **fields):
    """Give a simulation in which servers were created, one by one."""
    made = Simulation(cloud, **fields)
    for shape in shapes:
        made.create(shape)
        made.run()
    return made


def hosts_of(made):
    return [server.host for server in made.servers.values()]


def test_things_happen_in_the_order_of_their_time():
    made, seen = simulation(Slots({})), []
    for seconds in (5, 1, 3):
        made.after(seconds, lambda at: seen.append((at, made.now)), seconds)
    made.run()
    assert seen == [(1, 1.0), (3, 3.0), (5, 5.0)]


def test_things_of_the_same_time_happen_as_they_were_asked_for():
    made, seen = simulation(Slots({})), []
    for number in range(9):
        made.after(1, seen.append, number)
    made.run()
    assert seen == list(range(9))


def test_it_runs_until_a_time_and_goes_on_from_there():
    made, seen = simulation(Slots({})), []
    made.after(5, seen.append, 5)
    made.after(15, seen.append, 15)
    made.run(until=10)
    assert (seen, made.now) == ([5], 10)
    made.run()
    assert (seen, made.now) == ([5, 15], 15)


def test_a_server_is_created_on_the_best_host():
    cloud = Slots({'a': 1, 'b': 1})
    assert hosts_of(created(cloud, ONE)) == ['a']
    assert cloud.hosts() == {'a': 1, 'b': 0}


def test_a_claim_takes_its_time():
    cloud = Slots({'a': 1})
    made = simulation(cloud, timing=Timing(claim_s=10.0))
    made.create(ONE)
    assert (len(cloud.allocated), len(cloud.claimed)) == (1, 0)
    made.run()
    assert len(cloud.claimed) == 1
    assert 0.0 < made.now <= 10.0


def test_a_refused_claim_goes_on_to_the_next_host():
    cloud = Slots({'a': 1, 'b': 1}, a=0)
    made = created(cloud, ONE)
    assert hosts_of(made) == ['b']
    assert made.creates == Counts(1, 0, 2, 1, 0)


def test_a_refused_claim_gives_back_what_was_allocated():
    cloud = Slots({'a': 1, 'b': 1}, a=0)
    created(cloud, ONE)
    assert [host for host, _ in cloud.allocated.values()] == ['b']


def test_a_create_asks_the_scheduler_once():
    cloud = Slots({'a': 1, 'b': 1, 'c': 1}, a=0, b=0)
    created(cloud, ONE)
    assert len(cloud.asked) == 1


@pytest.mark.parametrize(('alternates', 'found'), [(1, []), (2, ['c'])])
def test_a_create_has_so_many_alternates(alternates, found):
    cloud = Slots({'a': 1, 'b': 1, 'c': 1}, a=0, b=0)
    made = created(cloud, ONE, timing=Timing(alternates=alternates))
    assert hosts_of(made) == found


def test_a_create_that_no_host_takes_is_refused_and_leaves_nothing():
    cloud = Slots({'a': 2, 'b': 2}, a=0, b=1)
    made = created(cloud, TWO)
    assert made.creates == Counts(1, 1, 2, 2, 2, errors=1)
    assert (made.servers, cloud.allocated, cloud.claimed) == ({}, {}, {})


def test_a_create_without_hosts_is_refused_without_an_attempt():
    made = created(Slots({'a': 1}), TWO)
    assert made.creates == Counts(1, 1, 0, 2, 2)


def test_claims_in_flight_collide():
    """Two servers see the same free slot; the second finds it taken."""
    cloud = Slots({'a': 2, 'b': 2}, a=1)
    made = simulation(cloud)
    made.create(ONE)
    made.create(ONE)
    made.run()
    assert sorted(hosts_of(made)) == ['a', 'b']
    assert made.creates == Counts(2, 0, 3, 2, 0)


def test_what_is_allocated_in_flight_is_passed_over_without_an_attempt():
    made = simulation(Slots({'a': 1, 'b': 1}))
    made.create(ONE)
    made.create(ONE)
    made.run()
    assert sorted(hosts_of(made)) == ['a', 'b']
    assert made.creates == Counts(2, 0, 2, 2, 0)


def test_a_server_dies_after_its_lifetime():
    cloud = Slots({'a': 1})
    made = simulation(cloud, timing=Timing(claim_s=10.0))
    made.create(ONE, lifetime_s=100.0)
    made.run(until=99.0)
    assert len(made.servers) == 1
    made.run(until=110.0)
    assert (made.servers, cloud.allocated, cloud.claimed) == ({}, {}, {})


def test_a_lifetime_begins_once_the_server_runs():
    made = simulation(Slots({'a': 1}), timing=Timing(claim_s=10.0))
    made.create(ONE, lifetime_s=5.0)
    made.run(until=10.0)
    began = made.now
    made.run()
    assert made.now <= began + 5.0
    assert made.creates == Counts(1, 0, 1, 1, 0)


def test_a_server_without_a_lifetime_stays():
    made = created(Slots({'a': 1}), ONE)
    made.run(until=1e9)
    assert len(made.servers) == 1


def moved(cloud, *shapes, away_from=('a',), within_s=10.0):
    made = created(cloud, *shapes)
    cloud.asked.clear()
    made.drain(away_from, within_s=within_s)
    made.run()
    return made


def test_a_drain_moves_all_servers_away():
    cloud = Slots({'a': 2, 'b': 3})
    made = moved(cloud, ONE, ONE, ONE)
    assert cloud.hosts() == {'a': 0, 'b': 3}
    assert hosts_of(made) == ['b', 'b', 'b']
    assert made.migrations == Counts(2, 0, 2, 2, 0)
    assert len(cloud.allocated) == 3


def test_servers_on_other_hosts_stay_where_they_are():
    cloud = Slots({'a': 2, 'b': 3})
    moved(cloud, ONE, ONE, ONE, away_from=['b'])
    assert cloud.hosts() == {'a': 2, 'b': 1}


def test_a_drain_takes_its_time():
    cloud = Slots({'a': 50, 'b': 50})
    made = created(cloud, *[ONE] * 50)
    cloud.asked.clear()
    made.drain(['a'], within_s=1000.0)
    made.run(made.now + 500.0)
    assert 10 < len(cloud.asked) < 40


def test_a_live_migration_ignores_its_source():
    cloud = Slots({'a': 1, 'b': 1})
    moved(cloud, ONE)
    assert cloud.asked[0][1:] == ('server0', ('a',))


def test_a_live_migration_asks_again_without_the_host_that_refused():
    cloud = Slots({'a': 1, 'b': 1, 'c': 1, 'd': 1}, b=0, c=0)
    made = moved(cloud, ONE)
    assert [ignored for *_, ignored in cloud.asked] == [
        ('a',),
        ('a', 'b'),
        ('a', 'b', 'c'),
    ]
    assert hosts_of(made) == ['d']
    assert made.migrations == Counts(1, 0, 3, 1, 0)


def test_a_live_migration_that_no_host_takes_leaves_the_server():
    cloud = Slots({'a': 1, 'b': 1}, b=0)
    made = moved(cloud, ONE)
    (server,) = made.servers.values()
    assert (server.host, server.moving) == ('a', False)
    assert made.migrations == Counts(1, 1, 1, 1, 1, errors=1)
    assert list(cloud.allocated) == list(cloud.claimed) == [server.claim]


def test_a_moving_server_is_on_both_hosts_until_it_has_moved():
    cloud = Slots({'a': 1, 'b': 1})
    made = created(cloud, ONE, timing=Timing(claim_s=1.0, move_s=30.0))
    made.drain(['a'], within_s=0.0)
    made.run(made.now + 20.0)
    assert cloud.hosts() == {'a': 1, 'b': 1}
    made.run(made.now + 20.0)
    assert cloud.hosts() == {'a': 0, 'b': 1}


def test_drained_hosts_are_not_used_for_new_servers():
    cloud = Slots({'a': 9, 'b': 9})
    made = moved(cloud, ONE)
    made.create(ONE)
    made.run()
    assert cloud.hosts() == {'a': 0, 'b': 2}


def test_drained_hosts_are_not_used_for_moving_servers():
    cloud = Slots({'a': 9, 'b': 9, 'c': 9})
    made = moved(cloud, ONE)
    made.drain(['b'], within_s=0.0)
    made.run()
    assert cloud.hosts() == {'a': 0, 'b': 0, 'c': 1}


def moving(cloud):
    """Give a simulation in which a server has just begun to leave host a."""
    made = created(cloud, ONE)
    made.drain(['a'], within_s=0.0)
    made.run(made.now)
    (server,) = made.servers.values()
    assert server.moving
    return made, server


def test_a_moving_server_is_deleted_once_it_has_moved():
    cloud = Slots({'a': 1, 'b': 1})
    made, server = moving(cloud)
    made.delete(server)
    made.run(made.now + 20.0)
    assert len(cloud.claimed) == 2
    made.run()
    assert (made.servers, cloud.allocated, cloud.claimed) == ({}, {}, {})
    assert made.migrations == Counts(1, 0, 1, 1, 0)


def test_a_moving_server_that_is_deleted_is_gone_as_soon_as_it_has_moved():
    cloud = Slots({'a': 1, 'b': 1})
    made, server = moving(cloud)
    began = made.now
    made.run(began + 20.0)
    made.delete(server)
    made.run()
    assert made.now <= began + made.timing.claim_s + made.timing.move_s


def test_a_server_that_is_deleted_before_it_moves_does_not_move():
    cloud = Slots({'a': 1, 'b': 1})
    made = created(cloud, ONE)
    made.drain(['a'], within_s=10.0)
    (server,) = made.servers.values()
    made.delete(server)
    made.run()
    assert (made.servers, cloud.allocated, cloud.claimed) == ({}, {}, {})
    assert made.migrations == Counts()


def test_a_server_on_its_way_to_a_host_that_is_drained_is_moved_off_it():
    cloud = Slots({'a': 1, 'b': 1})
    made = simulation(cloud)
    made.create(ONE)
    made.drain(['a'], within_s=0.0)
    made.run()
    assert hosts_of(made) == ['b']
    assert cloud.hosts() == {'a': 0, 'b': 1}
    assert made.creates == made.migrations == Counts(1, 0, 1, 1, 0)


def test_a_server_that_moves_to_a_host_that_is_drained_moves_on():
    cloud = Slots({'a': 1, 'b': 1, 'c': 1})
    made, server = moving(cloud)
    made.drain(['b'], within_s=0.0)
    made.run()
    assert server.host == 'c'
    assert made.migrations == Counts(2, 0, 2, 2, 0)
    assert len(cloud.allocated) == len(cloud.claimed) == 1


def test_a_host_that_is_drained_twice_is_left_once():
    cloud = Slots({'a': 1, 'b': 1, 'c': 1})
    made, _ = moving(cloud)
    made.drain(['a'], within_s=0.0)
    made.run()
    assert made.migrations == Counts(1, 0, 1, 1, 0)
    assert len(cloud.allocated) == len(cloud.claimed) == 1


def test_a_drained_host_is_not_among_those_that_the_request_ignores():
    cloud = Slots({'a': 1, 'b': 1, 'c': 1})
    made, _ = moving(cloud)
    made.drain(['c'], within_s=0.0)
    made.create(ONE)
    assert cloud.asked[-1][2] == ()


def test_a_server_that_could_not_move_is_deleted_too():
    cloud = Slots({'a': 1, 'b': 1}, b=0)
    made, server = moving(cloud)
    made.delete(server)
    made.run()
    assert (made.servers, cloud.allocated) == ({}, {})


def test_requests_go_to_all_schedulers():
    cloud = Slots({'a': 50})
    created(cloud, *[ONE] * 50, schedulers=3)
    assert {scheduler for scheduler, *_ in cloud.asked} == {0, 1, 2}


def history(seed):
    """Give all that schedulers were asked, and what came of it."""
    cloud = Slots(dict.fromkeys('abcdef', 4), a=2, c=3)
    made = simulation(cloud, seed=seed, schedulers=4)
    for number in range(20):
        made.create((ONE, TWO)[number % 2], lifetime_s=50.0)
        made.run(made.now + 3.0)
    made.drain(['b'], within_s=10.0)
    made.run()
    return cloud.asked, made.creates, made.migrations, made.now


def test_the_same_seed_gives_the_same():
    assert history(seed=1) == history(seed=1)


def test_another_seed_gives_another():
    assert history(seed=1) != history(seed=2)


def test_counts_are_of_all_requests():
    counts = Counts()
    counts.ended(ONE, 1, True)
    counts.ended(TWO, 3, False)
    counts.ended(TWO, 2, True)
    assert counts == Counts(
        requests=3, refused=1, attempts=6, cpus=5, refused_cpus=2, errors=1
    )


def test_a_request_that_found_no_host_is_no_error():
    counts = Counts()
    counts.ended(ONE, 0, False)
    assert (counts.refused, counts.errors) == (1, 0)


def test_claims_that_failed_are_the_attempts_without_those_that_did_it():
    counts = Counts()
    counts.ended(ONE, 3, True)
    counts.ended(ONE, 2, False)
    counts.ended(ONE, 0, False)
    assert counts.failed_claims == 4


def test_the_scheduler_is_told_of_its_choice_and_of_no_alternate():
    cloud = Slots({'a': 1, 'b': 1}, a=0)
    created(cloud, ONE)
    assert [host for _, host in cloud.noted] == ['a']


def test_the_scheduler_is_told_of_each_destination():
    cloud = Slots({'a': 1, 'b': 1, 'c': 1}, b=0)
    made, _ = moving(cloud)
    made.run()
    assert [host for _, host in cloud.noted] == ['a', 'b', 'c']


def test_a_choice_is_the_first_host_that_placement_has_room_on():
    cloud = Slots({'a': 1, 'b': 1})
    made = simulation(cloud)
    made.create(ONE)
    made.create(ONE)
    assert [host for _, host in cloud.noted] == ['a', 'b']


def test_nothing_is_told_where_no_host_is_found():
    cloud = Slots({'a': 1})
    created(cloud, TWO)
    assert cloud.noted == []
