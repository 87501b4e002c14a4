"""Counting guests against placing them."""

import dataclasses
import functools
import itertools

import numpy
from hypothesis import assume, given
from hypothesis import strategies as st

from numa_sched import fit
from numa_sched.fit.capacity import Capacity, _guests_in
from numa_sched.fit.cell import fit_cell
from numa_sched.fit.claim import after_claim
from numa_sched.fit.left import Left, LeftAfter
from numa_sched.fit.reasons import CellMisfit
from numa_sched.topology import CPUPolicy, Guest, Host, PageSize, ThreadPolicy
from tests.property import strategies

# Nova's claim may ask for the size of another cell; see nova-bugs.rst.
SEVERAL = tuple(PageSize)
CARELESS = (None, ThreadPolicy.PREFER)
RESOURCES = (
    'dedicated',
    'cores',
    'shared',
    'memory_mb',
    'overcommit_mb',
    'pages_kb',
)


def counted(host, guest):
    return int(Capacity(Left([host])).guests(guest)[0])


def replaced(host, claim):
    """Give a host as it is after a claim."""
    cells = list(host.cells)
    for index, cell in zip(claim.indexes, claim.cells_after(), strict=True):
        cells[index] = cell
    return Host.of(
        host.name,
        cells,
        cpu_allocation_ratio=host.cpu_allocation_ratio,
        ram_allocation_ratio=host.ram_allocation_ratio,
        pools=host.pools,
    )


def room_on(host, cell, guest_cell):
    """Give how many guest cells go on a host cell, one after the other."""
    for number in itertools.count():
        found = fit_cell(
            cell,
            guest_cell,
            cpu_ratio=host.cpu_allocation_ratio,
            ram_ratio=host.ram_allocation_ratio,
        )
        if isinstance(found, CellMisfit):
            return number
        cell = after_claim(cell, guest_cell, found)


@functools.cache
def most(rooms, cells):
    """Give the most guests of so many cells, by trying every assignment."""
    best = 0
    for chosen in itertools.combinations(range(len(rooms)), cells):
        if all(rooms[index] for index in chosen):
            left = list(rooms)
            for index in chosen:
                left[index] -= 1
            best = max(best, 1 + most(tuple(sorted(left)), cells))
    return best


def placed(host, guest):
    """Give the most guests of alike cells that can be placed on a host."""
    return most(
        tuple(
            sorted(room_on(host, cell, guest.cells[0]) for cell in host.cells)
        ),
        len(guest.cells),
    )


@st.composite
def counted_guests(draw, threads=CARELESS, **kwargs):
    """Give guests that ask for CPUs of each kind that they may have.

    What does not count is left out: networks and CPUs beside their own.
    """
    policy = draw(st.sampled_from(threads))
    return Guest(
        tuple(
            dataclasses.replace(
                cell,
                dedicated=max(cell.dedicated, int(cell.pinned)),
                shared=max(
                    cell.shared,
                    int(cell.cpu_policy is not CPUPolicy.DEDICATED),
                ),
                thread_policy=policy if cell.pinned else None,
            )
            for cell in draw(strategies.guests(**kwargs)).cells
        )
    )


alike = functools.partial(counted_guests, alike=True, max_cells=3)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5), st.integers(1, 4))
def test_guests_of_alike_cells_are_counted_as_the_best_assignment_has_it(
    rooms, cells
):
    found = _guests_in(numpy.array([rooms], float), cells)
    assert found.tolist() == [most(tuple(sorted(rooms)), cells)]


@given(strategies.hosts(max_cells=3), alike())
def test_as_many_are_counted_as_can_be_placed(host, guest):
    assert counted(host, guest) == placed(host, guest)


@given(strategies.hosts(max_cells=3), alike((ThreadPolicy.ISOLATE,)))
def test_as_many_isolated_ones_are_counted_as_can_be_placed(host, guest):
    assert counted(host, guest) == placed(host, guest)


@given(strategies.hosts(max_cells=3), alike((ThreadPolicy.REQUIRE,)))
def test_no_more_that_require_siblings_are_counted_than_can_be_placed(
    host, guest
):
    assert counted(host, guest) <= placed(host, guest)


@given(strategies.hosts(max_cells=3), alike((ThreadPolicy.REQUIRE,)))
def test_guests_that_fill_the_cores_of_an_empty_host_are_counted_exactly(
    host, guest
):
    assume(guest.cells[0].pinned)
    host = dataclasses.replace(host, pinned=(0,) * len(host.pinned))
    threads = max(cell.threads_per_core for cell in host.layout.cells)
    guest = Guest(
        tuple(
            dataclasses.replace(cell, dedicated=threads)
            for cell in guest.cells
        )
    )
    assert counted(host, guest) == placed(host, guest)


@given(strategies.hosts(), alike())
def test_a_guest_is_counted_exactly_if_it_fits(host, guest):
    assume(guest.cells[0].page_size not in SEVERAL)
    assert bool(counted(host, guest)) == bool(fit.fit(host, guest))


@given(strategies.hosts(), counted_guests(max_cells=1))
def test_guests_of_one_cell_are_counted_as_claims_come_after_each_other(
    host, guest
):
    assume(guest.cells[0].page_size not in SEVERAL)
    number = 0
    expected = counted(host, guest)
    while claim := fit.fit(host, guest):
        host = replaced(host, claim)
        number += 1
    assert number == expected


@given(strategies.hosts(), counted_guests((None, *ThreadPolicy), alike=False))
def test_unlike_cells_count_as_the_one_that_has_room_the_least_often(
    host, guest
):
    assert counted(host, guest) == min(
        counted(host, Guest((cell,) * len(guest.cells)))
        for cell in guest.cells
    )


@given(strategies.claims(), strategies.guests())
def test_what_is_left_after_a_claim_is_what_the_host_has_then(claim, guest):
    left = LeftAfter(Left([claim.host]), [claim])
    expected = Left([replaced(claim.host, claim)])
    for resource in RESOURCES:
        assert (
            getattr(left, resource).tolist()
            == getattr(expected, resource).tolist()
        ), resource
    assert Capacity(left).guests(guest) == Capacity(expected).guests(guest)
