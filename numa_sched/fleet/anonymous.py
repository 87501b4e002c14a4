"""A fleet without the names of anybody, to be shown to others.

What stays is what answers depend on: topologies, sizes, traits that everybody
has, which server is where. The same name is the same again.
"""

import dataclasses
import functools
import uuid
from collections.abc import Callable, Hashable, Iterable, Mapping

from numa_sched.fleet import (
    Aggregate,
    Asked,
    Flavor,
    Fleet,
    FleetHost,
    Ranking,
    Server,
    ServerGroup,
)
from numa_sched.topology import (
    CellLayout,
    DeviceKind,
    DeviceRequest,
    Guest,
    Host,
    HostLayout,
)

_KEPT_SPECS = ('hw:', 'compute:', 'resources', 'trait')
_KEPT_PROPERTIES = ('hw_', 'compute_live_migration_', 'trait')
_KEPT_OF_DEVICES = ('dev_type', 'product_id', 'vendor_id')
_KEPT_METADATA = ('fit_weight_multiplier',)
_PRIVATE = 'CUSTOM_'


def anonymised(fleet: Fleet) -> Fleet:
    """Give a fleet with other names, UUIDs and projects.

    Keys that are not known, reasons and free text are left out.
    """
    return _Anonymiser().fleet(fleet)


class _Names:
    """New names of one kind, numbered as the old ones come up."""

    def __init__(self, make: Callable[[int], str]):
        self._make = make
        self._names: dict[Hashable, str] = {}

    def __call__(self, name: Hashable) -> str:
        if name not in self._names:
            self._names[name] = self._make(len(self._names) + 1)
        return self._names[name]

    def or_none(self, name: Hashable | None) -> str | None:
        return None if name is None else self(name)


