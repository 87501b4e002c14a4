"""Wishes that a rebuild or a resize brings into a server that exists.

The API lets everything in, as it does after a lookup that failed.
"""

import time
from unittest import mock

import pytest
from keystoneauth1 import exceptions as ks_exceptions
from nova import context as nova_context
from nova import exception, objects
from nova.scheduler.client.report import SchedulerReportClient
from nova.virt.libvirt.driver import LibvirtDriver

from numa_sched.policy import WISHES
from tests.cloud import machines
from tests.cloud.servers import POLL_SECONDS
from tests.functional.api.requests import old_flavor

AC, PC = WISHES


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    cloud.add_host('plain', machines.symmetric(1, 8))
    cloud.add_host('plain2', machines.symmetric(1, 8))
    cloud.add_host('copying', machines.symmetric(1, 16), traits=[PC.trait])


def flavor(cloud, post_copy=None, vcpus=1, **extra_specs):
    if post_copy is not None:
        extra_specs['compute__live_migration_post_copy'] = post_copy
    return cloud.add_flavor(vcpus, hw__cpu_policy='dedicated', **extra_specs)


BOTH = {PC.flavor_key: 'true', AC.flavor_key: 'on'}


def image(cloud, post_copy=None, **properties):
    if post_copy is not None:
        properties[PC.image_key] = post_copy
    return cloud.add_image(**properties)


def act(nova, server, name, **body):
    response = nova.request(
        'POST', f'/servers/{server["id"]}/action', {name: body}
    )
    assert response.status_int == 202, response.text


def rebuild(cloud, nova, server, to, state='ACTIVE'):
    act(nova, server, 'rebuild', imageRef=to)
    return cloud.wait_for(server, state)


def old_contradiction(cloud, server):
    """Have a server wish for what its flavor forbids, from long ago."""
    instance = objects.Instance.get_by_uuid(
        nova_context.get_admin_context(),
        server['id'],
        expected_attrs=['system_metadata'],
    )
    instance.system_metadata[f'image_{PC.image_key}'] = 'true'
    instance.save()
    cloud.forget()


def warnings(cloud, server):
    return [
        record.getMessage()
        for record in cloud.log
        if record.levelname == 'WARNING'
        and server['id'] in record.getMessage()
    ]


def event_message(cloud, server):
    """Give what the last action of a server tells its user of its failure."""
    action = cloud.api.get_instance_actions(server['id'])[0]
    events = cloud.api.api_get(
        f'/servers/{server["id"]}/os-instance-actions/{action["request_id"]}'
    ).body['instanceAction']['events']
    return ' '.join(each['details'] or '' for each in events)


def test_a_rebuild_on_a_host_without_the_trait_is_refused(cloud, nova):
    server = cloud.boot(flavor(cloud), host='plain')
    server = rebuild(cloud, nova, server, image(cloud, 'true'), 'ERROR')
    assert PC.trait in server['fault']['message']
    assert 'which the host of the server lacks' in server['fault']['message']
    assert PC.trait in event_message(cloud, server)


def test_a_rebuild_on_a_host_with_the_trait_goes_through(cloud, nova):
    server = cloud.boot(flavor(cloud), host='copying')
    cloud.forget()
    rebuild(cloud, nova, server, image(cloud, 'true'))
    told = [r.getMessage() for r in cloud.log if PC.trait in r.getMessage()]
    assert told == [
        f'Server {server["id"]} requires a host with the trait {PC.trait} '
        f"(image key {PC.image_key} has the value 'true')"
    ]


def test_a_wish_of_the_flavor_is_not_held_against_a_rebuild(cloud, nova):
    """The host has lost the trait; the rebuild makes that no worse."""
    server = cloud.boot(flavor(cloud, 'true'))
    cloud.set_traits('copying', remove=[PC.trait])
    try:
        rebuild(cloud, nova, server, image(cloud))
        rebuild(cloud, nova, server, image(cloud, 'true'))
    finally:
        cloud.set_traits('copying', add=[PC.trait])


