"""Wishes at the door: what is refused, in which words, and what it leaves."""

from tests.cloud import machines  # isort: skip  (Nova patches come first)

import itertools
import json

import pytest
from oslo_utils import strutils

from numa_sched import policy
from numa_sched.nova.api import paste
from numa_sched.nova.api.compute import CheckedAPI
from numa_sched.nova.api.extra_specs import CheckedExtraSpecs
from tests.cloud.api import PROJECT
from tests.functional.api.requests import (
    AC,
    PC,
    answer,
    flavor_specs,
    image_properties,
    is_refused,
    ledger,
    nothing_built,
    old_flavor,
    reason,
    root_device,
    server,
)

VALUES = (None, 'true', 'false')
BOTH = ('true', 'true')
SNAPSHOT = '00000000-0000-0000-0000-000000000007'


@pytest.fixture(scope='module')
def flavors(cloud):
    """A flavor for each pair of values, also for those that clash."""
    return {
        values: old_flavor(cloud, flavor_specs(*values))
        for values in itertools.product(VALUES, VALUES)
    }


@pytest.fixture(scope='module')
def images(cloud):
    """An image for each pair of values."""
    return {
        values: cloud.add_image(**image_properties(*values))
        for values in itertools.product(VALUES, VALUES)
    }


@pytest.fixture
def handed_over():
    with nothing_built() as calls:
        yield calls


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


# What a wish looks like.

WORDS = ('1', 't', 'true', 'on', 'y', 'yes', '0', 'f', 'false', 'off', 'n')
SPELLINGS = [
    each
    for word in (*WORDS, 'no')
    for each in (word, word.upper(), word.title(), f' {word}\t')
]


def refuses(door, flavor, image, **fields):
    response = door.request(
        'POST', '/servers', server(flavor, image, **fields)
    )
    assert is_refused(response) or response.status_int == 202, response.text
    return is_refused(response)


@pytest.mark.parametrize('spelling', SPELLINGS)
def test_every_spelling_that_nova_takes_means_the_same_to_us(
    cloud, door, flavors, images, handed_over, spelling
):
    truth = strutils.bool_from_string(spelling, strict=True)
    image = cloud.add_image(**image_properties(spelling, None))
    flavor = old_flavor(cloud, flavor_specs(spelling, None))
    assert refuses(door, flavors['true', None], image) is not truth
    assert refuses(door, flavors['false', None], image) is truth
    assert refuses(door, flavor, images['true', None]) is not truth
    assert refuses(door, flavor, images['false', None]) is truth


@pytest.mark.parametrize(
    'value', [True, False, 1, 0, 1.0, 2, None, [], {}, ['true'], {'a': 1}]
)
def test_what_is_no_string_in_glance_is_taken_as_nova_keeps_it(
    cloud, door, flavors, handed_over, value
):
    image = cloud.add_image(**{AC.image_key: value})
    kept = str(value).lower()
    assert refuses(door, flavors[None, None], image) is (
        kept not in ('true', 'false', '1', '0')
    )
    if not refuses(door, flavors[None, None], image):
        assert refuses(door, flavors['true', None], image) is (
            kept in ('false', '0')
        )


@pytest.mark.parametrize(
    ('value', 'is_good'),
    [
        ('', False),
        (' ', False),
        ('maybe', False),
        ('tru\u00e9', False),
        ('\u2713', False),
        ('true\u00a0', True),
        ('\U0001f600' * 255, False),
        ('x' * 255, False),
        ('true'.ljust(255), True),
        ('true'.ljust(4000), True),
        ('true'.rjust(4000), False),
    ],
    ids=ascii,
)
def test_text_is_good_or_bad_as_the_server_would_keep_it(
    cloud, door, flavors, handed_over, value, is_good
):
    image = cloud.add_image(**{PC.image_key: value})
    assert refuses(door, flavors[None, None], image) is not is_good
    if len(value) <= 255:
        flavor = old_flavor(cloud, {PC.flavor_key: value})
        assert refuses(door, flavor, cloud.add_image()) is not is_good


