"""A live cloud as values: databases of its cells, and placement; read only.

Hosts are read as the scheduler reads them, through ``HostState``.
"""

import dataclasses
import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence

import nova.conf
from nova import context as nova_context
from nova import objects, servicegroup
from nova.scheduler import host_manager

from numa_sched import cpumask, settings
from numa_sched.exceptions import SourceError, TopologyError
from numa_sched.fleet import (
    Aggregate,
    Flavor,
    Fleet,
    FleetHost,
    Ranking,
    Seat,
    Server,
    ServerGroup,
)
from numa_sched.history import mix
from numa_sched.nova import convert, guests, images, nodes, placement
from numa_sched.nova.weighing import Weighers

CONF = nova.conf.CONF

BATCH = 500
"""Servers read at once."""

_OF_SERVERS = [
    *('flavor', 'info_cache', 'numa_topology', 'pci_requests'),
    *('system_metadata', 'vcpu_model'),
]

Progress = Callable[[str, int, int], None]
"""Told what is read, how much of it so far, and how much there is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Listener:
    """Who is told how the reading goes on, and of what is left out."""

    progress: Progress = lambda what, done, total: None
    warn: Callable[[str], None] = lambda message: None


SILENT = Listener()


def read(listener: Listener = SILENT) -> Fleet:
    """Give the cloud that ``nova.conf`` names.

    A cell that cannot be read is left out, and the listener is told.

    :raises SourceError: if nothing can be read: no database, no placement
    :raises ConfigError: if an option of ours has a bad value
    """
    objects.register_all()
    options = settings.read(CONF)
    context = nova_context.get_admin_context()
    weighers = _weighers(listener)
    known_flavors = _Flavors()
    aggregates, groups, flavors = _of_all_cells(context, known_flavors)
    zones = {
        host: aggregate.metadata['availability_zone']
        for aggregate in aggregates
        if 'availability_zone' in aggregate.metadata
        for host in aggregate.hosts
    }
    group_of = {
        member: group.uuid for group in groups for member in group.members
    }
    hosts: list[FleetHost] = []
    servers: list[Server] = []
    for cell in _cells(context):
        found = _read_cell(
            context,
            cell,
            _Cell(
                zones, group_of, known_flavors, listener, aggregates, weighers
            ),
        )
        if found is None:
            listener.warn(
                f'cell {_named(cell)} cannot be read: it is left out'
            )
            continue
        hosts += found[0]
        servers += found[1]
    return Fleet(
        hosts=tuple(placement.known_of(hosts, listener.progress)),
        servers=tuple(servers),
        flavors=flavors,
        aggregates=aggregates,
        groups=groups,
        taken_at=datetime.datetime.now(datetime.UTC).isoformat(
            timespec='seconds'
        ),
        packing=CONF.compute.packing_host_numa_cells_allocation_strategy,
        image_wishes=options.image_wishes,
        rules=nodes.rules(),
        ranking=Ranking(
            options.fit_strategy,
            options.fit_weight_multiplier,
            tuple(mix.from_options(options.fit_mix or ())),
            weighers.known if weighers else None,
        ),
    )


def _weighers(listener: Listener) -> Weighers | None:
    try:
        return Weighers()
    except SourceError as error:
        listener.warn(f"{error}: what Nova's weighers give is left out")
        return None


def _cells(context):
    try:
        cells = objects.CellMappingList.get_all(context)
    except Exception as error:
        raise _unreadable(error) from error
    found = [cell for cell in cells if not cell.is_cell0()]
    if not found:
        raise SourceError(
            'the API database of Nova knows no cell: is it the right one?'
        )
    for cell in found:
        # Its queue is left alone, and need not be there.
        cell.transport_url = 'none://'
    return found


def _named(cell) -> str:
    return f'{cell.name} ({cell.uuid})' if cell.name else cell.uuid


def _unreadable(error: Exception) -> SourceError:
    words = ' '.join(str(error).split()) or type(error).__name__
    return SourceError(
        f'the API database of Nova ([api_database] connection in nova.conf) '
        f'cannot be read: {words[:200]}'
    )


class _Flavors:
    """Flavors as values, one for all rows that are the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Flavor] = {}

    def of(self, row) -> Flavor:
        key = (
            *(row.name, row.vcpus, row.memory_mb),
            *(row.root_gb, row.ephemeral_gb, row.swap),
            frozenset(row.extra_specs.items()),
        )
        if key not in self._known:
            self._known[key] = guests.flavor(row)
        return self._known[key]


