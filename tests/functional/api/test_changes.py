"""Servers and flavors that exist: what a change brings in is checked."""

import pytest
from nova import context as nova_context
from nova import exception, objects
from nova.scheduler.client.report import SchedulerReportClient

from tests.functional.api.requests import (
    AC,
    PC,
    act,
    flavor_specs,
    image_properties,
    is_refused,
    nothing_built,
    old_flavor,
    reason,
    server,
)

pytestmark = pytest.mark.usefixtures('two_hosts')


def load(server):
    return objects.Instance.get_by_uuid(
        nova_context.get_admin_context(),
        server,
        expected_attrs=['system_metadata', 'flavor'],
    )


def properties_of(server):
    instance = load(server)
    return dict(instance.system_metadata), instance.flavor.flavorid


FLAVOR_AND_IMAGE = [
    (('true', None), ('false', None), 'make them agree'),
    (('true', None), (None, 'true'), 'at most one'),
    ((None, None), ('true', 'true'), 'at most one'),
    ((None, None), ('maybe', None), 'not a boolean'),
]


@pytest.mark.parametrize(
    ('properties', 'why'),
    [
        ({PC.flavor_key: 'true'}, f'did you mean {PC.image_key}?'),
        ({'postcopy': 'true'}, f'did you mean {PC.image_key}?'),
        (
            {f'trait:{AC.trait}': 'forbidden'},
            f'requires the trait forbidden by image key trait:{AC.trait}',
        ),
    ],
    ids=['spelling of the flavor', 'abridged', 'forbidden trait'],
)
def test_a_new_image_with_a_lost_or_forbidden_wish_is_refused(
    cloud, door, servers, properties, why
):
    image = cloud.add_image(**properties)
    server = servers(('true', None))
    assert why in reason(act(door, server, 'rebuild', {'imageRef': image}))


@pytest.mark.parametrize(
    ('specs', 'why'),
    [
        ({PC.image_key: 'true'}, f'did you mean {PC.flavor_key}?'),
        (
            {f'trait:{AC.trait}': 'forbidden'},
            f'requires the trait forbidden by flavor key trait:{AC.trait}',
        ),
    ],
    ids=['spelling of the image', 'forbidden trait'],
)
def test_a_new_flavor_with_a_lost_or_forbidden_wish_is_refused(
    cloud, door, servers, specs, why
):
    flavor = old_flavor(cloud, specs)
    server = servers((None, None), ('true', None))
    assert why in reason(act(door, server, 'resize', {'flavorRef': flavor}))


@pytest.mark.parametrize(('of_flavor', 'of_image', 'why'), FLAVOR_AND_IMAGE)
def test_a_new_image_must_agree_with_the_flavor_of_the_server(
    cloud, door, servers, of_flavor, of_image, why
):
    server = servers(of_flavor)
    image = cloud.add_image(**image_properties(*of_image))
    before = properties_of(server)
    found = reason(act(door, server, 'rebuild', {'imageRef': image}))
    assert why in found
    assert image in found
    assert server in found
    assert properties_of(server) == before
    assert cloud.api.get_server(server)['status'] == 'ACTIVE'


@pytest.mark.parametrize(
    ('of_image', 'of_flavor', 'why'),
    [
        (('true', None), ('false', None), 'make them agree'),
        (('true', None), (None, 'true'), 'at most one'),
        ((None, None), ('true', 'true'), 'at most one'),
        ((None, None), ('maybe', None), 'not a boolean'),
    ],
)
def test_a_new_flavor_must_agree_with_the_image_of_the_server(
    cloud, door, servers, of_image, of_flavor, why
):
    server = servers((None, None), of_image)
    flavor = old_flavor(cloud, flavor_specs(*of_flavor))
    before = properties_of(server)
    found = reason(act(door, server, 'resize', {'flavorRef': flavor}))
    assert why in found
    assert flavor in found
    assert properties_of(server) == before


def test_a_flavor_and_an_image_that_agree_are_let_in(cloud, servers):
    server = servers(('true', None))
    image = cloud.add_image(**image_properties('yes', 'false'))
    cloud.api.post_server_action(server, {'rebuild': {'imageRef': image}})
    cloud.wait_for({'id': server}, 'ACTIVE')
    assert properties_of(server)[0][f'image_{AC.image_key}'] == 'yes'
    flavor = old_flavor(cloud, flavor_specs('on', None))
    cloud.resize({'id': server}, flavor)
    resized = cloud.api.get_server(server)
    cloud.revert({'id': server})
    assert resized['status'] == 'VERIFY_RESIZE'


def test_what_a_rebuild_replaces_does_not_count(cloud, servers):
    server = servers((None, 'true'), (None, 'true'))
    image = cloud.add_image(**image_properties('false', None))
    cloud.api.post_server_action(server, {'rebuild': {'imageRef': image}})
    cloud.wait_for({'id': server}, 'ACTIVE')
    assert f'image_{PC.image_key}' not in properties_of(server)[0]


@pytest.fixture
def old_server(cloud, servers):
    """A server from before the filter, whose wishes clash already."""
    server = servers(('true', None), ('true', None))
    instance = load(server)
    instance.system_metadata[f'image_{AC.image_key}'] = 'maybe'
    instance.flavor.extra_specs[PC.flavor_key] = 'true'
    instance.save()
    return server


