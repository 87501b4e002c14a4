"""NUMAFitFilter beside the filter of Nova's that it stands in for."""

import logging

import pytest
from nova.scheduler.filters.numa_topology_filter import NUMATopologyFilter
from oslo_serialization import jsonutils

from numa_sched.nova.scheduler.assess import Assessment
from numa_sched.nova.scheduler.filters import NUMAFitFilter
from numa_sched.nova.scheduler.underway import Choices
from tests.builders import GIANT_KB, make_cell, make_host
from tests.functional.scheduler.filtering import BOTH, passes
from tests.functional.scheduler.requests import (
    PINNED,
    make_host_state,
    make_request,
)


@BOTH
@pytest.mark.parametrize(
    ('specs', 'vcpus', 'passed'),
    [
        ({}, 99, True),
        (PINNED, 4, True),
        (PINNED, 5, False),
        ({**PINNED, 'hw:numa_nodes': '2'}, 8, True),
        ({**PINNED, 'hw:numa_nodes': '3'}, 3, False),
        ({**PINNED, 'hw:cpu_thread_policy': 'require'}, 2, False),
        ({**PINNED, 'hw:mem_page_size': '1GB'}, 1, False),
    ],
    ids=[
        'no topology',
        'fits',
        'too many CPUs',
        'fits on both cells',
        'too many cells',
        'threads on a host without',
        'pages on a host without',
    ],
)
def test_hosts_pass_as_they_do_in_nova(filter_class, specs, vcpus, passed):
    state = make_host_state(make_host(4, 4))
    request = make_request(specs, vcpus=vcpus, ram=3072)
    assert passes(state, request, filter_class) is passed


@BOTH
def test_a_host_without_topology_is_for_guests_without(filter_class):
    state = make_host_state(make_host(4), numa_topology=None)
    assert passes(state, make_request(), filter_class)
    assert not passes(state, make_request(PINNED), filter_class)


@BOTH
def test_the_limits_for_the_claim_are_left_behind(filter_class):
    host = make_host(4, cpu_allocation_ratio=3.0, ram_allocation_ratio=1.5)
    state = make_host_state(host)
    passes(state, make_request(PINNED, physnets=['one']), filter_class)
    limits = state.limits['numa_topology']
    assert limits.cpu_allocation_ratio == 3.0
    assert limits.ram_allocation_ratio == 1.5
    assert limits.network_metadata.physnets == {'one'}


@BOTH
def test_no_limits_are_left_for_guests_without_topology(filter_class):
    state = make_host_state(make_host(4))
    passes(state, make_request(), filter_class)
    assert state.limits == {}


@BOTH
def test_rebuild_is_not_filtered(filter_class):
    state = make_host_state(make_host(1))
    request = make_request(
        PINNED, vcpus=8, hints={'_nova_check_type': ['rebuild']}
    )
    assert passes(state, request, filter_class)
    # Ours is asked all the same, about the wishes of the image.
    assert filter_class.RUN_ON_REBUILD is (filter_class is NUMAFitFilter)


def primitive(thing):
    return jsonutils.dumps(thing.obj_to_primitive(), sort_keys=True)


@pytest.mark.parametrize(
    'specs',
    [
        {**PINNED, 'hw:mem_page_size': 'large', 'hw:numa_nodes': '2'},
        {'hw:mem_page_size': 'any'},
    ],
)
def test_neither_request_nor_host_is_changed(specs):
    cells = [
        make_cell(i, legacy=True, pages=((4, 10**6), (2048, 512)))
        for i in range(3)
    ]
    state = make_host_state(make_host(*cells))
    request = make_request(specs, vcpus=4, ram=1024)
    before = primitive(request), primitive(state.numa_topology)
    assert passes(state, request)
    assert (primitive(request), primitive(state.numa_topology)) == before


def test_one_host_is_enough_to_ask_about():
    passing = make_host_state(make_host(4))
    assert NUMAFitFilter().host_passes(passing, make_request(PINNED))
    assert not NUMAFitFilter().host_passes(
        passing, make_request(PINNED, vcpus=5)
    )


def full_of_pages(name='full'):
    return make_host_state(
        make_host(make_cell(pages=((GIANT_KB, 4, 3),)), name=name)
    )


WANTS_PAGES = {'hw:mem_page_size': '1GB'}


def our_messages(caplog, level):
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith('numa_sched') and record.levelname == level
    ]


def test_a_reason_is_logged_for_each_host_at_debug_level(caplog):
    request = make_request(WANTS_PAGES, ram=2048)
    with caplog.at_level(logging.DEBUG, 'numa_sched'):
        assert not passes(full_of_pages(), request)
    (message,) = our_messages(caplog, 'DEBUG')
    assert message.startswith('Host full, node full: server ')
    assert 'needs 2048 MiB in 1 GiB pages, 1024 MiB free' in message


