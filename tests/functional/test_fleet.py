"""A live cloud as values, as the scheduler sees it."""

import logging

import pytest
from nova import context as nova_context
from nova import objects
from nova.scheduler import host_manager

from numa_sched.exceptions import SourceError
from numa_sched.fleet import snapshot
from numa_sched.nova import convert, nodes
from numa_sched.nova import fleet as live
from numa_sched.topology import CPUPolicy, PageSize
from tests.cloud import machines

GIANT = 1048576
TRAIT = 'COMPUTE_MIGRATE_POST_COPY'


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    machine = machines.symmetric(2, 4, 2, memory_mb=8192)
    cloud.add_host('big', machine, huge_pages={GIANT: 4}, traits=[TRAIT])
    cloud.add_host('small', machines.symmetric(1, 2), shared=(0,))


@pytest.fixture
def flavor(cloud):
    return cloud.add_flavor(
        vcpus=4,
        ram=2048,
        hw__cpu_policy='dedicated',
        hw__numa_nodes='2',
        hw__mem_page_size='large',
    )


def read(**told):
    return live.read(live.Listener(**told))


def of_name(values, name):
    (found,) = (each for each in values if each.name == name)
    return found


def states():
    """Give the host states of the scheduler."""
    context = nova_context.get_admin_context()
    manager = host_manager.HostManager()
    manager.refresh_cells_caches()
    uuids = [node.uuid for node in objects.ComputeNodeList.get_all(context)]
    return list(
        manager.get_host_states_by_uuids(
            context, uuids, objects.RequestSpec(requested_destination=None)
        )
    )


def test_hosts_are_what_the_scheduler_sees(cloud, flavor):
    cloud.boot(flavor)
    fleet = read()
    assert {host.name for host in fleet.hosts} == {'big', 'small'}
    for state in states():
        host = of_name(fleet.hosts, state.host)
        assert host.host == convert.host(state)
        assert host.node == nodes.of_state(state)
        assert (host.up, host.disabled, host.error) == (True, None, None)
        assert host.uuid == state.uuid


def test_placement_tells_traits_and_inventories(cloud, flavor):
    cloud.boot(flavor)
    big, small = (of_name(read().hosts, name) for name in ('big', 'small'))
    assert TRAIT in big.traits
    assert TRAIT not in small.traits
    assert (big.inventories['PCPU'].total, big.inventories['PCPU'].used) == (
        16,
        4,
    )
    assert big.inventories['PCPU'].free == 12
    assert small.inventories['VCPU'].total == 1


def test_a_server_is_told_with_what_it_asks_for_and_holds(cloud, flavor):
    server = cloud.boot(flavor, image=cloud.add_image(os_distro='any'))
    fleet = read()
    (found,) = fleet.servers
    assert found.uuid == server['id']
    assert (found.host, found.nodename) == ('big', 'big')
    assert found.flavor in fleet.flavors
    assert found.image_properties['os_distro'] == 'any'
    assert found.guest == found.flavor.guest
    assert [cell.dedicated for cell in found.guest.cells] == [2, 2]
    assert found.guest.cells[0].page_size == PageSize.LARGE
    assert found.asked.resources == {
        'PCPU': 4,
        'MEMORY_MB': 2048,
        'DISK_GB': 1,
    }
    claimed = cloud.topology_of(server)
    assert [seat.cell for seat in found.seats] == [
        cell.id for cell in claimed.cells
    ]
    assert [seat.page_size_kb for seat in found.seats] == [GIANT, GIANT]
    (host,) = (each.host for each in fleet.hosts if each.name == 'big')
    pinned = dict(
        zip((c.id for c in host.layout.cells), host.pinned, strict=True)
    )
    for seat in found.seats:
        assert seat.pinned == pinned[seat.cell]
    assert fleet.by_host['big', 'big'] == (found,)


def test_a_server_is_told_with_its_ports(cloud, flavor):
    ports = [{'port': cloud.neutron.port_1['id']}]
    cloud.boot(flavor, networks=ports)
    cloud.boot(cloud.add_flavor(vcpus=1, hw__cpu_policy='dedicated'))
    told = {server.ports for server in read().servers}
    assert told == {(), (('ovs', 'normal'),)}


