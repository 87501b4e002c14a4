"""Nova's objects to values of the core."""

import copy

from nova import exception
from nova.virt import hardware

from numa_sched import cpumask
from numa_sched.exceptions import TopologyError
from numa_sched.topology import (
    CellLayout,
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


# Layouts of the cells seen, so that hosts of one kind share them, by what is
# cheap to look up. Each stands beside the facts that it was made of: comparing
# those is much faster than working out masks and checking them once more.
_LAYOUTS: dict[tuple, list[tuple[tuple, CellLayout]]] = {}
MAX_LAYOUTS = 4096


def _host_cell(cell) -> HostCell:
    # Attributes of versioned objects go through a property each, which would
    # be most of the cost of a host; this is where they are kept.
    facts = cell.__dict__
    pages = [page.__dict__ for page in facts['_obj_mempages']]
    siblings = facts['_obj_siblings']
    networks = facts.get('_obj_network_metadata')
    told = (
        facts['_obj_cpuset'],
        facts['_obj_pcpuset'],
        siblings,
        facts.get('_obj_socket'),
        [
            (page['_obj_size_kb'], page['_obj_total'], page.get('_obj_reserved'))
            for page in pages
        ],
        networks and (networks.physnets, networks.tunneled),
    )
    key = facts['_obj_id'], facts['_obj_memory'], len(siblings)
    for known, layout in _LAYOUTS.get(key, ()):
        if known == told:
            break
    else:
        layout = _new_layout(key, told)
    return HostCell(
        layout,
        facts['_obj_memory_usage'],
        facts['_obj_cpu_usage'],
        cpumask.from_set(facts['_obj_pinned_cpus']),
        tuple([page['_obj_used'] for page in pages]),
    )


def _new_layout(key, told) -> CellLayout:
    shared, dedicated, siblings, socket, pages, networks = told
    layout = CellLayout(
        id=key[0],
        memory_mb=key[1],
        socket=socket,
        shared=cpumask.from_set(shared),
        dedicated=cpumask.from_set(dedicated),
        siblings=tuple(map(cpumask.from_set, siblings)),
        pages=tuple(
            Pages(size_kb, total, reserved or 0)
            for size_kb, total, reserved in pages
        ),
        physnets=frozenset(networks[0]) if networks else None,
        tunneled=bool(networks and networks[1]),
    )
    if sum(map(len, _LAYOUTS.values())) >= MAX_LAYOUTS:
        _LAYOUTS.clear()
    _LAYOUTS.setdefault(key, []).append((copy.deepcopy(told), layout))
    return layout


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
