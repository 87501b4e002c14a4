import dataclasses
import struct

import pytest

from numa_sched.exceptions import TopologyError
from numa_sched.topology import (
    CellLayout,
    CPUPolicy,
    Guest,
    GuestCell,
    Host,
    HostCell,
)
from tests.builders import make_cell, make_host, mask


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'id': -1}, 'a cell id of -1'),
        ({'page_sizes_kb': (4, 0)}, 'page sizes of'),
        (
            {'siblings': (mask(0, 1), mask(1, 2, 3))},
            'CPUs 1 are threads of two cores',
        ),
        ({'siblings': (mask(0, 9),)}, 'sibling CPUs 9 are not in the cell'),
    ],
)
def test_a_cell_layout_that_makes_no_sense_is_refused(fields, message):
    facts = {'id': 0, 'dedicated': mask(0, 1, 2, 3), **fields}
    with pytest.raises(TopologyError, match=message):
        CellLayout(**facts)


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'memory_mb': -1}, 'negative memory'),
        ({'memory_used_mb': -1}, 'negative usage'),
        ({'shared_used': -1}, 'negative usage'),
        ({'pinned': mask(9)}, 'CPUs 9 are pinned but are not dedicated'),
        ({'pages_used': (-1,)}, 'negative number of pages'),
        ({'pages_total': (-1,)}, 'negative number of pages'),
        ({'pages_reserved': (-1,)}, 'negative number of pages'),
        ({'pages_used': (1, 1)}, 'not tell of all its pages'),
        ({'pages_used': ()}, 'not tell of all its pages'),
    ],
)
def test_usage_of_a_cell_that_makes_no_sense_is_refused(fields, message):
    cell = make_cell(cpus=4, pages=((4, 10),))
    with pytest.raises(TopologyError, match=message):
        Host.of('host', [dataclasses.replace(cell, **fields)])


def test_a_layout_knows_its_widest_core_and_smallest_pages():
    layout = make_cell(cpus=8, threads=4, pages=((2048, 1), (4, 1))).layout
    assert layout.threads_per_core == 4
    assert layout.cores_known
    assert layout.smallest_pages == 1


def test_a_layout_knows_when_a_dedicated_cpu_belongs_to_no_core():
    assert not CellLayout(0, dedicated=mask(0), siblings=()).cores_known


def test_two_cells_of_one_id_are_refused():
    with pytest.raises(TopologyError, match='two cells have the id 1'):
        make_host(make_cell(1), make_cell(1, first=10))


def test_a_cpu_in_two_cells_is_refused():
    with pytest.raises(TopologyError, match='CPUs 3 are in another cell'):
        make_host(make_cell(0, first=0), make_cell(1, first=3))


@pytest.mark.parametrize('ratio', [-1.0, float('nan'), float('inf')])
def test_an_impossible_allocation_ratio_is_refused(ratio):
    with pytest.raises(TopologyError, match='allocation ratio'):
        make_host(4, cpu_allocation_ratio=ratio)


def test_a_host_needs_a_cell():
    with pytest.raises(TopologyError, match='without cells'):
        make_host()


def test_usage_must_be_told_for_each_cell():
    host = make_host(4, 4)
    with pytest.raises(TopologyError, match='not tell of each cell'):
        dataclasses.replace(host, pinned=(0,))


@pytest.mark.parametrize('odd', [0.5, '1', None, float('nan'), 2**64])
@pytest.mark.parametrize(
    ('column', 'what'),
    [
        ('memory_mb', 'memory'),
        ('shared_used', 'usage'),
        ('pages_used', 'number of pages'),
    ],
)
def test_numbers_that_are_none_are_refused(column, what, odd):
    host = make_host(make_cell(pages=((4, 10),)))
    with pytest.raises(TopologyError, match=what):
        dataclasses.replace(host, **{column: (odd,)})


def test_the_packed_numbers_of_a_host_are_those_of_its_columns():
    cells = (
        make_cell(0, pinned=(1, 2), pages=((4, 10, 3, 2), (2048, 7, 6, 5))),
        make_cell(1, shared_used=9, pages=((4, 1),)),
    )
    host = make_host(*cells)
    numbers = struct.unpack(host.layout.packing, host.packed)
    found = {
        name: numbers[where] for name, where in host.layout.columns().items()
    }
    assert found.pop('pinned') == (2, 0)
    assert found == {name: getattr(host, name) for name in found}
    assert len(found) == 6


def test_packed_numbers_keep_up_with_a_host_that_is_replaced():
    host = make_host(4)
    busy = dataclasses.replace(host, shared_used=(3,))
    assert busy.packed != host.packed
    assert dataclasses.replace(busy, shared_used=(0,)).packed == host.packed


def test_cells_come_back_as_they_went_in():
    cells = (make_cell(3, pinned=(192,)), make_cell(1, memory_used_mb=5))
    assert make_host(*cells).cells == cells


def test_cells_may_have_sparse_ids():
    host = make_host(make_cell(0), make_cell(16), make_cell(3584, first=9000))
    assert [cell.id for cell in host.cells] == [0, 16, 3584]


def test_a_cell_may_have_no_cpus_or_no_memory():
    bare = HostCell(CellLayout(4), memory_mb=126976)
    cells = (bare, make_cell(0, memory_mb=0))
    assert Host.of('odd', cells).cells == cells


def test_a_guest_needs_a_cell():
    with pytest.raises(TopologyError, match='without cells'):
        Guest(())


@pytest.mark.parametrize('field', ['memory_mb', 'shared', 'dedicated'])
def test_a_guest_cell_cannot_ask_for_less_than_nothing(field):
    with pytest.raises(TopologyError, match='less than nothing'):
        GuestCell(**{'memory_mb': 1, field: -1})


def test_a_pinned_guest_cell_needs_a_cpu():
    with pytest.raises(TopologyError, match='no CPUs'):
        GuestCell(memory_mb=1, cpu_policy=CPUPolicy.DEDICATED)


def test_free_pages_may_be_below_zero():
    assert make_cell(pages=((4, 10, 12, 3),)).pages_free_kb(0) == -20


def test_values_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_cell().memory_used_mb = 0
