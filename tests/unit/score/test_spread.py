import pytest

from numa_sched import fit
from numa_sched.score.spread import Spread
from tests.builders import make_cell, make_guest, make_guest_cell, make_host


def score(host, guest):
    return Spread().score(host, guest, fit.fit(host, guest))


@pytest.mark.parametrize(('cpus', 'expected'), [(2, 0.0), (4, 0.5), (8, 0.75)])
def test_the_score_is_the_share_still_free_after_the_claim(cpus, expected):
    assert score(make_host(cpus), make_guest(2)) == expected


def test_an_empty_host_is_better_than_one_in_use():
    used = make_host(make_cell(cpus=8, pinned=(0, 1, 2)))
    assert score(make_host(8), make_guest(2)) > score(used, make_guest(2))


def test_a_guest_that_finds_no_cpus_of_its_kind_leaves_none_free():
    assert score(make_host(4), make_guest(make_guest_cell())) == 0.0
