"""What nova-scheduler leaves of requests that find no host."""

import gc
import threading
import time

import pytest
from nova import exception, objects
from nova.scheduler.filters import HostFilterHandler

from numa_sched.fit.reasons import NoTopology
from numa_sched.history.refused import Filtered, Group
from numa_sched.nova.scheduler import drops, word
from numa_sched.nova.scheduler.drops import Drops
from numa_sched.nova.scheduler.filters import NUMAFitFilter
from numa_sched.nova.scheduler.request_filters import live_migration_policy
from numa_sched.nova.scheduler.word import (
    NO_CANDIDATES,
    NOT_ASKED,
)
from tests.builders import make_cell, make_host
from tests.functional.scheduler.requests import make_host_state
from tests.functional.scheduler.word.asking import (
    Other,
    ask,
    hosts,
    log_no_candidates,
    request,
    told,
)


def test_hosts_are_told_with_their_reasons(left, path):
    spec = request(vcpus=8)
    began = time.time()
    assert not ask(left, spec, hosts(one=4, two=6))
    (found,) = told(left, path)
    assert began - 1 < found.when < time.time() + 1
    assert found.server == found.first == spec.instance_uuid
    assert (found.project, found.flavor) == ('project', 'pinned')
    assert found.why == 'NUMAFitFilter left no host'
    assert found.wanted == (
        '8 CPUs, 512 MiB',
        '1 NUMA cell of 8 dedicated CPUs and 512 MiB',
    )
    assert found.groups == (
        Group(2, 'cells with too few dedicated CPUs', ('one', 'two')),
    )
    assert [each.why for each in found.hosts] == [
        'guest cell 0 fits no host cell: needs 8 dedicated CPUs, the cell '
        'has 4 (cell 0)',
        'guest cell 0 fits no host cell: needs 8 dedicated CPUs, the cell '
        'has 6 (cell 0)',
    ]


def test_what_other_filters_left_is_told_beside(left, path):
    spec = request(vcpus=4)
    ask(left, spec, hosts(one=4, two=2, three=4), before=['one', 'three'])
    (found,) = told(left, path)
    assert found.why == 'NUMAFitFilter left no host'
    assert found.filters == (
        Filtered('Other', 3, 1),
        Filtered('NUMAFitFilter', 1, 0),
    )
    assert [each.host for each in found.hosts] == ['two']


def test_another_filter_left_no_host_before_ours(left, path):
    ask(left, request(), hosts(one=4, two=4), before=['one', 'two'])
    (found,) = told(left, path)
    assert found.why == 'Other left no host'
    assert found.filters == (Filtered('Other', 2, 0),)
    assert found.groups == found.hosts == ()


def test_another_filter_left_no_host_after_ours(left, path):
    ask(left, request(vcpus=4), hosts(one=4, two=2), after=['one'])
    (found,) = told(left, path)
    assert found.why == 'Other left no host'
    assert [each.name for each in found.filters] == [
        'Other',
        'NUMAFitFilter',
        'Other',
    ]
    assert [each.host for each in found.hosts] == ['two']


def test_servers_without_topology_are_told_of(left, path):
    ask(left, request({}), hosts(one=4), after=['one'])
    (found,) = told(left, path)
    assert found.why == 'Other left no host'
    assert found.wanted == ('1 CPUs, 512 MiB',)


def test_nothing_is_told_where_a_host_is_left(left, path):
    spec = request()
    assert ask(left, spec, hosts(one=4))
    del spec
    gc.collect()
    assert told(left, path) == []


def test_placement_gave_no_candidates(left, path):
    spec = request(vcpus=2)
    left.begin(spec)
    # By a request filter that is asked later.
    spec.root_required.add('CUSTOM_FAST')
    spec.root_forbidden.add('CUSTOM_SLOW')
    log_no_candidates()
    (found,) = told(left, path)
    assert (found.server, found.why) == (spec.instance_uuid, NO_CANDIDATES)
    assert found.filters == found.groups == found.hosts == ()
    assert found.wanted[2:] == ('trait CUSTOM_FAST', 'no trait CUSTOM_SLOW')


def test_what_another_thread_logs_is_about_another_request(left, path):
    spec = request()
    left.begin(spec)
    thread = threading.Thread(target=log_no_candidates)
    thread.start()
    thread.join()
    assert told(left, path) == []


def test_what_is_logged_once_a_request_is_over_is_not_about_it(left, path):
    spec = request()
    ask(left, spec, hosts(one=4))
    del spec
    gc.collect()
    log_no_candidates()
    assert told(left, path) == []


def test_of_another_server_it_is_not_logged(left, path):
    """As of a rebuild, for which no request filter is asked."""
    spec = request()
    left.begin(spec)
    other = request(hints={'_nova_check_type': ['rebuild']})
    assert not HostFilterHandler().get_filtered_objects(
        [Other('a')], hosts(a=4), other
    )
    assert told(left, path) == []


