"""The cloud of the simulation: Nova's own parts, in a small world."""

from benchmarks import placement  # isort: skip  (Nova patches come first)

import logging
import multiprocessing
import random
from concurrent import futures

import pytest
from nova.scheduler.filters.numa_topology_filter import NUMATopologyFilter
from nova.scheduler.weights import WeighedHost

from benchmarks import fleet
from benchmarks.simulation import Shape, Simulation, nova_parts
from benchmarks.simulation.workload import Churn
from numa_sched import fit
from numa_sched.fit.claim import Claim
from numa_sched.nova import convert
from tests.builders import make_cell, make_guest, make_guest_cell, make_host

GIANT = (('hw:mem_page_size', '1GB'),)


def shape(cpus, cells=1, memory_mb=1024, specs=(), policy='dedicated'):
    return Shape(
        f'{cpus} {policy} CPUs on {cells} {memory_mb} {specs}',
        cpus,
        memory_mb,
        (
            ('hw:cpu_policy', policy),
            ('hw:numa_nodes', str(cells)),
            *specs,
        ),
    )


PLAIN = Shape('plain', 2, 512)
SHAPES = (
    shape(2),
    shape(5),
    shape(6, cells=2, memory_mb=4096),
    shape(4, memory_mb=4096, specs=GIANT),
    shape(2, specs=(('hw:cpu_thread_policy', 'require'),)),
)
SHARED_SHAPES = (PLAIN, shape(2, policy='shared'))


def hosts():
    """Give two small hosts with pages and threads, and one of shared CPUs."""
    pages = ((4, 2**20), (1048576, 6))
    two = [
        make_host(
            *(
                make_cell(
                    cell, cpus=8, threads=2, memory_mb=10240, pages=pages
                )
                for cell in range(2)
            ),
            name=f'dedicated{number}',
        )
        for number in range(2)
    ]
    shared = [
        make_cell(cell, cpus=4, shared=True, pages=((4, 2**19),))
        for cell in range(2)
    ]
    return [*two, make_host(*shared, name='shared', cpu_allocation_ratio=2.0)]


def cloud(host_filter=NUMATopologyFilter, values=None, **fields):
    return nova_parts.SimulatedCloud(
        hosts() if values is None else values,
        lambda: nova_parts.Scheduler([host_filter()], []),
        **fields,
    )


def ranked(made, wanted, ignored=()):
    return made.ranked(0, 'server', wanted, list(ignored))


def walk(seed, *clouds, steps=60):
    """Have clouds do the same at random; give each step's own number."""
    draw = random.Random(seed)
    claims = []
    for step in range(steps):
        if claims and draw.random() < 0.4:
            claim = claims.pop(draw.randrange(len(claims)))
            for made in clouds:
                made.release(claim)
        else:
            claim = str(step)
            wanted = draw.choice((*SHAPES, *SHARED_SHAPES))
            host = draw.choice(['dedicated0', 'dedicated1', 'shared'])
            if {made.allocate(claim, wanted, host) for made in clouds} == {
                False
            }:
                continue
            if {made.claim(claim, wanted, host) for made in clouds} == {True}:
                claims.append(claim)
            else:
                for made in clouds:
                    made.release(claim)
        yield step
    for claim in claims:
        for made in clouds:
            made.release(claim)


def facts(made):
    """Give all that a claim may change."""
    return {
        name: (
            convert.host(state),
            state.free_ram_mb,
            state.vcpus_used,
            state.num_instances,
            made._placement[name],
        )
        for name, state in made._states.items()
    }


@pytest.mark.parametrize('seed', range(3))
def test_the_filter_that_remembers_answers_as_novas_does(seed):
    stock = cloud(seed=seed)
    remembers = cloud(nova_parts.RememberedNUMATopologyFilter, seed=seed)
    seen = set()
    for _ in walk(seed, stock, remembers):
        for wanted in (*SHAPES, *SHARED_SHAPES):
            found = ranked(remembers, wanted)
            assert found == ranked(stock, wanted)
            seen.add((wanted, len(found)))
    assert len(seen) > len(SHAPES) + len(SHARED_SHAPES)


def test_the_filter_that_remembers_leaves_the_same_limits():
    stock, remembers = (
        cloud(host_filter)
        for host_filter in (
            NUMATopologyFilter,
            nova_parts.RememberedNUMATopologyFilter,
        )
    )
    for made in (stock, remembers):
        for wanted in (SHARED_SHAPES[1], SHARED_SHAPES[1]):
            assert ranked(made, wanted) == ['shared']
    one, other = (
        made._asked[0]['shared'].limits['numa_topology']
        for made in (stock, remembers)
    )
    assert one.cpu_allocation_ratio == other.cpu_allocation_ratio == 2.0
    assert one.ram_allocation_ratio == other.ram_allocation_ratio == 1.0


