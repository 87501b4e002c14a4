"""Topologies that nobody has looked at, and what becomes of them then."""

import copy
import json
import logging
import pickle
import threading
import time

import pytest
from nova import objects
from nova.objects import base, numa
from nova.scheduler import host_manager
from oslo_serialization import jsonutils

from numa_sched.nova import all_filters, convert, unread
from numa_sched.nova.scheduler.filters import NUMAFitFilter
from numa_sched.nova.scheduler.views import Views
from tests import restore
from tests.builders import make_cell, make_host
from tests.functional.scheduler.requests import PINNED, make_request

pytestmark = pytest.mark.newest
HOST = make_host(
    make_cell(cpus=4, threads=2, pinned=(1,), pages=((4, 2**20), (2048, 7))),
    make_cell(1, cpus=2, pages=((4, 2**20),), physnets=frozenset({'one'})),
)
TEXT = restore.host_topology(HOST)._to_json()
METHOD = vars(numa.NUMATopology)['obj_from_db_obj']
STOCK = numa.NUMATopology.obj_from_db_obj


@pytest.fixture
def lazy():
    """Have topologies left unread."""
    assert unread.install()
    yield
    unread.uninstall()


@pytest.fixture
def made(lazy):
    return objects.NUMATopology.obj_from_db_obj(TEXT)


def compute_node(text=TEXT, **values):
    """Give the row of a host."""
    row = objects.ComputeNode(
        uuid='5d1a5b4b-4f7d-4c5a-8c62-0d6e4cf3c4d0',
        host='host',
        hypervisor_hostname='host',
        hypervisor_type='QEMU',
        hypervisor_version=8000000,
        host_ip='192.0.2.1',
        cpu_info='',
        supported_hv_specs=[],
        memory_mb=8192,
        memory_mb_used=0,
        free_ram_mb=8192,
        local_gb=100,
        local_gb_used=0,
        free_disk_gb=100,
        disk_available_least=None,
        vcpus=6,
        vcpus_used=0,
        numa_topology=text,
        stats={},
        metrics='[]',
        cpu_allocation_ratio=1.0,
        ram_allocation_ratio=1.0,
        disk_allocation_ratio=1.0,
        pci_device_pools=None,
        updated_at=None,
    )
    for name, value in values.items():
        setattr(row, name, value)
    return row


def host_state(text=TEXT, **values):
    """Give the state that Nova makes of a row."""
    state = host_manager.HostState('host', 'host', 'cell')
    state.update(compute=compute_node(text, **values))
    state.allocation_candidates = [{'allocations': {}, 'mappings': {}}]
    return state


def is_unread(topology):
    return unread.text_of(topology) is not None


def graph(thing):
    """Give all that an object holds, at any depth, with whose each is."""
    if isinstance(thing, base.NovaObject):
        there = vars(thing)  # which has it read, before its class is asked
        held = {name: graph(each) for name, each in there.items()}
        return type(thing), held
    if isinstance(thing, list):
        return type(thing), [graph(each) for each in thing]
    return type(thing), thing


def set_cells(topology):
    topology.cells = []


def change_a_cell(topology):
    topology.cells[0].pin_cpus({2})


def add_a_cell(topology):
    topology.cells.append(objects.NUMACell(id=7))


def delete_cells(topology):
    del topology.cells
    return 'cells' in topology


def reset(topology):
    topology.obj_reset_changes(recursive=True)


def set_context(topology):
    topology._context = 'context'


def make_older(topology):
    return topology.obj_to_primitive('1.0', {'NUMATopology': '1.0'})


def serialise(topology):
    return base.NovaObjectSerializer().serialize_entity(None, [topology])


def over_the_wire(topology):
    told = jsonutils.loads(jsonutils.dumps(serialise(topology)))
    serializer = base.NovaObjectSerializer()
    return graph(serializer.deserialize_entity(None, told))


