"""NUMAFitWeigher in the hands of Nova's weight handler."""

import pytest
from nova import objects
from nova.conf import CONF
from nova.scheduler.weights import (
    BaseHostWeigher,
    HostWeightHandler,
    WeighedHost,
    affinity,
)

from numa_sched import plugins
from numa_sched.exceptions import ConfigError
from numa_sched.history.mix import LearnedMix, pinned
from numa_sched.nova.scheduler import demand, refusals, weighers
from numa_sched.nova.scheduler.assess import Assessment
from numa_sched.nova.scheduler.underway import Choices
from numa_sched.nova.scheduler.weighers import NUMAFitWeigher
from numa_sched.score import Strategy
from tests.builders import make_cell, make_host
from tests.functional.scheduler.requests import (
    PINNED,
    make_host_state,
    make_request,
)


@pytest.fixture
def option():
    """Give a function that sets an option for the test."""
    names = []

    def override(name, value):
        names.append(name)
        CONF.set_override(name, value, group='numa_sched')

    yield override
    for name in names:
        CONF.clear_override(name, group='numa_sched')


@pytest.fixture
def pack(option):
    """Rank by ``pack``."""
    option('fit_strategy', 'pack')


def weigh(states, request):
    """Give host name to weight, in Nova's order."""
    ranked = HostWeightHandler().get_weighed_objects(
        [NUMAFitWeigher()], states, request
    )
    return {each.obj.host: each.weight for each in ranked}


def states(**cpus):
    return [
        make_host_state(make_host(count, name=name))
        for name, count in cpus.items()
    ]


def weighed(states):
    return [WeighedHost(state, 0.0) for state in states]


def in_aggregate(state, **metadata):
    state.aggregates = [
        objects.Aggregate(metadata=metadata, hosts=[state.host])
    ]
    return state


def test_hosts_are_ranked_by_the_strategy():
    ranked = weigh(states(roomy=8, tight=2, middle=4), make_request(PINNED))
    assert list(ranked) == ['tight', 'middle', 'roomy']


def test_the_best_host_gets_most_of_the_multiplier(pack):
    ranked = weigh(states(a=4, b=8), make_request(PINNED))
    assert ranked['a'] == 10.0


def test_a_host_with_half_the_best_score_gets_next_to_nothing(pack):
    ranked = weigh(states(a=4, b=8), make_request(PINNED))
    assert 0.0 < ranked['b'] < 0.1


def test_an_aggregate_may_override_the_multiplier():
    tight, roomy = states(tight=4, roomy=4)
    in_aggregate(tight, fit_weight_multiplier='0.1')
    ranked = weigh([tight, roomy], make_request(PINNED))
    assert ranked['tight'] <= 0.1
    assert ranked['roomy'] >= 7.0


def test_an_aggregate_value_that_is_no_number_is_passed_over():
    (state,) = states(a=4)
    in_aggregate(state, fit_weight_multiplier='many')
    assert NUMAFitWeigher().weight_multiplier(state) == 10.0


@pytest.mark.parametrize('value', ['nan', 'inf', '-inf', '1e10'])
def test_an_aggregate_value_out_of_range_is_passed_over_with_one_warning(
    value, caplog
):
    weighers._warn_of_multiplier.cache_clear()
    hosts = states(a=4, b=4, c=4)
    for state in hosts[:2]:
        in_aggregate(state, fit_weight_multiplier=value)
    ranked = weigh(hosts, make_request(PINNED))
    assert all(0.0 <= weight <= 10.0 for weight in ranked.values())
    assert caplog.text.count('fit_weight_multiplier in the metadata') == 1


def test_guests_without_topology_weigh_the_same_everywhere():
    hosts = states(a=2, b=8)
    hosts[0].numa_topology = None
    assert set(weigh(hosts, make_request(vcpus=4)).values()) == {0.0}


def test_the_state_after_the_claim_is_what_counts(pack):
    # Cell 1 is claimed: it has more free CPUs.
    host = make_host(make_cell(0, pinned=(0, 1, 2)), make_cell(1), name='a')
    other = make_host(make_cell(0, pinned=(0, 1)), name='b')
    ranked = weigh(
        [make_host_state(host), make_host_state(other)], make_request(PINNED)
    )
    assert list(ranked) == ['b', 'a']


