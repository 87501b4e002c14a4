import itertools

import pytest

from numa_sched.fit.constraint import Need
from numa_sched.fit.reach import Devices
from numa_sched.topology import DeviceAffinity, DevicePool, DeviceRequest
from tests.builders import GPU, NIC, kind, make_cell, make_guest, make_host

LEGACY, REQUIRED = DeviceAffinity.LEGACY, DeviceAffinity.REQUIRED
PREFERRED, SOCKET = DeviceAffinity.PREFERRED, DeviceAffinity.SOCKET

IDS = 10, 11, 12
PLACES = *IDS, None, 99
SETS = [
    each
    for size in (1, 2, 3)
    for each in itertools.combinations(range(3), size)
]
# It answers to requests for NICs, and is kept for those that name its type.
KEPT = kind(product_id='1', dev_type='type-pf')
ANY = frozenset()


def wish(count=1, affinity=LEGACY, *kinds):
    return DeviceRequest(count, kinds or (NIC,), affinity)


def pool(place, count=1, kind=NIC, provider=None):
    return DevicePool(place, kind, count, provider)


def near(pools, *wishes, chosen=None, sockets=(0, 0, 1)):
    """Give what devices ask of three cells of a host."""
    cells = zip(IDS, sockets, strict=True)
    host = make_host(
        *(make_cell(id, socket=socket) for id, socket in cells),
        pools=tuple(pools),
    )
    return Devices(host, make_guest(1, devices=wishes)).near(chosen)


def accepted(near):
    """Give the accepted sets of cells, which must not depend on shortcuts."""
    found = [each for each in SETS if near.accepts(each)]
    for each in found:
        assert all(need.met(each) for need in near.needs)
    near.exact = False
    assert [each for each in SETS if near.accepts(each)] == found
    return [''.join(map(str, each)) for each in found]


def having(*indexes):
    """Give the sets that have any of some cells."""
    return [''.join(map(str, each)) for each in SETS if {*each} & {*indexes}]


ALL, NONE = having(0, 1, 2), []


@pytest.mark.parametrize(
    ('affinity', 'place', 'sets'),
    [
        (REQUIRED, 11, having(1)),
        (REQUIRED, None, NONE),
        (REQUIRED, 99, NONE),
        (LEGACY, 11, having(1)),
        (LEGACY, None, ALL),
        (LEGACY, 99, NONE),
        (PREFERRED, 11, ALL),
        (PREFERRED, None, ALL),
        (PREFERRED, 99, ALL),
        (SOCKET, 11, having(0, 1)),
        (SOCKET, 12, having(2)),
        (SOCKET, None, NONE),
        (SOCKET, 99, NONE),
    ],
)
def test_how_near_a_device_has_to_be(affinity, place, sets):
    assert accepted(near([pool(place)], wish(1, affinity))) == sets


def reach(chosen, affinity, sockets):
    """Give the places whose devices are near enough to some cells."""
    if affinity is PREFERRED:
        return set(PLACES)
    ids = {IDS[index] for index in chosen}
    if affinity is LEGACY:
        return {None, *ids}
    if affinity is SOCKET and None not in sockets:
        at = {sockets[index] for index in chosen}
        return {
            id for id, socket in zip(IDS, sockets, strict=True) if socket in at
        }
    return ids


@pytest.mark.parametrize('sockets', [(0, 0, 1), (0, 1, 0), (0, None, 0)])
@pytest.mark.parametrize('affinity', DeviceAffinity)
@pytest.mark.parametrize('counts', [(1,), (2,), (3,), (2, 1)])
def test_enough_devices_have_to_be_near(counts, affinity, sockets):
    wishes = [wish(count, affinity) for count in counts]
    for have in list(itertools.product(range(3), repeat=5))[::11]:
        has = dict(zip(PLACES, have, strict=True))
        found = near(
            [pool(place, count) for place, count in has.items() if count],
            *wishes,
            sockets=sockets,
        )
        assert found.exact
        assert accepted(found) == [
            ''.join(map(str, each))
            for each in SETS
            if sum(has[at] for at in reach(each, affinity, sockets))
            >= sum(counts)
        ]


