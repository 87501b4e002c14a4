"""Servers and flavors that exist: what a change brings in is checked."""

from tests.cloud import machines  # isort: skip  (Nova patches come first)

from unittest import mock

import pytest
from nova import context as nova_context
from nova import exception, objects
from nova import policy as nova_policy
from nova.scheduler.client.report import SchedulerReportClient
from nova.virt.libvirt.driver import LibvirtDriver

from tests.cloud.api import OTHER_PROJECT
from tests.functional.api.requests import (
    AC,
    PC,
    answer,
    flavor_specs,
    image_properties,
    is_refused,
    nothing_built,
    old_flavor,
    reason,
    server,
)

BOTH = ('true', 'true')


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    """Two hosts that can do both."""
    for name in ('host1', 'host2'):
        cloud.add_host(
            name,
            machines.symmetric(1, 16),
            shared=range(16),
            traits=[AC.trait, PC.trait],
        )


@pytest.fixture(scope='module')
def servers(cloud):
    """Give a server of a flavor and an image, the same to all who ask."""
    made = {}

    def server(of_flavor=(None, None), of_image=(None, None)):
        key = (of_flavor, of_image)
        if key not in made:
            made[key] = cloud.boot(
                old_flavor(cloud, flavor_specs(*of_flavor)),
                image=cloud.add_image(**image_properties(*of_image)),
            )['id']
            cloud.residents.add(made[key])
        return made[key]

    return server


def act(door, server, name, body, **kwargs):
    path = f'/servers/{server}/action'
    return door.request('POST', path, {name: body}, **kwargs)


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
    with mock.patch.object(LibvirtDriver, 'snapshot'):
        cloud.api.post_server_action(server, {'shelve': {}})
        cloud.wait_for({'id': server}, 'SHELVED_OFFLOADED')
    shelved = properties_of(server)[0]['shelved_image_id']
    cloud.glance.images[shelved]['properties'].update(
        image_properties('true', 'true')
    )
    before = {
        key: value
        for key, value in properties_of(server)[0].items()
        if key.startswith('image_')
    }
    cloud.api.post_server_action(server, {'unshelve': None})
    cloud.wait_for({'id': server}, 'ACTIVE')
    after = properties_of(server)[0]
    assert {key: after.get(key) for key in before} == before
    assert f'image_{PC.image_key}' not in after


@pytest.fixture
def denied(monkeypatch):
    """Take the right to change servers from all but admins."""
    authorize = nova_policy.authorize

    def rules(context, action, target=None, **kwargs):
        rule = (
            action if context.is_admin else 'os_compute_api:os-services:list'
        )
        return authorize(context, rule, target, **kwargs)

    return lambda: monkeypatch.setattr(nova_policy, 'authorize', rules)


@pytest.mark.parametrize(
    ('name', 'key'),
    [('rebuild', 'imageRef'), ('resize', 'flavorRef')],
)
@pytest.mark.parametrize('who', ['of another project', 'without the right'])
def test_a_server_of_others_is_answered_as_if_we_were_not_there(
    cloud, door, nova, servers, denied, name, key, who
):
    server = servers(('true', None))
    if name == 'resize':
        new = old_flavor(cloud, flavor_specs(*BOTH))
    else:
        new = cloud.add_image(**image_properties('false', None))
    mine = {'user': 'somebody'}
    assert is_refused(act(door, server, name, {key: new}, **mine))
    if who == 'of another project':
        mine['project'] = OTHER_PROJECT
    else:
        denied()
    ours = act(door, server, name, {key: new}, **mine)
    assert answer(ours) == answer(act(nova, server, name, {key: new}, **mine))
    assert ours.status_int == (404 if 'project' in mine else 403)


# Changes that Nova refuses for reasons of its own, which go before ours.


@pytest.fixture
def clashing(cloud, servers):
    """A server, and the bodies of changes that clash with its wishes."""
    server = servers(('true', 'false'), ('true', None))
    bad = old_flavor(cloud, flavor_specs('false', None))
    image = cloud.add_image(**image_properties('false', None))
    return server, {
        'rebuild': {'imageRef': image},
        'resize': {'flavorRef': bad},
    }


def same(door, nova, server, name, body, **kwargs):
    """Give the answer to a change, the same with our filter and without."""
    ours = act(door, server, name, body, **kwargs)
    assert not is_refused(ours)
    assert answer(ours) == answer(act(nova, server, name, body, **kwargs))
    return ours


@pytest.mark.parametrize('name', ['rebuild', 'resize'])
def test_a_locked_server_is_novas_to_answer(cloud, door, nova, clashing, name):
    server, bodies = clashing
    member = {'user': 'somebody'}
    assert is_refused(act(door, server, name, bodies[name], **member))
    cloud.api.post_server_action(server, {'lock': None})
    try:
        response = same(door, nova, server, name, bodies[name], **member)
    finally:
        cloud.api.post_server_action(server, {'unlock': None})
    assert response.status_int == 409


@pytest.mark.parametrize('name', ['rebuild', 'resize'])
def test_a_server_in_the_wrong_state_is_novas_to_answer(
    cloud, door, nova, clashing, name
):
    server, bodies = clashing
    cloud.api.post_server_action(server, {'pause': None})
    cloud.wait_for({'id': server}, 'PAUSED')
    try:
        response = same(door, nova, server, name, bodies[name])
    finally:
        cloud.api.post_server_action(server, {'unpause': None})
        cloud.wait_for({'id': server}, 'ACTIVE')
    assert response.status_int == 409


