"""What Nova refuses by itself, it answers as if we were not there."""

import json
import uuid

import pytest
from nova import exception, objects
from nova import policy as nova_policy
from nova.policies import flavor_extra_specs
from nova.volume import cinder

from tests.cloud.api import OTHER_PROJECT, PROJECT
from tests.functional.api.requests import (
    BOTH,
    answer,
    flavor_specs,
    image_properties,
    is_refused,
    old_flavor,
    root_device,
    server,
)

UNKNOWN = str(uuid.UUID(int=7))


@pytest.fixture(scope='module')
def bad(cloud):
    """A flavor that asks for both features."""
    return old_flavor(cloud, flavor_specs(*BOTH))


@pytest.fixture(scope='module')
def image(cloud):
    return cloud.add_image()


pytestmark = pytest.mark.usefixtures('handed_over')


@pytest.fixture
def same(cloud, door, nova):
    """Compare the answers to one request, with the filter and without."""

    def compare(method, path, body=None, **kwargs):
        ours = door.request(method, path, body, **kwargs)
        assert not is_refused(ours)
        assert answer(ours) == answer(
            nova.request(method, path, body, **kwargs)
        )
        assert [r for r in cloud.log if r.levelname != 'DEBUG'] == []
        return ours

    return compare


# Things that are not there.


def test_an_unknown_flavor_is_novas_to_answer(cloud, same, image):
    wrong = cloud.add_image(**image_properties(*BOTH))
    for each in (image, wrong):
        response = same('POST', '/servers', server('no-such', each))
        assert 'no-such could not be found' in response.text


def test_an_unknown_image_is_novas_to_answer(same, bad):
    response = same('POST', '/servers', server(bad, UNKNOWN))
    assert 'Can not find requested image' in response.text


@pytest.mark.parametrize('kind', ['volume', 'snapshot', 'image'])
def test_an_unknown_source_of_a_volume_is_novas_to_answer(
    monkeypatch, same, bad, kind
):
    def missing(self, context, id, *args, **kwargs):
        raise exception.VolumeNotFound(volume_id=id)

    monkeypatch.setattr(cinder.API, 'get', missing)
    monkeypatch.setattr(cinder.API, 'get_snapshot', missing)
    device = root_device(kind, UNKNOWN)
    body = server(bad, block_device_mapping_v2=[device])
    assert same('POST', '/servers', body).status_int == 400


@pytest.mark.parametrize('action', ['rebuild', 'resize'])
def test_an_unknown_server_is_novas_to_answer(same, bad, image, action):
    body = {
        'rebuild': {'imageRef': image},
        'resize': {'flavorRef': bad},
    }[action]
    path = f'/servers/{UNKNOWN}/action'
    assert same('POST', path, {action: body}).status_int == 404


def test_extra_specs_of_an_unknown_flavor_are_novas_to_answer(same):
    path = '/flavors/no-such/os-extra_specs'
    specs = flavor_specs(*BOTH)
    assert same('POST', path, {'extra_specs': specs}).status_int == 404


# Requests that are none.


def bodies(bad, image):
    good = json.dumps(server(bad, image)).encode()
    return {
        'empty': b'',
        'not JSON': good[:-1],
        'not UTF-8': good.replace(b'"server"', b'"\xff\xfe"'),
        'a byte order mark': b'\xef\xbb\xbf' + good,
        'UTF-16': good.decode().encode('utf-16'),
        'deeply nested': b'{"server":' * 50000,
        'a deep list': b'[' * 100000,
        'a list': b'[' + good + b']',
        'null': b'null',
        'a number': b'7',
        'infinity': good.replace(b'"server"', b'"x": Infinity, "server"'),
        'a huge number': b'{"server": ' + b'9' * 5000 + b'}',
        'too large': good + b' ' * 200000,
        'a lone surrogate': b'{"server": {"flavorRef": "\\ud800"}}',
        'no flavor': json.dumps(server(None, image)).encode(),
        'a flavor that is a list': json.dumps(server([bad], image)).encode(),
        'neither image nor device': json.dumps(server(bad)).encode(),
        'an image that is no UUID': json.dumps(server(bad, '../x')).encode(),
        'an image that is a URL': json.dumps(
            server(bad, f'http://localhost:1/{UNKNOWN}')
        ).encode(),
        'both forms of devices': json.dumps(
            server(
                bad,
                block_device_mapping=[{'device_name': 'vda'}],
                block_device_mapping_v2=[root_device('image', image)],
            )
        ).encode(),
    }


