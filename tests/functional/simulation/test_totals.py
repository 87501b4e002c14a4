"""What placement lets through, and whom it ranks."""

import pytest

from benchmarks.simulation import Shape
from numa_sched.nova import convert
from tests.builders import make_cell, make_host
from tests.functional.simulation.clouds import (
    SHAPES,
    cloud,
    facts,
    hosts,
    ranked,
    shape,
)

TOTALS = {
    'dedicated CPUs': (make_cell(cpus=8), shape(2), 4),
    'dedicated CPUs that are not pinned': (
        make_cell(cpus=8, pinned=(0, 1, 2)),
        shape(2),
        2,
    ),
    'shared CPUs times the ratio': (
        make_cell(cpus=4, shared=True),
        Shape('shared', 2, 1),
        6,
    ),
    'shared CPUs that are not used': (
        make_cell(cpus=4, shared=True, shared_used=5),
        Shape('shared', 2, 1),
        3,
    ),
    'memory': (make_cell(cpus=8), shape(1, memory_mb=1500), 2),
    'memory that is not used': (
        make_cell(cpus=8, memory_used_mb=2000),
        shape(1, memory_mb=1500),
        1,
    ),
    'no dedicated CPUs for shared ones': (
        make_cell(),
        Shape('shared', 1, 1),
        0,
    ),
}


def allocated(made, wanted, host='host'):
    """Give how many servers placement's totals are enough for."""
    number = 0
    while made.allocate(f'{wanted.name} {number}', wanted, host):
        number += 1
    return number


@pytest.mark.parametrize(
    ('cell', 'wanted', 'expected'), TOTALS.values(), ids=TOTALS
)
def test_placement_has_totals(cell, wanted, expected):
    made = cloud(values=[make_host(cell, cpu_allocation_ratio=3.0)])
    assert allocated(made, wanted) == expected


def test_a_host_that_refuses_all_claims_is_ranked_nevertheless():
    made = cloud(values=[make_host(4)])
    made.refusing.add('host')
    assert ranked(made, shape(2)) == ['host']
    before = facts(made)
    assert made.allocate('claim', shape(2), 'host')
    assert not made.claim('claim', shape(2), 'host')
    made.release('claim')
    assert facts(made) == before


def test_what_is_released_can_be_allocated_again():
    made = cloud(values=[make_host(4)])
    assert allocated(made, shape(4)) == 1
    made.release(f'{shape(4).name} 0')
    assert allocated(made, shape(4)) == 1


def test_placement_knows_no_cells():
    made = cloud(values=[make_host(4, 4)])
    assert allocated(made, shape(6)) == 1
    assert ranked(made, shape(6)) == []


def test_hosts_without_totals_are_not_ranked():
    made = cloud(values=[make_host(4, name='a'), make_host(4, name='b')])
    made.allocate('claim', shape(4), 'a')
    assert ranked(made, shape(2)) == ['b']


def test_ignored_hosts_are_not_ranked():
    made = cloud()
    assert ranked(made, SHAPES[0], ['dedicated0']) == ['dedicated1']


def test_what_is_claimed_is_seen_at_once():
    pages = ((4, 2**20),)
    made = cloud(
        values=[
            make_host(*(make_cell(cell, pages=pages) for cell in range(2)))
        ]
    )
    for number in range(2):
        assert ranked(made, shape(3)) == ['host']
        made.allocate(str(number), shape(3), 'host')
        assert made.claim(str(number), shape(3), 'host')
    assert ranked(made, shape(2)) == []


def test_disabled_hosts_are_not_ranked():
    found = cloud().ranked(0, 'server', SHAPES[0], [], ['dedicated0'])
    assert found == ['dedicated1']


def test_hosts_come_as_they_are_told():
    values = hosts()
    made = cloud(values=values)
    assert [
        convert.host(made._states[value.name]) for value in values
    ] == values