def test_a_server_that_is_wrong_already_can_be_changed_for_the_better(
    cloud, old_server
):
    cloud.resize({'id': old_server}, old_flavor(cloud, {}))
    resized = cloud.api.get_server(old_server)
    cloud.revert({'id': old_server})
    assert resized['status'] == 'VERIFY_RESIZE'
    image = cloud.add_image()
    cloud.api.post_server_action(old_server, {'rebuild': {'imageRef': image}})
    cloud.wait_for({'id': old_server}, 'ACTIVE')
    assert f'image_{AC.image_key}' not in properties_of(old_server)[0]


def test_unshelving_brings_in_no_wish_even_if_its_snapshot_has_one(
    cloud, servers
):
    server = servers(('false', None))
    cloud.shelve({'id': server})
    shelved = properties_of(server)[0]['shelved_image_id']
    cloud.glance.images[shelved]['properties'].update(
        image_properties('true', 'true')
    )
    before = {
        key: value
        for key, value in properties_of(server)[0].items()
        if key.startswith('image_')
    }
    cloud.unshelve({'id': server})
    after = properties_of(server)[0]
    assert {key: after.get(key) for key in before} == before
    assert f'image_{PC.image_key}' not in after


# A rebuild keeps the host.


@pytest.fixture
def on_plain_host(cloud):
    """Give servers on a host that can do neither."""
    cloud.set_traits('host1', remove=[AC.trait, PC.trait])
    cloud.set_traits('host2', remove=[AC.trait, PC.trait])
    yield lambda of_image=(None, None): cloud.boot(
        old_flavor(cloud, {}),
        image=cloud.add_image(**image_properties(*of_image)),
    )['id']
    for host in ('host1', 'host2'):
        cloud.set_traits(host, add=[AC.trait, PC.trait])


@pytest.mark.parametrize('wish', [AC, PC], ids=lambda wish: wish.feature)
def test_a_rebuild_is_refused_if_the_host_lacks_what_the_image_requires(
    cloud, door, on_plain_host, wish
):
    server = on_plain_host()
    image = cloud.add_image(**{wish.image_key: 'yes'})
    before = properties_of(server)
    found = reason(act(door, server, 'rebuild', {'imageRef': image}))
    for part in (server, image, wish.image_key, "'yes'", wish.trait):
        assert part in found
    assert 'host1' not in found and 'host2' not in found
    assert properties_of(server) == before


def test_a_rebuild_passes_if_the_image_requires_nothing_of_the_host(
    cloud, door, on_plain_host
):
    server = on_plain_host()
    image = cloud.add_image(**image_properties('false', 'false'))
    response = act(door, server, 'rebuild', {'imageRef': image})
    assert response.status_int == 202
    cloud.wait_for({'id': server}, 'ACTIVE')


@pytest.mark.parametrize('same_image', [True, False])
def test_a_rebuild_with_the_image_of_the_server_brings_in_nothing(
    cloud, door, on_plain_host, same_image
):
    cloud.set_traits('host1', add=[PC.trait])
    server = on_plain_host((None, 'true'))
    cloud.set_traits('host1', remove=[PC.trait])
    image = (
        properties_of(server)[0]['image_base_image_ref']
        if same_image
        else cloud.add_image(**image_properties(None, 'true'))
    )
    response = act(door, server, 'rebuild', {'imageRef': image})
    assert is_refused(response) is not same_image
    cloud.wait_for({'id': server}, 'ACTIVE')


def test_a_server_that_is_wrong_already_can_be_rebuilt_with_its_image(
    cloud, door, on_plain_host
):
    cloud.set_traits('host1', add=[AC.trait])
    server = on_plain_host(('true', None))
    cloud.set_traits('host1', remove=[AC.trait])
    instance = load(server)
    instance.flavor.extra_specs[PC.flavor_key] = 'true'
    instance.save()
    image = instance.image_ref
    response = act(door, server, 'rebuild', {'imageRef': image})
    assert response.status_int == 202, response.text
    cloud.wait_for({'id': server}, 'ACTIVE')
    other = cloud.add_image(**image_properties('true', None))
    assert is_refused(act(door, server, 'rebuild', {'imageRef': other}))


def test_a_rebuild_is_left_to_the_scheduler_if_placement_is_away(
    cloud, door, on_plain_host, monkeypatch
):
    def away(*args, **kwargs):
        raise exception.PlacementAPIConnectFailure()

    server = on_plain_host()
    image = cloud.add_image(**image_properties(None, 'true'))
    monkeypatch.setattr(SchedulerReportClient, 'get_provider_traits', away)
    response = act(door, server, 'rebuild', {'imageRef': image})
    assert response.status_int == 202
    # Which cannot tell, either.
    cloud.wait_for({'id': server}, 'ERROR')
    told = [r.getMessage() for r in cloud.log if r.levelname == 'WARNING']
    assert any(f'{PC.trait} is left to the scheduler' in each for each in told)


def test_what_one_request_is_about_is_not_known_to_the_next(
    cloud, door, on_plain_host
):
    image = cloud.add_image(**image_properties(None, 'true'))
    assert reason(act(door, on_plain_host(), 'rebuild', {'imageRef': image}))
    body = server(old_flavor(cloud, {}), image)
    with nothing_built():
        assert door.request('POST', '/servers', body).status_int == 202
