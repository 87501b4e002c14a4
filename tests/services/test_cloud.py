"""A cloud set up as README.rst says does what README.rst says."""

import json

import pytest

from numa_sched import policy
from tests.services import readme, recorded
from tests.services.compute import HOSTS
from tests.services.processes import BIN, FailedError, run, wait_for

AUTO_CONVERGE, POST_COPY = (each.flavor_key for each in policy.WISHES)
IMAGE_AUTO_CONVERGE, _ = (each.image_key for each in policy.WISHES)


@pytest.fixture(scope='module')
def ours(cloud):
    """The cloud with what the README says, and a wish of each kind."""
    cloud.become(ours=True)
    cloud.make_image('converging')
    cloud.openstack(
        *('image', 'set', 'converging'),
        *('--property', f'{IMAGE_AUTO_CONVERGE}=true'),
    )
    cloud.openstack(
        *('flavor', 'set', 'pinned.4', '--property', f'{POST_COPY}=true')
    )
    yield cloud
    cloud.openstack('flavor', 'unset', 'pinned.4', '--property', POST_COPY)
    cloud.delete_servers()


def test_the_status_command_finds_nothing_to_say(ours):
    command, *arguments = readme.status().split()
    # It ends with 0 if all is well, and with more if there is a warning.
    run(
        *(BIN / command, '--config-file', ours.nova.conf, *arguments),
        directory=ours.directory,
    )


def test_every_host_tells_placement_that_it_can_do_both(ours):
    found = ours.asked('numa', 'host', 'list')
    assert {each['Host'] for each in found} == set(HOSTS)
    assert all(each['Auto-Converge'] and each['Post-Copy'] for each in found)


def test_a_server_is_put_where_its_wish_can_be_honoured(ours):
    able, *others = sorted(HOSTS, reverse=True)
    ours.openstack('numa', 'host', 'unset', '--post-copy', *others)
    try:
        found = ours.asked('numa', 'candidates', '--flavor=pinned.4')
        assert {each['Host'] for each in found} == {able}
        server = ours.create('wishing', flavor='pinned.4')
    finally:
        ours.openstack('numa', 'host', 'set', '--post-copy', *others)
    assert server['OS-EXT-SRV-ATTR:host'] == able


def test_a_server_is_migrated_as_it_wishes(ours):
    server = ours.create('moving', flavor='pinned.4')
    source = server['OS-EXT-SRV-ATTR:host']
    ours.openstack('server', 'migrate', '--live-migration', 'moving')
    moved = ours.settled('moving', but=source)
    assert moved['status'] == 'ACTIVE'
    (move,) = recorded.moves_of(ours.directory, server['id'])
    assert move == [moved['OS-EXT-SRV-ATTR:host'], False, True]


def test_wishes_that_contradict_each_other_are_answered_with_400(ours):
    with pytest.raises(FailedError, match=r'400: .*exclude each other'):
        ours.openstack(
            *('server', 'create', 'contradictory', '--nic', 'none'),
            *('--flavor', 'pinned.4', '--image', 'converging'),
        )
    names = [each['Name'] for each in ours.asked('server', 'list')]
    assert 'contradictory' not in names


def test_a_bad_wish_of_a_flavor_is_answered_with_400(ours):
    with pytest.raises(FailedError, match='400'):
        ours.openstack(
            *('flavor', 'set', '--property', f'{POST_COPY}=maybe', 'pinned.8')
        )


def test_why_a_server_found_no_host_is_told_afterwards(ours):
    ours.openstack(
        *('server', 'create', 'homeless', '--nic', 'none'),
        *('--flavor', 'pinned.1024', '--image', 'plain'),
    )
    server = ours.settled('homeless')
    assert server['status'] == 'ERROR'
    told = wait_for('word', lambda: _last(ours, server['id']), 30)
    assert f'no host was found for server {server["id"]}' in told
    assert 'flavor pinned.1024' in told


def _last(cloud, server):
    try:
        return cloud.tool('explain', '--last', server)
    except FailedError:
        return ''


def test_the_tools_answer_about_the_cloud(ours):
    server = ours.create('asked-about', flavor='pinned.4')
    host = server['OS-EXT-SRV-ATTR:host']
    told = json.loads(ours.tool('explain', 'asked-about', '-f', 'json'))
    assert {each['Host'] for each in told} == set(HOSTS)
    assert [each['Host'] for each in told if not each['Passes']] == [host]
    told = json.loads(ours.tool('rank', 'asked-about', '-f', 'json'))
    assert {each['Host'] for each in told} == set(HOSTS) - {host}
    (told,) = json.loads(
        ours.tool('capacity', '--flavor=pinned.4', '-f', 'json')
    )
    assert told['Hosts'] == len(HOSTS)
    assert 'asked-about' in ours.tool('map', host)


def test_glance_tells_of_the_keys(ours):
    ours.load_metadefs()
    found = ours.asked('image', 'metadef', 'namespace', 'list')
    assert 'OS::Compute::LiveMigrationPolicy' in str(found)


def test_nothing_of_ours_has_failed_unnoticed(ours):
    assert not ours.our_errors()