def test_missing_sibling_threads_are_a_reason_of_the_whole_host(caplog):
    request = make_request({**PINNED, 'hw:cpu_thread_policy': 'require'})
    with caplog.at_level(logging.DEBUG, 'numa_sched'):
        assert not passes(make_host_state(make_host(4)), request)
    (message,) = our_messages(caplog, 'DEBUG')
    assert message.endswith('needs sibling threads, the host has none')


def test_reasons_are_logged_once_in_groups_when_no_host_is_left(caplog):
    hosts = [full_of_pages(str(number)) for number in range(3)]
    hosts += [make_host_state(make_host(make_cell(pages=((4, 9),))))]
    request = make_request(WANTS_PAGES, ram=2048)
    with caplog.at_level(logging.INFO, 'numa_sched'):
        assert list(NUMAFitFilter().filter_all(hosts, request)) == []
    assert our_messages(caplog, 'DEBUG') == []
    (message,) = our_messages(caplog, 'INFO')
    assert message.endswith(
        ': 3 hosts: not enough free 1 GiB pages on one cell; '
        '1 host: no 1 GiB pages'
    )


def test_nothing_is_explained_while_a_host_is_left(monkeypatch, caplog):
    def explain(*args):
        raise AssertionError('explained')

    monkeypatch.setattr('numa_sched.fit.Placer.explain', explain)
    hosts = [
        full_of_pages(),
        make_host_state(
            make_host(make_cell(pages=((4, 0), (GIANT_KB, 4))), name='free')
        ),
    ]
    request = make_request({**PINNED, **WANTS_PAGES}, ram=2048)
    with caplog.at_level(logging.INFO, 'numa_sched'):
        (left,) = NUMAFitFilter().filter_all(hosts, request)
    assert left.host == 'free'


def test_a_server_after_the_first_of_several_is_asked_about_afresh():
    # Nova leaves the topology that the first one got in the request.
    state = make_host_state(
        make_host(make_cell(pages=((4, 0), (2048, 1024))), name='2 MiB')
    )
    other = make_host_state(
        make_host(make_cell(pages=((4, 0), (GIANT_KB, 4))), name='1 GiB')
    )
    request = make_request({**PINNED, 'hw:mem_page_size': 'large'}, ram=1024)
    assert passes(state, request)
    state.consume_from_request(request)
    assert request.numa_topology.cells[0].pagesize == 2048
    assert passes(other, request)
    assert not passes(other, request, NUMATopologyFilter)


def test_where_all_topology_is_gone_from_the_request_it_is_still_asked_for():
    # Nova leaves none if it cannot fit the server before on its host.
    request = make_request(PINNED, vcpus=5)
    request.numa_topology = None
    state = make_host_state(make_host(4))
    assert not passes(state, request)
    assert passes(state, request, NUMATopologyFilter)


def test_a_flavor_that_cannot_be_read_any_more_is_taken_from_the_request():
    request = make_request(PINNED, vcpus=5)
    request.flavor.extra_specs['hw:numa_mem.0'] = 'x'
    assert not passes(make_host_state(make_host(4)), request)
    assert passes(make_host_state(make_host(5)), request)


def test_a_request_without_image_is_no_error():
    request = make_request(PINNED, vcpus=5)
    request.image = None
    assert not passes(make_host_state(make_host(4)), request)
    assert passes(make_host_state(make_host(5)), request)


def test_the_only_host_left_is_known_to_be_under_way_to():
    """Weighers are not asked about it, as there is nothing to weigh."""
    choices = Choices()
    cell = make_cell(cpus=8, pages=((4, 2**20),))

    def ask():
        state, request = make_host_state(make_host(cell)), make_request(PINNED)
        host_filter = NUMAFitFilter(choices=choices)
        assert list(host_filter.filter_all([state], request)) == [state]
        return state, request

    state, request = ask()
    state.consume_from_request(request)
    state, request = ask()
    assessment = Assessment(request)
    views = assessment.views([state])
    (view,) = choices.expected(request.instance_uuid, [state], views).views
    assert view.host.cells[0].pinned.bit_count() == 1


def test_one_of_several_hosts_is_left_to_the_weigher():
    choices = Choices()
    cell = make_cell(cpus=8, pages=((4, 2**20),))
    states = [make_host_state(make_host(cell, name=name)) for name in 'ab']
    request = make_request(PINNED)
    assert len(
        list(NUMAFitFilter(choices=choices).filter_all(states, request))
    )
    states[0].consume_from_request(request)
    choices.expected('another', [], [])
    assert choices.count() == 0


def test_a_host_passes_if_its_choice_cannot_be_noted():
    class Broken(Choices):
        def watch(self, server, hosts):
            raise RuntimeError('no idea')

    host_filter = NUMAFitFilter(choices=Broken())
    state = make_host_state(make_host(4))
    assert list(host_filter.filter_all([state], make_request(PINNED))) == [
        state
    ]
