"""The cells predicted are those that a claim of the Nova here takes.

Asked of the class with which nova-compute claims: that chooses what of a host
is looked at.
"""

import dataclasses
import types
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nova import context as nova_context
from nova import exception, objects
from nova.compute import claims
from nova.objects import service
from nova.scheduler.filters.pci_passthrough_filter import PciPassthroughFilter

from numa_sched import fit
from numa_sched.nova import convert
from tests.builders import make_guest, make_host
from tests.functional.scheduler.requests import make_host_state
from tests.property import nova_objects, strategies


def claimed(state, host, guest, requests):
    """Give the topology that a claim on a host leaves.

    :raises ComputeResourcesUnavailable: if there is none
    """
    return claims.Claim(
        nova_context.get_admin_context(),
        objects.Instance(
            uuid=str(uuid.uuid4()),
            numa_topology=nova_objects.instance_topology(guest),
        ),
        host.name,
        types.SimpleNamespace(
            pci_tracker=types.SimpleNamespace(stats=state.pci_stats)
        ),
        objects.ComputeNode(numa_topology=state.numa_topology._to_json()),
        objects.InstancePCIRequests(requests=requests),
        limits={'numa_topology': nova_objects.limits(host, guest)},
    ).claimed_numa_topology


def devices_pass(state, requests):
    """Whether Nova's filter for devices finds enough of them on a host.

    It has them taken one request after the other, and so does a claim, once
    more, before it looks for cells.
    """
    spec = objects.RequestSpec(
        pci_requests=objects.InstancePCIRequests(requests=requests)
    )
    return PciPassthroughFilter().host_passes(state, spec)


# Where guests fit more than one cell most of the time, so that their order
# counts.
roomy_hosts = st.lists(st.integers(4, 8), min_size=2, max_size=4).map(
    lambda cpus: make_host(*cpus)
)
small_guests = st.lists(st.integers(1, 2), min_size=1, max_size=2).map(
    lambda dedicated: make_guest(*dedicated)
)


def assert_predicted(host, guest, wishes, pools):
    """Have a claim take the cells that are predicted, if there are any."""
    requests = nova_objects.device_requests(wishes)
    state = make_host_state(
        host, pools=pools, service={'version': service.SERVICE_VERSION}
    )
    host = convert.host(state)
    guest = dataclasses.replace(
        guest, devices=tuple(map(convert._device_request, requests))
    )
    trial = fit.Trial(host, guest)
    found = trial.claim([trial.devices_near()] if wishes else [])
    if found and not devices_pass(state, requests):
        with pytest.raises(exception.ComputeResourcesUnavailable):
            claimed(state, host, guest, requests)
    elif found:
        topology = claimed(state, host, guest, requests)
        assert [cell.id for cell in topology.cells] == list(found.cell_ids)
    return found


@given(
    roomy_hosts | strategies.hosts(),
    small_guests | strategies.guests(),
    st.just([]) | strategies.device_wishes,
    st.data(),
)
def test_the_cells_predicted_are_those_of_the_claim(host, guest, wishes, data):
    pools = data.draw(strategies.device_pools(host))
    assert_predicted(host, guest, wishes, pools)


@pytest.mark.parametrize('wishes', [[], [('1', 1, 'required')]], ids=str)
def test_a_device_at_the_first_cell_counts_as_it_does_for_the_claim(wishes):
    pools = [(0, '1', 1)]
    assert assert_predicted(make_host(4, 4), make_guest(1), wishes, pools)


def test_a_claim_that_takes_a_device_another_request_needs_is_refused():
    wishes = [(None, 2, 'required'), ('1', 2, 'preferred')]
    pools = [(0, '1', 1), (1, '1', 2), (0, '2', 1)]
    assert assert_predicted(make_host(4, 4), make_guest(1), wishes, pools)