def test_of_duplicate_keys_the_last_counts_as_in_nova(
    door, flavors, images, handed_over
):
    good, bad = flavors['true', None], flavors[BOTH]
    image = images[None, None]
    body = (
        '{"server": {"name": "x", "networks": "none", "imageRef": "%s", '
        '"flavorRef": "%s", "flavorRef": "%s"}}'
    )
    for flavor_refs, refused in (((good, bad), True), ((bad, good), False)):
        text = (body % (image, *flavor_refs)).encode()
        response = door.request('POST', '/servers', text)
        assert is_refused(response) is refused


def test_of_duplicate_servers_the_last_counts_as_in_nova(
    door, flavors, images, handed_over
):
    good = json.dumps(server(flavors['true', None], images[None, None]))
    bad = json.dumps(server(flavors[BOTH], images[None, None]))
    for first, last in ((good, bad), (bad, good)):
        text = f'{first[:-1]}, {last[1:]}'.encode()
        response = door.request('POST', '/servers', text)
        assert is_refused(response) is (last == bad)


def test_a_nested_request_is_no_request(door, nova, flavors, images):
    inner = server(flavors[BOTH], images[None, None])
    for body in ({'server': inner}, {'x': inner}, [inner]):
        response = door.request('POST', '/servers', body)
        assert not is_refused(response)
        assert answer(response) == answer(
            nova.request('POST', '/servers', body)
        )


# Where an image's wishes come from.


@pytest.fixture
def volume(cloud, monkeypatch):
    """A volume and a snapshot of it, with image metadata that clash."""
    from nova.volume import cinder

    get = cinder.API.get

    def with_wishes(context, volume, *args, **kwargs):
        found = get(context, volume, *args, **kwargs)
        if volume == cloud.cinder.IMAGE_BACKED_VOL:
            found['volume_image_metadata'] = image_properties('true', 'true')
        return found

    monkeypatch.setattr(cinder.API, 'get', staticmethod(with_wishes))
    monkeypatch.setattr(
        cinder.API,
        'get_snapshot',
        lambda self, context, id: {
            'id': id,
            'volume_id': cloud.cinder.IMAGE_BACKED_VOL,
        },
    )
    return cloud.cinder.IMAGE_BACKED_VOL


@pytest.mark.parametrize('kind', ['volume', 'snapshot'])
def test_image_metadata_of_the_boot_volume_count(
    door, flavors, handed_over, volume, kind
):
    uuid = volume if kind == 'volume' else SNAPSHOT
    body = server(
        flavors[None, None],
        block_device_mapping_v2=[root_device(kind, uuid)],
    )
    found = reason(door.request('POST', '/servers', body))
    assert 'with the image metadata of the volume' in found
    assert not handed_over.called


def test_image_metadata_of_the_boot_volume_count_in_the_old_form(
    door, flavors, handed_over, volume
):
    device = {'device_name': 'vda', 'volume_id': volume}
    body = server(flavors[None, None], block_device_mapping=[device])
    assert reason(door.request('POST', '/servers', body))


def test_an_image_that_a_boot_volume_is_made_from_counts(
    door, flavors, images, handed_over
):
    for values, refused in (((None, None), False), (BOTH, True)):
        body = server(
            flavors[None, None],
            block_device_mapping_v2=[root_device('image', images[values])],
        )
        response = door.request('POST', '/servers', body)
        assert is_refused(response) is refused, response.text


def test_image_metadata_of_other_volumes_do_not_count(
    door, flavors, images, handed_over, volume
):
    other = {**root_device('volume', volume), 'boot_index': 1}
    root = root_device('image', images[None, None])
    body = server(flavors[None, None], block_device_mapping_v2=[other, root])
    assert not is_refused(door.request('POST', '/servers', body))


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


