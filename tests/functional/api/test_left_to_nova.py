"""Changes that Nova refuses by itself, it answers as if we were not there."""

import pytest
from nova import policy as nova_policy

from tests.cloud.api import OTHER_PROJECT
from tests.functional.api.requests import (
    BOTH,
    act,
    answer,
    flavor_specs,
    image_properties,
    is_refused,
    old_flavor,
)

pytestmark = pytest.mark.usefixtures('two_hosts')


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
