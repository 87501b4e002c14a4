"""What may be gone when a request reaches the scheduler."""

import time
from unittest import mock

import pytest
from nova import context as nova_context
from nova import exception, objects
from nova.conductor.manager import ComputeTaskManager
from nova.scheduler import request_filter

from numa_sched.nova.scheduler import request_filters
from numa_sched.policy import WISHES
from tests.cloud import machines
from tests.cloud.servers import POLL_SECONDS

AC, PC = WISHES
CONTEXT = nova_context.get_admin_context()


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    cloud.add_host('plain', machines.symmetric(1, 8))
    cloud.add_host('copying', machines.symmetric(1, 16), traits=[PC.trait])


class Servers(dict):
    """The ids of the servers of a request, by name.

    They are asked for one by one: Nova's fixtures may stand still when
    servers are listed while others are made.
    """

    def __init__(self, cloud):
        super().__init__()
        self.cloud = cloud

    def become(self, *names, state='ACTIVE'):
        """Give the servers of these names once they are in a state."""
        until(lambda: self)
        return [
            self.cloud.wait_for({'id': self[name]}, state) for name in names
        ]

    def go(self, *names):
        """Wait until nothing is left of the servers of these names."""
        until(lambda: self)
        until(lambda: all(is_gone(self[name]) for name in names))


def until(met):
    end = time.monotonic() + 30
    while not met():
        assert time.monotonic() < end
        time.sleep(POLL_SECONDS)


def is_gone(server):
    try:
        objects.InstanceMapping.get_by_instance_uuid(CONTEXT, server)
    except exception.InstanceMappingNotFound:
        return True
    return False


@pytest.fixture
def before(cloud, monkeypatch):
    """Give a function that has something happen before the first filter.

    It happens once, is told the request and the ids of the servers that are
    waiting to be built, and the function gives these.
    """

    def arrange(what):
        waiting, servers = [what], Servers(cloud)

        def happen(context, request_spec):
            while waiting:
                known = {
                    each.instance.display_name: each.instance_uuid
                    for each in objects.BuildRequestList.get_all(CONTEXT)
                }
                waiting.pop()(request_spec, known)
                servers.update(known)
            return False

        monkeypatch.setattr(
            request_filter,
            'ALL_REQUEST_FILTERS',
            [happen, *request_filter.ALL_REQUEST_FILTERS],
        )
        return servers

    return arrange


def deleting(cloud, *names):
    """Delete servers, as their user would."""

    def delete(request_spec, known):
        assert request_spec.instance_uuid == known[names[0]]
        for name in names:
            cloud.api.delete_server(known[name])

    return delete


def several(cloud, image=None, count=3, flavor=None, name='server'):
    """Ask for servers named server-1 and so on."""
    server = cloud._build_server(
        image_uuid=cloud.add_image() if image is None else image,
        flavor_id=flavor or cloud.add_flavor(hw__cpu_policy='dedicated'),
        networks='none',
        name=name,
    )
    server.update(min_count=count, max_count=count)
    return cloud.api.post_server({'server': server})


def hosts(servers):
    return {server['OS-EXT-SRV-ATTR:host'] for server in servers}


def test_siblings_of_a_server_that_is_deleted_become_active(cloud, before):
    servers = before(deleting(cloud, 'server-1'))
    several(cloud)
    servers.become('server-2', 'server-3')
    servers.go('server-1')


@pytest.mark.parametrize('source', ['flavor', 'image'])
def test_siblings_of_a_server_that_is_deleted_keep_their_wish(
    cloud, before, source
):
    servers = before(deleting(cloud, 'server-1', 'server-2'))
    wishes = {
        'flavor': {
            'flavor': cloud.add_flavor(
                hw__cpu_policy='dedicated',
                compute__live_migration_post_copy='true',
            )
        },
        'image': {'image': cloud.add_image(**{PC.image_key: 'true'})},
    }
    several(cloud, count=4, **wishes[source])
    assert hosts(servers.become('server-3', 'server-4')) == {'copying'}


def test_siblings_of_a_server_that_is_deleted_are_refused_like_it(
    cloud, nova, before
):
    servers = before(deleting(cloud, 'server-1'))
    nova.request(
        'POST',
        '/servers',
        {
            'server': {
                'name': 'server',
                'flavorRef': cloud.add_flavor(
                    compute__live_migration_post_copy='false'
                ),
                'imageRef': cloud.add_image(**{PC.image_key: 'true'}),
                'networks': 'none',
                'min_count': 2,
            }
        },
    )
    (server,) = servers.become('server-2', state='ERROR')
    assert 'make them agree' in server['fault']['message']


