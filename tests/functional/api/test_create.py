"""Wishes at the door: what is refused, in which words, and what it leaves."""

from tests.cloud import machines  # isort: skip  (Nova patches come first)

import itertools

import pytest

from tests.cloud.api import PROJECT
from tests.functional.api.requests import (
    AC,
    BOTH,
    PC,
    VALUES,
    flavor_specs,
    is_refused,
    ledger,
    old_flavor,
    reason,
    refuses,
    server,
)

# The rules, written down once more and in another way than in the code.


def conflicts(of_flavor, of_image):
    """Give the keys that a refusal must name, for all that is wrong."""
    found, wanted = [], []
    keys = [(AC.flavor_key, AC.image_key), (PC.flavor_key, PC.image_key)]
    for pair, values in zip(
        keys, zip(of_flavor, of_image, strict=True), strict=True
    ):
        if set(values) == {'true', 'false'}:
            found += pair
        elif 'true' in values:
            wanted.append(pair[values.index('true')])
    return found + (wanted if len(wanted) == 2 else [])


COMBINATIONS = [
    pytest.param(
        *row,
        id='flavor {} {} image {} {}'.format(
            *(value or 'unset' for pair in row for value in pair)
        ),
    )
    for row in itertools.product(
        itertools.product(VALUES, VALUES), itertools.product(VALUES, VALUES)
    )
]


def test_the_table_has_all_combinations_of_which_41_are_refused():
    assert len(COMBINATIONS) == 81
    assert sum(bool(conflicts(*row.values)) for row in COMBINATIONS) == 41


@pytest.mark.parametrize(('of_flavor', 'of_image'), COMBINATIONS)
def test_a_server_is_created_or_refused_as_the_rules_say(
    cloud, door, flavors, images, handed_over, of_flavor, of_image
):
    wrong = conflicts(of_flavor, of_image)
    before = ledger(cloud, door)
    response = door.request(
        'POST', '/servers', server(flavors[of_flavor], images[of_image])
    )
    after = ledger(cloud, door)
    if not wrong:
        assert response.status_int == 202, response.text
        assert handed_over.call_count == 1
        assert after['build requests'] == before['build requests'] + 1
        return
    assert all(key in reason(response) for key in wrong)
    assert "'true'" in reason(response)
    assert flavors[of_flavor] in reason(response)
    assert images[of_image] in reason(response)
    assert response.json['badRequest']['code'] == 400
    assert after == before
    assert not handed_over.called


@pytest.fixture
def host(cloud):
    """A host, and Nova's fake libvirt on it, for one test."""
    if 'host' not in cloud.computes:
        cloud.add_host('host', machines.symmetric(1, 8), shared=range(8))
    return 'host'


def test_a_refused_server_leaves_nothing_of_what_a_created_one_leaves(
    cloud, door, flavors, images, host
):
    before = ledger(cloud, door)
    cloud.boot(flavors[None, None], image=images[None, None])
    created = ledger(cloud, door)
    assert all(
        created[key] != before[key] for key in before if 'bui' not in key
    )
    door.request('POST', '/servers', server(flavors[BOTH], images[None, None]))
    assert ledger(cloud, door) == created


# Wishes that would be lost, or that cannot be met.


@pytest.mark.parametrize(
    ('specs', 'properties', 'why'),
    [
        ({PC.image_key: 'true'}, {}, f'did you mean {PC.flavor_key}?'),
        ({}, {PC.flavor_key: 'true'}, f'did you mean {PC.image_key}?'),
        ({}, {'compute_live_migration_autoconverge': 'true'}, AC.image_key),
        (
            {f'trait:{PC.trait}': 'forbidden'},
            {PC.image_key: 'true'},
            f'forbidden by flavor key trait:{PC.trait}',
        ),
    ],
    ids=['of the image', 'of the flavor', 'abridged', 'forbidden trait'],
)
def test_a_wish_that_is_lost_or_forbidden_is_refused(
    cloud, door, handed_over, specs, properties, why
):
    flavor = old_flavor(cloud, specs)
    image = cloud.add_image(**properties)
    before = ledger(cloud, door)
    response = door.request('POST', '/servers', server(flavor, image))
    assert why in reason(response)
    assert ledger(cloud, door) == before
    assert not handed_over.called


# Devices with which there is no post-copy.


@pytest.mark.parametrize('source', ['flavor', 'image'])
def test_post_copy_beside_a_device_of_the_flavor_is_refused(
    cloud, door, images, handed_over, source
):
    wish = 'true' if source == 'flavor' else None
    flavor = old_flavor(
        cloud, {**flavor_specs(None, wish), 'resources:VGPU': '1'}
    )
    image = images[None, None if wish else 'true']
    before = ledger(cloud, door)
    response = door.request('POST', '/servers', server(flavor, image))
    assert is_refused(response)
    assert 'resources:VGPU' in reason(response)
    assert ledger(cloud, door) == before
    assert not handed_over.called


def test_a_device_without_post_copy_is_not_refused(
    cloud, door, images, handed_over
):
    flavor = old_flavor(cloud, {'resources:VGPU': '1'})
    assert not refuses(door, flavor, images['true', None])


@pytest.mark.parametrize(
    'written',
    [{'hw:pmem': '6GB'}, {PC.flavor_key: 'true'}],
    ids=['device', 'wish'],
)
def test_post_copy_and_a_device_are_not_written_to_one_flavor(
    cloud, door, written
):
    stays = {'hw:pmem': '6GB', PC.flavor_key: 'true'}
    for key in written:
        del stays[key]
    flavor = old_flavor(cloud, stays)
    response = door.request(
        'POST', f'/flavors/{flavor}/os-extra_specs', {'extra_specs': written}
    )
    assert is_refused(response)


def test_several_servers_at_once_are_refused_together(
    door, flavors, images, handed_over
):
    assert refuses(
        door, flavors[BOTH], images[None, None], min_count=2, max_count=5
    )
    assert not handed_over.called


def test_an_image_has_no_say_if_the_option_says_so(
    cloud, flavors, images, handed_over
):
    door = cloud.door(image_wishes=False)
    assert not refuses(door, flavors[None, None], images[BOTH])
    assert refuses(door, flavors[BOTH], images[None, None])


# Where the door is.


@pytest.mark.parametrize('root', ['/v2.1', '/v2'])
@pytest.mark.parametrize('project', ['', f'/{PROJECT}'])
def test_every_way_to_create_a_server_is_guarded(
    door, nova, flavors, images, handed_over, root, project
):
    body = server(flavors[BOTH], images[None, None])
    del body['server']['networks']
    where = {'root': root, 'version': '2.36'}
    for path in ('/servers', '//servers', '/servers%0a'):
        novas = nova.request('POST', project + path, body, **where)
        assert novas.status_int == 202, novas.text
        response = door.request('POST', project + path, body, **where)
        assert is_refused(response), response.text
