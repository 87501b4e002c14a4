"""MigrationDestinationFilter on host states, where a cloud cannot go."""

import logging

import pytest
from nova import context as nova_context
from nova import objects
from nova.compute import task_states
from oslo_serialization import jsonutils

from numa_sched.nova import nodes
from numa_sched.nova.scheduler import destination, source
from numa_sched.nova.scheduler.filters import MigrationDestinationFilter
from tests.builders import GIANT_KB, HUGE_KB, make_cell, make_host
from tests.functional.scheduler.requests import (
    PINNED,
    make_host_state,
    make_request,
)

KVM = [['x86_64', 'kvm', 'hvm'], ['x86_64', 'qemu', 'hvm']]
LARGE = {**PINNED, 'hw:mem_page_size': 'large'}


def cpu_info(*features, **fields):
    return jsonutils.dumps(
        {
            'arch': 'x86_64',
            'vendor': 'Intel',
            'model': 'Broadwell',
            'features': ['fpu', *features],
            **fields,
        }
    )


def make_state(name='host', *, service=74, pools=(), pages=(), **attributes):
    """Give a host state like the source, but for what is told."""
    state = make_host_state(
        make_host(
            make_cell(0, pages=((4, 10**6), *pages)),
            make_cell(1, pages=((4, 10**6), (HUGE_KB, 1024))),
            name=name,
        ),
        pools=pools,
        hypervisor_type='QEMU',
        hypervisor_version=8002000,
        cpu_info=cpu_info(),
        supported_instances=KVM,
    )
    state.service = {'version': service}
    for attribute, value in attributes.items():
        setattr(state, attribute, value)
    return state


@pytest.fixture
def migrating(monkeypatch):
    """Give a function that makes a request, and the records it reads."""

    def make(
        extra_specs=PINNED,
        *,
        state=task_states.MIGRATING,
        page_size=None,
        features=(),
        vcpu_model=None,
        image=None,
        **fields,
    ):
        request = make_request(extra_specs, **fields)
        if image:
            request.image.properties = objects.ImageMetaProps(**image)
        request.ignore_hosts = ['source']
        request.requested_destination = objects.Destination(
            cell=objects.CellMapping(uuid=request.instance_uuid)
        )
        topology = request.numa_topology
        if topology:
            topology = topology.obj_clone()
            topology.cells[0].pagesize = page_size
        instance = objects.Instance(
            uuid=request.instance_uuid,
            host='source',
            task_state=state,
            numa_topology=topology,
            vcpu_model=vcpu_model,
        )
        node = objects.ComputeNode(
            hypervisor_type='QEMU',
            hypervisor_version=8002000,
            cpu_info=cpu_info(*features),
        )
        monkeypatch.setattr(source, 'instance', lambda *args: instance)
        monkeypatch.setattr(destination, '_source_node', lambda *args: node)
        return request

    return make


def passes(host_state, request):
    return MigrationDestinationFilter().host_passes(host_state, request)


def test_a_host_like_the_source_passes(migrating):
    assert passes(make_state(), migrating())


def test_a_service_too_old_for_a_claim_is_left_out(migrating):
    assert not passes(make_state(service=39), migrating())
    assert passes(make_state(service=39), migrating({}))


def test_a_host_of_another_architecture_is_left_out(migrating):
    state = make_state(cpu_info=cpu_info(arch='aarch64'))
    assert not passes(state, migrating())


def test_a_guest_whose_architecture_is_emulated_is_not(migrating):
    state = make_state(cpu_info=cpu_info(arch='aarch64'))
    request = migrating(image={'hw_emulation_architecture': 'aarch64'})
    assert passes(state, request)


def test_a_host_without_kvm_compares_no_cpus(migrating):
    state = make_state(
        cpu_info=cpu_info(vendor='AMD'), supported_instances=KVM[1:]
    )
    assert passes(state, migrating())
    state.supported_instances = None
    assert passes(state, migrating())
    state.supported_instances = KVM
    assert not passes(state, migrating())


def test_a_guest_with_a_cpu_of_its_own_needs_what_it_was_given(migrating):
    model = objects.VirtCPUModel(
        model='Broadwell',
        features=[
            objects.VirtCPUFeature(name=name, policy=policy)
            for name, policy in (('aes', 'require'), ('avx2', 'disable'))
        ],
    )
    request = migrating(features=['aes', 'avx2'], vcpu_model=model)
    assert passes(make_state(cpu_info=cpu_info('aes')), request)
    assert not passes(make_state(cpu_info=cpu_info('avx2')), request)


def warnings(caplog):
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith('numa_sched')
        and record.levelno == logging.WARNING
    ]


def test_a_host_that_has_not_reported_yet_passes(migrating, caplog):
    state = make_state(
        hypervisor_type=None,
        hypervisor_version=None,
        cpu_info=None,
        supported_instances=None,
    )
    del state.service
    assert passes(state, migrating())
    assert warnings(caplog) == []


@pytest.mark.parametrize(
    'state', [None, task_states.RESIZE_PREP, task_states.REBUILDING]
)
def test_other_moves_pass_all_hosts(migrating, state):
    assert passes(make_state(service=39), migrating(state=state))


@pytest.fixture
def reads_nothing(monkeypatch):
    """Give a function that forbids to read from then on."""

    def read(*args):
        raise AssertionError('read')

    def forbid():
        monkeypatch.setattr(source, 'instance', read)
        monkeypatch.setattr(destination, 'LOG', None)

    return forbid


def test_a_request_that_leaves_no_host_out_reads_nothing(
    migrating, reads_nothing
):
    request = migrating()
    reads_nothing()
    request.ignore_hosts = []
    assert passes(make_state(service=39), request)


