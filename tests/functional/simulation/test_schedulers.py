"""Schedulers beside each other, each with a memory of its own."""

from benchmarks import runs  # isort: skip  (Nova patches come first)


from nova.scheduler.weights import WeighedHost

from benchmarks.simulation import Simulation, nova_parts
from tests.builders import make_cell, make_host
from tests.functional.simulation.clouds import (
    SHAPES,
    cloud,
    facts,
    ranked,
    shape,
)


def weights(made, scheduler):
    """Give how much a scheduler thinks of each host, by its own weigher."""
    worker, _ = made._schedulers[scheduler]
    weigher = worker.weighers[-1]
    states = list(made._states.values())
    request_spec = made._request_spec('another', SHAPES[0], [])
    weighed = weigher.weigh_objects(
        [WeighedHost(state, 0.0) for state in states], request_spec
    )
    return dict(zip(made._states, weighed, strict=True))


def test_schedulers_have_orders_of_their_own_that_the_seed_gives():
    values = [make_host(4, name=f'host{number}') for number in range(8)]

    def orders(seed):
        made = cloud(values=values, schedulers=3, seed=seed)
        return [
            made.ranked(scheduler, 'server', shape(2), [])
            for scheduler in range(3)
        ]

    one, other, third = orders(1)
    assert one != other != third
    assert sorted(one) == sorted(other) == sorted(third)
    assert orders(1) == [one, other, third]
    assert orders(2) != [one, other, third]


def test_each_scheduler_remembers_the_refusals_that_it_has_seen(option):
    option('fit_share_out', 0.0)
    made = nova_parts.SimulatedCloud(
        [make_host(8, name=name) for name in 'abc'],
        lambda: runs.scheduler('pack', lambda: 0.0),
        schedulers=2,
    )
    for ignored in (['a'], ['a', 'b']):
        made.ranked(0, 'server', SHAPES[0], ignored)
    first, second = (weights(made, scheduler) for scheduler in range(2))
    assert first['b'] < first['a'] == first['c']
    assert second['b'] == second['a'] == second['c']


def test_a_refusal_is_remembered_if_no_host_is_left(option):
    option('fit_share_out', 0.0)
    made = nova_parts.SimulatedCloud(
        [make_host(8, name=name) for name in 'ab'],
        lambda: runs.scheduler('pack', lambda: 0.0),
    )
    for ignored in (['a'], ['a', 'b']):
        left = made.ranked(0, 'server', SHAPES[0], ignored)
    assert left == []
    found = weights(made, 0)
    assert found['b'] < found['a']


def test_a_choice_is_consumed_from_the_state_of_the_request_only():
    made = cloud()
    before = facts(made)
    ranked(made, SHAPES[0])
    made.chosen('server', 'dedicated1')
    states, _ = made._asked
    cpus = {name: state.vcpus_used for name, state in states.items()}
    assert cpus == {'dedicated0': 0, 'dedicated1': 2}
    assert facts(made) == before


def test_a_choice_leaves_what_the_flavor_asks_for_as_it_is():
    made = cloud()
    for number in range(2):
        ranked(made, SHAPES[2])
        made.chosen('server', f'dedicated{number}')
    _, topology = made._flavor(SHAPES[2])
    assert [cell.cpu_pinning for cell in topology.cells] == [None, None]


def test_a_scheduler_that_knows_its_choices_does_not_meet_itself(option):
    """Two hosts with room for one guest each, and two requests at once."""
    option('fit_share_out', 0.0)
    pages = ((4, 2**20),)
    values = [
        make_host(make_cell(cpus=8, pinned=(0, 1), pages=pages), name='tight'),
        make_host(make_cell(cpus=16, pages=pages), name='roomy'),
    ]
    made = nova_parts.SimulatedCloud(
        values, lambda: runs.scheduler('pack', lambda: 0.0)
    )
    simulation = Simulation(made)
    for _ in range(2):
        simulation.create(shape(6))
    simulation.run()
    assert simulation.creates.failed_claims == 0
    assert sorted(server.host for server in simulation.servers.values()) == [
        'roomy',
        'tight',
    ]
