"""Migrations over several connections, from 2026.1 on."""

import contextlib
from unittest import mock

from nova.tests.fixtures import libvirt as fakelibvirt
from nova.virt.libvirt import driver as libvirt_driver

from numa_sched.nova import releases
from tests.functional.compute.migrating import boot, migrate, restarted

# VIR_MIGRATE_PARALLEL of libvirt, which the fake one of old has not.
PARALLEL = 1 << 17


def connections(move):
    """Give whether there may be several connections, and how many."""
    return move.has('PARALLEL'), move.params.get(
        fakelibvirt.VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS
    )


@contextlib.contextmanager
def all_of_version(cloud, version):
    """Have all hypervisors be of another version."""
    with contextlib.ExitStack() as stack:
        for host in cloud.computes:
            info = cloud.connection(host).host_info
            stack.enter_context(
                mock.patch.object(info, 'hypervisor_version', version)
            )
        yield


if releases.may_have_several_connections(libvirt_driver):

    def test_several_connections_are_used_where_post_copy_is_not(cloud):
        wanting, other = boot(cloud, None, True), boot(cloud, None, False)
        with restarted(cloud, live_migration_parallel_connections=4):
            with_post_copy, without = migrate(cloud, wanting, other)
        assert connections(with_post_copy) == (False, None)
        assert connections(without) == (True, 4)

    def test_several_connections_are_used_with_post_copy_where_qemu_can(cloud):
        server = boot(cloud, None, True)
        with (
            all_of_version(cloud, 10_001_000),
            restarted(cloud, live_migration_parallel_connections=4),
        ):
            (move,) = migrate(cloud, server)
        assert move.features == (False, True)
        assert connections(move) == (True, 4)

else:

    def test_servers_are_migrated_over_one_connection(cloud):
        (move,) = migrate(cloud, boot(cloud, None, False))
        assert not move.flags & PARALLEL
