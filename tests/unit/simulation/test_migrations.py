"""Room made by migrations, by plans that are told beforehand."""

from benchmarks.simulation import Counts, Simulation, Timing
from benchmarks.simulation.migrations import (
    MOST_AT_ONCE,
    MOST_PLANS,
    MOST_SAVED,
    Move,
    Mover,
    Moves,
    RoomKeeper,
    RoomMaker,
)
from tests.unit.simulation.cloud import ONE, TWO, Slots


class Told:
    """A planner that gives its plans one after the other, then none."""

    def __init__(self, *plans):
        self.plans, self.asked = list(plans), []

    def make_room(self, simulation, shape, most):
        self.asked.append((shape, most))
        return self.plans.pop(0) if self.plans else None

    def keep_room(self, simulation, most):
        self.asked.append(most)
        return self.plans.pop(0) if self.plans else ()


def full(*plans, most=2, **fits):
    """Give a cloud with one slot free on each of two hosts, and who helps.

    The servers of one slot are server0 on a and server1 on b.
    """
    cloud = Slots({'a': 2, 'b': 2, **fits})
    simulation = Simulation(cloud, timing=Timing(claim_s=10.0, move_s=30.0))
    names = []
    for host in ('a', 'b'):
        simulation.drained = set(cloud.fits) - {host}
        names.append(simulation.create(ONE).name)
        simulation.run()
    simulation.drained = set()
    simulation.creates = Counts()
    planner = Told(*[plan(*names) for plan in plans])
    maker = RoomMaker(simulation, Mover(simulation), planner, most)
    simulation.rescue = maker
    return simulation, maker, planner


def merge(_, other):
    """Give the plan that has server1 join the other one."""
    return [[Move(other, 'b', 'a')]]


def impossible(first, _):
    return [[Move(first, 'b', 'a')]]


def test_a_refused_request_is_placed_once_a_server_has_moved():
    simulation, maker, planner = full(merge)
    server = simulation.create(TWO)
    simulation.run()
    assert server.host == 'b'
    assert simulation.cloud.hosts() == {'a': 2, 'b': 1}
    assert simulation.creates == Counts(1, 0, 1, 2)
    assert planner.asked == [(TWO, 2)]
    assert maker.counts == Moves(
        requests=1, rescued=1, plans=1, begun=1, memory_mb=1024
    )


def test_it_takes_the_time_of_a_migration():
    simulation, _, _ = full(merge)
    began = simulation.now
    simulation.create(TWO)
    simulation.run(began + 30.0)
    assert len(simulation.servers) == 2
    assert simulation.waiting != {}
    simulation.run()
    assert len(simulation.servers) == 3
    assert simulation.waiting == {}


def test_without_a_plan_it_is_refused_as_ever():
    simulation, maker, _ = full()
    simulation.create(TWO)
    assert simulation.creates == Counts(1, 1, 0, 2, 2)
    assert maker.counts == Moves(requests=1)
    assert simulation.waiting == {}


def test_a_request_that_finds_a_host_is_nobody_s_business():
    simulation, maker, planner = full()
    simulation.create(ONE)
    simulation.run()
    assert (maker.counts, planner.asked) == (Moves(), [])


def test_migrations_that_were_done_are_left_off_for_the_next_plan():
    def half(first, other):
        return [[Move(other, 'b', 'c')], [Move(first, 'a', 'b')]]

    simulation, maker, planner = full(half, most=3, c=1)
    simulation.cloud.fits['b'] = 0
    simulation.create(TWO)
    simulation.run()
    assert planner.asked == [(TWO, 3), (TWO, 2)]
    assert (maker.counts.begun, maker.counts.failed) == (2, 1)
    assert simulation.creates.refused == 1


def test_who_is_refused_once_more_may_have_as_many_migrations_again():
    simulation, maker, planner = full(merge, most=1)
    simulation.create(TWO)
    # It is faster: the room is gone when the server has moved.
    simulation.after(25.0, simulation.create, ONE)
    simulation.run()
    assert maker.counts.migrations == 1
    assert planner.asked == [(TWO, 1), (TWO, 1)]
    assert simulation.creates.refused == 1


def test_a_destination_that_refuses_leads_to_another_plan():
    simulation, maker, planner = full(merge, merge)
    simulation.cloud.fits['a'] = 1
    simulation.create(TWO)
    simulation.run()
    assert planner.asked == [(TWO, 2)] * 3
    assert (maker.counts.plans, maker.counts.failed) == (2, 2)
    assert simulation.cloud.hosts() == {'a': 1, 'b': 1}
    assert simulation.creates.refused == 1


