"""What nova-scheduler leaves of requests that find no host."""

import contextlib
import datetime
import errno
import gc
import itertools
import logging
import os
import threading
import time
import weakref

import pytest
from nova import exception, objects
from nova.scheduler import request_filter
from nova.scheduler.filters import BaseHostFilter, HostFilterHandler

from numa_sched.exceptions import SourceError
from numa_sched.fit.reasons import NoTopology
from numa_sched.history import refused, ring
from numa_sched.history.refused import Filtered, Group
from numa_sched.nova.scheduler import drops, word
from numa_sched.nova.scheduler.destination import MigrationDestinationFilter
from numa_sched.nova.scheduler.drops import Drops
from numa_sched.nova.scheduler.filters import NUMAFitFilter
from numa_sched.nova.scheduler.request_filters import live_migration_policy
from numa_sched.nova.scheduler.word import (
    NO_CANDIDATES,
    NOT_ASKED,
    Listener,
    Word,
)
from tests.builders import make_cell, make_host
from tests.functional.scheduler.requests import (
    PINNED,
    make_host_state,
    make_request,
)

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
TIMES = (LONG_AGO + datetime.timedelta(number) for number in itertools.count())


@pytest.fixture
def path(tmp_path, option):
    """The option is on."""
    path = str(tmp_path / 'refusals')
    option('refusals_file', path)
    return path


@pytest.fixture(autouse=True)
def _enabled(option):
    names = ['ComputeFilter', 'NUMAFitFilter', 'MigrationDestinationFilter']
    option('enabled_filters', names, 'filter_scheduler')


class Quiet(Word):
    """Looks at its requests only when it is told to."""

    def _start(self):
        pass


@pytest.fixture
def left():
    """What one worker leaves word of."""
    return Quiet()


def told(left, path):
    """Give what is told of all requests that are over by now."""
    left.round()
    try:
        return list(map(refused.loads, ring.lines(path)))
    except Exception:
        return []


def request(specs=PINNED, **fields):
    made = make_request(specs, **fields)
    made.flavor.name = 'pinned'
    made.project_id = 'project'
    return made


class Other(BaseHostFilter):
    """Somebody else's filter, which drops hosts by their names."""

    RUN_ON_REBUILD = True

    def __init__(self, *names):
        super().__init__()
        self.names = names

    def host_passes(self, host_state, spec_obj):
        return host_state.host not in self.names


def ask(left, spec, hosts, *, begun=True, before=(), after=(), last=True):
    """Have Nova ask filters; give the hosts left.

    :param before: the hosts that a filter before ours drops
    :param after: those that one drops between ours
    :param last: whether the second of ours is asked
    """
    if begun:
        left.begin(spec)
    filters = [
        Other(*before),
        NUMAFitFilter(left_word=left),
        Other(*after),
    ]
    if last:
        filters.append(MigrationDestinationFilter(left_word=left))
    return HostFilterHandler().get_filtered_objects(filters, hosts, spec)


@pytest.fixture(autouse=True)
def _listening(left, caplog):
    listener = Listener(left)
    for name in word.LOGGERS:
        caplog.set_level('INFO', name)
        logging.getLogger(name).addHandler(listener)
    yield
    for name in word.LOGGERS:
        logging.getLogger(name).removeHandler(listener)


def hosts(**cpus):
    return [
        make_host_state(
            make_host(make_cell(cpus=count, pages=((4, 2**20),)), name=name),
            uuid=name,
            updated=next(TIMES),
        )
        for name, count in cpus.items()
    ]


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


def log_no_candidates():
    """As Nova does where placement gives none."""
    logging.getLogger('nova.scheduler.manager').info(
        'Got no allocation candidates from the Placement API. '
        'This could be due to insufficient resources or a '
        'temporary occurrence as compute nodes start up.'
    )


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


class Several:
    """A request for several servers, one after the other."""

    def __init__(self, left, hosts):
        self.left, self.hosts = left, hosts
        self.spec = request(vcpus=2)
        self.first = self.spec.instance_uuid
        left.begin(self.spec)

    def place(self, server, **dropped):
        """Give the host that is taken, None if there is none."""
        self.spec.instance_uuid = server
        found = ask(self.left, self.spec, self.hosts, begun=False, **dropped)
        if found:
            found[0].consume_from_request(self.spec)
        return found[0] if found else None

    def alternates(self, **dropped):
        return ask(self.left, self.spec, self.hosts, begun=False, **dropped)


EVERYWHERE = ['one', 'two']


