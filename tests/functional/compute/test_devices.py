"""Devices that rule out post-copy, as libvirt describes them."""

import types

import pytest
from nova.tests.fixtures import libvirt as fakelibvirt
from nova.virt.libvirt import driver, guest

from numa_sched.nova.compute.libvirt import why_no_post_copy

DEVICES = {
    'a mediated device': """
        <hostdev mode="subsystem" type="mdev" model="vfio-pci">
          <source>
            <address uuid="c2177883-f1bb-47f0-914d-32a22e3a8804"/>
          </source>
        </hostdev>""",
    'a PCI device': """
        <hostdev mode="subsystem" type="pci" managed="yes">
          <source>
            <address domain="0x0000" bus="0x06" slot="0x02" function="0x0"/>
          </source>
        </hostdev>""",
    'persistent memory': """
        <memory model="nvdimm" access="shared">
          <source><path>/dev/dax0.0</path></source>
          <target><size unit="KiB">523264</size><node>0</node></target>
        </memory>""",
    'an SR-IOV port': """
        <interface type="hostdev" managed="yes">
          <mac address="52:54:00:6d:90:02"/>
          <source>
            <address type="pci" domain="0x0" bus="0x3" slot="0x7"
                     function="0x0"/>
          </source>
        </interface>""",
}
OTHERS = """
    <disk type="file" device="disk">
      <source file="/disk"/><target dev="vda" bus="virtio"/>
    </disk>
    <interface type="bridge">
      <mac address="52:54:00:6d:90:03"/><source bridge="br0"/>
    </interface>
    <memory model="dimm">
      <target><size unit="KiB">524288</size><node>0</node></target>
    </memory>"""


def host_of(*devices):
    """Give the host of a server with these devices and some others."""
    described = ''.join((OTHERS, *devices))
    domain = types.SimpleNamespace(
        XMLDesc=lambda flags: (
            f'<domain type="kvm"><devices>{described}</devices></domain>'
        )
    )
    return types.SimpleNamespace(
        get_guest=lambda instance: guest.Guest(domain)
    )


@pytest.fixture(autouse=True)
def _libvirt(monkeypatch):
    monkeypatch.setattr(driver, 'libvirt', fakelibvirt)
    monkeypatch.setattr(guest, 'libvirt', fakelibvirt)


@pytest.mark.parametrize('device', DEVICES)
def test_a_device_that_reads_memory_by_itself_rules_out_post_copy(device):
    host = host_of(DEVICES[device])
    assert why_no_post_copy(host, None) == f'it has {device}'


def test_all_that_rules_it_out_is_told():
    assert why_no_post_copy(host_of(*DEVICES.values()), None) == (
        'it has a PCI device and a mediated device and an SR-IOV port and '
        'persistent memory'
    )


def test_other_devices_do_not_rule_it_out():
    assert why_no_post_copy(host_of(), None) is None
