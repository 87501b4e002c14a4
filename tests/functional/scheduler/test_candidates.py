"""PCI devices tracked in placement: which of them a server gets.

Nova claims the first allocation candidate of the host that it has chosen.
"""

import json
from unittest import mock

import pytest
from nova.tests.fixtures import libvirt as fakelibvirt

from tests.cloud import STOCK_OPTIONS, machines

PRODUCT = {
    'vendor_id': fakelibvirt.PCI_VEND_ID,
    'product_id': fakelibvirt.PCI_PROD_ID,
}
PINNED = {'hw__cpu_policy': 'dedicated'}

# The cells of the devices. A guest can only be pinned to the cells 1 and 2,
# and prefers cell 1 as far as its device lets it. Whatever device placement
# names first, on most hosts that is one of cell 0.
HOSTS = {
    'first': (1, 0, 0, 0),
    'second': (0, 1, 0, 0),
    'third': (0, 0, 1, 0),
    'fourth': (0, 0, 0, 1),
}


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    cloud.flags(
        device_spec=[json.dumps({**PRODUCT, 'address': '*:*:*.*'})],
        alias=[json.dumps({**PRODUCT, 'name': 'device'})],
        report_in_placement=True,
        group='pci',
    )
    cloud.flags(pci_in_placement=True, group='filter_scheduler')
    with (  # what would be read from the machine
        mock.patch('nova.pci.utils.is_physical_function'),
        mock.patch(
            'nova.pci.utils.get_function_by_ifname', return_value=(None, False)
        ),
    ):
        for name, cells in HOSTS.items():
            cloud.add_host(
                name,
                machines.symmetric(3, 4),
                shared=range(4),
                pci_info=machines.devices(*cells),
            )
        yield


def wants(cloud, devices):
    return cloud.add_flavor(
        vcpus=1,
        ram=64,
        hw__pci_numa_affinity_policy='preferred',
        pci_passthrough__alias=f'device:{devices}',
        **PINNED,
    )


def cells_of(cloud, server):
    """Give the cells of a server, and those of its devices."""
    return (
        [cell.id for cell in cloud.topology_of(server).cells],
        sorted(device.numa_node for device in cloud.devices_of(server)),
    )


def test_the_device_sits_with_the_cell(cloud):
    flavor = wants(cloud, 1)
    for host in HOSTS:
        server = cloud.boot(flavor, host=host)
        assert cells_of(cloud, server) == ([1], [1])


def test_of_two_devices_one_sits_with_the_cell(cloud):
    flavor = wants(cloud, 2)
    for host in HOSTS:
        server = cloud.boot(flavor, host=host)
        assert cells_of(cloud, server) == ([1], [0, 1])


@pytest.mark.long
def test_with_the_filter_of_nova_devices_sit_elsewhere(cloud):
    manager = cloud.scheduler.manager.host_manager
    stock = manager._choose_host_filters(STOCK_OPTIONS['enabled_filters'])
    flavors = wants(cloud, 1), wants(cloud, 2)
    found = []
    with mock.patch.object(manager, 'enabled_filters', stock):
        for host in HOSTS:
            for flavor in flavors:
                server = cloud.boot(flavor, host=host)
                found.append(cells_of(cloud, server))
                cloud.delete_all()
    assert ([2], [0]) in found
    assert any(devices == [0, 0] for _, devices in found)


def test_the_device_claimed_is_the_one_allocated_in_placement(cloud):
    server = cloud.boot(wants(cloud, 1), host='third')
    (device,) = cloud.devices_of(server)
    url = f'/resource_providers?name=third_{device.address}'
    (provider,) = cloud.placement.get(url).body['resource_providers']
    allocated = cloud._get_allocations_by_server_uuid(server['id'])
    assert provider['uuid'] in allocated


def test_several_servers_at_once_get_a_device_each_the_near_one_first(cloud):
    cloud.boot(wants(cloud, 1), host='third', min_count=3, name='several')
    servers = [
        cloud.wait_for(server, 'ACTIVE') for server in cloud.api.get_servers()
    ]
    addresses = [cloud.devices_of(server)[0].address for server in servers]
    assert len(set(addresses)) == len(servers) == 3
    nodes = sorted(cells_of(cloud, server)[1] for server in servers)
    assert nodes == [[0], [0], [1]]
