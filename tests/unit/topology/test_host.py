import dataclasses
import struct

import pytest

from numa_sched.exceptions import TopologyError
from numa_sched.topology import (
    CellLayout,
    DevicePool,
    Host,
    HostCell,
    HostLayout,
)
from tests.builders import (
    GPU,
    NIC,
    make_cell,
    make_host,
    mask,
)


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'id': -1}, 'a cell id of -1'),
        ({'page_sizes_kb': (4, 0)}, 'page sizes of'),
        ({'page_sizes_kb': (4, -4)}, 'page sizes of'),
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


def test_a_layout_of_which_nothing_is_told_has_nothing():
    layout = CellLayout(4)
    assert layout == CellLayout(4, None, 0, 0, (), (), None, False)
    assert layout.dedicated_count == 0
    assert layout.threads_per_core == 1
    assert not layout.cores_known
    assert layout.smallest_pages is None


def test_the_cores_of_dedicated_cpus_are_known_or_not():
    cpus = mask(0, 1)
    some = CellLayout(0, dedicated=cpus, siblings=(mask(0),))
    every = CellLayout(0, dedicated=cpus, siblings=(mask(0), mask(1)))
    assert (some.cores_known, every.cores_known) == (False, True)
    assert every.dedicated_count == 2


def test_the_widest_core_counts_wherever_it_stands():
    one, two = mask(0), mask(1, 2)
    for siblings in ((one, two), (two, one)):
        layout = CellLayout(0, dedicated=mask(0, 1, 2), siblings=siblings)
        assert layout.threads_per_core == 2


def test_a_core_of_which_guests_may_use_no_thread_counts_as_one():
    assert CellLayout(0, siblings=(0,)).threads_per_core == 1


def test_pages_may_be_of_one_kib():
    assert CellLayout(0, page_sizes_kb=(1,)).smallest_pages == 0


def test_a_cell_of_which_no_use_is_told_is_free():
    cell = HostCell(make_cell().layout, 1024)
    assert cell == HostCell(cell.layout, 1024, 0, 0, 0, (), (), ())
    assert cell.free == mask(0, 1, 2, 3)
    assert cell.memory_free_mb == 1024


def test_what_is_free_of_a_cell_is_what_is_not_in_use():
    cell = make_cell(pinned=(1, 2), memory_mb=1024, memory_used_mb=24)
    assert cell.free == mask(0, 3)
    assert cell.memory_free_mb == 1000


def test_two_cells_of_one_id_are_refused():
    with pytest.raises(TopologyError, match='two cells have the id 1'):
        make_host(make_cell(1), make_cell(1, first=10))


def test_a_cpu_in_two_cells_is_refused():
    with pytest.raises(TopologyError, match='CPUs 3 are in another cell'):
        make_host(make_cell(0, first=0), make_cell(1, first=3))


RATIOS = 'cpu_allocation_ratio', 'ram_allocation_ratio'


@pytest.mark.parametrize('name', RATIOS)
@pytest.mark.parametrize('ratio', [-1.0, float('nan'), float('inf')])
def test_an_impossible_allocation_ratio_is_refused(name, ratio):
    with pytest.raises(TopologyError, match='allocation ratio'):
        make_host(4, **{name: ratio})


@pytest.mark.parametrize('name', RATIOS)
def test_an_allocation_ratio_is_one_unless_told(name):
    assert getattr(make_host(4), name) == 1.0
    for ratio in (0.0, 0.5, 16.0):
        assert getattr(make_host(4, **{name: ratio}), name) == ratio


def test_a_host_needs_a_cell():
    with pytest.raises(TopologyError, match='without cells'):
        make_host()


def test_usage_must_be_told_for_each_cell():
    host = make_host(4, 4)
    for pinned in ((0,), (0, 0, 0)):
        with pytest.raises(TopologyError, match='not tell of each cell'):
            dataclasses.replace(host, pinned=pinned)


@pytest.mark.parametrize(
    'odd', [0.5, '1', None, float('nan'), 2**64, 2**64 + 1]
)
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


def test_only_the_numbers_that_are_wrong_are_told():
    host = make_host(make_cell(pages=((4, 2**40),), memory_used_mb=2**63))
    odd = {'memory_mb': (-1,), 'shared_used': (0.5,), 'pages_used': (2**64,)}
    with pytest.raises(TopologyError) as caught:
        dataclasses.replace(host, **odd)
    assert str(caught.value) == '; '.join(
        (
            'negative memory, or none of 64 bits: -1',
            'negative usage, or none of 64 bits: 0.5',
            f'negative number of pages, or none of 64 bits: {2**64}',
        )
    )


def test_a_number_may_have_64_bits():
    assert make_host(make_cell(memory_mb=2**64 - 1)).memory_mb == (2**64 - 1,)


def test_only_the_cell_with_cpus_that_are_not_its_own_is_told():
    cells = make_cell(0), make_cell(1, pinned=(1, 64))
    with pytest.raises(TopologyError) as caught:
        make_host(*cells)
    assert str(caught.value) == (
        'cell 1: CPUs 1 are pinned but are not dedicated CPUs of the cell'
    )


def test_free_devices_of_all_kinds_are_counted_for_each_cell():
    pools = (
        DevicePool(0, NIC, 2),
        DevicePool(0, GPU, 3),
        DevicePool(None, NIC, 1),
    )
    assert make_host(4, pools=pools).devices == ((0, 5), (None, 1))


def test_a_layout_tells_where_dedicated_cpus_are_the_shared_ones():
    cells = [
        CellLayout(0, shared=0b01, dedicated=0b10),
        CellLayout(1, shared=0b1100, dedicated=0b1100),
        CellLayout(2, shared=0b100000, dedicated=0b010000),
    ]
    assert HostLayout(tuple(cells)).form.both == (False, True, False)


def test_a_layout_may_have_its_cells_made_later():
    usual, made = HostLayout((make_cell().layout,)), []

    def make_cells():
        made.append(usual.cells)
        return usual.cells

    later = HostLayout.with_cells_later(usual.form, usual.foreign, make_cells)
    assert later.form is usual.form
    assert made == []
    assert later == usual
    assert later.cells is usual.cells
    assert len(made) == 1
    assert not hasattr(later, 'bells')
    assert not hasattr(later, 'sells')


def test_a_layout_is_made_of_cells_and_printed_as_such():
    layout = HostLayout((make_cell().layout,))
    assert repr(layout) == f'HostLayout(cells={layout.cells!r})'
    with pytest.raises(TypeError):
        HostLayout(layout.cells, layout.form)


def test_free_devices_are_not_told_beside_their_pools():
    with pytest.raises(TypeError, match='devices'):
        Host.of('host', [make_cell()], devices=((0, 1),))


def test_the_packed_numbers_are_not_printed():
    assert 'packed' not in repr(make_host(4))


def test_the_packed_numbers_of_a_host_are_those_of_its_columns():
    cells = (
        make_cell(0, pinned=(1, 2), pages=((4, 10, 3, 2), (2048, 7, 6, 5))),
        make_cell(1, shared_used=9, pages=((4, 1),)),
    )
    host = make_host(*cells)
    numbers = struct.unpack(host.layout.form.packing, host.packed)
    found = {
        name: numbers[where]
        for name, where in host.layout.form.columns.items()
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


def test_free_pages_may_be_below_zero():
    assert make_cell(pages=((4, 10, 12, 3),)).pages_free_kb(0) == -20


def test_values_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_cell().memory_used_mb = 0


def test_a_host_spares_devices_unless_something_else_is_told():
    assert make_host(4).spares_devices
    assert not make_host(4, spares_devices=False).spares_devices