def test_nothing_of_ours_was_asked(left, path):
    """Once that can be known: when the request is gone, or another begins."""
    spec = request(vcpus=2)
    server = spec.instance_uuid
    left.begin(spec)
    assert told(left, path) == []
    del spec
    gc.collect()
    (found,) = told(left, path)
    assert (found.server, found.why) == (server, NOT_ASKED)


def test_a_request_of_which_nothing_is_heard_is_given_up(
    left, path, monkeypatch
):
    spec = request()
    left.begin(spec)
    now = time.time()
    monkeypatch.setattr(time, 'time', lambda: now + word.GIVEN_UP_S - 5)
    assert told(left, path) == []
    monkeypatch.setattr(time, 'time', lambda: now + word.GIVEN_UP_S + 5)
    assert [each.why for each in told(left, path)] == [NOT_ASKED]
    assert ask(left, spec, hosts(one=4), begun=False)
    assert len(told(left, path)) == 1


def test_the_next_request_of_a_thread_ends_the_one_before(left, path):
    first, second = request(), request()
    left.begin(first)
    left.begin(second)
    (found,) = told(left, path)
    assert (found.server, found.why) == (first.instance_uuid, NOT_ASKED)


def test_a_request_that_is_refused_is_told_once(left, path):
    first = request(vcpus=8)
    ask(left, first, hosts(one=4))
    left.begin(request())
    left.begin(request())
    found = told(left, path)
    assert [each.why for each in found] == [
        'NUMAFitFilter left no host',
        NOT_ASKED,
    ]


def test_no_host_is_there_for_any_filter(left, path):
    left.begin(request())
    NUMAFitFilter(left_word=left)
    ask(left, request(), [])
    (found,) = told(left, path)[-1:]
    assert found.why == 'Other left no host'
    assert found.filters == (Filtered('Other', 0, 0),)


def test_a_topology_that_makes_no_sense_is_told(left, path):
    spec = request()
    spec.numa_topology.cells[0].memory = -1
    spec.flavor.extra_specs['hw:numa_mem.0'] = 'x'
    ask(left, spec, hosts(one=4))
    (found,) = told(left, path)
    assert found.why == (
        'the NUMA topology that it asks for makes no sense: a guest cell '
        'asks for less than nothing'
    )
    assert found.wanted[1] == (
        'NUMA cells that make no sense: a guest cell asks for less than '
        'nothing'
    )


def test_what_is_wanted_is_told(left, path):
    spec = request(vcpus=2, pci=[('1', 2, 'legacy'), ('1', 1, 'legacy')])
    spec.availability_zone = 'north'
    spec.ignore_hosts = [f'host{number}' for number in range(12)]
    spec.requested_destination = objects.Destination(host='there')
    spec.num_instances = 3
    left.refused(spec, 'x')
    (found,) = told(left, path)
    assert found.wanted[2:] == (
        'PCI devices: 3',
        'zone north',
        'host there',
        'not on host0, host1, host2, host3, host4, host5, host6, host7, '
        'host8, host9 and 2 more',
        '3 servers at once',
    )


@pytest.mark.parametrize('field', ['force_hosts', 'force_nodes'])
def test_where_hosts_are_forced_our_filters_need_not_be_asked(
    left, path, field
):
    for _ in range(2):
        spec = request()
        setattr(spec, field, ['there'])
        left.begin(spec)
    assert told(left, path) == []
    log_no_candidates()
    assert [each.why for each in told(left, path)] == [NO_CANDIDATES]


def test_without_our_filters_nobody_knows_what_came_of_it(left, path, option):
    option('enabled_filters', ['ComputeFilter'], 'filter_scheduler')
    for _ in range(2):
        left.begin(request())
    ask(left, request(), hosts(one=4), before=['one'])
    assert told(left, path) == []


def test_a_wish_that_is_refused_is_told(left, path, monkeypatch):
    monkeypatch.setattr(word, 'of_this_process', lambda: left)
    spec = request({'compute:live_migration_post_copy': 'perhaps'})
    with pytest.raises(exception.RequestFilterFailed) as raised:
        live_migration_policy(None, spec)
    (found,) = told(left, path)
    assert found.why.startswith('flavor key compute:live_migration_post_copy')
    assert found.why in str(raised.value)


def test_what_is_looked_into_and_told_has_a_bound(left, path, monkeypatch):
    monkeypatch.setattr(drops, 'MAX_EXPLAINED', 3)
    found = Drops(lambda reason: reason)
    for state in hosts(**{f'host{number}': 4 for number in range(10)}):
        found.add(state, NoTopology())
    left.filtered(request(), 'NUMAFitFilter', found, [])
    (found,) = told(left, path)
    assert [group[:2] for group in found.groups] == [
        (3, 'the host has no NUMA topology'),
        (7, 'not looked into'),
    ]


def test_reasons_are_worked_out_once():
    asked = []
    found = Drops(lambda reason: asked.append(reason) or NoTopology())
    found.add(make_host_state(make_host(make_cell())), 'why')
    assert found.reasons() == found.reasons() == [NoTopology()]
    assert asked == ['why']
