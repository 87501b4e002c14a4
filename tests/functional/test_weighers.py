"""NUMAFitWeigher in the hands of Nova's weight handler."""

import pytest
from nova import objects
from nova.conf import CONF
from nova.scheduler.weights import HostWeightHandler, WeighedHost

from numa_sched.exceptions import NumaSchedError
from numa_sched.nova import refusals, weighers
from numa_sched.nova.weighers import NUMAFitWeigher
from tests.builders import make_cell, make_host
from tests.functional.requests import PINNED, make_host_state, make_request


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


def test_scores_are_absolute_and_times_the_multiplier():
    assert weigh(states(a=4, b=8), make_request(PINNED)) == {
        'a': pytest.approx(10 * 0.25),
        'b': pytest.approx(10 * 0.125),
    }


def test_an_aggregate_may_override_the_multiplier():
    tight, roomy = states(tight=2, roomy=8)
    in_aggregate(tight, fit_weight_multiplier='0.1')
    assert weigh([tight, roomy], make_request(PINNED)) == {
        'roomy': pytest.approx(10 * 0.125),
        'tight': pytest.approx(0.1 * 0.5),
    }


def test_an_aggregate_value_that_is_no_number_is_passed_over():
    (state,) = states(a=4)
    in_aggregate(state, fit_weight_multiplier='many')
    assert NUMAFitWeigher().weight_multiplier(state) == 10.0


def test_guests_without_topology_weigh_the_same_everywhere():
    hosts = states(a=2, b=8)
    hosts[0].numa_topology = None
    assert set(weigh(hosts, make_request(vcpus=4)).values()) == {0.0}


def test_the_state_after_the_claim_is_what_counts():
    # Cell 1 is claimed: it has more free CPUs.
    host = make_host(make_cell(0, pinned=(0, 1, 2)), make_cell(1), name='a')
    other = make_host(make_cell(0, pinned=(0, 1)), name='b')
    ranked = weigh(
        [make_host_state(host), make_host_state(other)], make_request(PINNED)
    )
    assert ranked == {'b': pytest.approx(7.5), 'a': pytest.approx(2.5)}


def test_a_host_that_cannot_be_scored_is_ranked_last_with_a_warning(caplog):
    good, bad = states(good=8, bad=2)
    bad.numa_topology.cells[0].pinned_cpus = {999}
    assert list(weigh([bad, good], make_request(PINNED))) == ['good', 'bad']
    assert 'Host bad, node bad is ranked last' in caplog.text


def test_scores_stay_within_the_bounds_whatever_a_strategy_says(monkeypatch):
    class Wild:
        def score(self, host, guest, claim):
            return {'low': -5.0, 'high': 7.0}[host.name]

    monkeypatch.setattr(weighers, 'load_strategy', lambda name: Wild())
    assert weigh(states(low=4, high=4), make_request(PINNED)) == {
        'high': 10.0,
        'low': 0.0,
    }


def test_an_unknown_strategy_is_an_error_that_names_it():
    CONF.set_override('fit_strategy', 'no-such', group='numa_sched')
    try:
        with pytest.raises(NumaSchedError, match='fit_strategy = no-such'):
            NUMAFitWeigher()
    finally:
        CONF.clear_override('fit_strategy', group='numa_sched')


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


def test_a_host_that_has_just_refused_loses_a_share_of_its_score():
    refuse('tight')
    ranked = weigh(states(tight=2, middle=3, roomy=8), make_request(PINNED))
    assert ranked == {
        'middle': pytest.approx(10 / 3),
        'tight': pytest.approx(10 * 0.5 * 0.5, rel=1e-3),
        'roomy': pytest.approx(10 / 8),
    }


def test_a_kept_score_is_without_penalty(monkeypatch):
    hosts, request = states(tight=2, roomy=8), make_request(PINNED)
    weigher = NUMAFitWeigher()
    refuse('tight')
    assert weigher.weigh_objects(weighed(hosts), request) == [
        pytest.approx(0.25, rel=1e-3),
        0.125,
    ]
    later = refusals.clock() + 1e9
    monkeypatch.setattr(refusals, 'clock', lambda: later)
    assert weigher.weigh_objects(weighed(hosts), request) == [0.5, 0.125]


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
    assert refusals.trust_now()('a') == 1.0
