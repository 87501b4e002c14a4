import dataclasses
import random

import pytest

from numa_sched.draw.build import picture, pictures
from numa_sched.draw.cell import CPUState
from numa_sched.fleet import Flavor
from numa_sched.topology import CellLayout, DevicePool, HostCell
from tests.builders import GIANT_KB, HUGE_KB, kind, make_cell, make_host, mask
from tests.unit.draw.fleets import (
    make_cloud,
    make_fleet_host,
    make_server,
    zoo,
)


def drawn(*cells, servers=(), **fields):
    return picture(make_fleet_host(make_host(*cells, **fields)), servers)


def cpus(each):
    return [cpu for cell in each.cells for core in cell.cores for cpu in core]


def marks(each):
    return ''.join(cpu.mark or '.' for cpu in cpus(each))


def test_pinned_cpus_carry_the_marks_of_their_servers():
    found = drawn(
        make_cell(cpus=6, pinned=[0, 1, 3]),
        servers=[
            make_server('b', [(0, [0, 1])]),
            make_server('a', [(0, [3])]),
        ],
    )
    assert marks(found) == 'BB.A..'
    assert [(server.mark, server.name) for server in found.servers] == [
        ('A', 'a'),
        ('B', 'b'),
    ]
    assert cpus(found)[1].words == 'CPU 1: pinned by b (B)'
    assert cpus(found)[2].words == 'CPU 2: free'
    assert found.notes == ()


def test_letters_go_to_servers_with_cpus_of_their_own():
    found = drawn(
        make_cell(cpus=2, pinned=[0]),
        servers=[
            make_server('a', [(0, ())], shared=2),
            make_server('b', [(0, [0])]),
        ],
    )
    assert [
        (server.mark, server.colour, server.name, server.cpus, server.cells)
        for server in found.servers
    ] == [('A', 0, 'b', '0', (0,)), ('', None, 'a', '2 shared', (0,))]


def test_a_server_without_topology_is_anywhere():
    server = dataclasses.replace(
        make_server('a', [], shared=3), flavor=Flavor('f', 3, 2048)
    )
    (found,) = drawn(2, servers=[server]).servers
    assert found.where == 'cell any, CPUs 3 shared'
    assert found.memory_mb == 2048


def test_what_a_server_has_is_told():
    (found,) = drawn(
        make_cell(0),
        make_cell(1),
        servers=[
            make_server('a', [(1, [64], HUGE_KB), (0, [0, 1], GIANT_KB)])
        ],
    ).servers
    assert found.where == 'cells 0,1, CPUs 0-1,64'
    assert found.pages == '2 MiB, 1 GiB'
    assert found.memory_mb == 2048


def test_the_order_of_servers_makes_no_difference():
    fleet = make_cloud(1, servers=30)
    servers = list(fleet.servers)
    first = picture(fleet.hosts[0], servers)
    random.Random(1).shuffle(servers)
    assert picture(fleet.hosts[0], servers) == first


def test_a_server_looks_the_same_whatever_else_is_drawn():
    fleet = make_cloud(4)
    for host, one in zip(
        fleet.hosts, pictures(fleet, fleet.hosts), strict=True
    ):
        assert pictures(fleet, [host]) == [one]


def test_shared_cpus_are_told_apart():
    found = drawn(make_cell(cpus=1), make_cell(1, cpus=1, shared=True))
    assert [cpu.state for cpu in cpus(found)] == [
        CPUState.FREE,
        CPUState.SHARED,
    ]


def test_cpus_may_be_for_both():
    found = drawn(make_cell(cpus=2, legacy=True, pinned=[0]))
    assert [cpu.state for cpu in cpus(found)] == [
        CPUState.PINNED,
        CPUState.EITHER,
    ]


def test_cpus_in_no_cell_are_told():
    cell = HostCell(CellLayout(0, dedicated=mask(2, 3, 6)), 1024)
    assert drawn(cell).outside == mask(0, 1, 4, 5)


def test_cores_are_by_their_lowest_cpu_and_cpus_without_one_stand_alone():
    layout = CellLayout(
        0, dedicated=0b111111, siblings=(mask(4, 5), 0, mask(0, 2))
    )
    (cell,) = drawn(HostCell(layout, 1024)).cells
    assert [[cpu.id for cpu in core] for core in cell.cores] == [
        [0, 2],
        [1],
        [3],
        [4, 5],
    ]


def test_cells_are_by_their_ids():
    found = picture(zoo()['cells not in the order of their ids'])
    assert [cell.id for cell in found.cells] == [0, 8]


