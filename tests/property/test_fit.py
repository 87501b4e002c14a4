"""The fit engine against brute force over Nova's own code."""

import collections
import copy
import dataclasses

from hypothesis import example, given
from hypothesis import strategies as st
from nova.conf import CONF
from nova.virt import hardware

from numa_sched import fit
from numa_sched.fit.bulk import UNDECIDED, Bulk
from numa_sched.fit.claim import Claim, predict
from numa_sched.fit.constraint import NetworkAffinity
from numa_sched.fit.pairs import Pairs
from numa_sched.topology import Guest, ThreadPolicy
from tests.builders import (
    A_DEVICE,
    make_cell,
    make_guest,
    make_guest_cell,
    make_host,
    make_pools,
)
from tests.property import brute_force, nova_objects, strategies

CRASHES = object()


def exact(host, guest, constraints=()):
    return bool(fit.matching_cells(host, guest, constraints))


@given(strategies.hosts(), strategies.guests())
def test_a_guest_fits_exactly_if_some_permutation_does(host, guest):
    assert exact(host, guest) == brute_force.fits(host, guest)


@given(strategies.real_hosts(), strategies.guests())
def test_the_same_holds_on_real_machines(host, guest):
    assert exact(host, guest) == brute_force.fits(host, guest)


@given(strategies.hosts(), strategies.guests(), st.data())
def test_the_same_holds_with_pci_devices(host, guest, data):
    pools = data.draw(strategies.device_pools(host))
    stats = nova_objects.devices(host, pools)
    requests = nova_objects.device_requests(
        data.draw(strategies.device_wishes)
    )

    def accepts(chosen):
        return stats.support_requests(requests, {}, list(chosen))

    assert exact(
        host,
        guest,
        [nova_objects.devices_near(host, guest, stats, requests, {})],
    ) == brute_force.fits(host, guest, accepts)


@given(strategies.hosts(), strategies.guests(), st.data())
def test_the_same_holds_with_devices_that_placement_has_chosen(
    host, guest, data
):
    pools = data.draw(strategies.device_pools(host))
    stats = nova_objects.devices(host, pools)
    for number, pool in enumerate(stats.pools):
        pool['rp_uuid'] = f'provider {number}'
    requests = nova_objects.device_requests(
        data.draw(strategies.device_wishes)
    )
    mapping = {'': ['root']}
    for request in requests:
        wanted = stats._filter_pools_for_spec(stats.pools, request)
        for number in range(request.count if wanted else 0):
            provider = data.draw(st.sampled_from(wanted))['rp_uuid']
            mapping[f'{request.request_id}-{number}'] = [provider]

    def accepts(chosen):
        return stats.support_requests(requests, mapping, list(chosen))

    assert exact(
        host,
        guest,
        [nova_objects.devices_near(host, guest, stats, requests, mapping)],
    ) == brute_force.fits(host, guest, accepts)


def nova_claims(host, guest, pci_stats=None):
    """Give what Nova's claim makes of the guest: a topology, None or CRASHES.

    It crashes on a host cell that has CPUs to pin but tells no cores.
    """
    wanted = nova_objects.instance_topology(guest)
    try:
        return hardware.numa_fit_instance_to_host(
            nova_objects.host_topology(host),
            wanted,
            provider_mapping=None,
            limits=nova_objects.limits(host, guest),
            pci_stats=pci_stats,
        )
    except ValueError:
        assert any(not cell.siblings for cell in host.cells)
        return CRASHES


def predicted(host, guest, **kwargs):
    return predict(
        Pairs(host, guest), [NetworkAffinity(host, guest)], **kwargs
    )


def is_right(topology, host, guest):
    """Whether a claimed topology keeps what the contract promises."""
    cells = {cell.id: cell for cell in nova_objects.host_topology(host).cells}
    limits = nova_objects.limits(host, guest)
    wanted = nova_objects.instance_topology(guest)
    for index, claimed in enumerate(topology.cells):
        cell = cells[claimed.id]
        pinned = set((claimed.cpu_pinning or {}).values())
        if len(pinned) != guest.cells[index].dedicated:
            return False
        if not pinned <= cell.free_pcpus:
            return False
        if guest.cells[index].thread_policy is ThreadPolicy.ISOLATE:
            taken = pinned | set(claimed.cpuset_reserved or ())
            if any(
                core & taken and core - cell.free_pcpus
                for core in cell.siblings
            ):
                return False
        as_claimed = copy.deepcopy(wanted.cells[index])
        as_claimed.pagesize = claimed.pagesize
        for asked in (wanted.cells[index], as_claimed):
            if not brute_force.cell_fits(
                cell, asked, limits, guest.reserved(index)
            ):
                return False
    return True


