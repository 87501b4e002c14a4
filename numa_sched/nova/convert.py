"""Nova's objects to values of the core."""

from nova import exception
from nova.virt import hardware

from numa_sched import cpumask
from numa_sched.exceptions import TopologyError
from numa_sched.topology import (
    CPUPolicy,
    Guest,
    GuestCell,
    Host,
    HostCell,
    Pages,
    ThreadPolicy,
)

# What reading a corrupt or half-filled versioned object raises; an unset
# field raises NotImplementedError.
BAD_DATA = (
    AttributeError,
    KeyError,
    NotImplementedError,
    OverflowError,
    TypeError,
    ValueError,
)


def host(host_state) -> Host | None:
    """Give a ``HostState`` as a value, None if it has no NUMA topology.

    :raises TopologyError: if the topology makes no sense
    """
    if not host_state.numa_topology:
        return None
    try:
        devices: dict[int | None, int] = {}
        for pool in host_state.pci_stats.pools if host_state.pci_stats else ():
            cell = pool.get('numa_node')
            devices[cell] = devices.get(cell, 0) + pool['count']
        return Host(
            name=host_state.host,
            cells=tuple(map(_host_cell, host_state.numa_topology.cells)),
            cpu_allocation_ratio=float(host_state.cpu_allocation_ratio),
            ram_allocation_ratio=float(host_state.ram_allocation_ratio),
            devices=tuple(devices.items()),
        )
    except BAD_DATA as error:
        raise TopologyError(f'{type(error).__name__}: {error}') from error


def _host_cell(cell) -> HostCell:
    networks = cell.network_metadata if 'network_metadata' in cell else None
    return HostCell(
        id=cell.id,
        socket=cell.socket if 'socket' in cell else None,
        memory_mb=cell.memory,
        memory_used_mb=cell.memory_usage,
        shared=cpumask.from_ids(cell.cpuset),
        shared_used=cell.cpu_usage,
        dedicated=cpumask.from_ids(cell.pcpuset),
        pinned=cpumask.from_ids(cell.pinned_cpus),
        siblings=tuple(map(cpumask.from_ids, cell.siblings)),
        pages=tuple(
            Pages(
                size_kb=pages.size_kb,
                total=pages.total,
                used=pages.used,
                reserved=pages.reserved if 'reserved' in pages else 0,
            )
            for pages in cell.mempages
        ),
        physnets=frozenset(networks.physnets) if networks else None,
        tunneled=bool(networks and networks.tunneled),
    )


def guest(request_spec) -> Guest | None:
    """Give what a request asks of a host, None if it has no NUMA topology.

    The topology in the request is not taken at its word: when several
    servers are created at once, Nova replaces it by that of the server that
    was placed before. Flavor and image say what is asked for, as they do for
    the claim (``nova.compute.claims.MoveClaim.numa_topology``).

    :raises TopologyError: if the topology makes no sense
    """
    topology = request_spec.numa_topology
    if not topology:
        return None
    try:
        wanted = _constraints(request_spec) or topology
        networks = (
            request_spec.network_metadata
            if 'network_metadata' in request_spec
            else None
        )
        return Guest(
            cells=tuple(map(_guest_cell, wanted.cells)),
            isolate_emulator=bool(wanted.emulator_threads_isolated),
            physnets=frozenset(
                networks.physnets
                if networks and 'physnets' in networks
                else ()
            ),
            tunneled=bool(
                networks and 'tunneled' in networks and networks.tunneled
            ),
            wants_devices=bool(pci_requests(request_spec)),
        )
    except BAD_DATA as error:
        raise TopologyError(f'{type(error).__name__}: {error}') from error


def _constraints(request_spec):
    """Give the topology that flavor and image ask for, None if none."""
    try:
        return hardware.numa_get_constraints(
            request_spec.flavor, request_spec.image
        )
    except exception.NovaException:
        # Accepted once by an older Nova; the request still has the result.
        return None


def _guest_cell(cell) -> GuestCell:
    return GuestCell(
        memory_mb=cell.memory,
        shared=len(cell.cpuset),
        dedicated=len(cell.pcpuset),
        cpu_policy=CPUPolicy(cell.cpu_policy or 'shared'),
        thread_policy=(
            ThreadPolicy(cell.cpu_thread_policy)
            if cell.cpu_thread_policy
            else None
        ),
        page_size=(cell.pagesize if 'pagesize' in cell else None) or None,
    )


def pci_requests(request_spec) -> list:
    """Give the PCI requests of a request, which may be none."""
    requests = request_spec.pci_requests
    return requests.requests if requests else []
