"""Hosts of two releases of Nova stand side by side, as in an upgrade."""

import json

import pytest

from numa_sched import policy
from tests.services import compute, install, recorded

UPGRADED, NOT_YET = ('node1', 'node5'), ('node2', 'node6')
_, POST_COPY = (each.flavor_key for each in policy.WISHES)


@pytest.fixture(scope='module')
def upgrading(cloud, disk):
    """The cloud, where some hosts have the release of Nova before.

    All of them lend a device, which no server wants. In the end they are
    upgraded: a cloud cannot become so, only begin so.
    """
    assert cloud.ours is None, 'this comes first'
    hosts = cloud.nova.hosts
    for name in UPGRADED + NOT_YET:
        hosts[name].lends_devices = True
    for name in NOT_YET:
        hosts[name].release = disk / install.BEFORE
    cloud.become(ours=True)
    cloud.openstack(
        *('flavor', 'set', 'pinned.8', '--property', f'{POST_COPY}=true')
    )
    yield cloud
    cloud.openstack('flavor', 'unset', 'pinned.8', '--property', POST_COPY)
    cloud.delete_servers()
    for host in hosts.values():
        host.lends_devices, host.release = False, None
    cloud.become(ours=True, again=True)


def create(cloud, host, flavor):
    """Give a server that was created on a host."""
    name = f'{flavor}-on-{host}'
    return cloud.create(name, '--host', host, flavor=flavor)


def cells_of(cloud, server):
    """Give the cells of its host that a server has, as Nova says."""
    told = cloud.connection.compute.get(f'/servers/{server["id"]}/topology')
    return [cell['host_node'] for cell in told.json()['nodes']]


@pytest.mark.parametrize('host', UPGRADED + NOT_YET)
def test_a_server_gets_the_cell_that_a_claim_of_its_host_s_release_takes(
    host, upgrading
):
    told = json.loads(
        upgrading.tool('rank', '--flavor=pinned.4', '-f', 'json')
    )
    (expected,) = (each['Cells'] for each in told if each['Host'] == host)
    (found,) = cells_of(upgrading, create(upgrading, host, 'pinned.4'))
    assert [str(found)] == expected
    assert (found == compute.cell_with_device(host)) == (host in NOT_YET)


@pytest.mark.parametrize(
    ('source', 'destination'),
    [(NOT_YET[0], UPGRADED[0]), (UPGRADED[1], NOT_YET[1])],
)
def test_a_server_moves_as_it_wishes(source, destination, upgrading):
    server = create(upgrading, source, 'pinned.8')
    upgrading.openstack(
        *('server', 'migrate', '--live-migration', '--host', destination),
        server['name'],
    )
    moved = upgrading.settled(server['name'], but=source)
    assert moved['status'] == 'ACTIVE'
    (move,) = recorded.moves_of(upgrading.directory, server['id'])
    assert move == [destination, False, True]


def test_nothing_of_ours_has_failed_unnoticed(upgrading):
    assert not upgrading.our_errors()
