import dataclasses

import numpy
import pytest

from numa_sched import fit
from numa_sched.fit.capacity import Capacity
from numa_sched.fit.left import Left
from numa_sched.history.mix import pinned
from numa_sched.score.fragmentation import Fragmentation
from numa_sched.topology import DeviceAffinity, DeviceRequest, Host
from tests.builders import (
    GIANT_KB,
    GPU,
    SMALL_KB,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
)


def claim(host, guest):
    found = fit.fit(host, guest)
    assert found
    return found


def score(host, guest, *mix):
    return Fragmentation(mix).score(host, guest, claim(host, guest))


def lost(host, guest, *mix):
    return Fragmentation(mix).lost_cpus([claim(host, guest)]).tolist()[0]


def test_a_claim_on_what_nobody_else_can_use_scores_best():
    host = make_host(make_cell(cpus=8, pinned=(0, 1, 2, 3, 4, 5)))
    assert score(host, pinned(2), (pinned(4), 1.0)) == 1.0


def test_the_score_is_a_half_if_the_mix_loses_as_much_as_the_guest_has():
    assert score(make_host(8), pinned(2), (pinned(2), 1.0)) == 0.5


def test_the_more_the_mix_loses_the_lower_is_the_score():
    assert score(make_host(8), pinned(2), (pinned(8), 1.0)) == 0.2


def test_more_room_than_before_is_no_better_than_as_much():
    class Gaining(Fragmentation):
        def lost_cpus(self, claims):
            return numpy.array([-1.5])

    claimed = claim(make_host(8), pinned(2))
    assert Gaining().scores(claimed.guest, [claimed]) == [1.0]


def test_the_leftover_that_nobody_can_use_is_preferred():
    # Both have room for the guest; only on one is it needed by others.
    leftover = make_host(make_cell(cpus=8, pinned=(0, 1, 2, 3, 4)))
    usable = make_host(make_cell(cpus=8, pinned=(0, 1, 2, 3)))
    guest, mix = pinned(3), (pinned(4), 1.0)
    assert score(leftover, guest, mix) > score(usable, guest, mix)


def test_a_guest_of_the_mix_loses_its_cpus_times_its_share():
    mix = (pinned(4), 0.5), (pinned(8), 0.25)
    assert lost(make_host(8), pinned(2), *mix) == 4 * 0.5 + 8 * 0.25


def test_guests_of_two_cells_need_both():
    # Each cell has room for one; a claim on either takes the only pair.
    host = make_host(4, 4)
    assert lost(host, pinned(2), (pinned(8, cells=2), 1.0)) == 8


def test_guests_of_two_cells_do_not_mind_what_one_cell_has_alone():
    host = make_host(8, make_cell(1, pinned=(64, 65, 66)))
    assert lost(host, pinned(2), (pinned(8, cells=2), 1.0)) == 0


def test_pages_count():
    pages = ((SMALL_KB, 2**20), (GIANT_KB, 2))
    host = make_host(make_cell(cpus=16, pages=pages))
    guest = make_guest(make_guest_cell(2, memory_mb=1024, page_size=GIANT_KB))
    mix = pinned(4, memory_mb=2048, page_size=GIANT_KB), 1.0
    assert lost(host, guest, mix) == 4


def test_memory_counts():
    host = make_host(make_cell(cpus=16, memory_mb=4096))
    guest = make_guest(make_guest_cell(1, memory_mb=3072))
    assert lost(host, guest, (pinned(2, memory_mb=2048), 1.0)) == 4


def test_cores_count():
    host = make_host(make_cell(cpus=8, threads=2))
    wanted = make_guest(make_guest_cell(2, memory_mb=0, threads='require'))
    assert lost(host, pinned(3), (wanted, 1.0)) == 4


def with_devices(cpus, *requests):
    return dataclasses.replace(
        pinned(cpus), devices=requests or (DeviceRequest(),)
    )


def test_devices_count():
    host = make_host(8, devices=((0, 1),))
    assert lost(host, pinned(6), (with_devices(4), 1.0)) == 4


def test_a_guest_without_devices_goes_where_none_are():
    near, bare = make_host(4, devices=((0, 1),)), make_host(4)
    mix = (with_devices(4), 1.0), (pinned(4), 0.1)
    assert score(bare, pinned(2), *mix) > score(near, pinned(2), *mix)


