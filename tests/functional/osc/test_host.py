"""Commands that tell placement what hosts can do, over HTTP."""

import subprocess
import sys

import pytest
import webob

from numa_sched import policy
from numa_sched.osc import host

AC, PC = (wish.trait for wish in policy.WISHES)


@pytest.fixture(autouse=True)
def _no_traits(cloud):
    """Begin with hosts that have neither trait."""
    yield
    for name in cloud.computes:
        cloud.set_traits(name, remove=policy.TRAITS)


def listed(openstack, *arguments):
    return openstack('numa', 'host', 'list', '-f', 'json', *arguments).data


def changed(openstack, verb, *arguments):
    return openstack('numa', 'host', verb, '-f', 'json', *arguments)


def writes(server):
    return [path for method, path in server.asked if method == 'PUT']


def refuse(server, method, part, status, body=None):
    """Have some requests answered with an error, as placement words it."""

    def before(request):
        if request.method == method and part in request.path_qs:
            error = {'status': status, 'detail': 'The reason.', 'title': 'x'}
            return webob.Response(
                status=status,
                json_body=body or {'errors': [error]},
            )
        return None

    server.before = before


def test_all_hosts_are_listed_with_what_they_can_do(openstack, cloud):
    cloud.set_traits('node1', add=[AC])
    cloud.set_traits('node2', add=[AC, PC, 'COMPUTE_STATUS_DISABLED'])
    try:
        rows = listed(openstack)
    finally:
        cloud.set_traits('node2', remove=['COMPUTE_STATUS_DISABLED'])
    assert [tuple(row.values()) for row in rows] == [
        ('node1', True, False, True),
        ('node2', True, True, False),
        ('node3', False, False, True),
    ]
    assert list(rows[0]) == ['Host', 'Auto-Converge', 'Post-Copy', 'Enabled']


def test_a_list_of_any_number_of_hosts_is_four_questions(openstack, server):
    listed(openstack)
    asked = [path for _, path in server.asked if '/resource_prov' in path]
    assert len(asked) == 4


def test_a_long_list_has_what_there_is_and_what_is_used(openstack, cloud):
    server = cloud.boot(cloud.add_flavor(vcpus=1, ram=64), host='node3')
    rows = {row['Host']: row for row in listed(openstack, '--long')}
    assert rows['node3']['Provider'] == cloud.compute_rp_uuids['node3']
    assert rows['node3']['VCPU'] == {'used': 1, 'capacity': 8}
    assert rows['node3']['PCPU'] == {'used': 0, 'capacity': 2}
    assert rows['node1']['PCPU'] == {}
    table = openstack('numa', 'host', 'list', '--long').text
    assert ' 1/8 ' in table
    assert 'None' not in table
    cloud.api.delete_server(server['id'])


def test_a_trait_is_set_beside_those_that_are_there(openstack, cloud):
    before = cloud.traits_of('node1')
    rows = changed(openstack, 'set', '--post-copy', 'node1').data
    assert [tuple(row.values()) for row in rows] == [
        ('node1', False, True, True)
    ]
    assert cloud.traits_of('node1') == before | {PC}


def test_both_are_set_on_many_hosts_and_taken_away_again(openstack, cloud):
    before = {name: cloud.traits_of(name) for name in cloud.computes}
    changed(
        openstack, 'set', '--auto-converge', '--post-copy', *cloud.computes
    )
    for name, traits in before.items():
        assert cloud.traits_of(name) == traits | policy.TRAITS
    changed(openstack, 'unset', '--auto-converge', 'node1', 'node2')
    assert cloud.traits_of('node1') == before['node1'] | {PC}
    assert cloud.traits_of('node3') == before['node3'] | policy.TRAITS


def test_nothing_is_written_where_nothing_changes(openstack, cloud, server):
    cloud.set_traits('node1', add=[AC])
    for verb, trait in (('set', '--auto-converge'), ('unset', '--post-copy')):
        (row,) = changed(openstack, verb, trait, 'node1').data
        assert row['Changed'] is False
    assert writes(server) == []


def test_a_host_may_be_named_by_its_provider(openstack, cloud):
    uuid = cloud.compute_rp_uuids['node2']
    changed(openstack, 'set', '--post-copy', uuid)
    assert PC in cloud.traits_of('node2')


