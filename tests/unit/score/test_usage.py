from numa_sched import fit
from numa_sched.fit.claim import Claim
from numa_sched.score.usage import share_in_use
from tests.builders import (
    MIXED,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
)


def in_use(host, guest):
    return share_in_use(host, guest, fit.fit(host, guest))


def test_all_cells_of_the_claim_count_together():
    host = make_host(make_cell(0, cpus=2), make_cell(1, cpus=8))
    assert in_use(host, make_guest(2, 2)) == 0.4


def test_the_cpus_of_a_shared_guest_are_in_use_too():
    host = make_host(make_cell(cpus=8, shared=True, shared_used=1))
    assert in_use(host, make_guest(make_guest_cell(shared=3))) == 0.5


def test_a_guest_with_one_dedicated_cpu_goes_by_dedicated_cpus():
    host = make_host(make_cell(0, legacy=True), make_cell(1, legacy=True))
    guest = make_guest(
        make_guest_cell(2), make_guest_cell(shared=1, policy=MIXED)
    )
    assert in_use(host, guest) == 0.25


def test_the_cpu_beside_the_guests_own_is_in_use_too():
    guest = make_guest(2, isolate_emulator=True)
    assert in_use(make_host(4), guest) == 0.75


def test_shared_cpus_in_use_beyond_the_limit_are_no_more_than_all():
    host = make_host(make_cell(cpus=4, shared=True, shared_used=9))
    guest = make_guest(make_guest_cell(shared=1))
    assert share_in_use(host, guest, Claim(host, guest, (0,), (None,))) == 1.0


def test_an_allocation_ratio_of_0_leaves_no_cpus():
    host = make_host(make_cell(shared=True), cpu_allocation_ratio=0.0)
    guest = make_guest(make_guest_cell(shared=1))
    assert share_in_use(host, guest, Claim(host, guest, (0,), (None,))) == 1.0
