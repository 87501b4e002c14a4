"""Nova's libvirt driver, with each server's own live-migration policy.

Each migration runs on a copy of the driver that has flags of its own. So what
starts a migration and what watches it see the same flags, and migrations that
run at the same time never see each other's.
"""

import copy

import nova.conf
from nova.compute import vm_states
from nova.virt.libvirt import driver
from nova.virt.libvirt.guest import Guest
from oslo_log import log as logging

from numa_sched import policy
from numa_sched.nova import images, releases, settings_or_defaults
from numa_sched.nova.compute import post_copy
from numa_sched.policy import features

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)
_, POST_COPY = policy.WISHES


class LibvirtDriver(driver.LibvirtDriver):
    """Migrates each server as its policy says, over the configuration.

    It adds no names but to the driver of one migration: one of them might be
    Nova's some day.
    """

    def __init__(self, *args, **kwargs):
        """Take what Nova's driver takes."""
        super().__init__(*args, **kwargs)
        settings_or_defaults()

    def init_host(self, host):
        """Start, and say in the log why there is no post-copy here."""
        super().init_host(host)
        why_not = post_copy.why_not_here(self._host) if _is_qemu() else ()
        if why_not:
            LOG.warning(
                'This host is no place for servers that want post-copy: %s',
                '; '.join(why_not),
            )

    def update_provider_tree(self, provider_tree, nodename, allocations=None):
        """Report what Nova does, and the traits of what can be done here."""
        super().update_provider_tree(provider_tree, nodename, allocations)
        if _is_qemu():
            provider_tree.add_traits(nodename, *policy.TRAITS)
            if post_copy.why_not_here(self._host):
                provider_tree.remove_traits(nodename, POST_COPY.trait)

    def live_migration_force_complete(self, instance):
        """Have a migration completed; that of a paused server will be anyway.

        Nova would pause it once more and, should the migration fail, resume
        what its user has paused.
        """
        if instance.vm_state != vm_states.PAUSED:
            super().live_migration_force_complete(instance)

    def _live_migration(
        self,
        context,
        instance,
        dest,
        post_method,
        recover_method,
        block_migration,
        migrate_data,
    ):
        def migrate(used):
            """Give the attempt and the error with which it ended, if any."""
            attempt = post_copy.Attempt(used, recover_method)
            migrating = _migrating(self, used, attempt)
            try:
                super(LibvirtDriver, migrating)._live_migration(
                    context,
                    instance,
                    dest,
                    post_method,
                    attempt.recover,
                    block_migration,
                    migrate_data,
                )
            except driver.libvirt.libvirtError:
                if attempt.refusal is None:
                    raise
            return attempt.refusal

        refusal = migrate(_used(self._host, instance, migrate_data))
        if refusal is not None:
            # Nothing has begun, and nothing was rolled back.
            migrate(_used(self._host, instance, migrate_data, str(refusal)))

    def _live_migration_operation(
        self, context, instance, dest, block, migrate_data, guest, *args
    ):
        flags = self._get_migration_flags(migrate_data.block_migration)
        if releases.may_have_several_connections(driver) and not (
            flags & driver.libvirt.VIR_MIGRATE_PARALLEL
        ):
            guest = _OneConnectionGuest(guest._domain)
        with self._numa_sched_attempt.watched():
            super()._live_migration_operation(
                context, instance, dest, block, migrate_data, guest, *args
            )


def _migrating(stock, used, attempt):
    """Give a driver for one attempt at a migration with these features."""
    migrating = copy.copy(stock)
    migrating._numa_sched_attempt = attempt
    if _is_qemu():
        migrating._live_migration_flags = _flags(
            stock._live_migration_flags, used, stock._host
        )
        migrating._block_migration_flags = _flags(
            stock._block_migration_flags, used, stock._host
        )
    return migrating


def _is_qemu() -> bool:
    return CONF.libvirt.virt_type in ('kvm', 'qemu')


def _used(
    host, instance, migrate_data, refusal: str | None = None
) -> features.Features:
    """Give the features with which a server is migrated from this host.

    :param refusal: why post-copy was refused, if it was tried already
    """
    if not _is_qemu():
        return features.Features(False, False)
    wanted = _policy(instance)
    why_not = refusal or post_copy.why_not(
        host,
        instance,
        # What Nova makes of it if a destination of before Train says nothing.
        'dst_wants_file_backed_memory' in migrate_data
        and migrate_data.dst_wants_file_backed_memory,
    )
    if why_not and (wanted.post_copy or refusal):
        LOG.warning(
            '%(asked)s and is migrated without: %(why)s',
            {
                'asked': 'The server wants post-copy'
                if wanted.post_copy
                else 'The server was to be migrated with post-copy',
                'why': why_not,
            },
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
        if releases.may_have_several_connections(
            driver
        ) and not host.has_min_version(
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
