"""Counting devices for guests, against all ways to share them out."""

import itertools

import numpy
import pytest

from numa_sched.fit.device_room import FreeDevices
from numa_sched.topology import DeviceAffinity, DevicePool, DeviceRequest
from tests.builders import GPU, NIC, make_cell, make_guest, make_host

LEGACY, REQUIRED = DeviceAffinity.LEGACY, DeviceAffinity.REQUIRED
PREFERRED, SOCKET = DeviceAffinity.PREFERRED, DeviceAffinity.SOCKET

IDS = 10, 11, 12
PLACES = *IDS, None, 99
# How many devices are where; every seventh of all ways to have 0 to 3 each.
COUNTS = list(itertools.product(range(4), repeat=5))[::7]


def form(*sockets):
    """Give the form of hosts of three cells on such sockets."""
    cells = zip(IDS, sockets, strict=True)
    host = make_host(*(make_cell(id, socket=socket) for id, socket in cells))
    return host.layout.form


TWO_SOCKETS = form(0, 0, 1)


def pools(counts, kind=NIC):
    return [
        DevicePool(place, kind, count)
        for place, count in zip(PLACES, counts, strict=True)
    ]


def free(*hosts, form=TWO_SOCKETS):
    return FreeDevices(form, hosts)


def wanting(*requests, cells=1):
    return make_guest(*[1] * cells, devices=requests)


def wish(count=1, affinity=LEGACY, kind=NIC):
    return DeviceRequest(count, (kind,), affinity)


def near(cell, affinity, sockets):
    """Give the places whose devices a guest on a cell may have."""
    if affinity is PREFERRED:
        return set(PLACES)
    if affinity is LEGACY:
        return {cell, None}
    if affinity is SOCKET and None not in sockets:
        socket_of = dict(zip(IDS, sockets, strict=True))
        return {id for id in IDS if socket_of[id] == socket_of[cell]}
    return {cell}


def most(rooms, wanted, counts, nears):
    """Give how many guests of a cell get devices, whatever way it is done.

    They do if any of the cells together have enough in reach for theirs.
    """
    supply = dict(zip(PLACES, counts, strict=True))
    groups = [
        each
        for size in (1, 2, 3)
        for each in itertools.combinations(range(3), size)
    ]
    enough = {
        group: sum(
            supply[at] for at in set().union(*(nears[c] for c in group))
        )
        for group in groups
    }
    return max(
        sum(guests)
        for guests in itertools.product(*(range(room + 1) for room in rooms))
        if all(
            wanted * sum(guests[cell] for cell in group) <= enough[group]
            for group in groups
        )
    )


@pytest.mark.parametrize('affinity', DeviceAffinity)
@pytest.mark.parametrize('wanted', [1, 2, 3])
@pytest.mark.parametrize('sockets', [(0, 0, 1), (0, None, 0)], ids=str)
def test_guests_of_a_cell_are_counted_exactly(wanted, affinity, sockets):
    nears = [near(cell, affinity, sockets) for cell in IDS]
    devices = free(*map(pools, COUNTS), form=form(*sockets))
    guest = wanting(wish(wanted, affinity))
    for rooms in (1, 2, 1), (3, 0, 2):
        found = devices.guests(numpy.array([rooms] * len(COUNTS)), guest)
        expected = [most(rooms, wanted, each, nears) for each in COUNTS]
        assert found.tolist() == expected