@pytest.mark.parametrize('kind', bodies('', ''))
@pytest.mark.parametrize('path', ['/servers', '/os-volumes_boot'])
def test_a_body_that_nova_does_not_take_is_novas_to_answer(
    same, bad, image, kind, path
):
    body = bodies(bad, image)[kind]
    response = same('POST', path, body, version='2.90')
    assert response.status_int >= 400


@pytest.mark.parametrize(
    'headers',
    [
        {'Content-Type': 'application/xml'},
        {'Content-Type': 'application/x-www-form-urlencoded'},
        {'version': '1.0'},
        {'version': '2.999'},
        {'version': 'nonsense'},
        {'project': OTHER_PROJECT},
    ],
    ids=str,
)
def test_a_request_that_nova_does_not_read_is_novas_to_answer(
    same, bad, image, headers
):
    body = server(bad, image)
    response = same('POST', f'/{PROJECT}/servers', body, **headers)
    assert response.status_int >= 400


@pytest.mark.parametrize('kind', ['text/plain', 'application/json', ''])
def test_content_types_that_nova_reads_are_read(door, bad, image, kind):
    response = door.request(
        'POST', '/servers', server(bad, image), **{'Content-Type': kind}
    )
    assert is_refused(response)


@pytest.mark.parametrize(
    ('method', 'path'),
    [
        ('GET', '/servers/detail'),
        ('GET', '/flavors/detail'),
        ('POST', '/servers/'),
        ('POST', '/servers.json'),
        ('PUT', '/servers'),
        ('PATCH', '/servers'),
        ('POST', '/nonsense/servers'),
        ('POST', '/servers/%C3%A9/action'),
        ('PUT', '/flavors/1/os-extra_specs/%00'),
    ],
)
def test_other_requests_are_novas_to_answer(same, bad, image, method, path):
    body = None if method == 'GET' else server(bad, image)
    same(method, path, body)


# Requests that Nova refuses for reasons of its own, which go before ours.


REFUSED = {
    'a field that is none': ({'no_such': 1}, 400),
    'a forced host': ({'availability_zone': 'nova:host'}, 403),
    'a requested host': ({'host': 'host'}, 403),
    'an unknown key pair': ({'key_name': 'none'}, 400),
    'an unknown zone': ({'availability_zone': 'none'}, 400),
    'an unknown network': ({'networks': [{'uuid': UNKNOWN}]}, 400),
    'more at least than at most': ({'min_count': 2, 'max_count': 1}, 400),
}


@pytest.mark.parametrize('kind', REFUSED)
def test_what_nova_refuses_is_novas_to_answer(same, bad, image, kind):
    fields, status = REFUSED[kind]
    body = server(bad, image, **fields)
    response = same('POST', '/servers', body, user='somebody')
    assert response.status_int == status, response.text


def test_an_unknown_server_group_is_novas_to_answer(same, bad, image):
    body = {
        **server(bad, image),
        'os:scheduler_hints': {'group': UNKNOWN},
    }
    assert same('POST', '/servers', body).status_int == 400


def test_an_image_too_large_for_the_flavor_is_novas_to_answer(
    cloud, same, bad
):
    large = cloud.add_image()
    cloud.glance.images[large]['min_ram'] = 10**6
    response = same('POST', '/servers', server(bad, large))
    assert 'memory is too small' in response.text


def test_a_numa_topology_that_is_none_is_novas_to_answer(cloud, same, image):
    bad = old_flavor(cloud, {**flavor_specs(*BOTH), 'hw:numa_nodes': '5'})
    assert same('POST', '/servers', server(bad, image)).status_int == 400


def test_a_quota_that_is_used_up_is_novas_to_answer(cloud, same, bad, image):
    cloud.flags(instances=0, group='quota')
    try:
        response = same('POST', '/servers', server(bad, image))
    finally:
        cloud.flags(instances=-1, group='quota')
    assert response.status_int == 403


