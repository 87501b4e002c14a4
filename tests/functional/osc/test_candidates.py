"""Where placement would put a server, over HTTP."""

import urllib.parse

import pytest
from nova import context, objects

from numa_sched import policy
from tests import amount

AC, PC = policy.WISHES


@pytest.fixture(scope='module', autouse=True)
def _traits(cloud):
    """Give two hosts a trait that a policy asks for."""
    for name in ('node1', 'node3'):
        cloud.set_traits(name, add=[AC.trait])


@pytest.fixture
def candidates(openstack):
    def run(*arguments):
        return openstack('numa', 'candidates', '-f', 'json', *arguments)

    return run


def asked_of_placement(ran):
    """Give the parameters in the line that is told for copying."""
    (line,) = [each for each in ran.told if each.startswith('Asked: ')]
    _, method, url, *version = line.split()
    assert method == 'GET'
    assert version == ['(OpenStack-API-Version:', 'placement', '1.36)']
    path, _, query = url.partition('?')
    assert path == '/allocation_candidates'
    return urllib.parse.parse_qs(query)


def hosts(ran):
    return [row['Host'] for row in ran.data]


# Flavors with their resources, and images.
CASES = {
    'nothing': ({}, {}),
    'dedicated': ({'hw:cpu_policy': 'dedicated'}, {}),
    'dedicated by the image': ({}, {'hw_cpu_policy': 'dedicated'}),
    'mixed': (
        {'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '1'},
        {'hw_cpu_thread_policy': 'isolate'},
    ),
    'overridden': ({'resources:VCPU': '1', 'resources:MEMORY_MB': '64'}, {}),
    'traits': (
        {'trait:HW_CPU_X86_AVX': 'forbidden', AC.flavor_key: 'true'},
        {AC.image_key: 'yes', 'trait:COMPUTE_NODE': 'required'},
    ),
}


@pytest.mark.parametrize(
    'case', amount.each(CASES, ['dedicated by the image', 'mixed', 'traits'])
)
def test_placement_is_asked_what_nova_scheduler_asks(candidates, cloud, case):
    specs, properties = CASES[case]
    flavor = cloud.add_flavor(
        vcpus=2, ram=256, **{k.replace(':', '__'): v for k, v in specs.items()}
    )
    image = cloud.add_image(**properties)
    ran = candidates('--flavor', flavor, '--image', image)
    cloud.forget()
    server = cloud.boot(flavor, image=image)
    assert asked_of_placement(ran) == cloud.placement_queries[0]
    assert cloud.host_of(server) in hosts(ran)


def test_hosts_are_those_with_the_trait_and_the_policy_is_told(
    candidates, cloud
):
    flavor = cloud.add_flavor(ram=128, **{AC.flavor_key: 'true'})
    ran = candidates('--flavor', flavor)
    assert ran.data == [
        {
            'Host': name,
            'Resources': {name: {'VCPU': 1, 'MEMORY_MB': 128, 'DISK_GB': 1}},
        }
        for name in ('node1', 'node3')
    ]
    assert ran.told[:2] == [
        'Policy: auto-converge wanted, post-copy as configured',
        f'Required: {AC.trait} (flavor key {AC.flavor_key} has the value '
        f"'true')",
    ]
    assert len(ran.told) == 3


def test_a_trait_that_no_host_has_leaves_none(candidates, cloud):
    image = cloud.add_image(**{PC.image_key: 'true', AC.image_key: 'no'})
    ran = candidates('--flavor', cloud.add_flavor(), '--image', image)
    assert ran.data == []
    assert ran.told[0] == 'Policy: auto-converge not wanted, post-copy wanted'


def test_dedicated_cpus_are_on_the_host_that_has_them(candidates, cloud):
    flavor = cloud.add_flavor(vcpus=2, hw__cpu_policy='dedicated')
    assert hosts(candidates('--flavor', flavor)) == ['node3']
    assert hosts(candidates('--flavor', flavor, '--fallback')) == [
        *('node1', 'node2', 'node3')
    ]


def test_a_table_says_it_in_a_row(openstack, cloud):
    table = openstack(
        'numa', 'candidates', '--flavor', cloud.add_flavor(ram=64)
    ).text
    assert '| node1 | DISK_GB=1, MEMORY_MB=64, VCPU=1 |' in table


def test_a_root_disk_that_is_a_volume_is_not_asked_for(candidates, cloud):
    flavor = cloud.add_flavor(ram=64)
    ran = candidates('--flavor', flavor, '--boot-from-volume')
    assert asked_of_placement(ran)['resources'] == ['MEMORY_MB:64,VCPU:1']


def test_no_more_than_a_number_of_candidates_is_asked_for(candidates, cloud):
    ran = candidates('--flavor', cloud.add_flavor(), '--limit', '2')
    assert asked_of_placement(ran)['limit'] == ['2']
    assert len(ran.data) == 2


def test_devices_of_a_host_are_told_by_their_provider(candidates, cloud):
    name = 'node2_gpu'
    parent = cloud.compute_rp_uuids['node2']
    gpu = cloud.placement.post(
        '/resource_providers',
        {'name': name, 'parent_provider_uuid': parent},
        version='1.20',
    ).body
    url = f'/resource_providers/{gpu["uuid"]}'
    inventory = {
        'resource_provider_generation': gpu['generation'],
        'inventories': {'VGPU': {'total': 4}},
    }
    cloud.placement.put(f'{url}/inventories', inventory, version='1.20')
    try:
        flavor = cloud.add_flavor(ram=64, resources1__VGPU='1')
        (row,) = candidates('--flavor', flavor).data
    finally:
        cloud.placement.delete(url, version='1.20')
    assert row['Host'] == 'node2'
    assert row['Resources'][name] == {'VGPU': 1}
    assert set(row['Resources']) == {'node2', name}


def test_nothing_is_written(candidates, cloud, server):
    candidates('--flavor', cloud.add_flavor())
    asked = {method for method, path in server.asked if 'identity' not in path}
    assert asked == {'GET'}


@pytest.mark.parametrize(
    ('specs', 'properties', 'why'),
    [
        (
            {AC.flavor_key: 'true', PC.flavor_key: 'true'},
            {},
            'exclude each other',
        ),
        (
            {AC.flavor_key: 'true'},
            {AC.image_key: 'false'},
            'make them agree',
        ),
        (
            {'hw:cpu_policy': 'shared'},
            {'hw_cpu_policy': 'dedicated'},
            'contradict each other',
        ),
    ],
)
def test_what_nova_refuses_is_one_line(
    candidates, cloud, specs, properties, why
):
    flavor = cloud.add_flavor()
    # Past the API, which would not have it.
    stored = objects.Flavor.get_by_flavor_id(
        context.get_admin_context(), flavor
    )
    stored.extra_specs = specs
    stored.save()
    image = cloud.add_image(**properties)
    line = candidates('--flavor', flavor, '--image', image).failure
    assert line.startswith('Nova refuses such a server: ')
    assert why in line


@pytest.mark.parametrize(
    ('arguments', 'why'),
    [
        (('--flavor', 'no-such'), 'no-such'),
        (('--flavor', '{flavor}', '--image', 'no-such'), 'no-such'),
    ],
)
def test_what_there_is_not_is_one_line(candidates, cloud, arguments, why):
    flavor = cloud.add_flavor()
    line = candidates(*(each.format(flavor=flavor) for each in arguments))
    assert why in line.failure


@pytest.mark.parametrize('limit', ['0', '-1', 'x'])
def test_a_limit_is_a_number(candidates, limit):
    ran = candidates('--flavor', 'f', '--limit', limit)
    assert ran.status == 2
    assert 'argument --limit' in ran.told[-1]
