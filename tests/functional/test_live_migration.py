"""Live migration of NUMA guests: to the host ranked first, then the next."""

import pytest
from nova import context as nova_context
from nova import objects

from tests import amount
from tests.cloud import machines

HUGE_PAGES = {2048: 4096}


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    """Hosts of ever more CPUs a cell: for packing, each better than the next.

    A third of the CPUs is shared.
    """
    for name, cores in (('tight', 6), ('middle', 9), ('roomy', 18)):
        machine = machines.symmetric(2, cores, threads=2, memory_mb=16384)
        cell = range(2 * cores // 3)
        cloud.add_host(
            name,
            machine,
            shared=(*cell, *(2 * cores + cpu for cpu in cell)),
            huge_pages=HUGE_PAGES,
        )


GUESTS = {
    'NUMA awareness': {'hw__numa_nodes': '2'},
    'CPU pinning': {'hw__cpu_policy': 'dedicated'},
    'CPU pinning on two cells': {
        'hw__cpu_policy': 'dedicated',
        'hw__numa_nodes': '2',
    },
    'huge pages': {'hw__mem_page_size': 'large'},
    'huge pages and pinning': {
        'hw__mem_page_size': 'large',
        'hw__cpu_policy': 'dedicated',
        'hw__cpu_thread_policy': 'require',
    },
}


def used_of(cloud, host):
    """Give what is in use of each cell: pinned CPUs, shared, 2 MiB pages."""
    return [
        (
            sorted(cell.pinned_cpus),
            cell.cpu_usage,
            next(p.used for p in cell.mempages if p.size_kb == 2048),
        )
        for cell in cloud.host_topology(host).cells
    ]


@pytest.mark.parametrize(
    'kind', amount.each(GUESTS, ['NUMA awareness', 'huge pages and pinning'])
)
def test_a_server_moves_to_the_host_ranked_first(cloud, kind):
    flavor = cloud.add_flavor(vcpus=4, ram=1024, **GUESTS[kind])
    idle = {host: used_of(cloud, host) for host in cloud.computes}
    server = cloud.boot(flavor, host='roomy')
    assert used_of(cloud, 'roomy') != idle['roomy']
    before = cloud.topology_of(server)
    assert cloud.live_migrate(server) == 'tight'
    after = cloud.topology_of(server)
    cloud._run_periodics()
    assert used_of(cloud, 'roomy') == idle['roomy']
    assert used_of(cloud, 'middle') == idle['middle']
    tight = {cell.id: cell for cell in cloud.host_topology('tight').cells}
    for cell in after.cells:
        pinned = set((cell.cpu_pinning or {}).values())
        assert len(pinned) == len(cell.pcpuset)
        assert pinned <= tight[cell.id].pinned_cpus
        if 'mem_page' in str(GUESTS[kind]):
            assert cell.pagesize == 2048
    assert used_of(cloud, 'tight') != idle['tight']
    if 'pinning' in kind:
        # The hosts number their CPUs differently on purpose.
        assert [cell.cpu_pinning for cell in after.cells] != [
            cell.cpu_pinning for cell in before.cells
        ]


def test_a_destination_that_refuses_is_followed_by_the_next_in_rank(cloud):
    flavor = cloud.add_flavor(vcpus=4, hw__cpu_policy='dedicated')
    server = cloud.boot(flavor, host='roomy')
    with cloud.refusing_migrations_to('tight'):
        assert cloud.live_migrate(server) == 'middle'
    assert used_of(cloud, 'tight')[0][0] == []
    (cell,) = cloud.topology_of(server).cells
    assert set(cell.cpu_pinning.values()) <= {
        cpu
        for host_cell in cloud.host_topology('middle').cells
        for cpu in host_cell.pinned_cpus
    }


def test_where_no_destination_is_left_the_server_stays_as_it_is(cloud):
    flavor = cloud.add_flavor(vcpus=4, hw__cpu_policy='dedicated')
    server = cloud.boot(flavor, host='roomy')
    before = cloud.topology_of(server).cells[0].cpu_pinning
    with (
        cloud.refusing_migrations_to('tight'),
        cloud.refusing_migrations_to('middle'),
    ):
        assert cloud.live_migrate(server) == 'roomy'
    assert cloud.wait_for_migration(server)['status'] == 'error'
    assert cloud.topology_of(server).cells[0].cpu_pinning == before


def test_the_request_stored_for_later_moves_is_not_changed(cloud):
    flavor = cloud.add_flavor(vcpus=4, hw__mem_page_size='large')
    server = cloud.boot(flavor, host='roomy')
    stored = stored_topology(server)
    cloud.live_migrate(server)
    assert stored_topology(server) == stored
    assert stored['cells'][0]['pagesize'] == -2


def stored_topology(server):
    spec = objects.RequestSpec.get_by_instance_uuid(
        nova_context.get_admin_context(), server['id']
    )
    return {
        'cells': [
            {'id': cell.id, 'pagesize': cell.pagesize, 'pin': cell.cpu_pinning}
            for cell in spec.numa_topology.cells
        ]
    }
