"""What libvirt, QEMU and the kernel say about post-copy."""

import contextlib
import pathlib
from xml.etree import ElementTree

import nova.conf
from nova.virt.libvirt import driver
from oslo_log import log as logging

from numa_sched.policy import post_copy

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

UNPRIVILEGED = pathlib.Path('/proc/sys/vm/unprivileged_userfaultfd')
DEVICE = pathlib.Path('/dev/userfaultfd')


def why_not(host, instance, file_backed=False):
    """Give why post-copy cannot be used for a server, None if it can.

    :param host: Nova's ``Host``, which the server leaves
    :param file_backed: whether the destination keeps memory in files
    """
    if CONF.libvirt.live_migration_tunnelled:
        return 'libvirt does not tunnel post-copy'
    domain = ElementTree.fromstring(host.get_guest(instance).get_xml_desc())
    found = post_copy.of_server(
        domain,
        file_backed=file_backed,
        vhost_user=CONF.numa_sched.post_copy_with_vhost_user,
    )
    return f'it has {" and ".join(found)}' if found else None


def why_not_here(host):
    """Give why no server moves with post-copy from or to this host, a tuple.

    :param host: Nova's ``Host``
    """
    return post_copy.of_host(
        tunnelled=CONF.libvirt.live_migration_tunnelled,
        file_backed=CONF.libvirt.file_backed_memory > 0,
        kernel=_kernel(host),
    )


def _kernel(host):
    """Give who may use userfaultfd; QEMU counts only if not everybody may."""
    try:
        unprivileged = UNPRIVILEGED.read_text().strip() != '0'
    except OSError:
        return post_copy.Kernel()
    if unprivileged:
        return post_copy.Kernel(unprivileged=True)
    connection = host.get_connection()
    version = connection.getVersion()
    return post_copy.Kernel(
        unprivileged=False,
        device=DEVICE.exists(),
        qemu_user=_qemu_user(connection.getCapabilities()),
        qemu_version=(version // 1_000_000, version // 1_000 % 1_000),
    )


def _qemu_user(capabilities):
    """Give the id of the user who runs QEMU, None if libvirt does not say."""
    labels = ElementTree.fromstring(capabilities).findall(
        'host/secmodel[model="dac"]/baselabel'
    )
    for label in labels:
        user, _, _ = (label.text or '').partition(':')
        if user.startswith('+') and user[1:].isdigit():
            return int(user[1:])
    return None


class Attempt:
    """A migration that QEMU may refuse because of post-copy.

    It does so before the migration begins; nothing has to be rolled back then,
    and the server can be migrated without.
    """

    def __init__(self, used, recover):
        self._used, self._recover = used, recover
        self._error = None
        self._recovered = False

    @contextlib.contextmanager
    def watched(self):
        """Note whether what is done meanwhile is refused."""
        try:
            yield
        except driver.libvirt.libvirtError as error:
            if self._used.post_copy and post_copy.refused(str(error)):
                self._error = error
            raise

    def recover(self, *args, **kwargs):
        """Roll back, unless it was refused."""
        if self._error is None:
            self._recovered = True
            self._recover(*args, **kwargs)

    @property
    def refusal(self):
        """What libvirt has said if post-copy was refused, else None.

        None, too, if it has been rolled back.
        """
        return None if self._recovered else self._error