@pytest.mark.parametrize(
    ('affinity', 'pools', 'sets'),
    [
        (REQUIRED, [pool(10, 1, KEPT), pool(11)], having(1)),
        (LEGACY, [pool(10, 1, KEPT), pool(11)], having(1)),
        # What is near would be enough, so nothing else is looked at.
        (LEGACY, [pool(10, 1, KEPT), pool(None)], ['1', '2', '12']),
        (PREFERRED, [pool(10, 1, KEPT), pool(99)], ['1', '2', '12']),
        (PREFERRED, [pool(None, 1, KEPT), pool(99)], NONE),
        (PREFERRED, [pool(None, 2, KEPT), pool(99)], NONE),
        (PREFERRED, [pool(None, 1, KEPT), pool(12)], having(2)),
        (SOCKET, [pool(10, 1, KEPT), pool(11)], having(1)),
        (SOCKET, [pool(10, 2, KEPT)], NONE),
    ],
)
def test_devices_kept_for_others_count_as_near_all_the_same(
    affinity, pools, sets
):
    assert accepted(near(pools, wish(1, affinity))) == sets


@pytest.mark.parametrize(
    ('first', 'second', 'sets'),
    [
        # The one that takes anything takes what comes first.
        (wish(1, LEGACY, ANY), wish(), NONE),
        (wish(), wish(1, LEGACY, ANY), having(0)),
        (wish(1, LEGACY, ANY), wish(1, LEGACY, GPU), having(0)),
        (wish(1, REQUIRED), wish(1, PREFERRED), NONE),
        (wish(1, REQUIRED), wish(1, REQUIRED, GPU), having(0)),
    ],
)
def test_requests_get_what_those_before_have_left(first, second, sets):
    pools = [pool(10), pool(10, 1, GPU)]
    assert accepted(near(pools, first, second)) == sets


@pytest.mark.parametrize(
    ('pools', 'sets'),
    [
        ([pool(12), pool(11)], ['02', '12', '012']),
        ([pool(None), pool(12)], NONE),
    ],
)
def test_nothing_is_taken_from_another_socket(pools, sets):
    wishes = wish(1, SOCKET), wish(1, SOCKET, ANY)
    # So that each has a need of its own.
    away = pool(99, 1, GPU)
    assert accepted(near([*pools, away], *wishes)) == sets


def test_a_request_takes_from_several_pools():
    pools = [pool(10, 2), pool(10, 2), pool(10, 1, GPU)]
    wishes = wish(3, LEGACY), wish(2, LEGACY, ANY)
    assert accepted(near(pools, *wishes)) == having(0)
    assert accepted(near(pools, *wishes, wish(1, LEGACY, GPU))) == NONE


def test_a_request_for_no_devices_needs_some_near_all_the_same():
    found = near([pool(10)], wish(0, REQUIRED))
    assert not found.exact
    assert accepted(found) == having(0)


A, B = pool(10, 2, NIC, 'a'), pool(11, 1, NIC, 'b')


@pytest.mark.parametrize(
    ('chosen', 'sets'),
    [
        ('aa', having(0)),
        # There are as many there as are wanted, as Nova counts them.
        ('ab', having(0)),
        ('bb', NONE),
        ('bc', having(1)),
        ('cc', NONE),
        ('', ['0', '01', '02', '012']),
    ],
)
def test_what_placement_has_chosen_has_to_be_near(chosen, sets):
    pools = [A, B, pool(12, 2)]
    count = 1 if chosen == 'bc' else 2
    found = near(pools, wish(count, REQUIRED), chosen=[tuple(chosen)])
    assert accepted(found) == (
        sets if chosen else ['0', '2', '01', '02', '12', '012']
    )


