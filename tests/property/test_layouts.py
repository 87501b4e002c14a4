"""Layouts told in columns against those made of cells."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from numa_sched.exceptions import TopologyError
from numa_sched.topology import HostLayout
from numa_sched.topology.layouts import LayoutColumns
from tests.property import strategies


def columns_of(layout):
    return LayoutColumns(
        ids=tuple(cell.id for cell in layout.cells),
        sockets=tuple(cell.socket for cell in layout.cells),
        shared=tuple(cell.shared for cell in layout.cells),
        dedicated=tuple(cell.dedicated for cell in layout.cells),
        cores=tuple(core for cell in layout.cells for core in cell.siblings),
        core_counts=tuple(len(cell.siblings) for cell in layout.cells),
        page_sizes_kb=tuple(cell.page_sizes_kb for cell in layout.cells),
        networks=tuple(
            None if cell.physnets is None else (cell.physnets, cell.tunneled)
            for cell in layout.cells
        ),
    )


def assert_same(found, expected):
    assert found.form == expected.form
    assert found.foreign == expected.foreign
    assert found == expected


@given(strategies.hosts() | strategies.real_hosts())
def test_a_layout_is_the_same_however_it_is_told(host):
    assert_same(columns_of(host.layout).layout(), host.layout)


def numbers(like):
    """Give numbers that are told, or others nearby."""
    return st.tuples(
        *(
            st.sampled_from((number, number, number ^ 1, number << 1, 0))
            for number in like
        )
    )


@given(strategies.hosts() | strategies.real_hosts(), st.data())
def test_what_makes_no_sense_is_found_in_columns_as_in_cells(host, data):
    columns = columns_of(host.layout)
    name = data.draw(
        st.sampled_from(('ids', 'shared', 'dedicated', 'cores', 'sizes'))
    )
    if name == 'sizes':
        change = {
            'page_sizes_kb': tuple(
                data.draw(numbers(sizes)) for sizes in columns.page_sizes_kb
            )
        }
    else:
        change = {name: data.draw(numbers(getattr(columns, name)))}
    told = dataclasses.replace(columns, **change)
    try:
        expected = HostLayout(told.cells())
    except TopologyError as error:
        try:
            told.layout()
        except TopologyError as found:
            assert str(found) == str(error)
        else:
            raise AssertionError(f'not found: {error}') from error
    else:
        assert_same(told.layout(), expected)