def _of_all_cells(context, known: _Flavors):
    """Give aggregates, server groups, and flavors."""
    try:
        aggregates = objects.AggregateList.get_all(context)
        groups = objects.InstanceGroupList.get_all(context)
        flavors = objects.FlavorList.get_all(
            context, filters={'is_public': None}, sort_key='name'
        )
    except Exception as error:
        raise _unreadable(error) from error
    return (
        tuple(
            Aggregate(
                each.uuid,
                each.name,
                frozenset(each.hosts),
                dict(each.metadata),
            )
            for each in aggregates
        ),
        tuple(
            ServerGroup(
                each.uuid,
                each.name,
                each.policy or '',
                frozenset(each.members),
                int((each.rules or {}).get('max_server_per_host', 1)),
            )
            for each in groups
        ),
        tuple(map(known.of, flavors)),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Cell:
    """What is needed to read one cell."""

    zones: Mapping[str, str]
    group_of: Mapping[str, str]
    flavors: _Flavors
    listener: Listener
    aggregates: Sequence[Aggregate]
    weighers: Weighers | None


def _read_cell(context, cell, known: _Cell):
    """Give hosts and servers of a cell, None if it cannot be read."""
    # With the patience of the scheduler, which leaves it out then.
    answers = nova_context.scatter_gather_cells(
        context, [cell], nova_context.CELL_TIMEOUT, _services
    )
    services = answers[cell.uuid]
    if nova_context.is_cell_failure_sentinel(services):
        return None
    try:
        with nova_context.target_cell(context, cell) as in_cell:
            return (
                list(_hosts(in_cell, cell, services, known)),
                list(_servers(context, in_cell, list(services), known)),
            )
    except Exception as error:
        known.listener.warn(
            f'cell {_named(cell)}: {" ".join(str(error).split())[:200]}'
        )
        return None


def _services(context):
    return {
        service.host: service
        for service in objects.ServiceList.get_by_binary(
            context, 'nova-compute', include_disabled=True
        )
    }


def _hosts(context, cell, services, known: _Cell) -> Iterator[FleetHost]:
    is_up = servicegroup.API().service_is_up
    rows = objects.ComputeNodeList.get_all(context)
    known.listener.progress('hosts', 0, len(rows))
    for done, row in enumerate(rows, 1):
        service = services.get(row.host)
        # A node without a service is what is left of a host: no scheduler
        # looks at it.
        if service is not None:
            state = host_manager.HostState(
                row.host, row.hypervisor_hostname, cell.uuid
            )
            zone = known.zones.get(row.host, CONF.default_availability_zone)
            state.aggregates = [
                each for each in known.aggregates if row.host in each.hosts
            ]
            host = _host(state, row, service)
            yield dataclasses.replace(
                host,
                weighed=known.weighers.of(state)
                if known.weighers and state.uuid
                else {},
                zone=zone,
                up=bool(is_up(service)),
                disabled=(service.disabled_reason or '')
                if service.disabled
                else None,
            )
        known.listener.progress('hosts', done, len(rows))


def _host(state, row, service) -> FleetHost:
    bare = FleetHost(row.host, row.hypervisor_hostname, row.uuid)
    try:
        state.update(row, dict(service))
        if state.uuid is None:
            return dataclasses.replace(bare, error='it has not reported yet')
        return dataclasses.replace(
            bare, host=convert.host(state), node=nodes.of_state(state)
        )
    except (TopologyError, *convert.BAD_DATA) as error:
        words = f'{type(error).__name__}: {error}'
        if isinstance(error, TopologyError):
            words = str(error)
        return dataclasses.replace(bare, error=words)


def _servers(context, in_cell, hosts, known: _Cell) -> Iterator[Server]:
    total = objects.InstanceList.get_count_by_hosts(in_cell, hosts)
    done, last = 0, None
    known.listener.progress('servers', 0, total)
    while True:
        rows = objects.InstanceList.get_by_filters(
            in_cell,
            {'deleted': False},
            sort_keys=['created_at', 'id'],
            sort_dirs=['asc', 'asc'],
            limit=BATCH,
            marker=last,
            expected_attrs=_OF_SERVERS,
        )
        if not rows:
            return
        zones = _zones_asked(context, [row.uuid for row in rows])
        for row in rows:
            yield _server(row, zones.get(row.uuid), known)
        done, last = done + len(rows), rows[-1].uuid
        known.listener.progress('servers', done, max(total, done))


def _zones_asked(context, servers: Sequence[str]) -> dict[str, str]:
    """Give the availability zone that each server must stay in."""
    specs = objects.RequestSpec.get_by_instance_uuids(context, servers)
    return {
        spec.instance_uuid: spec.availability_zone
        for spec in specs
        if 'availability_zone' in spec and spec.availability_zone
    }


def _server(row, zone: str | None, known: _Cell) -> Server:
    guest = asked = error = None
    try:
        guest, asked = guests.of_server(row)
    except guests.REFUSED as refused:
        error = str(refused) or type(refused).__name__
    topology = row.numa_topology
    return Server(
        uuid=row.uuid,
        name=row.display_name or '',
        project=row.project_id,
        host=row.host,
        nodename=row.node,
        flavor=known.flavors.of(row.flavor),
        image_properties=images.properties(row),
        guest=guest,
        seats=tuple(map(seat, topology.cells))
        if topology and guest and len(topology.cells) == len(guest.cells)
        else (),
        asked=asked,
        cpu=nodes.guest_cpu(row.vcpu_model),
        emulated=nodes.is_emulated(row.image_meta),
        zone=zone,
        vm_state=row.vm_state,
        task_state=row.task_state,
        locked=bool(row.locked),
        group=known.group_of.get(row.uuid),
        ports=_ports(row),
        error=error,
    )


def _ports(row) -> tuple[tuple[str | None, str | None], ...] | None:
    """Give the ports of a server, None if Nova has not cached them."""
    if row.info_cache is None or row.info_cache.network_info is None:
        return None
    return tuple(
        (port.get('type'), port.get('vnic_type'))
        for port in row.info_cache.network_info
    )


def seat(cell) -> Seat:
    """Give what an ``InstanceNUMACell`` holds of its host."""
    pinned = set((cell.cpu_pinning or {}).values())
    if 'cpuset_reserved' in cell:
        pinned |= cell.cpuset_reserved or set()
    return Seat(
        cell.id,
        cpumask.from_ids(pinned),
        (cell.pagesize if 'pagesize' in cell else None) or None,
    )