def test_the_filter_that_remembers_asks_once_for_each_change(monkeypatch):
    asked = []
    real = NUMATopologyFilter.host_passes

    def count(self, host_state, spec_obj):
        asked.append(host_state.host)
        return real(self, host_state, spec_obj)

    monkeypatch.setattr(NUMATopologyFilter, 'host_passes', count)
    made = cloud(nova_parts.RememberedNUMATopologyFilter)
    for _ in range(5):
        ranked(made, SHAPES[0])
    assert sorted(asked) == ['dedicated0', 'dedicated1']
    made.allocate('claim', SHAPES[0], 'dedicated1')
    made.claim('claim', SHAPES[0], 'dedicated1')
    for _ in range(5):
        ranked(made, SHAPES[0])
    assert asked[2:] == ['dedicated1']


@pytest.mark.parametrize('seed', range(3))
def test_claims_and_releases_leave_hosts_as_they_were(seed):
    made = cloud()
    before = facts(made)
    changed = [facts(made) != before for _ in walk(seed, made)]
    assert any(changed)
    assert facts(made) == before


def test_a_refused_claim_changes_nothing_but_what_was_allocated():
    made = cloud(values=[make_host(4, 4)])
    before = facts(made)
    wanted = shape(6)
    assert made.allocate('claim', wanted, 'host')
    assert not made.claim('claim', wanted, 'host')
    made.release('claim')
    assert facts(made) == before


def allocated(made, wanted, host='host'):
    """Give how many servers placement's totals are enough for."""
    number = 0
    while made.allocate(f'{wanted.name} {number}', wanted, host):
        number += 1
    return number


TOTALS = {
    'dedicated CPUs': (make_cell(cpus=8), shape(2), 4),
    'dedicated CPUs that are not pinned': (
        make_cell(cpus=8, pinned=(0, 1, 2)),
        shape(2),
        2,
    ),
    'shared CPUs times the ratio': (
        make_cell(cpus=4, shared=True),
        Shape('shared', 2, 1),
        6,
    ),
    'shared CPUs that are not used': (
        make_cell(cpus=4, shared=True, shared_used=5),
        Shape('shared', 2, 1),
        3,
    ),
    'memory': (make_cell(cpus=8), shape(1, memory_mb=1500), 2),
    'memory that is not used': (
        make_cell(cpus=8, memory_used_mb=2000),
        shape(1, memory_mb=1500),
        1,
    ),
    'no dedicated CPUs for shared ones': (
        make_cell(),
        Shape('shared', 1, 1),
        0,
    ),
}


@pytest.mark.parametrize(
    ('cell', 'wanted', 'expected'), TOTALS.values(), ids=TOTALS
)
def test_placement_has_totals(cell, wanted, expected):
    made = cloud(values=[make_host(cell, cpu_allocation_ratio=3.0)])
    assert allocated(made, wanted) == expected


def test_a_host_that_refuses_all_claims_is_ranked_nevertheless():
    made = cloud(values=[make_host(4)])
    made.refusing.add('host')
    assert ranked(made, shape(2)) == ['host']
    before = facts(made)
    assert made.allocate('claim', shape(2), 'host')
    assert not made.claim('claim', shape(2), 'host')
    made.release('claim')
    assert facts(made) == before


def test_what_is_released_can_be_allocated_again():
    made = cloud(values=[make_host(4)])
    assert allocated(made, shape(4)) == 1
    made.release(f'{shape(4).name} 0')
    assert allocated(made, shape(4)) == 1


def test_placement_knows_no_cells():
    made = cloud(values=[make_host(4, 4)])
    assert allocated(made, shape(6)) == 1
    assert ranked(made, shape(6)) == []


def test_hosts_without_totals_are_not_ranked():
    made = cloud(values=[make_host(4, name='a'), make_host(4, name='b')])
    made.allocate('claim', shape(4), 'a')
    assert ranked(made, shape(2)) == ['b']


def test_ignored_hosts_are_not_ranked():
    made = cloud()
    assert ranked(made, SHAPES[0], ['dedicated0']) == ['dedicated1']


def test_what_is_claimed_is_seen_at_once():
    pages = ((4, 2**20),)
    made = cloud(
        values=[
            make_host(*(make_cell(cell, pages=pages) for cell in range(2)))
        ]
    )
    for number in range(2):
        assert ranked(made, shape(3)) == ['host']
        made.allocate(str(number), shape(3), 'host')
        assert made.claim(str(number), shape(3), 'host')
    assert ranked(made, shape(2)) == []


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


def usage(host):
    return [
        (
            cell.id,
            cell.pinned.bit_count(),
            cell.shared_used,
            cell.memory_used_mb,
            cell.pages_used,
        )
        for cell in host.cells
    ]


def guest_of(wanted):
    """Give what a shape asks for, written down a second time."""
    specs = dict(wanted.extra_specs)
    cells = int(specs['hw:numa_nodes'])
    pinned = specs['hw:cpu_policy'] == 'dedicated'
    cpus = wanted.vcpus // cells
    return make_guest(
        *[
            make_guest_cell(
                cpus if pinned else 0,
                shared=0 if pinned else cpus,
                memory_mb=wanted.memory_mb // cells,
                threads=specs.get('hw:cpu_thread_policy'),
                page_size=1048576 if 'hw:mem_page_size' in specs else None,
            )
        ]
        * cells
    )


