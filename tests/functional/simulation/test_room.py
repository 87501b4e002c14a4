"""Room made and kept by the planner, in clouds whose claims are Nova's."""

from benchmarks import runs  # isort: skip  (Nova patches come first)

import dataclasses
import logging

import pytest

from benchmarks.simulation import Counts, Simulation, Timing
from benchmarks.simulation.migrations import (
    MOST_SAVED,
    Mover,
    RoomKeeper,
    RoomMaker,
)
from benchmarks.simulation.planner import FleetPlanner, FleetReader
from benchmarks.simulation.workload import Churn, Requests
from numa_sched.nova import convert
from tests.builders import make_cell, make_host
from tests.functional.simulation.clouds import (
    SHAPES,
    cloud,
    facts,
    hosts,
    shape,
)

RUN = runs.Run('fragmentation', 'telco', 3, 0.9, 40, 0, 1, claim_s=5.0)
PAGES = ((4, 2**20),)


@pytest.fixture
def figures(measured):
    """Give a function that gives what came of a run like the one above."""
    return lambda **fields: measured(dataclasses.replace(RUN, **fields))


def simulated(*hosts):
    """Give hosts of one cell: their CPUs, and those of the servers there."""
    values = [
        make_host(make_cell(cpus=cpus, pages=PAGES), name=f'host{number}')
        for number, (cpus, *_) in enumerate(hosts)
    ]
    simulation = Simulation(
        cloud(values=values), timing=Timing(claim_s=1.0, move_s=5.0)
    )
    names = {each.name for each in values}
    for number, (_, *servers) in enumerate(hosts):
        simulation.drained = names - {f'host{number}'}
        for cpus in servers:
            simulation.create(shape(cpus))
            simulation.run()
    simulation.drained = set()
    simulation.creates = Counts()
    return simulation


def make_room(simulation, most):
    planner = FleetPlanner(simulation.cloud)
    maker = RoomMaker(simulation, Mover(simulation), planner, most)
    simulation.rescue = maker
    return maker


def hosts_of(simulation):
    return sorted(each.host for each in simulation.servers.values())


def test_a_refused_request_succeeds_after_one_migration():
    simulation = simulated((4, 2), (4, 2))
    maker = make_room(simulation, 1)
    server = simulation.create(shape(4))
    assert server.host is None
    simulation.run()
    assert simulation.creates.refused == 0
    assert (maker.counts.plans, maker.counts.migrations) == (1, 1)
    others = set(hosts_of(simulation)) - {server.host}
    assert len(others) == 1


@pytest.mark.parametrize(('most', 'refused'), [(1, 1), (2, 0), (3, 0)])
def test_there_are_as_many_migrations_as_it_takes_and_may_be(most, refused):
    simulation = simulated((4, 2, 2), (2,), (2,))
    maker = make_room(simulation, most)
    simulation.create(shape(4))
    simulation.run()
    assert simulation.creates.refused == refused
    assert maker.counts.migrations == (0 if refused else 2)


def test_the_reader_sees_what_the_claims_have_left():
    simulation = simulated((4, 2), (4, 2))
    reader = FleetReader(simulation.cloud)
    fleet = reader.read(simulation)
    states = simulation.cloud.states
    assert [each.host for each in fleet.hosts] == [
        convert.host(states[each.name]) for each in fleet.hosts
    ]
    for host in fleet.hosts:
        (server,) = (each for each in fleet.servers if each.host == host.name)
        (seat,) = server.seats
        assert (seat.pinned,) == host.host.pinned
        assert host.inventories['PCPU'].free == 2
        assert host.inventories['PCPU'].used == 2


def test_the_reader_sees_who_moves_and_which_hosts_are_drained():
    simulation = simulated((4, 2), (4, 2), (4, 2))
    server = next(iter(simulation.servers.values()))
    others = {'host0', 'host1', 'host2'} - {server.host}
    simulation.migrate_to(server, min(others), lambda moved: None)
    simulation.drained = {max(others)}
    fleet = FleetReader(simulation.cloud).read(simulation)
    assert [
        each.name for each in fleet.servers if each.task_state == 'migrating'
    ] == [server.name]
    assert [each.name for each in fleet.hosts if each.disabled == ''] == [
        max(others)
    ]
    # What is on its way is known to placement alone.
    target = next(each for each in fleet.hosts if each.name == min(others))
    assert target.inventories['PCPU'].free == 0
    assert target.host.pinned[0].bit_count() == 2


@pytest.mark.parametrize('seed', range(2))
def test_nothing_is_lost_whatever_is_moved(seed, caplog):
    caplog.set_level(logging.WARNING)
    made = cloud(values=hosts(4), seed=seed)
    before = facts(made)
    simulation = Simulation(made, seed=seed)
    mover = Mover(simulation)
    planner = FleetPlanner(made, [(SHAPES[2], 2)])
    maker = RoomMaker(simulation, mover, planner, 2)
    keeper = RoomKeeper(simulation, mover, planner, 0.3)
    simulation.rescue = maker
    simulation.each_request.append(keeper.requested)
    wanted = Requests('mix', SHAPES, [1] * len(SHAPES))
    churn = Churn(simulation, wanted, 64, 0.95)
    churn.fill()
    churn.run(80)
    simulation.run()
    assert maker.counts.migrations > 0
    assert keeper.counts.migrations > 0
    budget = MOST_SAVED + 0.3 * len(simulation.asked)
    assert keeper.counts.migrations <= budget
    assert 80 <= simulation.creates.requests <= 90
    assert (simulation.servers, simulation.waiting) == ({}, {})
    assert facts(made) == before
    assert not caplog.records


def test_without_migrations_figures_are_what_they_were(figures):
    counts = figures()
    assert [
        counts.pop(what, None) is not None
        for what in ('made', 'kept', 'bound')
    ] == [False, False, True]
    # As measured before there were any.
    assert counts == {
        'requests': 39,
        'refused': 3,
        'attempts': 36,
        'cpus': 366,
        'refused_cpus': 80,
        'errors': 0,
        'failed_claims': 0,
    }


def test_room_is_made_in_whole_runs(figures):
    without = figures(requests=60, load=0.95)
    made = figures(requests=60, load=0.95, make_room=2)
    assert without['refused'] > made['refused']
    assert made['made']['plans'] > 0
    assert made['made']['begun'] <= 2 * made['made']['requests']
    assert made['made']['rescued'] <= made['made']['requests']


def test_the_budget_of_who_keeps_room_is_kept(figures):
    kept = figures(requests=60, load=0.9, keep_room=0.1)['kept']
    assert 0 < kept['begun'] - kept['failed'] <= 6 + MOST_SAVED


@pytest.mark.parametrize(
    'fields',
    [
        {},
        {'make_room': 1},
        {'ranking': runs.STOCK},
        {'burst': 10, 'load': 1.0},
        {'drained': 1},
    ],
    ids=str,
)
def test_each_run_has_its_bound(fields, figures):
    counts = figures(**fields)
    bound = counts['bound']
    assert bound['failed_claims'] == 0
    assert bound['requests'] == pytest.approx(counts['requests'], abs=3)


def test_the_bound_of_the_bound_is_itself(figures):
    counts = figures(ranking=runs.BOUND, load=1.1, requests=80)
    assert counts['refused'] > 0
    assert counts['bound']['refused'] == counts['refused']
