"""A fleet as values: hosts, servers and the rules of placement about them.

What the operator's tools and plans reason about, wherever it was read: from
a live cloud (:mod:`numa_sched.nova.fleet`) or from a file
(:mod:`numa_sched.fleet.snapshot`). Frozen; what is not known is None, and
nothing here is asked again.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping

from numa_sched.destination import Node, Rules
from numa_sched.destination.cpu import GuestCPU
from numa_sched.topology import Guest, Host

UNKNOWN_NODE = Node()
DEFAULT_RULES = Rules()


@dataclasses.dataclass(frozen=True, slots=True)
class Inventory:
    """What a host has of one resource class, as placement counts it."""

    total: int
    reserved: int = 0
    ratio: float = 1.0
    used: int = 0

    @property
    def free(self) -> int:
        """What can still be allocated; may be below 0.

        Source: ``placement.objects.allocation_candidate``.
        """
        return math.floor((self.total - self.reserved) * self.ratio) - (
            self.used
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of placement, of the host itself: amounts and traits.

    As Nova reads flavor and image (``nova.scheduler.utils.ResourceRequest``):
    without what numbered groups, ports or request filters add.
    """

    resources: Mapping[str, int] = dataclasses.field(default_factory=dict)
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class Weigher:
    """A weigher of the scheduler, by the name of its class.

    ``least`` and ``most`` are the ends that it gives itself, None for what the
    hosts of a request have (``nova.weights.normalize``).
    """

    name: str
    least: float | None = None
    most: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Weighed:
    """What a weigher makes of a host: its own number, and its multiplier.

    ``raw`` is None where it depends on the request, or is not known.
    """

    raw: float | None
    multiplier: float


@dataclasses.dataclass(frozen=True, slots=True)
class FleetHost:
    """A compute host: one node of one nova-compute.

    ``host`` is None for a host without NUMA topology, ``error`` tells why its
    topology makes no sense (it has none then). ``node`` is what its
    hypervisor and its service are, ``traits`` and ``inventories`` those of its
    resource provider, by resource class; None for inventories not known.
    ``up`` is None if nobody knows; ``disabled`` tells why its service is
    disabled, '' if no reason was given, None if it is enabled. ``weighed`` is
    what weighers make of it, by their names. ``extra`` are keys of a file that
    are not known here.
    """

    name: str
    nodename: str
    uuid: str
    host: Host | None = None
    node: Node = UNKNOWN_NODE
    traits: frozenset[str] = frozenset()
    zone: str | None = None
    up: bool | None = None
    disabled: str | None = None
    error: str | None = None
    inventories: Mapping[str, Inventory] | None = None
    weighed: Mapping[str, Weighed] = dataclasses.field(default_factory=dict)
    extra: Mapping[str, object] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Flavor:
    """A flavor; memory is in MiB, disk in GiB.

    ``guest`` is what it asks of a host by itself, None for no NUMA topology;
    ``asked`` what it asks of placement, None if that is not known. ``error``
    tells why Nova makes nothing of it.
    """

    name: str
    vcpus: int
    memory_mb: int
    disk_gb: int = 0
    extra_specs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    guest: Guest | None = None
    asked: Asked | None = None
    error: str | None = None
    extra: Mapping[str, object] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Seat:
    """Where one cell of a guest is: cell id, host CPUs as a mask, pages."""

    cell: int
    pinned: int = 0
    page_size_kb: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """A server, and what it holds of its host.

    ``guest`` is what it asks of a host, None for no NUMA topology; ``seats``
    are one for each cell of it, none if it was never claimed. ``asked`` is
    what it asks of placement, None if that is not known. ``cpu`` is the CPU
    that it was given, None for that of its host, ``emulated`` whether it may
    be one of another architecture. ``zone`` is the one that it was asked for
    in, ``group`` the UUID of its server group. ``vm_state`` and ``task_state``
    are Nova's. ``ports`` are its ports by type and ``vnic_type`` of Nova, None
    if they are not known. ``error`` tells why what it asks for makes no sense.
    """

    uuid: str
    name: str
    project: str | None
    host: str | None
    nodename: str | None
    flavor: Flavor
    image_properties: Mapping[str, str] = dataclasses.field(
        default_factory=dict
    )
    guest: Guest | None = None
    seats: tuple[Seat, ...] = ()
    vm_state: str | None = None
    task_state: str | None = None
    locked: bool = False
    group: str | None = None
    asked: Asked | None = None
    cpu: GuestCPU | None = None
    emulated: bool = False
    zone: str | None = None
    ports: tuple[tuple[str | None, str | None], ...] | None = None
    error: str | None = None
    extra: Mapping[str, object] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Aggregate:
    """A host aggregate; ``hosts`` are names of compute services."""

    uuid: str
    name: str
    hosts: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class ServerGroup:
    """A server group; ``members`` are UUIDs of servers.

    ``policy`` is Nova's: ``affinity``, ``anti-affinity`` or soft ones;
    ``most_per_host`` is its rule ``max_server_per_host``.
    """

    uuid: str
    name: str
    policy: str
    members: frozenset[str] = frozenset()
    most_per_host: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Ranking:
    """How hosts are ranked, by ``[numa_sched]``; see the options.

    ``mix`` are the guests of ``fit_mix``, each with its share; none if the
    scheduler has its own idea. ``weighers`` are those of ``[filter_scheduler]
    weight_classes``, in Nova's order; None if nobody has told.
    """

    strategy: str = 'fragmentation'
    multiplier: float = 10.0
    mix: tuple[tuple[Guest, float], ...] = ()
    weighers: tuple[Weigher, ...] | None = None


DEFAULT_RANKING = Ranking()


@dataclasses.dataclass(frozen=True)
class Fleet:
    """All of it. ``taken_at`` is a time in ISO 8601, UTC.

    ``packing``, ``rules`` and ``ranking`` are what the configuration makes of
    it: ``[compute] packing_host_numa_cells_allocation_strategy``, the rules
    of live migrations, and how hosts are ranked. ``image_wishes`` is that of
    ``[numa_sched]``: whether the properties of images count as wishes.
    """

    hosts: tuple[FleetHost, ...]
    servers: tuple[Server, ...] = ()
    flavors: tuple[Flavor, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    groups: tuple[ServerGroup, ...] = ()
    taken_at: str | None = None
    packing: bool = False
    image_wishes: bool = True
    rules: Rules = DEFAULT_RULES
    ranking: Ranking = DEFAULT_RANKING
    extra: Mapping[str, object] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def by_host(self) -> Mapping[tuple[str, str], tuple[Server, ...]]:
        """The servers of each host, by its name and that of its node."""
        found: dict[tuple[str, str], list[Server]] = {
            (host.name, host.nodename): [] for host in self.hosts
        }
        for server in self.servers:
            if server.host is not None and server.nodename is not None:
                key = server.host, server.nodename
                found.setdefault(key, []).append(server)
        return {key: tuple(servers) for key, servers in found.items()}
