"""Guests whose cells differ: stock Nova, and ours in its place."""

import pytest

from tests.cloud import STOCK_OPTIONS, machines, started_cloud

FOUR_CELLS_OF_THREE = machines.symmetric(4, 3)


def flavor_of_1_1_1_4(cloud):
    return cloud.add_flavor(
        vcpus=7,
        ram=2048,
        hw__cpu_policy='dedicated',
        hw__numa_nodes='4',
        **{
            'hw__numa_cpus.0': '0',
            'hw__numa_cpus.1': '1',
            'hw__numa_cpus.2': '2',
            'hw__numa_cpus.3': '3,4,5,6',
        },
        **{f'hw__numa_mem.{cell}': '512' for cell in range(4)},
    )


def test_a_cell_of_4_cpus_is_not_put_on_cells_of_3():
    with started_cloud(STOCK_OPTIONS) as cloud:
        cloud.add_host('host', FOUR_CELLS_OF_THREE)
        server = cloud.boot(flavor_of_1_1_1_4(cloud))
        cells = cloud.topology_of(server).cells
        assert [len(cell.cpu_pinning or ()) for cell in cells] == [1, 1, 1, 0]
    with started_cloud() as cloud:
        cloud.add_host('host', FOUR_CELLS_OF_THREE)
        server = cloud.boot(flavor_of_1_1_1_4(cloud), state='ERROR')
        assert 'No valid host was found' in server['fault']['message']
        assert any(
            'guest cell 3 fits no host cell: needs 4 dedicated CPUs, the '
            'cell has 3' in record.getMessage()
            for record in cloud.log
        )


def test_the_same_guest_runs_fully_pinned_where_it_fits():
    with started_cloud() as cloud:
        cloud.add_host('tight', FOUR_CELLS_OF_THREE)
        cloud.add_host('roomy', machines.symmetric(4, 4))
        server = cloud.boot(flavor_of_1_1_1_4(cloud))
        assert cloud.host_of(server) == 'roomy'
        cells = cloud.topology_of(server).cells
        assert [len(cell.cpu_pinning) for cell in cells] == [1, 1, 1, 4]
        assert len({cell.id for cell in cells}) == 4


@pytest.fixture(scope='module')
def _two_hosts(cloud):
    cloud.add_host('xeon', machines.XEON_L5640)
    cloud.add_host('big', machines.XEON_56)


@pytest.mark.usefixtures('_two_hosts')
def test_several_servers_at_once_each_get_cpus_of_their_own(cloud):
    flavor = cloud.add_flavor(
        vcpus=4, hw__cpu_policy='dedicated', hw__mem_page_size='small'
    )
    cloud.boot(flavor, min_count=4, name='several')
    taken = set()
    for server in cloud.api.get_servers():
        server = cloud.wait_for(server, 'ACTIVE')
        (cell,) = cloud.topology_of(server).cells
        cpus = {
            (cloud.host_of(server), cpu) for cpu in cell.cpu_pinning.values()
        }
        assert not cpus & taken
        taken |= cpus
    assert len(taken) == 16
