import itertools

import pytest

from numa_sched.draw.build import picture
from numa_sched.draw.cell import (
    CPU,
    Bar,
    CPUState,
    DrawnCell,
    DrawnServer,
    memory_bar,
    pages_bar,
)
from tests.unit.draw.fleets import zoo


@pytest.mark.parametrize(
    ('used', 'reserved', 'total', 'parts'),
    [
        pytest.param(0, 0, 0, (0, 0, 0), id='nothing'),
        pytest.param(5, 0, 10, (5, 0, 5), id='half'),
        pytest.param(1, 0, 1000, (1, 0, 9), id='a little is seen'),
        pytest.param(999, 0, 1000, (9, 0, 1), id='a little left is seen'),
        pytest.param(1, 1, 1000, (1, 1, 8), id='of everything'),
        pytest.param(10, 0, 10, (10, 0, 0), id='full is full'),
        pytest.param(30, 0, 10, (10, 0, 0), id='more than there is'),
        pytest.param(0, 10, 10, (0, 10, 0), id='all of it reserved'),
    ],
)
def test_a_bar_shows_what_is_there(used, reserved, total, parts):
    assert Bar('', 1, total, used, reserved).parts(10) == parts


def test_the_parts_of_a_bar_fill_it():
    for used, reserved, total in itertools.product(range(0, 40, 3), repeat=3):
        parts = Bar('', 1, total, used, reserved).parts(7)
        assert sum(parts) in (0, 7)
        assert min(parts) >= 0


@pytest.mark.parametrize(
    ('bar', 'words'),
    [
        (memory_bar(4096, 512), 'memory: 4096 MiB, 512 used, 3584 free'),
        (memory_bar(2, 2), 'memory: 2 MiB, 2 used, 0 free'),
        (memory_bar(2, 3), 'memory: 2 MiB, 3 used, 1 more than there is'),
        (
            memory_bar(4096, 5000),
            'memory: 4096 MiB, 5000 used, 904 more than there is',
        ),
        (
            pages_bar(2048, 1024, 100, 24),
            '2 MiB pages: 1024 pages (2GiB), 100 used, 24 reserved, 900 free',
        ),
    ],
)
def test_a_bar_is_told_exactly(bar, words):
    assert bar.words == words


def test_every_cpu_of_every_host_is_drawn_once():
    for host in zoo().values():
        if host.host is None:
            continue
        drawn = picture(host)
        for cell in drawn.cells:
            (layout,) = (
                each for each in host.host.layout.cells if each.id == cell.id
            )
            ids = [cpu.id for core in cell.cores for cpu in core]
            assert len(set(ids)) == len(ids)
            assert sum(1 << id for id in ids) == (
                layout.dedicated | layout.shared
            )


def cell(**fields):
    """Give a cell as it is drawn, of which nothing is known but this."""
    return DrawnCell(
        **{
            'id': 0,
            'socket': None,
            'masks': (),
            'states': (),
            'servers': (),
            'bars': (),
            'dedicated': 0,
            'free': 0,
            'shared': 0,
            'shared_used': 0,
            'shared_limit': 0.0,
            **fields,
        }
    )


A = DrawnServer('A', 0, 'a', 'uuid', 'flavor', pinned=0b0110)
B = DrawnServer('B', 1, 'b', 'uuid', 'flavor', pinned=0b0100)


@pytest.mark.parametrize(
    ('owners', 'mark', 'colour', 'words'),
    [
        ((), '?', None, 'CPU 7: pinned, by no server known here'),
        ((B,), 'B', 1, 'CPU 7: pinned by b (B)'),
        ((A, B), '!', None, 'CPU 7: pinned by a (A) and b (B)'),
    ],
    ids=['nobody', 'one', 'two'],
)
def test_a_pinned_cpu_is_that_of_its_servers(owners, mark, colour, words):
    cpu = CPU(7, CPUState.PINNED, owners)
    assert (cpu.mark, cpu.colour, cpu.words) == (mark, colour, words)