def test_a_server_that_is_not_where_it_was_is_not_moved():
    simulation, maker, planner = full(impossible)
    simulation.create(TWO)
    simulation.run()
    assert (len(planner.asked), maker.counts.begun) == (2, 0)


def test_plans_for_one_request_come_to_an_end():
    simulation, _, planner = full(*[impossible] * 9)
    simulation.create(TWO)
    simulation.run()
    assert len(planner.asked) == MOST_PLANS
    assert simulation.creates.refused == 1


def test_where_there_is_room_by_now_it_is_asked_again_after_a_claim():
    simulation, maker, _ = full(lambda *_: ())
    simulation.create(TWO)
    simulation.delete(next(iter(simulation.servers.values())))
    simulation.run()
    assert simulation.creates == Counts(1, 0, 1, 2)
    assert maker.counts == Moves(requests=1, asked_again=1, rescued=1)


def test_requests_have_room_made_one_after_the_other():
    simulation, _, planner = full(merge, merge)
    simulation.create(TWO)
    simulation.create(TWO)
    assert len(planner.asked) == 1
    assert len(simulation.waiting) == 2
    simulation.run()
    # The second plan is for what the first has left.
    assert simulation.creates == Counts(2, 1, 1, 4, 2)
    assert simulation.waiting == {}


def test_the_steps_of_a_wave_go_on_at_the_same_time():
    def two(first, other):
        return [[Move(first, 'a', 'c'), Move(other, 'b', 'd')]]

    simulation, maker, _ = full(two, c=1, d=1)
    began = simulation.now
    simulation.create(TWO)
    simulation.run()
    assert maker.counts.migrations == 2
    assert simulation.now - began < 60.0


def test_a_server_that_is_deleted_while_it_moves_is_gone_in_the_end():
    simulation, maker, _ = full(merge)
    simulation.create(TWO)
    moved = list(simulation.servers.values())[1]
    simulation.delete(moved)
    simulation.run()
    assert moved.name not in simulation.servers
    assert simulation.cloud.hosts() == {'a': 1, 'b': 1}
    assert maker.counts.rescued == 1


def kept(*plans, budget=0.5):
    """Give a cloud with many slots, one server on a, and who keeps room."""
    simulation = Simulation(Slots({'a': 99, 'b': 99}))
    name = simulation.create(ONE).name
    simulation.run()
    planner = Told(*[plan(name) for plan in plans])
    keeper = RoomKeeper(simulation, Mover(simulation), planner, budget)
    simulation.each_request.append(keeper.requested)
    return simulation, keeper, planner


def there(name):
    return [[Move(name, 'a', 'b')]]


def back(name):
    return [[Move(name, 'b', 'a')]]


def requests(simulation, count):
    for _ in range(count):
        simulation.create(ONE)
        simulation.run()


def test_room_is_looked_after_once_there_is_a_migration_to_spend():
    simulation, _, planner = kept()
    requests(simulation, 1)
    assert planner.asked == []
    requests(simulation, 1)
    assert planner.asked == [1]


def test_what_was_spent_is_gone():
    simulation, keeper, planner = kept(there, back, there)
    requests(simulation, 7)
    assert planner.asked == [1, 1, 1]
    assert keeper.counts.migrations == 3


def test_what_came_to_nothing_is_not_spent():
    simulation, keeper, planner = kept(back)
    requests(simulation, 4)
    assert planner.asked == [1, 1, 2]
    assert keeper.counts.begun == 0


def test_budgets_are_saved_up_to_a_bound():
    simulation, keeper, planner = kept()
    requests(simulation, 4 * MOST_SAVED)
    keeper.budget = 0.0
    name = next(iter(simulation.servers))
    planner.plans = [there(name), back(name)] * MOST_SAVED
    requests(simulation, 2 * MOST_SAVED)
    assert keeper.counts.migrations == MOST_SAVED


def test_a_plan_has_few_migrations_whatever_was_saved():
    simulation, _, planner = kept()
    requests(simulation, 4 * MOST_SAVED)
    assert max(planner.asked) == MOST_AT_ONCE


def test_while_a_plan_is_carried_out_there_is_no_other():
    simulation, _, planner = kept(there)
    for _ in range(6):
        simulation.create(ONE)
    assert planner.asked == [1]
    simulation.run()
    assert planner.asked == [1]
