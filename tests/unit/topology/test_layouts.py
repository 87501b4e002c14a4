import copy
import dataclasses

import pytest

from numa_sched.exceptions import TopologyError
from numa_sched.topology import CellLayout, HostLayout
from numa_sched.topology.layouts import LayoutColumns

# Two cells of two cores of two threads, the second one without shared CPUs.
TWO = LayoutColumns(
    ids=(0, 3),
    sockets=(0, None),
    shared=(0b0011, 0),
    dedicated=(0b1100, 0b11110000),
    cores=(0b0101, 0b1010, 0b00110000, 0b11000000),
    core_counts=(2, 2),
    page_sizes_kb=((4, 2048), ()),
    networks=((frozenset('a'), True), None),
)
CELLS = (
    CellLayout(
        0,
        socket=0,
        shared=0b0011,
        dedicated=0b1100,
        siblings=(0b0101, 0b1010),
        page_sizes_kb=(4, 2048),
        physnets=frozenset('a'),
        tunneled=True,
    ),
    CellLayout(3, dedicated=0b11110000, siblings=(0b00110000, 0b11000000)),
)


def changed(**fields):
    return dataclasses.replace(TWO, **fields)


def assert_same(found, expected):
    assert found.form == expected.form
    assert found.foreign == expected.foreign
    assert found == expected


def test_a_network_may_be_without_tunnels():
    told = changed(networks=((frozenset('a'), False), (frozenset(), True)))
    first, second = told.layout().cells
    assert (first.physnets, first.tunneled) == (frozenset('a'), False)
    assert (second.physnets, second.tunneled) == (frozenset(), True)


@pytest.fixture
def cells_made(monkeypatch):
    """Count the cells that are made."""
    made = []
    stock = CellLayout.__post_init__

    def counting(self):
        made.append(self.id)
        stock(self)

    monkeypatch.setattr(CellLayout, '__post_init__', counting)
    return made


def test_a_layout_is_that_of_the_cells_that_are_told():
    assert_same(TWO.layout(), HostLayout(CELLS))


def test_cells_are_made_once_and_only_if_somebody_asks(cells_made):
    layout = TWO.layout()
    assert layout.form.dedicated == (2, 4)
    assert cells_made == []
    assert layout.cells is layout.cells
    assert cells_made == [0, 3]


def test_a_layout_whose_cells_nobody_has_asked_for_can_be_copied():
    assert_same(copy.deepcopy(TWO.layout()), HostLayout(CELLS))
    assert_same(copy.deepcopy(HostLayout(CELLS)), HostLayout(CELLS))


def test_there_is_nothing_else_that_comes_later():
    with pytest.raises(AttributeError, match='rooms'):
        TWO.layout().rooms  # noqa: B018


ODD = {
    'cores of one thread beside cores of two': {
        'cores': (0b0101, 0b0010, 0b1000, 0b00110000, 0b11000000),
        'core_counts': (3, 2),
    },
    'cores of one, two and three threads': {
        'shared': (0, 0),
        'dedicated': (0b111111, 0),
        'cores': (0b000011, 0b000100, 0b111000),
        'core_counts': (3, 0),
    },
    'one core': {
        'shared': (0, 0),
        'dedicated': (0b11, 0),
        'cores': (0b11,),
        'core_counts': (1, 0),
    },
    'a CPU without a core': {
        'cores': (0b0101, 0b1010, 0b00110000),
        'core_counts': (2, 1),
    },
    'no cores': {'cores': (), 'core_counts': (0, 0)},
    'cores without threads': {
        'cores': (0, 0),
        'core_counts': (1, 1),
        'shared': (0, 0),
        'dedicated': (0, 0),
    },
    'a cell without CPUs': {
        'cores': (0b0101, 0b1010),
        'core_counts': (2, 0),
        'dedicated': (0b1100, 0),
    },
    'CPUs that are shared and dedicated': {
        'shared': (0b1111, 0b11110000),
        'dedicated': (0b1111, 0b11110000),
    },
}


@pytest.mark.parametrize('fields', ODD.values(), ids=ODD)
def test_odd_layouts_are_those_of_their_cells(fields):
    told = changed(**fields)
    assert_same(told.layout(), HostLayout(told.cells()))


WRONG = {
    'a cell id of -1': ({'ids': (0, -1)}, 'a cell id of -1'),
    'ids that are the same': ({'ids': (3, 3)}, 'two cells have the id 3'),
    'CPUs of two cells': (
        {
            'dedicated': (0b1100, 0b00111100),
            'cores': (0b0101, 0b1010, 0b00110000, 0b1100),
        },
        'CPUs 2-3 are in another cell too',
    ),
    'cores of another cell': (
        {'cores': (0b0101, 0b00110000, 0b1010, 0b11000000)},
        'sibling CPUs 4-5 are not in the cell',
    ),
    'threads of two cores': (
        {'cores': (0b0101, 0b1010, 0b01100000, 0b01010000)},
        'CPUs 6 are threads of two cores',
    ),
    'threads of two cores whose sum is that of other CPUs': (
        {
            'shared': (0, 0),
            'cores': (0b0110, 0b0110, 0b00110000, 0b11000000),
        },
        'CPUs 1-2 are threads of two cores',
    ),
    'pages of a size below 0': (
        {'page_sizes_kb': ((-4,), ())},
        r'page sizes of \(-4,\) KiB',
    ),
    'pages of no size on one cell': (
        {'page_sizes_kb': ((4,), (0,))},
        r'cell 3: page sizes of \(0,\) KiB',
    ),
    'pages of no size': (
        {'page_sizes_kb': ((4, 0), ())},
        r'page sizes of \(4, 0\) KiB',
    ),
    'no cells': (
        {field.name: () for field in dataclasses.fields(TWO)},
        'a host without cells',
    ),
}


@pytest.mark.parametrize(('fields', 'message'), WRONG.values(), ids=WRONG)
def test_what_makes_no_sense_is_told(fields, message):
    with pytest.raises(TopologyError, match=message):
        changed(**fields).layout()