@pytest.mark.parametrize('action', ['create', 'update'])
@pytest.mark.parametrize('one', [False, True], ids=['several', 'one key'])
def test_extra_specs_are_checked_under_the_right_that_nova_asks_for(
    cloud, door, nova, monkeypatch, action, one
):
    denied = flavor_extra_specs.POLICY_ROOT % action
    authorize = nova_policy.authorize

    def without(context, action, *args, **kwargs):
        if action == denied:
            raise exception.PolicyNotAuthorized(action=action)
        return authorize(context, action, *args, **kwargs)

    monkeypatch.setattr(nova_policy, 'authorize', without)
    flavor = old_flavor(cloud, flavor_specs('true', None))
    specs = flavor_specs(None, 'true')
    path = f'/flavors/{flavor}/os-extra_specs'
    asked = (
        ('PUT', f'{path}/{next(iter(specs))}', specs)
        if one
        else ('POST', path, {'extra_specs': specs})
    )
    ours, novas = door.request(*asked), nova.request(*asked)
    if one == (action == 'update'):
        assert answer(ours) == answer(novas)
        assert ours.status_int == 403
    else:
        assert is_refused(ours)
        assert novas.status_int == 200


def test_a_key_that_is_not_the_one_of_the_path_is_novas_to_answer(cloud, same):
    flavor = old_flavor(cloud, flavor_specs('true', None))
    path = f'/flavors/{flavor}/os-extra_specs/x'
    response = same('PUT', path, flavor_specs(None, 'true'))
    assert 'URI mismatch' in response.text


# What checking costs.


def test_neither_glance_nor_the_database_is_asked_twice(
    cloud, door, nova, image, monkeypatch
):
    asked = []
    for owner, name in (
        (cloud.glance, 'show'),
        (objects.Flavor, 'get_by_flavor_id'),
    ):
        counted = counting(getattr(owner, name), asked)
        monkeypatch.setattr(owner, name, staticmethod(counted))
    good = old_flavor(cloud, flavor_specs('true', None))
    counts = []
    for each in (door, nova):
        asked.clear()
        response = each.request('POST', '/servers', server(good, image))
        assert response.status_int == 202
        counts.append(len(asked))
    assert counts == [2, 2]


def counting(function, calls):
    def counted(*args, **kwargs):
        calls.append(1)
        return function(*args, **kwargs)

    return counted


# Other tenants.


def test_a_private_flavor_is_answered_as_if_we_were_not_there(
    cloud, door, same, image
):
    private = old_flavor(cloud, flavor_specs(*BOTH), is_public=False)
    cloud.api.api_post(
        f'/flavors/{private}/action', {'addTenantAccess': {'tenant': PROJECT}}
    )
    body = server(private, image)
    del body['server']['networks']
    who = {'user': 'somebody', 'version': '2.1'}
    assert is_refused(
        door.request('POST', '/servers', body, project=PROJECT, **who)
    )
    response = same('POST', '/servers', body, project=OTHER_PROJECT, **who)
    assert 'could not be found' in response.text
    unknown = server('no-such', image)
    del unknown['server']['networks']
    other = same('POST', '/servers', unknown, project=OTHER_PROJECT, **who)
    assert response.text.replace(private, 'no-such') == other.text


@pytest.fixture
def private_image(cloud, monkeypatch):
    """An image that Glance shows to one project only."""
    hidden = cloud.add_image(**image_properties(*BOTH))
    show = cloud.glance.show

    def for_owner(context, image_id, *args, **kwargs):
        if image_id == hidden and context.project_id != PROJECT:
            raise exception.ImageNotFound(image_id=image_id)
        return show(context, image_id, *args, **kwargs)

    monkeypatch.setattr(cloud.glance, 'show', for_owner)
    return hidden


def test_a_private_image_is_answered_as_if_we_were_not_there(
    cloud, door, same, private_image
):
    flavor = old_flavor(cloud, {})
    body = server(flavor, private_image)
    del body['server']['networks']
    who = {'user': 'somebody', 'version': '2.1'}
    assert is_refused(
        door.request('POST', '/servers', body, project=PROJECT, **who)
    )
    response = same('POST', '/servers', body, project=OTHER_PROJECT, **who)
    assert 'Can not find requested image' in response.text


def test_a_user_who_may_not_write_extra_specs_learns_nothing_of_them(
    cloud, same
):
    flavor = old_flavor(cloud, flavor_specs('true', None))
    path = f'/flavors/{flavor}/os-extra_specs'
    for body in (flavor_specs(None, 'true'), flavor_specs(None, 'maybe')):
        response = same('POST', path, {'extra_specs': body}, user='somebody')
        assert response.status_int == 403
