"""Values to JSON: the snapshot format of ``doc/source/snapshot.rst``.

What is as it would be read anyway is left out.
"""

from collections.abc import Mapping
from typing import Any

from numa_sched import cpumask
from numa_sched.destination.cpu import GuestCPU, HostCPU
from numa_sched.fleet import (
    DEFAULT_RULES,
    Aggregate,
    Asked,
    Flavor,
    Fleet,
    FleetHost,
    Inventory,
    Ranking,
    Seat,
    Server,
    ServerGroup,
    Weighed,
    Weigher,
)
from numa_sched.fleet.fields import Told
from numa_sched.fleet.guest_reading import PAGE_SIZES
from numa_sched.fleet.reading import VERSION
from numa_sched.topology import (
    CellLayout,
    DeviceKind,
    DevicePool,
    DeviceRequest,
    Guest,
    GuestCell,
    Host,
    HostCell,
)

_NAMES_OF_SIZES: dict[int | None, str] = {
    size: name for name, size in PAGE_SIZES.items()
}


def fleet(value: Fleet) -> Told:
    """Give a fleet as an object of JSON."""
    known = {flavor.name: flavor for flavor in value.flavors}
    return {
        'version': VERSION,
        **_told(taken_at=value.taken_at, packing=value.packing or None),
        **_told(image_wishes=None if value.image_wishes else False),
        **_told(rules=_rules(value), ranking=_ranking(value.ranking)),
        'hosts': [_host(each) for each in value.hosts],
        'servers': [_server(each, known) for each in value.servers],
        'flavors': [_flavor(each) for each in value.flavors],
        'aggregates': [_aggregate(each) for each in value.aggregates],
        'server_groups': [_group(each) for each in value.groups],
        **value.extra,
    }


def _told(**fields: Any) -> Told:
    """Give the fields that tell anything."""
    return {
        key: value
        for key, value in fields.items()
        if value is not None and value != {} and value != []
    }


def _rules(value: Fleet) -> Told:
    rules = value.rules
    if rules == DEFAULT_RULES:
        return {}
    cap = rules.version_cap
    return {
        'older_hypervisors': rules.older_hypervisors,
        'compares_cpus': rules.compares_cpus,
        'moves_numa_without_claim': rules.moves_numa_without_claim,
        **_told(version_cap=cap and '{}.{}'.format(*cap)),
    }


def _ranking(ranking: Ranking) -> Told:
    return {
        'strategy': ranking.strategy,
        'multiplier': ranking.multiplier,
        **_told(
            mix=[
                {'numa_topology': _guest(guest), 'share': share}
                for guest, share in ranking.mix
            ]
        ),
        **(
            {}
            if ranking.weighers is None
            else {'weighers': [_weigher(each) for each in ranking.weighers]}
        ),
    }


def _weigher(weigher: Weigher) -> Told:
    return {
        'name': weigher.name,
        **_told(least=weigher.least, most=weigher.most),
    }


def _host(value: FleetHost) -> Told:
    node = value.node
    return {
        'name': value.name,
        'nodename': value.nodename,
        'uuid': value.uuid,
        **_told(
            zone=value.zone,
            up=value.up,
            disabled=value.disabled,
            error=value.error,
            hypervisor_type=node.hypervisor_type,
            hypervisor_version=node.hypervisor_version,
            service_version=node.service_version,
            has_kvm=None if node.has_kvm else False,
            cpu=_cpu(node.cpu),
            traits=sorted(value.traits),
            weights={
                name: _weighed(each) for name, each in value.weighed.items()
            },
        ),
        **(
            {}
            if value.inventories is None
            else {'inventories': _inventories(value.inventories)}
        ),
        **({} if value.host is None else _topology(value.host)),
        **value.extra,
    }


def _weighed(weighed: Weighed) -> Told:
    return {'multiplier': weighed.multiplier, **_told(raw=weighed.raw)}


def _cpu(cpu: HostCPU) -> Told:
    return _told(
        arch=cpu.arch,
        vendor=cpu.vendor,
        model=cpu.model,
        features=sorted(cpu.features),
    )


def _inventories(inventories: Mapping[str, Inventory]) -> Told:
    return {
        name: {
            'total': each.total,
            'reserved': each.reserved,
            'ratio': each.ratio,
            'used': each.used,
        }
        for name, each in inventories.items()
    }


def _topology(host: Host) -> Told:
    return {
        'cpu_allocation_ratio': host.cpu_allocation_ratio,
        'ram_allocation_ratio': host.ram_allocation_ratio,
        'cells': [_cell(each) for each in host.cells],
        **_told(
            pci_pools=[_pool(each) for each in host.pools],
            spares_devices=None if host.spares_devices else False,
        ),
    }


