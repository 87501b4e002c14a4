"""Bugs of Nova 34.0.0 that we work around, shown on Nova's own code.

A test that fails here is good news: Nova has fixed the bug, and what we do
about it can go. ``doc/source/nova-bugs.rst`` has a section for each.
"""

import math
import os
import subprocess
import sys
import uuid

import pytest
from nova import exception, objects
from nova.scheduler import utils
from nova.scheduler.filters.numa_topology_filter import NUMATopologyFilter
from nova.scheduler.host_manager import HostState
from nova.virt import hardware

from numa_sched import fit
from numa_sched.nova.scheduler.filters import NUMAFitFilter
from numa_sched.score.pack import Pack
from tests.builders import (
    A_DEVICE,
    GIANT_KB,
    HUGE_KB,
    SMALL_KB,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
)
from tests.property import nova_objects

LARGE = -2


def nova_fits(host, guest, wanted=None, **devices):
    """Give what Nova makes of a guest: a fitted topology, or None."""
    return hardware.numa_fit_instance_to_host(
        nova_objects.host_topology(host),
        wanted or nova_objects.instance_topology(guest),
        provider_mapping=None,
        limits=nova_objects.limits(host, guest),
        **devices,
    )


def ids(topology):
    return [cell.id for cell in topology.cells]


def pins(topology):
    """Give the host CPUs of each cell; those of host cell N start at 64 N."""
    return [
        sorted((cell.cpu_pinning or {}).values()) for cell in topology.cells
    ]


def page_sizes(topology):
    return [cell.pagesize for cell in topology.cells]


def make_request(vcpus, memory_mb, extra_specs):
    """Give the request for a server of a flavor, as the API makes it."""
    flavor = objects.Flavor(
        vcpus=vcpus,
        memory_mb=memory_mb,
        root_gb=0,
        ephemeral_gb=0,
        swap=0,
        extra_specs=extra_specs,
    )
    image = objects.ImageMeta(properties=objects.ImageMetaProps())
    return objects.RequestSpec(
        flavor=flavor,
        image=image,
        numa_topology=hardware.numa_get_constraints(flavor, image),
        pci_requests=None,
        requested_resources=[],
        request_level_params=objects.RequestLevelParams(),
        is_bfv=False,
        instance_uuid=str(uuid.uuid4()),
    )


def make_state(host, candidates=1):
    """Give a host as the scheduler holds it."""
    state = HostState(host.name, host.name, None)
    state.numa_topology = nova_objects.host_topology(host)
    state.cpu_allocation_ratio = host.cpu_allocation_ratio
    state.ram_allocation_ratio = host.ram_allocation_ratio
    state.allocation_candidates = [{'mappings': {}}] * candidates
    return state


def passing(host_filter, states, request):
    """Give the names of the hosts that a filter leaves over."""
    return [state.host for state in host_filter.filter_all(states, request)]


def test_nova_accepts_a_guest_that_does_not_fit_and_does_not_pin_a_cell():
    host, guest = make_host(3, 3, 3, 3), make_guest(1, 1, 1, 4)
    topology = nova_fits(host, guest)
    assert [len(each) for each in pins(topology)] == [1, 1, 1, 0]
    assert 'guest cell 3 fits no host cell' in str(fit.fit(host, guest))


def test_nova_refuses_a_guest_with_unlike_cells_that_fits():
    host, guest = make_host(1, 2, 1), make_guest(1, 2)
    assert fit.matching_cells(host, guest) == (0, 1)
    assert nova_fits(host, guest) is None
    # The claim would say the same, so the host is of no use.
    assert 'would find no cells for it' in str(fit.fit(host, guest))


def test_nova_asks_all_cells_for_the_page_size_of_one_that_did_not_fit():
    few_cpus = make_cell(
        0, cpus=2, shared=True, pages=((SMALL_KB, 1000), (HUGE_KB, 512))
    )
    roomy = make_cell(
        1, cpus=4, shared=True, pages=((SMALL_KB, 1000), (GIANT_KB, 1))
    )
    guest = make_guest(
        make_guest_cell(shared=3, memory_mb=1024, page_size=LARGE)
    )
    host = make_host(few_cpus, roomy)
    assert fit.matching_cells(host, guest) == (1,)
    assert nova_fits(host, guest) is None
    assert 'would find no cells for it' in str(fit.fit(host, guest))
    # It is but a matter of the order.
    other_way_round = make_host(roomy, few_cpus)
    assert page_sizes(nova_fits(other_way_round, guest)) == [GIANT_KB]
    assert fit.fit(other_way_round, guest).cell_ids == (1,)


def near_networks():
    """Two networks, near cells 1 and 3."""
    cells = [
        make_cell(cell, cpus=1, physnets=frozenset(physnets))
        for cell, physnets in enumerate(((), ('one',), (), ('two',)))
    ]
    guest = make_guest(1, 1, physnets=frozenset(('one', 'two')))
    return make_host(*cells), guest, {}, ()