@pytest.fixture
def also(cloud, monkeypatch):
    """Give a function that has another request wait beside a server's own.

    It is for the same flavor, and its image forbids what the other's wants.
    """

    def ask(other_image, count, *, without_first):
        def meanwhile(request_spec, known):
            monkeypatch.setattr(
                ComputeTaskManager, 'schedule_and_build_instances', never
            )
            cloud.glance.images[other_image]['properties'] = {
                PC.image_key: 'false'
            }
            first = several(
                cloud,
                image=other_image,
                flavor=request_spec.flavor.flavorid,
                count=count,
                name='other',
            )
            if without_first:
                cloud.api.delete_server(first['id'])
            deleting(cloud, 'server-1')(request_spec, known)

        def never(*args, **kwargs):
            """Leave the servers of the other request where they are."""

        return meanwhile

    return ask


@pytest.mark.parametrize(
    ('same_image', 'count', 'without_first'),
    [(True, 2, False), (True, 4, True), (False, 3, True)],
    ids=[
        'its first server is there',
        'it is for more servers',
        'it is for another image',
    ],
)
def test_another_request_of_the_same_user_is_no_sibling(
    cloud, before, also, same_image, count, without_first
):
    """The wish of one is not lost to the other, nor taken from it."""
    image = cloud.add_image(**{PC.image_key: 'true'})
    other = image if same_image else cloud.add_image()
    servers = before(also(other, count, without_first=without_first))
    several(cloud, image=image)
    assert hosts(servers.become('server-2', 'server-3')) == {'copying'}


def test_where_nothing_tells_siblings_from_others_they_are_refused(
    cloud, before, also
):
    image = cloud.add_image(**{PC.image_key: 'true'})
    servers = before(also(image, 3, without_first=True))
    several(cloud, image=image)
    for server in servers.become('server-2', 'server-3', state='ERROR'):
        assert 'ask for them again' in server['fault']['message']


def test_a_server_that_is_deleted_alone_leaves_nothing(cloud, before):
    servers = before(deleting(cloud, 'server'))
    several(cloud, count=1, image=cloud.add_image(**{PC.image_key: 'true'}))
    servers.go('server')


def test_servers_that_are_all_deleted_leave_nothing(cloud, before):
    servers = before(deleting(cloud, 'server-1', 'server-2'))
    several(cloud, count=2)
    servers.go('server-1', 'server-2')


def test_a_server_whose_record_in_its_cell_is_gone_has_no_wish(cloud, before):
    """It was mapped to a cell, and deleted there."""

    def map_and_delete(request_spec, known):
        server = request_spec.instance_uuid
        mapping = objects.InstanceMapping.get_by_instance_uuid(CONTEXT, server)
        mapping.cell_mapping = next(
            cell
            for cell in objects.CellMappingList.get_all(CONTEXT)
            if not cell.is_cell0()
        )
        mapping.save()
        objects.BuildRequest.get_by_instance_uuid(CONTEXT, server).destroy()

    servers = before(map_and_delete)
    several(cloud)
    servers.become('server-2', 'server-3')
    servers.go('server-1')


def test_an_image_that_is_deleted_still_has_its_wish(cloud, before):
    image = cloud.add_image(**{PC.image_key: 'true'})
    servers = before(lambda *told: cloud.glance.delete(None, image))
    several(cloud, image=image, count=1)
    assert hosts(servers.become('server')) == {'copying'}


def test_servers_beyond_the_quota_say_so(cloud, before):
    """Their build requests go away when the quota is looked at again."""
    servers = before(lambda *told: cloud.flags(instances=1, group='quota'))
    try:
        several(cloud, count=2)
        ended = servers.become('server-1', 'server-2', state='ERROR')
    finally:
        cloud.flags(instances=-1, group='quota')
    for server in ended:
        assert 'quota' in server['fault']['message'].lower()


def test_a_read_that_fails_still_refuses_a_new_server(cloud):
    with mock.patch(
        'numa_sched.nova.images.properties',
        side_effect=exception.CellTimeout(),
    ):
        server = cloud.boot(cloud.add_flavor(), state='ERROR')
    assert 'cannot be read' in server['fault']['message']


def test_a_server_that_is_deleted_before_it_moves_has_no_wish(cloud):
    server = cloud.boot(cloud.add_flavor(hw__cpu_policy='dedicated'))
    spec = objects.RequestSpec.get_by_instance_uuid(CONTEXT, server['id'])
    mapping = objects.InstanceMapping.get_by_instance_uuid(
        CONTEXT, server['id']
    )
    spec.requested_destination = objects.Destination(cell=mapping.cell_mapping)
    cloud.delete_all()
    assert not request_filters.live_migration_policy(CONTEXT, spec)
    (record,) = cloud.log
    assert 'cannot be read' in record.getMessage()