def as_a_field(topology):
    limits = objects.SchedulerLimits()
    with pytest.raises(ValueError) as raised:
        limits.numa_topology = topology
    return str(raised.value)


OPERATIONS = [
    len,
    bool,
    repr,
    str,
    dir,
    graph,
    serialise,
    over_the_wire,
    make_older,
    set_cells,
    change_a_cell,
    add_a_cell,
    delete_cells,
    reset,
    set_context,
    as_a_field,
    lambda made: made.obj_to_primitive(),
    lambda made: made._to_json(),
    lambda made: graph(copy.deepcopy(made)),
    lambda made: graph(copy.copy(made)),
    lambda made: graph(made.obj_clone()),
    lambda made: graph(pickle.loads(pickle.dumps(made))),
    lambda made: made == STOCK(TEXT),
    lambda made: STOCK(TEXT) == made,
    lambda made: made != STOCK(TEXT),
    lambda made: made == unread.Unread(TEXT),
    lambda made: made == None,  # noqa: E711
    lambda made: 'cells' in made,
    lambda made: hasattr(made, '_obj_cells'),
    lambda made: hasattr(made, 'no_such_thing'),
    lambda made: made.obj_what_changed(),
    lambda made: list(made.obj_get_changes()),
    lambda made: made.has_threads,
    lambda made: made.obj_name(),
    lambda made: made.VERSION,
    lambda made: made.__class__,
    lambda made: made.obj_attr_is_set('cells'),
    lambda made: list(made.obj_fields),
    lambda made: jsonutils.dumps(made.obj_to_primitive()),
    lambda made: isinstance(made, objects.NUMATopology),
]


@pytest.mark.parametrize('operation', OPERATIONS)
def test_whatever_is_done_to_it_is_as_with_novas_own(made, operation):
    own = STOCK(TEXT)
    assert operation(made) == operation(own)
    assert graph(made) == graph(own)


@pytest.mark.parametrize('name', sorted(dir(numa.NUMATopology)))
def test_whatever_is_asked_of_it_is_answered_by_novas_own(made, name):
    own = STOCK(TEXT)

    def ask(topology):
        try:
            return type(getattr(topology, name))
        except Exception as error:
            return type(error), str(error)

    assert ask(made) == ask(own)
    assert type(made) is numa.NUMATopology
    assert graph(made) == graph(own)


def test_what_python_asks_by_itself_is_not_answered_before_it_is_read():
    """Methods that are looked up on the class are Nova's, or ask first."""
    special = {
        name
        for each in unread.Unread.__mro__
        for name in vars(each)
        if name.startswith('__') and name.endswith('__')
    } - set(vars(object))
    own = {name for name in vars(unread.Unread) if name.startswith('__')}
    assert special - own <= {
        '__annotations__',
        '__contains__',
        '__deepcopy__',
        '__dict__',
        '__firstlineno__',
        '__len__',
        '__slotnames__',
        '__static_attributes__',
        '__weakref__',
    }


def test_its_lists_belong_to_it(made):
    assert made.cells._obj is made
    assert made.cells[0].pinned_cpus._obj is made.cells[0]


def test_nothing_of_ours_is_left_in_it(made):
    len(made)
    assert type(made) is numa.NUMATopology
    assert not [name for name in vars(made) if 'numa_sched' in name]


def test_threads_that_read_it_at_once_see_one_and_the_same(made, monkeypatch):
    begun, seen = threading.Event(), []

    def slowly(text):
        begun.set()
        time.sleep(0.1)
        return STOCK(text)

    monkeypatch.setattr(unread, '_stock', slowly)
    threads = [
        threading.Thread(target=lambda: seen.append(made.cells))
        for _ in range(4)
    ]
    threads[0].start()
    begun.wait()
    for each in threads[1:]:
        each.start()
    for each in threads:
        each.join()
    assert len(seen) == 4
    assert len(set(map(id, seen))) == 1