@pytest.mark.parametrize('affinity', DeviceAffinity)
@pytest.mark.parametrize('wanted', [1, 2])
def test_each_cell_has_room_for_what_is_in_its_reach(wanted, affinity):
    nears = [near(cell, affinity, (0, 0, 1)) for cell in IDS]
    devices = free(*map(pools, COUNTS))
    rooms = numpy.full((len(COUNTS), 3), 3.0)
    found = devices.limit(rooms, wanting(wish(wanted, affinity)))
    expected = [
        [
            min(
                3,
                sum(
                    count
                    for place, count in zip(PLACES, counts, strict=True)
                    if place in reach
                )
                // wanted,
            )
            for reach in nears
        ]
        for counts in COUNTS
    ]
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ('affinity', 'wanted', 'rooms', 'guests'),
    [
        (REQUIRED, 1, (5, 5, 5), 6),
        (REQUIRED, 4, (5, 5, 5), 1),
        (REQUIRED, 1, (1, 0, 2), 3),
        (REQUIRED, 1, (0, 5, 0), 2),
        (LEGACY, 1, (5, 5, 5), 10),
        (LEGACY, 3, (5, 5, 5), 3),
        (SOCKET, 1, (1, 1, 0), 2),
        (SOCKET, 1, (5, 5, 0), 3),
        (SOCKET, 2, (1, 0, 1), 2),
        (PREFERRED, 1, (0, 0, 0), 15),
    ],
)
def test_guests_of_several_cells_use_what_is_near_any_of_them(
    affinity, wanted, rooms, guests
):
    devices = free(pools((1, 2, 3, 4, 5)))
    guest = wanting(wish(wanted, affinity), cells=3)
    assert devices.guests(numpy.array([rooms]), guest).tolist() == [guests]


def count(devices, guest, rooms=(9, 9, 9)):
    """Give the guests on each host, and the room on the first cell."""
    rooms = numpy.array([rooms] * devices._count)
    limited = devices.limit(rooms, guest)[:, 0]
    return devices.guests(rooms, guest).tolist(), limited.tolist()


def test_only_devices_that_will_do_are_counted():
    nics, gpus = pools((1, 0, 0, 0, 0)), pools((2, 0, 0, 0, 0), GPU)
    devices = free(nics + gpus, nics, [], gpus)
    assert count(devices, wanting(wish())) == ([1, 1, 0, 0], [1, 1, 0, 0])
    assert count(devices, wanting(wish(kind=GPU))) == (
        [2, 0, 0, 2],
        [2, 0, 0, 2],
    )
    anything = wanting(wish(kind=frozenset()))
    assert count(devices, anything) == ([3, 1, 0, 2], [3, 1, 0, 2])


def test_pools_of_one_place_are_counted_together():
    devices = free(pools((1, 0, 0, 0, 0)) + pools((2, 0, 0, 0, 0)))
    assert count(devices, wanting(wish())) == ([3], [3])


def test_hosts_without_devices_have_none():
    devices = free([], [])
    assert count(devices, wanting(wish())) == ([0, 0], [0, 0])
    assert count(devices, wanting(wish(), cells=2)) == ([0, 0], [0, 0])


def test_who_wants_nothing_is_not_limited():
    devices = free(pools((1, 0, 0, 0, 0)))
    for guest in (wanting(), wanting(wish(0))):
        assert count(devices, guest) == ([numpy.inf], [9])


def test_requests_for_the_same_devices_are_one():
    devices = free(pools((5, 0, 0, 1, 0)))
    twice = wanting(wish(1), wish(2))
    assert count(devices, twice) == count(devices, wanting(wish(3)))
    assert count(devices, twice) == ([2], [2])
    unlike = wanting(wish(1), wish(2, REQUIRED))
    assert count(devices, unlike) == ([2], [2])


def test_of_several_requests_the_scarcest_devices_decide():
    devices = free(pools((6, 0, 0, 0, 0)) + pools((2, 0, 0, 0, 0), GPU))
    for requests in itertools.permutations((wish(2), wish(kind=GPU))):
        assert count(devices, wanting(*requests)) == ([2], [2])
    for requests in itertools.permutations((wish(6), wish(kind=GPU))):
        assert count(devices, wanting(*requests)) == ([1], [1])


def test_rooms_are_never_more_than_before():
    devices = free(pools((5, 5, 5, 5, 5)))
    assert count(devices, wanting(wish()), (1, 2, 0)) == ([3], [1])
