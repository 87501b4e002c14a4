"""What is kept of hosts between requests."""

import datetime
import gc
import logging
import weakref

import pytest
from nova import objects
from nova.scheduler import weights

from numa_sched.nova import convert
from numa_sched.nova.scheduler import views as views_module
from numa_sched.nova.scheduler.filters import NUMAFitFilter
from numa_sched.nova.scheduler.views import Views
from numa_sched.nova.scheduler.weighers import NUMAFitWeigher
from tests.builders import make_cell, make_guest, make_host
from tests.functional.scheduler.requests import (
    PINNED,
    make_host_state,
    make_request,
)

NOW = 1_800_000_000.0
LONG_AGO = datetime.datetime.fromtimestamp(NOW - 3600, datetime.UTC)
JUST_NOW = datetime.datetime.fromtimestamp(NOW - 1, datetime.UTC)


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def views(clock):
    return Views(clock)


@pytest.fixture
def conversions(monkeypatch):
    """Count how often a host state is converted."""
    counted = []
    stock = convert.host

    def counting(host_state):
        counted.append(host_state.host)
        return stock(host_state)

    monkeypatch.setattr(convert, 'host', counting)
    return counted


def row(host=None, updated=LONG_AGO, **attributes):
    """Give a fresh host state of a host, as each request gets one."""
    host = host or make_host(4, 4)
    return make_host_state(host, uuid=host.name, updated=updated, **attributes)


def test_a_host_whose_row_is_unchanged_is_converted_once(views, conversions):
    seen = [views.of(row(), views.begin()) for _ in range(3)]
    assert conversions == ['host']
    assert seen[0] is seen[1] is seen[2]


