"""JSON to values: the snapshot format of ``doc/source/snapshot.rst``."""

from collections.abc import Callable, Collection, Hashable
from typing import TypeVar

from numa_sched.destination import Node, Rules, parse_version
from numa_sched.exceptions import SnapshotError
from numa_sched.fleet import (
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
from numa_sched.fleet import fields as f
from numa_sched.fleet.fields import FieldError, Told
from numa_sched.fleet.guest_reading import guest, guest_cpu, guest_or_none
from numa_sched.fleet.host_reading import HostReader
from numa_sched.topology import Guest

VERSION = 1

# All else is kept as it is.
_IN_FLEET = """
    version taken_at packing image_wishes rules ranking hosts servers flavors
    aggregates server_groups
"""
_IN_HOST = """
    name nodename uuid hypervisor_type hypervisor_version cpu has_kvm
    service_version cpu_allocation_ratio ram_allocation_ratio traits
    inventories zone up disabled error cells pci_pools spares_devices weights
"""
_IN_FLAVOR = """
    name vcpus memory_mb disk_gb extra_specs numa_topology asked error
"""
_IN_SERVER = """
    uuid name project host nodename flavor image_properties numa_topology
    claimed asked cpu emulated zone vm_state task_state locked group
    ports error
"""
KNOWN_IN_FLEET = frozenset(_IN_FLEET.split())
KNOWN_IN_HOST = frozenset(_IN_HOST.split())
KNOWN_IN_FLAVOR = frozenset(_IN_FLAVOR.split())
KNOWN_IN_SERVER = frozenset(_IN_SERVER.split())

Value = TypeVar('Value')


def fleet(told: object) -> Fleet:
    """Give the fleet of a parsed snapshot.

    :raises SnapshotError: that names what is wrong by its path
    """
    if not isinstance(told, dict):
        raise SnapshotError(f'is {f.shown(told)}, not a snapshot')
    version = f.whole(told, 'version', least=1)
    if version > VERSION:
        raise SnapshotError(
            f'is of version {version}, of which this numa-sched knows '
            f'nothing: it reads up to {VERSION}'
        )
    flavors = f.all_of(told, 'flavors', _flavor)
    by_name = {each.name: each for each in flavors}
    _unique('flavors', by_name, flavors)
    hosts = f.all_of(told, 'hosts', _Hosts().read)
    _unique('hosts', {(each.name, each.nodename) for each in hosts}, hosts)
    servers = f.all_of(told, 'servers', _Servers(by_name).read)
    _unique('servers', {each.uuid for each in servers}, servers)
    return Fleet(
        hosts=hosts,
        servers=servers,
        flavors=flavors,
        aggregates=f.all_of(told, 'aggregates', _aggregate),
        groups=f.all_of(told, 'server_groups', _group),
        taken_at=f.text_or_none(told, 'taken_at'),
        packing=f.truth(told, 'packing', False),
        image_wishes=f.truth(told, 'image_wishes', True),
        rules=f.one_of(told, 'rules', _rules),
        ranking=f.one_of(told, 'ranking', _ranking),
        extra=f.rest(told, KNOWN_IN_FLEET),
    )


def _unique(
    key: str, found: Collection[object], values: Collection[object]
) -> None:
    if len(found) < len(values):
        raise FieldError(key, 'two of them have the same name')


class _Hosts:
    """Reads hosts; those of one kind share what they have in common."""

    def __init__(self) -> None:
        self._reader = HostReader()

    def read(self, told: Told) -> FleetHost:
        name = f.text(told, 'name')
        host = None
        if told.get('cells') is not None:
            host = self._reader.host(name, told)
        return FleetHost(
            name=name,
            nodename=f.text_or_none(told, 'nodename') or name,
            uuid=f.text_or_none(told, 'uuid') or name,
            host=host,
            node=Node(
                hypervisor_type=f.text_or_none(told, 'hypervisor_type'),
                hypervisor_version=f.whole_or_none(told, 'hypervisor_version'),
                cpu=f.one_of(told, 'cpu', self._reader.cpu),
                has_kvm=f.truth(told, 'has_kvm', True),
                service_version=f.whole_or_none(told, 'service_version'),
            ),
            traits=self._reader.names(told, 'traits'),
            inventories=_inventories(told),
            weighed=_by_name(told, 'weights', _weighed),
            zone=f.text_or_none(told, 'zone'),
            up=f.truth_or_none(told, 'up'),
            disabled=f.text_or_none(told, 'disabled'),
            error=f.text_or_none(told, 'error'),
            extra=f.rest(told, KNOWN_IN_HOST),
        )


def _inventories(told: Told) -> dict[str, Inventory] | None:
    if told.get('inventories') is None:
        return None
    return _by_name(told, 'inventories', _inventory)


def _by_name(
    told: Told, key: str, read: Callable[[Told], Value]
) -> dict[str, Value]:
    """Give what is read of each value of an object, by its key."""
    found = {}
    whole = f.mapping(told, key)
    for name in whole:
        f.text({name: name}, name)
        try:
            found[name] = f.one_of(whole, name, read)
        except FieldError as error:
            raise error.within(key) from None
    return found


def _weighed(told: Told) -> Weighed:
    return Weighed(
        raw=_number_or_none(told, 'raw'),
        multiplier=f.number(told, 'multiplier', 1.0),
    )


def _number_or_none(told: Told, key: str) -> float | None:
    return None if told.get(key) is None else f.number(told, key, 0.0)


def _inventory(told: Told) -> Inventory:
    ratio = f.number(told, 'ratio', 1.0)
    if ratio < 0:
        raise f.wrong('ratio', 'a number from 0 on', ratio)
    return Inventory(
        total=f.whole(told, 'total'),
        reserved=f.whole(told, 'reserved', 0),
        ratio=ratio,
        used=f.whole(told, 'used', 0),
    )


def _flavor(told: Told) -> Flavor:
    return Flavor(
        name=f.text(told, 'name'),
        vcpus=f.whole(told, 'vcpus'),
        memory_mb=f.whole(told, 'memory_mb'),
        disk_gb=f.whole(told, 'disk_gb', 0),
        extra_specs=f.text_mapping(told, 'extra_specs'),
        guest=guest_or_none(told),
        asked=_asked_or_none(told),
        error=f.text_or_none(told, 'error'),
        extra=f.rest(told, KNOWN_IN_FLAVOR),
    )


def _asked_or_none(told: Told) -> Asked | None:
    if told.get('asked') is None:
        return None
    return f.one_of(told, 'asked', _asked)


def _asked(told: Told) -> Asked:
    return Asked(
        resources=f.numbers(told, 'resources'),
        required=frozenset(f.texts(told, 'required')),
        forbidden=frozenset(f.texts(told, 'forbidden')),
    )


class _Servers:
    """Reads servers, most of which are of flavors that are known."""

    def __init__(self, flavors: dict[str, Flavor]):
        self._flavors = flavors
        # Equal ones are the same, so that they are worked out once.
        self._guests: dict[Hashable, Guest] = {}

    def read(self, told: Told) -> Server:
        flavor = self._flavor(told)
        asked = flavor.guest
        if 'numa_topology' in told:
            asked = guest_or_none(told)
            if asked is not None:
                asked = self._guests.setdefault(asked, asked)
        seats = f.all_of(told, 'claimed', _seat)
        if seats and (asked is None or len(seats) != len(asked.cells)):
            raise FieldError(
                'claimed', 'has not as many cells as numa_topology'
            )
        return Server(
            uuid=f.text(told, 'uuid'),
            name=f.text_or_none(told, 'name') or '',
            project=f.text_or_none(told, 'project'),
            host=f.text_or_none(told, 'host'),
            nodename=f.text_or_none(told, 'nodename')
            or f.text_or_none(told, 'host'),
            flavor=flavor,
            image_properties=f.text_mapping(told, 'image_properties'),
            guest=asked,
            seats=seats,
            asked=_asked_or_none(told) if 'asked' in told else flavor.asked,
            cpu=guest_cpu(told),
            emulated=f.truth(told, 'emulated', False),
            zone=f.text_or_none(told, 'zone'),
            vm_state=f.text_or_none(told, 'vm_state'),
            task_state=f.text_or_none(told, 'task_state'),
            locked=f.truth(told, 'locked', False),
            group=f.text_or_none(told, 'group'),
            ports=_ports(told),
            error=f.text_or_none(told, 'error'),
            extra=f.rest(told, KNOWN_IN_SERVER),
        )

    def _flavor(self, told: Told) -> Flavor:
        if isinstance(told.get('flavor'), dict):
            return f.one_of(told, 'flavor', _flavor)
        name = f.text(told, 'flavor')
        if name not in self._flavors:
            raise FieldError('flavor', f'flavors has no {f.shown(name)}')
        return self._flavors[name]


def _ports(told: Told) -> tuple[tuple[str | None, str | None], ...] | None:
    if told.get('ports') is None:
        return None
    return f.all_of(
        told,
        'ports',
        lambda port: (
            f.text_or_none(port, 'vif_type'),
            f.text_or_none(port, 'vnic_type'),
        ),
    )


def _seat(told: Told) -> Seat:
    return Seat(
        cell=f.whole(told, 'cell'),
        pinned=f.cpus(told, 'pinned_cpus'),
        page_size_kb=f.whole_or_none(told, 'page_size_kb', least=1),
    )


def _aggregate(told: Told) -> Aggregate:
    return Aggregate(
        uuid=f.text(told, 'uuid'),
        name=f.text_or_none(told, 'name') or '',
        hosts=frozenset(f.texts(told, 'hosts')),
        metadata=f.text_mapping(told, 'metadata'),
    )


def _group(told: Told) -> ServerGroup:
    return ServerGroup(
        uuid=f.text(told, 'uuid'),
        name=f.text_or_none(told, 'name') or '',
        policy=f.text(told, 'policy'),
        members=frozenset(f.texts(told, 'members')),
        most_per_host=f.whole(told, 'most_per_host', 1),
    )


def _rules(told: Told) -> Rules:
    cap = f.text_or_none(told, 'version_cap')
    if cap is not None and parse_version(cap) is None:
        raise f.wrong('version_cap', 'a version such as "5.3"', cap)
    return Rules(
        older_hypervisors=f.truth(told, 'older_hypervisors', False),
        compares_cpus=f.truth(told, 'compares_cpus', True),
        moves_numa_without_claim=f.truth(
            told, 'moves_numa_without_claim', False
        ),
        version_cap=parse_version(cap),
    )


def _ranking(told: Told) -> Ranking:
    return Ranking(
        strategy=f.text_or_none(told, 'strategy') or 'fragmentation',
        multiplier=f.number(told, 'multiplier', 10.0),
        mix=f.all_of(told, 'mix', _part_of_mix),
        weighers=None
        if told.get('weighers') is None
        else f.all_of(told, 'weighers', _weigher),
    )


def _weigher(told: Told) -> Weigher:
    return Weigher(
        f.text(told, 'name'),
        _number_or_none(told, 'least'),
        _number_or_none(told, 'most'),
    )


def _part_of_mix(told: Told) -> tuple[Guest, float]:
    share = f.number(told, 'share', 1.0)
    if share <= 0:
        raise f.wrong('share', 'a number above 0', share)
    return f.one_of(told, 'numa_topology', guest), share
