"""Hosts with bad data: left out, told of, and no harm to others."""

import logging

import pytest

from numa_sched.nova.scheduler.filters import NUMAFitFilter
from tests.builders import make_host
from tests.functional.scheduler.requests import (
    PINNED,
    make_host_state,
    make_request,
)


def overlapping(state):
    state.numa_topology.cells[1].pcpuset = {0, 1, 2, 3}


def pinned_elsewhere(state):
    state.numa_topology.cells[0].pinned_cpus = {999}


def without_field(state):
    del state.numa_topology.cells[0]._obj_pcpuset


def without_ratio(state):
    state.cpu_allocation_ratio = None


def without_candidate_mappings(state):
    state.allocation_candidates = [{}]


def wrong_type(state):
    state.numa_topology = 'not a topology'


@pytest.mark.parametrize(
    'corrupt',
    [
        overlapping,
        pinned_elsewhere,
        without_field,
        without_ratio,
        without_candidate_mappings,
        wrong_type,
    ],
)
def test_a_host_with_bad_data_is_left_out_with_a_warning_that_names_it(
    corrupt, caplog
):
    bad = make_host_state(make_host(4, 4, name='bad'))
    good = make_host_state(make_host(4, 4, name='good'))
    corrupt(bad)
    request = make_request(PINNED, pci=[('1', 1, 'preferred')])
    good.pci_stats.pools.append(
        {'vendor_id': '8086', 'product_id': '1', 'numa_node': 0, 'count': 1}
    )
    with caplog.at_level(logging.WARNING):
        left = list(NUMAFitFilter().filter_all([bad, good], request))
    assert left == [good]
    (record,) = [r for r in caplog.records if r.name.startswith('numa_sched')]
    assert record.levelname == 'WARNING'
    assert 'Host bad, node bad is left out' in record.getMessage()


@pytest.mark.parametrize('number', range(3))
def test_a_host_that_cannot_be_judged_does_not_spoil_the_others(
    number, caplog
):
    states = [make_host_state(make_host(4)) for _ in range(20)]
    # Whatever it is that goes wrong, it is no topology error.
    del states[number].updated
    with caplog.at_level(logging.WARNING, 'numa_sched'):
        left = list(NUMAFitFilter().filter_all(states, make_request(PINNED)))
    assert left == states[:number] + states[number + 1 :]
    assert len(caplog.records) == 1
