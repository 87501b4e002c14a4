from xml.etree import ElementTree

import pytest

from numa_sched.policy.post_copy import (
    Kernel,
    of_host,
    of_ports,
    of_server,
    refused,
)

NUMA_CELL = '<cell id="{}" cpus="{}" memory="1" memAccess="shared"/>'
PORT = (
    '<interface type="vhostuser"><source type="unix" path="/s"/></interface>'
)
SHARE = '<filesystem type="mount"><driver type="virtiofs"/></filesystem>'


def domain(*, backing='', cells=(), devices=''):
    numa = ''.join(NUMA_CELL.format(cell, cell) for cell in cells)
    return ElementTree.fromstring(
        f'<domain><memoryBacking>{backing}</memoryBacking>'
        f'<cpu><numa>{numa}</numa></cpu><devices>{devices}</devices></domain>'
    )


def test_a_plain_server_can():
    assert of_server(ElementTree.fromstring('<domain/>')) == ()


DEVICES = {
    'a PCI device': '<hostdev mode="subsystem" type="pci"/>',
    'a mediated device': '<hostdev mode="subsystem" type="mdev"/>',
    'an SR-IOV port': '<interface type="hostdev"/>',
    'persistent memory': '<memory model="nvdimm"/>',
    'a vhost-user port': PORT,
    'a vhost-user disk': '<disk type="vhostuser" device="disk"/>',
    'a share': SHARE,
}


@pytest.mark.parametrize(('what', 'xml'), DEVICES.items(), ids=list(DEVICES))
def test_a_device_that_reads_memory_by_itself_rules_it_out(what, xml):
    assert of_server(domain(devices=xml)) == (what,)


def test_all_that_rules_it_out_is_told_once():
    xml = ''.join(DEVICES.values())
    assert of_server(domain(devices=xml * 2)) == tuple(sorted(DEVICES))


@pytest.mark.parametrize('xml', [PORT, SHARE])
def test_vhost_user_can_where_the_operator_says_so(xml):
    assert of_server(domain(devices=xml), vhost_user=True) == ()


IN_FILES = ('memory in files',)
PAGE = '<page size="2048" unit="KiB" nodeset="{}"/>'


def test_memory_in_files_at_the_destination_rules_it_out():
    assert of_server(domain(), file_backed=True) == IN_FILES


def test_memory_in_files_at_the_source_rules_it_out():
    backing = '<source type="file"/><access mode="shared"/>'
    assert of_server(domain(backing=backing)) == IN_FILES


def test_memory_that_has_a_name_but_no_file_does_not_rule_it_out():
    backing = '<source type="memfd"/><access mode="shared"/>'
    assert of_server(domain(backing=backing)) == ()


@pytest.mark.parametrize(
    ('backing', 'found'),
    [
        ('', IN_FILES),
        (f'<hugepages>{PAGE.format("0")}</hugepages>', IN_FILES),
        (
            f'<hugepages>{PAGE.format("0")}{PAGE.format("1")}</hugepages>',
            (),
        ),
        (f'<hugepages>{PAGE.format("0-1")}</hugepages>', ()),
        (f'<hugepages>{PAGE.format("0,1")}</hugepages>', ()),
        (f'<hugepages>{PAGE.format("0-3")}</hugepages>', ()),
        (f'<hugepages>{PAGE.format("0")}<page size="4"/></hugepages>', ()),
        ('<hugepages/>', ()),
        ('<hugepages><page size="2048" unit="KiB"/></hugepages>', ()),
    ],
    ids=str,
)
def test_shared_cells_are_in_files_where_they_are_on_no_huge_pages(
    backing, found
):
    assert of_server(domain(backing=backing, cells=(0, 1))) == found


def test_a_cell_without_a_number_is_the_first_one():
    on_pages = f'<hugepages>{PAGE.format("0")}</hugepages>'
    server = domain(backing=on_pages, cells=(0,))
    del server.find('cpu/numa/cell').attrib['id']
    assert of_server(server) == ()


@pytest.mark.parametrize(
    ('xml', 'found'),
    [
        ('<memory model="dimm" access="shared">{}</memory>', IN_FILES),
        ('<memory model="dimm">{}</memory>', ()),
        (
            '<memory model="dimm" access="shared"><source><pagesize>2048'
            '</pagesize></source>{}</memory>',
            (),
        ),
    ],
)
def test_shared_memory_that_is_plugged_in_is_in_files(xml, found):
    target = '<target><size unit="KiB">1</size><node>0</node></target>'
    assert of_server(domain(devices=xml.format(target))) == found


@pytest.mark.parametrize(
    ('kernel', 'denies'),
    [
        (Kernel(), False),
        (Kernel(unprivileged=True, qemu_user=107), False),
        (Kernel(unprivileged=False), False),
        (Kernel(unprivileged=False, qemu_user=0), False),
        (Kernel(unprivileged=False, qemu_user=107), True),
        (Kernel(False, True, 107), False),
        (Kernel(False, True, 107, (7, 2)), True),
        (Kernel(False, True, 107, (8, 0)), False),
        (Kernel(False, True, 107, (9, 1)), False),
        (Kernel(False, False, 107, (8, 0)), True),
    ],
    ids=str,
)
def test_the_kernel_denies_userfaultfd_to_users_unless_told_otherwise(
    kernel, denies
):
    assert kernel.denies is denies


@pytest.mark.parametrize(
    ('facts', 'word'),
    [
        ({'tunnelled': True}, 'tunnel'),
        ({'file_backed': True}, 'files'),
        ({'kernel': Kernel(False, False, 107)}, 'unprivileged_userfaultfd'),
    ],
)
def test_a_host_without_post_copy_says_why(facts, word):
    able = {'tunnelled': False, 'file_backed': False, 'kernel': Kernel()}
    assert of_host(**able) == ()
    (reason,) = of_host(**(able | facts))
    assert word in reason


def test_a_refusal_is_what_qemu_says_before_it_begins():
    assert refused(
        'internal error: unable to execute QEMU command '
        "'migrate-set-capabilities': Postcopy is not supported"
    )
    assert not refused('operation failed: job failed in post-copy phase')


@pytest.mark.parametrize(
    ('port', 'what'),
    [
        (('ovs', 'direct'), 'an SR-IOV port'),
        (('hostdev_physical', 'direct-physical'), 'a PCI device'),
        (('vhostuser', 'normal'), 'a vhost-user port'),
        (('vhostuser', None), 'a vhost-user port'),
        (('agilio_ovs', 'virtio-forwarder'), 'a vhost-user port'),
    ],
)
def test_a_port_that_rules_it_out_is_told(port, what):
    assert of_ports([port, ('ovs', 'normal'), port]) == (what,)


@pytest.mark.parametrize('vnic_type', ['normal', 'macvtap', 'vdpa', None])
def test_other_ports_do_not(vnic_type):
    assert of_ports([('ovs', vnic_type), (None, vnic_type)]) == ()
