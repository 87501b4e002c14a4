"""Whole runs, as the benchmark makes them."""

from benchmarks import runs  # isort: skip  (Nova patches come first)

import logging

import pytest

from benchmarks import fleet
from benchmarks.simulation import Simulation, nova_parts
from benchmarks.simulation.workload import Churn
from tests.functional.simulation.clouds import (
    facts,
)


@pytest.mark.parametrize(
    'ranking', [runs.STOCK, 'fragmentation', 'pack:1,locality:0.2']
)
@pytest.mark.parametrize('which', sorted(fleet.FLEETS))
def test_a_cloud_goes_through_the_whole_simulation(
    ranking, which, option, caplog
):
    caplog.set_level(logging.WARNING)
    if ranking != runs.STOCK:
        option('fit_strategy', ranking)
    values = fleet.FLEETS[which](4)
    made = nova_parts.SimulatedCloud(
        values, lambda: runs.scheduler(ranking, lambda: 0.0), schedulers=2
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


@pytest.mark.parametrize('ranking', [runs.BOUND, runs.ALONE])
def test_what_can_be_had_at_all_is_measured_too(ranking, measured):
    run = runs.Run(ranking, 'telco', 2, 0.5, 10, 0, 1, claim_s=0.0)
    counts = measured(run)
    assert counts['requests'] == pytest.approx(10, abs=3)
    assert counts['failed_claims'] == 0


def test_a_cloud_is_filled_in_bursts(measured):
    run = runs.Run(
        'fragmentation', 'telco', 2, 1.0, 0, 0, 1, schedulers=2, burst=10
    )
    counts = measured(run)
    assert counts['cpus'] == 96
    assert counts['refused_cpus'] == counts['left_cpus']