@pytest.mark.parametrize('seed', range(3))
def test_a_claim_takes_the_cells_that_fit_predicts(seed):
    made = cloud()
    draw = random.Random(seed)
    taken = refused = 0
    for step in range(60):
        name = draw.choice(sorted(made._states))
        wanted = draw.choice((*SHAPES, SHARED_SHAPES[1]))
        before = convert.host(made._states[name])
        predicted = fit.fit(before, guest_of(wanted))
        if not made.allocate(str(step), wanted, name):
            continue
        found = made.claim(str(step), wanted, name)
        assert found is isinstance(predicted, Claim)
        after = convert.host(made._states[name])
        if not found:
            refused += 1
            made.release(str(step))
            assert usage(after) == usage(before)
            continue
        taken += 1
        expected = dict(
            zip(predicted.cell_ids, predicted.cells_after(), strict=True)
        )
        for facts_before, facts_after in zip(
            usage(before), usage(after), strict=True
        ):
            cell = expected.get(facts_after[0])
            assert facts_after == (
                facts_before
                if cell is None
                else (
                    cell.id,
                    cell.pinned.bit_count(),
                    cell.shared_used,
                    cell.memory_used_mb,
                    cell.pages_used,
                )
            )
    assert taken > 5


def test_disabled_hosts_are_not_ranked():
    found = cloud().ranked(0, 'server', SHAPES[0], [], ['dedicated0'])
    assert found == ['dedicated1']


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


def test_each_scheduler_remembers_the_refusals_that_it_has_seen(option):
    option('fit_share_out', 0.0)
    made = nova_parts.SimulatedCloud(
        [make_host(8, name=name) for name in 'abc'],
        lambda: placement.scheduler('pack', lambda: 0.0),
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
        lambda: placement.scheduler('pack', lambda: 0.0),
    )
    for ignored in (['a'], ['a', 'b']):
        left = made.ranked(0, 'server', SHAPES[0], ignored)
    assert left == []
    found = weights(made, 0)
    assert found['b'] < found['a']


def test_hosts_come_as_they_are_told():
    values = hosts()
    made = cloud(values=values)
    assert [
        convert.host(made._states[value.name]) for value in values
    ] == values


@pytest.mark.parametrize(
    'ranking', [placement.STOCK, 'fragmentation', 'pack:1,locality:0.2']
)
@pytest.mark.parametrize('which', sorted(fleet.FLEETS))
def test_a_cloud_goes_through_the_whole_simulation(
    ranking, which, option, caplog
):
    caplog.set_level(logging.WARNING)
    if ranking != placement.STOCK:
        option('fit_strategy', ranking)
    values = fleet.FLEETS[which](4)
    made = nova_parts.SimulatedCloud(
        values, lambda: placement.scheduler(ranking, lambda: 0.0), schedulers=2
    )
    before = facts(made)
    simulation = Simulation(made, schedulers=2)
    cpus = sum(
        cell.dedicated_count for host in values for cell in host.layout.cells
    )
    churn = Churn(simulation, fleet.REQUESTS[which], cpus, 0.8)
    churn.fill()
    counts = churn.run(30)
    assert counts.requests == pytest.approx(30, abs=3)
    assert counts.attempts > counts.refused
    simulation.drain(['host0'], within_s=10.0)
    simulation.run()
    assert simulation.migrations.requests > 0
    assert simulation.servers == {}
    assert facts(made) == before
    assert [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith('numa_sched')
    ] == []


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
        values, lambda: placement.scheduler('pack', lambda: 0.0)
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


@pytest.fixture(scope='module')
def measured():
    """Give what came of a run.

    In a process of its own, as it sets options; a new one, as a fork would
    wait for locks that threads of this one hold.
    """
    with futures.ProcessPoolExecutor(
        1, multiprocessing.get_context('spawn')
    ) as process:
        yield lambda run: process.submit(placement.measure, run).result()[1]


@pytest.mark.parametrize('ranking', [placement.BOUND, placement.ALONE])
def test_what_can_be_had_at_all_is_measured_too(ranking, measured):
    run = placement.Run(ranking, 'telco', 2, 0.5, 10, 0, 1, claim_s=0.0)
    counts = measured(run)
    assert counts['requests'] == pytest.approx(10, abs=3)
    assert counts['failed_claims'] == 0


def test_a_cloud_is_filled_in_bursts(measured):
    run = placement.Run(
        'fragmentation', 'telco', 2, 1.0, 0, 0, 1, schedulers=2, burst=10
    )
    counts = measured(run)
    assert counts['cpus'] == 96
    assert counts['refused_cpus'] == counts['left_cpus']
