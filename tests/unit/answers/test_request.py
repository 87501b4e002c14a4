import dataclasses

import pytest

from numa_sched import policy
from numa_sched.answers import find_flavor, find_host, find_server
from numa_sched.answers.request import like_server, of_flavor, of_server
from numa_sched.exceptions import NotFoundError
from numa_sched.fleet import Fleet
from numa_sched.policy import LiveMigrationPolicy
from tests.fleets import make_flavor, make_fleet_host, make_server

FLEET = Fleet(
    (
        make_fleet_host('host', nodename='node-1'),
        make_fleet_host('host', nodename='node-2'),
        make_fleet_host('other'),
    ),
    (
        make_server('web', uuid='abcd-1'),
        make_server('web', uuid='abcd-2'),
        make_server('db', uuid='abcf-3'),
        make_server('abcd-1', uuid='ffff-4'),
    ),
    (make_flavor('small'),),
)


@pytest.mark.parametrize(
    ('text', 'uuid'),
    [
        ('abcd-1', 'abcd-1'),
        ('db', 'abcf-3'),
        ('abcf', 'abcf-3'),
        ('ffff-', 'ffff-4'),
    ],
)
def test_a_server_has_a_uuid_a_name_or_the_beginning_of_one(text, uuid):
    assert find_server(FLEET, text).uuid == uuid


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('web', '2 servers are named web: abcd-1, abcd-2'),
        ('abcd', '2 servers are named abcd: abcd-1, abcd-2'),
        ('abc', 'there is no server abc'),
        ('', 'there is no server '),
    ],
)
def test_which_server_is_meant_must_be_clear(text, message):
    with pytest.raises(NotFoundError) as caught:
        find_server(FLEET, text)
    assert str(caught.value) == message


def test_hosts_and_flavors_have_names():
    assert find_flavor(FLEET, 'small').name == 'small'
    assert find_host(FLEET, 'node-2').nodename == 'node-2'
    assert find_host(FLEET, 'other').name == 'other'
    with pytest.raises(NotFoundError, match='2 hosts are named host'):
        find_host(FLEET, 'host')
    with pytest.raises(NotFoundError, match='there is no flavor large'):
        find_flavor(FLEET, 'large')


@pytest.mark.parametrize(('hosts', 'more'), [(5, ''), (6, ' and 1 more')])
def test_no_more_than_five_are_named(hosts, more):
    fleet = Fleet(
        tuple(
            make_fleet_host('host', nodename=f'node-{number}')
            for number in range(hosts)
        )
    )
    with pytest.raises(NotFoundError) as caught:
        find_host(fleet, 'host')
    assert str(caught.value) == (
        f'{hosts} hosts are named host: '
        f'node-0, node-1, node-2, node-3, node-4{more}'
    )


def test_names_are_those_that_are_told_and_no_others():
    fleet = dataclasses.replace(
        FLEET, flavors=tuple(map(make_flavor, ('large', 'small', 'tiny')))
    )
    assert find_flavor(fleet, 'small').name == 'small'
    # By its service alone: "host" stands before it.
    named = make_fleet_host('other', nodename='node-3')
    fleet = Fleet((*FLEET.hosts[:2], named))
    assert find_host(fleet, 'other') is named


def test_who_asks_is_told():
    server = make_server('web')
    assert of_server(server).noun == 'server'
    assert like_server(server).noun == 'flavor'
    assert of_flavor(make_flavor('small')).noun == 'flavor'


def test_a_server_stays_in_its_zone_unless_another_is_told():
    server = make_server('web', zone='north')
    assert of_server(server).zone == 'north'
    assert of_server(server, zone='south').zone == 'south'
    assert of_server(make_server('db')).zone is None


def test_traits_are_read_where_nobody_has_told_them():
    specs = {
        'trait:A': 'required',
        'trait:B': 'forbidden',
        'trait:C': 'optional',
        'other': 'required',
    }
    flavor = make_flavor('small', extra_specs=specs)
    asked = of_flavor(flavor, {'trait:D': 'required'}).asked
    assert asked.required == {'A', 'D'}
    assert asked.forbidden == {'B'}


POST_COPY = policy.WISHES[1]
WISH = {POST_COPY.image_key: 'true'}
UNHEEDED = Fleet((), image_wishes=False)


def requests(fleet):
    """Give one of each kind, of an image with a wish."""
    server = make_server('web', image_properties=WISH)
    return (
        of_server(server, fleet=fleet),
        like_server(server, fleet),
        of_flavor(make_flavor('small'), WISH, fleet),
    )


def test_images_have_a_say():
    for request in requests(FLEET):
        assert request.policy.post_copy
        assert request.required == {POST_COPY.trait}


def test_images_have_no_say_where_the_cloud_does_not_heed_them():
    for request in requests(UNHEEDED):
        assert request.policy == LiveMigrationPolicy()
        assert (request.required, request.origins) == (frozenset(), ())
