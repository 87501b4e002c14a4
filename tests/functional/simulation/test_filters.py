"""The filter that remembers, beside the one of Nova."""

import pytest
from nova.scheduler.filters.numa_topology_filter import NUMATopologyFilter

from benchmarks.simulation import nova_parts
from tests.functional.simulation.clouds import (
    SHAPES,
    SHARED_SHAPES,
    cloud,
    ranked,
    walk,
)


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
