import dataclasses

import pytest

from numa_sched import fit
from numa_sched.fit.claim import Claim
from numa_sched.score.locality import Locality
from tests.builders import (
    A_DEVICE,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
    make_pools,
)


def score(host, guest):
    return Locality().score(host, guest, fit.fit(host, guest))


def on_sockets(*sockets):
    return make_host(
        *(make_cell(id, socket=socket) for id, socket in enumerate(sockets))
    )


def test_a_guest_of_one_cell_on_free_cores_is_as_close_as_can_be():
    assert score(make_host(4), make_guest(2)) == 1.0


SOCKETS = {
    'the same socket': ((0, 0), 1.0),
    'two sockets': ((0, 1), 0.5),
    'cells that tell no socket are one each': ((None, None), 0.5),
    'a cell without a socket is on no other': ((None, 0), 0.5),
}


@pytest.mark.parametrize(('sockets', 'share'), SOCKETS.values(), ids=SOCKETS)
def test_sockets_are_a_third_of_the_score(sockets, share):
    expected = pytest.approx((share + 2) / 3)
    assert score(on_sockets(*sockets), make_guest(2, 2)) == expected


def test_a_cell_without_a_socket_is_not_on_the_socket_of_its_number():
    assert score(on_sockets(1, None), make_guest(2, 2)) == pytest.approx(
        2.5 / 3
    )


def test_sockets_of_cells_that_are_not_used_do_not_count():
    assert score(on_sockets(0, 1, 2), make_guest(2)) == 1.0


@pytest.mark.parametrize(
    ('devices', 'share'),
    [
        (((0, 1), (1, 2)), 1.0),
        (((0, 1),), 0.5),
        (((0, 1), (1, 0)), 0.5),
        (((None, 4),), 0.0),
        ((), 0.0),
    ],
)
def test_cells_without_free_devices_are_far(devices, share):
    host = dataclasses.replace(on_sockets(0, 0), pools=make_pools(devices))
    guest = make_guest(2, 2, devices=A_DEVICE)
    assert score(host, guest) == pytest.approx((share + 2) / 3)


def test_devices_go_by_the_ids_of_cells():
    host = make_host(make_cell(5), devices=((5, 1),))
    assert score(host, make_guest(2, devices=A_DEVICE)) == 1.0


def test_a_guest_without_devices_does_not_miss_them():
    assert score(make_host(4, devices=()), make_guest(2)) == 1.0


def test_a_core_shared_with_another_guest_costs():
    host = make_host(make_cell(cpus=4, threads=2, pinned=(0, 2)))
    assert score(host, make_guest(2)) == pytest.approx(2 / 3)


def test_only_the_share_of_cpus_on_such_cores_costs():
    host = make_host(make_cell(cpus=4, threads=2, pinned=(0,)))
    assert score(host, make_guest(3)) == pytest.approx((2 + 2 / 3) / 3)


def test_shared_cpus_are_on_nobodys_cores():
    host = make_host(make_cell(shared=True))
    guest = make_guest(make_guest_cell(shared=2))
    claim = Claim(host, guest, (0,), (None,))
    assert Locality().score(host, guest, claim) == 1.0
