"""The driver on real ComputeManagers and conductors: whose wish counts."""

import itertools
from unittest import mock

import pytest
from nova import context as nova_context
from nova import objects
from nova.virt.libvirt import utils as libvirt_utils
from nova.virt.libvirt.driver import LibvirtDriver

from numa_sched.nova.compute import post_copy
from numa_sched.policy import LiveMigrationPolicy
from numa_sched.policy.features import Features, used
from tests import amount
from tests.functional.compute.migrating import (
    AC,
    FAILED,
    PC,
    PERMITS,
    POLICIES,
    STOCK_DRIVER,
    boot,
    configure,
    features_of,
    migrate,
    pause,
    permit,
    restarted,
)


@pytest.fixture
def own_disks(monkeypatch, tmp_path):
    """Hosts that share no storage, so that disks are copied."""
    monkeypatch.setattr(
        LibvirtDriver,
        '_check_shared_storage_test_file',
        lambda *args: False,
    )
    # There are no files of disks here whose sizes could be told.
    monkeypatch.setattr(
        LibvirtDriver, 'get_instance_disk_info', lambda *args, **kwargs: '[]'
    )
    monkeypatch.setattr(
        libvirt_utils,
        'get_instance_path_at_destination',
        lambda instance, migrate_data=None: str(tmp_path / instance.uuid),
    )


@pytest.fixture(scope='module')
def of_each_policy(cloud):
    """One server of each policy, by policy."""
    servers = {pair: boot(cloud, *pair) for pair in POLICIES}
    cloud.residents = {server['id'] for server in servers.values()}
    yield servers
    cloud.residents = set()


# Those that tell one permit from the other.
EACH_RUN = (
    ((True, False), 'shared'),
    ((False, True), 'own'),
)


@pytest.mark.parametrize(
    ('permitted', 'storage'),
    amount.each(itertools.product(PERMITS, ('shared', 'own')), EACH_RUN),
    ids=str,
)
def test_the_wish_counts_and_then_the_configuration(
    cloud, of_each_policy, permitted, storage, request
):
    if storage == 'own':
        request.getfixturevalue('own_disks')
    auto_converge, post_copy = permitted
    # Restarted, as Nova settles its flags then.
    with restarted(
        cloud,
        live_migration_permit_auto_converge=auto_converge,
        live_migration_permit_post_copy=post_copy,
    ):
        seen = features_of(cloud, *of_each_policy.values())
    assert dict(zip(of_each_policy, seen, strict=True)) == {
        pair: used(LiveMigrationPolicy(*pair), Features(*permitted))
        for pair in POLICIES
    }
    assert {move.has('NON_SHARED_INC') for move in cloud.moves.made} == {
        storage == 'own'
    }


@pytest.mark.parametrize(
    ('auto_converge', 'post_copy'),
    amount.each(PERMITS, [(True, True)]),
    ids=str,
)
def test_old_wishes_that_exclude_each_other_are_logged_and_ignored(
    cloud, auto_converge, post_copy
):
    server = boot(cloud)
    rewrite_flavor(server, {AC.flavor_key: 'true', PC.flavor_key: 'true'})
    permit(cloud, auto_converge, post_copy)
    assert features_of(cloud, server) == [
        used(LiveMigrationPolicy(), Features(auto_converge, post_copy))
    ]
    (warning,) = warnings(cloud)
    assert 'exclude each other' in warning


def rewrite_flavor(server, extra_specs):
    """Add extra specs to a server's flavor that no check would let through."""
    instance = objects.Instance.get_by_uuid(
        nova_context.get_admin_context(), server['id'], ['flavor']
    )
    instance.flavor.extra_specs = {
        **instance.flavor.extra_specs,
        **extra_specs,
    }
    instance.save()


def warnings(cloud):
    return messages(cloud, 'WARNING')


def messages(cloud, level):
    """Give what our driver has logged at a level."""
    return [
        record.getMessage()
        for record in cloud.log
        if record.name == 'numa_sched.nova.compute.libvirt'
        and record.levelname == level
    ]


def test_without_image_wishes_the_flavor_alone_counts(cloud):
    server = boot(cloud, None, False)
    permit(cloud, False, True)
    cloud.flags(image_wishes=False, group='numa_sched')
    try:
        assert features_of(cloud, server) == [Features(False, True)]
    finally:
        cloud.flags(image_wishes=True, group='numa_sched')


