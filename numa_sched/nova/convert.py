"""Nova's objects to values of the core."""

import functools
import itertools
from collections.abc import Hashable
from typing import Any

from nova import exception
from nova.virt import hardware

from numa_sched import cpumask
from numa_sched.exceptions import TopologyError
from numa_sched.nova import columns, releases, unread
from numa_sched.topology import (
    CPUPolicy,
    DeviceAffinity,
    DeviceKind,
    DevicePool,
    DeviceRequest,
    Guest,
    GuestCell,
    Host,
    HostLayout,
    ThreadPolicy,
)
from numa_sched.topology.layouts import LayoutColumns

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
    found = _from_text(host_state)
    if found is not None:
        return found
    try:
        # Its truth is that of its cells, which may not be set.
        if not host_state.numa_topology:
            return None
        cells = host_state.numa_topology.cells
        return _host(host_state, columns.of_objects(cells))
    except BAD_DATA as error:
        raise TopologyError(f'{type(error).__name__}: {error}') from error


def _from_text(host_state) -> Host | None:
    """Give a host whose topology nobody has looked at, and does not here.

    :returns: None where Nova is to read it, which tells what is wrong, too
    """
    text = unread.text_of(host_state.numa_topology)
    if text is None:
        return None
    try:
        return _host(host_state, columns.of_text(text))
    except Exception:
        return None


def _host(host_state, told: columns.Columns) -> Host:
    pinned = cpumask.from_sets(told.pinned)
    if told.is_text:
        columns.require_sets(pinned, told.pinned)
    pci_stats = host_state.pci_stats
    return Host(
        host_state.host,
        _layout(
            _cpus(
                [told.shared, told.dedicated, told.siblings],
                is_text=told.is_text,
            ),
            told.ids,
            told.page_counts,
            told.page_sizes,
            told.sockets,
            told.networks,
        ),
        told.memory,
        told.memory_used,
        told.shared_used,
        pinned,
        told.pages_total,
        told.pages_reserved,
        told.pages_used,
        float(host_state.cpu_allocation_ratio),
        float(host_state.ram_allocation_ratio),
        tuple([_pool(pool) for pool in pci_stats.pools]) if pci_stats else (),
        releases.spares_devices(releases.service_version(host_state)),
    )


# Layouts of the hosts seen, so that hosts of one kind share them and nothing
# is worked out or checked twice. CPUs stand apart, by what is quickly told of
# them.
_CPUS: dict[tuple[Hashable, ...], list['_CPUs']] = {}
_LAYOUTS: dict[tuple[object, ...], HostLayout] = {}
MAX_LAYOUTS = 4096
# Kinds of hosts that are much alike; they are looked through one by one.
MAX_KINDS = 64

_Masks = tuple[
    tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]
]


class _CPUs:
    """Masks of shared and dedicated CPUs and cores, and cores of each cell.

    There is one for each kind of host, which is equal only to itself. Where
    the kind came again ``sets`` are what Nova told, and ``lists`` what a text
    did: comparing them is faster than making masks.
    """

    __slots__ = ('lists', 'masks', 'sets')

    def __init__(self, masks: '_Masks'):
        self.masks = masks
        self.sets: list[object] | None = None
        self.lists: list[object] | None = None


def _layout(*facts) -> HostLayout:
    layout = _LAYOUTS.get(facts)
    if layout is None:
        layout = _new_layout(*facts)
        if len(_LAYOUTS) >= MAX_LAYOUTS:
            _LAYOUTS.clear()
        _LAYOUTS[facts] = layout
    return layout


def _new_layout(
    cpus: _CPUs, ids, counts, sizes, sockets, networks
) -> HostLayout:
    return LayoutColumns(
        ids, sockets, *cpus.masks, _by_cell(counts, sizes), networks
    ).layout()


@functools.lru_cache(maxsize=256)
def _by_cell(counts, sizes):
    """Give the page sizes of each cell; the same again for the same ones."""
    rest = iter(sizes)
    return tuple([tuple(itertools.islice(rest, count)) for count in counts])


