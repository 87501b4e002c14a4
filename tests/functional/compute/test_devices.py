"""What rules out post-copy, as libvirt and the kernel describe it."""

import types

import pytest
from nova.conf import CONF
from nova.tests.fixtures import libvirt as fakelibvirt
from nova.virt.libvirt import driver, guest

from numa_sched.nova.compute import post_copy
from numa_sched.nova.compute.post_copy import why_not, why_not_here

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
    'a vhost-user port': """
        <interface type="vhostuser">
          <mac address="52:54:00:6d:90:04"/>
          <source type="unix" path="/run/vhu" mode="server"/>
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
    assert why_not(host, None) == f'it has {device}'


def test_all_that_rules_it_out_is_told():
    assert why_not(host_of(*DEVICES.values()), None, file_backed=True) == (
        'it has a PCI device and a mediated device and a vhost-user port and '
        'an SR-IOV port and memory in files and persistent memory'
    )


def test_other_devices_do_not_rule_it_out():
    assert why_not(host_of(), None) is None


@pytest.fixture
def options():
    """Set options; they are as they were after the test."""
    names = []

    def set_to(group, name, value):
        CONF.set_override(name, value, group=group)
        names.append((group, name))

    yield set_to
    for group, name in names:
        CONF.clear_override(name, group=group)


def test_a_vhost_user_port_does_not_where_its_backend_can(options):
    options('numa_sched', 'post_copy_with_vhost_user', True)
    assert why_not(host_of(DEVICES['a vhost-user port']), None) is None


CAPABILITIES = """
    <capabilities><host>
      <secmodel><model>apparmor</model></secmodel>
      <secmodel><model>dac</model><baselabel type="kvm">{}</baselabel>
      </secmodel>
    </host></capabilities>"""


@pytest.fixture
def this_host(monkeypatch, tmp_path):
    """Give a function that makes a host, by what its kernel and QEMU are."""

    def make(*, unprivileged=None, user='+64055:+64055', device=False):
        paths = {'UNPRIVILEGED': unprivileged, 'DEVICE': device and ''}
        for name, text in paths.items():
            path = tmp_path / name
            path.unlink(missing_ok=True)
            if text not in (None, False):
                path.write_text(text)
            monkeypatch.setattr(post_copy, name, path)
        connection = types.SimpleNamespace(
            getVersion=lambda: 7_002_022,
            getCapabilities=lambda: CAPABILITIES.format(user),
        )
        return types.SimpleNamespace(get_connection=lambda: connection)

    return make


@pytest.mark.parametrize(
    ('kernel', 'denied'),
    [
        ({'unprivileged': '0\n'}, True),
        ({'unprivileged': '0\n', 'device': True}, True),
        ({'unprivileged': '0\n', 'user': '+0:+0'}, False),
        ({'unprivileged': '0\n', 'user': ''}, False),
        ({'unprivileged': '1\n'}, False),
        ({'unprivileged': None}, False),
    ],
    ids=str,
)
def test_a_host_says_if_its_kernel_denies_userfaultfd(
    this_host, kernel, denied
):
    reasons = why_not_here(this_host(**kernel))
    assert bool(reasons) is denied


@pytest.mark.parametrize(
    ('option', 'value'),
    [('file_backed_memory', 1024), ('live_migration_tunnelled', True)],
)
def test_a_host_says_if_its_configuration_rules_it_out(
    this_host, options, option, value
):
    assert why_not_here(this_host()) == ()
    options('libvirt', option, value)
    assert len(why_not_here(this_host())) == 1