@pytest.mark.parametrize('hint', [None, {'_nova_check_type': ['rebuild']}])
def test_a_server_that_does_not_move_reads_nothing(
    migrating, reads_nothing, hint
):
    request = migrating(hints=hint)
    reads_nothing()
    request.requested_destination = None
    assert passes(make_state(service=39), request)


def test_a_move_that_may_leave_its_cell_reads_nothing(
    migrating, reads_nothing
):
    request = migrating()
    reads_nothing()
    request.requested_destination.cell = None
    assert passes(make_state(service=39), request)


def test_where_no_host_is_left_to_look_at_nothing_is_read(
    migrating, reads_nothing
):
    request = migrating()
    reads_nothing()
    assert MigrationDestinationFilter().filter_all([], request) == []


def test_the_claim_has_to_come_to_the_pages_in_use(migrating):
    request = migrating(LARGE, page_size=HUGE_KB, ram=1024)
    assert passes(make_state(), request)
    giant = make_state(pages=((GIANT_KB, 4),))
    assert not passes(giant, request)
    assert passes(giant, migrating(LARGE, page_size=GIANT_KB, ram=1024))


@pytest.mark.parametrize(
    ('page_size', 'passed'), [(GIANT_KB, True), (HUGE_KB, False)]
)
def test_of_several_cells_the_first_one_counts(migrating, page_size, passed):
    request = migrating(
        {**LARGE, 'hw:numa_nodes': '2'},
        page_size=page_size,
        vcpus=2,
        ram=2048,
    )
    giant_first = make_state(pages=((GIANT_KB, 4),))
    assert passes(giant_first, request) is passed


def test_pages_of_a_size_asked_for_are_never_another(migrating):
    request = migrating(
        {**PINNED, 'hw:mem_page_size': '2MB'}, page_size=HUGE_KB, ram=1024
    )
    assert passes(make_state(pages=((GIANT_KB, 4),)), request)


def test_whether_a_guest_fits_is_for_other_filters_to_say(migrating):
    request = migrating(LARGE, page_size=HUGE_KB, ram=10**6)
    assert passes(make_state(), request)
    assert passes(make_state(numa_topology=None), request)


def test_without_a_claim_pages_do_not_matter(migrating, monkeypatch):
    monkeypatch.setattr(
        nodes.CONF.workarounds, 'enable_numa_live_migration', True
    )
    request = migrating(LARGE, page_size=HUGE_KB, ram=1024)
    giant = {'pages': ((GIANT_KB, 4),)}
    assert passes(make_state(service=39, **giant), request)
    assert not passes(make_state(**giant), request)


@pytest.mark.parametrize(
    ('cell', 'page_size', 'passed'),
    [(0, GIANT_KB, True), (0, HUGE_KB, False), (1, HUGE_KB, True)],
)
def test_the_claim_goes_where_the_devices_are(
    migrating, cell, page_size, passed
):
    state = make_state(pages=((GIANT_KB, 4),), pools=[(cell, '1', 1)])
    state.pci_stats.pools[0]['rp_uuid'] = 'device'
    state.allocation_candidates[0]['mappings'] = {'request-0-0': ['device']}
    request = migrating(
        LARGE, page_size=page_size, ram=1024, pci=[('1', 1, 'required')]
    )
    assert passes(state, request) is passed


def test_a_host_that_cannot_be_judged_passes_with_a_warning(migrating, caplog):
    bad = make_state('bad', supported_instances=[[]])
    old = make_state('old', service=39)
    request = migrating()
    with caplog.at_level(logging.WARNING):
        left = MigrationDestinationFilter().filter_all([bad, old], request)
    assert left == [bad]
    (warning,) = warnings(caplog)
    assert 'host bad, node bad is not checked' in warning


def test_a_topology_that_makes_no_sense_is_for_other_filters(migrating):
    request = migrating(LARGE, page_size=HUGE_KB)
    request.flavor.extra_specs['hw:numa_mem.0'] = 'x'
    request.numa_topology.cells[0].cpu_policy = None
    del request.numa_topology.cells[0]._obj_memory
    assert passes(make_state(), request)
    assert not passes(make_state(service=39), request)


def test_the_request_is_not_changed(migrating):
    request = migrating(LARGE, page_size=HUGE_KB, ram=1024)
    before = jsonutils.dumps(request.obj_to_primitive(), sort_keys=True)
    passes(make_state(), request)
    assert before == jsonutils.dumps(
        request.obj_to_primitive(), sort_keys=True
    )


def test_a_server_is_read_once_for_a_request_and_again_for_more_of_it(
    monkeypatch,
):
    read = []

    def get_by_uuid(cls, context, uuid, expected_attrs):
        read.append(uuid)
        instance = objects.Instance(uuid=uuid)
        for name in expected_attrs:
            setattr(instance, name, {} if name == 'system_metadata' else None)
        return instance

    monkeypatch.setattr(
        objects.Instance, 'get_by_uuid', classmethod(get_by_uuid)
    )
    monkeypatch.setattr(
        source,
        'in_cell',
        lambda context, request: nova_context.target_cell(context, None),
    )
    context = nova_context.get_admin_context()
    request, other = make_request(), make_request()
    for _ in range(2):
        assert source.instance(context, request).uuid == request.instance_uuid
    source.instance(context, other)
    assert read == [request.instance_uuid, other.instance_uuid]
    for _ in range(2):
        found = source.instance(context, request, 'system_metadata')
        assert found.system_metadata == {}
    assert read.count(request.instance_uuid) == 2