def near_devices():
    """A device in each cell, the wanted product in cells 1 and 3."""
    host = make_host(1, 1, 1, 1, devices=tuple((cell, 1) for cell in range(4)))
    stats = nova_objects.devices(
        host, [(0, '2', 1), (1, '1', 1), (2, '2', 1), (3, '1', 1)]
    )
    requests = nova_objects.device_requests([('1', 2, 'required')])
    guest = make_guest(1, 1, devices=A_DEVICE)
    return (
        host,
        guest,
        {'pci_requests': requests, 'pci_stats': stats},
        (nova_objects.devices_near(host, guest, stats, requests, {}),),
    )


@pytest.mark.parametrize('near', [near_networks, near_devices])
def test_nova_puts_a_cell_on_one_host_cell_and_pins_it_to_another(near):
    host, guest, devices, constraints = near()
    topology = nova_fits(host, guest, **devices)
    assert ids(topology) == [1, 3]
    assert pins(topology) == [[64], [2 * 64]]
    # No host can take that into account: the CPU is not one of the cell's.
    with_pages = nova_objects.host_topology(
        make_host(
            *(
                make_cell(cell, cpus=1, pages=((SMALL_KB, 1 << 20),))
                for cell in range(4)
            )
        )
    )
    with pytest.raises(exception.CPUPinningUnknown):
        hardware.numa_usage_from_instance_numa(with_pages, topology)
    assert 'leave it pinned to cell 2' in str(
        fit.fit(host, guest, constraints)
    )


def calls_during(function, *args):
    """Count the calls of Python functions while one runs."""
    calls = 0

    def count(frame, event, arg):
        nonlocal calls
        calls += event == 'call'

    sys.setprofile(count)
    try:
        function(*args)
    finally:
        sys.setprofile(None)
    return calls


def test_novas_search_goes_through_every_permutation_of_cells():
    host, guest = make_host(*[4] * 7), make_guest(5, 1, 2, 3, 4, 1)
    topology = nova_objects.host_topology(host)
    wanted = nova_objects.instance_topology(guest)
    permutations = math.perm(7, 6)
    # The first cell fits none, and Nova has noted so after 7 of them.
    assert nova_fits(host, guest) is None
    assert permutations < calls_during(
        hardware.numa_fit_instance_to_host, topology, wanted, None
    )
    assert calls_during(fit.fit, host, guest) < permutations


def test_nova_cannot_work_out_the_usage_of_a_host_that_tells_no_pages():
    host, guest = make_host(2), make_guest(1)
    topology = nova_fits(host, guest)
    assert ids(topology) == [0]
    with pytest.raises(IndexError):
        hardware.numa_usage_from_instance_numa(
            nova_objects.host_topology(host), topology
        )
    claim = fit.fit(host, guest)
    assert Pack().score(host, guest, claim) == 0.5