def test_cpus_beyond_those_for_the_devices_left_are_not_kept():
    host = make_host(8, devices=((0, 1),))
    assert lost(host, pinned(4), (with_devices(4), 1.0)) == 0


def test_devices_far_away_are_no_use_to_those_that_require_near_ones():
    host = make_host(2, 4, devices=((0, 1),))
    near = DeviceRequest(1, affinity=DeviceAffinity.REQUIRED)
    assert lost(host, pinned(4), (with_devices(4, near), 1.0)) == 0


def test_devices_far_away_are_kept_for_those_that_prefer_near_ones():
    host = make_host(2, 4, devices=((0, 1),))
    any_will_do = DeviceRequest(1, affinity=DeviceAffinity.PREFERRED)
    assert lost(host, pinned(4), (with_devices(4, any_will_do), 1.0)) == 4


def test_devices_that_few_cells_reach_are_for_few_guests_of_two_cells():
    host = make_host(make_cell(0, pinned=(0, 1, 2)), 4, 4, devices=((0, 3),))
    wanted = dataclasses.replace(
        pinned(2, cells=2), devices=(DeviceRequest(),)
    )
    assert Capacity(Left([host])).guests(wanted).tolist() == [1]


def test_devices_of_another_kind_are_no_use():
    host = make_host(8, devices=((0, 1),))
    other = DeviceRequest(1, (GPU,))
    assert lost(host, pinned(8), (with_devices(4, other), 1.0)) == 0


def test_a_guest_that_takes_the_last_device_takes_the_room_with_it():
    host = make_host(8, devices=((0, 1),))
    assert lost(host, with_devices(1), (with_devices(4), 1.0)) == 4


def test_a_guest_that_takes_one_of_many_devices_leaves_the_rest():
    host = make_host(8, devices=((0, 3),))
    assert lost(host, with_devices(2), (with_devices(3), 1.0)) == 0


def test_a_guest_of_the_mix_that_asks_for_no_devices_needs_none():
    wanted = with_devices(4, DeviceRequest(0))
    assert lost(make_host(8), pinned(4), (wanted, 1.0)) == 4


def test_without_a_mix_the_guest_itself_counts():
    assert lost(make_host(8), pinned(4)) == 4
    assert score(make_host(8), pinned(4)) == 0.5


def test_a_guest_of_the_mix_without_cpus_counts_as_one():
    host = make_host(make_cell(memory_mb=1024))
    empty = make_guest(make_guest_cell(memory_mb=512))
    assert lost(host, make_guest(make_guest_cell(1)), (empty, 1.0)) == 1


def test_a_guest_without_cpus_can_be_scored():
    host = make_host(make_cell(memory_mb=1024))
    assert score(host, make_guest(make_guest_cell(memory_mb=512))) == 0.5


def test_scores_of_many_claims_are_those_of_each():
    kinds = make_host(8), make_host(4, 4), make_host(make_cell(cpus=16))
    hosts = [
        Host(
            f'{kind.layout.cells[0].dedicated_count} {used}',
            kind.layout,
            kind.memory_mb,
            kind.memory_used_mb,
            kind.shared_used,
            ((1 << used) - 1, *kind.pinned[1:]),
        )
        for used in range(4)
        for kind in kinds
    ]
    guest, strategy = pinned(3), Fragmentation(((pinned(4), 1.0),))
    claims = [claim(host, guest) for host in hosts]
    together = strategy.scores(guest, claims)
    assert together == [
        strategy.score(each.host, guest, each) for each in claims
    ]
    assert len(set(together)) > 1


def test_hosts_whose_layouts_are_equal_but_not_shared_score_alike():
    guest, strategy = pinned(2), Fragmentation(((pinned(8), 1.0),))
    claims = [claim(make_host(8), guest) for _ in range(2)]
    assert claims[0].host.layout is not claims[1].host.layout
    assert strategy.scores(guest, claims) == [0.2, 0.2]


def test_no_claims_have_no_scores():
    assert Fragmentation().scores(pinned(2), []) == []


@pytest.mark.parametrize('count', [2**53 + 1, 2**63, 2**64 - 1])
def test_big_numbers_of_pages_do_not_break_it(count):
    host = make_host(make_cell(cpus=8, pages=((SMALL_KB, count),)))
    guest = make_guest(make_guest_cell(2, page_size=SMALL_KB))
    mix = pinned(4, memory_mb=1024, page_size=SMALL_KB), 1.0
    assert score(host, guest, mix) == pytest.approx(1 / 3)