def _cell(cell: HostCell) -> Told:
    layout = cell.layout
    return {
        'id': layout.id,
        **_told(socket=layout.socket),
        'memory_mb': cell.memory_mb,
        'memory_used_mb': cell.memory_used_mb,
        'shared_cpus': cpumask.to_list(layout.shared),
        'shared_cpus_used': cell.shared_used,
        'dedicated_cpus': cpumask.to_list(layout.dedicated),
        'pinned_cpus': cpumask.to_list(cell.pinned),
        'siblings': [cpumask.to_list(core) for core in layout.siblings],
        'mempages': [
            {'size_kb': size, 'total': total, 'reserved': kept, 'used': used}
            for size, total, kept, used in zip(
                layout.page_sizes_kb,
                cell.pages_total,
                cell.pages_reserved,
                cell.pages_used,
                strict=True,
            )
        ],
        **_networks(layout),
    }


def _networks(layout: CellLayout) -> Told:
    networks: Told = {'tunneled': True} if layout.tunneled else {}
    if layout.physnets is not None:
        networks['physnets'] = sorted(layout.physnets)
    return networks


def _pool(pool: DevicePool) -> Told:
    return {
        'cell': pool.cell,
        'kind': _kind(pool.kind),
        'count': pool.count,
        **_told(provider=pool.provider),
    }


def _kind(kind: DeviceKind) -> Told:
    return {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in sorted(kind, key=lambda each: each[0])
    }


def _flavor(value: Flavor) -> Told:
    return {
        'name': value.name,
        'vcpus': value.vcpus,
        'memory_mb': value.memory_mb,
        'disk_gb': value.disk_gb,
        **_told(
            extra_specs=dict(value.extra_specs),
            numa_topology=value.guest and _guest(value.guest),
            asked=None if value.asked is None else _asked(value.asked),
            error=value.error,
        ),
        **value.extra,
    }


def _asked(asked: Asked) -> Told:
    return {
        'resources': dict(asked.resources),
        **_told(
            required=sorted(asked.required),
            forbidden=sorted(asked.forbidden),
        ),
    }


def _guest(guest: Guest) -> Told:
    return {
        'cells': [_guest_cell(each) for each in guest.cells],
        **_told(
            isolate_emulator=guest.isolate_emulator or None,
            physnets=sorted(guest.physnets),
            tunneled=guest.tunneled or None,
            devices=[_device_request(each) for each in guest.devices],
        ),
    }


def _guest_cell(cell: GuestCell) -> Told:
    size = cell.page_size
    return {
        'memory_mb': cell.memory_mb,
        'shared': cell.shared,
        'dedicated': cell.dedicated,
        'cpu_policy': cell.cpu_policy.value,
        **_told(
            thread_policy=cell.thread_policy and cell.thread_policy.value,
            page_size=_NAMES_OF_SIZES.get(size) or size,
        ),
    }


def _device_request(request: DeviceRequest) -> Told:
    return {
        'count': request.count,
        'kinds': [_kind(kind) for kind in request.kinds],
        'affinity': request.affinity.value,
    }


def _server(value: Server, flavors: Mapping[str, Flavor]) -> Told:
    flavor = value.flavor
    is_known = flavors.get(flavor.name) == flavor
    return {
        'uuid': value.uuid,
        'name': value.name,
        **_told(
            project=value.project, host=value.host, nodename=value.nodename
        ),
        'flavor': flavor.name if is_known else _flavor(flavor),
        **_told(image_properties=dict(value.image_properties)),
        **(
            {}
            if value.guest == flavor.guest
            else {'numa_topology': value.guest and _guest(value.guest)}
        ),
        **_told(claimed=[_seat(each) for each in value.seats]),
        **(
            {}
            if value.asked == flavor.asked
            else {'asked': value.asked and _asked(value.asked)}
        ),
        **_told(
            cpu=None if value.cpu is None else _guest_cpu(value.cpu),
            emulated=value.emulated or None,
            zone=value.zone,
            vm_state=value.vm_state,
            task_state=value.task_state,
            locked=value.locked or None,
            group=value.group,
            error=value.error,
        ),
        **({} if value.ports is None else {'ports': _ports(value)}),
        **value.extra,
    }


def _ports(value: Server) -> list[Told]:
    return [
        _told(vif_type=vif_type, vnic_type=vnic_type)
        for vif_type, vnic_type in value.ports or ()
    ]


def _guest_cpu(cpu: GuestCPU) -> Told:
    # Never empty: that it is there tells that the guest was given a CPU.
    return {'vendor': cpu.vendor, **_told(required=sorted(cpu.required))}


def _seat(seat: Seat) -> Told:
    return {
        'cell': seat.cell,
        **_told(
            pinned_cpus=cpumask.to_list(seat.pinned) or None,
            page_size_kb=seat.page_size_kb,
        ),
    }


def _aggregate(value: Aggregate) -> Told:
    return {
        'uuid': value.uuid,
        'name': value.name,
        'hosts': sorted(value.hosts),
        **_told(metadata=dict(value.metadata)),
    }


def _group(value: ServerGroup) -> Told:
    return {
        'uuid': value.uuid,
        'name': value.name,
        'policy': value.policy,
        'members': sorted(value.members),
        'most_per_host': value.most_per_host,
    }