def test_a_cpu_that_is_not_pinned_has_no_mark():
    for state in CPUState:
        if state is not CPUState.PINNED:
            cpu = CPU(7, state)
            assert (cpu.mark, cpu.colour) == ('', None)
            assert cpu.words == f'CPU 7: {state.value}'


def test_cpus_are_by_core_with_their_states_and_servers():
    drawn = cell(
        masks=(0b0011, 0b1100),
        states=((CPUState.PINNED, 0b0110), (CPUState.FREE, 0b1001)),
        servers=(A, B),
    )
    assert drawn.cores == (
        (CPU(0, CPUState.FREE), CPU(1, CPUState.PINNED, (A,))),
        (CPU(2, CPUState.PINNED, (A, B)), CPU(3, CPUState.FREE)),
    )


@pytest.mark.parametrize(
    ('fields', 'words'),
    [
        ({'cells': (0,)}, 'cell 0, no CPUs'),
        ({'cells': (0, 3), 'pinned': 0b110}, 'cells 0,3, CPUs 1-2'),
        ({'shared': 2}, 'cell any, CPUs 2 shared'),
        (
            {'cells': (1,), 'pinned': 1, 'shared': 1},
            'cell 1, CPUs 0 + 1 shared',
        ),
    ],
)
def test_where_a_server_is(fields, words):
    server = DrawnServer('', None, 'a', 'uuid', 'f', **fields)
    assert server.where == words
    assert server.memory_mb == 0


def test_a_cell_may_have_a_socket():
    assert cell(id=3).title == 'cell 3'
    assert cell(id=3, socket=0).title == 'cell 3, socket 0'


@pytest.mark.parametrize(
    ('fields', 'is_free'),
    [
        ({}, False),
        ({'dedicated': 2, 'free': 2}, True),
        ({'dedicated': 2, 'free': 1}, False),
        ({'shared': 2}, True),
        ({'shared': 2, 'shared_used': 1}, False),
        ({'shared': 2, 'memory_used_mb': 1}, False),
        ({'dedicated': 2, 'free': 2, 'shared': 1, 'shared_used': 1}, False),
    ],
)
def test_a_cell_is_free_if_it_is_for_guests_and_has_none(fields, is_free):
    assert cell(**fields).is_free is is_free


@pytest.mark.parametrize(
    ('fields', 'lines'),
    [
        ({}, ['no CPUs for guests']),
        ({'dedicated': 2, 'free': 1}, ['1 of 2 CPUs free to pin']),
        (
            {'shared': 2, 'shared_limit': 3.9},
            ['0 of 3 shared CPUs used'],
        ),
        (
            {'dedicated': 1, 'shared': 2, 'shared_limit': 4.0},
            ['0 of 1 CPU free to pin', '4 shared CPUs unused'],
        ),
        (
            {
                'dedicated': 1,
                'shared': 2,
                'shared_limit': 4.0,
                'shared_used': 5,
            },
            ['0 of 1 CPU free to pin', '5 of 4 shared CPUs used'],
        ),
    ],
)
def test_what_is_free_of_the_cpus_of_a_cell(fields, lines):
    assert list(cell(**fields).cpus) == lines


@pytest.mark.parametrize(
    ('fields', 'lines'),
    [
        ({}, []),
        ({'networks': ()}, ['networks: none']),
        (
            {
                'networks': ('a', 'b'),
                'no_pages': ('2 MiB', '1 GiB'),
                'devices': ('1 free: x',),
            },
            ['no pages of 2 MiB, 1 GiB', 'networks: a, b', '1 free: x'],
        ),
    ],
)
def test_what_is_near_a_cell(fields, lines):
    assert list(cell(**fields).near) == lines


def test_what_a_bar_is_called_where_there_is_little_room():
    assert memory_bar(1, 0).short == 'memory'
    assert pages_bar(2048, 1, 0, 0).short == '2 MiB'
    assert memory_bar(4096, 0).amount(2**20 - 1) == '1023Gi'
