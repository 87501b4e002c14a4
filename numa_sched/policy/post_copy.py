"""What rules post-copy out, for one server and for all of a host.

The destination fetches memory that is not there yet when the guest touches it,
by userfaultfd of the kernel. So there is no post-copy where something but the
guest touches its memory, nor where the kernel does not do userfaultfd: not for
files, and not for everybody. Some of it QEMU refuses before the migration
begins; where it does not, the server is lost at the switch. Source: tried with
QEMU 7.2 and libvirt 9.0 (``tests/real``).

Pure: takes values, gives values.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element

DEVICES = {
    'hostdev[@type="mdev"]': 'a mediated device',
    'hostdev[@type="pci"]': 'a PCI device',
    'interface[@type="hostdev"]': 'an SR-IOV port',
    'memory[@model="nvdimm"]': 'persistent memory',
    'memory[@model="virtio-pmem"]': 'persistent memory',
}
"""Paths below ``<devices>``, and what it is that is found there."""

VHOST_USER = {
    'interface[@type="vhostuser"]': 'a vhost-user port',
    'disk[@type="vhostuser"]': 'a vhost-user disk',
    'filesystem/driver[@type="virtiofs"]': 'a share',
}
"""The same, for devices of which another process is a part.

It depends on that process whether there can be post-copy.
"""

PORTS = {
    'direct': 'an SR-IOV port',
    'accelerator-direct': 'an SR-IOV port',
    'remote-managed': 'an SR-IOV port',
    'direct-physical': 'a PCI device',
    'accelerator-direct-physical': 'a PCI device',
    'virtio-forwarder': 'a vhost-user port',
}
"""Types of ports (``vnic_type``), and what libvirt makes of them.

Source: ``nova.virt.libvirt.vif`` and ``nova.network.os_vif_util``.
"""

# What a port of this type of Nova's (vif_type) is, whatever its vnic_type.
VHOST_USER_PORT = 'vhostuser'

# The first that opens /dev/userfaultfd.
QEMU_WITH_DEVICE = (8, 0)

# The QMP command by which QEMU is asked for post-copy before a migration
# begins; libvirt names it in the error if QEMU refuses.
CAPABILITIES = "'migrate-set-capabilities'"


@dataclasses.dataclass(frozen=True, slots=True)
class Kernel:
    """Who may use userfaultfd on a host, and who QEMU is; None: not known.

    ``unprivileged`` is ``vm.unprivileged_userfaultfd``, ``device`` whether
    there is a ``/dev/userfaultfd``, ``qemu_user`` the id of the user.
    """

    unprivileged: bool | None = None
    device: bool = False
    qemu_user: int | None = None
    qemu_version: tuple[int, ...] | None = None

    @property
    def denies(self) -> bool:
        """Whether QEMU is known to be denied what post-copy needs."""
        if self.unprivileged is not False or not self.qemu_user:
            return False
        return not self.device or (
            self.qemu_version is not None
            and self.qemu_version < QEMU_WITH_DEVICE
        )


def of_server(
    domain: Element, *, file_backed: bool = False, vhost_user: bool = False
) -> tuple[str, ...]:
    """Give what rules post-copy out for a server, sorted; nothing if it can.

    :param domain: the XML of the running guest, from libvirt
    :param file_backed: whether the destination keeps memory in files
    :param vhost_user: whether the processes behind vhost-user devices can do
        post-copy
    """
    paths = DEVICES if vhost_user else DEVICES | VHOST_USER
    found = {
        what
        for path, what in paths.items()
        if domain.find(f'devices/{path}') is not None
    }
    in_files = domain.find('memoryBacking/source[@type="file"]') is not None
    if in_files or file_backed or _asks_for_files(domain):
        found.add('memory in files')
    return tuple(sorted(found))


def of_ports(
    ports: Iterable[tuple[str | None, str | None]],
) -> tuple[str, ...]:
    """Give what of the ports of a server rules post-copy out, sorted.

    Those with vhost-user can do it where the operator has said so
    (``[numa_sched] post_copy_with_vhost_user``).

    :param ports: type (``vif_type``) and ``vnic_type`` of each, as Nova has
        them
    """
    found = {
        VHOST_USER['interface[@type="vhostuser"]']
        if vif_type == VHOST_USER_PORT
        else PORTS.get(vnic_type or '')
        for vif_type, vnic_type in ports
    }
    return tuple(sorted(each for each in found if each is not None))


def of_host(
    *, tunnelled: bool, file_backed: bool, kernel: Kernel
) -> tuple[str, ...]:
    """Give why no server is migrated with post-copy from or to a host.

    :param tunnelled: ``[libvirt] live_migration_tunnelled``
    :param file_backed: whether ``[libvirt] file_backed_memory`` is set
    """
    reasons = {
        'libvirt does not tunnel post-copy': tunnelled,
        'the kernel has no post-copy for memory in files': file_backed,
        'vm.unprivileged_userfaultfd is 0, and QEMU is not root': (
            kernel.denies
        ),
    }
    return tuple(reason for reason, holds in reasons.items() if holds)


def refused(message: str) -> bool:
    """Whether an error of libvirt says that QEMU did not begin a migration.

    The guest then runs on the source as if nothing had been asked.
    """
    return CAPABILITIES in message


def _asks_for_files(domain: Element) -> bool:
    """Whether libvirt keeps memory in files without being told so.

    It does where memory has an access mode and no huge pages.
    """
    covered = _on_huge_pages(domain)
    cells = {
        int(cell.get('id', 0))
        for cell in domain.iterfind('cpu/numa/cell')
        if cell.get('memAccess')
    } | {
        int(memory.findtext('target/node', '0'))
        for memory in domain.iterfind('devices/memory')
        if memory.get('access')
        and memory.find('source/path') is None
        and memory.find('source/pagesize') is None
    }
    return covered is not None and not cells <= covered


def _on_huge_pages(domain: Element) -> frozenset[int] | None:
    """Give the ids of the guest's cells on huge pages, None for all."""
    if domain.find('memoryBacking/hugepages') is None:
        return frozenset()
    pages = domain.findall('memoryBacking/hugepages/page')
    sets = [page.get('nodeset', '') for page in pages]
    return frozenset().union(*map(_ids, sets)) if all(sets) and sets else None


def _ids(nodeset: str) -> Iterator[int]:
    """Give the ids of a set of cells as libvirt writes it, ``0-2,4``."""
    for part in nodeset.split(','):
        first, _, last = part.partition('-')
        yield from range(int(first), int(last or first) + 1)
