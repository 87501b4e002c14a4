"""What is told of ports is what the driver finds in the XML of libvirt."""

import types
from xml.etree import ElementTree

import os_vif
import pytest
from nova import objects
from nova.network import model
from nova.virt.libvirt import vif as libvirt_vif

from numa_sched.policy import post_copy

DETAILS = {
    model.VIF_DETAILS_VHOSTUSER_MODE: 'client',
    model.VIF_DETAILS_VHOSTUSER_SOCKET: '/s',
    model.VIF_DETAILS_VHOSTUSER_OVS_PLUG: True,
    model.VIF_DETAILS_VLAN: '7',
    model.VIF_DETAILS_PROFILEID: 'x',
    model.VIF_DETAILS_MACVTAP_SOURCE: 'eth0',
    model.VIF_DETAILS_MACVTAP_MODE: 'bridge',
    model.VIF_DETAILS_PHYS_INTERFACE: 'eth0',
}


@pytest.fixture(scope='module', autouse=True)
def _os_vif():
    os_vif.initialize()


def xml_of(monkeypatch, vif_type, vnic_type):
    """Give the domain that Nova's driver makes for a server with a port."""
    network = model.Network(
        id='10000000-0000-4000-8000-000000000000', bridge='br0', subnets=[]
    )
    vif = model.VIF(
        id='20000000-0000-4000-8000-000000000000',
        address='ca:fe:de:ad:be:ef',
        network=network,
        type=vif_type,
        vnic_type=vnic_type,
        details=DETAILS,
        ovs_interfaceid='20000000-0000-4000-8000-000000000000',
        devname='tap0',
        profile={'pci_slot': '0000:0a:00.1'},
    )
    # Of the machine that the port is on.
    monkeypatch.setattr(
        'nova.pci.utils.get_ifname_by_pci_address', lambda *args: 'eth0'
    )
    host = types.SimpleNamespace(
        get_vdpa_device_path=lambda address: '/dev/vhost-vdpa-0',
    )
    driver = libvirt_vif.LibvirtGenericVIFDriver(host)
    config = driver.get_config(
        objects.Instance(uuid=network['id'], display_name='x'),
        vif,
        objects.ImageMeta.from_dict({'properties': {}}),
        objects.Flavor(extra_specs={}, vcpus=1, memory_mb=64),
        'kvm',
    )
    domain = ElementTree.Element('domain')
    devices = ElementTree.SubElement(domain, 'devices')
    devices.append(ElementTree.fromstring(config.to_xml()))
    return domain


PORTS = [
    ('ovs', 'normal'),
    ('ovs', 'direct'),
    ('ovs', 'vdpa'),
    ('ovs', 'remote-managed'),
    ('vhostuser', 'normal'),
    ('hw_veb', 'direct'),
    ('hw_veb', 'accelerator-direct'),
    ('hw_veb', 'macvtap'),
    ('hostdev_physical', 'direct-physical'),
    ('hostdev_physical', 'accelerator-direct-physical'),
    ('ib_hostdev', 'direct'),
    ('agilio_ovs', 'direct'),
    ('agilio_ovs', 'virtio-forwarder'),
    ('vrouter', 'direct'),
    ('vrouter', 'virtio-forwarder'),
    ('macvtap', 'normal'),
    ('tap', 'normal'),
]


@pytest.mark.parametrize(('vif_type', 'vnic_type'), PORTS)
def test_a_port_is_told_as_the_driver_sees_it(
    monkeypatch, vif_type, vnic_type
):
    domain = xml_of(monkeypatch, vif_type, vnic_type)
    told = post_copy.of_ports([(vif_type, vnic_type)])
    for vhost_user in (False, True):
        found = post_copy.of_server(domain, vhost_user=vhost_user)
        expected = (
            () if vhost_user and told == ('a vhost-user port',) else told
        )
        assert bool(found) is bool(expected)


def test_every_type_of_port_that_is_told_is_one_of_nova_s():
    assert set(post_copy.PORTS) <= {
        value
        for name, value in vars(model).items()
        if name.startswith('VNIC_TYPE_')
    }
