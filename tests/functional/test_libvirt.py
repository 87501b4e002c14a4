"""The driver on real ComputeManagers and conductors: whose wish counts."""

import itertools
import json

import pytest
from nova import context as nova_context
from nova import objects
from nova.tests.fixtures import libvirt as fakelibvirt
from nova.virt.libvirt import utils as libvirt_utils
from nova.virt.libvirt.driver import LibvirtDriver
from nova.virt.libvirt.host import Host

from numa_sched.features import Features, used
from numa_sched.policy import WISHES, LiveMigrationPolicy
from tests.cloud import machines, started_cloud

AC, PC = WISHES
TRAITS = {wish.trait for wish in WISHES}
PERMITS = tuple(itertools.product((False, True), repeat=2))
# All pairs of wishes but the one that is refused.
POLICIES = tuple(
    pair
    for pair in itertools.product((None, True, False), repeat=2)
    if pair != (True, True)
)


@pytest.fixture(scope='module')
def cloud():
    """A cloud of two hosts that run our driver."""
    with started_cloud(
        compute_driver='numa_sched.LibvirtDriver', fit_strategy='pack'
    ) as running:
        running.flags(max_concurrent_live_migrations=0)
        for name in ('one', 'two'):
            running.add_host(name, machines.symmetric(2, 16))
        yield running


@pytest.fixture(autouse=True)
def _configuration(cloud):
    """Have each test begin with Nova's defaults."""
    yield
    cloud.moves.held.clear()
    permit(cloud, False, False)


def permit(cloud, auto_converge, post_copy):
    configure(
        cloud,
        live_migration_permit_auto_converge=auto_converge,
        live_migration_permit_post_copy=post_copy,
    )


def configure(cloud, **options):
    cloud.flags(group='libvirt', **options)


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


def boot(cloud, auto_converge=None, post_copy=None, **specs):
    """Start a server; the flavor tells one wish, the image the other."""
    wishes = {}
    if auto_converge is not None:
        specs['compute__live_migration_auto_converge'] = str(auto_converge)
    if post_copy is not None:
        wishes[PC.image_key] = str(post_copy)
    return cloud.boot(
        cloud.add_flavor(hw__cpu_policy='dedicated', **specs),
        image=cloud.add_image(**wishes),
    )


def migrate(cloud, *servers):
    """Live-migrate servers at the same time; give the moves."""
    for server in servers:
        cloud.start_live_migration(server)
    for server in servers:
        assert cloud.wait_for_migration(server)['status'] == 'completed'
    return [cloud.moves.of(server['id']) for server in servers]


def features_of(cloud, *servers):
    return [Features(*move.features) for move in migrate(cloud, *servers)]


@pytest.fixture(scope='module')
def of_each_policy(cloud):
    """One server of each policy, by policy."""
    servers = {pair: boot(cloud, *pair) for pair in POLICIES}
    cloud.residents = {server['id'] for server in servers.values()}
    yield servers
    cloud.residents = set()


@pytest.mark.parametrize('storage', ['shared', 'own'])
@pytest.mark.parametrize('permitted', PERMITS, ids=str)
def test_the_wish_counts_and_then_the_configuration(
    cloud, of_each_policy, permitted, storage, request
):
    if storage == 'own':
        request.getfixturevalue('own_disks')
    permit(cloud, *permitted)
    seen = features_of(cloud, *of_each_policy.values())
    assert dict(zip(of_each_policy, seen, strict=True)) == {
        pair: used(LiveMigrationPolicy(*pair), Features(*permitted))
        for pair in POLICIES
    }
    assert {move.has('NON_SHARED_INC') for move in cloud.moves.made} == {
        storage == 'own'
    }