@pytest.mark.parametrize(
    'dropped',
    [{}, {'before': EVERYWHERE}, {'after': EVERYWHERE}],
    ids=['by ours', 'before ours', 'after ours'],
)
@pytest.mark.parametrize('last', [True, False], ids=['both', 'one of ours'])
def test_servers_are_not_refused_because_there_is_no_alternate(
    left, path, dropped, last
):
    several = Several(left, hosts(one=2, two=2))
    for server in (several.first, 'b'):
        assert several.place(server, last=last)
    assert several.alternates(**dropped, last=last) == []
    left.begin(request())
    assert told(left, path) == []


@pytest.mark.parametrize(
    'dropped', [{'before': EVERYWHERE}, {'after': EVERYWHERE}]
)
def test_of_several_servers_another_filter_leaves_no_host_to_one(
    left, path, dropped
):
    several = Several(left, hosts(one=4, two=4))
    assert several.place(several.first)
    assert several.place('b', **dropped) is None
    (found,) = told(left, path)
    assert (found.server, found.first) == ('b', several.first)
    assert found.why == 'Other left no host'


def test_of_several_servers_the_one_without_a_host_is_told(left, path):
    several = Several(left, hosts(one=4))
    for server in (several.first, 'b'):
        assert several.place(server)
    assert several.place('c') is None
    (found,) = told(left, path)
    assert (found.server, found.first) == ('c', several.first)
    assert found.why == 'NUMAFitFilter left no host'
    assert [each.host for each in found.hosts] == ['one']


def test_a_wish_that_is_refused_is_told(left, path, monkeypatch):
    monkeypatch.setattr(word, 'of_this_process', lambda: left)
    spec = request({'compute:live_migration_post_copy': 'perhaps'})
    with pytest.raises(exception.RequestFilterFailed) as raised:
        live_migration_policy(None, spec)
    (found,) = told(left, path)
    assert found.why.startswith('flavor key compute:live_migration_post_copy')
    assert found.why in str(raised.value)


def test_the_request_filter_is_installed_before_placement_is_asked():
    import numa_sched.nova

    stock = list(request_filter.ALL_REQUEST_FILTERS)
    try:
        numa_sched.nova.all_filters()
        assert word.begin in request_filter.ALL_REQUEST_FILTERS
    finally:
        request_filter.ALL_REQUEST_FILTERS[:] = stock


@pytest.fixture
def nova_loggers():
    """Those that are listened to, which nobody does any more afterwards."""
    loggers = list(map(logging.getLogger, word.LOGGERS))
    before = [logger.handlers[:] for logger in loggers]
    yield loggers
    for logger, handlers in zip(loggers, before, strict=True):
        logger.handlers[:] = handlers


def listeners(logger):
    return [
        each
        for each in logger.handlers
        if isinstance(each, Listener) and each._word is word.of_this_process()
    ]


def test_nova_is_listened_to_by_one_at_a_time(path, nova_loggers):
    for logger in nova_loggers:
        logger.handlers.clear()
    for _ in range(3):
        word.listen()
    assert [len(listeners(each)) for each in nova_loggers] == [1, 1]


def test_nova_is_not_listened_to_unless_the_option_is_set(nova_loggers):
    for logger in nova_loggers:
        logger.handlers.clear()
    word.listen()
    assert [len(listeners(each)) for each in nova_loggers] == [0, 0]


def test_nothing_is_noted_or_written_unless_the_option_is_set(left, tmp_path):
    spec = request(vcpus=8)
    ask(left, spec, hosts(one=4))
    log_no_candidates()
    left.round()
    assert (left._open, left._over, left._thread) == ({}, [], None)
    assert os.listdir(tmp_path) == []


def test_a_request_is_not_held_on_to(left, path):
    spec = request()
    spec.ignore_hosts = ['there']
    assert ask(left, spec, hosts(one=4, two=2))
    reference = weakref.ref(spec)
    del spec
    gc.collect()
    assert reference() is None


def test_requests_of_which_nothing_is_known_have_a_bound(
    left, path, monkeypatch
):
    monkeypatch.setattr(word, 'MAX_OPEN', 3)
    specs = [request() for _ in range(10)]
    for spec in specs:
        thread = threading.Thread(target=left.begin, args=[spec])
        thread.start()
        thread.join()
    assert len(left._open) == 3


def test_refusals_that_wait_to_be_written_have_a_bound(
    left, path, monkeypatch
):
    monkeypatch.setattr(word, 'MAX_WAITING', 3)
    specs = [request(vcpus=8) for _ in range(10)]
    for spec in specs:
        ask(left, spec, hosts(one=4))
    assert [each.server for each in told(left, path)] == [
        spec.instance_uuid for spec in specs[-3:]
    ]


def test_each_worker_has_a_file_of_its_own(left, path):
    for worker in (left, Quiet()):
        ask(worker, request(vcpus=8), hosts(one=4))
        worker.round()
    assert os.path.exists(f'{path}.0') and os.path.exists(f'{path}.1')


