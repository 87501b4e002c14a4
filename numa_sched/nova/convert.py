"""Nova's objects to values of the core."""

import copy
import functools
import itertools
import operator

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
    HostLayout,
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
        # Attributes of versioned objects go through a property each, which
        # would be most of the cost; this is where they are kept.
        cells = [cell.__dict__ for cell in host_state.numa_topology.cells]
        pages = [
            page.__dict__ for cell in cells for page in cell['_obj_mempages']
        ]
        page_counts = [len(cell['_obj_mempages']) for cell in cells]
        devices: dict[int | None, int] = {}
        for pool in host_state.pci_stats.pools if host_state.pci_stats else ():
            cell = pool.get('numa_node')
            devices[cell] = devices.get(cell, 0) + pool['count']
        return Host(
            host_state.host,
            _layout(cells, pages, page_counts),
            tuple([cell['_obj_memory_usage'] for cell in cells]),
            tuple([cell['_obj_cpu_usage'] for cell in cells]),
            tuple(
                [cpumask.from_set(cell['_obj_pinned_cpus']) for cell in cells]
            ),
            _split([page['_obj_used'] for page in pages], page_counts),
            float(host_state.cpu_allocation_ratio),
            float(host_state.ram_allocation_ratio),
            tuple(devices.items()),
        )
    except BAD_DATA as error:
        raise TopologyError(f'{type(error).__name__}: {error}') from error


def _split(items, counts):
    """Give a tuple for each cell of what stands in one row for the host."""
    first = counts[0]
    if first and counts == [first] * len(counts):
        return tuple(zip(*[iter(items)] * first, strict=True))
    rest = iter(items)
    return tuple([tuple(itertools.islice(rest, count)) for count in counts])


# Layouts of the hosts seen, so that hosts of one kind share them and nothing
# is worked out or checked twice. CPUs stand apart from the rest: hosts of one
# kind have the same CPUs, but seldom the same number of small pages.
_CPUS: dict[tuple, list[tuple]] = {}
_LAYOUTS: dict[tuple, HostLayout] = {}
MAX_LAYOUTS = 100_000

_CPU_FACTS = operator.itemgetter(
    '_obj_cpuset', '_obj_pcpuset', '_obj_siblings'
)
_CELL_FACTS = operator.itemgetter('_obj_id', '_obj_memory')
_PAGE_FACTS = operator.itemgetter(
    '_obj_size_kb', '_obj_total', '_obj_reserved'
)


class _CPUs:
    """For each cell of a host: shared, dedicated, siblings, as masks.

    There is one for each kind of host, which is equal only to itself.
    """

    __slots__ = ('cells',)

    def __init__(self, cells):
        self.cells = cells


def _layout(cells, pages, page_counts) -> HostLayout:
    facts = (
        _cpus(cells),
        tuple(map(_CELL_FACTS, cells)),
        tuple(page_counts),
        _page_facts(pages),
        tuple([cell.get('_obj_socket') for cell in cells]),
        tuple(
            [_networks(cell.get('_obj_network_metadata')) for cell in cells]
        ),
    )
    layout = _LAYOUTS.get(facts)
    if layout is None:
        layout = _new_layout(*facts)
        if len(_LAYOUTS) >= MAX_LAYOUTS:
            _LAYOUTS.clear()
        _LAYOUTS[facts] = layout
    return layout


def _new_layout(cpus, facts, counts, pages, sockets, networks) -> HostLayout:
    of_size = [_pages(*pages[at : at + 3]) for at in range(0, len(pages), 3)]
    return HostLayout(
        tuple(
            CellLayout(
                id=cell_id,
                memory_mb=memory_mb,
                socket=socket,
                shared=shared,
                dedicated=dedicated,
                siblings=siblings,
                pages=of_cell,
                physnets=near[0] if near else None,
                tunneled=bool(near and near[1]),
            )
            for (
                (shared, dedicated, siblings),
                (cell_id, memory_mb),
                of_cell,
                socket,
                near,
            ) in zip(
                cpus.cells,
                facts,
                _split(of_size, list(counts)),
                sockets,
                networks,
                strict=True,
            )
        )
    )


def _cpus(cells) -> _CPUs:
    told = list(map(_CPU_FACTS, cells))
    key = len(told), *map(len, told[0])
    known = _CPUS.setdefault(key, [])
    for facts, cpus in known:
        if facts == told:
            return cpus
    cpus = _CPUs(
        tuple(
            (
                cpumask.from_set(shared),
                cpumask.from_set(dedicated),
                tuple(map(cpumask.from_set, siblings)),
            )
            for shared, dedicated, siblings in told
        )
    )
    if len(known) >= MAX_KINDS:
        known.clear()
    known.append((copy.deepcopy(told), cpus))
    return cpus


# Kinds of hosts with equally many CPUs; they are looked through one by one.
MAX_KINDS = 64


def _page_facts(pages):
    try:
        facts = list(map(_PAGE_FACTS, pages))
    except KeyError:  # an old object, without "reserved"
        facts = [_PAGE_FACTS({'_obj_reserved': 0, **page}) for page in pages]
    return tuple(itertools.chain.from_iterable(facts))


_pages = functools.lru_cache(maxsize=4096)(Pages)


def _networks(metadata):
    return metadata and (frozenset(metadata.physnets), metadata.tunneled)


def guest(request_spec) -> Guest | None:
    """Give what a request asks of a host, None if it has no NUMA topology.

    The topology in the request is not taken at its word: when several
    servers are created at once, Nova replaces it by that of the server that
    was placed before, or by none. Flavor and image say what is asked for, as
    they do for the claim (``nova.compute.claims.MoveClaim.numa_topology``).

    :raises TopologyError: if the topology makes no sense
    """
    wanted = _constraints(request_spec) or request_spec.numa_topology
    if not wanted:
        return None
    try:
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