def test_flavors_are_as_nova_reads_them(cloud):
    cloud.add_flavor(vcpus=2, hw__cpu_policy='dedicated')
    cloud.add_flavor(vcpus=2)
    cloud.add_flavor(vcpus=3, hw__numa_nodes='2')
    flavors = read().flavors
    pinned = [
        each
        for each in flavors
        if each.extra_specs == {'hw:cpu_policy': 'dedicated'}
    ]
    assert pinned[0].guest.cells[0].cpu_policy is CPUPolicy.DEDICATED
    plain = [each for each in flavors if not each.extra_specs]
    assert plain[0].guest is None
    assert plain[0].error is None
    (bad,) = (each for each in flavors if each.vcpus == 3)
    assert bad.guest is None
    assert 'even' in bad.error or 'NUMA' in bad.error


def test_aggregates_zones_groups_and_services_are_told(cloud, flavor):
    aggregate = cloud.api.post_aggregate(
        {'aggregate': {'name': 'fast', 'availability_zone': 'north'}}
    )
    cloud.api.add_host_to_aggregate(aggregate['id'], 'big')
    group = cloud.api.post_server_groups(
        {'name': 'apart', 'policy': 'anti-affinity'}
    )
    service = cloud.api.get_services(host='small', binary='nova-compute')[0]
    cloud.api.put_service(
        service['id'], {'status': 'disabled', 'disabled_reason': 'repair'}
    )
    try:
        body = cloud._build_server(
            image_uuid=cloud.add_image(), flavor_id=flavor, networks='none'
        )
        body['availability_zone'] = 'north'
        server = cloud.wait_for(
            cloud.api.post_server(
                {'server': body, 'os:scheduler_hints': {'group': group['id']}}
            ),
            'ACTIVE',
        )
        fleet = read()
        assert of_name(fleet.hosts, 'big').zone == 'north'
        assert of_name(fleet.hosts, 'small').zone == 'nova'
        assert of_name(fleet.hosts, 'small').disabled == 'repair'
        assert fleet.aggregates[0].hosts == {'big'}
        (found,) = fleet.servers
        assert (found.zone, found.group) == ('north', group['id'])
        (told,) = fleet.groups
        assert (told.policy, told.members) == ('anti-affinity', {found.uuid})
        assert found.uuid == server['id']
        assert snapshot.loads(snapshot.dumps(fleet)) == fleet
    finally:
        cloud.delete_all()
        cloud.api.put_service(service['id'], {'status': 'enabled'})
        cloud.api.api_post(
            f'/os-aggregates/{aggregate["id"]}/action',
            {'remove_host': {'host': 'big'}},
        )
        cloud.api.delete_aggregate(aggregate['id'])
        cloud.api.delete_server_group(group['id'])


def test_a_cell_that_cannot_be_read_is_told_and_left_out(
    cloud, monkeypatch, caplog
):
    def down(context):
        raise OSError('no route to host')

    monkeypatch.setattr(live, '_services', down)
    caplog.set_level(logging.CRITICAL, 'nova.context')
    warnings = []
    fleet = read(warn=warnings.append)
    assert fleet.hosts == ()
    assert len(warnings) == 1
    assert 'cannot be read: it is left out' in warnings[0]


def test_placement_that_does_not_answer_is_told(cloud, monkeypatch):
    def get(client, url, **kwargs):
        raise OSError('refused')

    monkeypatch.setattr(
        'nova.scheduler.client.report.SchedulerReportClient.get', get
    )
    with pytest.raises(SourceError, match=r'placement .* refused'):
        read()


def test_a_host_whose_topology_makes_no_sense_has_an_error(cloud, monkeypatch):
    stock = convert.host

    def host(state):
        if state.host == 'big':
            raise convert.TopologyError('two cells have the id 0')
        return stock(state)

    monkeypatch.setattr(convert, 'host', host)
    big = of_name(read().hosts, 'big')
    assert (big.host, big.error) == (None, 'two cells have the id 0')
    assert TRAIT in big.traits


@pytest.mark.parametrize('heeded', [True, False])
def test_whether_images_have_a_say_is_told(cloud, heeded):
    cloud.flags(image_wishes=heeded, group='numa_sched')
    try:
        assert read().image_wishes is heeded
    finally:
        cloud.flags(image_wishes=True, group='numa_sched')


def test_how_far_it_is_is_told(cloud, flavor):
    cloud.boot(flavor)
    told = []
    read(progress=lambda *step: told.append(step))
    assert ('hosts', 2, 2) in told
    assert ('servers', 1, 1) in told
    assert ('placement', 2, 2) in told