def test_a_rebuild_that_brings_in_a_contradiction_is_refused(cloud, nova):
    server = cloud.boot(flavor(cloud, 'false'), host='copying')
    server = rebuild(cloud, nova, server, image(cloud, 'true'), 'ERROR')
    assert 'make them agree' in server['fault']['message']
    assert 'make them agree' in event_message(cloud, server)


def test_a_rebuild_puts_a_refused_server_right(cloud, nova):
    """Nova leaves the properties of the refused image on the server."""
    first = image(cloud)
    server = cloud.boot(flavor(cloud, 'false'), image=first)
    rebuild(cloud, nova, server, image(cloud, 'true'), 'ERROR')
    rebuild(cloud, nova, server, first)
    cloud.forget()
    cloud.live_migrate(server)
    assert warnings(cloud, server) == []


def test_nova_leaves_the_properties_of_a_refused_image_on_the_server(
    cloud, nova
):
    first = image(cloud)
    server = cloud.boot(flavor(cloud), image=first, host='plain')
    required = {f'trait:{PC.trait}': 'required'}
    rebuild(cloud, nova, server, image(cloud, **required), 'ERROR')
    instance = objects.Instance.get_by_uuid(
        nova_context.get_admin_context(),
        server['id'],
        expected_attrs=['system_metadata'],
    )
    assert instance.image_ref == first
    assert f'image_trait:{PC.trait}' in instance.system_metadata


def test_the_same_image_again_is_not_refused(cloud, nova):
    first = image(cloud)
    server = cloud.boot(flavor(cloud, 'false'), image=first)
    old_contradiction(cloud, server)
    rebuild(cloud, nova, server, first)


def test_a_flavor_that_is_wrong_by_itself_is_rebuilt_with_a_warning(
    cloud, nova
):
    server = cloud.boot(flavor(cloud))
    instance = objects.Instance.get_by_uuid(
        nova_context.get_admin_context(),
        server['id'],
        expected_attrs=['flavor'],
    )
    instance.flavor.extra_specs = {PC.flavor_key: 'maybe'}
    instance.save()
    cloud.forget()
    rebuild(cloud, nova, server, image(cloud))
    (line,) = warnings(cloud, server)
    assert 'not a boolean' in line


def test_images_without_a_say_are_not_looked_at(cloud, nova):
    cloud.flags(image_wishes=False, group='numa_sched')
    try:
        server = cloud.boot(flavor(cloud, 'false'), host='plain')
        rebuild(cloud, nova, server, image(cloud, 'true'))
    finally:
        cloud.flags(image_wishes=True, group='numa_sched')


def test_a_rebuild_is_refused_if_the_traits_cannot_be_read(cloud, nova):
    server = cloud.boot(flavor(cloud), host='copying')
    with mock.patch.object(
        SchedulerReportClient,
        'get_provider_traits',
        side_effect=ks_exceptions.ConnectFailure('down'),
    ):
        server = rebuild(cloud, nova, server, image(cloud, 'true'), 'ERROR')
    assert 'cannot be read' in server['fault']['message']


def test_a_rebuild_without_a_wish_asks_placement_for_nothing(cloud, nova):
    server = cloud.boot(flavor(cloud))
    with mock.patch.object(
        SchedulerReportClient,
        'get_provider_traits',
        side_effect=ks_exceptions.ConnectFailure('down'),
    ):
        rebuild(cloud, nova, server, image(cloud, 'false'))


def resize(cloud, nova, server, to, state='VERIFY_RESIZE'):
    with mock.patch.object(
        LibvirtDriver, 'migrate_disk_and_power_off', return_value='{}'
    ):
        act(nova, server, 'resize', flavorRef=to)
        return cloud.wait_for(server, state)


def refused_resize(cloud, nova, server, to):
    """Give why a resize was refused; the server stays as it was."""
    assert cloud.fault_of(server) is None
    act(nova, server, 'resize', flavorRef=to)
    end = time.monotonic() + 30
    while cloud.fault_of(server) is None and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    assert cloud.wait_for(server, 'ACTIVE')['flavor']['vcpus'] == 1
    return cloud.fault_of(server)


