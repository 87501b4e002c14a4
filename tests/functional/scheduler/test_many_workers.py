"""Ranking while others send servers to the same hosts."""

import pytest
from nova import objects
from nova.scheduler.weights import (
    BaseHostWeigher,
    HostWeightHandler,
    affinity,
)

from numa_sched.nova.scheduler.underway import Choices
from numa_sched.nova.scheduler.weighers import NUMAFitWeigher
from tests.builders import make_cell, make_host
from tests.functional.scheduler.requests import (
    PINNED,
    make_host_state,
    make_request,
)


class Wish(BaseHostWeigher):
    """Somebody else's weigher, which wants one host."""

    def __init__(self, host):
        self._host = host

    def _weigh_object(self, host_state, request_spec):
        return float(host_state.host == self._host)


def rows(count=4, pinned=(), cpus=8):
    """Give host states, as Nova makes them anew at each request."""
    cell = make_cell(
        cpus=cpus, pinned=pinned, memory_mb=2**18, pages=((4, 2**26),)
    )
    return [
        make_host_state(make_host(cell, name=f'host{number}'))
        for number in range(count)
    ]


def ranked(weighers, states, request):
    found = HostWeightHandler().get_weighed_objects(weighers, states, request)
    return [each.obj for each in found]


@pytest.fixture
def many_workers(option):
    """Have many others do as this worker does."""
    option('scheduler_workers', 8)


@pytest.fixture
def ours():
    """A weigher that has seen nothing yet."""
    return NUMAFitWeigher(choices=Choices())


def test_other_weighers_decide_among_equal_hosts(many_workers, ours):
    """On a quiet cloud, where nothing is under way: each time."""
    for _ in range(400):
        wanted, *_ = ranked(
            [Wish('host2'), ours], rows(), make_request(PINNED)
        )
        assert wanted.host == 'host2'


def test_the_best_host_comes_first_on_a_quiet_cloud(many_workers, ours):
    """As for two guests of one CPU: the second one beside the first."""
    for _ in range(100):
        states = rows()
        states[2] = make_host_state(
            make_host(
                make_cell(cpus=8, pinned=(0,), pages=((4, 2**20),)),
                name='host2',
            )
        )
        first, *_ = ranked([ours], states, make_request(PINNED))
        assert first.host == 'host2'


def test_other_weighers_decide_while_there_is_room_for_all(many_workers):
    """The members of a group, created at once, are kept apart.

    Guests of 16 CPUs take as much room from any host of 256.
    """
    anti = affinity.ServerGroupSoftAntiAffinityWeigher()
    for number in range(50):
        group = objects.InstanceGroup(
            policy='soft-anti-affinity',
            members=[f'{number}-{member}' for member in range(4)],
        )
        states, chosen = rows(cpus=256), []
        ours = NUMAFitWeigher(choices=Choices())
        for state in states:
            state.instances = {}
        for member in group.members:
            request = make_request(PINNED, vcpus=16)
            request.instance_uuid, request.instance_group = member, group
            first, *_ = ranked([anti, ours], states, request)
            first.consume_from_request(request)
            first.instances[member] = None
            chosen.append(first.host)
        assert len(set(chosen)) == 4


def choose(weighers, states, request=None):
    """Give the host that is taken for a request."""
    request = request or make_request(PINNED, vcpus=2)
    first, *_ = ranked(weighers, states, request)
    first.consume_from_request(request)
    return first.host


def test_a_worker_does_not_meet_itself(option, ours):
    """Each request sees the rows as they were, without what is under way."""
    option('scheduler_workers', 1)
    full = (0, 1, 2, 3, 4, 5)
    found = [choose([ours], rows(pinned=full)) for _ in range(4)]
    assert sorted(found) == [f'host{number}' for number in range(4)]