def _cpus(told, *, is_text: bool) -> _CPUs:
    """Give the CPUs of shared, dedicated and sibling sets of each cell.

    :raises UnusualError: if lists of a text are not sets
    """
    shared, dedicated, siblings = told
    key = (
        len(shared),
        len(shared[0]),
        len(dedicated[0]),
        len(siblings[0]),
        min(shared[0], default=None),
        min(dedicated[-1], default=None),
    )
    if key not in _CPUS and len(_CPUS) >= MAX_LAYOUTS:
        _CPUS.clear()
    known = _CPUS.setdefault(key, [])
    for cpus in known:
        if told == (cpus.lists if is_text else cpus.sets):
            return cpus
    cores = list(itertools.chain(*siblings))
    masks = (
        cpumask.from_sets(shared),
        cpumask.from_sets(dedicated),
        cpumask.from_cores(cores),
        tuple(map(len, siblings)),
    )
    if is_text:
        for each, sets in zip(masks, (shared, dedicated, cores), strict=False):
            columns.require_sets(each, sets)
    for cpus in known:
        if cpus.masks == masks:
            if is_text:
                cpus.lists = told
            else:
                # Plain copies: a list of Nova's refers to the cell it is of.
                cpus.sets = [
                    tuple(map(set, shared)),
                    tuple(map(set, dedicated)),
                    tuple([list(map(set, cores)) for cores in siblings]),
                ]
            return cpus
    if len(known) >= MAX_KINDS:
        known.clear()
    known.append(_CPUs(masks))
    return known[-1]


# What stands in pools and requests and does not tell a kind: where devices
# are, how many, and what only placement looks at (``PciDeviceStats``).
_NO_KIND = {
    'count',
    'devices',
    'numa_node',
    'resource_class',
    'rp_uuid',
    'rp_uuids',
    'traits',
}


def _pool(pool) -> DevicePool:
    return DevicePool(
        pool.get('numa_node'), _kind(pool), pool['count'], pool.get('rp_uuid')
    )


def _kind(properties) -> DeviceKind:
    """Give the kind that a pool has, or that an alias asks for."""
    return frozenset(
        [
            (name, _plain(value))
            for name, value in properties.items()
            if name not in _NO_KIND
        ]
    )


def _plain(value) -> Hashable:
    if isinstance(value, str):
        return value.lower()
    if isinstance(value, list):
        return frozenset(map(str, value))
    return value if value is None else str(value).lower()


def _device_request(request) -> DeviceRequest:
    affinity = DeviceAffinity.LEGACY
    if 'numa_policy' in request:
        affinity = _AFFINITIES.get(request.numa_policy, affinity)
    return DeviceRequest(
        max(request.count, 0),
        tuple(_kind(spec) for spec in request.spec),
        affinity,
    )


_AFFINITIES = {affinity.value: affinity for affinity in DeviceAffinity}


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
            cells=guest_cells(wanted),
            isolate_emulator=bool(wanted.emulator_threads_isolated),
            physnets=frozenset(
                networks.physnets
                if networks and 'physnets' in networks
                else ()
            ),
            tunneled=bool(
                networks and 'tunneled' in networks and networks.tunneled
            ),
            devices=tuple(map(_device_request, pci_requests(request_spec))),
        )
    except BAD_DATA as error:
        raise TopologyError(f'{type(error).__name__}: {error}') from error


def _constraints(request_spec):
    """Give the topology that flavor and image ask for, None if none."""
    try:
        return hardware.numa_get_constraints(
            request_spec.flavor, request_spec.image
        )
    except (exception.NovaException, *BAD_DATA):
        # Accepted once by an older Nova; the request still has the result.
        return None


def guest_cells(topology) -> tuple[GuestCell, ...]:
    """Give the cells of the NUMA topology of a request or a server.

    :raises TopologyError: if they make no sense
    """
    try:
        return tuple(map(_guest_cell, topology.cells))
    except BAD_DATA as error:
        raise TopologyError(f'{type(error).__name__}: {error}') from error


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


def pci_requests(request_spec) -> list[Any]:
    """Give the PCI requests of a request, which may be none."""
    requests = request_spec.pci_requests
    return requests.requests if requests else []