@pytest.mark.parametrize(
    ('old', 'of_image', 'new', 'why'),
    [
        (None, 'false', 'true', 'make them agree'),
        ('false', 'true', 'maybe', 'not a boolean'),
    ],
    ids=['against the image', 'in another way than before'],
)
def test_a_resize_that_brings_in_a_contradiction_is_refused(
    cloud, nova, old, of_image, new, why
):
    server = cloud.boot(flavor(cloud, old), image=image(cloud))
    old_contradiction(cloud, server)
    instance = objects.Instance.get_by_uuid(
        nova_context.get_admin_context(),
        server['id'],
        expected_attrs=['system_metadata'],
    )
    instance.system_metadata[f'image_{PC.image_key}'] = of_image
    instance.save()
    to = old_flavor(cloud, {PC.flavor_key: new}, vcpus=2)
    assert why in refused_resize(cloud, nova, server, to)


def test_a_resize_to_a_flavor_that_is_wrong_by_itself_is_refused(cloud, nova):
    server = cloud.boot(flavor(cloud))
    both = old_flavor(cloud, BOTH, vcpus=2)
    cloud.flags(image_wishes=False, group='numa_sched')
    try:
        why = refused_resize(cloud, nova, server, both)
    finally:
        cloud.flags(image_wishes=True, group='numa_sched')
    assert 'at most one of them' in why
    # Nova's conductor puts this in place of the reason.
    assert 'No valid host found for resize' in event_message(cloud, server)


@pytest.mark.parametrize('new', ['false', None], ids=['kept', 'taken away'])
def test_a_resize_of_a_server_with_an_old_contradiction_goes_through(
    cloud, nova, new
):
    server = cloud.boot(flavor(cloud, 'false'))
    old_contradiction(cloud, server)
    resize(cloud, nova, server, flavor(cloud, new, 2))
    told = warnings(cloud, server)
    assert bool(told) is (new == 'false')
    assert all('make them agree' in line for line in told)
    assert cloud.revert(server)


def unshelve(cloud, server):
    cloud.shelve(server)
    cloud.unshelve(server)


@pytest.mark.parametrize(
    'move',
    [
        lambda cloud, server: cloud.live_migrate(server),
        lambda cloud, server: cloud.cold_migrate(server),
        lambda cloud, server: cloud.evacuate(server),
        unshelve,
    ],
    ids=['live migration', 'cold migration', 'evacuation', 'unshelve'],
)
def test_a_move_of_a_server_with_an_old_contradiction_goes_through(
    cloud, move
):
    server = cloud.boot(flavor(cloud, 'false'))
    old_contradiction(cloud, server)
    move(cloud, server)
    told = warnings(cloud, server)
    assert told
    assert all('make them agree' in line for line in told)


def test_a_flavor_left_behind_by_a_failed_resize_does_not_stop_evacuation(
    cloud,
):
    server = cloud.boot(flavor(cloud, 'false'))
    context = nova_context.get_admin_context()
    spec = objects.RequestSpec.get_by_instance_uuid(context, server['id'])
    wrong = old_flavor(cloud, {**BOTH, 'hw:cpu_policy': 'dedicated'})
    spec.flavor = objects.Flavor.get_by_flavor_id(context, wrong)
    spec.save()
    cloud.forget()
    cloud.evacuate(server)
    assert warnings(cloud, server)


def test_a_server_that_is_gone_has_no_wish_on_rebuild(cloud, nova):
    """Nova says what became of it."""
    server = cloud.boot(flavor(cloud))
    gone = exception.InstanceNotFound(instance_id=server['id'])
    with mock.patch(
        'numa_sched.nova.scheduler.source.instance', side_effect=gone
    ):
        rebuild(cloud, nova, server, image(cloud, 'true'))


def test_a_rebuild_is_refused_if_the_server_cannot_be_read(cloud, nova):
    server = cloud.boot(flavor(cloud))
    with mock.patch(
        'numa_sched.nova.scheduler.source.instance',
        side_effect=exception.CellTimeout(),
    ):
        server = rebuild(cloud, nova, server, image(cloud), 'ERROR')
    assert 'cannot be read' in server['fault']['message']
