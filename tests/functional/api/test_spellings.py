"""Text in flavors, images and bodies: taken as Nova takes it."""

import json

import pytest
from oslo_utils import strutils

from tests.functional.api.requests import (
    AC,
    BOTH,
    PC,
    answer,
    flavor_specs,
    image_properties,
    is_refused,
    old_flavor,
    refuses,
    server,
)

# What a wish looks like.

WORDS = ('1', 't', 'true', 'on', 'y', 'yes', '0', 'f', 'false', 'off', 'n')
SPELLINGS = [
    each
    for word in (*WORDS, 'no')
    for each in (word, word.upper(), word.title(), f' {word}\t')
]


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