def test_where_placement_chooses_enough_devices_have_to_be_there():
    assert accepted(near([A], wish(2), chosen=['a'])) == having(0)
    assert accepted(near([A], wish(3), chosen=['a'])) == NONE


def test_what_is_chosen_is_taken():
    pools = [A, B]
    two = wish(1, REQUIRED), wish(1, REQUIRED)
    assert accepted(near(pools, *two, chosen=['a', 'a'])) == having(0)
    assert accepted(near(pools, *two, chosen=['b', 'b'])) == NONE
    assert accepted(near(pools, *two, chosen=['b', ''])) == ['01', '012']
    assert accepted(near(pools, *two, chosen=['', 'b'])) == ['01', '012']
    three = wish(2, REQUIRED), wish(1, REQUIRED)
    assert accepted(near(pools, *three, chosen=['aa', 'a'])) == NONE


def test_what_others_have_taken_is_not_there_for_a_choice():
    wishes = wish(1, REQUIRED), wish(2, REQUIRED)
    assert accepted(near([A, pool(12)], *wishes, chosen=['', 'a'])) == NONE


def test_a_chosen_provider_with_several_pools_is_not_taken():
    pools = [pool(10, 1, NIC, 'a'), pool(11, 1, NIC, 'a')]
    assert accepted(near(pools, wish(1, REQUIRED), chosen=['a'])) == NONE
    assert accepted(near(pools, wish(1, REQUIRED))) == having(0, 1)
    # It has one pool when the other one is used up.
    two = wish(1, REQUIRED), wish(1, REQUIRED)
    assert accepted(near(pools, *two, chosen=['', 'a'])) == ['01', '012']
    other = [*pools, pool(12, 1, NIC, 'b')]
    assert accepted(near(other, wish(1), chosen=['b'])) == NONE
    # Or none, when both are.
    two = wish(2, REQUIRED), wish(1, REQUIRED)
    assert accepted(near(other, *two, chosen=['', 'b'])) == ['012']


def test_pools_without_a_provider_are_not_split():
    pools = [pool(10), pool(10), B]
    assert accepted(near(pools, wish(1), chosen=['b'])) == having(1)


@pytest.mark.parametrize(
    ('pools', 'wishes', 'chosen', 'exact'),
    [
        ([A, B], [wish()], None, True),
        ([A, B], [wish(0)], None, False),
        ([A, B], [wish(), wish(2)], None, True),
        ([A, B], [wish(), wish(1, REQUIRED)], None, False),
        ([A, B], [wish(), wish(1, LEGACY, ANY)], None, True),
        (
            [A, pool(10, 1, GPU)],
            [wish(), wish(1, LEGACY, ANY)],
            None,
            False,
        ),
        ([A, pool(10, 1, GPU)], [wish(), wish(1, REQUIRED, GPU)], None, True),
        ([A, B], [wish()], ['a'], True),
        ([A, B], [wish(1, REQUIRED)], ['a'], True),
        ([A, B], [wish(1, PREFERRED)], ['a'], False),
        ([A, B], [wish(1, SOCKET)], ['a'], False),
        ([A, pool(None)], [wish()], ['a'], False),
        ([A, pool(None)], [wish(1, REQUIRED)], ['a'], True),
        ([A, pool(None)], [wish()], None, True),
        ([A, B], [wish(), wish()], ['a', 'b'], False),
        ([A, pool(10, 1, KEPT)], [wish()], None, True),
        ([A, pool(None, 1, KEPT)], [wish()], None, False),
        ([A, pool(10, 1, KEPT)], [wish(1, PREFERRED)], None, False),
        ([A, A], [wish()], None, False),
    ],
)
def test_needs_tell_all_where_nothing_competes(pools, wishes, chosen, exact):
    found = near(pools, *wishes, chosen=chosen)
    assert found.exact is exact
    accepted(found)


