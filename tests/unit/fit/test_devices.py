from numa_sched.fit.claim import Claim
from numa_sched.fit.devices import remoteness
from tests.builders import make_cell, make_guest, make_host


def claim_of(*cell_ids, sockets=(0, 0, 1, 1)):
    """Give a claim of cells of a host whose cell ids are no indexes."""
    host = make_host(
        *(
            make_cell(10 + number, socket=socket)
            for number, socket in enumerate(sockets)
        )
    )
    return Claim(
        host,
        make_guest(*[1] * len(cell_ids)),
        tuple(cell - 10 for cell in cell_ids),
        (None,) * len(cell_ids),
    )


# From the nearest to the farthest, for a guest on cell 10.
BY_DISTANCE = {
    'two on the cell': [10, 10],
    'one that may be anywhere': [10, None],
    'two that may be anywhere': [None, None],
    'one on another cell of the socket': [10, 11],
    'the other one anywhere': [None, 11],
    'one on another socket': [10, 12],
    'one on a cell that the host does not have': [99, None],
    'both on another cell of the socket': [11, 11],
    'one of both on another socket': [11, 12],
    'both on another socket': [12, 13],
}


def test_devices_are_nearer_the_more_of_them_sit_with_the_cells():
    found = {
        name: remoteness(claim_of(10), devices)
        for name, devices in reversed(BY_DISTANCE.items())
    }
    assert sorted(found, key=found.get) == list(BY_DISTANCE)
    assert len(set(found.values())) == len(found)


def test_every_cell_of_the_guest_counts():
    assert remoteness(claim_of(10, 12), [10, 12]) == (0, 0, 0)
    assert remoteness(claim_of(10, 12), [11, 13]) == (2, 0, 0)
    assert remoteness(claim_of(10, 11), [10, 13]) == (1, 1, 0)


def test_cells_of_no_known_socket_are_not_on_the_same_one():
    claim = claim_of(10, sockets=(None, None))
    assert remoteness(claim, [10, 11]) == (1, 1, 0)


def test_devices_may_come_one_by_one():
    assert remoteness(claim_of(10), iter([11, None])) == (1, 0, 1)