def test_a_host_that_cannot_be_scored_is_ranked_last_with_a_warning(caplog):
    good, bad = states(good=8, bad=2)
    bad.numa_topology.cells[0].pinned_cpus = {999}
    assert list(weigh([bad, good], make_request(PINNED))) == ['good', 'bad']
    assert 'Host bad, node bad is ranked last' in caplog.text


class Wild(Strategy):
    """Gives what no strategy should, and only one by one."""

    def score(self, host, guest, claim):
        if host.name == 'none':
            raise ValueError('no score today')
        return {'low': -5.0, 'high': 7.0}[host.name]


@pytest.fixture
def wild(monkeypatch):
    monkeypatch.setattr(plugins, 'strategy', lambda option: Wild)


def test_weights_stay_within_the_bounds_whatever_a_strategy_says(wild):
    ranked = weigh(states(low=4, high=4), make_request(PINNED))
    assert ranked['low'] == 0.0
    assert ranked['high'] == 10.0


def test_a_strategy_that_fails_on_one_host_ranks_that_one_last(wild, caplog):
    ranked = weigh(states(none=4, high=4), make_request(PINNED))
    assert list(ranked) == ['high', 'none']
    assert 'Host none, node none is ranked last' in caplog.text


def test_a_strategy_is_made_anew_once_the_mix_has_changed():
    now = [0.0]
    learned = demand.Demand(LearnedMix(), lambda: now[0])
    weigher = NUMAFitWeigher(learned)
    before = weigher.strategy()
    for number in range(100):
        learned.saw(pinned(6), str(number))
    assert weigher.strategy() is before
    now[0] = 3600.0
    assert weigher.strategy() is not before


def test_an_unknown_strategy_is_an_error_that_names_it(option):
    option('fit_strategy', 'no-such')
    with pytest.raises(ConfigError, match=r"fit_strategy names 'no-such'"):
        NUMAFitWeigher()


def test_strategies_can_be_combined(option):
    option('fit_strategy', 'pack:1,spread:1')
    (state,) = states(a=4)
    request = make_request(PINNED)
    strategy = NUMAFitWeigher().strategy()
    assessment = Assessment(request)
    claim = assessment.verdict(state, assessment.view(state)).claim
    assert strategy.scores(assessment.guest, [claim]) == [0.5]


def test_a_bad_mix_is_an_error_at_the_start(option):
    option('fit_mix', [{'cells': '2'}])
    demand.of_this_process.cache_clear()
    try:
        with pytest.raises(ConfigError, match='fit_mix'):
            NUMAFitWeigher()
    finally:
        demand.of_this_process.cache_clear()


def test_a_host_without_topology_is_ranked_last_in_silence(caplog):
    good, bare = states(good=8, bare=2)
    bare.numa_topology = None
    assert list(weigh([bare, good], make_request(PINNED))) == ['good', 'bare']
    assert 'ranked last' not in caplog.text


def refuse(*hosts):
    """Have hosts refuse one server after the other."""
    for count in range(len(hosts) + 1):
        request = make_request()
        request.instance_uuid = 'refused'
        request.ignore_hosts = ['source', *hosts[:count]]
        assert refusals.note_refusals(None, request) is False


def test_a_host_that_has_just_refused_stands_behind_one_nearly_as_good(pack):
    hosts, request = states(tight=2, middle=3, roomy=8), make_request(PINNED)
    assert list(weigh(hosts, request)) == ['tight', 'middle', 'roomy']
    refuse('tight')
    assert list(weigh(hosts, request)) == ['middle', 'tight', 'roomy']


def test_a_penalty_is_gone_after_a_while(monkeypatch):
    hosts, request = states(tight=2, roomy=8), make_request(PINNED)
    weigher = NUMAFitWeigher()
    before = weigher.weigh_objects(weighed(hosts), request)
    refuse('tight')
    assert weigher.weigh_objects(weighed(hosts), request) != before
    memory = refusals.of_this_process()
    later = memory.clock() + 1e9
    monkeypatch.setattr(memory, 'clock', lambda: later)
    assert weigher.weigh_objects(weighed(hosts), request) == before


def test_a_guest_without_topology_is_not_ranked_by_refusals():
    refuse('a')
    assert set(weigh(states(a=2, b=8), make_request()).values()) == {0.0}


def test_a_request_without_hosts_to_ignore_is_no_refusal():
    request = make_request()
    for ignored in (None, []):
        request.ignore_hosts = ignored
        refusals.note_refusals(None, request)
    del request._obj_ignore_hosts
    refusals.note_refusals(None, request)
    assert refusals.of_this_process().trust_now()('a') == 1.0


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