@pytest.mark.parametrize(
    'change',
    [
        {'updated': LONG_AGO + datetime.timedelta(seconds=1)},
        {'vcpus_used': 4},
        {'free_ram_mb': 17},
        {'num_instances': 1},
        {'service': {'version': 70}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_host_whose_row_has_changed_is_converted_again(
    views, conversions, change
):
    first = views.of(row(), views.begin())
    second = views.of(row(**change), views.begin())
    assert len(conversions) == 2
    assert second is not first


def test_a_row_updated_just_now_may_change_once_more_unseen(
    views, conversions
):
    before = views.of(row(updated=JUST_NOW), views.begin())
    changed = make_host(make_cell(0, pinned=(0,)), 4)
    after = views.of(row(changed, updated=JUST_NOW), views.begin())
    assert before.host.pinned == (0, 0)
    assert after.host.pinned == (1, 0)


def test_verdicts_outlive_a_second_look_at_a_host_that_is_the_same(views):
    guest = views.placer(make_guest(2), packing=False)
    first = views.of(row(updated=JUST_NOW), views.begin())
    verdict = first.verdict(guest)
    second = views.of(row(updated=JUST_NOW), views.begin())
    assert second.verdict(guest) is verdict


def test_a_row_that_has_settled_is_not_looked_at_again(
    views, clock, conversions
):
    for later in (0, 120, 240):
        clock.now = NOW + later
        views.of(row(updated=JUST_NOW), views.begin())
    assert len(conversions) == 2


def test_a_host_state_that_is_asked_about_for_long_does_not_settle(
    views, clock, conversions
):
    state = row(updated=JUST_NOW)
    for later in (0, 120, 240):
        clock.now = NOW + later
        views.of(state, views.begin())
    assert len(conversions) == 3


def test_a_row_without_a_time_is_looked_at_each_time(views, conversions):
    for _ in range(2):
        views.of(row(updated=None), views.begin())
    assert len(conversions) == 2


def test_hosts_that_nobody_asks_for_are_forgotten(views, clock):
    views.of(row(make_host(4, name='gone')), views.begin())
    clock.now += 3000
    views.of(row(make_host(4, name='here')), views.begin())
    clock.now += 1000
    views.begin()
    assert len(views) == 1


def test_the_number_of_hosts_kept_is_bounded(views, monkeypatch):
    monkeypatch.setattr(views_module, 'MAX_HOSTS', 3)
    for number in range(6):
        views.of(row(make_host(4, name=str(number))), views.begin())
    views.begin()
    assert len(views) == 3


def test_the_number_of_verdicts_kept_is_bounded(views):
    view = views.of(row(), views.begin())
    for dedicated in range(1, 9):
        guest = make_guest(dedicated)
        view.verdict(views.placer(guest, packing=False))
    assert len(view.verdicts) == views_module.MAX_VERDICTS_PER_HOST


def test_equal_guests_share_a_placer(views):
    first = views.placer(make_guest(2), packing=False)
    assert views.placer(make_guest(2), packing=False) is first
    assert views.placer(make_guest(2), packing=True) is not first
    for dedicated in range(3, 100):
        views.placer(make_guest(dedicated), packing=False)
    assert views.placer(make_guest(2), packing=False) is not first


def test_hosts_of_one_kind_share_their_layout(views):
    kind = [make_host(make_cell(0, pinned=(n,)), name=str(n)) for n in (0, 1)]
    first, second = (views.of(row(host), views.begin()) for host in kind)
    assert first.host.layout is second.host.layout
    assert first.host != second.host


def test_a_server_placed_before_in_the_same_request_is_counted():
    cell = make_cell(pages=((4, 10**6),))
    state = row(make_host(cell, name='several'))
    request = make_request(PINNED, vcpus=2)
    passed = []
    for _ in range(3):
        passed.append(NUMAFitFilter().host_passes(state, request))
        if passed[-1]:
            state.consume_from_request(request)
    assert passed == [True, True, False]


def test_a_host_with_bad_data_is_warned_of_once_for_each_change(caplog):
    def ask(**change):
        state = row(make_host(4, name='corrupt'), **change)
        state.numa_topology.cells[0].pinned_cpus = {99}
        assert not NUMAFitFilter().host_passes(state, make_request(PINNED))

    with caplog.at_level(logging.WARNING, 'numa_sched'):
        ask()
        ask()
        assert len(caplog.records) == 1
        ask(vcpus_used=1)
        assert len(caplog.records) == 2


def unset_cells(state):
    state.numa_topology = objects.NUMATopology()


def no_time(state):
    state.updated = 'yesterday'


def no_topology_at_all(state):
    state.numa_topology = object()


def never_the_same_time(state):
    state.updated = object()


def nothing_that_was_foreseen(state):
    class Broken:
        @property
        def cells(self):
            raise RuntimeError

    state.numa_topology = Broken()


@pytest.mark.parametrize(
    'spoil',
    [
        unset_cells,
        no_time,
        never_the_same_time,
        no_topology_at_all,
        nothing_that_was_foreseen,
    ],
)
def test_a_host_with_data_of_any_kind_is_warned_of_once(caplog, spoil):
    def ask():
        state = row(make_host(4, name=spoil.__name__))
        spoil(state)
        return NUMAFitFilter().host_passes(state, make_request(PINNED))

    with caplog.at_level(logging.WARNING, 'numa_sched'):
        assert [ask() for _ in range(3)] == [False] * 3
    (record,) = caplog.records
    assert f'Host {spoil.__name__}, node' in record.getMessage()
    assert 'makes no sense' in record.getMessage()


def test_a_time_that_is_none_is_shown(views):
    view = views.of(row(updated='yesterday'), views.begin())
    assert view.error == "it was updated at 'yesterday', which is no time"


def test_a_host_that_cannot_be_judged_is_warned_of_once(caplog, monkeypatch):
    def fail(*args):
        raise ValueError('none of this was foreseen')

    monkeypatch.setattr('numa_sched.nova.scheduler.views.View.verdict', fail)
    state = row(make_host(4, name='unforeseen'))
    with caplog.at_level(logging.WARNING, 'numa_sched'):
        for _ in range(3):
            assert not NUMAFitFilter().host_passes(state, make_request(PINNED))
    (record,) = caplog.records
    assert 'none of this was foreseen' in record.getMessage()


@pytest.mark.parametrize('spoil', [unset_cells, no_time])
def test_the_weigher_alone_warns_of_a_host_once(caplog, spoil):
    def weigh():
        state = row(make_host(4, name=f'weighed {spoil.__name__}'))
        spoil(state)
        weighed = [weights.WeighedHost(state, 0.0)]
        NUMAFitWeigher().weigh_objects(weighed, make_request(PINNED))

    with caplog.at_level(logging.WARNING, 'numa_sched'):
        for _ in range(3):
            weigh()
    assert len(caplog.records) == 1


def test_a_host_with_bad_data_is_not_kept_alive(views, monkeypatch):
    # Who collects log records keeps the traceback of the one at DEBUG.
    log = logging.getLogger(views_module.__name__)
    monkeypatch.setattr(log, 'disabled', True)
    state = row(make_host(4, name='corrupt'))
    state.numa_topology.cells[0].pinned_cpus = {99}
    kept = weakref.ref(state)
    view = views.of(state, views.begin())
    del state
    gc.collect()
    assert view.error
    assert kept() is None