def test_who_is_faster_loses_nothing(openstack, cloud, server):
    """A trait is set by somebody else after ours were read."""
    others = iter(['HW_CPU_X86_AVX', 'HW_CPU_X86_AVX2'])

    def before(request):
        if request.method == 'PUT':
            trait = next(others, None)
            if trait:
                cloud.set_traits('node1', add=[trait])

    server.before = before
    (row,) = changed(openstack, 'set', '--post-copy', 'node1').data
    assert row['Changed'] is True
    assert len(writes(server)) == 3
    traits = {'HW_CPU_X86_AVX', 'HW_CPU_X86_AVX2'}
    assert cloud.traits_of('node1') >= {PC, *traits}
    cloud.set_traits('node1', remove=traits)


def test_who_is_always_slower_gives_up(openstack, cloud, server):
    refuse(server, 'PUT', '/traits', 409)
    line = changed(openstack, 'set', '--post-copy', 'node1').failure
    assert line.startswith('node1: others have changed this host')
    assert 'try again' in line
    assert len(writes(server)) == host.ATTEMPTS


def test_an_unknown_host_is_named_and_nothing_is_changed(
    openstack, cloud, server
):
    line = changed(
        openstack, 'set', '--post-copy', 'node1', 'nodeX', 'nodeY'
    ).failure
    assert 'no host nodeX nor nodeY' in line
    assert writes(server) == []


def test_a_provider_that_is_no_host_is_unknown(openstack, cloud):
    body = {'name': 'shared-disk'}
    cloud.placement.post('/resource_providers', body, version='1.20')
    line = changed(openstack, 'set', '--post-copy', 'shared-disk').failure
    assert 'no host shared-disk' in line


def test_a_host_that_goes_away_meanwhile_is_one_line(openstack, server):
    refuse(server, 'GET', '/traits', 404)
    line = changed(openstack, 'set', '--post-copy', 'node1').failure
    assert line.startswith('node1: Placement: ')
    assert '404' in line


@pytest.mark.parametrize(
    ('method', 'part'), [('PUT', '/traits'), ('GET', '/resource_providers')]
)
def test_a_right_that_is_missing_is_one_line(openstack, server, method, part):
    refuse(server, method, part, 403)
    line = changed(openstack, 'set', '--post-copy', 'node1').failure
    assert '403' in line
    assert 'The reason.' in line


@pytest.mark.parametrize('status', [401, 403, 502])
def test_an_answer_of_something_in_front_of_placement_is_one_line(
    openstack, server, status
):
    def before(request):
        if 'resource_providers' in request.path:
            return webob.Response(status=status, text='<html>no\nno</html>')
        return None

    server.before = before
    line = openstack('numa', 'host', 'list').failure
    assert str(status) in line


def test_hosts_that_could_be_changed_are_shown_and_the_others_told(
    openstack, cloud, server
):
    part = f'/{cloud.compute_rp_uuids["node2"]}/traits'
    refuse(server, 'PUT', part, 403)
    ran = changed(openstack, 'set', '--post-copy', *cloud.computes)
    assert ran.status == 1
    assert ran.text.count('"Changed": true') == 2
    (line,) = ran.told
    assert line.startswith('node2: ')
    assert PC in cloud.traits_of('node3')


@pytest.mark.parametrize('verb', ['set', 'unset'])
def test_no_trait_is_named(openstack, verb, server):
    line = changed(openstack, verb, 'node1').failure
    assert line == (
        f'Nothing to {verb}: name --auto-converge, --post-copy or both.'
    )
    assert writes(server) == []


def test_placement_that_does_not_answer_is_one_line(openstack):
    line = openstack(
        *('numa', 'host', 'list'),
        OS_AUTH_TYPE='admin_token',
        OS_TOKEN='admin',
        OS_ENDPOINT='http://127.0.0.1:9',
    ).failure
    assert '127.0.0.1' in line


@pytest.mark.parametrize(
    ('modules', 'unwanted'),
    [
        (['plugin'], {'nova', 'numpy', 'os_traits', 'osc_lib'}),
        (['host', 'candidates'], {'nova', 'numpy', 'oslo_config'}),
    ],
)
def test_no_more_is_loaded_than_is_used(modules, unwanted):
    """The plugin is loaded by each command of ``openstack``."""
    names = ', '.join(f'numa_sched.osc.{each}' for each in modules)
    code = f'import sys, {names}; print(*sys.modules)'
    loaded = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not unwanted & {each.split('.')[0] for each in loaded}
