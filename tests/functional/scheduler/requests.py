"""Host states and requests as the scheduler hands them to its plugins."""

import uuid

from nova import objects
from nova.pci import stats as pci_stats
from nova.scheduler import host_manager
from nova.virt import hardware

from tests.builders import make_host
from tests.property import nova_objects

CANDIDATE = {'allocations': {}, 'mappings': {}}


def make_host_state(host, *, candidates=1, pools=(), **attributes):
    """Give a ``HostState`` of a host value."""
    state = host_manager.HostState(host.name, host.name, uuid.uuid4())
    state.numa_topology = nova_objects.host_topology(host)
    state.pci_stats = (
        nova_objects.devices(host, pools)
        if pools
        else pci_stats.PciDeviceStats(state.numa_topology)
    )
    state.cpu_allocation_ratio = host.cpu_allocation_ratio
    state.ram_allocation_ratio = host.ram_allocation_ratio
    state.allocation_candidates = [
        {'allocations': {str(number): {}}, 'mappings': {}}
        for number in range(candidates)
    ]
    for name, value in attributes.items():
        setattr(state, name, value)
    return state


def make_request(
    extra_specs=None, *, vcpus=1, ram=512, pci=(), hints=None, physnets=()
):
    """Give a ``RequestSpec`` for a flavor, with the topology it asks for."""
    flavor = objects.Flavor(
        vcpus=vcpus,
        memory_mb=ram,
        root_gb=1,
        ephemeral_gb=0,
        swap=0,
        extra_specs=extra_specs or {},
    )
    image = objects.ImageMeta(properties=objects.ImageMetaProps())
    spec = objects.RequestSpec(
        instance_uuid=str(uuid.uuid4()),
        flavor=flavor,
        image=image,
        numa_topology=hardware.numa_get_constraints(flavor, image),
        pci_requests=objects.InstancePCIRequests(
            requests=nova_objects.device_requests(pci)
        ),
        requested_resources=[],
        requested_destination=None,
        instance_group=None,
        scheduler_hints=hints or {},
    )
    if physnets:
        spec.network_metadata = objects.NetworkMetadata(
            physnets=set(physnets), tunneled=False
        )
    return spec


PINNED = {'hw:cpu_policy': 'dedicated'}


def states(**cpus):
    """Give host states by name and number of CPUs."""
    return [
        make_host_state(make_host(count, name=name))
        for name, count in cpus.items()
    ]
