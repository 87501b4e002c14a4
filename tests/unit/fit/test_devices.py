import dataclasses

import pytest

from numa_sched.fit.claim import Claim
from numa_sched.fit.devices import (
    answers,
    matches,
    pools_after,
    remoteness,
    same_socket,
)
from numa_sched.topology import DeviceAffinity, DevicePool, DeviceRequest
from tests.builders import (
    GPU,
    NIC,
    kind,
    make_cell,
    make_guest,
    make_host,
)


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


def wish(*kinds, **fields):
    """Give a request for one device of any of some kinds."""
    return DeviceRequest(kinds=kinds, **fields)


@pytest.mark.parametrize(
    ('request_', 'answered'),
    [
        (wish(kind()), True),
        (wish(kind(vendor_id='8086')), True),
        (wish(kind(vendor_id='8086', product_id='1')), True),
        (wish(kind(vendor_id='8086', product_id='0')), False),
        (wish(kind(vendor_id='8086', product_id='2')), False),
        (wish(kind(vendor_id='8086', dev_type='vdpa')), False),
        (wish(kind(product_id='2'), kind(product_id='1')), True),
        (wish(kind(product_id='2'), kind(product_id='3')), False),
        (wish(kind(capabilities=frozenset('a'))), True),
        (wish(kind(capabilities=frozenset('ab'))), True),
        (wish(kind(capabilities=frozenset('abc'))), False),
        (wish(kind(capabilities='a')), False),
        (wish(kind(vendor_id=frozenset('8086'))), False),
    ],
)
def test_a_device_answers_that_has_all_of_any_kind(request_, answered):
    has = kind(vendor_id='8086', product_id='1', capabilities=frozenset('ab'))
    assert answers(request_, has) is answered


PLAIN, PHYSICAL = kind(dev_type='type-pci'), kind(dev_type='type-pf')
REMOTE, LOCAL = kind(remote_managed='true'), kind(remote_managed='false')


@pytest.mark.parametrize(
    ('has', 'request_', 'will_do'),
    [
        (PLAIN, wish(kind()), True),
        (PLAIN, wish(PLAIN), True),
        (PLAIN, wish(PHYSICAL), False),
        (PHYSICAL, wish(kind()), False),
        (PHYSICAL, wish(PHYSICAL), True),
        (PHYSICAL, wish(kind(), PHYSICAL), True),
        (PHYSICAL, wish(kind(), kind(dev_type='vdpa')), False),
        (PHYSICAL, wish(kind(), kind(dev_type='a'), PLAIN), False),
        (kind(dev_type='vdpa'), wish(kind()), False),
        (kind(dev_type='vdpa'), wish(kind(dev_type='vdpa')), True),
        (REMOTE, wish(kind()), False),
        (REMOTE, wish(REMOTE), True),
        (REMOTE, wish(kind(), REMOTE), True),
        (REMOTE, wish(kind(), LOCAL), False),
        (LOCAL, wish(kind()), True),
        (LOCAL, wish(LOCAL), True),
        (kind(remote_managed='1'), wish(kind(), kind(remote_managed='on')), 1),
    ],
)
def test_some_devices_are_for_those_that_name_them(has, request_, will_do):
    assert matches(request_, has) == will_do


def test_cells_stand_for_their_socket_if_all_tell_it():
    assert same_socket((3, 1, 3, 1)) == (0, 1, 0, 1)
    assert same_socket((3, 1, None, 3)) == (0, 1, 2, 3)


# Where the devices of a host are, and how many are left of two everywhere
# once a guest on cell 10 has got some.
PLACES = None, 11, 10, 12, 99
LEFT = {
    (DeviceAffinity.REQUIRED, 1): (2, 2, 1, 2, 2),
    (DeviceAffinity.REQUIRED, 2): (2, 2, 0, 2, 2),
    (DeviceAffinity.LEGACY, 1): (2, 2, 1, 2, 2),
    (DeviceAffinity.LEGACY, 2): (2, 2, 0, 2, 2),
    (DeviceAffinity.LEGACY, 3): (0, 2, 1, 2, 2),
    (DeviceAffinity.SOCKET, 2): (2, 2, 0, 2, 2),
    (DeviceAffinity.SOCKET, 3): (2, 0, 1, 2, 2),
    (DeviceAffinity.PREFERRED, 1): (2, 2, 1, 2, 2),
    (DeviceAffinity.PREFERRED, 3): (0, 2, 1, 2, 2),
    (DeviceAffinity.PREFERRED, 7): (0, 0, 0, 1, 2),
}


def left_after(claim, *requests):
    """Give how many devices are left, of other kinds and by place."""
    pools = (
        DevicePool(10, GPU, 2),
        *(DevicePool(place, NIC, 2) for place in PLACES),
    )
    claim = dataclasses.replace(
        claim,
        host=dataclasses.replace(claim.host, pools=pools),
        guest=dataclasses.replace(claim.guest, devices=requests),
    )
    after = pools_after(claim)
    assert [pool[:2] for pool in after] == [pool[:2] for pool in pools]
    return tuple(pool.count for pool in after)


@pytest.mark.parametrize(('affinity', 'count'), LEFT)
def test_a_claim_takes_the_nearest_devices_that_are_enough(affinity, count):
    taken = wish(NIC, count=count, affinity=affinity)
    assert left_after(claim_of(10), taken) == (2, *LEFT[affinity, count])


def test_each_request_takes_what_others_have_left():
    required = wish(NIC, affinity=DeviceAffinity.REQUIRED)
    legacy = wish(NIC, count=2)
    assert left_after(claim_of(10), required, legacy) == (2, 0, 2, 1, 2, 2)
