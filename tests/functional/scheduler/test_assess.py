"""What is done for one request, and what is not done twice."""

from nova.pci import stats as pci_stats
from nova.scheduler.weights import WeighedHost

from numa_sched import fit
from numa_sched.fit import on_host
from numa_sched.nova.scheduler.filters import NUMAFitFilter
from numa_sched.nova.scheduler.views import VIEWS
from numa_sched.nova.scheduler.weighers import NUMAFitWeigher
from tests.builders import make_cell, make_host
from tests.functional.scheduler.requests import (
    PINNED,
    make_host_state,
    make_request,
)


def near_cell(number, name):
    """Give a host of four cells, of which one is near a network."""
    return make_host_state(
        make_host(
            *(
                make_cell(
                    cell,
                    shared=True,
                    physnets=frozenset(('net',) if cell == number else ()),
                )
                for cell in range(4)
            ),
            name=name,
        ),
        uuid=name,
    )


def passing(states, request):
    return [
        state.host for state in NUMAFitFilter().filter_all(states, request)
    ]


def a_request_with_a_network():
    return make_request({'hw:numa_nodes': '1'}, physnets=('net',))


def few_steps(monkeypatch):
    """Leave steps for the search on one host, and for first choices."""
    monkeypatch.setattr(on_host, 'MAX_STEPS_OF_REQUEST', 10)
    monkeypatch.setattr(on_host, 'LEAST_STEPS', 3)


def test_many_hosts_that_take_long_do_not_hold_up_a_request(monkeypatch):
    few_steps(monkeypatch)
    states = [near_cell(3, 'a'), near_cell(3, 'b'), near_cell(0, 'c')]
    assert passing(states, a_request_with_a_network()) == ['a', 'c']


def test_a_host_that_was_given_up_is_looked_at_by_the_next_request(
    monkeypatch,
):
    def passed():
        states = [near_cell(3, 'a'), near_cell(3, 'b')]
        return passing(states, a_request_with_a_network())

    with monkeypatch.context() as patch:
        few_steps(patch)
        assert passed() == ['a']
    assert passed() == ['a', 'b']


def test_a_search_that_was_given_up_is_the_reason(monkeypatch, caplog):
    few_steps(monkeypatch)
    monkeypatch.setattr(on_host, 'MAX_STEPS_OF_REQUEST', 0)
    assert not passing([near_cell(3, 'a')], a_request_with_a_network())
    assert 'by the time that the search was given up' in caplog.text


def with_devices(candidates=3):
    """Give a host state, and a request that wants a device."""
    state = make_host_state(
        make_host(4, 4), candidates=candidates, pools=[(1, '1', 1)]
    )
    return state, make_request(PINNED, vcpus=2, pci=[('1', 1, 'required')])


def test_nova_is_not_asked_which_devices_are_near(monkeypatch):
    def copies_the_host(*args):
        raise AssertionError

    monkeypatch.setattr(
        pci_stats.PciDeviceStats, 'support_requests', copies_the_host
    )
    state, request = with_devices()
    assert passing([state], request) == ['host']


def counted_trials(monkeypatch):
    """Count how often it is worked out whether a guest fits."""
    asked = []
    claim = fit.Trial.claim

    def counting(*args):
        asked.append(args)
        return claim(*args)

    monkeypatch.setattr(fit.Trial, 'claim', counting)
    return asked


def test_candidates_with_the_same_devices_are_judged_once(monkeypatch):
    asked = counted_trials(monkeypatch)
    state, request = with_devices(candidates=100)
    assert passing([state], request) == ['host']
    assert len(state.allocation_candidates) == 100
    assert len(asked) == 1


def test_what_the_filter_has_found_out_the_weigher_knows(monkeypatch):
    asked = counted_trials(monkeypatch)
    state, request = with_devices()
    left = list(NUMAFitFilter().filter_all([state], request))
    weighed = [WeighedHost(each, 0.0) for each in left]
    assert NUMAFitWeigher().weigh_objects(weighed, request)[0] > 0
    assert len(asked) == 1


def test_an_unchanged_host_is_not_worked_out_again(monkeypatch):
    asked = counted_trials(monkeypatch)
    for _ in range(2):
        state, request = with_devices()
        state.uuid = 'host'
        assert passing([state], request) == ['host']
    assert len(asked) == 1


def test_candidates_beyond_what_may_be_done_are_dropped(monkeypatch):
    steps = fit.MAX_STEPS // 2 - 10
    monkeypatch.setattr(on_host, 'STEPS_PER_CANDIDATE', steps)
    state, request = with_devices(candidates=5)
    for number, candidate in enumerate(state.allocation_candidates):
        candidate['mappings'] = {'request-0-0': [f'provider {number}']}
    state.pci_stats.pools = [
        {**state.pci_stats.pools[0], 'rp_uuid': f'provider {number}'}
        for number in range(5)
    ]
    assert passing([state], request) == ['host']
    assert len(state.allocation_candidates) == 2


def teardown_function():
    VIEWS.__init__()
