import pytest

from numa_sched import fit
from numa_sched.score.pack import Pack
from tests.builders import (
    MIXED,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
)


def score(host, guest):
    return Pack().score(host, guest, fit.fit(host, guest))


def test_a_cell_that_is_filled_scores_best():
    assert score(make_host(4), make_guest(4)) == 1.0


@pytest.mark.parametrize(('cpus', 'expected'), [(4, 0.5), (8, 0.25), (2, 1.0)])
def test_the_score_is_the_share_in_use_after_the_claim(cpus, expected):
    assert score(make_host(cpus), make_guest(2)) == expected


def test_cpus_pinned_before_count_as_in_use():
    host = make_host(make_cell(cpus=8, pinned=(0, 1, 2, 3)))
    assert score(host, make_guest(2)) == 0.75


def test_only_the_cells_used_count():
    busy = make_cell(0, pinned=(0, 1, 2, 3))
    assert score(make_host(busy, make_cell(1)), make_guest(2)) == 0.5


def test_siblings_kept_idle_count_as_in_use():
    host = make_host(make_cell(cpus=8, threads=2, legacy=True))
    guest = make_guest(make_guest_cell(2, threads='isolate'))
    assert score(host, guest) == 0.5


@pytest.mark.parametrize(('ratio', 'expected'), [(1.0, 0.75), (2.0, 0.375)])
def test_shared_guests_go_by_shared_cpus(ratio, expected):
    host = make_host(
        make_cell(shared=True, shared_used=1), cpu_allocation_ratio=ratio
    )
    guest = make_guest(make_guest_cell(shared=2))
    assert score(host, guest) == expected


def test_mixed_guests_go_by_dedicated_cpus():
    host = make_host(make_cell(legacy=True), cpu_allocation_ratio=16.0)
    guest = make_guest(make_guest_cell(1, shared=2, policy=MIXED))
    assert score(host, guest) == 0.25


def test_a_guest_that_uses_no_cpus_saves_none():
    guest = make_guest(make_guest_cell())
    assert score(make_host(4), guest) == 1.0