@example(
    # The thread beside the guest is that of a core which another guest has.
    make_host(make_cell(cpus=4, threads=2, legacy=True, pinned=[3])),
    make_guest(make_guest_cell(1, threads='isolate'), isolate_emulator=True),
)
@given(strategies.hosts(), strategies.guests())
def test_the_prediction_is_what_the_claim_does(host, guest):
    topology = nova_claims(host, guest)
    found = predicted(host, guest)
    if topology is CRASHES:
        return
    if isinstance(found, Claim):
        assert [cell.id for cell in topology.cells] == list(found.cell_ids)
        for cell, taken in zip(topology.cells, found.fits, strict=True):
            pinned = set((cell.cpu_pinning or {}).values())
            assert len(pinned) == taken.pinned.bit_count()
            assert len(cell.cpuset_reserved or ()) == (
                taken.reserved.bit_count()
            )
            assert (cell.pagesize or None) == taken.page_size
        assert is_right(topology, host, guest)
    else:
        assert topology is None or not is_right(topology, host, guest)


@given(strategies.hosts(), strategies.guests(), st.booleans(), st.data())
def test_the_order_of_cells_is_that_of_the_claim(host, guest, packing, data):
    pools = data.draw(strategies.device_pools(host))
    devices = collections.Counter()
    for cell, _, count in pools:
        devices[cell] += count
    host = dataclasses.replace(host, pools=make_pools(devices.items()))
    CONF.set_override(
        'packing_host_numa_cells_allocation_strategy', packing, 'compute'
    )
    try:
        topology = nova_claims(host, guest, nova_objects.devices(host, pools))
    finally:
        CONF.clear_override(
            'packing_host_numa_cells_allocation_strategy', 'compute'
        )
    found = predicted(host, guest, packing=packing)
    placed = fit.Placer(guest, packing=packing).place(host)
    if topology is CRASHES or not isinstance(found, Claim):
        assert placed is None
        return
    assert placed == found
    assert [cell.id for cell in topology.cells] == list(found.cell_ids)
    after = {cell.id: cell for cell in found.cells_after()}
    if all(cell.layout.page_sizes_kb for cell in found.cells):
        used = hardware.numa_usage_from_instance_numa(
            nova_objects.host_topology(host), topology
        )
        for cell in used.cells:
            if cell.id in after:
                expected = after[cell.id]
                assert len(cell.pinned_cpus) == expected.pinned.bit_count()
                assert cell.memory_usage == expected.memory_used_mb
                assert cell.cpu_usage == expected.shared_used
                assert (
                    tuple(pages.used for pages in cell.mempages)
                    == expected.pages_used
                )


@given(strategies.hosts(), strategies.guests(alike=True))
def test_nova_finds_what_fits_if_all_cells_are_alike(host, guest):
    topology = nova_claims(host, guest)
    if topology is not CRASHES and not guest.cells[0].page_size:
        assert bool(topology) == exact(host, guest)


@given(strategies.hosts(), strategies.guests(), st.booleans())
def test_a_placer_answers_as_the_reference_does(host, guest, packing):
    reference = fit.fit(host, guest, packing=packing)
    placed = fit.Placer(guest, packing=packing).place(host)
    if placed is None:
        assert not reference
    else:
        assert placed == reference


@given(
    strategies.hosts_of_one_layout(),
    strategies.guests(alike=True),
    st.sampled_from(((), A_DEVICE)),
    st.booleans(),
)
def test_what_is_said_of_many_hosts_at_once_is_what_is_said_of_each(
    hosts, guest, devices, packing
):
    guest = Guest(guest.cells, devices=devices)
    found = Bulk(guest, packing=packing).place(hosts)
    for host, claim in zip(hosts, found, strict=True):
        if claim is not UNDECIDED:
            reference = fit.fit(host, guest, packing=packing)
            assert claim == (reference or None)
