import gc
import weakref

import pytest

from numa_sched import fit
from numa_sched.fit.claim import Claim
from numa_sched.fit.usage import host_after
from numa_sched.history.underway import (
    Arrivals,
    Sent,
    UnderWay,
    has_arrived,
)
from tests.builders import (
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
    mask,
)


def guest(*cpus, **fields):
    return make_guest(*(make_guest_cell(count, **fields) for count in cpus))


def claim(host, wanted):
    found = fit.fit(host, wanted)
    assert isinstance(found, Claim)
    return found


def sent(host='a', when=0.0):
    return Sent(host, claim(make_host(4), guest(2)), when)


def test_servers_are_under_way_to_their_hosts_in_order():
    under_way = UnderWay()
    for server, host in (('one', 'a'), ('two', 'b'), ('three', 'a')):
        under_way.add(server, sent(host))
    found = under_way.by_host()
    assert {host: list(servers) for host, servers in found.items()} == {
        'a': ['one', 'three'],
        'b': ['two'],
    }


def test_a_server_is_on_its_way_to_one_host_only():
    under_way = UnderWay()
    under_way.add('one', sent('a'))
    under_way.add('one', sent('b'))
    assert list(under_way.by_host()) == ['b']


def test_a_server_that_has_arrived_is_not_under_way():
    under_way = UnderWay()
    under_way.add('one', sent())
    under_way.drop('one')
    under_way.drop('another')
    assert len(under_way) == 0


def test_what_was_sent_long_ago_is_forgotten():
    under_way = UnderWay()
    for server, when in (('one', 1.0), ('two', 3.0), ('three', 2.0)):
        under_way.add(server, sent(when=when))
    under_way.drop_before(2.0)
    assert list(under_way.by_host()['a']) == ['two', 'three']


def test_no_more_servers_are_kept_than_allowed():
    under_way = UnderWay(max_servers=2)
    for server in ('one', 'two', 'three'):
        under_way.add(server, sent())
    assert list(under_way.by_host()['a']) == ['two', 'three']


CLAIMS = {
    'pinned CPUs': (make_host(4, 4), guest(2)),
    'pinned CPUs on two cells': (make_host(4, 4), guest(2, 2)),
    'shared CPUs': (
        make_host(make_cell(shared=True)),
        make_guest(make_guest_cell(shared=2, memory_mb=512)),
    ),
}


@pytest.mark.parametrize(('host', 'wanted'), CLAIMS.values(), ids=CLAIMS)
def test_a_claim_has_arrived_once_the_host_shows_what_it_takes(host, wanted):
    expected = claim(host, wanted)
    assert not has_arrived(expected, host)
    assert has_arrived(expected, host_after(expected))


def test_a_claim_has_not_arrived_where_another_took_other_cpus():
    host = make_host(make_cell(cpus=8))
    expected = claim(host, guest(4))
    other = make_host(make_cell(cpus=8, pinned=(4, 5, 6, 7)))
    assert not has_arrived(expected, other)


def test_a_claim_has_not_arrived_where_half_of_its_cpus_are_pinned():
    expected = claim(make_host(8), guest(4))
    assert not has_arrived(
        expected, make_host(make_cell(cpus=8, pinned=(0, 1)))
    )


def test_a_claim_has_arrived_where_others_have_too():
    expected = claim(make_host(8), guest(2))
    assert has_arrived(
        expected, make_host(make_cell(cpus=8, pinned=(0, 1, 2, 3)))
    )


@pytest.mark.parametrize(
    ('shared_used', 'memory_used_mb', 'arrived'),
    [
        (2, 512, True),
        (3, 600, True),
        (3, 512, True),
        (2, 600, True),
        (1, 600, False),
        (3, 511, False),
        (1, 511, False),
    ],
)
def test_a_shared_claim_has_arrived_where_as_much_is_in_use_or_more(
    shared_used, memory_used_mb, arrived
):
    host, wanted = CLAIMS['shared CPUs']
    in_use = make_cell(
        shared=True, shared_used=shared_used, memory_used_mb=memory_used_mb
    )
    assert has_arrived(claim(host, wanted), make_host(in_use)) is arrived