def test_nova_answers_a_good_request_to_os_volumes_boot_with_an_error(
    nova, flavors, images
):
    body = server(flavors[None, None], images[None, None])
    del body['server']['networks']
    response = nova.request('POST', '/os-volumes_boot', body, version='2.36')
    assert response.status_int == 500


@pytest.mark.parametrize('root', ['/v2.1', '/v2'])
@pytest.mark.parametrize('version', ['2.1', '2.86', 'latest', None])
def test_the_answer_has_the_form_of_novas_own(
    door, flavors, images, root, version
):
    where = {'root': root, 'version': version}
    ours = door.request(
        'POST',
        f'/flavors/{flavors[None, None]}/os-extra_specs',
        {'extra_specs': flavor_specs('true', 'true')},
        **where,
    )
    novas = door.request(
        'POST',
        f'/flavors/{flavors[None, None]}/os-extra_specs',
        {'extra_specs': {'x': None}},
        **where,
    )
    assert is_refused(ours)
    assert novas.status == ours.status
    assert list(novas.json) == list(ours.json) == ['badRequest']
    assert novas.json['badRequest'].keys() == ours.json['badRequest'].keys()
    assert [key for key, _ in novas.headerlist] == [
        key for key, _ in ours.headerlist
    ]
    assert answer(novas)[1] == answer(ours)[1]
    for name in ('x-openstack-request-id', 'x-compute-request-id'):
        assert ours.headers[name].startswith('req-')


# The roll-out.


def test_in_warn_mode_a_request_passes_with_a_warning(
    cloud, flavors, images, handed_over
):
    door = cloud.door(api_contradictions='warn')
    assert not refuses(
        door, flavors[BOTH], images[None, None], min_count=2, max_count=2
    )
    (warning,) = [r for r in cloud.log if r.levelname == 'WARNING']
    for part in (flavors[BOTH], AC.flavor_key, PC.flavor_key, 'at most one'):
        assert part in warning.getMessage()
    assert handed_over.called


def test_a_refusal_is_logged_as_novas_own_are(door, flavors, images, caplog):
    caplog.set_level('INFO', logger='nova.api.openstack.wsgi')
    refused = door.request(
        'POST', '/servers', server(flavors[BOTH], images[None, None])
    )
    told = [record.getMessage() for record in caplog.records]
    assert f'HTTP exception thrown: {reason(refused)}' in told


# Where the checks stand in Nova.


def test_every_call_of_nova_that_is_replaced_is_there_to_be_replaced(cloud):
    cloud.door()
    assert [r for r in cloud.log if r.levelname == 'ERROR'] == []


@pytest.mark.parametrize(
    ('ours', 'name'),
    [
        (ours, name)
        for ours in (CheckedAPI, CheckedExtraSpecs)
        for name in ours.REPLACED
    ],
    ids=str,
)
def test_what_nova_no_longer_has_is_told_at_start(
    cloud, monkeypatch, ours, name
):
    assert name in vars(ours)
    monkeypatch.delattr(ours.__mro__[1], name)
    cloud.door()
    # One for each pipeline.
    told = [r.getMessage() for r in cloud.log if r.levelname == 'ERROR']
    assert len(told) == 2
    assert all(f'.{name}, which this release' in error for error in told)


def test_an_application_that_is_not_novas_is_left_as_it_is(cloud):
    app = object()
    assert paste.check(app) is app
    (error,) = [r for r in cloud.log if r.levelname == 'ERROR']
    assert 'does not check' in error.getMessage()
    assert 'before osapi_compute_app_v21' in str(error.exc_info[1])


def test_a_check_that_fails_lets_the_request_pass_with_an_error(
    cloud, door, flavors, images, handed_over, monkeypatch
):
    monkeypatch.setattr(policy, 'examine', lambda *args: 1 / 0)
    assert not refuses(door, flavors[BOTH], images[None, None])
    (error,) = [r for r in cloud.log if r.levelname == 'ERROR']
    assert error.exc_info[0] is ZeroDivisionError
    assert handed_over.called