@pytest.mark.parametrize(
    'wrong',
    [{'disabled': True}, {'root_gb': 0}, {'memory_mb': 1}],
    ids=['disabled', 'without a disk', 'too small'],
)
def test_a_flavor_that_nova_does_not_take_is_novas_to_answer(
    cloud, door, nova, servers, wrong
):
    image = cloud.add_image(**image_properties('true', None))
    cloud.glance.images[image]['min_ram'] = 2
    server = cloud.boot(old_flavor(cloud, {}), image=image)['id']
    bad = old_flavor(cloud, flavor_specs('false', None), **wrong)
    response = same(door, nova, server, 'resize', {'flavorRef': bad})
    assert response.status_int in (400, 403)


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


# Extra specs of flavors.


def write(door, flavor, specs, *, one=False, **kwargs):
    path = f'/flavors/{flavor}/os-extra_specs'
    if one:
        (key,) = specs
        return door.request('PUT', f'{path}/{key}', specs, **kwargs)
    return door.request('POST', path, {'extra_specs': specs}, **kwargs)


def extra_specs(door, flavor):
    path = f'/flavors/{flavor}/os-extra_specs'
    return door.request('GET', path).json['extra_specs']


@pytest.mark.parametrize('version', ['2.1', '2.85', '2.86', 'latest'])
@pytest.mark.parametrize('one', [False, True], ids=['several', 'one key'])
def test_both_true_in_the_result_is_refused_and_nothing_written(
    cloud, door, version, one
):
    flavor = old_flavor(cloud, flavor_specs('true', None))
    before = extra_specs(door, flavor)
    specs = flavor_specs(None, 'yes')
    found = reason(write(door, flavor, specs, one=one, version=version))
    for part in (AC.flavor_key, "'true'", PC.flavor_key, "'yes'", flavor):
        assert part in found
    assert extra_specs(door, flavor) == before


def test_both_true_at_once_are_refused(cloud, door):
    flavor = old_flavor(cloud, {})
    assert reason(write(door, flavor, flavor_specs('1', 'on')))


@pytest.mark.parametrize('version', ['2.1', '2.85'])
@pytest.mark.parametrize('one', [False, True], ids=['several', 'one key'])
@pytest.mark.parametrize(
    ('specs', 'part'),
    [
        ({AC.flavor_key: 'maybe'}, "'maybe', which is not a boolean"),
        ({PC.flavor_key: 7}, '7, which is not a boolean'),
        ({'compute:live_migration_postcopy': 'true'}, 'is unknown'),
        ({PC.image_key: 'true'}, f'did you mean {PC.flavor_key}?'),
        ({'compute:live-migration-post.copy': 1}, 'did you mean'),
        ({'hw:auto_converge': 'true'}, f'did you mean {AC.flavor_key}?'),
    ],
)
def test_a_bad_value_and_an_unknown_wish_are_refused_where_nova_takes_any(
    cloud, door, version, one, specs, part
):
    flavor = old_flavor(cloud, {})
    assert part in reason(write(door, flavor, specs, one=one, version=version))
    assert extra_specs(door, flavor) == {}


@pytest.mark.parametrize('version', ['2.1', '2.86'])
@pytest.mark.parametrize('one', [False, True], ids=['several', 'one key'])
def test_a_trait_and_the_wish_that_requires_it_are_not_written_as_opposites(
    cloud, door, version, one
):
    wish, trait = {PC.flavor_key: 'true'}, {f'trait:{PC.trait}': 'forbidden'}
    for old, new in (wish, trait), (trait, wish):
        flavor = old_flavor(cloud, old)
        assert 'requires the trait forbidden by' in reason(
            write(door, flavor, new, one=one, version=version)
        )
        assert extra_specs(door, flavor) == old


def test_a_trait_and_the_wish_that_agree_are_written(cloud, door):
    flavor = old_flavor(cloud, {f'trait:{PC.trait}': 'required'})
    for value in ('true', 'false'):
        response = write(door, flavor, {PC.flavor_key: value})
        assert response.status_int == 200, response.text
    response = write(door, flavor, {f'trait:{PC.trait}': 'forbidden'})
    assert response.status_int == 200, response.text


def test_a_flavor_with_a_lost_wish_can_be_changed_in_other_ways(cloud, door):
    flavor = old_flavor(cloud, {'post_copy': 'true'})
    assert write(door, flavor, {AC.flavor_key: 'true'}).status_int == 200


@pytest.mark.parametrize('one', [False, True], ids=['several', 'one key'])
@pytest.mark.parametrize('value', ['true', 1, ' ON '])
def test_a_good_value_is_written(cloud, door, one, value):
    flavor = old_flavor(cloud, flavor_specs(None, 'false'))
    response = write(door, flavor, {AC.flavor_key: value}, one=one)
    assert response.status_int == 200, response.text
    assert extra_specs(door, flavor)[AC.flavor_key] == str(value)


def test_a_flavor_that_is_wrong_can_be_put_right(cloud, door):
    flavor = old_flavor(cloud, flavor_specs(*BOTH))
    assert write(door, flavor, {'hw:cpu_policy': 'shared'}).status_int == 200
    assert is_refused(write(door, flavor, flavor_specs('true', None)))
    assert write(door, flavor, flavor_specs('false', None)).status_int == 200
