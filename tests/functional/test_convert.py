"""Nova's devices, and its requests for them, as values."""

import pytest
from nova import objects

from numa_sched.nova import convert
from numa_sched.topology import DeviceAffinity, DevicePool, DeviceRequest
from tests.builders import kind, make_host
from tests.functional.scheduler.requests import (
    PINNED,
    make_host_state,
    make_request,
)


def pools_of(*pools):
    """Give what a host with pools of Nova's tells."""
    state = make_host_state(make_host(4, 4), pools=[(0, '1', 1)])
    state.pci_stats.pools = list(pools)
    return convert.host(state)


def devices_of(**fields):
    """Give what a guest asks for that has one request for devices."""
    request = make_request(PINNED)
    request.pci_requests = objects.InstancePCIRequests(
        requests=[
            objects.InstancePCIRequest(
                **{'count': 1, 'spec': [{'product_id': '1'}], **fields}
            )
        ]
    )
    return convert.guest(request).devices


@pytest.mark.parametrize(
    ('version', 'spares'), [(72, False), (73, True), (None, True)]
)
def test_the_service_version_tells_whether_claims_spare_devices(
    version, spares
):
    state = make_host_state(make_host(4), service={'version': version})
    assert convert.host(state).spares_devices is spares


def test_a_pool_has_its_kind():
    pool = {'vendor_id': '8086', 'dev_type': 'type-PF', 'remote_managed': None}
    host = pools_of({**pool, 'numa_node': 1, 'count': 3})
    expected = kind(vendor_id='8086', dev_type='type-pf', remote_managed=None)
    assert host.pools == (DevicePool(1, expected, 3),)


def test_where_a_device_is_in_placement_makes_it_no_other_kind():
    host = pools_of(
        {'product_id': '1', 'numa_node': 0, 'count': 1, 'rp_uuid': 'one'},
        {'product_id': '1', 'numa_node': None, 'count': 1, 'rp_uuid': 'two'},
    )
    assert host.pools == (
        DevicePool(0, kind(product_id='1'), 1, 'one'),
        DevicePool(None, kind(product_id='1'), 1, 'two'),
    )


def test_devices_of_a_host_are_counted_by_cell():
    host = pools_of(
        {'product_id': '1', 'numa_node': 0, 'count': 1},
        {'product_id': '1', 'numa_node': None, 'count': 4},
        {'product_id': '2', 'numa_node': 0, 'count': 2},
    )
    assert dict(host.devices) == {0: 3, None: 4}


def test_odd_properties_do_not_make_a_host_bad():
    odd = {'capabilities': ['a', ['b']], 'tag': {'x': [1]}, 'number': 7}
    host = pools_of({**odd, 'numa_node': 0, 'count': 1})
    assert dict(host.devices) == {0: 1}


def test_a_host_without_devices_has_no_pools():
    assert pools_of().pools == ()


@pytest.mark.parametrize('affinity', DeviceAffinity)
def test_a_request_tells_number_kinds_and_affinity(affinity):
    found = devices_of(
        count=2,
        spec=[{'product_id': '1'}, {'dev_type': 'type-VF'}],
        numa_policy=affinity.value,
    )
    kinds = kind(product_id='1'), kind(dev_type='type-vf')
    assert found == (DeviceRequest(2, kinds, affinity),)


@pytest.mark.parametrize('fields', [{}, {'numa_policy': None}])
def test_without_a_policy_it_is_legacy(fields):
    (found,) = devices_of(**fields)
    assert found.affinity is DeviceAffinity.LEGACY


@pytest.mark.parametrize('count', [0, -1])
def test_a_request_for_no_devices_is_understood(count):
    (found,) = devices_of(count=count)
    assert found.count == 0


def test_traits_and_resource_classes_are_left_to_placement():
    spec = {'product_id': '1', 'resource_class': 'CUSTOM_A', 'traits': 'B'}
    assert devices_of(spec=[spec]) == devices_of()