@pytest.mark.parametrize(
    ('wishes', 'needs'),
    [
        ([wish(3, REQUIRED)], [Need(3, (3, 2, 0))]),
        ([wish(1, REQUIRED)], [Need(1, (1, 1, 0))]),
        ([wish(3)], [Need(2, (2, 2, 0))]),
        ([wish(1)], []),
        ([wish(2)], [Need(1, (1, 1, 0))]),
        ([wish(4, SOCKET)], [Need(4, (4, 4, 0), (0, 0, 2))]),
        ([wish(9, SOCKET)], [Need(9, (6, 6, 0), (0, 0, 2))]),
        ([wish(8, PREFERRED)], []),
        ([wish(9, PREFERRED)], [Need(1, (0, 0, 0))]),
        ([wish(1, REQUIRED, GPU)], [Need(1, (0, 0, 1))]),
        (
            [wish(1, REQUIRED), wish(1, REQUIRED, GPU)],
            [Need(1, (1, 1, 0)), Need(1, (0, 0, 1))],
        ),
    ],
)
def test_what_cells_have_to_bring(wishes, needs):
    """Of four on the first cell, two on the second, one nowhere, one away."""
    pools = [
        pool(10, 1),
        pool(10, 3),
        pool(11, 2),
        pool(None),
        pool(99),
        pool(12, 1, GPU),
        pool(12, 7, KEPT),
    ]
    assert list(near(pools, *wishes).needs) == needs


def test_requests_for_the_same_devices_are_one_need():
    wishes = wish(1, REQUIRED), wish(2, REQUIRED)
    (need,) = near([pool(10, 4), pool(11, 2)], *wishes).needs
    assert need == Need(3, (3, 2, 0))
    # Not where some of the devices are kept for others.
    kept = near([pool(10, 4), pool(11, 2, KEPT)], *wishes)
    assert kept.needs == (Need(1, (1, 0, 0)), Need(2, (2, 0, 0)))


def test_sockets_that_are_not_told_leave_cells_alone():
    found = near([pool(10)], wish(1, SOCKET), sockets=(0, None, 0))
    assert found.needs == (Need(1, (1, 0, 0)),)


def test_only_what_is_chosen_can_be_brought():
    pools = [A, B, pool(12, 5, NIC, 'c'), pool(12, 5)]
    (need,) = near(pools, wish(2, REQUIRED), chosen=['ab']).needs
    assert need == Need(2, (2, 1, 0))
    (need,) = near(pools, wish(2, REQUIRED), chosen=['bb']).needs
    assert need == Need(2, (0, 0, 0))
    (need,) = near(pools, wish(2, REQUIRED), chosen=['aa']).needs
    assert need == Need(2, (2, 0, 0))


def test_cells_are_told_apart_by_devices_and_sockets_if_needs_do_not_do():
    plain = near([A, B], wish())
    assert [plain.key(index) for index in range(3)] == [None] * 3
    other = near([A, pool(12)], wish(), wish(1, REQUIRED))
    assert [other.key(index) for index in range(3)] == [
        (0, None),
        (None, None),
        (2, None),
    ]
    sockets = near([A], wish(), wish(1, SOCKET))
    assert [sockets.key(index) for index in range(3)] == [
        (0, 0),
        (None, 0),
        (None, 2),
    ]
    gpus = near([A, pool(12, 1, GPU)], wish(), wish(1, REQUIRED))
    assert [gpus.key(index)[0] for index in range(3)] == [0, None, None]


@pytest.mark.parametrize(
    ('pools', 'steps'), [(15, 1), (16, 2), (31, 2), (32, 3)]
)
def test_many_pools_take_steps(pools, steps):
    wishes = wish(), wish(1, REQUIRED)
    assert near([pool(10)] * pools, *wishes).steps == steps
    assert near([pool(10)] * pools, wish()).steps == 1


def test_a_claim_may_ask_less_often_the_more_cells_there_are():
    assert near([A], wish()).max_asked == 3333
