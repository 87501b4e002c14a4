"""Allocation candidates and their devices: kept, dropped, put in order."""

import pytest
from nova import objects

from tests.builders import make_cell, make_host
from tests.functional.scheduler.filtering import BOTH, passes
from tests.functional.scheduler.requests import (
    PINNED,
    make_host_state,
    make_request,
)


@BOTH
@pytest.mark.parametrize(('vcpus', 'left'), [(2, ['0', '1']), (9, [])])
def test_candidates_are_kept_or_dropped_with_the_host(
    filter_class, vcpus, left
):
    state = make_host_state(make_host(4), candidates=2)
    passes(state, make_request(PINNED, vcpus=vcpus), filter_class)
    assert [
        next(iter(candidate['allocations']))
        for candidate in state.allocation_candidates
    ] == left


@BOTH
def test_only_candidates_with_devices_in_reach_are_left(filter_class):
    state = make_host_state(
        make_host(4, 1), candidates=2, pools=[(0, '1', 1), (1, '1', 1)]
    )
    for pool, rp_uuid in zip(
        state.pci_stats.pools, ('near', 'far'), strict=True
    ):
        pool['rp_uuid'] = rp_uuid
    request = make_request(PINNED, vcpus=2, pci=[('1', 1, 'required')])
    for candidate, rp_uuid in zip(
        state.allocation_candidates, ('far', 'near'), strict=True
    ):
        candidate['mappings'] = {'request-0-0': [rp_uuid]}
    assert passes(state, request, filter_class)
    assert [
        candidate['mappings'] for candidate in state.allocation_candidates
    ] == [{'request-0-0': ['near']}]


def with_candidates(state, *providers):
    """Make each pool a provider, and have a candidate for each one named."""
    for pool in state.pci_stats.pools:
        pool['rp_uuid'] = f'on {pool["numa_node"]}'
    state.allocation_candidates = [
        {'allocations': {}, 'mappings': {'': ['root'], 'request-0-0': [name]}}
        for name in providers
    ]
    return state


def providers_left(state):
    return [
        candidate['mappings']['request-0-0'][0]
        for candidate in state.allocation_candidates
    ]


@BOTH
def test_a_candidate_is_kept_if_a_device_that_is_not_in_it_is_near_a_cell(
    filter_class,
):
    # Nova does not take the far device on cell 1, which has a near one.
    state = with_candidates(
        make_host_state(make_host(1, 4, 4), pools=[(0, '1', 1), (1, '1', 1)]),
        'on 0',
        'on 1',
    )
    request = make_request(PINNED, vcpus=2, pci=[('1', 1, 'preferred')])
    assert passes(state, request, filter_class)
    assert sorted(providers_left(state)) == ['on 0', 'on 1']


def test_the_candidate_with_the_nearest_devices_is_put_first():
    state = with_candidates(
        make_host_state(
            make_host(1, 4, 4),
            pools=[(0, '1', 1), (1, '1', 1), (None, '1', 1)],
        ),
        'on None',
        'on 1',
    )
    request = make_request(PINNED, vcpus=2, pci=[('1', 1, 'preferred')])
    assert passes(state, request)
    assert providers_left(state) == ['on 1', 'on None']


def test_candidates_that_are_equally_near_stay_in_their_order():
    for order in (['on 1', 'on 0'], ['on 0', 'on 1']):
        state = with_candidates(
            make_host_state(make_host(4, 4), pools=[(0, '1', 1), (1, '1', 1)]),
            *order,
        )
        request = make_request(PINNED, vcpus=2, pci=[('1', 1, 'preferred')])
        assert passes(state, request)
        assert providers_left(state) == order


@BOTH
def test_devices_that_are_not_in_a_candidate_are_counted_on_each_cell(
    filter_class,
):
    # Two near devices keep Nova from far ones, one does not.
    pools = [(0, '1', 1), (0, '1', 1)]
    pools += [(1, '1', 1), (1, '1', 1), (2, '1', 1)]
    state = make_host_state(make_host(1, 4, 4), pools=pools)
    for number, pool in enumerate(state.pci_stats.pools):
        pool['rp_uuid'] = f'{number}'
    mappings = {'request-0-0': ['0'], 'request-0-1': ['1']}
    state.allocation_candidates = [{'allocations': {}, 'mappings': mappings}]
    request = make_request(PINNED, vcpus=3, pci=[('1', 2, 'preferred')])
    assert passes(state, request, filter_class)


@BOTH
def test_the_order_of_pools_matters_where_requests_compete(filter_class):
    # The request for any device takes the only one of product 1 on cell 0.
    pools = [(0, '1', 1), (0, '2', 1), (1, '2', 1), (1, '1', 1)]
    state = make_host_state(make_host(4, 4), pools=pools)
    request = make_request(
        PINNED, pci=[(None, 1, 'required'), ('1', 1, 'required')]
    )
    assert passes(state, request, filter_class)


@BOTH
def test_a_host_that_tells_of_no_devices_passes_as_in_nova(filter_class):
    state = make_host_state(make_host(4), candidates=2, pci_stats=None)
    request = make_request(PINNED, pci=[('1', 1, 'required')])
    assert passes(state, request, filter_class)
    assert len(state.allocation_candidates) == 2


def test_the_order_changes_as_devices_are_taken_by_servers_before():
    host = make_host(
        *(
            make_cell(number, cpus=cpus, pages=((4, 10**6),))
            for number, cpus in enumerate((1, 4, 4))
        )
    )
    state = with_candidates(
        make_host_state(host, pools=[(0, '1', 1), (1, '1', 1), (2, '1', 1)]),
        'on 0',
        'on 1',
        'on 2',
    )
    request = make_request(PINNED, vcpus=3, pci=[('1', 1, 'preferred')])
    request.requested_resources = [
        objects.RequestGroup(requester_id='request-0-0')
    ]
    taken = []
    for _ in range(2):
        assert passes(state, request)
        taken.append(providers_left(state)[0])
        (group,) = request.requested_resources
        group.provider_uuids = taken[-1:]
        state.consume_from_request(request)
    assert taken == ['on 1', 'on 2']
    assert not passes(state, request)
