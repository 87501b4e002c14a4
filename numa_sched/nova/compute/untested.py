"""The driver where Nova is of a release that was never tested."""

from nova.virt.libvirt import driver
from oslo_log import log as logging

from numa_sched import policy

LOG = logging.getLogger(__name__)


class LibvirtDriver(driver.LibvirtDriver):
    """Nova's driver, which promises no wish.

    Ours changes methods that are Nova's own affair. Where they are not known,
    servers are moved as without it rather than not at all, or lost.
    """

    def init_host(self, host):
        """Start, and say in the log what servers can expect."""
        super().init_host(host)
        LOG.warning(
            'Servers are live-migrated as [libvirt] says and not as they '
            'wish: this host does not report %s.',
            ' and '.join(policy.TRAITS),
        )

    def update_provider_tree(self, provider_tree, nodename, allocations=None):
        """Report what Nova does, and take back what was promised."""
        super().update_provider_tree(provider_tree, nodename, allocations)
        provider_tree.remove_traits(nodename, *policy.TRAITS)