@pytest.mark.parametrize(
    ('pinned', 'servers', 'marked', 'notes'),
    [
        pytest.param(
            [0, 1],
            [],
            '??..',
            ('no server is known that holds CPUs 0-1',),
            id='pinned by nobody known',
        ),
        pytest.param(
            [0],
            [('a', [(0, [0])]), ('b', [(0, [0])])],
            '!...',
            ('several servers hold CPUs 0',),
            id='pinned by two',
        ),
        pytest.param(
            [],
            [('a', [(0, [2])])],
            '..A.',
            ('the host does not report CPUs 2 as pinned, but they are held',),
            id='not reported yet',
        ),
        pytest.param(
            [],
            [('a', [(0, [9])])],
            '....',
            ('a holds CPUs 9, which are in no cell',),
            id='a CPU that is not there',
        ),
        pytest.param(
            [],
            [('a', [(5, [])])],
            '....',
            ('a is on cells that the host does not have: 5',),
            id='a cell that is not there',
        ),
    ],
)
def test_what_does_not_match_is_drawn_and_said(pinned, servers, marked, notes):
    found = drawn(
        make_cell(pinned=pinned),
        servers=[make_server(*server) for server in servers],
    )
    assert marks(found) == marked
    assert found.notes == notes


def test_shared_cpus_that_a_server_holds_are_said():
    found = drawn(
        make_cell(shared=True), servers=[make_server('a', [(0, [1])])]
    )
    assert found.notes == ('servers hold CPUs 1, which are shared',)
    assert cpus(found)[1].words == 'CPU 1: pinned by a (A)'


def test_memory_and_pages_are_by_size_and_those_of_none_are_named():
    (cell,) = picture(zoo()['pages of every size']).cells
    assert [bar.label for bar in cell.bars] == [
        'memory',
        '4 KiB pages',
        '2 MiB pages',
        '16 GiB pages',
    ]
    assert cell.no_pages == ('64 KiB',)
    assert [(bar.used, bar.reserved) for bar in cell.bars] == [
        (0, 0),
        (0, 0),
        (0, 0),
        (1, 1),
    ]


def test_devices_and_networks_are_told_by_cell():
    found = picture(zoo()['devices and networks'])
    assert [cell.near for cell in found.cells] == [
        (
            'networks: physnet1, physnet2',
            '7 free: 8086:154d type-vf, physnet1',
        ),
        ('networks: tunneled',),
    ]
    assert found.elsewhere == ('1 free: 10de', '2 free: devices')


@pytest.mark.parametrize(
    ('physnets', 'tunneled', 'told'),
    [(None, False, None), (None, True, ('tunneled',)), ((), False, ())],
)
def test_networks_may_not_be_told(physnets, tunneled, told):
    nets = None if physnets is None else frozenset(physnets)
    (cell,) = drawn(make_cell(physnets=nets, tunneled=tunneled)).cells
    assert cell.networks == told


@pytest.mark.parametrize(
    ('fields', 'facts'),
    [
        ({}, ()),
        (
            {'zone': 'az1', 'up': True, 'disabled': None},
            ('zone az1', 'up'),
        ),
        ({'up': False, 'disabled': ''}, ('down', 'disabled')),
        ({'disabled': 'fan\nbroken'}, (r'disabled: fan\nbroken',)),
    ],
)
def test_facts_about_a_host(fields, facts):
    assert picture(make_fleet_host(**fields)).facts == facts


def test_a_node_of_another_name_is_named():
    host = make_fleet_host(name='compute1', nodename='baremetal7')
    assert picture(host).name == 'compute1 (baremetal7)'


def test_a_host_without_topology_says_so_and_has_its_servers():
    found = picture(
        make_fleet_host(), [make_server('a', [(0, [1])]), make_server('b')]
    )
    assert found.problem == 'no NUMA topology told'
    assert found.words == ('no NUMA topology told',)
    assert [server.name for server in found.servers] == ['a', 'b']
    assert picture(make_fleet_host(error='bad\x00')).problem == r'bad\x00'


def test_what_is_free_of_a_cell_is_neither_reported_nor_held():
    found = drawn(
        make_cell(0, cpus=4, pinned=[0]),
        make_cell(1, cpus=4, pinned=[64, 65]),
        servers=[make_server('a', [(0, [0, 1])])],
    )
    assert [(cell.free, cell.dedicated) for cell in found.cells] == [
        (2, 4),
        (2, 4),
    ]
    assert [cell.servers for cell in found.cells] == [found.servers, ()]


def test_shared_cpus_are_as_many_as_the_ratio_says():
    (cell,) = drawn(
        make_cell(cpus=4, shared=True, shared_used=3),
        cpu_allocation_ratio=2.5,
    ).cells
    assert (cell.shared, cell.shared_used, cell.shared_limit) == (4, 3, 10.0)


def test_the_first_cpu_may_stand_alone_too():
    layout = CellLayout(0, dedicated=0b111, siblings=(0b110,))
    (cell,) = drawn(HostCell(layout, 1024)).cells
    assert cell.masks == (0b001, 0b110)


def test_the_first_cpu_may_be_shared():
    layout = CellLayout(0, shared=0b1, dedicated=0b10)
    found = drawn(
        HostCell(layout, 1024), servers=[make_server('a', [(0, [0])])]
    )
    assert found.notes == ('servers hold CPUs 0, which are shared',)


def test_what_else_tells_devices_apart_is_told():
    pool = DevicePool(
        0, kind(vendor_id='8086', tag='x', address=None, capabilities='y'), 1
    )
    (cell,) = drawn(2, pools=(pool,)).cells
    assert cell.devices == ('1 free: 8086, tag=x',)