class _Anonymiser:
    def __init__(self) -> None:
        self._host = _Names('host-{}'.format)
        self._server = _Names('server-{}'.format)
        self._flavor_name = _Names('flavor-{}'.format)
        self._other = _Names('name-{}'.format)
        self._project = _Names('project-{}'.format)
        self._zone = _Names('zone-{}'.format)
        self._network = _Names('physnet-{}'.format)
        self._private = _Names(f'{_PRIVATE}{{}}'.format)
        self._value = _Names('value-{}'.format)
        self._uuid = _Names(lambda number: str(uuid.UUID(int=number)))
        self._layout = functools.cache(self._new_layout)
        self._flavor = _by_identity(self._new_flavor)

    def fleet(self, fleet: Fleet) -> Fleet:
        return dataclasses.replace(
            fleet,
            hosts=tuple(map(self._fleet_host, fleet.hosts)),
            flavors=tuple(map(self._flavor, fleet.flavors)),
            servers=tuple(map(self._fleet_server, fleet.servers)),
            aggregates=tuple(map(self._aggregate, fleet.aggregates)),
            groups=tuple(map(self._group, fleet.groups)),
            ranking=self._ranking(fleet.ranking),
            extra={},
        )

    def _ranking(self, ranking: Ranking) -> Ranking:
        return dataclasses.replace(
            ranking,
            mix=tuple(
                (self._guest(guest), share) for guest, share in ranking.mix
            ),
        )

    def _fleet_host(self, host: FleetHost) -> FleetHost:
        name = self._host(host.name)
        inventories = host.inventories
        return dataclasses.replace(
            host,
            name=name,
            nodename=self._host(host.nodename),
            uuid=self._uuid(host.uuid),
            host=host.host and self._topology(name, host.host),
            traits=self._names(host.traits),
            inventories=inventories
            and {self._name(key): each for key, each in inventories.items()},
            zone=self._zone.or_none(host.zone),
            disabled=None if host.disabled is None else '',
            error=host.error and 'its data make no sense',
            extra={},
        )

    def _name(self, name: str) -> str:
        """Give the name of a trait or a resource class, private or not."""
        return self._private(name) if name.startswith(_PRIVATE) else name

    def _names(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(map(self._name, sorted(names)))

    def _topology(self, name: str, host: Host) -> Host:
        return dataclasses.replace(
            host,
            name=name,
            layout=self._layout(host.layout),
            pools=tuple(
                pool._replace(
                    kind=self._kind(pool.kind),
                    provider=self._uuid.or_none(pool.provider),
                )
                for pool in host.pools
            ),
        )

    def _new_layout(self, layout: HostLayout) -> HostLayout:
        return HostLayout(tuple(map(self._cell, layout.cells)))

    def _cell(self, cell: CellLayout) -> CellLayout:
        if cell.physnets is None:
            return cell
        return dataclasses.replace(
            cell, physnets=self._networks(cell.physnets)
        )

    def _networks(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(map(self._network, sorted(names)))

    def _kind(self, kind: DeviceKind) -> DeviceKind:
        return frozenset(
            (key, self._of_device(key, value)) for key, value in kind
        )

    def _of_device(self, key: str, value: Hashable) -> Hashable:
        if value is None or key in _KEPT_OF_DEVICES:
            return value
        if isinstance(value, frozenset):
            return frozenset(map(self._value, sorted(value)))
        # Networks are written as they were named, and compared in lower case.
        return self._value(value)

    def _guest(self, guest: Guest) -> Guest:
        return dataclasses.replace(
            guest,
            physnets=self._networks(guest.physnets),
            devices=tuple(map(self._request, guest.devices)),
        )

    def _request(self, request: DeviceRequest) -> DeviceRequest:
        kinds = tuple(map(self._kind, request.kinds))
        return dataclasses.replace(request, kinds=kinds)

    def _asked(self, asked: Asked) -> Asked:
        return Asked(
            {self._name(key): each for key, each in asked.resources.items()},
            self._names(asked.required),
            self._names(asked.forbidden),
        )

    def _kept(
        self, told: Mapping[str, str], prefixes: tuple[str, ...]
    ) -> dict[str, str]:
        kept = {}
        for key, value in told.items():
            if key.startswith(prefixes):
                group, colon, name = key.partition(':')
                kept[group + colon + self._name(name)] = value
        return kept

    def _new_flavor(self, flavor: Flavor) -> Flavor:
        return dataclasses.replace(
            flavor,
            name=self._flavor_name(flavor.name),
            extra_specs=self._kept(flavor.extra_specs, _KEPT_SPECS),
            guest=flavor.guest and self._guest(flavor.guest),
            asked=flavor.asked and self._asked(flavor.asked),
            error=flavor.error and 'Nova makes nothing of it',
            extra={},
        )

    def _fleet_server(self, server: Server) -> Server:
        return dataclasses.replace(
            server,
            uuid=self._uuid(server.uuid),
            name=self._server(server.name),
            project=self._project.or_none(server.project),
            host=self._host.or_none(server.host),
            nodename=self._host.or_none(server.nodename),
            flavor=self._flavor(server.flavor),
            image_properties=self._kept(
                server.image_properties, _KEPT_PROPERTIES
            ),
            guest=server.guest and self._guest(server.guest),
            asked=server.asked and self._asked(server.asked),
            zone=self._zone.or_none(server.zone),
            group=self._uuid.or_none(server.group),
            error=server.error and 'what it asks for makes no sense',
            extra={},
        )

    def _aggregate(self, aggregate: Aggregate) -> Aggregate:
        metadata = {
            key: value
            for key, value in aggregate.metadata.items()
            if key in _KEPT_METADATA
        }
        if 'availability_zone' in aggregate.metadata:
            zone = self._zone(aggregate.metadata['availability_zone'])
            metadata['availability_zone'] = zone
        return Aggregate(
            uuid=self._uuid(aggregate.uuid),
            name=self._other(aggregate.name),
            hosts=frozenset(map(self._host, sorted(aggregate.hosts))),
            metadata=metadata,
        )

    def _group(self, group: ServerGroup) -> ServerGroup:
        return dataclasses.replace(
            group,
            uuid=self._uuid(group.uuid),
            name=self._other(group.name),
            members=frozenset(map(self._uuid, sorted(group.members))),
        )


def _by_identity(make: Callable[[Flavor], Flavor]) -> Callable[..., Flavor]:
    """Give a function that makes one of each object; they cannot be hashed."""
    made: dict[int, tuple[Flavor, Flavor]] = {}

    def get(flavor: Flavor) -> Flavor:
        if id(flavor) not in made:
            made[id(flavor)] = flavor, make(flavor)
        return made[id(flavor)][1]

    return get