@pytest.mark.parametrize(
    ('converge', 'copy'),
    amount.each(POLICIES, [(None, True), (True, None)]),
    ids=str,
)
def test_a_paused_server_is_moved_without_post_copy_and_stays_paused(
    cloud, converge, copy
):
    permit(cloud, True, True)
    server = boot(cloud, converge, copy)
    pause(cloud, server)
    (move,) = migrate(cloud, server)
    running = used(LiveMigrationPolicy(converge, copy), Features(True, True))
    assert move.features == (running.auto_converge, False)
    assert 'post-copy off' in messages(cloud, 'INFO')[0]
    cloud.wait_for(server, 'PAUSED')


DEVICES = {
    'a PCI device': (
        'hostdevs',
        {
            'type': 'pci',
            'managed': 'no',
            'domain': '0x0000',
            'bus': '0x81',
            'slot': '0x00',
            'function': '0x1',
        },
    ),
    'persistent memory': (
        'vpmems',
        {'path': '/dev/dax0.0', 'alignsize': 2048, 'size': 4096, 'node': 0},
    ),
}


# Whether auto-converge is used, by wishes, if post-copy cannot be.
WITHOUT_POST_COPY = [((None, True), True), ((False, True), False)]


def give(cloud, server, device):
    """Have the hypervisor say that a server has a device."""
    kind, facts = DEVICES[device]
    connection = cloud.connection(cloud.host_of(server))
    domain = connection.lookupByUUIDString(server['id'])
    domain._def['devices'][kind].append(dict(facts))


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize(
    ('pair', 'auto_converge'),
    amount.each(WITHOUT_POST_COPY, WITHOUT_POST_COPY[:1]),
)
def test_a_server_with_such_a_device_is_moved_without_post_copy(
    cloud, device, pair, auto_converge
):
    permit(cloud, True, True)
    server = boot(cloud, *pair)
    give(cloud, server, device)
    assert features_of(cloud, server) == [Features(auto_converge, False)]
    (warning,) = warnings(cloud)
    assert warning.endswith(f'it has {device}')


def test_no_warning_where_nobody_wanted_post_copy(cloud):
    permit(cloud, False, True)
    server = boot(cloud)
    give(cloud, server, 'a PCI device')
    assert features_of(cloud, server) == [Features(False, False)]
    assert warnings(cloud) == []


@pytest.mark.long
def test_with_nova_s_driver_a_device_makes_the_move_fail(cloud):
    server = boot(cloud)
    give(cloud, server, 'a PCI device')
    with restarted(
        cloud,
        driver=STOCK_DRIVER,
        live_migration_permit_post_copy=True,
    ):
        cloud.start_live_migration(server)
        assert cloud.wait_for_migration(server)['status'] in FAILED


@pytest.mark.parametrize(
    ('pair', 'without'),
    [((None, True), (True, False)), ((False, None), (False, False))],
)
def test_a_server_goes_without_post_copy_where_qemu_refuses_it(
    cloud, pair, without
):
    permit(cloud, True, True)
    server = boot(cloud, *pair)
    cloud.moves.refusing.update(cloud.computes)
    (first, second), status = moves_of(cloud, server)
    assert status == 'completed'
    assert (first.features, second.features) == ((False, True), without)
    (warning,) = warnings(cloud)
    assert 'Postcopy is not supported' in warning
    cloud.wait_for(server, 'ACTIVE')


def moves_of(cloud, server):
    """Live-migrate; give all that was tried, and how the migration ended."""
    before = len(cloud.moves.made)
    cloud.start_live_migration(server)
    status = cloud.wait_for_migration(server)['status']
    return cloud.moves.made[before:], status


def test_what_else_fails_is_not_tried_again(cloud):
    server = boot(cloud, None, True)
    # libvirt, not QEMU, refuses it before anything begins.
    give(cloud, server, 'a PCI device')
    with mock.patch.object(post_copy, 'why_not', return_value=None):
        moves, status = moves_of(cloud, server)
    assert len(moves) == 1
    assert status in FAILED


def test_a_server_goes_without_post_copy_where_memory_is_in_files(cloud):
    permit(cloud, False, True)
    server = boot(cloud)
    configure(cloud, file_backed_memory=16384)
    try:
        assert features_of(cloud, server) == [Features(False, False)]
    finally:
        configure(cloud, file_backed_memory=0)
    assert warnings(cloud) == []


def test_a_tunnel_has_no_post_copy(cloud):
    server = boot(cloud, None, True, host='one')
    with restarted(cloud, 'one', live_migration_tunnelled=True):
        (move,) = migrate(cloud, server)
    assert move.has('TUNNELLED')
    assert not move.has('POSTCOPY')
    *_, warning = warnings(cloud)
    assert 'is migrated without: libvirt does not tunnel' in warning