@pytest.mark.parametrize('text', ['', 'odd', '{}', '[]', TEXT[:-1]])
def test_a_text_that_makes_no_sense_fails_each_time_it_is_asked(lazy, text):
    topology = objects.NUMATopology.obj_from_db_obj(text)
    with pytest.raises(Exception) as own:
        STOCK(text)
    for operation in (
        len,
        bool,
        copy.deepcopy,
        lambda it: hasattr(it, 'cells'),
    ):
        with pytest.raises(type(own.value)) as raised:
            operation(topology)
        assert str(raised.value) == str(own.value)
    assert is_unread(topology)


def test_who_asks_for_an_attribute_does_not_take_an_error_for_no(
    lazy, monkeypatch
):
    def fail(text):
        raise AttributeError('corrupt')

    monkeypatch.setattr(unread, '_stock', fail)
    with pytest.raises(ValueError, match='corrupt'):
        hasattr(unread.Unread(TEXT), 'cells')


def test_subclasses_and_bytes_are_left_to_nova(lazy):
    class Another(numa.NUMATopology):
        pass

    assert type(Another.obj_from_db_obj(TEXT)) is numa.NUMATopology
    told = objects.NUMATopology.obj_from_db_obj(TEXT.encode())
    assert type(told) is numa.NUMATopology


def test_a_host_state_is_made_and_judged_without_reading(lazy):
    state = host_state()
    assert NUMAFitFilter().host_passes(state, make_request(PINNED))
    assert is_unread(state.numa_topology)
    assert is_unread(state.pci_stats.numa_topology)


def consumed(state):
    request = make_request({**PINNED, 'hw:mem_page_size': 'small'}, vcpus=2)
    request.flavor.root_gb = 1
    state.limits['numa_topology'] = objects.NUMATopologyLimits(
        cpu_allocation_ratio=1.0, ram_allocation_ratio=1.0
    )
    state.consume_from_request(request)
    return graph(state.numa_topology), request.numa_topology._to_json()


def test_a_request_is_consumed_as_with_novas_own():
    own = consumed(host_state())
    assert unread.install()
    try:
        state = host_state()
        assert is_unread(state.numa_topology)
        assert consumed(state) == own
    finally:
        unread.uninstall()


def test_two_host_states_of_one_text_do_not_share_what_is_read(lazy):
    first, second = host_state(), host_state()
    first.numa_topology.cells[0].pin_cpus({2})
    assert second.numa_topology.cells[0].pinned_cpus == {1}


@pytest.fixture
def views():
    return Views()


def seen(views, **values):
    return views.of(host_state(**values), views.begin())


def test_a_host_whose_text_is_the_same_is_read_once(lazy, views, monkeypatch):
    counted = []
    stock = convert.host
    monkeypatch.setattr(
        convert, 'host', lambda state: counted.append(1) or stock(state)
    )
    assert seen(views) is seen(views) is seen(views)
    assert len(counted) == 1


def other_text():
    told = json.loads(TEXT)
    cell = told['nova_object.data']['cells'][0]['nova_object.data']
    cell['pinned_cpus'] = [0, 1]
    return json.dumps(told)


def pools(count=1):
    return objects.PciDevicePoolList(
        objects=[
            objects.PciDevicePool(
                vendor_id='8086',
                product_id='1',
                numa_node=0,
                count=count,
                tags={},
            )
        ]
    )


@pytest.mark.parametrize(
    ('change', 'attribute', 'value'),
    [
        ({'text': other_text()}, 'pinned', (3, 0)),
        ({'cpu_allocation_ratio': 4.0}, 'cpu_allocation_ratio', 4.0),
        ({'ram_allocation_ratio': 2.0}, 'ram_allocation_ratio', 2.0),
        ({'pci_device_pools': pools()}, 'devices', ((0, 1),)),
    ],
)
def test_what_a_host_is_made_of_is_seen_to_change_at_once(
    lazy, views, change, attribute, value
):
    before = seen(views).host
    after = seen(views, **change).host
    assert getattr(before, attribute) != value
    assert getattr(after, attribute) == value