def test_nobody_waits_for_a_claim_on_a_host_that_is_another_one_by_now():
    expected = claim(make_host(4, 4), guest(2, 2))
    assert has_arrived(expected, make_host(8))


def test_an_equal_layout_is_the_same_host():
    expected = claim(make_host(4), guest(2))
    assert make_host(4).layout is not expected.host.layout
    assert not has_arrived(expected, make_host(4))


def test_claims_arrive_one_after_the_other():
    host = make_host(8)
    claims = [claim(host, guest(2)), claim(host, guest(4))]
    after = Arrivals().after(host, claims)
    assert after.pinned == (mask(0, 1, 2, 3, 4, 5),)


def test_a_claim_that_does_not_fit_any_more_leaves_the_host_as_it_is():
    host = make_host(4)
    claims = [claim(host, guest(3)), claim(host, guest(2))]
    assert Arrivals().after(host, claims).pinned == (mask(0, 1, 2),)


def test_claims_are_taken_for_what_the_host_has_now():
    before = make_host(8)
    now = make_host(make_cell(cpus=8, pinned=(0, 1)))
    after = Arrivals().after(now, [claim(before, guest(2))])
    assert after.pinned == (mask(0, 1, 2, 3),)


class SecondCell:
    """Asks for the second cell of a host, as a device there does."""

    what, needs, exact, steps, max_asked = '', (), False, 1, None

    def key(self, index):
        return index

    def accepts(self, indexes):
        return tuple(indexes) == (1,)


def test_a_claim_takes_the_cells_it_was_made_for_if_the_host_is_read_anew():
    host, anew = two_cells(), two_cells()
    made = fit.fit(host, guest(2), [SecondCell()])
    assert made.indexes == (1,)
    assert Arrivals().after(anew, [made]).pinned == (0, mask(4, 5))


def two_cells():
    return make_host(make_cell(0, cpus=4), make_cell(1, cpus=4, first=4))


def may_fail(host, under_way, wanted):
    claims = [claim(host, each) for each in under_way]
    return Arrivals().may_fail(host, claims, wanted)


def test_no_claim_fails_where_there_is_room_for_all():
    assert not may_fail(make_host(8, 8), [guest(2), guest(4)], guest(4))


def test_a_claim_fails_where_there_is_no_room_for_all():
    assert may_fail(make_host(8), [guest(4), guest(2)], guest(4))


ORDERS = {
    'the guest first': ((4, 4), (1, 4), 1),
    'the guest first, the others backwards': ((4, 4), (3, 2), 2),
    'the others backwards, the guest last': ((4, 5), (1, 2), 4),
}


@pytest.mark.parametrize(
    ('cells', 'others', 'cpus'), ORDERS.values(), ids=ORDERS
)
def test_a_claim_may_fail_in_an_order_that_is_not_the_expected(
    cells, others, cpus
):
    """Each fails in this order, and in no other that is looked at."""
    host = make_host(*cells)
    claims = [claim(host, guest(other)) for other in others]
    assert fit.fit(Arrivals().after(host, claims), guest(cpus))
    assert may_fail(host, [guest(other) for other in others], guest(cpus))


def test_only_the_last_of_many_are_put_in_order():
    host = make_host(make_cell(cpus=64, memory_mb=2**20))
    under_way = [guest(1)] * 60
    assert not may_fail(host, under_way, guest(4))
    assert may_fail(host, under_way, guest(5))


def test_those_before_the_last_may_have_failed_already():
    host = make_host(make_cell(cpus=20, memory_mb=2**20))
    under_way = [guest(8), guest(13), *[guest(1)] * 8]
    assert not may_fail(host, under_way, guest(4))
    assert may_fail(host, under_way, guest(5))


def test_what_shows_a_claim_is_not_kept_alive_by_it():
    class State:
        pass

    state = State()
    shown = Sent('a', claim(make_host(4), guest(2)), 0.0, weakref.ref(state))
    assert shown.shown_by() is state
    del state
    gc.collect()
    assert shown.shown_by() is None