def test_the_best_host_comes_first_again_once_claims_have_arrived(
    option, ours
):
    option('scheduler_workers', 1)
    before = choose([ours], rows(pinned=(0, 1)))
    states = rows(pinned=(0, 1))
    index = [state.host for state in states].index(before)
    states[index] = make_host_state(
        make_host(
            make_cell(cpus=8, pinned=(0, 1, 2, 3), pages=((4, 2**20),)),
            name=before,
        )
    )
    ranked([ours], states, make_request(PINNED))
    assert ours._choices.count() == 0


def test_servers_are_shared_out_where_others_may_leave_no_room(
    many_workers, ours
):
    first = set()
    for _ in range(10):
        weigher = NUMAFitWeigher(choices=Choices())
        full = (0, 1, 2, 3, 4, 5)
        choose([weigher], rows(20, pinned=full))
        first.add(choose([Wish('host2'), weigher], rows(20, pinned=full)))
    assert len(first) > 3


def test_nothing_is_shared_out_with_one_worker(option):
    option('scheduler_workers', 1)
    for _ in range(10):
        weigher = NUMAFitWeigher(choices=Choices())
        full = (0, 1, 2, 3, 4, 5)
        choose([Wish('host1'), weigher], rows(20, pinned=full))
        chosen = choose([Wish('host2'), weigher], rows(20, pinned=full))
        assert chosen == 'host2'


def test_nothing_is_shared_out_if_the_option_says_so(many_workers, option):
    option('fit_share_out', 0.0)
    for _ in range(10):
        weigher = NUMAFitWeigher(choices=Choices())
        full = (0, 1, 2, 3, 4, 5)
        choose([Wish('host1'), weigher], rows(20, pinned=full))
        chosen = choose([Wish('host2'), weigher], rows(20, pinned=full))
        assert chosen == 'host2'


def test_hosts_without_room_for_what_is_under_way_come_last(option, ours):
    """But they come: claims may fail, and servers go."""
    option('scheduler_workers', 1)
    full = (0, 1, 2, 3, 4, 5)
    chosen = choose([ours], rows(3, pinned=full))
    left = ranked([ours], rows(3, pinned=full), make_request(PINNED, vcpus=2))
    assert len(left) == 3
    assert left[-1].host == chosen


def test_guests_without_topology_leave_nothing_under_way(ours):
    for _ in range(3):
        first, *_ = ranked([ours], rows(), make_request())
        first.consume_from_request(make_request())
    ranked([ours], rows(), make_request(PINNED))
    assert ours._choices.count() == 0


def test_what_is_shared_out_is_told_at_debug(many_workers, ours, caplog):
    caplog.set_level('DEBUG', 'numa_sched')
    full = (0, 1, 2, 3, 4, 5)
    ranked([ours], rows(pinned=full), make_request(PINNED, vcpus=2))
    assert '0 servers of this worker are under way' in caplog.text
    assert 'shared out by up to 0%' in caplog.text
    choose([ours], rows(pinned=full))
    caplog.clear()
    ranked([ours], rows(pinned=full), make_request(PINNED, vcpus=2))
    assert '1 servers of this worker are under way' in caplog.text
    assert 'may fill 1 of the hosts' in caplog.text
    assert 'shared out by up to 90%' in caplog.text


@pytest.mark.parametrize('broken', ['_settle', '_left'])
def test_hosts_are_ranked_if_what_is_under_way_cannot_be_told(
    broken, ours, monkeypatch, caplog
):
    choose([ours], rows())

    def fail(*args):
        raise RuntimeError('no idea')

    monkeypatch.setattr(ours._choices, broken, fail)
    assert len(ranked([ours], rows(), make_request(PINNED))) == 4
    assert 'as if nothing were on its way' in caplog.text


def test_hosts_are_ranked_if_room_for_others_cannot_be_told(
    many_workers, ours, monkeypatch, caplog
):
    choose([ours], rows())

    def fail(*args):
        raise RuntimeError('no idea')

    monkeypatch.setattr(ours, '_crowds', fail)
    assert len(ranked([ours], rows(), make_request(PINNED))) == 4
    assert 'as if nothing were on its way' in caplog.text