def test_a_host_whose_nova_compute_is_newer_is_read_again(lazy, views):
    states = [host_state() for _ in range(2)]
    for state, version in zip(states, (72, 73), strict=True):
        state.update(service={'version': version})
    found = [views.of(state, views.begin()).host for state in states]
    assert [each.spares_devices for each in found] == [False, True]


def test_devices_that_nova_has_taken_are_seen(lazy, views):
    state = host_state(pci_device_pools=pools(2))
    assert views.of(state, views.begin()).host.devices == ((0, 2),)
    state.pci_stats.pools[0]['count'] = 1
    assert views.of(state, views.begin()).host.devices == ((0, 1),)


def test_a_server_placed_before_in_the_same_request_is_counted(lazy):
    state = host_state()
    request = make_request(PINNED, vcpus=2)
    passed = []
    for _ in range(4):
        passed.append(NUMAFitFilter().host_passes(state, request))
        if passed[-1]:
            state.consume_from_request(request)
    own = make_request(PINNED, vcpus=2)
    assert passed == [True, True, False, False]
    assert NUMAFitFilter().host_passes(host_state(), own)


def test_a_host_whose_text_is_corrupt_is_left_out_alone(lazy, caplog):
    bad, good = host_state(TEXT[:-5]), host_state()
    bad.uuid = bad.host = 'bad'
    with caplog.at_level(logging.WARNING, 'numa_sched'):
        for _ in range(2):
            request = make_request(PINNED)
            assert list(NUMAFitFilter().filter_all([bad, good], request)) == [
                good
            ]
    (record,) = caplog.records
    assert 'Host bad, node host is left out' in record.getMessage()
    assert 'JSONDecodeError' in record.getMessage()


def test_an_older_text_is_left_to_nova(lazy, views):
    manifest = {
        'NUMATopology': '1.2',
        'NUMACell': '1.5',
        'NUMAPagesTopology': '1.0',
        'NetworkMetadata': '1.0',
    }
    told = STOCK(TEXT).obj_to_primitive('1.2', manifest)
    state = host_state(json.dumps(told))
    assert views.of(state, views.begin()).host.pages_reserved == (0, 0, 0)
    assert not is_unread(state.numa_topology)


def test_a_host_without_topology_has_none(lazy, views):
    assert seen(views, text=None).host is None


def loads_filters(option, monkeypatch, **options):
    monkeypatch.setattr(
        'nova.scheduler.request_filter.ALL_REQUEST_FILTERS', []
    )
    for name, value in options.items():
        option(name, value)
    all_filters()


def is_lazy():
    return is_unread(objects.NUMATopology.obj_from_db_obj(TEXT))


def test_nothing_is_changed_unless_the_option_is_set(option, monkeypatch):
    loads_filters(option, monkeypatch)
    assert vars(numa.NUMATopology)['obj_from_db_obj'] is METHOD


def test_the_option_has_filters_of_ours_leave_them_unread(option, monkeypatch):
    try:
        loads_filters(option, monkeypatch, lazy_topologies=True)
        assert is_lazy()
    finally:
        unread.uninstall()
    assert vars(numa.NUMATopology)['obj_from_db_obj'] is METHOD


def test_a_release_that_was_not_tested_is_refused_in_one_line(
    option, monkeypatch, caplog
):
    monkeypatch.setattr('nova.version.version_string', lambda: '33.0.2')
    with caplog.at_level(logging.INFO, 'numa_sched'):
        loads_filters(option, monkeypatch, lazy_topologies=True)
    assert not is_lazy()
    (record,) = [
        each for each in caplog.records if 'lazy_topologies' in each.msg
    ]
    assert record.levelname == 'WARNING'
    assert record.getMessage().splitlines() == [
        '[numa_sched] lazy_topologies is not heeded: it was not tested with '
        'Nova 33.0.2, only with 34.'
    ]
