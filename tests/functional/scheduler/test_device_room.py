"""The last devices are kept for those that the cloud is asked for."""

from tests.cloud import started_cloud  # isort: skip

import json
from unittest import mock

import pytest
from nova.tests.fixtures import libvirt as fakelibvirt

from numa_sched.nova.scheduler import demand
from tests.cloud import machines

PRODUCT = {
    'vendor_id': fakelibvirt.PCI_VEND_ID,
    'product_id': fakelibvirt.PCI_PROD_ID,
}
WITH_DEVICE = ','.join(
    (
        'cpus:8,devices:1,numa_policy:required,share:9',
        *(f'{name}:{value}' for name, value in PRODUCT.items()),
    )
)


@pytest.fixture(scope='module')
def cloud():
    """A cloud that is asked for guests of eight CPUs, most with a device.

    Of its two hosts ``near`` has a device, and more memory: where fit does
    not decide, Nova prefers it, as its PCIWeigher is off.
    """
    demand.of_this_process.cache_clear()
    with (
        started_cloud(
            fit_strategy='fragmentation',
            fit_share_out=0.0,
            fit_mix=[WITH_DEVICE, 'cpus:8'],
            fit_mix_half_life=0.0,
        ) as running,
        mock.patch('nova.pci.utils.is_physical_function'),
        mock.patch(
            'nova.pci.utils.get_function_by_ifname', return_value=(None, False)
        ),
    ):
        running.flags(pci_weight_multiplier=0.0, group='filter_scheduler')
        running.flags(
            device_spec=[json.dumps({**PRODUCT, 'address': '*:*:*.*'})],
            alias=[
                json.dumps(
                    {**PRODUCT, 'name': 'device', 'numa_policy': 'required'}
                )
            ],
            group='pci',
        )
        running.add_host('bare', machines.symmetric(1, 8))
        running.add_host(
            'near',
            machines.symmetric(1, 8, memory_mb=8192),
            pci_info=machines.devices(0),
        )
        yield running
    demand.of_this_process.cache_clear()


def booted(cloud, **extra_specs):
    flavor = cloud.add_flavor(
        vcpus=4, ram=64, hw__cpu_policy='dedicated', **extra_specs
    )
    return cloud.host_of(cloud.boot(flavor))


def test_a_guest_without_devices_leaves_the_last_one_to_others(cloud):
    assert booted(cloud) == 'bare'


def test_once_no_device_is_left_a_guest_goes_beside_it(cloud):
    assert booted(cloud, pci_passthrough__alias='device:1') == 'near'
    assert booted(cloud) == 'near'