def test_as_many_are_kept_as_the_option_says(left, path, option):
    option('refusals_kept', 2)
    specs = [request(vcpus=8) for _ in range(11)]
    for spec in specs:
        ask(left, spec, hosts(one=4))
        found = told(left, path)
    assert 2 <= len(found) <= 4
    assert found[-1].server == specs[-1].instance_uuid


def warnings(caplog, level='WARNING'):
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelname == level and record.name == word.__name__
    ]


def refuse(left, times=1):
    for _ in range(times):
        assert not ask(left, request(vcpus=8), hosts(one=4))
        left.round()


def test_a_directory_that_is_not_there_is_warned_of_once(
    left, tmp_path, option, caplog
):
    directory = tmp_path / 'none'
    option('refusals_file', str(directory / 'refusals'))
    refuse(left, 5)
    (warning,) = warnings(caplog)
    assert 'No such file or directory' in warning
    assert '[numa_sched] refusals_file' in warning
    caplog.clear()
    directory.mkdir()
    refuse(left, 2)
    assert warnings(caplog) == []
    assert warnings(caplog, 'INFO') == [
        'Requests that find no host are written down again'
    ]
    assert len(told(left, str(directory / 'refusals'))) == 2


@pytest.mark.parametrize(
    'error',
    [
        OSError(errno.ENOSPC, 'No space left on device'),
        PermissionError(errno.EACCES, 'Permission denied'),
        RuntimeError('no idea'),
    ],
    ids=['full disk', 'no permission', 'mistake'],
)
def test_what_cannot_be_written_is_warned_of_at_each_change(
    left, path, caplog, monkeypatch, error
):
    def fail(*_):
        raise error

    monkeypatch.setattr(ring.Ring, 'add', fail)
    refuse(left, 3)
    (warning,) = warnings(caplog)
    assert str(error) in warning
    error = OSError(errno.EIO, 'Input/output error')
    refuse(left, 3)
    _, warning = warnings(caplog)
    assert 'Input/output error' in warning


@pytest.mark.parametrize('broken', ['_new_case', '_case', '_settle'])
def test_no_hook_fails_and_hosts_are_filtered_all_the_same(
    left, path, caplog, monkeypatch, broken
):
    def fail(*_, **__):
        raise RuntimeError('no idea')

    monkeypatch.setattr(left, broken, fail)
    assert len(ask(left, request(vcpus=4), hosts(one=4, two=2))) == 1
    assert not ask(left, request(vcpus=8), hosts(one=4))
    left.refused(request(), 'x')
    (warning,) = warnings(caplog)
    assert 'no idea' in warning


def test_a_request_of_which_nothing_is_known_harms_nobody(left, path, caplog):
    left.begin(objects.RequestSpec())
    left.round()
    assert len(warnings(caplog)) == 1


def test_what_cannot_be_told_of_one_request_is_told_of_the_next(
    left, path, caplog
):
    bad = request(vcpus=8)
    del bad.flavor._obj_vcpus
    spec = request(vcpus=8)
    left.refused(bad, 'x')
    ask(left, spec, hosts(one=4))
    (found,) = told(left, path)
    assert found.server == spec.instance_uuid
    assert len(warnings(caplog)) == 1


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


@pytest.fixture
def working():
    """A worker whose thread looks at its requests by itself."""
    worker = Word()
    yield worker
    worker._thread = None


def wait_for_lines(path, count):
    """Wait until so many refusals are told."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(SourceError):
            if len(list(ring.lines(path))) >= count:
                return
        time.sleep(0.05)
    raise AssertionError('there are fewer')


def test_one_thread_writes(path, working):
    ask(working, request(vcpus=8), hosts(one=4))
    wait_for_lines(path, 1)
    thread = working._thread
    working.refused(request(), 'x')
    wait_for_lines(path, 2)
    assert working._thread is thread


def test_it_begins_again_where_it_did_not_survive_a_fork(path, working):
    working._thread = threading.Thread()
    ask(working, request(vcpus=8), hosts(one=4))
    wait_for_lines(path, 1)


def test_no_request_waits_for_a_disk_that_hangs(path, working, monkeypatch):
    hangs = threading.Event()
    monkeypatch.setattr(ring.Ring, 'add', lambda self, line: hangs.wait(30))
    ask(working, request(vcpus=8), hosts(one=4))
    time.sleep(2 * word.ROUND_S)
    began = time.monotonic()
    for _ in range(10):
        ask(working, request(vcpus=8), hosts(one=4))
    assert time.monotonic() - began < 5
    hangs.set()