def test_nova_asks_for_the_second_server_what_the_first_one_got():
    huge, giant = (
        make_host(
            make_cell(pages=((SMALL_KB, 1000), (size, 1024 * 1024 // size))),
            name=name,
        )
        for name, size in (('huge', HUGE_KB), ('giant', GIANT_KB))
    )
    request = make_request(
        1, 1024, {'hw:cpu_policy': 'dedicated', 'hw:mem_page_size': 'large'}
    )
    states = [make_state(huge), make_state(giant)]
    assert passing(NUMATopologyFilter(), states, request) == ['huge', 'giant']
    states[0].consume_from_request(request)
    assert page_sizes(request.numa_topology) == [HUGE_KB]
    assert passing(NUMATopologyFilter(), states, request) == []
    states = [states[0], make_state(giant)]
    assert passing(NUMAFitFilter(), states, request) == ['giant']


def test_one_host_that_tells_no_cores_takes_the_whole_request_down():
    request = make_request(1, 512, {'hw:cpu_policy': 'dedicated'})

    def states():
        good, bad = (
            make_state(make_host(2, name=name)) for name in ('good', 'bad')
        )
        bad.numa_topology.cells[0].siblings = []
        return [bad, good]

    with pytest.raises(ValueError, match='empty'):
        passing(NUMATopologyFilter(), states(), request)
    assert passing(NUMAFitFilter(), states(), request) == ['good']


UNLIKE_CELLS = {
    'hw:cpu_policy': 'dedicated',
    'hw:numa_nodes': '2',
    'hw:numa_cpus.0': '0',
    'hw:numa_cpus.1': '1,2',
    'hw:numa_mem.0': '512',
    'hw:numa_mem.1': '512',
}


def test_nova_accepts_on_the_second_candidate_what_it_refused_on_the_first():
    request = make_request(3, 1024, UNLIKE_CELLS)
    host = make_host(1, 1)
    for candidates, left in ((1, []), (2, ['host'])):
        states = [make_state(host, candidates)]
        assert passing(NUMATopologyFilter(), states, request) == left
        states = [make_state(host, candidates)]
        assert passing(NUMAFitFilter(), states, request) == []


def test_nova_forgets_what_a_request_asks_for_if_it_finds_no_cells():
    request = make_request(3, 1024, UNLIKE_CELLS)
    state = make_state(make_host(1, 1), candidates=2)
    assert passing(NUMATopologyFilter(), [state], request) == ['host']
    # It fits only the second time it is asked, and this asks but once.
    state.consume_from_request(request)
    assert request.numa_topology is None
    # The next server of the request may go to a host with one CPU.
    one_cpu = make_state(make_host(1))
    assert passing(NUMATopologyFilter(), [one_cpu], request) == ['host']


def test_nova_does_not_pin_a_cell_of_a_server_whose_first_build_failed():
    host, guest = make_host(2, 1), make_guest(1, 2)
    instance = objects.Instance(numa_topology=nova_fits(host, guest))
    assert pins(instance.numa_topology) == [[64], [0, 1]]
    # As nova-compute does when it gives a claim back.
    instance.clear_numa_topology()
    again = nova_fits(host, guest, instance.numa_topology)
    assert pins(again) == [[64], []]
    # Ours speaks of the first claim only.
    assert fit.fit(host, guest).cell_ids == (1, 0)


def test_nova_asks_for_an_unshelved_server_what_it_had_before():
    huge, giant = (
        make_host(
            make_cell(pages=((SMALL_KB, 1000), (size, 1024 * 1024 // size)))
        )
        for size in (HUGE_KB, GIANT_KB)
    )
    guest = make_guest(make_guest_cell(1, memory_mb=1024, page_size=LARGE))
    # What nova-compute claims to unshelve is what the server has kept.
    kept = nova_fits(huge, guest)
    assert page_sizes(kept) == [HUGE_KB]
    assert nova_fits(giant, guest, kept) is None
    # A new server would do, and so ours says of this one.
    assert page_sizes(nova_fits(giant, guest)) == [GIANT_KB]
    assert fit.fit(giant, guest).cell_ids == (0,)


def test_nova_overlooks_traits_that_request_filters_ask_for():
    request = make_request(1, 512, {'trait:CUSTOM_FLAVOR': 'required'})
    request.root_required.add('CUSTOM_FILTER')
    wanted = utils.ResourceRequest.from_request_spec(request)
    assert 'root_required=CUSTOM_FILTER' in wanted.to_querystring()
    # This is what isolate_aggregates goes by.
    assert wanted.all_required_traits == {'CUSTOM_FLAVOR'}


@pytest.fixture
def run_with_plugin(tmp_path):
    """Run Python where a plugin is installed whose module is missing."""

    def run(namespace, code):
        info = tmp_path / 'broken-1.dist-info'
        info.mkdir()
        (info / 'METADATA').write_text('Name: broken\nVersion: 1\n')
        (info / 'entry_points.txt').write_text(
            f'[{namespace}]\nbroken = no_such_module:Plugin\n'
        )
        path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
        return subprocess.run(
            [sys.executable, '-W', 'ignore', '-c', code],
            env={
                **os.environ,
                'PYTHONPATH': path,
                # Where stevedore remembers what is installed.
                'XDG_CACHE_HOME': str(tmp_path / 'cache'),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_an_extra_spec_validator_that_cannot_be_loaded_stops_nova_api(
    run_with_plugin,
):
    ended = run_with_plugin(
        'nova.api.extra_spec_validators',
        'import nova.api.validation.extra_specs.validators',
    )
    assert ended.returncode == 1
    assert "No module named 'no_such_module'" in ended.stderr
    assert "'EntryPoint' object has no attribute 'module_name'" in ended.stderr


def test_a_filter_that_cannot_be_loaded_is_left_out_by_ours(run_with_plugin):
    ended = run_with_plugin(
        'numa_sched.host_filters',
        'import numa_sched.nova as ours\n'
        'print([each.__name__ for each in ours.all_filters()])',
    )
    assert ended.returncode == 0, ended.stderr
    assert 'NUMAFitFilter' in ended.stdout


def test_an_emulator_thread_is_put_beside_the_thread_of_another_guest():
    cell = make_cell(
        cpus=8, threads=2, legacy=True, pinned=(0,), pages=((4, 10**6),)
    )
    host = make_host(cell)
    wanted = make_guest_cell(1, threads='isolate')
    guest = make_guest(wanted, isolate_emulator=True)
    topology = nova_fits(host, guest)
    assert topology.cells[0].cpuset_reserved == {1}
    with pytest.raises(exception.CPUPinningInvalid):
        hardware.numa_usage_from_instance_numa(
            nova_objects.host_topology(host), topology
        )
    assert 'whose siblings are in use' in str(fit.fit(host, guest))
