"""Nova's libvirt driver, with each server's own live-migration policy.

Each migration runs on a copy of the driver that has flags of its own. So what
starts a migration and what watches it see the same flags, and migrations that
run at the same time never see each other's.
"""

import copy

import nova.conf
from nova.compute import vm_states
from nova.virt.libvirt import config as vconfig
from nova.virt.libvirt import driver
from nova.virt.libvirt.guest import Guest
from oslo_log import log as logging

from numa_sched import policy
from numa_sched.nova import images, settings_or_defaults
from numa_sched.policy import features

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)


class LibvirtDriver(driver.LibvirtDriver):
    """Migrates each server as its policy says, over the configuration.

    It adds no names: one of them might be Nova's some day.
    """

    def __init__(self, *args, **kwargs):
        """Take what Nova's driver takes."""
        super().__init__(*args, **kwargs)
        settings_or_defaults()

    def update_provider_tree(self, provider_tree, nodename, allocations=None):
        """Report what Nova does, and both traits."""
        super().update_provider_tree(provider_tree, nodename, allocations)
        if _is_qemu():
            provider_tree.add_traits(nodename, *policy.TRAITS)

    def live_migration_force_complete(self, instance):
        """Have a migration completed; that of a paused server will be anyway.

        Nova would pause it once more and, should the migration fail, resume
        what its user has paused.
        """
        if instance.vm_state != vm_states.PAUSED:
            super().live_migration_force_complete(instance)

    def _live_migration(self, context, instance, *args, **kwargs):
        migrating = copy.copy(self)
        if _is_qemu():
            used = _used(self._host, instance)
            migrating._live_migration_flags = _flags(
                self._live_migration_flags, used, self._host
            )
            migrating._block_migration_flags = _flags(
                self._block_migration_flags, used, self._host
            )
        super(LibvirtDriver, migrating)._live_migration(
            context, instance, *args, **kwargs
        )

    def _live_migration_operation(
        self, context, instance, dest, block, migrate_data, guest, *args
    ):
        flags = self._get_migration_flags(migrate_data.block_migration)
        if not flags & driver.libvirt.VIR_MIGRATE_PARALLEL:
            guest = _OneConnectionGuest(guest._domain)
        super()._live_migration_operation(
            context, instance, dest, block, migrate_data, guest, *args
        )


def _is_qemu() -> bool:
    return CONF.libvirt.virt_type in ('kvm', 'qemu')


def _used(host, instance) -> features.Features:
    """Give the features with which a server is migrated from this host."""
    wanted = _policy(instance)
    why_not = why_no_post_copy(host, instance)
    if why_not and wanted.post_copy:
        LOG.warning(
            'The server wants post-copy and is migrated without: %s',
            why_not,
            instance=instance,
        )
    used = features.used(
        wanted,
        features.Features(
            CONF.libvirt.live_migration_permit_auto_converge,
            CONF.libvirt.live_migration_permit_post_copy,
        ),
        paused=instance.vm_state == vm_states.PAUSED,
        ruled_out=why_not is not None,
    )
    LOG.info(
        'Live migration with auto-converge %(ac)s and post-copy %(pc)s',
        {
            'ac': 'on' if used.auto_converge else 'off',
            'pc': 'on' if used.post_copy else 'off',
        },
        instance=instance,
    )
    return used


def _policy(instance) -> policy.LiveMigrationPolicy:
    """Give what a server wants; old data that is wrong is logged, not kept."""
    wanted, errors = policy.examine(
        instance.flavor.extra_specs,
        images.properties(instance) if CONF.numa_sched.image_wishes else {},
    )
    for error in errors:
        LOG.warning(
            'Ignored in the live migration: %s', error, instance=instance
        )
    return wanted


def why_no_post_copy(host, instance) -> str | None:
    """Give why post-copy cannot be used for a server, None if it can."""
    if CONF.libvirt.live_migration_tunnelled:
        return 'libvirt does not tunnel post-copy'
    devices = host.get_guest(instance).get_all_devices()
    found = {each for each in map(_without_post_copy, devices) if each}
    return f'it has {" and ".join(sorted(found))}' if found else None


def _without_post_copy(device) -> str | None:
    """Give what a device is if it rules out post-copy, None if it does not.

    Such a device would reach for memory that is not there yet; QEMU refuses.
    """
    if isinstance(device, vconfig.LibvirtConfigGuestHostdevMDEV):
        return 'a mediated device'
    if isinstance(device, vconfig.LibvirtConfigGuestHostdevPCI):
        return 'a PCI device'
    if isinstance(device, vconfig.LibvirtConfigGuestVPMEM):
        return 'persistent memory'
    if (
        isinstance(device, vconfig.LibvirtConfigGuestInterface)
        and device.net_type == 'hostdev'
    ):
        return 'an SR-IOV port'
    return None


def _flags(flags: int, used: features.Features, host) -> int:
    """Give migration flags with these features and without the other."""
    libvirt = driver.libvirt
    flags &= ~(
        libvirt.VIR_MIGRATE_AUTO_CONVERGE | libvirt.VIR_MIGRATE_POSTCOPY
    )
    if used.auto_converge:
        flags |= libvirt.VIR_MIGRATE_AUTO_CONVERGE
    if used.post_copy:
        flags |= libvirt.VIR_MIGRATE_POSTCOPY
        if not host.has_min_version(
            hv_ver=driver.MIN_MULTIFD_WITH_POSTCOPY_QEMU_VERSION
        ):
            # Nova does not start where both are configured.
            flags &= ~libvirt.VIR_MIGRATE_PARALLEL
    return flags


class _OneConnectionGuest(Guest):
    """A guest that is not migrated over several connections.

    libvirt refuses to be told how many without the flag.
    """

    def migrate(self, *args, **kwargs):
        super().migrate(*args, **{**kwargs, 'parallel': 1})
